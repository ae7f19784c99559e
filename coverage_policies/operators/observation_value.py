"""Whether measured values satisfy a limit: the latest, lowest, or highest one, any one, several, or all for a time."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from coverage_policies.format.operator import ClauseResult, Context
from coverage_policies.format.phrases import DurationThreshold, NumberThreshold
from coverage_policies.format.searches import Search
from coverage_policies.format.terms import Reason
from coverage_policies.format.value_sets import ValueSet
from coverage_policies.operators.base import nothing_found
from coverage_policies.operators.observation_readings import (
    Reading,
    Selection,
    evidence,
    highest,
    is_any_certain,
    lowest,
    may_be_last,
)
from fhir_mappings.amounts import Amount, Interval
from fhir_mappings.record import Availability
from fhir_mappings.truth import Truth, agreed, any_of


@dataclass(frozen=True, slots=True)
class Finding:
    """What the measurements show, the reason, and those that decide or leave it open, the most telling first."""

    holds: Truth
    reason: Reason
    readings: Sequence[Reading]


@dataclass(frozen=True, slots=True)
class ValueCheck:
    """Whether the measured values that count satisfy the limit. `limit_words` is the limit as it is written."""

    selection: Selection
    limit: Amount
    limit_words: str
    occasion: str
    count: NumberThreshold | None
    apart: DurationThreshold | None
    sustained: DurationThreshold | None
    outranked_by: ValueSet | None
    searches: tuple[Search, ...]

    def evaluate(self, ctx: Context) -> ClauseResult:
        """Return what holds whatever is not read, not dated, or not understood."""
        readings, too_old = self.selection.readings(ctx, self.limit.unit)
        if not readings:
            if not too_old:
                return nothing_found(ctx.record, "Observation")
            return ClauseResult(Truth.UNKNOWN, Reason.DATE_OUT_OF_RANGE, evidence((), too_old))
        is_complete = ctx.record.availability("Observation") is Availability.COMPLETE
        found = self._found(readings, is_complete)
        shown = evidence((*found.readings, *readings), too_old)
        if found.holds is Truth.YES:
            headline = found.readings[0].words if found.readings else ""
            return ClauseResult(found.holds, found.reason, shown, headline=headline, limit=self.limit_words)
        return ClauseResult(found.holds, found.reason, shown, limit=self.limit_words)

    def _found(self, readings: Sequence[Reading], is_complete: bool) -> Finding:
        return _OCCASIONS[self.occasion](readings, self.limit, is_complete)


def _of_latest(readings: Sequence[Reading], limit: Amount, is_complete: bool) -> Finding:
    last = may_be_last(readings)
    holds = agreed(each.lies_in(limit) for each in last)
    if holds is Truth.YES and not is_any_certain(readings):
        holds = Truth.UNKNOWN
    if not is_complete:
        return Finding(Truth.UNKNOWN, Reason.DATA_UNAVAILABLE, last)
    if holds is not Truth.UNKNOWN:
        return Finding(holds, Reason.VALUE_OUT_OF_RANGE, last)
    return Finding(holds, _why_open(last, limit), last)


def _of_lowest(readings: Sequence[Reading], limit: Amount, is_complete: bool) -> Finding:
    return _of_extreme(lowest(readings, is_complete=is_complete), readings, limit, is_complete)


def _of_highest(readings: Sequence[Reading], limit: Amount, is_complete: bool) -> Finding:
    return _of_extreme(highest(readings, is_complete=is_complete), readings, limit, is_complete)


def _of_extreme(extreme: Interval, readings: Sequence[Reading], limit: Amount, is_complete: bool) -> Finding:
    holds = extreme.lies_in(limit.interval)
    if holds is Truth.YES and not is_any_certain(readings):
        holds = Truth.UNKNOWN
    telling = sorted(readings, key=lambda each: each.counts is not Truth.YES or each.lies_in(limit) is not holds)
    return _finding(holds, telling, limit, is_complete)


def _of_any(readings: Sequence[Reading], limit: Amount, is_complete: bool) -> Finding:
    holds = any_of(each.counts & each.lies_in(limit) for each in readings)
    if holds is Truth.NO and not is_complete:
        holds = Truth.UNKNOWN
    telling = sorted(readings, key=lambda each: (each.counts & each.lies_in(limit)) is not holds)
    return _finding(holds, telling, limit, is_complete)


def _finding(holds: Truth, telling: Sequence[Reading], limit: Amount, is_complete: bool) -> Finding:
    if holds is not Truth.UNKNOWN:
        return Finding(holds, Reason.VALUE_OUT_OF_RANGE, telling)
    return Finding(holds, _why_open(telling, limit) if is_complete else Reason.DATA_UNAVAILABLE, telling)


def _why_open(readings: Sequence[Reading], limit: Amount) -> Reason:
    """Return why these measurements leave it open: certain ones that disagree, else what is wrong with the first."""
    certain = {each.lies_in(limit) for each in readings if each.counts is Truth.YES}
    if {Truth.YES, Truth.NO} <= certain:
        return Reason.CONFLICT
    unclear = (each for each in readings if each.counts is not Truth.YES or each.lies_in(limit) is Truth.UNKNOWN)
    return next((each.problem for each in unclear), Reason.VALUE_OUT_OF_RANGE)


_OCCASIONS: Mapping[str, Callable[[Sequence[Reading], Amount, bool], Finding]] = {
    "latest": _of_latest,
    "lowest": _of_lowest,
    "highest": _of_highest,
    "any": _of_any,
}
OCCASIONS = tuple(_OCCASIONS)
