"""Names, ids and dates of patients are in no log line, error or row (house rule 3)."""

from collections import Counter

import pytest

from cds_service.records.crd_log import exchange_row
from cds_service.records.crd_sealing import opened_bodies
from cds_service.records.database import Database
from cds_service.records.sealing import Sealer
from cds_service.records.tables import METADATA
from cds_service.sample_ehr.patients import SAMPLES
from cds_service.sample_ehr.payers import SAMPLE_PAYERS
from fhir_mappings.fhir_json import dumps, loads
from tests.support.crd_records import COVERAGE_INFORMATION, crd_records
from tests.support.patient_data import broken_calls, leaks, secrets_of
from tests.support.payers_service import KEY_IN_HEX, TOKEN, crd_body, payers_service
from tests.support.record_fakes import RecordedService, overridden, sample_call
from tests.support.record_fakes import sample as order_of

PUBLIC = {part for payer in SAMPLE_PAYERS.payers for name in payer.identifiers for part in name.split("|")}
"""The identifiers of the payers, which the operator states."""
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


@pytest.mark.requirement("7.124", "7.136", "7.138")
def test_of_crd_calls_nothing_is_kept_but_what_is_sealed(database: Database) -> None:
    service = payers_service(database)
    service.clock.pass_days(4000)
    forbidden: set[str] = set()
    statuses = Counter[int]()
    for each in SAMPLES:
        for order in each.orders:
            body, service.chart = crd_body(each, order)
            forbidden |= secrets_of(body["context"], body["prefetch"], service.chart) | {TOKEN}
            forbidden -= PUBLIC
            for sent in (body, *broken_calls(body)):
                response = service.crd_call(sent)
                statuses[response.status_code] += 1
                assert response.status_code == 200 or leaks(response.text, forbidden) == set()
    exchanges, assertions = service.rows("crd_exchanges"), service.rows("crd_assertions")
    assert statuses.keys() == {200, 400, 412}
    assert Counter(row["status"] for row in exchanges) == statuses
    assert len(assertions) >= statuses[200] > 30
    kept = [row for table in METADATA.tables for row in service.rows(table)]
    readable = "\n".join(str({name: each for name, each in row.items() if name != "sealed"}) for row in kept)
    assert "CP.MP.126" in readable
    assert leaks(readable + service.written.getvalue(), forbidden) == set()
    sealed = b"".join(row["sealed"] for row in (*exchanges, *assertions))
    assert [each for each in forbidden if len(each) >= LONG_ENOUGH and each.encode() in sealed] == []


def test_an_assertion_of_a_crd_call_leads_to_its_order_in_another_process(url: str, database: Database) -> None:
    service = payers_service(database)
    body, service.chart = crd_body(*order_of("sij-posterior"))
    (action,) = service.crd_call(body).json["systemActions"]
    told = next(each for each in action["resource"]["extension"] if each["url"] == COVERAGE_INFORMATION)
    (issued,) = [each["valueString"] for each in told["extension"] if each["url"] == "coverage-assertion-id"]
    other = Database(url, wait_seconds=5)
    found = crd_records(other, bytes.fromhex(KEY_IN_HEX)).find(issued)
    assert found is not None
    assert found.content is not None
    assert found.content.order_resource == body["context"]["draftOrders"]["entry"][0]["resource"]
    assert (found.content.patient_id, found.content.coverage) == ("sij-posterior", "Coverage/sij-posterior-coverage")
    assert [each["policy"] for each in found.content.determinations] == ["CP.MP.126"]
    assert found.content.determinations[0]["criteria"]
    exchange = exchange_row(other, found.call_id, service.clock())
    bodies = opened_bodies(exchange or {}, Sealer([bytes.fromhex(KEY_IN_HEX)]))
    other.close()
    assert bodies is not None
    assert bodies[0] == dumps(body).encode().replace(TOKEN.encode(), b"not stored")
    assert loads(bodies[1])["systemActions"] == [action]


def test_the_search_would_find_a_leak(recorded: RecordedService) -> None:
    body, recorded.chart = sample_call("sij-fibromyalgia")
    (card,) = recorded.cards(body)
    assert leaks(str(card), secrets_of(recorded.chart)) > {"Condition/fibromyalgia"} or leaks(
        str(card), secrets_of(recorded.chart)
    )
