"""What a system action changes about a draft order, element by element."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cds_service.web.sandbox.case import Case
from fhir_mappings.bundle import reference_of
from fhir_mappings.fhir_json import Json, Resource, dumps

_STEP = " › "
_CODING = {"system", "version", "code", "display", "userSelected"}


@dataclass(frozen=True, slots=True)
class Change:
    """One element below a part, with its value before and after; empty where it is absent."""

    element: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Part:
    """An element or extension of an order, by its name, and what changes in it."""

    name: str
    changes: tuple[Change, ...]

    @property
    def is_new(self) -> bool:
        """Return whether nothing of it was there before."""
        return not any(each.before for each in self.changes)


@dataclass(frozen=True, slots=True)
class ActionView:
    """A system action: what it does in words, to which resource, what it changes, and its resource as JSON."""

    description: str
    target: str
    parts: tuple[Part, ...]
    resource: str


def views(case: Case, actions: tuple[Mapping[str, Json], ...]) -> tuple[ActionView, ...]:
    """Return the system actions of a response to the orders of a case."""
    orders = {reference_of(each): each for each in case.orders}
    return tuple(_view(each, orders) for each in actions)


def _view(action: Mapping[str, Json], orders: Mapping[str, Resource]) -> ActionView:
    resource = action.get("resource", {})
    target = str(action.get("resourceId") or (reference_of(resource) if "id" in resource else resource["resourceType"]))
    before = orders.get(target, {})
    return ActionView(
        description=str(action.get("description", "")),
        target=target,
        parts=changed_parts(before, resource),
        resource=dumps(resource, indent=2),
    )


def changed_parts(before: Resource, after: Resource) -> tuple[Part, ...]:
    """Return what differs, in the order of the later resource, then what it lacks.

    A coding is one value, its code and system; the words of it do not count.
    """
    old, new = dict(_flat(before)), dict(_flat(after))
    found: dict[str, list[Change]] = {}
    for path in (*new, *(each for each in old if each not in new)):
        if old.get(path) != new.get(path):
            name, *rest = path
            found.setdefault(name, []).append(Change(_STEP.join(rest) or name, old.get(path, ""), new.get(path, "")))
    return tuple(Part(name, tuple(each)) for name, each in found.items())


def _flat(value: Json, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield the path and the value of each leaf. An extension is named by the end of its URL, its value has no name."""
    if isinstance(value, Mapping) and path and "code" in value and value.keys() <= _CODING:
        yield path, " ".join(str(value[name]) for name in ("code", "system") if name in value)
    elif isinstance(value, Mapping):
        is_extension = bool(path) and "url" in value
        for name, child in value.items():
            if not (is_extension and name == "url"):
                is_nameless = name == "extension" or (is_extension and name.startswith("value"))
                yield from _flat(child, path if is_nameless else (*path, name))
    elif isinstance(value, list):
        names = [_name(each) for each in value]
        many, met = Counter(names), Counter[str]()
        for name, child in zip(names, value, strict=True):
            met[name] += 1
            step = f"{name} {met[name]}".strip() if many[name] > 1 else name
            yield from _flat(child, (*path, step) if step else path)
    else:
        yield path, value if isinstance(value, str) else dumps(value)


def _name(item: Any) -> str:
    """Return the end of the URL of an extension in words; empty for any other member of a list."""
    url = item.get("url") if isinstance(item, Mapping) else None
    return url.rpartition("/")[2].removeprefix("ext-").replace("-", " ") if isinstance(url, str) else ""
