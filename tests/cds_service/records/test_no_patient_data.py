"""Names, ids and dates of patients are in no log line, error or row (house rule 3)."""

from datetime import UTC, datetime, timedelta

import pytest

from cds_service.crd.metric_data import Returned, metric_data
from cds_service.crd.records_protocol import Exchange, IssuedAssertion
from cds_service.hooks.request import read_request
from cds_service.records.policy_snapshot import PolicySnapshot
from cds_service.records.sealing import Sealer
from cds_service.records.tables import METADATA
from cds_service.sample_ehr.patients import SAMPLES
from cds_service.settings import Settings
from cds_service.wiring.records import crd_records_in
from fhir_mappings.fhir_json import encoded
from tests.support.crd_records import KEYS, PATH, call, coverage_information
from tests.support.patient_data import broken_calls, leaks, secrets_of
from tests.support.record_fakes import KEY, RecordedService, overridden, sample_call, shipped
from tests.support.reviews import review_call

LONG_ENOUGH = 8
"""The bytes of a text that does not turn up in ciphertext by chance."""


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


@pytest.mark.requirement("7.124", "7.138")
def test_of_a_crd_call_nothing_is_kept_but_what_is_sealed(recorded: RecordedService) -> None:
    settings = Settings()
    snapshot = PolicySnapshot.of(shipped(), settings.time_zone, settings.answers_valid_days)
    now = datetime(2037, 1, 1, tzinfo=UTC)
    records = crd_records_in(recorded.database, Sealer(KEYS), KEY, settings, snapshot, lambda: now)
    forbidden = {"xanthippe", "PA-xanthippe", "Coverage/cov-9", "cov-9", "token-1"}
    for sample in SAMPLES:
        body, chart = sample_call(sample.id)
        forbidden |= secrets_of(body["context"], chart)
        request = read_request(body | {"prefetch": {"chart": chart}})
        review = review_call(request, shipped(), settings, chart=chart, clock=lambda: now)
        extension = coverage_information("conditional", f"assertion-{len(forbidden)}")
        answered = [Returned(order, (extension,)) for order in review.session.judged]
        metrics = metric_data(
            call("", hook=body["hook"]), status=200, received=now, answered=now, request=request, review=review,
            returned=answered,
        )  # fmt: skip
        exchange = Exchange(200, encoded(body | {"prefetch": chart}), encoded({"systemActions": [extension]}), metrics)
        assertions = [
            IssuedAssertion(
                assertion_id=f"assertion-{len(forbidden)}",
                order=order.reference,
                coverage="Coverage/cov-9",
                patient_id=request.patient_id,
                determinations=review.determinations,
                order_resource=order.resource,
                extensions=(extension,),
            )
            for order in review.session.judged
        ]
        records.store(call(f"call-{len(forbidden)}"), PATH, exchange, assertions)
    recorded.clock.now = now + timedelta(days=1)
    kept = [row for table in METADATA.tables for row in recorded.rows(table)]
    readable = "\n".join(str({name: each for name, each in row.items() if name != "sealed"}) for row in kept)
    assert len(kept) > 2 * len(SAMPLES) - 1
    assert "CP.MP.126" in readable
    assert leaks(readable, forbidden) == set()
    sealed = b"".join(row["sealed"] for row in kept if row.get("sealed"))
    assert len(sealed) > 10_000
    assert [each for each in forbidden if len(each) >= LONG_ENOUGH and each.encode() in sealed] == []


def test_the_search_would_find_a_leak(recorded: RecordedService) -> None:
    body, recorded.chart = sample_call("sij-fibromyalgia")
    (card,) = recorded.cards(body)
    assert leaks(str(card), secrets_of(recorded.chart)) > {"Condition/fibromyalgia"} or leaks(
        str(card), secrets_of(recorded.chart)
    )
