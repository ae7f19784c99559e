"""What several threads write at the same time is one transaction, in which each answers for itself alone."""

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, event, text

from cds_service.records.database import IN_MEMORY, Database, UnavailableError
from cds_service.records.schema import upgrade
from cds_service.records.used_tokens import UsedTokens
from tests.support.record_fakes import NOW, RecordedService, new_id, overridden, rows, sample_call

WAIT = 0.5
PATIENT = 20

Job = Callable[[Connection], object]


class Writers:
    """Threads that write, and what became of what each wrote."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.outcomes: dict[str, object] = {}
        self.commits = 0
        self._threads: list[threading.Thread] = []
        event.listen(database.engine, "commit", self._count)

    def _count(self, connection: Connection) -> None:
        if "cds_reads" not in connection.get_execution_options():
            self.commits += 1

    def start(self, name: str, work: Callable[[], object]) -> None:
        """Let a thread work that must wait for its turn, and return once it waits."""
        waiting = len(self.database._writers._waiting)
        self._threads.append(threading.Thread(target=self._run, args=(name, work), daemon=True))
        self._threads[-1].start()
        until = time.monotonic() + PATIENT
        while len(self.database._writers._waiting) == waiting:
            assert time.monotonic() < until, "the thread does not wait"
            time.sleep(0.001)

    def write(self, name: str, job: Job) -> None:
        """Let a thread write that must wait for its turn."""
        self.start(name, lambda: self.database.write(job))

    def join(self) -> dict[str, object]:
        """Wait for all; return the result or the error of each."""
        for each in self._threads:
            each.join(PATIENT)
        assert not any(each.is_alive() for each in self._threads)
        return self.outcomes

    def _run(self, name: str, work: Callable[[], object]) -> None:
        try:
            self.outcomes[name] = work()
        except BaseException as error:
            self.outcomes[name] = error


@contextmanager
def occupied(database: Database) -> Iterator[None]:
    """A database in which somebody else writes while the context lasts."""
    with database.writing():
        yield


def adding(name: str) -> Job:
    """A job that adds a row and answers with a name of its own."""

    def job(connection: Connection) -> object:
        connection.execute(text("INSERT INTO used_tokens VALUES (:name, '', '2026-03-02')"), {"name": name})
        return f"added {name}"

    return job


def then(first: Job, second: Callable[[], object]) -> Job:
    """A job that does another one first."""

    def job(connection: Connection) -> object:
        result = first(connection)
        second()
        return result

    return job


def fail() -> None:
    raise RuntimeError


def added(database: Database) -> set[str]:
    return {row["issuer"] for row in rows(database, "used_tokens")}


def open_in(folder: Path, wait_seconds: float) -> Database:
    made = Database(f"sqlite:///{folder}/records.db", wait_seconds=wait_seconds)
    upgrade(made)
    return made


@pytest.fixture(name="opened")
def _opened(tmp_path: Path) -> Iterator[Database]:
    made = open_in(tmp_path, PATIENT)
    yield made
    made.close()


@pytest.fixture(name="hasty")
def _hasty(tmp_path: Path) -> Iterator[Database]:
    """A database whose writers soon give up."""
    made = open_in(tmp_path, WAIT)
    yield made
    made.close()


@pytest.fixture(name="writers")
def _writers(opened: Database) -> Writers:
    return Writers(opened)


def test_what_threads_write_at_the_same_time_is_one_commit_and_each_gets_its_own_result(writers: Writers) -> None:
    with occupied(writers.database):
        for name in "abcdef":
            writers.write(name, adding(name))
    assert writers.join() == {name: f"added {name}" for name in "abcdef"}
    assert writers.commits == 2  # one is that of the writer they waited for
    assert added(writers.database) == set("abcdef")


def test_a_thread_that_is_alone_commits_at_once(writers: Writers) -> None:
    for n, name in enumerate("abc"):
        assert writers.database.write(adding(name)) == f"added {name}"
        assert writers.commits == n + 1
        assert added(writers.database) == set("abc"[: n + 1])


def test_the_statements_of_a_group_are_computed_in_turn_and_its_commit_is_not(tmp_path: Path) -> None:
    order: list[str] = []

    @contextmanager
    def computing() -> Iterator[None]:
        order.append("begin")
        yield
        order.append("end")

    database = Database(f"sqlite:///{tmp_path}/records.db", wait_seconds=PATIENT, computing=computing)
    upgrade(database)
    event.listen(database.engine, "commit", lambda _: order.append("commit"))
    order.clear()
    database.write(lambda _: order.append("write"))
    database.close()
    assert order == ["begin", "write", "end", "commit"]


@pytest.mark.parametrize("failing", "abc")
def test_a_job_that_fails_fails_no_other(writers: Writers, failing: str) -> None:
    with occupied(writers.database):
        for name in "abc":
            writers.write(name, then(adding(name), fail) if name == failing else adding(name))
    outcomes = writers.join()
    assert isinstance(outcomes.pop(failing), RuntimeError)
    assert outcomes == {name: f"added {name}" for name in "abc" if name != failing}
    assert added(writers.database) == set("abc") - {failing}
    assert writers.database.write_failure == ""


def test_a_statement_that_the_database_refuses_fails_only_its_own_job(writers: Writers) -> None:
    writers.database.write(adding("known"))
    with occupied(writers.database):
        for name in ("a", "known", "b"):
            writers.write(name, adding(name))
    outcomes = writers.join()
    assert str(outcomes.pop("known")) == "the database failed (IntegrityError, SQLITE_CONSTRAINT_PRIMARYKEY)"
    assert outcomes == {"a": "added a", "b": "added b"}
    assert added(writers.database) == {"known", "a", "b"}


def test_a_commit_that_fails_fails_all_and_stores_none(writers: Writers) -> None:
    def break_at_commit(connection: Connection) -> None:
        connection.execute(text("CREATE TABLE child (x REFERENCES decisions (decision) DEFERRABLE INITIALLY DEFERRED)"))
        connection.execute(text("INSERT INTO child VALUES ('no decision')"))

    with occupied(writers.database):
        for name in "ab":
            writers.write(name, adding(name))
        writers.write("breaking", break_at_commit)
    outcomes = writers.join()
    failure = "the database failed (IntegrityError, SQLITE_CONSTRAINT_FOREIGNKEY)"
    assert {name: (type(each), str(each)) for name, each in outcomes.items()} == dict.fromkeys(
        ("a", "b", "breaking"), (UnavailableError, failure)
    )
    assert added(writers.database) == set()
    assert writers.database.write_failure == failure
    writers.database.write(adding("c"))
    assert writers.database.write_failure == ""


def test_a_file_that_is_lost_meanwhile_fails_all(writers: Writers, tmp_path: Path) -> None:
    with occupied(writers.database):
        writers.write("a", adding("a"))
        writers.write("b", then(adding("b"), (tmp_path / "records.db").unlink))
        writers.write("c", adding("c"))
    outcomes = writers.join()
    assert {str(each) for each in outcomes.values()} == {"the database file was deleted"}
    assert writers.database.write_failure == "the database file was deleted"


def test_a_job_that_is_not_begun_in_time_is_withdrawn(hasty: Database) -> None:
    writers, ran = Writers(hasty), []
    with occupied(hasty):
        begun = time.monotonic()
        writers.write("late", lambda _: ran.append("late"))
        outcomes = writers.join()
        assert WAIT <= time.monotonic() - begun < 10 * WAIT
        assert (type(outcomes["late"]), str(outcomes["late"])) == (
            UnavailableError,
            "the database was busy for too long",
        )
        assert hasty.write_failure == "the database was busy for too long"
    assert hasty.write(adding("next")) == "added next"
    assert ran == []


def test_a_job_that_was_begun_is_not_given_up(hasty: Database) -> None:
    writers = Writers(hasty)
    with occupied(hasty):
        writers.write("slow", then(adding("slow"), lambda: time.sleep(3 * WAIT)))
        writers.write("behind", adding("behind"))
    assert writers.join() == {"slow": "added slow", "behind": "added behind"}
    assert added(hasty) == {"slow", "behind"}


def test_after_the_error_of_another_a_job_whose_time_is_over_is_not_begun_again(hasty: Database) -> None:
    writers = Writers(hasty)
    with occupied(hasty):
        writers.write("behind", adding("behind"))
        writers.write("failing", then(lambda _: time.sleep(2 * WAIT), fail))
    outcomes = writers.join()
    assert {str(each) for each in outcomes.values()} == {"the database was busy for too long"}
    assert added(hasty) == set()


def test_a_database_that_another_process_locks_is_waited_for_and_not_for_ever(hasty: Database, tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "records.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    writers = Writers(hasty)
    begun = time.monotonic()
    with hasty._writers.turn():
        for name in "abcd":
            writers.write(name, adding(name))
    outcomes = writers.join()
    assert WAIT <= time.monotonic() - begun < 10 * WAIT
    assert {type(each) for each in outcomes.values()} == {UnavailableError}
    other.close()
    assert hasty.write(adding("next")) == "added next"
    assert added(hasty) == {"next"}


def test_a_writer_with_a_transaction_of_its_own_is_in_no_group(writers: Writers) -> None:
    commits_before: list[int] = []

    def alone() -> None:
        with writers.database.writing() as connection:
            commits_before.append(writers.commits)
            adding("alone")(connection)

    with occupied(writers.database):
        writers.write("a", adding("a"))
        writers.start("alone", alone)
        writers.write("b", adding("b"))
    assert writers.join() == {"a": "added a", "alone": None, "b": "added b"}
    assert (commits_before, writers.commits) == ([2], 3)


def test_those_whose_writer_is_interrupted_do_not_wait_for_ever(writers: Writers) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    with occupied(writers.database):
        writers.write("interrupted", then(adding("interrupted"), interrupt))
        writers.write("behind", adding("behind"))
    outcomes = writers.join()
    assert isinstance(outcomes["interrupted"], KeyboardInterrupt)
    assert isinstance(outcomes["behind"], UnavailableError)
    assert added(writers.database) == set()
    assert writers.database.write(adding("next")) == "added next"


def test_a_database_in_memory_groups_writes_too() -> None:
    database = Database(IN_MEMORY, wait_seconds=PATIENT)
    upgrade(database)
    writers = Writers(database)
    with occupied(database):
        for name in "abc":
            writers.write(name, adding(name))
    assert writers.join() == {name: f"added {name}" for name in "abc"}
    assert writers.commits == 2
    assert added(database) == set("abc")


def test_many_threads_that_write_again_and_again_lose_nothing(database: Database) -> None:
    results: list[Any] = []

    def write(thread: int) -> None:
        results.extend(database.write(adding(f"{thread}-{n}")) for n in range(20))

    threads = [threading.Thread(target=write, args=(each,)) for each in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(PATIENT)
    expected = {f"{thread}-{n}" for thread in range(8) for n in range(20)}
    assert sorted(results) == sorted(f"added {each}" for each in expected)
    assert added(database) == expected


def test_calls_feedback_and_tokens_at_the_same_time_share_a_commit(writers: Writers) -> None:
    service = RecordedService(writers.database)
    body, service.chart = sample_call("sij-fibromyalgia")
    used = UsedTokens(writers.database, lambda: NOW)
    with occupied(writers.database):
        for n in range(3):
            writers.start(f"call {n}", lambda: service.call(body).status_code)
        writers.start("refused", lambda: service.call({"hook": "order-sign"}).status_code)
        writers.start("feedback", lambda: service.send_feedback(overridden(new_id())).status_code)
        writers.start("token", lambda: used.first_use("https://ehr.example", "1", NOW))
        writers.start("same token", lambda: used.first_use("https://ehr.example", "1", NOW))
    assert writers.join() == {
        **{f"call {n}": 200 for n in range(3)},
        "refused": 400,
        "feedback": 200,
        "token": True,
        "same token": False,
    }
    assert writers.commits == 2
    assert sorted(row["status"] for row in service.rows("decisions")) == [200, 200, 200, 400]
    assert len(service.rows("cards")) == 3
