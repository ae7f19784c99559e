"""PostgreSQL refuses what the service asks: no connection is free, a deadlock, a conflict, an operator's time limit.

Each call is answered 503 with Retry-After and leaves nothing, readiness says so, and the service goes on by itself.
"""

import threading
import time
from collections.abc import Iterator

import psycopg
import pytest
from sqlalchemy import make_url

from cds_service.http.readiness import DatabaseReady
from cds_service.records.database import Database
from cds_service.records.schema import upgrade
from tests.support.postgresql_cluster import Cluster
from tests.support.record_fakes import RecordedService, rows, sample_call

WAIT = 5


@pytest.fixture(name="postgresql")
def _postgresql(cluster: Cluster) -> Iterator[Database]:
    made = Database(cluster.emptied(), wait_seconds=WAIT)
    upgrade(made)
    yield made
    made.close()


def refused(database: Database) -> str:
    """Return the failure that the log names for a call that is not answered."""
    service = RecordedService(database)
    body, service.chart = sample_call("sij-fibromyalgia")
    response = service.call(body)
    assert (response.status_code, response.headers["Retry-After"]) == (503, "5")
    return str(service.lines()[0]["failure"])


def answered(database: Database) -> str:
    """Return the id of a call that is answered, whose decision is stored."""
    service = RecordedService(database)
    body, service.chart = sample_call("sij-fibromyalgia")
    response = service.call(body)
    assert response.status_code == 200
    return str(response.headers["X-Request-Id"])


def stored(database: Database) -> set[str]:
    return {row["decision"] for row in rows(database, "decisions")}


def test_without_a_free_connection_it_is_not_ready_and_goes_on_once_there_is_one(
    postgresql: Database, cluster: Cluster
) -> None:
    with psycopg.connect(cluster.url, autocommit=True) as operator:
        operator.execute("DROP ROLE IF EXISTS one_connection")
        operator.execute(
            "CREATE ROLE one_connection LOGIN CONNECTION LIMIT 1 IN ROLE pg_read_all_data, pg_write_all_data"
        )
    url = make_url(cluster.url).set(username="one_connection")
    database = Database(url.render_as_string(hide_password=False), wait_seconds=1)
    with psycopg.connect(url.render_as_string(hide_password=False)):
        assert "the database failed" in refused(database)
        assert not DatabaseReady(database)().is_ready
    kept = answered(database)
    assert DatabaseReady(database)().is_ready
    assert stored(database) == {kept}
    database.close()


def test_a_call_waits_for_a_connection_of_the_pool_and_not_for_ever(cluster: Cluster) -> None:
    database = Database(cluster.emptied(), wait_seconds=0.5, connections=1)
    upgrade(database)
    with database.engine.connect():
        begun = time.monotonic()
        assert "TimeoutError" in refused(database)
        assert time.monotonic() - begun < 10
        assert not DatabaseReady(database)().is_ready
    kept = answered(database)
    assert stored(database) == {kept}
    assert DatabaseReady(database)().is_ready
    database.close()


def test_a_statement_that_an_operator_cancels_is_not_answered(postgresql: Database, cluster: Cluster) -> None:
    with psycopg.connect(cluster.url) as operator:
        operator.execute("LOCK TABLE cards")
        failures: list[str] = []
        call = threading.Thread(target=lambda: failures.append(refused(postgresql)))
        call.start()
        wait_for_lock(cluster)
        operator.execute("SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
        call.join(30)
    assert failures == ["the database failed (QueryCanceled, 57014)"]
    assert rows(postgresql, "decisions") == []
    kept = answered(postgresql)
    assert stored(postgresql) == {kept}


def test_the_loser_of_a_deadlock_is_not_answered_and_leaves_nothing(postgresql: Database, cluster: Cluster) -> None:
    kept = answered(postgresql)
    with psycopg.connect(cluster.url) as other:
        other.execute("SET deadlock_timeout = '60s'")  # so that the service's session is the one that ends
        other.execute("LOCK TABLE cards IN SHARE MODE")  # the service reads cards before it writes anything
        failures: list[str] = []
        call = threading.Thread(target=lambda: failures.append(refused(postgresql)))
        call.start()
        wait_for_lock(cluster)
        other.execute("LOCK TABLE decisions")
        call.join(30)
    assert failures == ["the database failed (DeadlockDetected, 40P01)"]
    assert stored(postgresql) == {kept}
    assert DatabaseReady(postgresql)().is_ready
    later = answered(postgresql)
    assert stored(postgresql) == {kept, later}


def test_nothing_acknowledged_is_lost_to_serialization_failures(postgresql: Database, cluster: Cluster) -> None:
    cluster.set("default_transaction_isolation", "serializable")
    try:
        statuses: dict[str, int] = {}

        def call() -> None:
            service = RecordedService(postgresql)
            body, service.chart = sample_call("sij-fibromyalgia")
            for _ in range(5):
                response = service.call(body)
                statuses[response.headers["X-Request-Id"]] = response.status_code

        threads = [threading.Thread(target=call) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert len(statuses) == 20
        assert set(statuses.values()) <= {200, 503}
        acknowledged = {name for name, status in statuses.items() if status == 200}
        assert acknowledged <= {row["decision"] for row in rows(postgresql, "decisions") if row["status"] == 200}
        answered(postgresql)
        assert DatabaseReady(postgresql)().is_ready
    finally:
        cluster.set("default_transaction_isolation", "'read committed'")


def wait_for_lock(cluster: Cluster) -> None:
    """Wait until a session of the service waits for a lock."""
    query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND application_name = 'cds-service'"
    with psycopg.connect(cluster.url, autocommit=True) as connection:
        for _ in range(500):
            if connection.execute(query).fetchone() != (0,):
                return
            time.sleep(0.01)
    raise AssertionError("no session waits")
