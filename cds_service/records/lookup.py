"""Look up one decision by any id that somebody may have of it, with the feedback on its cards."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from cds_service.records.crd_assertions import hook_call_with
from cds_service.records.crd_log import exchange_row
from cds_service.records.database import Database
from cds_service.records.decision_log import Decision, decision
from cds_service.records.tables import CRD_ASSERTIONS, CRD_EXCHANGES, FEEDBACK

_MOST_FEEDBACK = 200


@dataclass(frozen=True, slots=True)
class FoundDecision:
    """A decision with the newest feedback on its cards, and for a call of a CRD service what is stored beside it.

    `exchange` is the row of its exchange, None if there is none or if it has expired, and `assertions` are the rows of
    what was issued in it, without what is sealed.
    """

    decision: Decision
    feedback: tuple[Mapping[str, Any], ...]
    exchange: Mapping[str, Any] | None
    assertions: tuple[Mapping[str, Any], ...]

    @property
    def is_sealed(self) -> bool:
        """Whether request and response are stored, encrypted."""
        return self.exchange is not None and self.exchange["sealed"] is not None

    @property
    def has_chart(self) -> bool:
        """Whether what the FHIR server answered is stored with them."""
        return self.exchange is not None and bool(self.exchange["has_chart"])


def look_up(database: Database, name: str, now: datetime) -> FoundDecision | None:
    """Find a decision by the X-Request-Id of the answer, the hookInstance, or the id of a coverage assertion.

    Of several calls with the same hookInstance or assertion, the newest one is found.
    """
    found = decision(database, name)
    if found is None and (issued_in := hook_call_with(database, name, now)) is not None:
        found = decision(database, issued_in)
    if found is None:
        return None
    call_id = found.row["decision"]
    cards = [row["card"] for row in found.cards]
    newest = FEEDBACK.c.outcome_at.desc(), FEEDBACK.c.received_at.desc()
    given = select(FEEDBACK).where(FEEDBACK.c.card.in_(cards)).order_by(*newest).limit(_MOST_FEEDBACK)
    readable = [column for column in CRD_ASSERTIONS.c if column.name != "sealed"]
    issued = (
        select(*readable)
        .join(CRD_EXCHANGES, CRD_EXCHANGES.c.exchange == CRD_ASSERTIONS.c.exchange)
        .where(CRD_ASSERTIONS.c.exchange == call_id, CRD_EXCHANGES.c.expires_at > now)
        .order_by(CRD_ASSERTIONS.c.position)
    )
    with database.reading() as connection:
        feedback = tuple(dict(row) for row in connection.execute(given).mappings())
        assertions = tuple(dict(row) for row in connection.execute(issued).mappings())
    exchange = exchange_row(database, call_id, now)
    is_its_own = exchange is not None and exchange["exchange"] == call_id
    return FoundDecision(found, feedback, exchange if is_its_own else None, assertions)
