"""Migrations make the tables, wherever the package lies and whoever runs them at the same time."""

import os
import re
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import insert, text

from cds_service.records import schema
from cds_service.records.database import IN_MEMORY, Database, UnavailableError
from cds_service.records.schema import SchemaState, state, upgrade
from cds_service.records.tables import METADATA, USED_TOKENS
from tests.support.postgresql_cluster import Cluster
from tests.support.record_fakes import NOW, ROOT

MIGRATIONS = ROOT / "cds_service" / "records" / "migrations" / "versions"


def test_the_migrations_make_the_tables_that_the_code_knows(database: Database) -> None:
    with database.reading() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, METADATA) == []


@pytest.mark.parametrize("migration", sorted(MIGRATIONS.glob("*.py")), ids=lambda path: path.stem)
def test_a_migration_only_adds_so_that_the_version_before_it_goes_on(migration: Path) -> None:
    written = migration.read_text(encoding="utf-8")
    assert "op." in written
    assert re.findall(r"\bop\.(?:drop|alter|rename)\w*|\b(?:DROP|RENAME) (?:TABLE|COLUMN)", written) == []
    for added in re.findall(r"op\.add_column\(.*", written):
        assert "nullable=False" not in added or "server_default" in added


_NEXT_MIGRATION = """\
import sqlalchemy as sa
from alembic import op

revision = "next"
down_revision = "0004"


def upgrade():
    op.add_column("used_tokens", sa.Column("seen", sa.Integer, nullable=True))
"""


_USED_TOKENS_WITH_MORE = """\
CREATE TABLE used_tokens (issuer TEXT, jti TEXT, expires_at TIMESTAMP NOT NULL, later INTEGER NOT NULL)
"""


def test_a_new_database_gets_the_current_schema(empty: Database) -> None:
    assert state(empty) is SchemaState.MISSING
    assert upgrade(empty) is SchemaState.MISSING
    assert state(empty) is SchemaState.CURRENT
    assert upgrade(empty) is SchemaState.CURRENT


def test_an_older_schema_is_upgraded_and_keeps_its_rows(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with database.writing() as connection:
        connection.execute(insert(USED_TOKENS), {"issuer": "i", "jti": "j", "expires_at": NOW})
    (tmp_path / "next.py").write_text(_NEXT_MIGRATION)
    config = schema._config()
    config.set_main_option("version_locations", f"{MIGRATIONS}{os.pathsep}{tmp_path}")
    monkeypatch.setattr(schema, "_config", lambda: config)
    assert state(database) is SchemaState.BEHIND
    assert upgrade(database) is SchemaState.BEHIND
    assert state(database) is SchemaState.CURRENT
    with database.reading() as connection:
        assert connection.execute(text("SELECT jti, seen FROM used_tokens")).all() == [("j", None)]


_EXCHANGE = "INSERT INTO crd_exchanges VALUES ('c1', :at, '', '', 'ehr', '', 200, '{}', :sealed, :at)"
_ASSERTION = "INSERT INTO crd_assertions VALUES ('c1', 0, 'a1', 'o', 'c', '[]', '[]', NULL)"


def test_exchanges_from_before_charts_were_kept_stay_as_they_are(empty: Database) -> None:
    with empty.writing() as connection:
        config = schema._config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0003")
        connection.execute(text(_EXCHANGE), {"at": "2026-03-02 15:00:00", "sealed": b"sealed"})
        connection.execute(text(_ASSERTION))
    assert state(empty) is SchemaState.BEHIND
    assert upgrade(empty) is SchemaState.BEHIND
    with empty.reading() as connection:
        stored = connection.execute(text("SELECT exchange, sealed, sealed_chart FROM crd_exchanges")).one()
        assert (stored[0], bytes(stored[1]), stored[2]) == ("c1", b"sealed", None)
        assert connection.execute(text("SELECT exchange, assertion FROM crd_assertions")).all() == [("c1", "a1")]
    for change in ("UPDATE crd_exchanges SET sealed_chart = sealed", "DELETE FROM crd_assertions"):
        with pytest.raises(UnavailableError), empty.writing() as connection:
            connection.execute(text(change))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ([], SchemaState.NEWER),
        (["CREATE TABLE later (x INTEGER NOT NULL)"], SchemaState.NEWER),
        (["ALTER TABLE feedback ADD COLUMN later INTEGER"], SchemaState.NEWER),
        (["ALTER TABLE feedback ADD COLUMN later INTEGER NOT NULL DEFAULT 0"], SchemaState.NEWER),
        (["ALTER TABLE used_tokens DROP COLUMN jti"], SchemaState.UNKNOWN),
        (["DROP TABLE used_tokens"], SchemaState.UNKNOWN),
        (["DROP TABLE used_tokens", _USED_TOKENS_WITH_MORE], SchemaState.UNKNOWN),
    ],
    ids=["same", "table", "column", "default", "column gone", "table gone", "column to fill"],
)
def test_a_schema_of_a_newer_version_is_left_alone_and_used_if_it_only_has_more(
    database: Database, changes: list[str], expected: SchemaState
) -> None:
    if "DROP COLUMN" in "".join(changes) and database.is_sqlite:
        pytest.skip("SQLite drops no column of a primary key")
    with database.writing() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        for change in changes:
            connection.execute(text(change))
    assert upgrade(database) is expected
    assert state(database) is expected
    assert expected.is_usable is (expected is SchemaState.NEWER)


def test_an_upgrade_gives_up_on_a_table_that_others_read_so_that_calls_do_not_queue_behind_it(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = Database(cluster.emptied(), wait_seconds=60)
    upgrade(database)
    (tmp_path / "next.py").write_text(_NEXT_MIGRATION)
    config = schema._config()
    config.set_main_option("version_locations", f"{MIGRATIONS}{os.pathsep}{tmp_path}")
    monkeypatch.setattr(schema, "_config", lambda: config)
    with database.reading() as connection:
        connection.execute(text("SELECT * FROM used_tokens"))
        begun = time.monotonic()
        with pytest.raises(UnavailableError, match="LockNotAvailable"):
            upgrade(database)
        assert time.monotonic() - begun < 10
    assert upgrade(database) is SchemaState.BEHIND
    assert state(database) is SchemaState.CURRENT
    database.close()


def test_several_that_upgrade_at_once_do_it_once(url: str) -> None:
    databases = [Database(url, wait_seconds=30) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(upgrade, databases))
    assert sorted(each.name for each in found) == ["CURRENT", "CURRENT", "CURRENT", "MISSING"]
    for each in databases:
        each.close()


def test_a_migration_that_fails_leaves_nothing_behind(empty: Database) -> None:
    with empty.writing() as connection:
        connection.execute(text("CREATE TABLE feedback (x INTEGER)"))
    with pytest.raises(UnavailableError):
        upgrade(empty)
    assert state(empty) is SchemaState.MISSING
    with empty.reading() as connection:
        assert MigrationContext.configure(connection).dialect.get_table_names(connection) == ["feedback"]


def test_a_database_in_memory_has_them_too() -> None:
    database = Database(IN_MEMORY, wait_seconds=1)
    assert upgrade(database) is SchemaState.MISSING
    assert state(database) is SchemaState.CURRENT


@pytest.mark.process
def test_the_migrations_are_found_wherever_the_package_lies(tmp_path: Path) -> None:
    for room in ("cds_service", "cards", "coverage_policies", "fhir_mappings"):
        shutil.copytree(ROOT / room, tmp_path / "50 % off" / room, ignore=shutil.ignore_patterns("__pycache__"))
    program = (
        f"import sys; sys.path.insert(0, {str(tmp_path / '50 % off')!r})\n"
        "from cds_service.records.database import *\n"
        "from cds_service.records.schema import *\n"
        "import cds_service\n"
        "database = Database(IN_MEMORY, wait_seconds=1)\n"
        "upgrade(database); print(state(database).value, cds_service.__file__)\n"
    )
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, check=True, text=True
    )
    assert done.stdout.startswith(f"current {tmp_path}")


def test_a_new_file_that_another_holds_is_waited_for(tmp_path: Path) -> None:
    file = tmp_path / "new.db"
    other = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
    other.execute("CREATE TABLE there (x INTEGER)")
    other.execute("BEGIN EXCLUSIVE")
    release = threading.Timer(0.3, lambda: other.execute("COMMIT"))
    release.start()
    database = Database(f"sqlite:///{file}", wait_seconds=10)
    assert upgrade(database) is SchemaState.MISSING
    database.close()
    release.join()
    other.close()


def test_a_new_file_that_another_holds_is_not_waited_for_beyond_the_bound(tmp_path: Path) -> None:
    file = tmp_path / "new.db"
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("CREATE TABLE there (x INTEGER)")
    other.execute("BEGIN EXCLUSIVE")
    database = Database(f"sqlite:///{file}", wait_seconds=0.2)
    with pytest.raises(UnavailableError, match="SQLITE_BUSY"):
        upgrade(database)
    database.close()
    other.close()
