"""The draft of an order that belongs to another one (Da Vinci CRD, Identify Additional Orders)."""

from collections.abc import Iterator, Mapping
from typing import Any

from coverage_policies.format.model import Companion
from coverage_policies.format.terms import RequestType
from fhir_mappings.bundle import contained_by_id
from fhir_mappings.fhir_json import Json, Resource

_CODE = {RequestType.SERVICE: "code", RequestType.DEVICE: "codeCodeableConcept"}
_SHARED = ("encounter", "occurrenceDateTime", "occurrencePeriod", "authoredOn", "requester", "reasonCode", "insurance")
"""What a companion takes over from the order that it belongs to."""


def companion_order(companion: Companion, order: Resource, patient: str) -> dict[str, Any]:
    """Return the companion as a draft for the same patient, `Patient/id`, by the same requester, for the same day.

    It has no id: the client assigns one. It contains what it takes over a reference to.
    """
    coding = {"system": companion.add.system, "code": companion.add.code, "display": companion.add.label}
    found: dict[str, Any] = {
        "resourceType": companion.request_type.value,
        "status": "draft",
        "intent": "order",
        _CODE[companion.request_type]: {"coding": [coding], "text": companion.add.label},
        "subject": order.get("subject") or {"reference": patient},
        **{name: order[name] for name in _SHARED if name in order},
    }
    if contained := list(_contained(found, contained_by_id(order))):
        found["contained"] = contained
    return found


def _contained(resource: Resource, within: Mapping[str, Resource]) -> Iterator[Resource]:
    """Yield what a resource refers to among contained resources, and what these refer to."""
    names = list(_local_references(resource))
    seen = set[str]()
    for name in names:
        if name in within and name not in seen:
            seen.add(name)
            names.extend(_local_references(within[name]))
            yield within[name]


def _local_references(value: Json) -> Iterator[str]:
    """Yield the id of every contained resource that a value refers to."""
    if isinstance(value, dict):
        target = value.get("reference")
        if isinstance(target, str) and target.startswith("#"):
            yield target[1:]
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _local_references(each)
