"""One course of treatment that fulfills all of several things: how long, how often, how recently, without a long gap.

A course is a run of records in which no gap is longer than the clause allows. More records make a course only longer,
more frequent, and less interrupted. So the records that certainly count are enough to prove a course. It is ruled out
only if all that may count, each on every day that it may be of, make none either.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from typing import Any

from coverage_policies.format.operator import Arguments, ClauseResult, Context, arguments, phrase
from coverage_policies.format.phrases import (
    COUNT,
    DURATION,
    SPAN,
    Comparison,
    DurationThreshold,
    NumberThreshold,
    count,
    duration,
    span,
)
from coverage_policies.format.searches import Search
from coverage_policies.format.terms import Reason
from coverage_policies.operators.occasions import Occasions, is_complete, kinds
from coverage_policies.operators.procedure_counts import (
    A_NIGHT,
    fewest_days,
    last_day,
    most_days,
    possible_others,
    unprovable,
)
from coverage_policies.operators.procedure_filter import Belonging, none_at_hand, on_each_side
from coverage_policies.operators.region import Region
from fhir_mappings.dates import CalendarPeriod, DateInterval, later, plus
from fhir_mappings.procedures import Procedure, Progress
from fhir_mappings.truth import Truth

GAP = phrase(DURATION, "at most 4 weeks")
"""The schema of the longest gap between two records of a course."""
ALL: Mapping[str, Any] = {
    **arguments(
        ["gap"],
        lasting=phrase(DURATION, "at least 12 weeks"),
        count=phrase(COUNT, "at least 6"),
        gap=GAP,
        within=phrase(SPAN, "12 months"),
    ),
    "minProperties": 2,
}
"""The schema of what one course has to fulfill."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What one course has to fulfill; None for what the clause does not ask."""

    gap: DurationThreshold
    lasting: DurationThreshold | None = None
    count: NumberThreshold | None = None
    within: CalendarPeriod | None = None


@dataclass(frozen=True, slots=True)
class _Stretch:
    """The days from the first to the last on which something of a record was done, or may have been.

    `day` is the interval in which at least one day counts; None if that day may be out of the window.
    """

    first: date
    last: date
    done: Procedure
    day: DateInterval | None = None


@dataclass(frozen=True, slots=True)
class CourseCheck:
    """Whether there is one course of treatment that fulfills all of the terms."""

    occasions: Occasions
    belonging: Belonging
    terms: Terms
    region: Region = field(default_factory=Region)

    @property
    def searches(self) -> tuple[Search, ...]:
        """Return the searches for the records of the course."""
        return self.occasions.searches

    def evaluate(self, ctx: Context) -> ClauseResult:
        """Return YES if certain records make such a course, NO if not even all that may count could."""
        on_record, others = self.occasions.begun(ctx), self.occasions.unidentified(ctx)
        return on_each_side(self.belonging, on_record, ctx, partial(self._judge, on_record, others))

    def _judge(
        self, on_record: Sequence[Procedure], others: Sequence[Procedure], whose: Belonging, ctx: Context
    ) -> ClauseResult:
        belongs = whose.of(on_record, ctx)
        pairs = list(zip(on_record, belongs, strict=True))
        certain = [p for p, fits in pairs if fits & self.region.is_not_elsewhere(p.about) is Truth.YES]
        course = self._course(self._certain(certain, ctx), _least)
        if course:
            return ClauseResult(Truth.YES, Reason.PRESENT, tuple(each.done.evidence for each in course))
        possible = [p for p, fits in pairs if fits is not Truth.NO] + possible_others(others, whose, ctx)
        reaching = list(self._possible(possible, ctx))
        if not reaching:
            return none_at_hand(on_record, belongs, whose, ctx, *kinds(self.occasions))
        evidence = tuple(each.done.evidence for each in reaching)
        if not is_complete(self.occasions, ctx):
            return ClauseResult(Truth.UNKNOWN, Reason.DATA_UNAVAILABLE, evidence)
        could_be = self._course(reaching, partial(_most, ctx.anchor))
        is_long_enough = replace(self, terms=replace(self.terms, count=None))._course(reaching, len)
        reason = Reason.COUNT_OUT_OF_RANGE if is_long_enough else Reason.DATE_OUT_OF_RANGE
        return ClauseResult(Truth.UNKNOWN if could_be else Truth.NO, reason, evidence)

    def _certain(self, found: Iterable[Procedure], ctx: Context) -> Iterator[_Stretch]:
        """Yield the days of records of known days within the window: done, or in progress with a stated end.

        What is in progress makes a course longer and counts as no visit yet.
        """
        since, until = self._window(ctx)
        for each in found:
            is_done = each.progress is Progress.DONE
            days = [day.earliest for day in (each.start, each.end) if day and day.earliest == day.latest]
            if len(days) < 2 or not (is_done or (each.progress is Progress.UNDER_WAY and days[0] < days[1])):
                continue
            first, last = days
            if not self.occasions.is_continuous:
                if last - first > A_NIGHT:
                    continue
                last = first
            if first <= until and last >= since:
                day = DateInterval(first, last) if is_done and since <= first and last <= until else None
                yield _Stretch(max(first, since), min(last, until), each, day)

    def _possible(self, found: Iterable[Procedure], ctx: Context) -> Iterator[_Stretch]:
        """Yield the days within the window that a record may be of, all of them for one without a date."""
        since, _ = self._window(ctx)
        for each in found:
            first = each.start.earliest if each.start else since
            last = last_day(each, ctx.anchor) or ctx.anchor
            if last >= since:
                yield _Stretch(max(first, since), min(last, ctx.anchor), each)

    def _window(self, ctx: Context) -> tuple[date, date]:
        """Return the first and the last day on which something of the course can have been done."""
        within = self.terms.within
        since = plus(ctx.anchor, CalendarPeriod(-within.number, within.unit)) if within else date.min
        while within and plus(since, within) < ctx.anchor:  # months differ in length
            since = later(since, 1)
        return since, min(ctx.anchor, ctx.record.today)

    def _course(self, found: Iterable[_Stretch], days: Callable[[Sequence[_Stretch]], int]) -> Sequence[_Stretch]:
        """Return the first run that fulfills the terms, of which `days` counts the days; empty if there is none."""
        return next((run for run in self._runs(found) if self._is_fulfilled(run, days)), ())

    def _runs(self, found: Iterable[_Stretch]) -> Iterator[list[_Stretch]]:
        """Yield the longest runs without a gap that is too long."""
        run: list[_Stretch] = []
        last = date.min
        for each in sorted(found, key=lambda each: (each.first, each.last, each.done.reference)):
            if run and self.terms.gap.holds(DateInterval(last, last), each.first) is not Truth.YES:
                yield run
                run = []
            run.append(each)
            last = max(last, each.last)
        if run:
            yield run

    def _is_fulfilled(self, run: Sequence[_Stretch], days: Callable[[Sequence[_Stretch]], int]) -> bool:
        first, last = run[0].first, max(each.last for each in run)
        lasting, number = self.terms.lasting, self.terms.count
        if lasting is not None and lasting.holds(DateInterval(first, first), last) is not Truth.YES:
            return False
        return number is None or number.holds(days(run))


def _least(run: Sequence[_Stretch]) -> int:
    return fewest_days(each.day for each in run if each.day)


def _most(anchor: date, run: Sequence[_Stretch]) -> int:
    return most_days((each.done for each in run), anchor)


def terms(written: Arguments) -> Terms:
    """Read what one course has to fulfill. Raises ValueError for what a missing record could turn round."""
    gap = duration(written["gap"])
    if not gap.comparison.is_upper_bound:
        raise ValueError(f"'{gap}' is no longest gap between two visits; write it like 'at most 4 weeks'")
    lasting = duration(written["lasting"]) if "lasting" in written else None
    if lasting is not None and lasting.comparison.is_upper_bound:
        raise ValueError(unprovable("lasting", lasting, written["lasting"]))
    number = count(written["count"]) if "count" in written else None
    if number is not None and number.comparison not in (Comparison.AT_LEAST, Comparison.OVER):
        raise ValueError(f"`all` is about one course, which `count: {number}` cannot be of; write it like 'at least 6'")
    return Terms(gap, lasting, number, span(written["within"]) if "within" in written else None)


def refuse_beside_all(written: Arguments, names: Iterable[str]) -> None:
    """Raise ValueError if a clause says beside `all` what belongs inside of it, or has no meaning for a course."""
    for name in names:
        if name in written:
            where = "write it inside of `all`" if name in ALL["properties"] else "leave it out"
            raise ValueError(f"`{name}` stands beside `all`, which is about one course; {where}")
