"""The charts of CRD calls that name a form: sealed with the exchange, found by call, assertion, order and Coverage."""

from datetime import timedelta
from typing import Any

import pytest

from cds_service.crd.records_protocol import CallContext, IssuedAssertion, NullCrdRecords
from cds_service.records.crd_log import chart_row, purge_expired
from cds_service.records.crd_sealing import opened_bodies, opened_chart
from cds_service.records.crd_store import BestEffortCrdRecords, SqlCrdRecords
from cds_service.records.database import Database
from cds_service.records.sealing import Sealer, UnsealableError
from tests.support.clock import SetClock
from tests.support.crd_records import KEYS, NOW, ORDER, PATH, assertion, call, crd_records, exchange
from tests.support.record_fakes import rows

READ_AT = NOW - timedelta(seconds=2)
CHART = {
    "searches": {"conditions Condition?patient=": {"entries": [["", {"note": "Chart of xanthippe"}]]}},
    "targets": {},
}
REQUEST = b'{"patient": "xanthippe", "fhirAuthorization": {"access_token": "s3cret"}}'
THE_ORDER, THE_COVERAGE = "ServiceRequest/order-7", "Coverage/cov-9"
DAY = timedelta(days=1)


def store(records: SqlCrdRecords, name: str, *issued: IssuedAssertion, client: str = "ehr", **more: Any) -> None:
    """Store a call that read a chart, unless `chart` says otherwise."""
    values = {"request": REQUEST, "chart": CHART, "chart_read_at": READ_AT} | more
    records.store(call(name, client=client), PATH, exchange(**values), issued)


def test_what_a_call_judged_by_is_found_with_the_time_it_was_read(database: Database) -> None:
    records = crd_records(database, *KEYS)
    store(records, "c1")
    assert records.context("c1") == CallContext(
        call_id="c1",
        path="cds-services/crd-order-sign",
        at=READ_AT,
        client="ehr",
        request=b'{"patient": "xanthippe", "fhirAuthorization": {"access_token": "not stored"}}',
        chart=CHART,
    )
    assert records.context("c2") is None


def test_a_chart_of_a_call_that_read_no_server_is_empty_and_still_found(database: Database) -> None:
    records = crd_records(database, *KEYS)
    store(records, "c1", chart={})
    found = records.context("c1")
    assert found is not None
    assert found.chart == {}


def test_a_call_without_a_chart_has_no_context(database: Database) -> None:
    records = crd_records(database, *KEYS)
    store(records, "c1", assertion("a1"), chart=None)
    assert records.context("c1") is None
    assert records.newest(THE_ORDER, THE_COVERAGE, "ehr") is None


def test_without_keys_no_chart_is_stored(database: Database) -> None:
    records = crd_records(database)
    store(records, "c1", assertion("a1"))
    assert rows(database, "crd_exchanges")[0]["sealed_chart"] is None
    assert records.context("c1") is None
    assert records.newest(THE_ORDER, THE_COVERAGE, "ehr") is None
    found = records.find("a1")
    assert found is not None
    assert found.chart_call_id == ""


def test_a_chart_is_found_until_it_is_too_old_to_judge_by(database: Database) -> None:
    clock = SetClock(NOW)
    records = crd_records(database, *KEYS, clock=clock, keep_for=10 * DAY, charts_for=2 * DAY)
    store(records, "c1", assertion("a1"))
    clock.now = READ_AT + 2 * DAY - timedelta(microseconds=1)
    assert records.context("c1") is not None
    clock.now = READ_AT + 2 * DAY
    assert records.context("c1") is None
    assert records.find("a1") is not None


def test_a_context_and_what_leads_to_it_are_found_until_they_expire(database: Database) -> None:
    clock = SetClock(NOW)
    records = crd_records(database, *KEYS, clock=clock, keep_for=10 * DAY)
    store(records, "c1", assertion("a1"))
    clock.now = NOW + 10 * DAY - timedelta(microseconds=1)
    assert records.context("c1") is not None
    assert records.newest(THE_ORDER, THE_COVERAGE, "ehr") is not None
    clock.now = NOW + 10 * DAY
    assert records.context("c1") is None
    assert records.newest(THE_ORDER, THE_COVERAGE, "ehr") is None


def test_a_purge_deletes_the_chart_with_its_exchange(database: Database) -> None:
    store(crd_records(database, *KEYS, keep_for=DAY), "c1", assertion("a1"))
    assert purge_expired(database, who="ana", now=NOW + DAY) == 1
    assert rows(database, "crd_exchanges") == []


# --- by order and Coverage --------------------------------------------------------------------------------------------


def test_the_newest_assertion_for_order_and_coverage_is_that_of_the_newest_call_with_a_chart(
    database: Database,
) -> None:
    clock = SetClock(NOW)
    records = crd_records(database, *KEYS, clock=clock)
    for name, chart in (("c1", CHART), ("c2", CHART), ("c3", None)):
        store(records, name, assertion(f"a-{name}"), chart=chart)
        clock.now += timedelta(minutes=1)
    found = records.newest(THE_ORDER, THE_COVERAGE, "ehr")
    assert found is not None
    assert (found.assertion_id, found.call_id, found.chart_call_id) == ("a-c2", "c2", "c2")
    assert found.content is not None
    assert found.content.order == THE_ORDER


@pytest.mark.parametrize(
    ("order", "coverage", "client"),
    [
        ("ServiceRequest/order-8", THE_COVERAGE, "ehr"),
        (THE_ORDER, "Coverage/cov-8", "ehr"),
        (THE_ORDER, THE_COVERAGE, "south"),
        ("", "", ""),
    ],
)
def test_another_order_coverage_or_client_has_no_assertion(
    database: Database, order: str, coverage: str, client: str
) -> None:
    records = crd_records(database, *KEYS)
    store(records, "c1", assertion("a1"))
    assert records.newest(THE_ORDER, THE_COVERAGE, "ehr") is not None
    assert records.newest(order, coverage, client) is None


def test_of_two_clients_with_the_same_references_each_has_its_own(database: Database) -> None:
    records = crd_records(database, *KEYS)
    store(records, "c1", assertion("a1"))
    store(records, "c2", assertion("a2"), client="south")
    found = [records.newest(THE_ORDER, THE_COVERAGE, client) for client in ("ehr", "south")]
    assert [each and each.assertion_id for each in found] == ["a1", "a2"]


def test_of_several_orders_of_a_call_the_one_asked_for_is_found(database: Database) -> None:
    records = crd_records(database, *KEYS)
    store(records, "c1", assertion("a1"), assertion("a2", order=ORDER | {"id": "order-8"}))
    found = records.newest("ServiceRequest/order-8", THE_COVERAGE, "ehr")
    assert found is not None
    assert found.assertion_id == "a2"


# --- by assertion -----------------------------------------------------------------------------------------------------


def test_an_assertion_leads_to_the_newest_call_with_a_chart_also_if_its_last_issue_has_none(database: Database) -> None:
    clock = SetClock(NOW)
    records = crd_records(database, *KEYS, clock=clock)
    seen = []
    for name, chart in (("c1", None), ("c2", CHART), ("c3", CHART), ("c4", None)):
        store(records, name, assertion("a1"), assertion("other"), chart=chart)
        clock.now += timedelta(minutes=1)
        found = records.find("a1")
        assert found is not None
        seen.append((found.call_id, found.chart_call_id))
    assert seen == [("c1", ""), ("c2", "c2"), ("c3", "c3"), ("c4", "c3")]


def test_a_chart_that_has_expired_is_not_led_to(database: Database) -> None:
    clock = SetClock(NOW)
    store(crd_records(database, *KEYS, clock=clock, keep_for=DAY), "c1", assertion("a1"))
    clock.now += timedelta(hours=23)
    records = crd_records(database, *KEYS, clock=clock, keep_for=10 * DAY)
    store(records, "c2", assertion("a1"), chart=None)
    before = records.find("a1")
    clock.now += timedelta(hours=1)
    after = records.find("a1")
    assert before is not None
    assert after is not None
    assert (before.chart_call_id, after.chart_call_id) == ("c1", "")


# --- keys and rows that are not what they were ------------------------------------------------------------------------


def test_nothing_of_the_chart_is_readable_without_a_key(database: Database) -> None:
    store(crd_records(database, *KEYS), "c1", assertion("a1"))
    (row,) = rows(database, "crd_exchanges")
    assert row["sealed_chart"] is not None
    assert "Chart of" not in str(row)
    assert "xanthippe" not in str(row)
    assert "xanthippe" not in repr(crd_records(database, *KEYS).context("c1"))
    assert "xanthippe" not in repr(exchange(chart=CHART))


def test_after_a_rotation_old_and_new_charts_are_found_and_a_lost_key_is_named(database: Database) -> None:
    store(crd_records(database, KEYS[0]), "c1", assertion("a1"))
    rotated = crd_records(database, KEYS[1], KEYS[0])
    store(rotated, "c2", assertion("a2"))
    assert all((found := rotated.context(name)) and found.chart == CHART for name in ("c1", "c2"))
    with pytest.raises(UnsealableError, match="which CDS_ENCRYPTION_KEYS does not have"):
        crd_records(database, KEYS[0]).context("c2")
    with pytest.raises(UnsealableError, match="CDS_ENCRYPTION_KEYS is empty"):
        crd_records(database).context("c1")
    with pytest.raises(UnsealableError, match="CDS_ENCRYPTION_KEYS is empty"):
        crd_records(database).newest(THE_ORDER, THE_COVERAGE, "ehr")


def test_a_chart_opens_for_no_other_exchange_and_not_as_a_body(database: Database) -> None:
    records = crd_records(database, *KEYS)
    store(records, "c1")
    store(records, "c2")
    one, two = chart_row(database, "c1", NOW), chart_row(database, "c2", NOW)
    assert one is not None
    assert two is not None
    for changed in ({"sealed_chart": two["sealed_chart"]}, {"sealed_chart": one["sealed"]}):
        with pytest.raises(UnsealableError, match="The stored row was changed"):
            opened_chart({**one, **changed}, Sealer(KEYS))
    with pytest.raises(UnsealableError, match="The stored row was changed"):
        opened_bodies({**one, "sealed": one["sealed_chart"]}, Sealer(KEYS))


def test_a_chart_that_was_changed_does_not_open(database: Database) -> None:
    store(crd_records(database, *KEYS), "c1")
    row = chart_row(database, "c1", NOW)
    assert row is not None
    tampered = bytearray(row["sealed_chart"])
    tampered[-1] ^= 1
    with pytest.raises(UnsealableError, match="The stored row was changed"):
        opened_chart({**row, "sealed_chart": bytes(tampered)}, Sealer(KEYS))


def test_the_other_records_find_the_same_or_nothing(database: Database) -> None:
    records = crd_records(database, *KEYS)
    store(records, "c1", assertion("a1"))
    best_effort = BestEffortCrdRecords(records)
    assert best_effort.context("c1") == records.context("c1") is not None
    assert best_effort.newest(THE_ORDER, THE_COVERAGE, "ehr") == records.newest(THE_ORDER, THE_COVERAGE, "ehr")
    none = NullCrdRecords()
    assert (none.context("c1"), none.newest(THE_ORDER, THE_COVERAGE, "ehr")) == (None, None)


# --- calls without bodies ---------------------------------------------------------------------------------------------


def test_of_a_call_that_is_stored_without_bodies_nothing_is_sealed(database: Database) -> None:
    records = crd_records(database, *KEYS)
    records.store(call("d1", hook_instance=""), "/fhir/Questionnaire/$next-question", exchange(b"", b""), [])
    (row,) = rows(database, "crd_exchanges")
    assert (row["path"], row["sealed"], row["sealed_chart"]) == ("fhir/Questionnaire/$next-question", None, None)
    assert records.context("d1") is None
