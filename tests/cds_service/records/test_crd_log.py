"""Reading the exchanges, who read them, and what a purge deletes."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from cds_service.records.crd_log import (
    accesses,
    exchange_json,
    exchange_row,
    exchanges,
    form_errors,
    metrics,
    purge_expired,
    record_access,
)
from cds_service.records.database import Database, UnavailableError
from cds_service.records.sealing import key_name
from tests.support.clock import SetClock
from tests.support.crd_records import INSTANCE, KEYS, NOW, PATH, assertion, call, crd_records, exchange, stored
from tests.support.record_fakes import rows

DAY = timedelta(days=1)


@pytest.mark.requirement("7.136")
def test_an_exchange_is_found_by_its_call_and_by_its_hook_instance_the_newest_first(database: Database) -> None:
    clock = SetClock(NOW)
    records = crd_records(database, *KEYS, clock=clock)
    stored(records, "c1")
    clock.now += timedelta(minutes=1)
    stored(records, "c2")
    records.store(call("other", hook_instance=""), PATH, exchange(), [])
    found = [exchange_row(database, name, clock.now) for name in ("c1", INSTANCE, "c3")]
    assert [row and row["exchange"] for row in found] == ["c1", "c2", None]


def test_a_hook_instance_that_is_the_id_of_another_call_does_not_hide_it(database: Database) -> None:
    clock = SetClock(NOW)
    records = crd_records(database, *KEYS, clock=clock)
    stored(records, "c1")
    clock.now += timedelta(minutes=1)
    records.store(call("c2", hook_instance="c1"), PATH, exchange(), [])
    row = exchange_row(database, "c1", clock.now)
    assert row is not None
    assert row["exchange"] == "c1"


@pytest.mark.requirement("7.138")
def test_an_exchange_is_found_until_it_expires(database: Database) -> None:
    stored(crd_records(database, *KEYS, keep_for=10 * DAY), "c1")
    assert exchange_row(database, "c1", NOW + 10 * DAY - timedelta(microseconds=1)) is not None
    assert exchange_row(database, "c1", NOW + 10 * DAY) is None


def test_the_list_names_call_client_and_key_and_holds_no_body(database: Database) -> None:
    stored(crd_records(database, *KEYS), "c1")
    (row,) = exchanges(database, NOW)
    assert exchange_json(row) == {
        "exchange": "c1",
        "at": NOW.isoformat(),
        "path": "cds-services/crd-order-sign",
        "hookInstance": INSTANCE,
        "client": "ehr",
        "issuer": "https://ehr.example.org",
        "status": 200,
        "expires_at": (NOW + 10 * DAY).isoformat(),
        "key": key_name(rows(database, "crd_exchanges")[0]["sealed"]),
    }
    assert "metrics" not in row
    assert len(row["sealed"]) <= 16


def test_an_exchange_without_keys_is_listed_without_one(database: Database) -> None:
    stored(crd_records(database), "c1")
    (row,) = exchanges(database, NOW)
    assert "key" not in exchange_json(row)


def test_exchanges_are_listed_from_a_moment_on_and_of_one_client(database: Database) -> None:
    clock = SetClock(NOW)
    records = crd_records(database, *KEYS, clock=clock)
    stored(records, "c1")
    clock.now += DAY
    stored(records, "c2")
    records.store(call("c3", client="south"), PATH, exchange(), [])

    def listed(*given: object) -> list[str]:
        return [row["exchange"] for row in exchanges(database, *given)]

    assert listed(NOW) == ["c1", "c2", "c3"]
    assert listed(NOW + timedelta(microseconds=1)) == ["c2", "c3"]
    assert listed(NOW, "ehr") == ["c1", "c2"]
    assert listed(NOW, "nobody") == []


def test_metrics_are_read_page_by_page_each_once(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cds_service.records.crd_log._PAGE", 2)
    clock = SetClock(NOW)
    records = crd_records(database, *KEYS, clock=clock)
    for n in (5, 4, 3, 2, 1):
        records.store(call(f"c{n}"), PATH, exchange(metrics={"n": n}), [])
        clock.now += timedelta(seconds=n % 2)
    assert [each["n"] for each in metrics(database, NOW)] == [5, 3, 4, 1, 2]
    assert list(metrics(database, NOW + DAY)) == []


NEXT_QUESTION, LOG_ERRORS = "/fhir/Questionnaire/$next-question", "/fhir/Questionnaire/$log-questionnaire-errors"
REPORT = {
    "questionnaires": ["https://cds.example.org/fhir/Questionnaire/CP.MP.126|2025-04.1"],
    "issues": [{"severity": "error", "code": "structure"}],
}


def test_calls_about_forms_are_listed_and_have_no_metric_data(database: Database) -> None:
    records = crd_records(database, *KEYS)
    stored(records, "c1")
    records.store(call("d1", hook_instance=""), NEXT_QUESTION, exchange(b"", b"", metrics={"screens": 1}), [])
    assert [exchange_json(row)["path"] for row in exchanges(database, NOW)] == [
        "cds-services/crd-order-sign",
        "fhir/Questionnaire/$next-question",
    ]
    assert list(metrics(database, NOW)) == [{"source": "payer-src"}]


def test_a_chart_is_listed_as_stored_and_not_read(database: Database) -> None:
    records = crd_records(database, *KEYS)
    stored(records, "c1")
    stored(records, "c2", chart={"searches": {}}, chart_read_at=NOW)
    listed = list(exchanges(database, NOW))
    assert [exchange_json(row).get("chart") for row in listed] == [None, "stored"]
    assert all("sealed_chart" not in row for row in listed)
    assert [
        row and exchange_json(row).get("chart") for name in ("c1", "c2") if (row := exchange_row(database, name, NOW))
    ] == [None, "stored"]


def test_reported_errors_of_forms_are_read_since_a_moment_each_with_its_call(database: Database) -> None:
    clock = SetClock(NOW)
    records = crd_records(database, *KEYS, clock=clock)
    stored(records, "c1")
    records.store(call("d1", hook_instance=""), NEXT_QUESTION, exchange(b"", b"", metrics={"screens": 1}), [])
    records.store(call("r1", hook_instance=""), LOG_ERRORS, exchange(b"", b"", metrics={}, status=400), [])
    for name in ("e1", "e2"):
        records.store(call(name, hook_instance=""), LOG_ERRORS, exchange(metrics=REPORT), [])
        clock.now += DAY
    first = {"exchange": "e1", "at": NOW.isoformat(), "client": "ehr", **REPORT}
    second = first | {"exchange": "e2", "at": (NOW + DAY).isoformat()}
    assert list(form_errors(database, NOW)) == [first, second]
    assert list(form_errors(database, NOW + DAY)) == [second]


def test_an_access_says_who_what_when_and_why(database: Database) -> None:
    record_access(database, who="ana", action="exchange", subject="c1", reason="dispute 17", at=NOW)
    record_access(database, who="ben", action="assertion", subject="a1", reason="appeal", at=NOW + DAY)
    first, second = accesses(database, NOW)
    assert {name: value for name, value in first.items() if name != "access"} == {
        "at": NOW,
        "who": "ana",
        "action": "exchange",
        "subject": "c1",
        "reason": "dispute 17",
    }
    assert accesses(database, NOW + DAY) == [second]


@pytest.mark.requirement("7.138")
def test_a_purge_deletes_what_has_expired_with_its_assertions_and_is_recorded(database: Database) -> None:
    clock = SetClock(NOW)
    records = crd_records(database, *KEYS, clock=clock, keep_for=10 * DAY)
    stored(records, "c1", [assertion("a1")])
    clock.now += timedelta(microseconds=1)
    stored(records, "c2", [assertion("a2")])
    assert purge_expired(database, who="ana", now=NOW + 10 * DAY) == 1
    assert [row["exchange"] for row in rows(database, "crd_exchanges")] == ["c2"]
    assert [row["assertion"] for row in rows(database, "crd_assertions")] == ["a2"]
    (purge,) = accesses(database, NOW)
    assert (purge["who"], purge["action"], purge["reason"]) == ("ana", "purge", "expired")
    assert purge["at"] == NOW + 10 * DAY


@pytest.mark.parametrize("count", [3, 4, 5])
def test_a_purge_goes_batch_by_batch_and_is_recorded_once(
    database: Database, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    records = crd_records(database, *KEYS, keep_for=DAY)
    for n in range(count):
        stored(records, f"c{n}", [assertion(f"a{n}")])
    other = crd_records(database, *KEYS, clock=SetClock(NOW + DAY))
    pauses: list[float] = []

    def store_meanwhile(seconds: float) -> None:
        pauses.append(seconds)
        stored(other, f"meanwhile-{len(pauses)}")

    monkeypatch.setattr("cds_service.records.crd_log._BATCH", 2)
    monkeypatch.setattr("cds_service.records.crd_log.time.sleep", store_meanwhile)
    assert purge_expired(database, who="ana", now=NOW + DAY) == count
    assert len(pauses) == count // 2
    assert [row["exchange"] for row in rows(database, "crd_exchanges")] == [
        f"meanwhile-{n + 1}" for n in range(count // 2)
    ]
    assert rows(database, "crd_assertions") == []
    assert [each["action"] for each in accesses(database, NOW)] == ["purge"]


def test_a_purge_with_nothing_to_delete_leaves_no_trace(database: Database) -> None:
    stored(crd_records(database, *KEYS, keep_for=10 * DAY), "c1")
    assert purge_expired(database, who="ana", now=NOW + 10 * DAY - timedelta(microseconds=1)) == 0
    assert accesses(database, NOW) == []


def test_a_purge_allows_no_other_deletion(database: Database) -> None:
    clock = SetClock(NOW)
    records = crd_records(database, *KEYS, clock=clock, keep_for=DAY)
    stored(records, "c1", [assertion("a1")])
    clock.now += timedelta(hours=1)
    stored(records, "c2", [assertion("a2")])
    purge_expired(database, who="ana", now=NOW + DAY)
    for table in ("crd_assertions", "crd_exchanges", "crd_accesses"):
        with pytest.raises(UnavailableError), database.writing() as connection:
            connection.execute(text(f"DELETE FROM {table}"))  # noqa: S608
    assert [len(rows(database, table)) for table in ("crd_exchanges", "crd_assertions", "crd_accesses")] == [1, 1, 1]


def test_an_access_allows_no_deletion_of_what_has_expired(database: Database) -> None:
    stored(crd_records(database, *KEYS, keep_for=DAY), "c1", [assertion("a1")])
    record_access(database, who="ana", action="exchange", subject="c1", reason="dispute 17", at=NOW + 2 * DAY)
    for table in ("crd_assertions", "crd_exchanges"):
        with pytest.raises(UnavailableError), database.writing() as connection:
            connection.execute(text(f"DELETE FROM {table}"))  # noqa: S608
    assert len(rows(database, "crd_exchanges")) == 1


def test_a_purge_leaves_the_decision_log_as_it_is_and_the_other_way_around(database: Database) -> None:
    stored(crd_records(database, *KEYS, keep_for=DAY), "c1")
    with database.writing() as connection:
        connection.execute(text("INSERT INTO purges VALUES ('2999-01-01 00:00:00', '2999-01-01 00:00:00')"))
    with pytest.raises(UnavailableError), database.writing() as connection:
        connection.execute(text("DELETE FROM crd_exchanges"))
    purge_expired(database, who="ana", now=NOW + DAY)
    assert len(rows(database, "purges")) == 1
