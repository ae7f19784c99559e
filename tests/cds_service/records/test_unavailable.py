"""A database that does not do what is asked: full, read-only, locked, stopped; and what is answered then."""

import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import event, text

from cds_service.cli.main import main
from cds_service.records.database import IN_MEMORY, Database, UnavailableError
from cds_service.records.schema import upgrade
from coverage_policies.format.searches import CONDITIONS
from tests.support.hook_fakes import WatchingAssessor, call
from tests.support.postgresql_cluster import Cluster
from tests.support.record_fakes import RecordedService, new_id, overridden, sample_call

WAIT = 0.3


@pytest.fixture(name="file")
def _file(tmp_path: Path) -> Path:
    database = Database(f"sqlite:///{tmp_path}/records.db", wait_seconds=5)
    upgrade(database)
    database.close()
    return tmp_path / "records.db"


@pytest.fixture(name="full")
def _full(tmp_path: Path) -> Iterator[Database]:
    """A database on a disk without room for another page, and none left in those it has."""
    file = tmp_path / "full.db"
    with sqlite3.connect(file) as connection:
        connection.executescript("PRAGMA page_size=512; VACUUM")
    connection.close()
    made = Database(f"sqlite:///{file}", wait_seconds=WAIT)
    upgrade(made)
    made.close()
    made = Database(f"sqlite:///{file}", wait_seconds=WAIT)

    @event.listens_for(made.engine, "connect")
    def limit(connection: Any, _record: object) -> None:
        connection.execute("PRAGMA max_page_count=1")

    filling = RecordedService(made)
    for _ in range(10):
        filling.call({"hook": "order-sign"})
        filling.send_feedback(overridden(new_id()))
    yield made
    made.close()


@pytest.fixture(name="read_only")
def _read_only(file: Path) -> Iterator[Database]:
    made = Database(f"sqlite:///file:{file}?mode=ro&uri=true", wait_seconds=WAIT)
    yield made
    made.close()


@pytest.fixture(name="locked")
def _locked(file: Path) -> Iterator[Database]:
    """A database that another process writes to and does not stop."""
    made = Database(f"sqlite:///{file}", wait_seconds=WAIT)
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    yield made
    made.close()
    other.close()


@pytest.fixture(name="stopped")
def _stopped(cluster: Cluster) -> Iterator[Database]:
    made = Database(cluster.emptied(), wait_seconds=WAIT)
    upgrade(made)
    cluster.stop()
    yield made
    cluster.start()
    made.close()


@pytest.fixture(name="blocked")
def _blocked(cluster: Cluster) -> Iterator[Database]:
    """A PostgreSQL database in which somebody holds a table."""
    made = Database(cluster.emptied(), wait_seconds=WAIT)
    upgrade(made)
    with made.engine.connect() as other:
        other.execute(text("LOCK TABLE decisions, feedback"))
        yield made
    made.close()


FAULTS = {
    "full": "SQLITE_FULL",
    "read_only": "SQLITE_READONLY",
    "locked": "SQLITE_BUSY",
    "stopped": "OperationalError",
    "blocked": "",
}


@pytest.fixture(
    name="broken",
    params=[
        *("full", "read_only", "locked"),
        pytest.param("stopped", marks=pytest.mark.postgres),
        pytest.param("blocked", marks=pytest.mark.postgres),
    ],
)
def _broken(request: pytest.FixtureRequest) -> tuple[Database, str]:
    return request.getfixturevalue(request.param), FAULTS[request.param]


def test_a_decision_that_is_not_stored_is_not_answered(broken: tuple[Database, str]) -> None:
    database, cause = broken
    service = RecordedService(database)
    body, service.chart = sample_call("sij-fibromyalgia")
    begun = time.monotonic()
    response = service.call(body)
    assert time.monotonic() - begun < 5
    assert (response.status_code, response.headers["Retry-After"]) == (503, "5")
    assert response.json["resourceType"] == "OperationOutcome"
    assert response.json["issue"][0]["code"] == "transient"
    assert "cards" not in response.json
    (line,) = service.lines()
    assert (line["level"], line["status"]) == ("error", 503)
    assert line["failure"].startswith("the database ")
    assert cause in line["failure"]
    assert not any(each in line["failure"] for each in ("INSERT", "sqlite:", "127.0.0.1", "postgres@"))


def test_by_setting_it_is_answered_and_the_log_is_loud(broken: tuple[Database, str]) -> None:
    service = RecordedService(broken[0], answer_if_store_fails=True)
    body, service.chart = sample_call("sij-fibromyalgia")
    assert len(service.cards(body)) == 1
    (line,) = service.lines()
    assert (line["level"], line["status"], line["cards"]) == ("error", 200, 1)
    assert line["failure"].startswith("answered unrecorded: the database ")


@pytest.mark.parametrize("answer_if_store_fails", [False, True])
def test_feedback_that_is_not_stored_is_not_acknowledged(
    broken: tuple[Database, str], answer_if_store_fails: bool
) -> None:
    service = RecordedService(broken[0], answer_if_store_fails=answer_if_store_fails)
    response = service.send_feedback(overridden(new_id(), overrideReason={"userComment": "Xanthippe"}))
    assert (response.status_code, response.json["resourceType"]) == (503, "OperationOutcome")
    assert service.lines()[0]["level"] == "error"
    assert "Xanthippe" not in response.text + service.written.getvalue()


def test_an_error_stays_the_error_it_is(broken: tuple[Database, str]) -> None:
    service = RecordedService(broken[0], assessor=WatchingAssessor(CONDITIONS))
    assert service.call(call()).status_code == 412
    assert service.call({"hook": "order-sign"}).status_code == 400
    assert all("not recorded: the database " in line["failure"] for line in service.lines())


def test_the_service_goes_on_once_the_database_is_back(cluster: Cluster) -> None:
    database = Database(cluster.emptied(), wait_seconds=5)
    upgrade(database)
    service = RecordedService(database)
    body, service.chart = sample_call("sij-fibromyalgia")
    assert service.call(body).status_code == 200
    cluster.stop()
    assert service.call(body).status_code == 503
    cluster.start()
    assert service.call(body).status_code == 200
    assert len(service.rows("decisions")) == 2
    database.close()


def test_a_writer_waits_for_another_and_not_for_ever(file: Path) -> None:
    database = Database(f"sqlite:///{file}", wait_seconds=WAIT)
    with database.writing():
        begun = time.monotonic()
        with pytest.raises(UnavailableError, match="busy"), database.writing():
            pass
        assert WAIT <= time.monotonic() - begun < 10 * WAIT
        with database.reading() as connection:
            assert connection.execute(text("SELECT count(*) FROM decisions")).scalar() == 0
    with database.writing():
        pass
    database.close()


def test_what_is_committed_is_on_disk(database: Database) -> None:
    with database.reading() as connection:
        if database.is_sqlite:
            pragmas = [connection.execute(text(f"PRAGMA {name}")).scalar() for name in ("journal_mode", "synchronous")]
            assert pragmas == ["wal", 2]
        else:
            assert connection.execute(text("SHOW synchronous_commit")).scalar() == "on"
            assert connection.execute(text("SHOW statement_timeout")).scalar() == "5s"


@pytest.mark.parametrize("url", ["mysql://u:secret@host/db", "secret", "", "oracle://u:secret@h"])
def test_another_database_is_refused_without_its_address_being_told(url: str) -> None:
    with pytest.raises(ValueError, match="database") as raised:
        Database(url, wait_seconds=1)
    assert "secret" not in str(raised.value)


def test_a_transaction_that_fails_leaves_nothing(database: Database) -> None:
    def fail() -> None:
        with database.writing() as connection:
            connection.execute(text("INSERT INTO used_tokens VALUES ('a', 'b', '2026-03-02')"))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    with database.reading() as connection:
        assert connection.execute(text("SELECT count(*) FROM used_tokens")).scalar() == 0


def test_a_database_in_memory_serves_many_threads() -> None:
    database = Database(IN_MEMORY, wait_seconds=5)
    upgrade(database)
    service = RecordedService(database)
    body, service.chart = sample_call("sij-fibromyalgia")
    for _ in range(3):
        assert service.call(body).status_code == 200
    assert len(service.rows("decisions")) == 3


class TestServe:
    """`serve` and `db` before anything is served."""

    @pytest.fixture(autouse=True)
    def _settings(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.served: list[str] = []
        monkeypatch.setenv("CDS_DATA_FOLDER", str(tmp_path / "new" / "data"))
        monkeypatch.setenv("CDS_ALLOW_UNAUTHENTICATED", "yes")
        monkeypatch.setattr("cds_service.cli.serve.serve", lambda *_, **__: self.served.append("served"))
        monkeypatch.setattr("cds_service.cli.serve.check_address", lambda *_: None)
        self.env = monkeypatch
        self.folder = tmp_path / "new" / "data"

    def run(self, *arguments: str) -> tuple[int, str]:
        """The exit code of a command and what it said."""
        result = CliRunner().invoke(main, arguments, catch_exceptions=False)
        return result.exit_code, result.output

    def test_a_first_start_makes_database_and_key(self) -> None:
        assert self.run("db", "check")[0] == 1
        assert self.run("serve")[0] == 0
        assert self.served == ["served"]
        assert (self.folder / "records.key").stat().st_mode & 0o777 == 0o600
        assert self.run("db", "check") == (0, "The schema is current.\n")
        key = (self.folder / "records.key").read_text()
        assert self.run("serve")[0] == 0
        assert (self.folder / "records.key").read_text() == key

    def test_a_key_of_the_operators_needs_no_file(self) -> None:
        self.env.setenv("CDS_PSEUDONYM_KEY", "k" * 32)
        assert self.run("serve")[0] == 0
        assert not (self.folder / "records.key").exists()
        self.env.setenv("CDS_PSEUDONYM_KEY", "k" * 31)
        code, said = self.run("serve")
        assert (code, "CDS_PSEUDONYM_KEY" in said, "k" * 31 in said) == (1, True, False)

    def test_a_postgresql_whose_schema_is_not_current_stops_the_start(self, cluster: Cluster) -> None:
        self.env.setenv("CDS_DATABASE_URL", cluster.emptied())
        code, said = self.run("serve")
        assert (code, self.served) == (1, [])
        assert "the schema of the database is empty; run `cds-service db upgrade`" in said
        assert self.run("db", "upgrade") == (0, "The schema is current now.\n")
        assert self.run("db", "upgrade") == (0, "The schema was current.\n")
        assert self.run("serve")[0] == 0

    def test_a_schema_of_a_newer_version_that_lacks_something_stops_the_start(self) -> None:
        self.run("db", "upgrade")
        with sqlite3.connect(self.folder / "records.db") as connection:
            connection.execute("UPDATE alembic_version SET version_num = '9999'")
            connection.execute("DROP TABLE smart_sessions")
        connection.close()
        for command in (("serve",), ("db", "upgrade"), ("db", "check"), ("feedback", "report")):
            code, said = self.run(*command)
            assert (code, "a newer one has upgraded it" in said) == (1, True)
        assert self.served == []

    @pytest.mark.parametrize(
        "url", ["mysql://u:secret@h/d", "postgresql://u:secret@127.0.0.1:1/none", "sqlite:////nowhere/at/all.db"]
    )
    def test_a_database_that_cannot_be_used_stops_the_start(self, url: str) -> None:
        self.env.setenv("CDS_DATABASE_URL", url)
        for command in (("serve",), ("db", "check"), ("decisions", "show", "x")):
            code, said = self.run(*command)
            assert (code, said.count("\n"), "secret" in said) == (1, 1, False)
        assert self.served == []

    @pytest.mark.parametrize("content", ["", "short", "00" * 31, "xx" * 32, "\xff"])
    def test_a_key_file_that_cannot_be_used_stops_the_start(self, content: str) -> None:
        self.folder.mkdir(parents=True)
        (self.folder / "records.key").write_text(content, encoding="latin-1")
        code, said = self.run("serve")
        assert (code, "records.key" in said, self.served) == (1, True, [])
        assert not content or content not in said

    def test_a_folder_that_cannot_be_made_stops_the_start(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        self.env.setenv("CDS_DATA_FOLDER", str(tmp_path / "file" / "data"))
        code, said = self.run("serve")
        assert (code, self.served) == (1, [])
        assert "data" in said
