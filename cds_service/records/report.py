"""Report what became of cards, by policy and criterion."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Text, cast, func, select

from cds_service.hooks.feedback import ACCEPTED, UNLISTED
from cds_service.observability.call_log import SANDBOX
from cds_service.records.database import Database
from cds_service.records.rows import criterion_key
from cds_service.records.selection import Selection, from_calls
from cds_service.records.tables import CARDS, DECISIONS, DETERMINATIONS, FEEDBACK

NO_REASON = "none given"
"""Stands for the reason of an override that has none."""


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


def acceptance(database: Database, selection: Selection) -> tuple[Acceptance, ...]:
    """Return a line for each criterion of the cards that were shown in the calls of a selection."""
    targeted = cast(DETERMINATIONS.c.criteria_targeted, Text)  # JSON of PostgreSQL has no equality
    about = (DETERMINATIONS.c.policy, DETERMINATIONS.c.revision, targeted)
    is_on_card = (CARDS.c.decision == DETERMINATIONS.c.decision) & (CARDS.c.card == DETERMINATIONS.c.card)
    shown = (
        from_calls(selection, *about, func.count(CARDS.c.card.distinct()))
        .join(DETERMINATIONS, DETERMINATIONS.c.decision == DECISIONS.c.decision)
        .join(CARDS, is_on_card)
        .where(*selection.of_determinations(), CARDS.c.suppressed == "")
        .group_by(*about)
    )
    oldest_first = (FEEDBACK.c.outcome_at, FEEDBACK.c.received_at, FEEDBACK.c.feedback)
    answered = (
        shown.with_only_columns(*about, CARDS.c.card, FEEDBACK.c.outcome, FEEDBACK.c.reason, FEEDBACK.c.suggestions)
        .join(FEEDBACK, FEEDBACK.c.card == CARDS.c.card)
        .group_by(None)
        .order_by(*oldest_first)
    )
    with database.reading() as connection:
        counted = _shown(connection.execute(shown).all(), selection.criterion)
        newest = {tuple(row[:4]): row for row in connection.execute(answered)}
    for policy, revision, criteria, _, *given in newest.values():
        for criterion in _targets(criteria, selection.criterion):
            _add(counted[policy, revision, criterion], *given)
    return tuple(counted[key] for key in sorted(counted))


def unknown_cards(database: Database) -> int:
    """Count the feedback on cards that are not ours or were purged."""
    unknown = (
        select(func.count())
        .select_from(FEEDBACK.outerjoin(CARDS, CARDS.c.card == FEEDBACK.c.card))
        .where(CARDS.c.card.is_(None), FEEDBACK.c.client != SANDBOX)
    )
    with database.reading() as connection:
        return connection.execute(unknown).scalar_one()


def _shown(rows: Iterable[Sequence[Any]], only: str) -> dict[tuple[str, str, str], Acceptance]:
    lines: dict[tuple[str, str, str], Acceptance] = {}
    for policy, revision, criteria, cards in rows:
        for criterion in _targets(criteria, only):
            line = lines.setdefault((policy, revision, criterion), Acceptance(policy, revision, criterion))
            line.shown += cards
    return lines


def _targets(criteria: str, only: str) -> list[str]:
    """Return the criteria that cards are about: those in a JSON array, an empty name for none; `only` one if named."""
    return [each for each in json.loads(criteria) or [""] if not only or each == only]


def _add(line: Acceptance, outcome: str, reason: str, suggestions: Iterable[str]) -> None:
    """Count the feedback on one card."""
    if outcome != ACCEPTED:
        line.overridden += 1
        line.reasons[reason or NO_REASON] += 1
    elif _is_accepted(suggestions, f"{line.policy}@{line.revision}", line.criterion):
        line.accepted += 1


def _is_accepted(suggestions: Iterable[str], revision: str, criterion: str) -> bool:
    """Return whether acceptance counts for a criterion: for those of the accepted suggestions, else for all."""
    made_for = set(suggestions) - {UNLISTED}
    return not made_for or criterion_key(revision, criterion) in made_for
