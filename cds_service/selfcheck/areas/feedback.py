"""Feedback on cards (CDS Hooks 2.0.1)."""

import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from cds_service.selfcheck.areas.calls import AREA as CALLS
from cds_service.selfcheck.areas.cards import Card, cards
from cds_service.selfcheck.checks import Area
from cds_service.selfcheck.hook_requests import without
from cds_service.selfcheck.json_shape import is_text, objects
from cds_service.selfcheck.outcomes import FailedError, Level, NotTriedError, expect
from cds_service.selfcheck.session import Session
from cds_service.selfcheck.web import Answer

AREA = Area("feedback", "CDS Hooks: feedback on cards", CALLS.not_offered)

_SOURCE = "CDS Hooks 2.0.1, Feedback"


def _card(session: Session) -> Card:
    """Return a card that feedback can name, rather one with suggestions."""
    found = [each for each in cards(session) if is_text(each.card.get("uuid"))]
    if not found:
        raise NotTriedError("no card has a uuid, which feedback names")
    return max(found, key=lambda each: len(objects(each.card.get("suggestions"))))


def _overridden(card: str, **members: Any) -> dict[str, Any]:
    moment = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"card": card, "outcome": "overridden", "outcomeTimestamp": moment} | members


def _sent(session: Session, *entries: dict[str, Any]) -> Answer:
    service = _card(session).call.service
    return session.post(session.address(service.id, "/feedback"), {"feedback": list(entries)})


def _offered(session: Session) -> Answer:
    """Return the answer to feedback without a reason. Raise FailedError if the server takes none."""

    def make() -> Answer:
        found = _sent(session, _overridden(_card(session).card["uuid"]))
        if found.status in (404, 405, 501):
            raise FailedError(f"feedback is answered {found.status}")
        return found

    return session.once("feedback", make)


@AREA.check(
    "offered",
    Level.ADVICE,
    f"{_SOURCE} (MAY)",
    "Feedback is taken; without it, nobody learns which cards help.",
)
def _is_offered(session: Session) -> str:
    return str(_offered(session).status)


def _expect_taken(found: Answer, what: str) -> str:
    expect(found.is_success, f"{what} is answered {found.status}")
    return str(found.status)


@AREA.check(
    "overridden", Level.SHALL, _SOURCE, "A card that was overridden is taken, with a reason, a comment, or neither."
)
def _overriding(session: Session) -> str:
    _expect_taken(_offered(session), "an override without a reason")
    card = _card(session)
    reasons = objects(card.card.get("overrideReasons"))
    comment = {"userComment": "The self-check overrode this."}
    override = {"reason": without(reasons[0], "display"), **comment} if reasons else comment
    return _expect_taken(_sent(session, _overridden(card.card["uuid"], overrideReason=override)), "an override")


@AREA.check("accepted", Level.SHALL, _SOURCE, "A card that was accepted is taken, with the suggestions that were.")
def _accepted(session: Session) -> str:
    _offered(session)
    card = _card(session)
    found = [each["uuid"] for each in objects(card.card.get("suggestions")) if is_text(each.get("uuid"))]
    if not found:
        raise NotTriedError("no card has a suggestion that feedback could name")
    entry = _overridden(card.card["uuid"], outcome="accepted", acceptedSuggestions=[{"id": found[0]}])
    return _expect_taken(_sent(session, entry), "an accepted suggestion")


@AREA.check("several", Level.SHALL, _SOURCE, "Feedback may hold several entries.")
def _several(session: Session) -> str:
    _offered(session)
    own = _card(session).call.service
    found = [
        each.card["uuid"] for each in cards(session) if each.call.service == own and is_text(each.card.get("uuid"))
    ]
    entries = [_overridden(each) for each in (found * 2)[:2]]
    return _expect_taken(_sent(session, *entries), "feedback with two entries")


@AREA.check("repeated", Level.SHALL, _SOURCE, "The same feedback may come twice.")
def _repeated(session: Session) -> str:
    _offered(session)
    entry = _overridden(_card(session).card["uuid"])
    _sent(session, entry)
    return _expect_taken(_sent(session, entry), "the same feedback again")


@AREA.check("unknown-card", Level.SHOULD, _SOURCE, "Feedback on a card that is not known is no error of the server.")
def _unknown_card(session: Session) -> str:
    _offered(session)
    found = _sent(session, _overridden(str(uuid.uuid4())))
    expect(found.status < 500, f"it is answered {found.status}")
    return str(found.status)


def _refuses(name: str, right: str, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    def run(session: Session) -> str:
        _offered(session)
        found = _sent(session, change(_overridden(_card(session).card["uuid"])))
        expect(found.is_client_error, f"it is answered {found.status}")
        return str(found.status)

    AREA.check(name, Level.SHOULD, _SOURCE, right)(run)


_refuses("without-card", "Feedback that names no card is refused.", lambda entry: without(entry, "card"))
_refuses("without-outcome", "Feedback without an outcome is refused.", lambda entry: without(entry, "outcome"))
_refuses("unknown-outcome", "Another outcome is refused.", lambda entry: {**entry, "outcome": "ignored"})
_refuses(
    "without-timestamp",
    "Feedback without outcomeTimestamp is refused.",
    lambda entry: without(entry, "outcomeTimestamp"),
)
_refuses(
    "without-suggestions",
    "Feedback that a card was accepted, without acceptedSuggestions, is refused.",
    lambda entry: {**entry, "outcome": "accepted"},
)
