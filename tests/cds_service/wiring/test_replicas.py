"""Replicas behind nginx with one PostgreSQL: killed, added, and replaced across a migration while calls go on."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from subprocess import check_output
from sys import executable

import pytest
from alembic.script import ScriptDirectory

from cds_service.records import schema
from cds_service.records.database import Database
from cds_service.records.schema import upgrade
from cds_service.sample_ehr.hook_client import hook_call
from tests.support.nginx_proxy import NEEDED, PROGRAM
from tests.support.postgresql_cluster import Cluster
from tests.support.record_fakes import new_id, rows
from tests.support.replicas import SIGN, Fleet, Load, fleet
from tests.support.smart_loop import EHR_TOKEN, Browser, sample_of

pytestmark = [pytest.mark.process, pytest.mark.slow]

ENOUGH = 15
"""The decisions to wait for between one change of the replicas and the next."""
PATIENT = "trial-buprenorphine"
"""A patient whose order has two questions open."""
NEXT_MIGRATION = """\
import sqlalchemy as sa
from alembic import op

revision = "next"
down_revision = "{head}"


def upgrade():
    op.create_table("later", sa.Column("x", sa.Integer, nullable=False))
    op.add_column("decisions", sa.Column("later", sa.Integer))
    op.add_column("feedback", sa.Column("later", sa.Integer, nullable=False, server_default="0"))
"""
NEXT_VERSION = """\
import sys
from cds_service.records import schema
config = schema._config()
config.set_main_option("version_locations", {locations!r})
schema._config = lambda: config
from cds_service.cli.main import main
main(sys.argv[1:])
"""


@pytest.fixture(name="database")
def _database(cluster: Cluster) -> Iterator[Database]:
    made = Database(cluster.emptied(), wait_seconds=20)
    upgrade(made)
    yield made
    made.close()


@pytest.fixture(name="replicas")
def _replicas(cluster: Cluster, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Fleet]:
    assert database is not None
    if PROGRAM is None:
        if NEEDED:
            pytest.fail("nginx is not installed (Debian: apt-get install nginx)")
        pytest.skip("nginx is not installed (Debian: apt-get install nginx)")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "certificate.pem"))
    with fleet(tmp_path, cluster.url) as made:
        yield made


def check(database: Database, load: Load) -> None:
    """What was acknowledged is there, and no token was accepted twice."""
    decisions = {row["decision"] for row in rows(database, "decisions")}
    assert set(load.decisions) <= decisions
    cards = [row["decision"] for row in rows(database, "cards")]
    assert all(cards.count(decision) == count for decision, count in load.decisions.items())
    given = {row["outcome_at"].astimezone(UTC) for row in rows(database, "feedback")}
    assert {datetime.fromisoformat(each) for each in load.feedback} <= given
    assert set(load.accepted) <= {0, 1}
    assert load.accepted.count(1) > ENOUGH


def launched(replicas: Fleet) -> Browser:
    """A browser in which a clinician launched the app from the card of a call."""
    sample = sample_of(PATIENT)
    sent = hook_call(
        sample,
        sample.orders[0],
        fhir_server=f"{replicas.ehr}/fhir",
        token=EHR_TOKEN,
        today=datetime.now(UTC).date(),
        new_id=new_id,
    )
    (card,) = replicas.post(SIGN, sent, replicas.token(SIGN)).json()["cards"]
    (link,) = [each for each in card["links"] if each["type"] == "smart"]
    browser = Browser()
    launch = replicas.smart.launch(PATIENT, app_url=link["url"], app_context=link["appContext"])
    browser.get(replicas.ehr + launch)
    return browser


def test_a_replica_is_killed_and_one_added_under_load_and_nothing_acknowledged_is_lost(
    replicas: Fleet, database: Database
) -> None:
    replicas.start("one", "two", "three")
    replicas.share_among("one")
    browser = launched(replicas)
    assert browser.asked
    replicas.share_among("one", "two", "three")
    with Load(replicas) as load:
        load.wait_for_more(ENOUGH)
        replicas.replicas["one"].kill()
        load.wait_for_more(ENOUGH)
        replicas.start("four")
        replicas.share_among("two", "three", "four")
        load.wait_for_more(ENOUGH)
    check(database, load)
    for name in ("one", "two", "three", "four"):
        assert replicas.answered_by(name) & load.decisions.keys(), f"{name} answered no call"
    # 401 for each token that came again, and 502 for what the killed replica was working on.
    assert set(load.statuses) <= {401, 502}
    assert load.statuses.count(502) <= 10
    # The session was opened on the replica that is gone.
    browser.answer_all(lambda _, values: values[0])
    browser.click("finish")
    assert "Your answers are saved in the chart" in browser.page.text


def test_replicas_are_replaced_across_a_migration_without_a_call_that_fails(
    replicas: Fleet, database: Database, tmp_path: Path
) -> None:
    (head,) = ScriptDirectory.from_config(schema._config()).get_heads()
    migrations = Path(schema.__file__).parent / "migrations" / "versions"
    (tmp_path / "next").mkdir()
    (tmp_path / "next" / "next.py").write_text(NEXT_MIGRATION.format(head=head), encoding="utf-8")
    next_version = NEXT_VERSION.format(locations=f"{migrations}:{tmp_path / 'next'}")
    replicas.start("old-one", "old-two")
    replicas.share_among("old-one", "old-two")
    with Load(replicas) as load:
        load.wait_for_more(ENOUGH)
        environment = replicas.replicas["old-one"].env
        said = check_output([executable, "-c", next_version, "db", "upgrade"], env=environment, text=True)  # noqa: S603
        assert said == "The schema is current now.\n"
        load.wait_for_more(ENOUGH)  # the old version goes on
        assert replicas.replicas["old-two"].readiness["database"] == {"ready": True, "schema": "newer"}
        replicas.start("new-one", program=next_version)
        replicas.share_among("old-two", "new-one")
        assert replicas.replicas["old-one"].stop() == 0
        load.wait_for_more(ENOUGH)
        replicas.share_among("new-one")
        assert replicas.replicas["old-two"].stop() == 0
        load.wait_for_more(ENOUGH)
        replicas.start("old-again")  # back to the version before
        replicas.share_among("old-again")
        load.wait_for_more(ENOUGH)
    check(database, load)
    for name in ("old-one", "old-two", "new-one", "old-again"):
        assert replicas.answered_by(name) & load.decisions.keys(), f"{name} answered no call"
    assert load.broken == 0
    assert set(load.statuses) == {401}  # each token that came again
    assert len(load.statuses) == len(load.accepted)
