"""Count how often something was done, how far apart, and how long ago the first or the last time was.

Whether a record counts may be uncertain: its side, purpose, date, or status may be unknown, and an incomplete list may
lack some. So a count lies between a least and a most, and only what holds for both is certain.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import partial
from typing import Literal

from coverage_policies.format.operator import ClauseResult, Context
from coverage_policies.format.phrases import Comparison, DurationThreshold, NumberThreshold
from coverage_policies.format.searches import Search
from coverage_policies.format.terms import Reason
from coverage_policies.operators.base import in_time
from coverage_policies.operators.occasions import Occasions, day_of, is_complete, kinds
from coverage_policies.operators.procedure_filter import Belonging, none_at_hand, on_each_side
from fhir_mappings.dates import CalendarPeriod, DateInterval
from fhir_mappings.procedures import Procedure, Progress
from fhir_mappings.truth import Truth, agreed, all_of, any_of

A_NIGHT = timedelta(days=1)
"""A record that spans no more than this is of one occasion; a longer one may be a course, with one on each day."""


@dataclass(frozen=True, slots=True)
class PossibleProcedure:
    """A procedure that counts (`counts` is YES) or may count (UNKNOWN)."""

    done: Procedure
    counts: Truth


def candidate_procedures(
    found: Sequence[Procedure],
    belongs: Sequence[Truth],
    occasions: Occasions,
    ctx: Context,
    within: CalendarPeriod | None = None,
) -> tuple[PossibleProcedure, ...]:
    """Return the procedures that the clause is or may be about, and that were or may have been done in time."""
    counted = [
        PossibleProcedure(p, ours & _is_done(p) & in_time(day_of(occasions, p), within, ctx.anchor))
        for p, ours in zip(found, belongs, strict=True)
    ]
    return tuple(each for each in counted if each.counts is not Truth.NO)


def _is_done(procedure: Procedure) -> Truth:
    return Truth.YES if procedure.progress is Progress.DONE else Truth.UNKNOWN


def possible_others(found: Sequence[Procedure], whose: Belonging, ctx: Context) -> list[Procedure]:
    """Return the records, of which it is not known what they are, that the clause may be about."""
    fits = replace(whose, longest_pause=None).of(found, ctx)
    return [each for each, may_be in zip(found, fits, strict=True) if may_be is not Truth.NO]


def _result(
    holds: Truth, reason: Reason, found: Iterable[Procedure], occasions: Occasions, ctx: Context
) -> ClauseResult:
    evidence = tuple(each.evidence for each in found)
    if holds is Truth.UNKNOWN and not is_complete(occasions, ctx):
        return ClauseResult(Truth.UNKNOWN, Reason.DATA_UNAVAILABLE, evidence)
    return ClauseResult(holds, reason, evidence)


@dataclass(frozen=True, slots=True)
class CountCheck:
    """On how many days something was done and, with `apart`, how far the first day is from the last."""

    occasions: Occasions
    belonging: Belonging
    within: CalendarPeriod | None
    count: NumberThreshold
    apart: DurationThreshold | None = None

    @property
    def searches(self) -> tuple[Search, ...]:
        """Return the searches for what is counted."""
        return self.occasions.searches

    def evaluate(self, ctx: Context) -> ClauseResult:
        """Return what is true for both the least and the most there can have been."""
        others = self.occasions.unidentified(ctx)
        on_record: list[Procedure] = []
        for each in self.occasions.begun(ctx):
            is_in_time = in_time(day_of(self.occasions, each), self.within, ctx.anchor)
            (others if is_in_time is Truth.NO else on_record).append(each)
        others = [each for each in others if self._may_reach(each, ctx)]
        return on_each_side(self.belonging, on_record, ctx, partial(self._judge, on_record, others))

    def _may_reach(self, done: Procedure, ctx: Context) -> bool:
        """Return whether a day of a record may be in time."""
        last = last_day(done, ctx.anchor)
        return (
            last is None
            or last >= ctx.anchor
            or in_time(DateInterval(last, last), self.within, ctx.anchor) is Truth.YES
        )

    def _judge(
        self, on_record: Sequence[Procedure], others: Sequence[Procedure], whose: Belonging, ctx: Context
    ) -> ClauseResult:
        belongs = whose.of(on_record, ctx)
        counted = candidate_procedures(on_record, belongs, self.occasions, ctx, self.within)
        sure = [day_of(self.occasions, each.done) for each in counted if each.counts is Truth.YES]
        certain = [day for day in sure if day]
        found = [each.done for each in counted]
        possible = [*found, *possible_others(others, whose, ctx)]
        most = most_days(possible, ctx.anchor) if is_complete(self.occasions, ctx) else None
        holds, reason = _between(self.count, fewest_days(certain), most), Reason.COUNT_OUT_OF_RANGE
        if not possible and not self.count.holds(0):
            return none_at_hand(on_record, belongs, whose, ctx, *kinds(self.occasions))
        if self.apart is not None:
            known = [each.day for each in possible if each.day]
            everything = known if most is not None and len(known) == len(possible) else None
            holds, reason = holds & _is_apart(self.apart, certain, everything), Reason.DATE_OUT_OF_RANGE
        return _result(holds, reason, possible if holds is Truth.UNKNOWN else found, self.occasions, ctx)


def fewest_days(days: Iterable[DateInterval]) -> int:
    """Return the least number of different days: two records may be of one day if their dates allow it."""
    count, last = 0, date.min
    for day in sorted(days, key=lambda day: day.latest):
        if not count or day.earliest > last:
            count, last = count + 1, day.latest
    return count


def most_days(found: Iterable[Procedure], anchor: date) -> int:
    """Return the greatest number of different days by the anchor date.

    Only records of the same known day are surely of one. A record of more than a night may have one on each day.
    """
    known: set[date] = set()
    more = 0
    for each in found:
        first, last = each.day, last_day(each, anchor)
        if first is None or last is None:
            more += 1
        elif last - first.latest > A_NIGHT:
            more += (min(last, anchor) - first.earliest).days + 1
        elif first.earliest == first.latest:
            known.add(first.earliest)
        else:
            more += 1
    return len(known) + more


def last_day(done: Procedure, anchor: date) -> date | None:
    """Return the last day on which something of a record may have been done.

    That is the anchor date if it states no end, or is in progress.
    """
    if done.progress is Progress.UNDER_WAY or (done.end is None and done.start is not None):
        return anchor
    return done.end.latest if done.end else None


def _between(threshold: NumberThreshold, least: int, most: int | None) -> Truth:
    """Return whether every number from the least to the most, None if there is no most, satisfies the threshold."""
    if threshold.comparison is Comparison.EXACTLY:
        if least == most:
            return Truth.of(threshold.holds(least))
        is_missed = least > threshold.number or (most is not None and most < threshold.number)
        return Truth.NO if is_missed else Truth.UNKNOWN
    sure, doubtful = (most, least) if threshold.comparison.is_upper_bound else (least, most)
    if sure is not None and threshold.holds(sure):
        return Truth.YES
    return Truth.NO if doubtful is not None and not threshold.holds(doubtful) else Truth.UNKNOWN


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

    occasions: Occasions
    belonging: Belonging
    occasion: Literal["first", "last"]
    ago: DurationThreshold

    @property
    def searches(self) -> tuple[Search, ...]:
        """Return the searches for what was done."""
        return self.occasions.searches

    def evaluate(self, ctx: Context) -> ClauseResult:
        """Return YES if one proves a first long ago or a last not long ago, or all prove a first not long ago."""
        on_record = self.occasions.begun(ctx)
        return on_each_side(self.belonging, on_record, ctx, partial(self._judge, on_record))

    def _judge(self, on_record: Sequence[Procedure], whose: Belonging, ctx: Context) -> ClauseResult:
        belongs = whose.of(on_record, ctx)
        found = candidate_procedures(on_record, belongs, self.occasions, ctx)
        if not found:
            return none_at_hand(on_record, belongs, whose, ctx, *kinds(self.occasions))
        held = [(each.counts, self._was_so_long_ago(each.done, ctx)) for each in found]
        certain = [holds for counts, holds in held if counts is Truth.YES]
        others = possible_others(self.occasions.unidentified(ctx), whose, ctx)
        everything = [holds for _, holds in held] + [self._was_so_long_ago(each, ctx) for each in others]
        if not is_complete(self.occasions, ctx):
            everything = [Truth.UNKNOWN]
        if self.occasion == "first" and self.ago.comparison.is_upper_bound:
            proven = bool(certain) and all_of(everything) is Truth.YES
            disproven = Truth.NO in certain
        else:
            proven = any_of(certain) is Truth.YES
            disproven = any_of(everything) is Truth.NO
        holds = Truth.YES if proven else Truth.NO if disproven else Truth.UNKNOWN
        shown = [each.done for each in found]
        return _result(holds, Reason.DATE_OUT_OF_RANGE, shown, self.occasions, ctx)

    def _was_so_long_ago(self, done: Procedure, ctx: Context) -> Truth:
        return self.ago.holds(done.day, ctx.anchor) if done.day else Truth.UNKNOWN


def unprovable(argument: str, threshold: DurationThreshold, written: str) -> str:
    """Return what to write instead of a duration that one more record, which may be missing, would turn round."""
    ago = " ago" if written.endswith(" ago") else ""
    return (
        f"{written!r} cannot be proven because a visit may be missing; turn it round and put "
        f"`{argument}: {threshold.opposite}{ago}` under `not_met_when` instead of `met_when`, or the other way round"
    )
