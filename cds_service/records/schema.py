"""The schema of the database, brought up to date by the migrations that come with the package."""

from enum import Enum

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from cds_service.records.database import Database

_LOCK = 0x_CD5_5C7E3A
"""Held on PostgreSQL while migrating, so that two upgrades do not run at once; SQLite has one writer anyway."""


class SchemaState(Enum):
    """How a database stands to this version of the service."""

    CURRENT = "current"
    MISSING = "empty"
    BEHIND = "older than this version of the service"
    UNKNOWN = "not known to this version of the service; a newer one has upgraded it"


def state(database: Database) -> SchemaState:
    """How the schema stands. Raises UnavailableError where the database cannot be read."""
    with database.reading() as connection:
        return _state(connection)


def upgrade(database: Database) -> SchemaState:
    """Bring the schema up to date, all of it or nothing; returns how it stood before.

    A schema that is not known is left as it is. Raises UnavailableError where the database fails.
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
    held = set(MigrationContext.configure(connection).get_current_heads())
    if not held:
        return SchemaState.MISSING
    if held == set(scripts.get_heads()):
        return SchemaState.CURRENT
    known = {script.revision for script in scripts.walk_revisions()}
    return SchemaState.BEHIND if held <= known else SchemaState.UNKNOWN


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", "cds_service.records:migrations")
    config.set_main_option("path_separator", "os")
    return config
