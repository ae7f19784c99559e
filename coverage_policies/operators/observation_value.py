"""Whether measured values satisfy a limit: the latest, lowest, or highest one, or any one."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from coverage_policies.format.operator import ClauseResult, Context
from coverage_policies.format.searches import Search
from coverage_policies.format.terms import Reason
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
    """What measurements show, and the reason. Those that decide it or leave it open come first."""

    holds: Truth
    reason: Reason
    readings: Sequence[Reading]


Rule = Callable[[Sequence[Reading], Amount, bool], Finding]
"""A function from measurements that count or may count, a limit, and whether all data were read, to a finding."""


@dataclass(frozen=True, slots=True)
class ValueCheck:
    """Whether the measured values satisfy a limit by a rule."""

    selection: Selection
    limit: Amount
    rule: Rule
    searches: tuple[Search, ...]

    def evaluate(self, ctx: Context) -> ClauseResult:
        """Return what holds whatever was not read, not dated, or not understood."""
        readings, too_old = self.selection.readings(ctx, self.limit.unit)
        if not readings:
            return nothing_in_time(ctx, too_old)
        is_complete = ctx.record.availability("Observation") is Availability.COMPLETE
        found = self.rule(readings, self.limit, is_complete)
        shown = evidence((*found.readings, *readings), too_old)
        headline = found.readings[0].words if found.holds is Truth.YES else ""
        return ClauseResult(found.holds, found.reason, shown, headline=headline)


def nothing_in_time(ctx: Context, too_old: Sequence[Reading]) -> ClauseResult:
    """Return the result without a measurement in time: an older one leaves it open and is shown."""
    if not too_old:
        return nothing_found(ctx.record, "Observation")
    return ClauseResult(Truth.UNKNOWN, Reason.DATE_OUT_OF_RANGE, evidence(too_old))


def of_latest(readings: Sequence[Reading], limit: Amount, is_complete: bool) -> Finding:
    """Return whether the latest value satisfies the limit, whichever of those that may be the latest it is."""
    last = may_be_last(readings)
    holds = agreed(each.lies_in(limit) for each in last)
    if not is_complete or (holds is Truth.YES and not is_any_certain(readings)):
        holds = Truth.UNKNOWN
    return finding(holds, last, limit, is_complete)


def of_lowest(readings: Sequence[Reading], limit: Amount, is_complete: bool) -> Finding:
    """Return whether the lowest value satisfies the limit, wherever it lies between what it may be."""
    return _of_extreme(lowest(readings, is_complete=is_complete), readings, limit, is_complete)


def of_highest(readings: Sequence[Reading], limit: Amount, is_complete: bool) -> Finding:
    """Return whether the highest value satisfies the limit, wherever it lies between what it may be."""
    return _of_extreme(highest(readings, is_complete=is_complete), readings, limit, is_complete)


def of_any(readings: Sequence[Reading], limit: Amount, is_complete: bool) -> Finding:
    """Return whether any one value satisfies the limit."""
    holds = any_of(each.counts & each.lies_in(limit) for each in readings)
    if holds is Truth.NO and not is_complete:
        holds = Truth.UNKNOWN
    telling = sorted(readings, key=lambda each: (each.counts & each.lies_in(limit)) is not holds)
    return finding(holds, telling, limit, is_complete)


OCCASIONS: Mapping[str, Rule] = {"latest": of_latest, "lowest": of_lowest, "highest": of_highest, "any": of_any}


def _of_extreme(extreme: Interval, readings: Sequence[Reading], limit: Amount, is_complete: bool) -> Finding:
    holds = extreme.lies_in(limit.interval)
    if holds is Truth.YES and not is_any_certain(readings):
        holds = Truth.UNKNOWN
    telling = sorted(readings, key=lambda each: each.counts is not Truth.YES or each.lies_in(limit) is not holds)
    return finding(holds, telling, limit, is_complete)


def finding(holds: Truth, telling: Sequence[Reading], limit: Amount, is_complete: bool) -> Finding:
    """Return a finding with its reason: what was not read, certain values that disagree, or what is wrong with one."""
    if holds is not Truth.UNKNOWN:
        return Finding(holds, Reason.VALUE_OUT_OF_RANGE, telling)
    if not is_complete:
        return Finding(holds, Reason.DATA_UNAVAILABLE, telling)
    certain = {each.lies_in(limit) for each in telling if each.counts is Truth.YES}
    if {Truth.YES, Truth.NO} <= certain:
        return Finding(holds, Reason.CONFLICT, telling)
    unclear = (each for each in telling if each.counts is not Truth.YES or each.lies_in(limit) is Truth.UNKNOWN)
    return Finding(holds, next((each.problem for each in unclear), Reason.VALUE_OUT_OF_RANGE), telling)
