"""The sample EHR's side of CDS Hooks: the call it makes when a clinician picks or signs a sample order."""

from collections.abc import Callable
from datetime import date

from cds_service.hooks.hooks import SERVICE_OF_HOOK
from cds_service.sample_ehr.patients import Sample, SampleOrder
from fhir_mappings.fhir_json import Json


def hook_call(
    sample: Sample,
    order: SampleOrder,
    *,
    fhir_server: str,
    token: str,
    today: date,
    new_id: Callable[[], str],
) -> Json:
    """The body of a CDS Hooks 2.0.1 request for one sample order, without prefetch: the service queries the chart."""
    resource = order.resource(today)
    context: dict[str, Json] = {
        "userId": "Practitioner/sample-surgeon",
        "patientId": sample.id,
        "draftOrders": {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": resource}]},
    }
    if SERVICE_OF_HOOK[order.hook].needs_selections:
        context["selections"] = [f"{resource['resourceType']}/{resource['id']}"]
    return {
        "hook": order.hook,
        "hookInstance": new_id(),
        "fhirServer": fhir_server,
        "fhirAuthorization": {
            "access_token": token,
            "token_type": "Bearer",
            "expires_in": 300,
            "scope": "patient/*.rs",
            "subject": "coverage-policies",
        },
        "context": context,
    }
