"""An SQLite file that is deleted, replaced, or moved while the service runs: no answer without its decision on disk."""

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from cds_service.http.readiness import DatabaseReady
from cds_service.records.database import Database, UnavailableError
from cds_service.records.schema import upgrade
from cds_service.records.used_tokens import UsedTokens
from tests.support.hook_fakes import Service, WatchingAssessor
from tests.support.record_fakes import NOW, RecordedService, new_id, overridden, sample_call
from tests.support.served_process import ServedProcess


@pytest.fixture(name="file")
def _file(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    return tmp_path / "data" / "records.db"


@pytest.fixture(name="opened")
def _opened(file: Path) -> Iterator[Database]:
    made = Database(f"sqlite:///{file}", wait_seconds=1)
    upgrade(made)
    yield made
    made.close()


def delete(file: Path) -> None:
    for each in file.parent.glob("records.db*"):
        each.unlink()


def delete_the_database_alone(file: Path) -> None:
    file.unlink()


def replace_by_another_database(file: Path) -> None:
    backup = file.with_name("backup.db")
    made = Database(f"sqlite:///{backup}", wait_seconds=1)
    upgrade(made)
    made.close()
    backup.replace(file)


def replace_by_a_copy(file: Path) -> None:
    copy = file.with_name("copy")
    shutil.copy2(file, copy)
    copy.replace(file)


def replace_by_an_empty_file(file: Path) -> None:
    delete(file)
    file.touch()


def move_the_folder(file: Path) -> None:
    file.parent.rename(file.parent.with_name("moved"))


def mount_another_folder(file: Path) -> None:
    """What a remounted volume looks like: another folder with another file at the same path."""
    move_the_folder(file)
    file.parent.mkdir()
    made = Database(f"sqlite:///{file}", wait_seconds=1)
    upgrade(made)
    made.close()


def delete_the_log(file: Path) -> None:
    file.with_name("records.db-wal").unlink()


def replace_the_log(file: Path) -> None:
    log = file.with_name("records.db-wal")
    shutil.copy2(log, log.with_name("copy"))
    log.with_name("copy").replace(log)


LOSSES = {
    delete: "the database file was deleted",
    delete_the_database_alone: "the database file was deleted",
    replace_by_another_database: "the database file was replaced",
    replace_by_a_copy: "the database file was replaced",
    replace_by_an_empty_file: "the database file was replaced",
    move_the_folder: "the database file was deleted",
    mount_another_folder: "the database file was replaced",
    delete_the_log: "the write-ahead log of the database was deleted or replaced",
    replace_the_log: "the write-ahead log of the database was deleted or replaced",
}

losses = pytest.mark.parametrize("lose", LOSSES, ids=lambda each: each.__name__)


@losses
def test_calls_and_feedback_are_refused_once_the_file_is_lost(
    opened: Database, file: Path, lose: Callable[[Path], None]
) -> None:
    service = RecordedService(opened)
    body, service.chart = sample_call("sij-fibromyalgia")
    assert service.call(body).status_code == 200
    lose(file)
    for response in (service.call(body), service.send_feedback(overridden(new_id())), service.call(body)):
        assert (response.status_code, response.headers["Retry-After"]) == (503, "5")
        assert response.json["resourceType"] == "OperationOutcome"
        assert str(file) not in response.text
    assert {line["failure"] for line in service.lines()[1:]} == {LOSSES[lose]}


@losses
def test_readiness_fails_once_the_file_is_lost(opened: Database, file: Path, lose: Callable[[Path], None]) -> None:
    client = Service(WatchingAssessor(), checks=[DatabaseReady(opened)]).client
    assert client.get("/health/ready").status_code == 200
    lose(file)
    for _ in range(2):
        response = client.get("/health/ready")
        assert response.status_code == 503
        assert response.json["database"] == {"ready": False, "reason": LOSSES[lose]}


@losses
def test_a_write_is_not_acknowledged_if_the_file_is_lost_meanwhile(
    opened: Database, file: Path, lose: Callable[[Path], None]
) -> None:
    with pytest.raises(UnavailableError, match=LOSSES[lose]), opened.writing() as connection:  # noqa: PT012
        connection.exec_driver_sql("INSERT INTO used_tokens VALUES ('a', 'b', '2026-03-02')")
        lose(file)


def test_a_new_connection_does_not_open_the_file_that_replaced_the_first(opened: Database, file: Path) -> None:
    replace_by_another_database(file)
    opened.engine.dispose()
    with pytest.raises(UnavailableError, match="replaced"), opened.writing():
        pass


def test_no_token_is_accepted_once_the_file_is_lost(opened: Database, file: Path) -> None:
    used = UsedTokens(opened, lambda: NOW)
    assert used.first_use("https://ehr.example", "1", NOW)
    delete(file)
    with pytest.raises(UnavailableError, match="deleted"):
        used.first_use("https://ehr.example", "2", NOW)


def test_the_service_goes_on_once_the_same_file_is_back(opened: Database, file: Path) -> None:
    service = RecordedService(opened)
    body, service.chart = sample_call("sij-fibromyalgia")
    assert service.call(body).status_code == 200
    move_the_folder(file)
    assert service.call(body).status_code == 503
    file.parent.with_name("moved").rename(file.parent)
    assert service.call(body).status_code == 200
    assert len(service.rows("decisions")) == 2


def test_a_file_that_is_there_all_the_time_is_not_suspected(opened: Database, file: Path) -> None:
    for _ in range(3):
        with opened.writing() as connection:
            connection.exec_driver_sql("DELETE FROM used_tokens")
        opened.engine.dispose()  # the last connection to close removes the write-ahead log, the next one makes another
    os.utime(file)
    with opened.writing():
        pass


def test_a_process_that_starts_after_the_loss_creates_no_new_file(opened: Database, file: Path) -> None:
    opened.close()
    delete(file)
    database = Database(f"sqlite:///{file}", wait_seconds=1, create=False)
    for _ in range(2):
        assert DatabaseReady(database)().says == {"reason": "the database file was deleted"}
    assert list(file.parent.iterdir()) == []


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077])
def test_only_the_owner_can_read_the_database(file: Path, mask: int) -> None:
    before = os.umask(mask)
    try:
        made = Database(f"sqlite:///{file}", wait_seconds=1)
        upgrade(made)
        modes = {each.name: each.stat().st_mode & 0o777 for each in file.parent.iterdir()}
        made.close()
    finally:
        os.umask(before)
    assert modes == dict.fromkeys(("records.db", "records.db-wal", "records.db-shm"), 0o600)


@pytest.mark.parametrize("mode", [0o644, 0o664, 0o640])
def test_the_rights_of_an_older_version_s_file_are_reduced(file: Path, opened: Database, mode: int) -> None:
    opened.close()
    file.chmod(mode)
    again = Database(f"sqlite:///{file}", wait_seconds=1)
    with again.writing():
        modes = {each.stat().st_mode & 0o777 for each in file.parent.iterdir()}
    again.close()
    assert modes == {0o600}


@pytest.mark.process
@pytest.mark.slow
def test_every_process_notices_a_deleted_file_and_takes_a_backup_after_sighup(tmp_path: Path) -> None:
    served = ServedProcess(tmp_path).until_ready()
    try:
        delete(tmp_path / "data" / "records.db")
        for _ in range(20):
            response = requests.get(f"{served.address}/health/ready", timeout=10)
            assert (response.status_code, response.json()["not_ready"]) == (503, ["database"])
            assert requests.get(f"{served.address}/health/live", timeout=10).status_code == 200
        assert not (tmp_path / "data" / "records.db").exists()
        replace_by_another_database(tmp_path / "data" / "records.db")
        served.process.send_signal(signal.SIGHUP)
        served.until_ready()
    finally:
        assert served.stop() == 0
