"""Sessions: readable only with the cookie, ended once, and gone after an hour."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from cds_service.clients.authorization_proof import Proof
from cds_service.smart.authorization import Endpoints, Grant
from cds_service.smart.sessions import LAUNCH_LIFETIME, LIFETIME, FormSession, PendingLaunch, Sessions
from tests.support.clock import SetClock
from tests.support.kept_sessions import KeptSessions

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
GRANT = Grant("token-1", NOW + timedelta(hours=1), "pat-1", "Practitioner/dr-1", "enc-1", "", True, True)
ORDERS = (("urn:o1", {"resourceType": "ServiceRequest", "id": "o1"}),)
SESSION = FormSession(
    "https://ehr.example/fhir",
    "acme",
    GRANT,
    ORDERS,
    "ServiceRequest/o1",
    "CP.MP.126@2025-04",
    screens=({"I.A": "yes"},),
)
PENDING = PendingLaunch(
    "https://ehr.example/fhir",
    "acme",
    Proof("state-1", "nonce-1", "verifier-1"),
    Endpoints("https://ehr.example/authorize", "https://ehr.example/token", "https://ehr.example", ""),
)


@pytest.fixture(name="kept")
def _kept() -> KeptSessions:
    return KeptSessions()


@pytest.fixture(name="clock")
def _clock() -> SetClock:
    return SetClock(NOW)


@pytest.fixture(name="sessions")
def _sessions(kept: KeptSessions, clock: SetClock) -> Sessions:
    return Sessions(kept, clock)


ODD = replace(SESSION, chart={"searches": {"conditions": {"entries": [["", {"code": {"text": "\ud800"}}]]}}})
"""A session with text that UTF-8 cannot encode."""


@pytest.mark.parametrize("session", [SESSION, PENDING, ODD])
def test_a_session_is_found_by_its_cookie_as_it_was(sessions: Sessions, session: FormSession | PendingLaunch) -> None:
    assert sessions.find(sessions.begin(session)) == session


def test_the_store_has_neither_the_data_nor_the_id_nor_the_key(sessions: Sessions, kept: KeptSessions) -> None:
    cookie = sessions.begin(SESSION)
    ((name, (sealed, _)),) = kept.rows.items()
    stored = name.encode() + sealed
    assert not any(
        word in stored for word in (b"pat-1", b"token-1", b"I.A", *(part.encode() for part in cookie.split(".")))
    )


def test_a_session_is_gone_after_an_hour(sessions: Sessions, clock: SetClock) -> None:
    cookie = sessions.begin(SESSION)
    clock.now = NOW + LIFETIME - timedelta(seconds=1)
    assert sessions.find(cookie) == SESSION
    clock.now = NOW + LIFETIME
    assert sessions.find(cookie) is None


def test_a_launch_is_gone_after_ten_minutes(sessions: Sessions, clock: SetClock) -> None:
    cookie = sessions.begin(PENDING)
    clock.now = NOW + LAUNCH_LIFETIME - timedelta(seconds=1)
    assert sessions.find(cookie) == PENDING
    clock.now = NOW + LAUNCH_LIFETIME
    assert sessions.find(cookie) is None


def test_an_ended_session_is_found_no_more_and_ends_once(sessions: Sessions) -> None:
    cookie = sessions.begin(SESSION)
    assert sessions.end(cookie) is True
    assert sessions.end(cookie) is False
    assert sessions.find(cookie) is None
    assert sessions.update(cookie, SESSION) is False


def test_a_cookie_with_the_id_of_one_session_and_the_key_of_another_opens_neither(sessions: Sessions) -> None:
    first, second = sessions.begin(SESSION), sessions.begin(SESSION)
    mixed = f"{first.split('.')[0]}.{second.split('.')[1]}"
    assert sessions.find(mixed) is None


def test_the_data_of_one_session_do_not_open_under_the_id_of_another(sessions: Sessions, kept: KeptSessions) -> None:
    first = sessions.begin(SESSION)
    second = sessions.begin(PENDING)
    names = list(kept.rows)
    kept.rows[names[1]] = kept.rows[names[0]]
    mixed = f"{second.split('.')[0]}.{first.split('.')[1]}"
    assert sessions.find(mixed) is None


@pytest.mark.parametrize("cookie", ["", ".", "a.b", "é.é", "a" * 5000, "AAAA.AAAA.AAAA"])
def test_any_other_cookie_opens_nothing(sessions: Sessions, cookie: str) -> None:
    sessions.begin(SESSION)
    assert sessions.find(cookie) is None
    assert sessions.end(cookie) is False


def test_an_update_is_found_and_lives_no_longer(sessions: Sessions, clock: SetClock) -> None:
    cookie = sessions.begin(SESSION)
    clock.now = NOW + timedelta(minutes=30)
    assert sessions.update(cookie, SESSION.answered({"I.B": "no"})) is True
    found = sessions.find(cookie)
    assert isinstance(found, FormSession)
    assert found.answers == {"I.A": "yes", "I.B": "no"}
    clock.now = NOW + LIFETIME
    assert sessions.find(cookie) is None


def test_the_newest_answer_to_a_question_counts() -> None:
    assert SESSION.answered({"I.B": "no"}).answered({"I.A": "no"}).answers == {"I.B": "no", "I.A": "no"}


def test_going_back_drops_the_answers_of_the_last_screen() -> None:
    assert SESSION.answered({"I.B": "no", "I.C": "yes"}).one_screen_back().answers == {"I.A": "yes"}


def test_changing_an_answer_drops_it_and_asks_again() -> None:
    changing = SESSION.answered({"I.B": "no", "I.C": "yes"}).changing("I.B")
    assert (changing.answers, changing.again) == ({"I.A": "yes", "I.C": "yes"}, "I.B")
    assert changing.answered({"I.B": "yes"}).again == ""


def test_a_session_does_not_show_its_secrets() -> None:
    shown = repr(SESSION) + repr(PENDING)
    assert not any(word in shown for word in ("token-1", "state-1", "nonce-1", "verifier-1", SESSION.form_token))
