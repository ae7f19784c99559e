"""Every operator of the policy format, found in the package `coverage_policies.operators`."""

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from coverage_policies.format.operator import Operator
from coverage_policies.format.searches import ANSWERS, PROCEDURES

_PACKAGE = "coverage_policies.operators"


@cache
def operators() -> Mapping[str, Operator]:
    """Return every operator by its name.

    An operator is a module of the package with an `OPERATOR`. Modules are imported by name and at the first call,
    because operators are written with the format and cannot be below it.
    """
    package = import_module(_PACKAGE)
    modules = (import_module(f"{_PACKAGE}.{found.name}") for found in iter_modules(package.__path__))
    found = [module.OPERATOR for module in modules if hasattr(module, "OPERATOR")]
    return {operator.name: operator for operator in sorted(found, key=lambda operator: operator.name)}


@cache
def resource_types() -> tuple[str, ...]:
    """Return every resource type that judging may search: those of the operators, and what the evaluator itself reads.

    The evaluator reads clinicians' answers, and procedures for `on_date_of`.
    """
    own = {ANSWERS.resource_type, PROCEDURES.resource_type}
    return tuple(sorted(own.union(*(operator.resource_types for operator in operators().values()))))
