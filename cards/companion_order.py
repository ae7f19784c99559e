"""The draft of an order that belongs to another one (Da Vinci CRD, Identify Additional Orders)."""

from typing import Any

from coverage_policies.format.model import Companion
from coverage_policies.format.terms import RequestType
from fhir_mappings.fhir_json import Resource

_CODE = {RequestType.SERVICE: "code", RequestType.DEVICE: "codeCodeableConcept"}
_SHARED = ("encounter", "occurrenceDateTime", "occurrencePeriod", "authoredOn", "requester", "reasonCode", "insurance")
"""What a companion takes over from the order that it belongs to."""


def companion_order(companion: Companion, order: Resource, patient: str) -> dict[str, Any]:
    """Return the companion as a draft for the same patient, `Patient/id`, by the same requester, for the same day.

    It has no id: the client assigns one.
    """
    coding = {"system": companion.add.system, "code": companion.add.code, "display": companion.add.label}
    return {
        "resourceType": companion.request_type.value,
        "status": "draft",
        "intent": "order",
        _CODE[companion.request_type]: {"coding": [coding], "text": companion.add.label},
        "subject": order.get("subject") or {"reference": patient},
        **{name: order[name] for name in _SHARED if name in order},
    }
