"""The service against the sample EHR's FHIR server, over HTTP."""

import pytest

from cds_service.fhir_client.memory import Store
from cds_service.sample_ehr.server import create_sample_ehr
from cds_service.wiring.serving import on_loopback
from coverage_policies.format.searches import CONDITIONS, IMAGING_STUDIES, observation_search
from tests.support.hook_fakes import Service, WatchingAssessor, authorization, bundle, call, condition


@pytest.mark.requirement("7.42", "7.43", "7.47")
def test_a_chart_is_read_in_pages_with_the_token_and_missing_types_are_reported() -> None:
    chart = bundle({"resourceType": "Patient", "id": "p-1"}, *(condition(str(number)) for number in range(5)))
    ehr = create_sample_ehr(
        Store.from_bundle(chart), token="token-1", page_size=2, offered=["Patient", "Condition", "Observation"]
    )
    judge = WatchingAssessor(CONDITIONS, IMAGING_STUDIES, observation_search(["http://loinc.org|72514-3"]))
    with on_loopback(ehr) as address:
        request = call(fhirServer=f"{address}/fhir", fhirAuthorization=authorization())
        assert Service(judge).post(request).status_code == 200
        refused = call(fhirServer=f"{address}/fhir", fhirAuthorization=authorization(access_token="other"))
        assert Service(judge).post(refused).status_code == 412
    record = judge.records[0]
    assert [one["id"] for one in record.of_type("Condition")] == ["0", "1", "2", "3", "4"]
    assert len(record.of_type("Patient")) == 1
    assert record.unavailable() == ()
    assert record.not_offered() == ("Coverage", "ImagingStudy")
