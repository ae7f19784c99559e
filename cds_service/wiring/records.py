"""Open the database, the pseudonym key, and the store that the settings name."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime, timedelta
from functools import partial
from importlib.metadata import version
from pathlib import Path

from cds_service.crd.records_protocol import CrdRecords
from cds_service.hooks.turns import Turns
from cds_service.observability.tracing import Tracing
from cds_service.records.crd_store import BestEffortCrdRecords, SqlCrdRecords
from cds_service.records.database import IN_MEMORY, Database
from cds_service.records.policy_snapshot import PolicySnapshot
from cds_service.records.protocol import BestEffortStore, Records
from cds_service.records.pseudonyms import Pseudonymizer, UnusableKeyError, key_in, random_key
from cds_service.records.schema import SchemaState, state, upgrade
from cds_service.records.sealing import Sealer
from cds_service.records.sql_store import SqlStore
from cds_service.records.stored import StoredRecords
from cds_service.records.traced_database import TracedDatabase
from cds_service.settings import Settings
from coverage_policies.judging.assessment import Assessor

DATABASE_FILE = "records.db"
KEY_FILE = "records.key"


class NotReadyError(Exception):
    """The database or the key cannot be used; the message says what to do."""


def open_database(settings: Settings, *, wait_seconds: float | None = None, create: bool = True) -> Database:
    """Open the database of these settings; `wait_seconds` replaces their limit for commands that may wait longer.

    Raise NotReadyError for a URL or a folder that cannot be used. With `create` false, create no file and no
    folder, and raise NotReadyError if there is no database.
    """
    database = _database(settings, wait_seconds or settings.database_wait_seconds, create=create)
    try:
        if create and not settings.database_url:
            settings.data_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise NotReadyError(f"the data folder {settings.data_folder} cannot be created: {error.strerror}") from None
    if not create and database.is_sqlite and not Path(database.engine.url.database or "").is_file():
        raise NotReadyError(
            f"There is no database at {database.engine.url.database}. `cds-service serve` creates one, "
            "and so does `cds-service db upgrade`."
        )
    return database


def prepared_database(settings: Settings, turns: Turns, tracing: Tracing | None = None) -> Database:
    """Open the database that `prepare` made ready, for a process whose calls take turns; `tracing` has spans of writes.

    If its file has been deleted since, every transaction fails.
    """
    kind = Database if tracing is None else partial(TracedDatabase, tracing=tracing)
    return _database(settings, settings.database_wait_seconds, create=False, computing=turns.brief_turn, kind=kind)


def _database(
    settings: Settings,
    wait_seconds: float,
    *,
    create: bool,
    computing: Callable[[], AbstractContextManager[None]] = nullcontext,
    kind: Callable[..., Database] = Database,
) -> Database:
    url = settings.database_url.get_secret_value() if settings.database_url else ""
    try:
        return kind(
            url or f"sqlite:///{settings.data_folder / DATABASE_FILE}",
            wait_seconds=wait_seconds,
            connections=settings.threads,
            create=create,
            computing=computing,
        )
    except (ValueError, ImportError) as error:
        raise NotReadyError(f"CDS_DATABASE_URL cannot be used: {error}") from None


def make_ready(database: Database) -> None:
    """Make sure that the schema is current: upgrade SQLite, but only check PostgreSQL, which others may be using.

    Raise NotReadyError if the schema does not fit this version, UnavailableError if the database fails.
    """
    found = upgrade(database) if database.is_sqlite else state(database)
    if found.is_usable:
        return
    if found is SchemaState.UNKNOWN or not database.is_sqlite:
        do = "use that version" if found is SchemaState.UNKNOWN else "run `cds-service db upgrade`"
        raise NotReadyError(f"the schema of the database is {found.value}; {do}")


def open_key(settings: Settings, *, create: bool = True) -> Pseudonymizer:
    """Return the pseudonymizer with the key of these settings; create a key file in the data folder if there is none.

    Raise NotReadyError if the key cannot be used, and with `create` false also if there is none.
    """
    if settings.pseudonym_key:
        return Pseudonymizer(settings.pseudonym_key.get_secret_value().encode())
    file = settings.data_folder / KEY_FILE
    if not create and not file.exists():
        raise NotReadyError(f"There is no pseudonym key at {file}. Set CDS_PSEUDONYM_KEY to the key of the service.")
    try:
        return Pseudonymizer(key_in(file))
    except UnusableKeyError as error:
        raise NotReadyError(str(error)) from None


def prepare(settings: Settings) -> None:
    """Create or check key and database before worker processes start. Raise NotReadyError, UnavailableError."""
    open_key(settings)
    database = open_database(settings)
    try:
        make_ready(database)
    finally:
        database.close()


def records_in(
    database: Database,
    pseudonym: Pseudonymizer,
    settings: Settings,
    snapshot: PolicySnapshot,
    clock: Callable[[], datetime],
    monotonic: Callable[[], float] = time.monotonic,
) -> Records:
    """Return the store of one process, in a database that `make_ready` has checked."""
    records = SqlStore(
        database,
        snapshot=snapshot,
        pseudonym=pseudonym,
        version=version("cds-coverage-policies"),
        suppress_for=timedelta(days=settings.suppress_overridden_days),
        store_comments=settings.store_comments,
        clock=clock,
        monotonic=monotonic,
    )
    return BestEffortStore(records) if settings.answer_if_store_fails else records


def sealer_of(settings: Settings) -> Sealer | None:
    """Return the sealer with the encryption keys of these settings; None if they name none."""
    keys = [bytes.fromhex(key.get_secret_value()) for key in settings.encryption_keys]
    return Sealer(keys) if keys else None


def crd_records_in(
    database: Database,
    sealer: Sealer | None,
    pseudonym: Pseudonymizer,
    settings: Settings,
    snapshot: PolicySnapshot,
    clock: Callable[[], datetime],
) -> CrdRecords:
    """Return the records of CRD calls of one process, in a database that `make_ready` has checked."""
    records = SqlCrdRecords(
        database,
        sealer,
        snapshot=snapshot,
        pseudonym=pseudonym,
        keep_for=timedelta(days=settings.exchange_days),
        charts_for=timedelta(days=settings.answers_valid_days),
        clock=clock,
    )
    return BestEffortCrdRecords(records) if settings.answer_if_store_fails else records


def database_in_memory(settings: Settings) -> Database:
    """Return a new database in memory that is ready for use."""
    database = Database(IN_MEMORY, wait_seconds=settings.database_wait_seconds)
    make_ready(database)
    return database


def in_memory_records(
    settings: Settings, assessor: Assessor, clock: Callable[[], datetime]
) -> tuple[Records, CrdRecords, StoredRecords]:
    """Return both stores in memory, with random keys, for as long as the process lasts, and what reads them."""
    database, pseudonym, sealer = database_in_memory(settings), Pseudonymizer(random_key()), Sealer([random_key()])
    snapshot = PolicySnapshot.of(assessor, settings.time_zone, settings.answers_valid_days)
    return (
        records_in(database, pseudonym, settings, snapshot, clock),
        crd_records_in(database, sealer, pseudonym, settings, snapshot, clock),
        StoredRecords(database, pseudonym, sealer),
    )
