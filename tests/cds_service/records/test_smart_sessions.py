"""The store of sealed sessions: shared by processes, and cleared of what has expired."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from cds_service.records.database import Database
from cds_service.records.smart_sessions import SmartSessions
from cds_service.records.tables import SMART_SESSIONS
from tests.support.clock import SetClock

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
SOON = NOW + timedelta(minutes=5)


@pytest.fixture(name="clock")
def _clock() -> SetClock:
    return SetClock(NOW)


@pytest.fixture(name="sessions")
def _sessions(database: Database, clock: SetClock) -> SmartSessions:
    return SmartSessions(database, clock)


def test_a_session_is_found_as_it_was_put(sessions: SmartSessions) -> None:
    sessions.put("a", b"\x00sealed\xff", SOON)
    assert sessions.find("a") == (b"\x00sealed\xff", SOON)
    assert sessions.find("b") is None


def test_another_process_finds_it(database: Database, sessions: SmartSessions, clock: SetClock) -> None:
    sessions.put("a", b"1", SOON)
    assert SmartSessions(database, clock).find("a") == (b"1", SOON)


def test_a_session_is_replaced_while_it_is_kept(sessions: SmartSessions, clock: SetClock) -> None:
    sessions.put("a", b"1", SOON)
    assert sessions.replace("a", b"2") is True
    assert sessions.find("a") == (b"2", SOON)
    assert sessions.replace("b", b"2") is False
    clock.now = SOON
    assert sessions.replace("a", b"3") is False


def test_a_session_is_removed_once(sessions: SmartSessions) -> None:
    sessions.put("a", b"1", SOON)
    assert [sessions.remove("a"), sessions.remove("a")] == [True, False]
    assert sessions.find("a") is None


def test_a_new_session_clears_those_that_have_expired(
    sessions: SmartSessions, database: Database, clock: SetClock
) -> None:
    sessions.put("old", b"1", SOON)
    sessions.put("kept", b"1", SOON + timedelta(seconds=1))
    clock.now = SOON
    sessions.put("new", b"1", SOON + LATER)
    with database.reading() as connection:
        assert connection.execute(select(func.count()).select_from(SMART_SESSIONS)).scalar() == 2
    assert sessions.find("old") is None


LATER = timedelta(hours=1)
