"""A token counts once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from cds_service.records.database import Database
from cds_service.records.schema import SchemaState, state, upgrade
from cds_service.records.tables import USED_TOKENS
from cds_service.records.used_tokens import UsedTokens

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture(name="database")
def _database(tmp_path: Path) -> Database:
    database = Database(f"sqlite:///{tmp_path}/records.db", wait_seconds=5)
    assert upgrade(database) is SchemaState.MISSING
    assert state(database) is SchemaState.CURRENT
    return database


def test_a_token_is_used_once_per_issuer(database: Database) -> None:
    tokens = UsedTokens(database, Clock())
    until = NOW + timedelta(minutes=5)
    assert tokens.first_use("https://ehr.example", "a", until) is True
    assert tokens.first_use("https://ehr.example", "a", until) is False
    assert tokens.first_use("https://other.example", "a", until) is True
    assert tokens.first_use("https://ehr.example", "b", until) is True
    assert UsedTokens(database, Clock()).first_use("https://ehr.example", "a", until) is False


@pytest.mark.parametrize("jti", ["", "x" * 100_000, "\0", "\ud800", "Å"])
def test_any_text_names_a_token(database: Database, jti: str) -> None:
    tokens = UsedTokens(database, Clock())
    assert [tokens.first_use("https://ehr.example", jti, NOW) for _ in range(2)] == [True, False]


def test_of_many_at_once_one_is_the_first(tmp_path: Path, database: Database) -> None:
    stores = [UsedTokens(Database(f"sqlite:///{tmp_path}/records.db", wait_seconds=30), Clock()) for _ in range(4)]
    with ThreadPoolExecutor(16) as pool:
        used = pool.map(lambda n: stores[n % 4].first_use("https://ehr.example", "a", NOW), range(64))
    assert sorted(used) == [False] * 63 + [True]


def count(database: Database) -> int:
    with database.reading() as connection:
        return connection.execute(select(func.count()).select_from(USED_TOKENS)).scalar_one()


def test_tokens_that_expired_more_than_a_day_ago_are_cleared_now_and_then(database: Database) -> None:
    clock = Clock()
    tokens = UsedTokens(database, clock)
    tokens.first_use("https://ehr.example", "old", NOW + timedelta(minutes=1))
    tokens.first_use("https://ehr.example", "long", NOW + timedelta(minutes=30))
    clock.now += timedelta(days=1, minutes=1)
    tokens.first_use("https://ehr.example", "at the limit", clock.now)
    assert count(database) == 3
    clock.now += timedelta(minutes=5)
    tokens.first_use("https://ehr.example", "new", clock.now)
    assert count(database) == 3
    assert tokens.first_use("https://ehr.example", "long", NOW + timedelta(minutes=30)) is False


@pytest.mark.parametrize("ahead", [timedelta(minutes=6), timedelta(hours=1), timedelta(days=1)])
def test_a_clock_that_is_ahead_for_a_while_makes_no_token_good_for_two_calls(
    database: Database, ahead: timedelta
) -> None:
    clock = Clock()
    tokens = UsedTokens(database, clock)
    until = NOW + timedelta(minutes=5)
    assert tokens.first_use("https://ehr.example", "a", until) is True
    clock.now += ahead
    assert tokens.first_use("https://ehr.example", "valid for longer", clock.now + timedelta(minutes=5)) is True
    clock.now -= ahead
    assert tokens.first_use("https://ehr.example", "a", until) is False


def test_expired_tokens_are_cleared_again_soon_after_the_clock_is_set_back(database: Database) -> None:
    clock = Clock()
    tokens = UsedTokens(database, clock)
    clock.now += timedelta(days=365)
    tokens.first_use("https://ehr.example", "while ahead", clock.now)
    clock.now = NOW
    tokens.first_use("https://ehr.example", "expired", NOW - timedelta(days=2))
    clock.now += timedelta(minutes=5)
    tokens.first_use("https://ehr.example", "new", clock.now)
    assert count(database) == 2
