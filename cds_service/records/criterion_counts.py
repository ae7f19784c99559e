"""Count how criteria came out: what fails most, what is documented least, and what clinicians answered."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, func, select, true

from cds_service.records.database import Database
from cds_service.records.json_sql import objects_in, text_of
from cds_service.records.selection import Period, Selection, by_period
from cds_service.records.tables import DECISIONS, DETERMINATIONS
from coverage_policies.format.terms import Reason, Status

ATTESTED = "attested"
"""The reason of a criterion that an answer decided."""


@dataclass(slots=True)
class CriterionCount:
    """How often a criterion of a revision had each status, and how often each reason; `answered` is by an answer.

    Where it belongs to another pathway than that of the order, nothing was asked of it: only `reasons` has that.
    """

    policy: str
    revision: str
    criterion: str
    statuses: Counter[str] = field(default_factory=Counter)
    reasons: Counter[tuple[str, str]] = field(default_factory=Counter)

    @property
    def total(self) -> int:
        """The number of determinations that evaluated the criterion."""
        return self.statuses.total()

    @property
    def answered(self) -> int:
        """How often an answer decided it."""
        return sum(count for (_, reason), count in self.reasons.items() if reason == ATTESTED)

    @property
    def undocumented(self) -> int:
        """How often nothing decided it."""
        return self.statuses[Status.UNKNOWN.value]

    @property
    def failed(self) -> int:
        """How often it was not met."""
        return self.statuses[Status.NOT_MET.value]


@dataclass(frozen=True, slots=True)
class CriterionCounts:
    """The counts by criterion, and by period and status for the criterion of the selection, if it names one.

    `is_limited` if only the newest determinations of the selection were counted.
    """

    lines: Sequence[CriterionCount]
    by_period: Counter[tuple[int, str]]
    is_limited: bool


def count_criteria(database: Database, selection: Selection, divided: Sequence[Period], most: int) -> CriterionCounts:
    """Count the criteria in the newest determinations of a selection, at most so many."""
    about = (DETERMINATIONS.c.policy, DETERMINATIONS.c.revision, DETERMINATIONS.c.criteria)
    chosen = (
        by_period(selection, divided, *about)
        .join(DETERMINATIONS, DETERMINATIONS.c.decision == DECISIONS.c.decision)
        .where(*selection.of_determinations())
    )
    newest = chosen.order_by(DECISIONS.c.at.desc()).limit(most).cte("newest")
    each = objects_in(database, newest.c.criteria, "each_criterion")
    names = [text_of(each, name).label(name) for name in ("id", "status", "reason")]
    grouped: list[ColumnElement[Any]] = [newest.c.policy, newest.c.revision, *names]
    if selection.criterion:
        grouped.append(newest.c.number)
    query = select(*grouped, func.count()).select_from(newest.join(each, true())).group_by(*grouped)
    if selection.criterion:
        query = query.where(names[0] == selection.criterion)
    with database.reading() as connection:
        is_limited = connection.execute(chosen.with_only_columns(true()).offset(most).limit(1)).first() is not None
        rows = connection.execute(query).all()
    found: dict[tuple[str, str, str], CriterionCount] = {}
    periods: Counter[tuple[int, str]] = Counter()
    for policy, revision, criterion, status, reason, *period, count in rows:
        line = found.setdefault((policy, revision, criterion), CriterionCount(policy, revision, criterion))
        line.reasons[status, reason] += count
        if reason == Reason.OTHER_PATHWAY.value:
            continue
        line.statuses[status] += count
        if period:
            periods[period[0], status] += count
    return CriterionCounts(tuple(found[key] for key in sorted(found)), periods, is_limited)
