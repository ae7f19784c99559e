"""Databases for the tests of records: each test that asks for one runs on SQLite and on PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cds_service.records.database import Database
from cds_service.records.schema import upgrade
from tests.support.postgresql_cluster import Cluster
from tests.support.record_fakes import RecordedService


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a new, empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/records.db"
    cluster: Cluster = request.getfixturevalue("cluster")
    return cluster.emptied()


@pytest.fixture
def empty(url: str) -> Iterator[Database]:
    """A database without tables."""
    made = Database(url, wait_seconds=5)
    yield made
    made.close()


@pytest.fixture
def database(empty: Database) -> Database:
    """A database whose schema is current."""
    upgrade(empty)
    return empty


@pytest.fixture
def recorded(database: Database) -> RecordedService:
    """A service with its records there."""
    return RecordedService(database)
