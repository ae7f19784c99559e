"""The CDS client of the sample EHR: the hook calls for its sample orders."""

from collections.abc import Callable, Mapping
from datetime import date

from cds_service.hooks.hooks import SERVICE_OF_HOOK
from cds_service.sample_ehr.patients import Sample, SampleOrder
from fhir_mappings.fhir_json import Json, Resource


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
    return {
        "hook": order.hook,
        "hookInstance": new_id(),
        "fhirServer": fhir_server,
        "fhirAuthorization": _authorization(token),
        "context": _context(sample.id, order.hook, {"resource": order.resource(today)}),
    }


def crd_call(
    patient: str,
    hook: str,
    order: Resource,
    coverage: Resource,
    *,
    fhir_server: str,
    token: str,
    new_id: Callable[[], str],
) -> Json:
    """Return the request body of a CRD client for one order, with the Coverage in its prefetch (CRD 2.2.1 dev-28)."""
    url = f"{fhir_server}/{order['resourceType']}/{order['id']}"
    return {
        "hook": hook,
        "hookInstance": new_id(),
        "fhirServer": fhir_server,
        "fhirAuthorization": _authorization(token),
        "context": _context(patient, hook, {"fullUrl": url, "resource": order}),
        "prefetch": {
            "coverage": {"resourceType": "Bundle", "type": "searchset", "total": 1, "entry": [{"resource": coverage}]}
        },
    }


def _context(patient: str, hook: str, entry: Mapping[str, Json]) -> Json:
    context: dict[str, Json] = {
        "userId": "Practitioner/sample-surgeon",
        "patientId": patient,
        "draftOrders": {"resourceType": "Bundle", "type": "collection", "entry": [entry]},
    }
    if SERVICE_OF_HOOK[hook].needs_selections:
        resource = entry["resource"]
        context["selections"] = [f"{resource['resourceType']}/{resource['id']}"]
    return context


def _authorization(token: str) -> Json:
    return {
        "access_token": token,
        "token_type": "Bearer",
        "expires_in": 300,
        "scope": "patient/*.rs",
        "subject": "coverage-policies",
    }
