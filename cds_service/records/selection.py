"""Which recorded calls a report counts, and the periods into which it divides them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Integer, Select, column, exists, select, true, values

from cds_service.observability.call_log import SANDBOX
from cds_service.records.database import Database
from cds_service.records.tables import DECISIONS, DETERMINATIONS, Moment

MOST_PERIODS = 120
_SERVICES = "cds-services/"
_BEGINNING, _END = datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)


class Step(StrEnum):
    """The length of a period."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class Period:
    """A day, a week from Monday on, or a month; `first` is its first day, and `end` the moment after it."""

    first: date
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Selection:
    """The calls from `since` until before `until`.

    Unless empty, `policy` and `revision` limit them to calls with a determination by these, `service` to those of one
    service id, and `client` to those of one client; `criterion` limits what is counted by criterion. Test
    calls count only with `includes_tests`.
    """

    since: datetime = _BEGINNING
    until: datetime = _END
    policy: str = ""
    revision: str = ""
    criterion: str = ""
    service: str = ""
    client: str = ""
    includes_tests: bool = False

    def of_calls(self) -> list[ColumnElement[bool]]:
        """Return the conditions on DECISIONS, without that on policies."""
        found = [DECISIONS.c.at >= self.since, DECISIONS.c.at < self.until]
        if self.service:
            found.append(DECISIONS.c.path == f"{_SERVICES}{self.service}")
        if self.client:
            found.append(DECISIONS.c.client == self.client)
        if not self.includes_tests:
            found.append(DECISIONS.c.client != SANDBOX)
        return found

    def of_determinations(self) -> list[ColumnElement[bool]]:
        """Return the conditions on DETERMINATIONS."""
        named = {"policy": self.policy, "revision": self.revision}
        return [DETERMINATIONS.c[name] == value for name, value in named.items() if value]

    def has_determination(self, *more: ColumnElement[bool]) -> ColumnElement[bool]:
        """Return the condition that a call of DECISIONS has a determination by the policy; true without one."""
        conditions = self.of_determinations()
        if not conditions:
            return true()
        return exists().where(DETERMINATIONS.c.decision == DECISIONS.c.decision, *conditions, *more)


def service_of(path: str) -> str:
    """Return the service id in the path of a call."""
    return path.removeprefix(_SERVICES)


def limited(database: Database, selection: Selection, most: int) -> Selection:
    """Return the selection from a later moment on if its time range has more than `most` calls: the newest count."""
    newest = (
        select(DECISIONS.c.at)
        .where(DECISIONS.c.at >= selection.since, DECISIONS.c.at < selection.until)
        .order_by(DECISIONS.c.at.desc())
        .offset(most - 1)
        .limit(2)
    )
    with database.reading() as connection:
        last_and_next = connection.execute(newest).scalars().all()
    return replace(selection, since=last_and_next[0]) if len(last_and_next) > 1 else selection


def clients(database: Database, selection: Selection) -> list[str]:
    """Return the names of the clients that called in the time range of a selection."""
    found = select(DECISIONS.c.client).where(
        *Selection(selection.since, selection.until, includes_tests=True).of_calls()
    )
    with database.reading() as connection:
        return [name for name in connection.execute(found.distinct().order_by(DECISIONS.c.client)).scalars() if name]


def periods(first: date, last: date, step: Step, zone: tzinfo) -> tuple[Period, ...]:
    """Return the periods from that of the first day to that of the last, in the zone of the operator."""
    found: list[Period] = []
    day = _begin(first, step)
    while day <= last:
        following = _next(day, step)
        found.append(Period(day, _midnight(day, zone), _midnight(following, zone)))
        day = following
    return tuple(found)


def by_period(selection: Selection, divided: Sequence[Period], *columns: ColumnElement[Any]) -> Select[Any]:
    """Select the number of the period, from 0 on, and some columns of the calls of a selection, to join with more."""
    return _from_calls(selection, [(number, each.start, each.end) for number, each in enumerate(divided)], *columns)


def from_calls(selection: Selection, *columns: ColumnElement[Any]) -> Select[Any]:
    """Select columns of the calls of a selection, to join with more."""
    return _from_calls(selection, [(0, selection.since, selection.until)]).with_only_columns(*columns)


def _from_calls(selection: Selection, ranges: Sequence[Any], *columns: ColumnElement[Any]) -> Select[Any]:
    """Join the ranges, as rows, with the calls in each: without them SQLite would look through whole tables instead."""
    named: list[Any] = [column("number", Integer), column("start", Moment), column("end", Moment)]
    table = values(*named, name="ranges").data(ranges).cte("ranges")
    is_within = (DECISIONS.c.at >= table.c.start) & (DECISIONS.c.at < table.c.end)
    chosen = select(table.c.number, *columns).select_from(table).join(DECISIONS, is_within)
    return chosen.where(*selection.of_calls())


def _begin(day: date, step: Step) -> date:
    if step is Step.WEEK:
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if step is Step.MONTH else day


def _next(day: date, step: Step) -> date:
    if step is Step.MONTH:
        return (day.replace(day=28) + timedelta(days=4)).replace(day=1)
    return day + timedelta(days=7 if step is Step.WEEK else 1)


def _midnight(day: date, zone: tzinfo) -> datetime:
    return datetime.combine(day, time.min, zone).astimezone(UTC)
