"""SQLite in a file or in memory, or PostgreSQL, with short transactions and a limit on every wait.

SQLite runs in WAL mode with `synchronous=FULL`, PostgreSQL with `synchronous_commit=on`: committed data are on disk.
"""

import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, Table, create_engine, event, make_url
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.pool import StaticPool

IN_MEMORY = "sqlite://"
_READS = "cds_reads"
_BETWEEN_TRIES_SECONDS = 0.02


class UnavailableError(Exception):
    """The database failed: it is down, full, or locked for too long. The message says which and holds no values."""


class Database:
    """Transactions on one database. Safe to use from several threads; each process creates its own.

    `wait_seconds` limits every wait: for a connection, for another writer, for a statement.
    Raises ValueError, without the URL in its message, for a URL that is neither SQLite nor PostgreSQL.
    """

    def __init__(self, url: str, *, wait_seconds: float, connections: int = 8) -> None:
        parsed = _parsed(url)
        self.is_sqlite = parsed.get_backend_name() == "sqlite"
        self.is_in_memory = self.is_sqlite and parsed.database in (None, "", ":memory:")
        self._wait_seconds = wait_seconds
        self._turn = threading.Lock()
        self.engine = self._sqlite(parsed, connections) if self.is_sqlite else self._postgresql(parsed, connections)

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Open a transaction that is on disk when the context ends; raises UnavailableError if it is not."""
        with self._in_turn(self.is_sqlite), _translated_errors(), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Open a read-only transaction that blocks no writer."""
        with self._in_turn(self.is_in_memory), _translated_errors(), self.engine.connect() as connection:
            reader = connection.execution_options(**{_READS: True})
            with reader.begin():
                yield reader

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()

    @contextmanager
    def _in_turn(self, is_needed: bool) -> Iterator[None]:
        """Admit one thread at a time: SQLite waits by polling, and an in-memory database has one connection."""
        if not is_needed:
            yield
            return
        if not self._turn.acquire(timeout=self._wait_seconds):
            raise UnavailableError("the database was busy for too long")
        try:
            yield
        finally:
            self._turn.release()

    def _sqlite(self, url: URL, connections: int) -> Engine:
        options: dict[str, Any] = {"connect_args": {"timeout": self._wait_seconds, "check_same_thread": False}}
        if self.is_in_memory:
            options["poolclass"] = StaticPool
        else:
            options |= {"pool_size": connections, "max_overflow": 0, "pool_timeout": self._wait_seconds}
        engine = create_engine(url, hide_parameters=True, **options)

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
            connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")

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
        return create_engine(
            url,
            hide_parameters=True,
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
    except SQLAlchemyError as error:
        raise UnavailableError(_cause(error)) from None


def _cause(error: SQLAlchemyError) -> str:
    """Describe the failure by the database's own error names; never quote a statement or its values."""
    if not isinstance(error, DBAPIError):
        return f"the database failed ({type(error).__name__})"
    code = getattr(error.orig, "sqlite_errorname", None) or getattr(error.orig, "sqlstate", None)
    return f"the database failed ({type(error.orig).__name__}{', ' + code if code else ''})"


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
