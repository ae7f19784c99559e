"""Functions of the product, wrapped by a test or a benchmark wherever a module knows them by name."""

import pkgutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

_PACKAGES = ("cds_service", "cards", "coverage_policies", "fhir_mappings")

Wrapper = Callable[[Callable[..., Any]], Callable[..., Any]]


@contextmanager
def wrapped(name: str, wrapper: Wrapper) -> Iterator[None]:
    """Wrap a function or method while the context lasts: `cds_service.hooks.review:review`, `…:Assessor.assess`.

    A function is replaced in every module that has imported it. Raise AttributeError if there is none of this name.
    """
    module, _, path = name.partition(":")
    owner, _, attribute = path.rpartition(".")
    holder = pkgutil.resolve_name(f"{module}:{owner}" if owner else module)
    written = vars(holder)[attribute] if attribute in vars(holder) else getattr(holder, attribute)
    if isinstance(written, classmethod):
        replacement: Any = classmethod(wrapper(written.__func__))
    else:
        replacement = wrapper(written)
    places = _importers(written) if isinstance(holder, ModuleType) else [(holder, attribute)]
    for place, known_as in places:
        setattr(place, known_as, replacement)
    try:
        yield
    finally:
        for place, known_as in places:
            setattr(place, known_as, written)


def _importers(function: object) -> list[tuple[Any, str]]:
    """Return each module of the product that knows a function, and by which name."""
    modules = [module for name, module in sys.modules.items() if name.partition(".")[0] in _PACKAGES]
    return [(module, name) for module in modules for name, value in vars(module).items() if value is function]
