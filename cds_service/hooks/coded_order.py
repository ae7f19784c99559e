"""A draft order that says no more than a code, and the order-sign call in which one patient gets one order."""

from datetime import date

from coverage_policies.format.value_sets import Row
from fhir_mappings.codings import RXNORM
from fhir_mappings.fhir_json import Json, Resource


def coded_order(system: str, code: str, label: str, authored: date | None, own_id: str) -> Resource:
    """Return a draft order of a code without a patient: a MedicationRequest for RxNorm, else a ServiceRequest."""
    concept: dict[str, Json] = {"coding": [{"system": system, "code": code}]}
    if label:
        concept["text"] = label
    order: dict[str, Json] = {"id": own_id, "status": "draft", "intent": "order"}
    if authored is not None:
        order["authoredOn"] = authored.isoformat()
    if system == RXNORM:
        return order | {"resourceType": "MedicationRequest", "medicationCodeableConcept": concept}
    return order | {"resourceType": "ServiceRequest", "code": concept}


def order_of_row(row: Row, authored: date, own_id: str) -> Resource:
    """Return a draft order of a code of a policy."""
    return coded_order(row.system, row.code, row.label, authored, own_id)


def signing(order: Resource, patient: str, instance: str) -> Json:
    """Return the body of the order-sign call with which an EHR signs an order for a patient."""
    named = {**order, "subject": {"reference": f"Patient/{patient}"}}
    draft: Resource = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": named}]}
    context = {"userId": "Practitioner/1", "patientId": patient, "draftOrders": draft}
    return {"hook": "order-sign", "hookInstance": instance, "context": context}
