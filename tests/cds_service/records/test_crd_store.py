"""The records of CRD calls: what is stored, what can be found again, and by whom it can be read."""

import threading
import zlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import text

from cds_service.crd.records_protocol import NullCrdRecords
from cds_service.records.crd_log import exchange_row, record_access
from cds_service.records.crd_sealing import opened_bodies
from cds_service.records.crd_store import BestEffortCrdRecords
from cds_service.records.database import Database, UnavailableError
from cds_service.records.schema import upgrade
from cds_service.records.sealing import Sealer, UnsealableError
from tests.support.clock import SetClock
from tests.support.crd_records import (
    INSTANCE,
    KEYS,
    NOW,
    ORDER,
    PATH,
    assertion,
    call,
    coverage_information,
    crd_records,
    exchange,
    stored,
)
from tests.support.postgresql_cluster import Cluster
from tests.support.record_fakes import rows


def bodies(database: Database, name: str, *keys: bytes) -> tuple[bytes, bytes] | None:
    row = exchange_row(database, name, NOW)
    assert row is not None
    return opened_bodies(row, Sealer(keys) if keys else None)


@pytest.mark.requirement("7.136")
def test_request_and_response_are_kept_byte_for_byte(database: Database) -> None:
    request, response = b'{"a": 1.00,\n"a":\t"\xc3\x85"}', b'{"cards":[]}'
    stored(crd_records(database, *KEYS), "c1", request=request, response=response)
    assert bodies(database, "c1", *KEYS) == (request, response)


@pytest.mark.parametrize("request_body", [b"", b"\xff\x00 no JSON", b'{"cut', b"x" * 3_000_000])
def test_a_refused_request_is_kept_whatever_it_is(database: Database, request_body: bytes) -> None:
    refused = exchange(request_body, b'{"resourceType":"OperationOutcome"}', status=400)
    crd_records(database, *KEYS).store(call("c1"), PATH, refused, [])
    assert bodies(database, "c1", *KEYS) == (request_body, b'{"resourceType":"OperationOutcome"}')
    assert rows(database, "crd_exchanges")[0]["status"] == 400


def test_what_is_stored_beside_the_bodies_says_which_call_it_was(database: Database) -> None:
    stored(crd_records(database, *KEYS), "c1")
    (row,) = rows(database, "crd_exchanges")
    del row["sealed"], row["sealed_chart"]
    assert row == {
        "exchange": "c1",
        "at": NOW,
        "path": "cds-services/crd-order-sign",
        "hook_instance": INSTANCE,
        "client": "ehr",
        "issuer": "https://ehr.example.org",
        "status": 200,
        "metrics": {"source": "payer-src"},
        "expires_at": NOW + timedelta(days=10),
    }


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (b'{"access_token": "s3cret", "b": 1}', b'{"access_token": "not stored", "b": 1}'),
        (b'{"access_token"\n:"s3\\"cret"}', b'{"access_token"\n:"not stored"}'),
        (b'{"access_token":"s3cret', b'{"access_token":"not stored"'),
        (b'{"access_token": null, "note": "access_token"}', b'{"access_token": null, "note": "access_token"}'),
    ],
)
@pytest.mark.requirement("7.124")
def test_the_access_token_is_not_kept(database: Database, sent: bytes, kept: bytes) -> None:
    stored(crd_records(database, *KEYS), "c1", request=sent)
    assert bodies(database, "c1", *KEYS) == (kept, b'{"cards": []}')


def test_a_body_full_of_beginnings_of_a_token_is_read_in_linear_time(database: Database) -> None:
    sent = b'"access_token"' + b" " * 500_000 + b'"access_token":"' + b"\\" * 500_001
    stored(crd_records(database, *KEYS), "c1", request=sent)
    kept = bodies(database, "c1", *KEYS)
    assert kept is not None
    assert len(kept[0]) < len(sent) / 1.9


def test_another_process_finds_an_assertion_with_order_coverage_policy_and_evidence(
    url: str, database: Database
) -> None:
    order = ORDER | {"quantityQuantity": {"value": Decimal("1.00")}}
    issued = assertion("a1", order=order)
    stored(crd_records(database, *KEYS), "c1", [assertion("a0"), issued])
    other = Database(url, wait_seconds=5)
    found = crd_records(other, *KEYS).find("a1")
    other.close()
    assert found is not None
    assert (found.assertion_id, found.call_id, found.issued_at, found.client) == ("a1", "c1", NOW, "ehr")
    assert found.policies == (
        {
            "policy": "CP.TEST",
            "revision": "2025-01",
            "edition": 1,
            "content_hash": "sha256-of-the-policy",
            "outcome": "supported",
        },
    )
    assert found.codes == ({"covered": ["conditional"], "coverage-assertion-id": ["a1"]},)
    content = found.content
    assert content is not None
    assert (content.order, content.coverage, content.patient_id) == (
        "ServiceRequest/order-7",
        "Coverage/cov-9",
        "xanthippe",
    )
    assert content.order_resource == order
    assert str(content.order_resource["quantityQuantity"]["value"]) == "1.00"
    assert content.determinations == [issued.determinations[0].as_json()]
    assert content.extensions == list(issued.extensions)


def test_an_unknown_assertion_is_not_found(database: Database) -> None:
    stored(crd_records(database, *KEYS), "c1", [assertion("a1")])
    assert crd_records(database, *KEYS).find("a2") is None


def test_an_id_that_was_issued_again_leads_to_the_newest_and_each_issue_is_kept(database: Database) -> None:
    clock = SetClock(NOW)
    records = crd_records(database, *KEYS, clock=clock)
    stored(records, "c1", [assertion("a1", covered="conditional")])
    clock.now += timedelta(hours=1)
    stored(records, "c2", [assertion("a1", covered="covered")])
    found = records.find("a1")
    assert found is not None
    assert (found.call_id, found.codes[0]["covered"], found.issued_at) == ("c2", ["covered"], clock.now)
    assert [row["exchange"] for row in rows(database, "crd_assertions")] == ["c1", "c2"]


def test_of_one_id_for_two_orders_of_a_call_both_are_kept(database: Database) -> None:
    records = crd_records(database, *KEYS)
    stored(records, "c1", [assertion("a1"), assertion("a1", order=ORDER | {"id": "order-8"})])
    found = records.find("a1")
    assert found is not None
    assert found.content is not None
    assert found.content.order == "ServiceRequest/order-8"
    assert len(rows(database, "crd_assertions")) == 2


@pytest.mark.requirement("7.138")
def test_an_assertion_is_found_until_it_expires(database: Database) -> None:
    clock = SetClock(NOW)
    records = crd_records(database, *KEYS, clock=clock, keep_for=timedelta(days=10))
    stored(records, "c1", [assertion("a1")])
    clock.now = NOW + timedelta(days=10) - timedelta(microseconds=1)
    assert records.find("a1") is not None
    clock.now = NOW + timedelta(days=10)
    assert records.find("a1") is None


def test_without_keys_neither_bodies_nor_orders_are_stored(database: Database) -> None:
    stored(crd_records(database), "c1", [assertion("a1")])
    assert bodies(database, "c1") is None
    found = crd_records(database).find("a1")
    assert found is not None
    assert (found.content, found.policies[0]["policy"]) == (None, "CP.TEST")
    assert [row["sealed"] for table in ("crd_exchanges", "crd_assertions") for row in rows(database, table)] == [
        None,
        None,
    ]


@pytest.mark.parametrize("keys", [(), KEYS])
@pytest.mark.requirement("7.138")
def test_nothing_of_the_patient_is_readable_without_a_key(database: Database, keys: tuple[bytes, ...]) -> None:
    stored(crd_records(database, *keys), "c1", [assertion("a1")])
    kept = "".join(str(row) for table in ("crd_exchanges", "crd_assertions") for row in rows(database, table))
    assert "CP.TEST" in kept
    assert not [word for word in ("xanthippe", "order-7", "cov-9", "II.A", "MRI") if word in kept]


def test_orders_and_coverages_are_stored_as_hashes_that_tell_them_apart(database: Database) -> None:
    one, other = assertion("a1"), assertion("a2", order=ORDER | {"id": "order-8"})
    stored(crd_records(database), "c1", [one, other, replace(one, coverage="Coverage/cov-10")])
    found = rows(database, "crd_assertions")
    assert [[row["order_hash"] for row in found].count(row["order_hash"]) for row in found] == [2, 1, 2]
    assert [[row["coverage_hash"] for row in found].count(row["coverage_hash"]) for row in found] == [2, 2, 1]


def test_codes_are_those_of_every_repetition(database: Database) -> None:
    more = [
        {"url": "info-needed", "valueCode": "detail-code"},
        {"url": "info-needed", "valueCode": "OTH"},
        {"url": "pa-needed", "valueString": "xanthippe"},
        {"url": "questionnaire", "valueCanonical": "https://cds.example.org/fhir/Questionnaire/CP.TEST|2025-01.1"},
    ]
    repetitions = (coverage_information("covered", "a1"), coverage_information("conditional", "a1", *more))
    records = crd_records(database)
    stored(records, "c1", [assertion("a1", extensions=repetitions)])
    found = records.find("a1")
    assert found is not None
    assert found.codes == (
        {"covered": ["covered"], "coverage-assertion-id": ["a1"]},
        {
            "covered": ["conditional"],
            "coverage-assertion-id": ["a1"],
            "info-needed": ["detail-code", "OTH"],
            "questionnaire": ["https://cds.example.org/fhir/Questionnaire/CP.TEST|2025-01.1"],
        },
    )


# --- keys and rows that are not what they were -----------------------------------------------------------------------


def test_after_a_rotation_old_and_new_assertions_are_found(database: Database) -> None:
    stored(crd_records(database, KEYS[0]), "c1", [assertion("a1")])
    rotated = crd_records(database, KEYS[1], KEYS[0])
    stored(rotated, "c2", [assertion("a2")])
    assert all((found := rotated.find(name)) and found.content for name in ("a1", "a2"))
    with pytest.raises(UnsealableError, match="which CDS_ENCRYPTION_KEYS does not have"):
        crd_records(database, KEYS[0]).find("a2")


def test_a_lost_key_is_an_error_that_says_so(database: Database) -> None:
    stored(crd_records(database, KEYS[0]), "c1", [assertion("a1")])
    with pytest.raises(UnsealableError, match="CDS_ENCRYPTION_KEYS is empty"):
        crd_records(database).find("a1")
    with pytest.raises(UnsealableError, match="CDS_ENCRYPTION_KEYS is empty"):
        bodies(database, "c1")


def test_content_that_was_moved_to_another_row_does_not_open(database: Database) -> None:
    records = crd_records(database, *KEYS)
    for n in (1, 2):
        stored(records, f"c{n}", [assertion(f"a{n}")])
    one, two = (exchange_row(database, f"c{n}", NOW) for n in (1, 2))
    assert one is not None
    assert two is not None
    with pytest.raises(UnsealableError, match="The stored row was changed"):
        opened_bodies({**one, "sealed": two["sealed"]}, Sealer(KEYS))


# --- the table keeps what it was given --------------------------------------------------------------------------------


@pytest.mark.parametrize("table", ["crd_exchanges", "crd_assertions", "crd_accesses"])
@pytest.mark.parametrize("statement", ["UPDATE {table} SET {column} = {column}", "DELETE FROM {table}"])
def test_rows_cannot_be_changed_or_deleted(database: Database, table: str, statement: str) -> None:
    stored(crd_records(database, *KEYS), "c1", [assertion("a1")])
    record_access(database, who="ana", action="exchange", subject="c1", reason="dispute 17", at=NOW)
    before = rows(database, table)
    column = next(iter(before[0]))
    with pytest.raises(UnavailableError), database.writing() as connection:
        connection.execute(text(statement.format(table=table, column=column)))
    assert rows(database, table) == before


def test_a_call_is_stored_whole_or_not_at_all(database: Database) -> None:
    records = crd_records(database, *KEYS)
    stored(records, "c1", [assertion("a1")])
    with pytest.raises(UnavailableError):
        stored(records, "c1", [assertion("a2")])
    assert records.find("a2") is None
    with database.writing() as connection:
        trigger = "CREATE TRIGGER full BEFORE INSERT ON crd_assertions BEGIN SELECT RAISE(ABORT, 'full'); END"
        connection.execute(text(trigger if database.is_sqlite else "DROP TABLE crd_assertions"))
    with pytest.raises(UnavailableError):
        stored(records, "c2", [assertion("a3")])
    assert [row["exchange"] for row in rows(database, "crd_exchanges")] == ["c1"]


def test_many_threads_store_at_once(database: Database) -> None:
    records = crd_records(database, *KEYS)
    started = threading.Barrier(8)

    def store(n: int) -> None:
        started.wait(30)
        for i in range(5):
            stored(records, f"c{n}-{i}", [assertion(f"a{n}-{i}"), assertion("shared")])

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(store, range(8)))
    assert len(rows(database, "crd_exchanges")) == 40
    assert len(rows(database, "crd_assertions")) == 80
    assert all((found := records.find(f"a{n}-4")) and found.call_id == f"c{n}-4" for n in range(8))


# --- a database that cannot be used ----------------------------------------------------------------------------------


def test_a_call_that_cannot_be_stored_raises_and_leaves_the_call_as_it_is(database: Database) -> None:
    with database.writing() as connection:
        connection.execute(text("DROP TABLE crd_assertions"))
        connection.execute(text("DROP TABLE crd_exchanges"))
    records = crd_records(database, *KEYS)
    made = call("c1")
    with pytest.raises(UnavailableError) as raised:
        records.store(made, PATH, exchange(), [])
    assert "xanthippe" not in str(raised.value)
    assert made.failure == ""
    with pytest.raises(UnavailableError):
        records.find("a1")


def test_by_setting_the_log_line_of_the_call_says_that_it_was_not_stored(database: Database) -> None:
    with database.writing() as connection:
        connection.execute(text("DROP TABLE crd_assertions"))
    records = BestEffortCrdRecords(crd_records(database, *KEYS))
    made = call("c1")
    records.store(made, PATH, exchange(), [assertion("a1")])
    assert made.failure.startswith("answered unrecorded: the database failed")
    with pytest.raises(UnavailableError):
        records.find("a1")


def test_by_setting_a_call_that_is_stored_is_no_failure(database: Database) -> None:
    records = BestEffortCrdRecords(crd_records(database, *KEYS))
    made = call("c1")
    records.store(made, PATH, exchange(), [assertion("a1")])
    assert made.failure == ""
    assert records.find("a1") is not None


def test_a_database_that_stops_is_used_again_once_it_is_back(cluster: Cluster) -> None:
    database = Database(cluster.emptied(), wait_seconds=5)
    upgrade(database)
    records = crd_records(database, *KEYS)
    stored(records, "c1", [assertion("a1")])
    cluster.stop()
    with pytest.raises(UnavailableError):
        stored(records, "c2", [assertion("a2")])
    cluster.start()
    stored(records, "c3", [assertion("a3")])
    assert [records.find(name) is not None for name in ("a1", "a2", "a3")] == [True, False, True]
    database.close()


def test_records_without_a_database_keep_nothing() -> None:
    records = NullCrdRecords()
    records.store(call("c1"), PATH, exchange(), [assertion("a1")])
    assert records.find("a1") is None


def test_bodies_are_stored_compressed(database: Database) -> None:
    body = b'{"resourceType": "Bundle", "entry": []}' * 2_000
    stored(crd_records(database, *KEYS), "c1", request=body)
    (row,) = rows(database, "crd_exchanges")
    assert len(row["sealed"]) < len(zlib.compress(body, 1)) + 200
