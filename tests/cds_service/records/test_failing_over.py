"""PostgreSQL fails over in the middle of calls: nothing acknowledged is lost, and the service goes on by itself."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import pytest

from cds_service.http.readiness import DatabaseReady
from cds_service.records.database import Database, UnavailableError
from cds_service.records.schema import upgrade
from tests.support.postgresql_cluster import Cluster
from tests.support.record_fakes import RecordedService, rows, sample_call

CLIENTS = 4
FAULTS = 6


@pytest.fixture(name="postgresql")
def _postgresql(cluster: Cluster) -> Iterator[Database]:
    made = Database(cluster.emptied(), wait_seconds=2)
    upgrade(made)
    yield made
    made.close()


def terminate(cluster: Cluster) -> None:
    """Close the service's connections from the server's side."""
    with psycopg.connect(cluster.url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'cds-service'"
        )


def crash(cluster: Cluster) -> None:
    cluster.stop("immediate")
    cluster.start()


def restart(cluster: Cluster) -> None:
    cluster.stop("fast")
    cluster.start()


class Load:
    """Calls from several threads: what was acknowledged, and every other status."""

    def __init__(self, database: Database) -> None:
        self._service = RecordedService(database)
        self._body, self._service.chart = sample_call("sij-posterior")
        self.acknowledged: set[str] = set()
        self.others: list[int] = []
        self._stopped = threading.Event()

    @contextmanager
    def running(self) -> Iterator[None]:
        threads = [threading.Thread(target=self._run) for _ in range(CLIENTS)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._stopped.set()
            for thread in threads:
                thread.join(30)

    def wait_for(self, count: int) -> None:
        until = time.monotonic() + 60
        while len(self.acknowledged) < count:
            assert time.monotonic() < until, "no call is answered any more"
            time.sleep(0.01)

    def call(self) -> int:
        response = self._service.call(self._body)
        if response.status_code == 200:
            self.acknowledged.add(response.headers["X-Request-Id"])
        else:
            self.others.append(response.status_code)
        return response.status_code

    def _run(self) -> None:
        while not self._stopped.is_set():
            self.call()


# SQLAlchemy leaves a connection that broke while it was being set up to the garbage collector, and psycopg complains.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.slow
@pytest.mark.parametrize("fail", [terminate, crash, restart], ids=lambda each: each.__name__)
def test_nothing_acknowledged_is_lost(postgresql: Database, cluster: Cluster, fail: Callable[[Cluster], None]) -> None:
    load = Load(postgresql)
    with load.running():
        for _ in range(FAULTS):
            load.wait_for(len(load.acknowledged) + 5)
            fail(cluster)
        load.wait_for(len(load.acknowledged) + 5)
    assert set(load.others) <= {503}
    assert load.call() == 200
    assert DatabaseReady(postgresql)().is_ready
    stored = rows(postgresql, "decisions")
    assert load.acknowledged <= {row["decision"] for row in stored if row["status"] == 200}


def test_a_connection_that_ends_during_a_call_is_answered_503_and_the_next_call_200(
    postgresql: Database, cluster: Cluster
) -> None:
    with pytest.raises(UnavailableError), postgresql.writing() as connection:  # noqa: PT012
        connection.exec_driver_sql("INSERT INTO used_tokens VALUES ('a', 'b', now())")
        terminate(cluster)
    assert rows(postgresql, "used_tokens") == []
    assert Load(postgresql).call() == 200


def test_connections_to_a_server_that_became_a_standby_are_given_up(postgresql: Database) -> None:
    """After a failover the address leads to the new primary, but open connections stay with the old one."""
    with postgresql.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY")
    load = Load(postgresql)
    assert [load.call() for _ in range(3)] == [503, 200, 200]
