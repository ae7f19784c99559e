"""The prefetch of CRD services: what every call needs of the guide's standard set, in its words (CRD 2.2.1 found-27).

Whatever the policies need beyond it is queried (found-28). Practitioners, organizations, and locations decide nothing
before the policy of an order is known, so they are not asked for.
"""

from collections.abc import Mapping

from cards.crd_versions import CrdVersion
from cds_service.fhir_client.source import COVERAGE
from cds_service.hooks.hooks import Service

_ALWAYS = {
    "patient": "Patient/{{context.patientId}}",
    "encounter": "Encounter/{{context.encounterId}}",
    COVERAGE.key: "Coverage?patient={{context.patientId}}&status=active",
}
_DRAFTS = "context.draftOrders.entry.resource"
_BASED_ON = "context.appointments.entry.resource.basedOn"
_ALTERNATE = f"{_BASED_ON}.extension('http://hl7.org/fhir/StructureDefinition/alternate-reference').value"
_OF_DRAFTS = {
    "devices": f"Device?_id={{{{{_DRAFTS}.ofType(DeviceRequest).code.resolve().id}}}}",
    "medications": f"Medication?_id={{{{{_DRAFTS}.ofType(MedicationRequest).medication.resolve().id}}}}",
}
_OF_REQUESTS = {
    "devices": "Device?_id={{%deviceRequests.entry.resource.code.resolve().id}}",
    "medications": "Medication?_id={{%medicationRequests.entry.resource.medication.resolve().id}}",
}
_DISPATCHED = {
    f"{kind[0].lower()}{kind[1:]}s": f"{kind}?_id={{{{context.dispatchedOrders.resolve().ofType({kind}).id}}}}"
    for kind in (
        *("CommunicationRequest", "DeviceRequest", "MedicationRequest", "NutritionOrder", "ServiceRequest"),
        "VisionPrescription",
    )
}
_BOOKED = {
    "deviceRequests": f"DeviceRequest?_id={{{{{_ALTERNATE}.resolve().ofType(DeviceRequest).id}}}}",
    "serviceRequests": f"ServiceRequest?_id={{{{{_BASED_ON}.resolve().ofType(ServiceRequest).id}}}}",
    "medicationRequests": f"MedicationRequest?_id={{{{{_ALTERNATE}.resolve().ofType(MedicationRequest).id}}}}",
}
_OF_HOOK: Mapping[str, Mapping[str, str]] = {
    "order-select": _OF_DRAFTS,
    "order-sign": _OF_DRAFTS,
    "order-dispatch": _DISPATCHED | _OF_REQUESTS,
    "appointment-book": _BOOKED | _OF_REQUESTS,
}
"""A template that uses the result of another one comes after it (CDS Hooks 3.0, Prefetch tokens)."""
KEYS_OF_ORDERS = frozenset(key for templates in _OF_HOOK.values() for key in templates)
"""The keys of the guide under which a client sends the orders of a call and what they reference.

Plain services use some of these keys for searches for all of a patient's resources, which these are not.
"""
_HAS_NO_ENCOUNTER = "order-dispatch"


def prefetch_of(service: Service) -> dict[str, str]:
    """Return the templates of a CRD service, by key; in CRD 2.0.1 only with tokens of CDS Hooks 2.0.1."""
    if service.version is CrdVersion.V2_2:
        return {**_ALWAYS, **_OF_HOOK[service.hook]}
    return {
        key: template for key, template in _ALWAYS.items() if service.hook != _HAS_NO_ENCOUNTER or key != "encounter"
    }
