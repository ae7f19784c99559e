"""After a failed write the service is not ready, until a write succeeds: one of its own, as no calls come any more."""

import itertools
import shutil
import sqlite3
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, text

from cds_service.http.readiness import DatabaseReady
from cds_service.records.database import Database, UnavailableError
from cds_service.records.schema import upgrade
from tests.support.hook_fakes import Service, WatchingAssessor
from tests.support.postgresql_cluster import Cluster
from tests.support.record_fakes import RecordedService, rows, sample_call

WAIT = 0.3


def ready(database: Database) -> Any:
    """The answer of a service with this database."""
    return Service(WatchingAssessor(), checks=[DatabaseReady(database)]).client.get("/health/ready")


def refused_call(database: Database) -> None:
    service = RecordedService(database)
    body, service.chart = sample_call("sij-fibromyalgia")
    assert service.call(body).status_code == 503


@pytest.fixture(name="opened")
def _opened(tmp_path: Path) -> Iterator[Database]:
    made = Database(f"sqlite:///{tmp_path}/records.db", wait_seconds=WAIT)
    upgrade(made)
    yield made
    made.close()


@pytest.fixture(name="small_disk")
def _small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MiB, mounted if this machine allows it."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = shutil.which("mount", path="/usr/bin:/bin:/sbin")
    if mount is None or subprocess.run([mount, "-t", "tmpfs", "-o", "size=1m", "none", folder], check=False).returncode:  # noqa: S603
        pytest.skip("no file system can be mounted here")
    yield folder
    subprocess.run([shutil.which("umount") or "umount", folder], check=True)  # noqa: S603


def test_a_service_whose_database_is_locked_is_not_ready_until_it_can_write(opened: Database, tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "records.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert ready(opened).status_code == 200  # nobody has tried to write
    refused_call(opened)
    for _ in range(2):
        response = ready(opened)
        assert response.status_code == 503
        assert response.json["database"] == {
            "ready": False,
            "reason": "the last write failed: the database failed (OperationalError, SQLITE_BUSY)",
        }
    other.execute("ROLLBACK")
    other.close()
    assert ready(opened).json["database"] == {"ready": True}
    assert opened.write_failure == ""


def test_a_service_whose_disk_is_full_is_not_ready_until_there_is_room(small_disk: Path) -> None:
    database = Database(f"sqlite:///{small_disk}/records.db", wait_seconds=WAIT)
    upgrade(database)
    filling = small_disk / "filling"
    with filling.open("wb", buffering=0) as file, pytest.raises(OSError, match="space"):
        file.writelines(itertools.repeat(b"x" * 4096))
    refused_call(database)
    for _ in range(3):
        response = ready(database)
        assert response.status_code == 503
        assert "SQLITE_FULL" in response.json["database"]["reason"]
    filling.unlink()
    assert ready(database).status_code == 200
    database.close()


def test_a_service_whose_database_may_not_grow_is_not_ready(tmp_path: Path) -> None:
    file = tmp_path / "full.db"
    upgraded = Database(f"sqlite:///{file}", wait_seconds=WAIT)
    upgrade(upgraded)
    upgraded.close()
    database = Database(f"sqlite:///{file}", wait_seconds=WAIT)

    @event.listens_for(database.engine, "connect")
    def limit(connection: Any, _record: object) -> None:
        connection.execute("PRAGMA max_page_count=1")

    service = RecordedService(database)
    body, service.chart = sample_call("sij-fibromyalgia")
    while service.call(body).status_code == 200:
        pass
    assert "SQLITE_FULL" in ready(database).json["database"]["reason"]
    database.close()


def test_a_call_that_is_stored_makes_the_service_ready_again(opened: Database, tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "records.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    refused_call(opened)
    other.execute("ROLLBACK")
    other.close()
    service = RecordedService(opened)
    body, service.chart = sample_call("sij-fibromyalgia")
    assert service.call(body).status_code == 200
    assert opened.write_failure == ""


def test_a_fault_of_the_caller_of_a_transaction_is_no_failed_write(opened: Database) -> None:
    with pytest.raises(RuntimeError), opened.writing():
        raise RuntimeError
    assert opened.write_failure == ""


def test_one_readiness_check_writes_at_a_time(opened: Database, tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "records.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    refused_call(opened)
    check = DatabaseReady(opened)
    writes = []
    event.listen(opened.engine, "begin", lambda connection: writes.append(connection))
    begun = threading.Barrier(8)

    def ask() -> None:
        begun.wait()
        assert not check().is_ready

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    other.close()
    assert sum("cds_reads" not in each.get_execution_options() for each in writes) < 8


def test_the_write_of_a_readiness_check_leaves_no_row(database: Database) -> None:
    database.write_failure = "it failed"
    assert ready(database).status_code == 200
    assert database.write_failure == ""
    assert rows(database, "used_tokens") == rows(database, "decisions") == []


def test_a_postgresql_table_that_is_locked_makes_the_service_not_ready(cluster: Cluster) -> None:
    database = Database(cluster.emptied(), wait_seconds=WAIT)
    upgrade(database)
    with database.engine.connect() as other:
        other.execute(text("LOCK TABLE decisions, used_tokens"))
        refused_call(database)
        response = ready(database)
        assert response.status_code == 503
        # The limits on waiting for a lock and on a statement are the same.
        assert any(name in response.json["database"]["reason"] for name in ("LockNotAvailable", "QueryCanceled"))
    assert ready(database).status_code == 200
    database.close()


def test_a_postgresql_that_takes_no_writes_makes_the_service_not_ready(cluster: Cluster) -> None:
    database = Database(cluster.emptied(), wait_seconds=WAIT)
    upgrade(database)
    cluster.set("default_transaction_read_only", "on")
    try:
        refused_call(database)
        response = ready(database)
        assert (response.status_code, "25006" in response.json["database"]["reason"]) == (503, True)
    finally:
        cluster.set("default_transaction_read_only", "off")
    assert ready(database).status_code == 200
    database.close()


def test_a_stopped_postgresql_is_not_ready_and_ready_again_by_itself(cluster: Cluster) -> None:
    database = Database(cluster.emptied(), wait_seconds=WAIT)
    upgrade(database)
    cluster.stop()
    try:
        refused_call(database)
        assert ready(database).status_code == 503
    finally:
        cluster.start()
    assert ready(database).status_code == 200
    database.close()


def test_a_failure_is_raised_and_remembered(opened: Database) -> None:
    with pytest.raises(UnavailableError), opened.writing() as connection:
        connection.execute(text("INSERT INTO nothing VALUES (1)"))
    assert opened.write_failure == "the database failed (OperationalError, SQLITE_ERROR)"
