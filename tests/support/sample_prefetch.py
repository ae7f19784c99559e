"""The prefetch of an EHR that satisfies every template of discovery for a sample patient."""

from urllib.parse import parse_qsl

from cds_service.fhir_client.source import searches_of_call
from cds_service.sample_ehr.patients import Sample, sample_store
from coverage_policies.judging.assessment import Assessor
from fhir_mappings.fhir_json import Json


def prefetch_of(sample: Sample, assessor: Assessor) -> dict[str, Json]:
    store = sample_store(None)
    found: dict[str, Json] = {}
    for search in searches_of_call(assessor.library.searches()):
        if search.key == "patient":
            found["patient"] = store.read("Patient", sample.id)
            continue
        hits = store.search(search.resource_type, parse_qsl(search.query(sample.id).partition("?")[2]))
        entry = [{"fullUrl": url, "resource": resource} for url, resource in hits]
        found[search.key] = {"resourceType": "Bundle", "type": "searchset", "entry": entry}
    return found
