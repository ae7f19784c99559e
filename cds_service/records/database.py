"""SQLite in a file or in memory, or PostgreSQL, with short transactions and a limit on every wait.

SQLite runs in WAL mode with `synchronous=FULL`, PostgreSQL with `synchronous_commit=on`: committed data are on disk.
"""

import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Table, create_engine, event, make_url
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.engine import URL, ExceptionContext
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.pool import StaticPool

from cds_service.records.database_file import DatabaseFile, Identity
from cds_service.records.group_commit import BusyError, GroupCommit, Result
from fhir_mappings.fhir_json import dumps

IN_MEMORY = "sqlite://"
_READS = "cds_reads"
_LOG = "cds_write_ahead_log"
_READ_ONLY_SERVER = "25006"
_BETWEEN_TRIES_SECONDS = 0.02


class UnavailableError(Exception):
    """The database failed: it is down, full, or locked for too long. The message says which and holds no values."""


class Database:
    """Transactions on one database. Safe to use from several threads; each process creates its own.

    An SQLite file that is deleted or replaced while it is open fails every transaction until the file is back.
    `wait_seconds` limits every wait: for a connection, for another writer, for a statement. With `create` false, an
    SQLite file that does not exist counts as deleted. `computing` makes a context around the statements of `write` on
    SQLite, in which no other thread of the process should compute.
    Raises ValueError, without the URL in its message, for a URL that is neither SQLite nor PostgreSQL.
    """

    def __init__(
        self,
        url: str,
        *,
        wait_seconds: float,
        connections: int = 8,
        create: bool = True,
        computing: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        parsed = _parsed(url)
        self.is_sqlite = parsed.get_backend_name() == "sqlite"
        self.is_in_memory = self.is_sqlite and parsed.database in (None, "", ":memory:")
        self._wait_seconds = wait_seconds
        self._file = None if not self.is_sqlite or self.is_in_memory else DatabaseFile(_path(parsed), create=create)
        self.write_failure = ""
        """Why the last write failed; empty if it succeeded."""
        self._writers = GroupCommit(self._transaction, wait_seconds, computing)
        self._writer: Connection | None = None
        self.engine = self._sqlite(parsed, connections) if self.is_sqlite else self._postgresql(parsed, connections)

    def write(self, job: Callable[[Connection], Result]) -> Result:
        """Return the result of a job once what it wrote is on disk; raises UnavailableError if it is not.

        SQLite writes the jobs of several threads in one transaction: a job may run a second time, in another one.
        """
        if not self.is_sqlite:
            with self.writing() as connection:
                return job(connection)
        with self._noted_failure(), _translated_errors():
            return self._writers.write(job)

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Open a transaction of one's own that is on disk when the context ends; raises UnavailableError if it is not.

        For rare writers: those that write often use `write`.
        """
        with (
            self._noted_failure(),
            _translated_errors(),
            self._turn_if(self.is_sqlite),
            self._transaction() as connection,
        ):
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Open a read-only transaction that blocks no writer."""
        with _translated_errors(), self._turn_if(self.is_in_memory), self.engine.connect() as connection:
            reader = connection.execution_options(**{_READS: True})
            with reader.begin():
                self._check_file(self._log_of(connection))
                yield reader

    def close(self) -> None:
        """Close every connection."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        self.engine.dispose()

    @contextmanager
    def _noted_failure(self) -> Iterator[None]:
        try:
            yield
        except UnavailableError as error:
            self.write_failure = str(error)
            raise

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        with self._writing_connection() as connection:
            with connection.begin():
                log = self._log_of(connection)
                self._check_file(log)
                yield connection
            self._check_file(log)
        self.write_failure = ""

    @contextmanager
    def _writing_connection(self) -> Iterator[Connection]:
        """Open a connection. SQLite has one writer at a time: its connection stays open until something fails."""
        connection, self._writer = self._writer or self.engine.connect(), None
        try:
            yield connection
        except BaseException:
            connection.close()
            raise
        if self.is_sqlite:
            self._writer = connection
        else:
            connection.close()

    def _log_of(self, connection: Connection) -> Identity:
        """Return the identity of the write-ahead log that a connection opened in its first transaction."""
        if self._file is not None:
            connection.info[_LOG] = connection.info.get(_LOG) or self._file.log()
        return connection.info.get(_LOG)

    def _check_file(self, log: Identity) -> None:
        """Raise UnavailableError if the file, or the log that a connection opened, is no longer in its place."""
        if self._file is not None and (fault := self._file.fault(log)):
            raise UnavailableError(fault)

    def _turn_if(self, is_needed: bool) -> AbstractContextManager[None]:
        """Admit one thread at a time: SQLite waits by polling, and an in-memory database has one connection."""
        return self._writers.turn() if is_needed else nullcontext()

    def _sqlite(self, url: URL, connections: int) -> Engine:
        options: dict[str, Any] = {"connect_args": {"timeout": self._wait_seconds, "check_same_thread": False}}
        if self.is_in_memory:
            options["poolclass"] = StaticPool
        else:
            options |= {"pool_size": connections, "max_overflow": 0, "pool_timeout": self._wait_seconds}
        engine = create_engine(url, hide_parameters=True, json_serializer=dumps, **options)

        @event.listens_for(engine, "do_connect")
        def connecting(*_: object) -> None:
            # SQLite itself would create a new file where the first one was.
            if self._file is not None and (fault := self._file.prepare()):
                raise UnavailableError(fault)

        @event.listens_for(engine, "connect")
        def connected(connection: Any, _record: object) -> None:
            connection.isolation_level = None  # `begun` starts transactions, not the driver
            cursor = connection.cursor()
            self._write_ahead(cursor)
            cursor.execute("PRAGMA synchronous=FULL")
            cursor.execute("PRAGMA foreign_keys=ON")
            cursor.close()

        @event.listens_for(engine, "begin")
        def begun(connection: Connection) -> None:
            reads = connection.get_execution_options().get(_READS)
            connection.connection.cursor().execute("BEGIN" if reads else "BEGIN IMMEDIATE")

        return engine

    def _write_ahead(self, cursor: sqlite3.Cursor) -> None:
        """Switch to the write-ahead log, with retries: SQLite itself does not wait here for another process."""
        until = time.monotonic() + self._wait_seconds
        while True:
            try:
                cursor.execute("PRAGMA journal_mode=WAL")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorname != "SQLITE_BUSY" or time.monotonic() > until:
                    raise
                time.sleep(_BETWEEN_TRIES_SECONDS)
            else:
                return

    def _postgresql(self, url: URL, connections: int) -> Engine:
        waits = int(self._wait_seconds * 1000)
        options = f"-c synchronous_commit=on -c statement_timeout={waits} -c lock_timeout={waits} -c timezone=UTC"
        engine = create_engine(
            url,
            hide_parameters=True,
            json_serializer=dumps,
            pool_size=connections,
            max_overflow=0,
            pool_timeout=self._wait_seconds,
            pool_pre_ping=True,
            connect_args={
                "options": options,
                "connect_timeout": max(2, round(self._wait_seconds)),
                "tcp_user_timeout": waits,
                "application_name": "cds-service",
            },
        )

        @event.listens_for(engine, "handle_error")
        def failed(context: ExceptionContext) -> None:
            """Give up open connections to a primary that became a standby; new ones may reach its successor."""
            if getattr(context.original_exception, "sqlstate", None) == _READ_ONLY_SERVER:
                context.is_disconnect = True

        return engine


def insert_once(connection: Connection, table: Table, row: Mapping[str, Any]) -> bool:
    """Insert a row; return False if a row with this key exists."""
    is_sqlite = connection.dialect.name == "sqlite"
    insert = sqlite_insert(table) if is_sqlite else postgresql_insert(table)
    # Without this option PostgreSQL gives no row count for tables that number their rows.
    counted = insert.values(**row).on_conflict_do_nothing().execution_options(preserve_rowcount=True)
    return connection.execute(counted).rowcount == 1


@contextmanager
def _translated_errors() -> Iterator[None]:
    try:
        yield
    except BusyError:
        raise UnavailableError("the database was busy for too long") from None
    except (SQLAlchemyError, sqlite3.Error) as error:
        raise UnavailableError(_cause(error)) from None


def _cause(error: Exception) -> str:
    """Describe the failure by the database's own error names; never quote a statement or its values."""
    driver = error.orig if isinstance(error, DBAPIError) else error
    code = getattr(driver, "sqlite_errorname", None) or getattr(driver, "sqlstate", None)
    return f"the database failed ({type(driver).__name__}{', ' + code if code else ''})"


def _path(url: URL) -> Path:
    """Return the path of an SQLite file, given as a path or as a URI of SQLite's (`file:…?uri=true`)."""
    return Path((url.database or "").removeprefix("file:"))


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise ValueError("this is not a database URL") from None
    if parsed.get_backend_name() == "sqlite":
        return parsed.set(drivername="sqlite")
    if parsed.get_backend_name() in ("postgresql", "postgres"):
        return parsed.set(drivername="postgresql+psycopg")
    raise ValueError("the database must be sqlite:///FILE or postgresql://…")
