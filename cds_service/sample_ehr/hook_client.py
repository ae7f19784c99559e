"""The CDS client of the sample EHR: the hook calls for its sample orders."""

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
    """Return a CDS Hooks 2.0.1 request body for a sample order, without prefetch: the service queries the chart."""
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
