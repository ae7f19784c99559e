"""Report what became of cards, by policy and criterion."""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
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


_About = tuple[str, str, tuple[str, ...]]
"""What a card is about: policy, revision, and for each of its orders the criteria as a JSON array."""
_Reaction = tuple[Any, ...]
"""Outcome, reason, and the criteria of accepted suggestions."""


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


@dataclass(frozen=True, slots=True)
class FeedbackReport:
    """The feedback on the cards of a selection: by criterion, by policy, and one by one with its day.

    In `by_policy` a card counts once, whatever it is about. `given` are the moment of a call that showed a card, and
    the outcome of the newest feedback on it.
    """

    by_criterion: tuple[Acceptance, ...]
    by_policy: tuple[Acceptance, ...]
    given: tuple[tuple[datetime, str], ...]


def feedback_report(database: Database, selection: Selection) -> FeedbackReport:
    """Report the feedback on the cards that were shown in the calls of a selection."""
    about = (CARDS.c.card, DETERMINATIONS.c.policy, DETERMINATIONS.c.revision)
    targeted = cast(DETERMINATIONS.c.criteria_targeted, Text)  # JSON of PostgreSQL has no equality
    is_on_card = (CARDS.c.decision == DETERMINATIONS.c.decision) & (CARDS.c.card == DETERMINATIONS.c.card)
    of_cards = (
        from_calls(selection)
        .join(DETERMINATIONS, DETERMINATIONS.c.decision == DECISIONS.c.decision)
        .join(CARDS, is_on_card)
        .where(*selection.of_determinations(), CARDS.c.suppressed == "")
    )
    shown = of_cards.with_only_columns(*about, targeted).distinct().order_by(*about)
    what = (FEEDBACK.c.outcome, FEEDBACK.c.reason, FEEDBACK.c.suggestions)
    given = (
        of_cards.with_only_columns(CARDS.c.card, DECISIONS.c.at, *what)
        .join(FEEDBACK, FEEDBACK.c.card == CARDS.c.card)
        .order_by(FEEDBACK.c.outcome_at, FEEDBACK.c.received_at, FEEDBACK.c.feedback, DECISIONS.c.at)
    )
    if not selection.includes_tests:
        given = given.where(FEEDBACK.c.client != SANDBOX)
    cards: Counter[_About] = Counter()
    reactions: list[tuple[_About, _Reaction]] = []
    with database.reading() as connection:
        newest = {card: (at, tuple(said)) for card, at, *said in connection.execute(given)}
        # Several orders share a card, and are about several criteria: the rows of a card stand together.
        for (card, policy, revision), rows in groupby(connection.execute(shown), lambda row: row[:3]):
            key = policy, revision, tuple(row[3] for row in rows)
            cards[key] += 1
            if card in newest:
                reactions.append((key, newest[card][1]))
    by_criterion: dict[tuple[str, str, str], Acceptance] = {}
    by_policy: dict[tuple[str, str], Acceptance] = {}
    lines: dict[_About, list[Acceptance]] = {}
    for key, number in cards.items():
        policy, revision, arrays = key
        lines[key] = [by_policy.setdefault((policy, revision), Acceptance(policy, revision, ""))]
        for criterion in _targets(arrays, selection.criterion):
            line = Acceptance(policy, revision, criterion)
            lines[key].append(by_criterion.setdefault((policy, revision, criterion), line))
        for line in lines[key]:
            line.shown += number
    for key, (outcome, reason, suggestions) in reactions:
        whole, *criteria = lines[key]
        _add(whole, outcome, reason, ())
        for line in criteria:
            _add(line, outcome, reason, suggestions)
    return FeedbackReport(
        tuple(by_criterion[key] for key in sorted(by_criterion)),
        tuple(by_policy[key] for key in sorted(by_policy)),
        tuple((at, said[0]) for at, said in newest.values()),
    )


def acceptance(database: Database, selection: Selection) -> tuple[Acceptance, ...]:
    """Return a line for each criterion of the cards that were shown in the calls of a selection."""
    return feedback_report(database, selection).by_criterion


def unknown_cards(database: Database) -> int:
    """Count the feedback on cards that are not ours or were purged."""
    unknown = (
        select(func.count())
        .select_from(FEEDBACK.outerjoin(CARDS, CARDS.c.card == FEEDBACK.c.card))
        .where(CARDS.c.card.is_(None), FEEDBACK.c.client != SANDBOX)
    )
    with database.reading() as connection:
        return connection.execute(unknown).scalar_one()


def _targets(arrays: Iterable[str], only: str) -> list[str]:
    """Return the criteria that a card is about: those in JSON arrays, an empty name for none; `only` one if named."""
    found = {each for criteria in arrays for each in json.loads(criteria)} or {""}
    return sorted(each for each in found if not only or each == only)


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
