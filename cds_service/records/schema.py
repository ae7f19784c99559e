"""Check the schema of the database, and upgrade it by the migrations in this package."""

from enum import Enum

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from cds_service.records.database import Database

_LOCK = 0x_CD5_5C7E3A
"""The PostgreSQL advisory lock that keeps two upgrades apart; SQLite has one writer anyway."""


class SchemaState(Enum):
    """The schema of a database compared with the one that this version of the service needs."""

    CURRENT = "current"
    MISSING = "empty"
    BEHIND = "older than this version of the service"
    UNKNOWN = "not known to this version of the service; a newer one has upgraded it"


def state(database: Database) -> SchemaState:
    """Return the state of the schema. Raises UnavailableError if the database cannot be read."""
    with database.reading() as connection:
        return _state(connection)


def upgrade(database: Database) -> SchemaState:
    """Upgrade the schema in one transaction; return its state before.

    An unknown schema stays as it is. Raises UnavailableError if the database fails.
    """
    with database.writing() as connection:
        if not database.is_sqlite:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        before = _state(connection)
        if before in (SchemaState.MISSING, SchemaState.BEHIND):
            config = _config()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
        return before


def _state(connection: Connection) -> SchemaState:
    scripts = ScriptDirectory.from_config(_config())
    applied = set(MigrationContext.configure(connection).get_current_heads())
    if not applied:
        return SchemaState.MISSING
    if applied == set(scripts.get_heads()):
        return SchemaState.CURRENT
    known = {script.revision for script in scripts.walk_revisions()}
    return SchemaState.BEHIND if applied <= known else SchemaState.UNKNOWN


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", "cds_service.records:migrations")
    config.set_main_option("path_separator", "os")
    return config
