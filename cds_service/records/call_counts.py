"""Count recorded calls, their durations, outcomes, and cards."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, Select, cast, func

from cds_service.records.database import Database
from cds_service.records.selection import Period, Selection, by_period, from_calls, service_of
from cds_service.records.tables import CARDS, DECISIONS, DETERMINATIONS

_MILLISECOND = 1_000_000
_CALL_NS = cast(DECISIONS.c.metrics["timer_call_ns"].as_string(), BigInteger)


@dataclass(frozen=True, slots=True)
class Durations:
    """How long some calls took, in milliseconds: half of them at most `median`, and 95 % at most `p95`."""

    median: int
    p95: int
    greatest: int

    @classmethod
    def of(cls, counted: Mapping[int, int]) -> "Durations | None":
        """Return the durations of calls that were counted by milliseconds; None without calls."""
        if not counted:
            return None
        return cls(_percentile(counted, 50), _percentile(counted, 95), max(counted))


@dataclass(frozen=True, slots=True)
class Calls:
    """The number of calls by period, service id, and HTTP status, and by period and duration in milliseconds."""

    counts: Counter[tuple[int, str, int]]
    milliseconds: Mapping[int, Counter[int]]

    @property
    def durations(self) -> Durations | None:
        """How long all of the calls took."""
        return Durations.of(sum(self.milliseconds.values(), Counter[int]()))


@dataclass(frozen=True, slots=True)
class CardCount:
    """The cards of one outcome: `suppressed` ones were made and not shown. A card counts in each call that had it."""

    outcome: str
    indicator: str
    shown: int
    suppressed: int


def count_calls(database: Database, selection: Selection, divided: Sequence[Period]) -> Calls:
    """Count the calls of each period.

    The duration is that from the arrival of the request until the decision was stored.
    """
    found = Calls(Counter(), {number: Counter() for number in range(len(divided))})
    took = (_CALL_NS // _MILLISECOND).label("took")
    names = (DECISIONS.c.path, DECISIONS.c.status, took)
    query = _counted(by_period(selection, divided, *names)).where(selection.has_determination())
    for number, path, status, milliseconds, calls in _rows(database, query):
        found.counts[number, service_of(path), status] += calls
        if milliseconds is not None:
            found.milliseconds[number][milliseconds] += calls
    return found


def count_outcomes(
    database: Database, selection: Selection, divided: Sequence[Period]
) -> Counter[tuple[int, str, str, str]]:
    """Count the determinations by period, policy, revision, and outcome."""
    names = (DETERMINATIONS.c.policy, DETERMINATIONS.c.revision, DETERMINATIONS.c.outcome)
    query = (
        _counted(by_period(selection, divided, *names))
        .join(DETERMINATIONS, DETERMINATIONS.c.decision == DECISIONS.c.decision)
        .where(*selection.of_determinations())
    )
    return Counter({tuple(row[:-1]): row[-1] for row in _rows(database, query)})


def count_cards(database: Database, selection: Selection) -> tuple[CardCount, ...]:
    """Count the cards by outcome and indicator. With a policy, those that show a determination by it."""
    is_shown = CARDS.c.suppressed == ""
    query = (
        _counted(from_calls(selection, CARDS.c.outcome, CARDS.c.indicator, is_shown))
        .join(CARDS, CARDS.c.decision == DECISIONS.c.decision)
        .where(selection.has_determination(DETERMINATIONS.c.card == CARDS.c.card))
    )
    counted: Counter[tuple[str, str, bool]] = Counter()
    for outcome, indicator, shown, cards in _rows(database, query):
        counted[outcome, indicator, bool(shown)] += cards
    kinds = sorted({key[:2] for key in counted})
    return tuple(CardCount(*kind, counted[*kind, True], counted[*kind, False]) for kind in kinds)


def _counted(chosen: Select[Any]) -> Select[Any]:
    """Count the rows that are alike."""
    return chosen.add_columns(func.count()).group_by(*chosen.selected_columns)


def _rows(database: Database, query: Select[Any]) -> Sequence[Any]:
    with database.reading() as connection:
        return connection.execute(query).all()


def _percentile(counted: Mapping[int, int], percent: int) -> int:
    """Return the least value that is at least as great as so many percent of all (nearest rank)."""
    rank = -(-sum(counted.values()) * percent // 100)
    for value in sorted(counted):
        rank -= counted[value]
        if rank <= 0:
            return value
    raise ValueError("nothing was counted")
