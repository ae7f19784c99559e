"""Check the schema of the database, and upgrade it by the migrations in this package.

Versions of the service run side by side while replicas are replaced one by one, and the older one goes on after the
schema was upgraded. So a migration only adds: docs/operate.md has the rule, and `_has_what_is_used` checks its result.
"""

from enum import Enum

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text
from sqlalchemy.engine import Inspector

from cds_service.records.database import Database
from cds_service.records.tables import METADATA

_LOCK = 0x_CD5_5C7E3A
"""The PostgreSQL advisory lock that keeps two upgrades apart; SQLite has one writer anyway."""
_TABLE_WAIT = "1s"
"""How long an upgrade waits for a table that a backup or a report reads: calls wait behind it as long."""


class SchemaState(Enum):
    """The schema of a database compared with the one that this version of the service needs."""

    CURRENT = "current"
    MISSING = "empty"
    BEHIND = "older than this version of the service"
    NEWER = "newer than this version of the service, and has everything that it uses"
    UNKNOWN = "not known to this version of the service; a newer one has upgraded it"

    @property
    def is_usable(self) -> bool:
        """Return whether this version can read and write it."""
        return self in (SchemaState.CURRENT, SchemaState.NEWER)


def state(database: Database) -> SchemaState:
    """Return the state of the schema. Raises UnavailableError if the database cannot be read."""
    with database.reading() as connection:
        return _state(connection)


def upgrade(database: Database) -> SchemaState:
    """Upgrade the schema in one transaction; return its state before.

    A newer or unknown schema stays as it is. Raises UnavailableError if the database fails, or if something holds a
    table for longer than a second: then nothing has changed, and the upgrade can be tried again.
    """
    with database.writing() as connection:
        if not database.is_sqlite:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
            connection.execute(text(f"SET LOCAL lock_timeout = '{_TABLE_WAIT}'"))
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
    if applied <= known:
        return SchemaState.BEHIND
    return SchemaState.NEWER if _has_what_is_used(inspect(connection)) else SchemaState.UNKNOWN


def _has_what_is_used(found: Inspector) -> bool:
    """Return whether every table and column of this version is there, and it can leave all other columns out."""
    tables = set(found.get_table_names())
    for table in METADATA.tables.values():
        if table.name not in tables:
            return False
        columns = {each["name"]: each for each in found.get_columns(table.name)}
        used = set(table.columns.keys())
        added = [each for name, each in columns.items() if name not in used]
        if not used <= columns.keys() or any(not each["nullable"] and each["default"] is None for each in added):
            return False
    return True


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", "cds_service.records:migrations")
    config.set_main_option("path_separator", "os")
    return config
