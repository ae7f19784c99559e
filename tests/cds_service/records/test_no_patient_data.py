"""Names, ids and dates of patients are in no log line, error or row (house rule 3)."""

import pytest

from cds_service.records.tables import METADATA
from cds_service.sample_ehr.patients import SAMPLES
from tests.support.patient_data import broken_calls, leaks, secrets_of
from tests.support.record_fakes import RecordedService, overridden, sample_call


def everything_kept(service: RecordedService) -> str:
    """All rows of all tables and the whole log."""
    return "\n".join(
        [service.written.getvalue(), *(str(row) for table in METADATA.tables for row in service.rows(table))]
    )


@pytest.mark.requirement("7.124", "7.138")
def test_nothing_of_any_sample_patient_is_kept(recorded: RecordedService) -> None:
    recorded.clock.pass_days(4000)
    forbidden: set[str] = set()
    for sample in SAMPLES:
        for n in range(len(sample.orders)):
            body, chart = sample_call(sample.id, n)
            recorded.chart = chart
            forbidden |= secrets_of(body["context"], chart) | {body["fhirAuthorization"]["access_token"]}
            for card in recorded.cards(body):
                said = {"reason": {"code": chart["entry"][0]["resource"]["id"]}, "userComment": sample.id}
                assert recorded.send_feedback(overridden(card["uuid"], overrideReason=said)).status_code == 200
            assert recorded.call(body).status_code == 200
            for broken in broken_calls(body):
                response = recorded.call(broken)
                assert response.status_code == 400
                assert leaks(response.text, forbidden) == set()
            refused = recorded.send_feedback({"card": sample.id, "outcome": sample.id, "outcomeTimestamp": sample.id})
            assert refused.status_code == 400
            assert leaks(refused.text, forbidden) == set()
    kept = everything_kept(recorded)
    assert len(forbidden) > 300
    assert {sample.id for sample in SAMPLES} <= forbidden
    assert len(recorded.rows("determinations")) > 20
    assert leaks(kept, forbidden) == set()


def test_the_search_would_find_a_leak(recorded: RecordedService) -> None:
    body, recorded.chart = sample_call("sij-fibromyalgia")
    (card,) = recorded.cards(body)
    assert leaks(str(card), secrets_of(recorded.chart)) > {"Condition/fibromyalgia"} or leaks(
        str(card), secrets_of(recorded.chart)
    )
