"""The restore drill of docs/operate.md on PostgreSQL: it says yes to a copy that is whole, and no to any other."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from cds_service.records.database import Database
from cds_service.records.schema import upgrade
from tests.support.crd_records import KEYS, assertion, crd_records, stored
from tests.support.postgresql_cluster import Cluster
from tests.support.record_fakes import ROOT, RecordedService, overridden, sample_call

pytestmark = [pytest.mark.process, pytest.mark.slow]

COPY = "drill"


@pytest.fixture(name="filled")
def _filled(cluster: Cluster) -> Iterator[str]:
    """The URL of a database with decisions, feedback, and a CRD exchange, beside an empty one named `drill`."""
    url = cluster.emptied()
    database = Database(url, wait_seconds=20)
    upgrade(database)
    service = RecordedService(database)
    body, _ = sample_call("sij-posterior")
    (card,) = service.cards(body)
    service.send_feedback(overridden(card["uuid"]))
    stored(crd_records(database, *KEYS), "c1", [assertion("a1")])
    database.close()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {COPY}")
        connection.execute(f"CREATE DATABASE {COPY}")
    yield url
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {COPY} WITH (FORCE)")


class Drill:
    """Runs the script; programs in its folder come before those of PostgreSQL and of the environment."""

    def __init__(self, cluster: Cluster, folder: Path, url: str) -> None:
        self._folder = folder
        self._arguments = [url, f"{url.rpartition('/')[0]}/{COPY}"]
        programs = [str(folder), str(cluster.programs), str(Path(sys.executable).parent), os.environ["PATH"]]
        self._environment = {**os.environ, "PATH": ":".join(programs), "CDS_PSEUDONYM_KEY": "k" * 32}
        self.write("cds-service", f'exec {sys.executable} -c "from cds_service.cli.main import main; main()" "$@"')

    def write(self, name: str, script: str) -> None:
        """Put a program in the place of another one."""
        (self._folder / name).write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        (self._folder / name).chmod(0o755)

    def run(self) -> tuple[int, str]:
        """The exit code and what was said."""
        done = subprocess.run(  # noqa: S603
            [str(ROOT / "docker" / "restore_drill.sh"), *self._arguments],
            cwd=ROOT,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
            text=True,
        )
        return done.returncode, done.stdout


@pytest.fixture(name="drill")
def _drill(cluster: Cluster, filled: str, tmp_path: Path) -> Drill:
    return Drill(cluster, tmp_path, filled)


def test_a_dump_is_restored_and_holds_the_same(drill: Drill) -> None:
    code, said = drill.run()
    assert code == 0, said
    for line in ("  decisions: 1 rows", "  feedback: 1 rows", "  crd_exchanges: 1 rows", "  crd_assertions: 1 rows"):
        assert line in said.splitlines()
    assert "  a change of a decision is refused" in said
    assert "  The schema is current." in said
    assert said.endswith("  it exports the same decisions\nThe backup can be restored.\n")
    code, said = drill.run()
    assert (code, said) == (1, "The second database is not empty: name another one.\n")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("DELETE FROM feedback", "1 rows"),
        ("UPDATE feedback SET reason = 'other'", "  feedback: 1 rows"),
        ("DROP TRIGGER decisions_guard ON decisions", "  decisions can be changed\n"),
        ("DELETE FROM alembic_version", "  alembic_version: 1 rows"),
    ],
)
def test_a_copy_that_is_not_the_same_is_refused(drill: Drill, cluster: Cluster, change: str, expected: str) -> None:
    restores = f'"{cluster.programs}/pg_restore" "$@"'
    copy = f"{cluster.url.rpartition('/')[0]}/{COPY}"
    drill.write("pg_restore", f'{restores} && psql -q --dbname={copy} --command="{change}"')
    code, said = drill.run()
    assert code == 1
    assert expected in said
    assert "can be restored" not in said
