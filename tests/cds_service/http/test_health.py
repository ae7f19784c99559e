"""/health/ready: the state of everything that calls need, without details for strangers."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from cds_service.http.readiness import Check, DatabaseReady, PoliciesReady
from cds_service.records.database import Database
from cds_service.records.schema import upgrade
from tests.support.hook_fakes import Service, WatchingAssessor

SINCE = datetime(2026, 3, 2, 8, 30, tzinfo=UTC)


def asked(*checks: Check) -> Any:
    """Return the response of a service with these checks."""
    return Service(WatchingAssessor(), checks=checks).client.get("/health/ready")


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return Database(f"sqlite:///{tmp_path}/records.db", wait_seconds=0.2)


def test_a_service_without_checks_is_ready() -> None:
    response = Service(WatchingAssessor()).client.get("/health/ready")
    assert (response.status_code, response.json) == (200, {"status": "ready"})


def test_the_readiness_of_policies_has_their_number_and_load_time() -> None:
    response = asked(PoliciesReady(5, SINCE))
    assert response.status_code == 200
    assert response.json == {
        "status": "ready",
        "policies": {"ready": True, "revisions": 5, "since": "2026-03-02T08:30:00+00:00"},
    }


def test_the_service_is_not_ready_without_policies() -> None:
    response = asked(PoliciesReady(0, SINCE))
    assert (response.status_code, response.json["not_ready"]) == (503, ["policies"])


def test_a_database_with_a_current_schema_is_ready(database: Database) -> None:
    upgrade(database)
    response = asked(DatabaseReady(database))
    assert (response.status_code, response.json["database"]) == (200, {"ready": True})


def test_a_database_without_the_schema_is_not_ready_and_policies_still_are(database: Database) -> None:
    response = asked(DatabaseReady(database), PoliciesReady(5, SINCE))
    assert response.status_code == 503
    assert response.json["status"] == "not ready"
    assert response.json["not_ready"] == ["database"]
    assert response.json["database"] == {"ready": False, "reason": "the schema is empty"}
    assert response.json["policies"]["ready"] is True


def test_a_database_that_a_newer_version_upgraded_is_ready_while_it_has_what_this_version_uses(
    database: Database,
) -> None:
    upgrade(database)
    with database.writing() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    assert asked(DatabaseReady(database)).json["database"] == {"ready": True, "schema": "newer"}
    with database.writing() as connection:
        connection.execute(text("DROP TABLE smart_sessions"))
    assert asked(DatabaseReady(database)).json["not_ready"] == ["database"]


def test_the_readiness_of_an_unreadable_database_does_not_name_its_location(tmp_path: Path) -> None:
    response = asked(DatabaseReady(Database(f"sqlite:///{tmp_path}/none/records.db", wait_seconds=0.2)))
    assert response.status_code == 503
    assert response.json["database"]["reason"] == "the database failed (OperationalError, SQLITE_CANTOPEN)"
    assert str(tmp_path) not in response.text


def test_the_readiness_of_a_database_server_names_no_address_or_password() -> None:
    response = asked(DatabaseReady(Database("postgresql://cds:geheim@127.0.0.1:1/cds", wait_seconds=0.2)))
    assert response.status_code == 503
    assert not any(part in response.text for part in ("geheim", "127.0.0.1", "cds:"))


def test_the_process_is_live_whatever_is_missing() -> None:
    response = Service(WatchingAssessor(), checks=[PoliciesReady(0, SINCE)]).client.get("/health/live")
    assert (response.status_code, response.json) == (200, {"status": "ok"})
