"""How often something was done, how far apart, and how long ago the first or the last of it was.

A record may be one of those in question, or not: its side, purpose, date or status may be unknown. And a list that was
not read in full may lack some. So a count lies between a least and a most, and only what holds for both is said.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from coverage_policies.format.operator import ClauseResult, Context, Truth
from coverage_policies.format.phrases import Comparison, DurationThreshold, NumberThreshold
from coverage_policies.format.searches import PROCEDURES, Search
from coverage_policies.format.terms import Reason
from coverage_policies.format.value_sets import ValueSet
from coverage_policies.operators.base import in_time, nothing_found
from coverage_policies.operators.procedure_filter import Belonging, both
from fhir_mappings.dates import CalendarPeriod, DateInterval
from fhir_mappings.procedures import Procedure, Progress, procedures
from fhir_mappings.record import Availability


@dataclass(frozen=True, slots=True)
class Candidate:
    """A procedure that is one of those in question (`counts`), or may be one (None)."""

    done: Procedure
    counts: bool | None


def begun(ctx: Context, codes: ValueSet) -> list[Procedure]:
    """What was or may have been begun by the anchor date."""
    return [p for p in procedures(ctx.record, codes.match) if p.start is None or p.start.earliest <= ctx.anchor]


def candidate_procedures(
    ctx: Context, codes: ValueSet, belonging: Belonging, within: CalendarPeriod | None = None
) -> tuple[Candidate, ...]:
    """What was or may have been done by the anchor date, on the side and for the purpose asked for, and in time."""
    found = begun(ctx, codes)
    belongs = belonging.of(found, ctx.order)
    counted = [
        Candidate(p, both(ours, True if p.progress is Progress.DONE else None, in_time(p.day, within, ctx.anchor)))
        for p, ours in zip(found, belongs, strict=True)
    ]
    return tuple(each for each in counted if each.counts is not False)


def _is_complete(ctx: Context) -> bool:
    return ctx.record.availability("Procedure") is Availability.COMPLETE


def _finding(holds: bool | None, reason: Reason, found: Sequence[Candidate], ctx: Context) -> ClauseResult:
    evidence = tuple(each.done.evidence for each in found)
    if holds is None and not _is_complete(ctx):
        return ClauseResult(Truth.UNKNOWN, Reason.DATA_UNAVAILABLE, evidence)
    return ClauseResult(Truth.of(holds), reason, evidence)


@dataclass(frozen=True, slots=True)
class CountCheck:
    """On how many days something was done and, with `apart`, how far the first of them lies from the last."""

    codes: ValueSet
    belonging: Belonging
    within: CalendarPeriod | None
    count: NumberThreshold
    apart: DurationThreshold | None

    @property
    def searches(self) -> tuple[Search, ...]:
        """The procedures."""
        return (PROCEDURES,)

    def evaluate(self, ctx: Context) -> ClauseResult:
        """Holds if it does for the least and for the most there can have been."""
        found = candidate_procedures(ctx, self.codes, self.belonging, self.within)
        if not found:
            return nothing_found(ctx.record, "Procedure")
        certain = [each.done.day for each in found if each.counts and each.done.day]
        possible = [each.done.day for each in found]
        is_complete = _is_complete(ctx)
        counted = _between(self.count, _fewest(certain), _most(possible) if is_complete else None)
        if self.apart is None:
            return _finding(counted, Reason.COUNT_OUT_OF_RANGE, found, ctx)
        known = [day for day in possible if day]
        everything = known if is_complete and len(known) == len(possible) else None
        apart = _is_apart(self.apart, certain, everything)
        return _finding(both(counted, apart), Reason.DATE_OUT_OF_RANGE, found, ctx)


def _fewest(days: Iterable[DateInterval]) -> int:
    """The least number of different days: two records may tell of one day where their dates allow it."""
    count, last = 0, date.min
    for day in sorted(days, key=lambda day: day.latest):
        if not count or day.earliest > last:
            count, last = count + 1, day.latest
    return count


def _most(days: Sequence[DateInterval | None]) -> int:
    """The greatest number of different days: only records of the same known day are surely one."""
    known = {day.earliest for day in days if day and day.earliest == day.latest}
    return len(known) + sum(day is None or day.earliest != day.latest for day in days)


def _between(test: NumberThreshold, least: int, most: int | None) -> bool | None:
    if least == most:
        return test.holds(least)
    if test.comparison is Comparison.EXACTLY:
        return False if least > test.number or (most is not None and most < test.number) else None
    if test.holds(least):
        return True
    return False if most is not None and not test.holds(most) else None


def _is_apart(
    test: DurationThreshold, certain: Sequence[DateInterval], everything: Sequence[DateInterval] | None
) -> bool | None:
    """Whether first and last lie so far apart: more records only make it farther."""
    least = _gap(test, certain)
    most = _gap(test, everything) if everything is not None else None
    if test.comparison.is_upper_bound:
        return False if least is False else True if most else None
    return True if least else False if most is False else None


def _gap(test: DurationThreshold, days: Sequence[DateInterval]) -> bool | None:
    if len(days) < 2:
        return None
    first = DateInterval(min(day.earliest for day in days), min(day.latest for day in days))
    ends = {test.holds(first, max(day.earliest for day in days)), test.holds(first, max(day.latest for day in days))}
    return ends.pop() if len(ends) == 1 else None


@dataclass(frozen=True, slots=True)
class SinceCheck:
    """How long ago the first or the last of it was."""

    codes: ValueSet
    belonging: Belonging
    occasion: Literal["first", "last"]
    ago: DurationThreshold

    @property
    def searches(self) -> tuple[Search, ...]:
        """The procedures."""
        return (PROCEDURES,)

    def evaluate(self, ctx: Context) -> ClauseResult:
        """A first long ago and a last not long ago are proven by one; a first not long ago by all there are."""
        found = candidate_procedures(ctx, self.codes, self.belonging)
        if not found:
            return nothing_found(ctx.record, "Procedure")
        held = [(each.counts, self.ago.holds(each.done.day, ctx.anchor) if each.done.day else None) for each in found]
        certain = [holds for counts, holds in held if counts]
        everything = [holds for _, holds in held] if _is_complete(ctx) else [None]
        if self.occasion == "first" and self.ago.comparison.is_upper_bound:
            proven = bool(certain) and all(everything)
            disproven = False in certain
        else:
            proven = True in certain
            disproven = all(holds is False for holds in everything)
        return _finding(True if proven else False if disproven else None, Reason.DATE_OUT_OF_RANGE, found, ctx)
