"""Count how often something was done, how far apart, and how long ago the first or the last time was.

Whether a record counts may be uncertain: its side, purpose, date, or status may be unknown, and an incomplete list may
lack some. So a count lies between a least and a most, and only what holds for both is certain.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from typing import Literal

from coverage_policies.format.operator import ClauseResult, Context
from coverage_policies.format.phrases import Comparison, DurationThreshold, NumberThreshold
from coverage_policies.format.searches import PROCEDURES, Search
from coverage_policies.format.terms import Reason
from coverage_policies.format.value_sets import ValueSet
from coverage_policies.operators.base import in_time
from coverage_policies.operators.procedure_filter import Belonging, none_at_hand, on_each_side
from fhir_mappings.dates import CalendarPeriod, DateInterval
from fhir_mappings.procedures import Procedure, Progress, procedures
from fhir_mappings.record import Availability
from fhir_mappings.truth import Truth, agreed, all_of, any_of


@dataclass(frozen=True, slots=True)
class PossibleProcedure:
    """A procedure that counts (`counts` is YES) or may count (UNKNOWN)."""

    done: Procedure
    counts: Truth


def begun(ctx: Context, codes: ValueSet) -> list[Procedure]:
    """Return the procedures that were or may have been begun by the anchor date.

    One of a day to come, whatever its status, proves nothing.
    """
    found = [p for p in procedures(ctx.record, codes.match) if p.start is None or p.start.earliest <= ctx.anchor]
    return [replace(p, progress=Progress.UNCLEAR) if _is_to_come(p, ctx) else p for p in found]


def _is_to_come(procedure: Procedure, ctx: Context) -> bool:
    return procedure.day is not None and procedure.day.earliest > ctx.record.today


def candidate_procedures(
    found: Sequence[Procedure], belongs: Sequence[Truth], ctx: Context, within: CalendarPeriod | None = None
) -> tuple[PossibleProcedure, ...]:
    """Return the procedures that the clause is or may be about, and that were or may have been done in time."""
    counted = [
        PossibleProcedure(p, ours & _is_done(p) & in_time(p.day, within, ctx.anchor))
        for p, ours in zip(found, belongs, strict=True)
    ]
    return tuple(each for each in counted if each.counts is not Truth.NO)


def _is_done(procedure: Procedure) -> Truth:
    return Truth.YES if procedure.progress is Progress.DONE else Truth.UNKNOWN


def _is_complete(ctx: Context) -> bool:
    return ctx.record.availability("Procedure") is Availability.COMPLETE


def _result(holds: Truth, reason: Reason, found: Sequence[PossibleProcedure], ctx: Context) -> ClauseResult:
    evidence = tuple(each.done.evidence for each in found)
    if holds is Truth.UNKNOWN and not _is_complete(ctx):
        return ClauseResult(Truth.UNKNOWN, Reason.DATA_UNAVAILABLE, evidence)
    return ClauseResult(holds, reason, evidence)


@dataclass(frozen=True, slots=True)
class CountCheck:
    """On how many days something was done and, with `apart`, how far the first day is from the last."""

    codes: ValueSet
    belonging: Belonging
    within: CalendarPeriod | None
    count: NumberThreshold
    apart: DurationThreshold | None

    @property
    def searches(self) -> tuple[Search, ...]:
        """Return the search for procedures."""
        return (PROCEDURES,)

    def evaluate(self, ctx: Context) -> ClauseResult:
        """Return what is true for both the least and the most there can have been."""
        on_record = [p for p in begun(ctx, self.codes) if in_time(p.day, self.within, ctx.anchor) is not Truth.NO]
        return on_each_side(self.belonging, on_record, ctx, partial(self._judge, on_record))

    def _judge(self, on_record: Sequence[Procedure], whose: Belonging, ctx: Context) -> ClauseResult:
        belongs = whose.of(on_record, ctx)
        found = candidate_procedures(on_record, belongs, ctx, self.within)
        if not found:
            return none_at_hand(on_record, belongs, whose, ctx)
        certain = [each.done.day for each in found if each.counts is Truth.YES and each.done.day]
        possible = [each.done.day for each in found]
        is_complete = _is_complete(ctx)
        counted = _between(self.count, _fewest(certain), _most(possible) if is_complete else None)
        if self.apart is None:
            return _result(counted, Reason.COUNT_OUT_OF_RANGE, found, ctx)
        known = [day for day in possible if day]
        everything = known if is_complete and len(known) == len(possible) else None
        apart = _is_apart(self.apart, certain, everything)
        return _result(counted & apart, Reason.DATE_OUT_OF_RANGE, found, ctx)


def _fewest(days: Iterable[DateInterval]) -> int:
    """Return the least number of different days: two records may be of one day if their dates allow it."""
    count, last = 0, date.min
    for day in sorted(days, key=lambda day: day.latest):
        if not count or day.earliest > last:
            count, last = count + 1, day.latest
    return count


def _most(days: Sequence[DateInterval | None]) -> int:
    """Return the greatest number of different days: only records of the same known day are surely one."""
    known = {day.earliest for day in days if day and day.earliest == day.latest}
    return len(known) + sum(day is None or day.earliest != day.latest for day in days)


def _between(threshold: NumberThreshold, least: int, most: int | None) -> Truth:
    if least == most:
        return Truth.of(threshold.holds(least))
    if threshold.comparison is Comparison.EXACTLY:
        is_missed = least > threshold.number or (most is not None and most < threshold.number)
        return Truth.NO if is_missed else Truth.UNKNOWN
    if threshold.holds(least):
        return Truth.YES
    return Truth.NO if most is not None and not threshold.holds(most) else Truth.UNKNOWN


def _is_apart(
    threshold: DurationThreshold, certain: Sequence[DateInterval], everything: Sequence[DateInterval] | None
) -> Truth:
    """Return whether first and last are that far apart; more records only increase the distance."""
    least = _gap(threshold, certain)
    most = _gap(threshold, everything) if everything is not None else Truth.UNKNOWN
    decided_by_least = Truth.NO if threshold.comparison.is_upper_bound else Truth.YES
    if least is decided_by_least:
        return least
    return most if most is ~decided_by_least else Truth.UNKNOWN


def _gap(threshold: DurationThreshold, days: Sequence[DateInterval]) -> Truth:
    if len(days) < 2:
        return Truth.UNKNOWN
    first = DateInterval(min(day.earliest for day in days), min(day.latest for day in days))
    lasts = (max(day.earliest for day in days), max(day.latest for day in days))
    return agreed(threshold.holds(first, last) for last in lasts)


@dataclass(frozen=True, slots=True)
class SinceCheck:
    """How long ago the first or the last procedure was."""

    codes: ValueSet
    belonging: Belonging
    occasion: Literal["first", "last"]
    ago: DurationThreshold

    @property
    def searches(self) -> tuple[Search, ...]:
        """Return the search for procedures."""
        return (PROCEDURES,)

    def evaluate(self, ctx: Context) -> ClauseResult:
        """Return YES if one proves a first long ago or a last not long ago, or all prove a first not long ago."""
        on_record = begun(ctx, self.codes)
        return on_each_side(self.belonging, on_record, ctx, partial(self._judge, on_record))

    def _judge(self, on_record: Sequence[Procedure], whose: Belonging, ctx: Context) -> ClauseResult:
        belongs = whose.of(on_record, ctx)
        found = candidate_procedures(on_record, belongs, ctx)
        if not found:
            return none_at_hand(on_record, belongs, whose, ctx)
        held = [(each.counts, self._was_so_long_ago(each, ctx)) for each in found]
        certain = [holds for counts, holds in held if counts is Truth.YES]
        everything = [holds for _, holds in held] if _is_complete(ctx) else [Truth.UNKNOWN]
        if self.occasion == "first" and self.ago.comparison.is_upper_bound:
            proven = bool(certain) and all_of(everything) is Truth.YES
            disproven = Truth.NO in certain
        else:
            proven = any_of(certain) is Truth.YES
            disproven = any_of(everything) is Truth.NO
        holds = Truth.YES if proven else Truth.NO if disproven else Truth.UNKNOWN
        return _result(holds, Reason.DATE_OUT_OF_RANGE, found, ctx)

    def _was_so_long_ago(self, possible: PossibleProcedure, ctx: Context) -> Truth:
        day = possible.done.day
        return self.ago.holds(day, ctx.anchor) if day else Truth.UNKNOWN
