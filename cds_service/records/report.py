"""Report what became of cards, by policy and criterion, without test calls."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from cds_service.hooks.feedback import ACCEPTED, UNLISTED
from cds_service.observability.call_log import SANDBOX
from cds_service.records.database import Database
from cds_service.records.rows import criterion_key
from cds_service.records.tables import CARDS, DECISIONS, DETERMINATIONS, FEEDBACK


@dataclass(slots=True)
class Acceptance:
    """The cards about one criterion: how many were shown, accepted, and overridden, and the override reasons.

    A card counts once, in however many calls it was shown, and so does the newest feedback on it. `criterion` is empty
    for cards about the policy as a whole.
    """

    policy: str
    revision: str
    criterion: str
    shown: int = 0
    accepted: int = 0
    overridden: int = 0
    reasons: Counter[str] = field(default_factory=Counter)

    @property
    def rate(self) -> float | None:
        """The share of accepted cards among those with feedback; None without feedback."""
        given = self.accepted + self.overridden
        return self.accepted / given if given else None

    def as_json(self) -> dict[str, object]:
        """Return the line as JSON, without `acceptance` if there was no feedback."""
        found: dict[str, object] = {
            "policy": self.policy,
            "revision": self.revision,
            "criterion": self.criterion,
            "shown": self.shown,
            "accepted": self.accepted,
            "overridden": self.overridden,
            "reasons": dict(sorted(self.reasons.items())),
        }
        return found if self.rate is None else {**found, "acceptance": round(self.rate, 3)}


def acceptance(database: Database, since: datetime) -> tuple[Acceptance, ...]:
    """Return a line for each criterion of the cards shown since that moment."""
    shown = (
        select(*(DETERMINATIONS.c[name] for name in ("card", "policy", "revision", "criteria_targeted")))
        .join(CARDS, (CARDS.c.decision == DETERMINATIONS.c.decision) & (CARDS.c.card == DETERMINATIONS.c.card))
        .join(DECISIONS, DECISIONS.c.decision == DETERMINATIONS.c.decision)
        .where(DECISIONS.c.at >= since, DECISIONS.c.client != SANDBOX, CARDS.c.suppressed == "")
    )
    given = select(FEEDBACK).where(FEEDBACK.c.client != SANDBOX).order_by(FEEDBACK.c.outcome_at, FEEDBACK.c.received_at)
    with database.reading() as connection:
        newest = {row["card"]: row for row in connection.execute(given).mappings()}
        return _lines(connection.execute(shown).mappings(), newest)


def unknown_cards(database: Database) -> int:
    """Count the feedback on cards that are not ours or were purged."""
    unknown = (
        select(func.count())
        .select_from(FEEDBACK.outerjoin(CARDS, CARDS.c.card == FEEDBACK.c.card))
        .where(CARDS.c.card.is_(None), FEEDBACK.c.client != SANDBOX)
    )
    with database.reading() as connection:
        return connection.execute(unknown).scalar_one()


def _lines(shown: Iterable[Mapping[Any, Any]], newest: Mapping[str, Mapping[Any, Any]]) -> tuple[Acceptance, ...]:
    lines: dict[tuple[str, str, str], Acceptance] = {}
    counted: set[tuple[str, tuple[str, str, str]]] = set()
    for row in shown:
        given = newest.get(row["card"])
        for criterion in row["criteria_targeted"] or [""]:
            key = (row["policy"], row["revision"], criterion)
            if (row["card"], key) in counted:
                continue
            counted.add((row["card"], key))
            line = lines.setdefault(key, Acceptance(*key))
            line.shown += 1
            if given is None:
                continue
            if given["outcome"] != ACCEPTED:
                line.overridden += 1
                line.reasons[given["reason"] or "none given"] += 1
            elif _is_accepted(given["suggestions"], f"{line.policy}@{line.revision}", criterion):
                line.accepted += 1
    return tuple(lines[key] for key in sorted(lines))


def _is_accepted(suggestions: Iterable[str], revision: str, criterion: str) -> bool:
    """Return whether acceptance counts for a criterion: for those of the accepted suggestions, else for all."""
    made_for = set(suggestions) - {UNLISTED}
    return not made_for or criterion_key(revision, criterion) in made_for
