"""Whether a measured value fell or rose enough, from an earlier value to the latest."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import floor

from coverage_policies.format.amount_phrases import ChangeLimit
from coverage_policies.format.operator import ClauseResult, Context
from coverage_policies.format.searches import Search
from coverage_policies.format.terms import Reason
from coverage_policies.operators.observation_readings import (
    Reading,
    Selection,
    evidence,
    highest,
    is_any_certain,
    lowest,
    may_be_first,
    may_be_last,
)
from coverage_policies.operators.observation_value import nothing_in_time
from fhir_mappings.amounts import Interval, hull, is_score
from fhir_mappings.record import Availability
from fhir_mappings.truth import Truth

FROM = ("first", "previous", "highest", "lowest")
"""The values that the latest may be compared with."""


@dataclass(frozen=True, slots=True)
class ChangeCheck:
    """Whether the change to the latest value satisfies a limit."""

    selection: Selection
    limit: ChangeLimit
    since: str
    searches: tuple[Search, ...]

    def evaluate(self, ctx: Context) -> ClauseResult:
        """Return what holds whatever was not read, not dated, or not understood."""
        readings, too_old = self._readings(ctx)
        if not readings:
            return nothing_in_time(ctx, too_old)
        last = may_be_last(readings)
        shown = evidence((*last, *readings[::-1]), too_old)
        if ctx.record.availability("Observation") is not Availability.COMPLETE:
            return ClauseResult(Truth.UNKNOWN, Reason.DATA_UNAVAILABLE, shown)
        unclear = next((each.problem for each in readings if not each.interval or each.counts is not Truth.YES), None)
        base = self._base(readings, last)
        if base is None:
            return ClauseResult(Truth.UNKNOWN, unclear or Reason.MISSING, shown)
        now = hull([each.interval for each in last])
        change = _fall(base, now, is_relative=self.limit.is_relative) if now else None
        change = change if change is None or self.limit.is_fall else change.negated()
        holds = change.lies_in(self.limit.amount.interval) if change else Truth.UNKNOWN
        if holds is Truth.UNKNOWN:
            return ClauseResult(holds, unclear or Reason.CONFLICT, shown)
        headline = self._headline(change, last[0]) if holds is Truth.YES and change else ""
        return ClauseResult(holds, Reason.VALUE_OUT_OF_RANGE, shown, headline=headline)

    def _readings(self, ctx: Context) -> tuple[tuple[Reading, ...], tuple[Reading, ...]]:
        """Return the measurements, all in the unit of the limit, or of a change in percent, in that of the latest."""
        if not self.limit.is_relative:
            return self.selection.readings(ctx, self.limit.amount.unit)
        found, too_old = self.selection.readings(ctx, None)
        unit = next((each.observation.amount.unit for each in found if each.observation.amount), "")
        found, too_old = self.selection.readings(ctx, "" if is_score(unit) else unit)
        return tuple(_without_bare_number(each) for each in found), too_old

    def _base(self, readings: Sequence[Reading], last: Sequence[Reading]) -> Interval | None:
        """Return what the earlier value lies between; None if that is not known, or if there is no earlier one."""
        if not is_any_certain(readings):
            return None
        begin = min(each.begin for each in last)
        if not any(each.counts is Truth.YES and each.end < begin for each in readings):
            return None
        match self.since:
            case "highest":
                return highest(readings, is_complete=True)
            case "lowest":
                return lowest(readings, is_complete=True)
            case "first":
                before = may_be_first(readings)
            case _:
                is_one = len({(each.begin, each.end) for each in last}) == 1
                if not is_one or any(each.counts is not Truth.YES for each in last):
                    return None
                before = may_be_last([each for each in readings if each not in last])
        return hull([each.interval for each in before])

    def _headline(self, change: Interval, latest: Reading) -> str:
        """Return the change and the latest value: `Body weight fell 4.2 % to 95.8 kg (2026-03-01)`."""
        item = latest.evidence
        if change.low is None or change.low != change.high:
            return latest.words
        verb = "fell" if self.limit.is_fall is (change.low >= 0) else "rose"
        unit = "%" if self.limit.is_relative else self.limit.amount.unit
        by = f"{_cut(change.low)} {unit}".strip()
        return f"{item.label} {verb} {by} to {item.value}{f' ({item.date})' if item.date else ''}"


def _without_bare_number(reading: Reading) -> Reading:
    """Return a reading without its value if that has no unit and is on no known scale: kilograms or pounds."""
    amount = reading.observation.amount
    if amount is None or amount.unit or reading.observation.scale is not None:
        return reading
    return replace(reading, interval=None, problem=Reason.UNCONVERTIBLE)


def _fall(base: Interval, now: Interval, *, is_relative: bool) -> Interval | None:
    """Return what a fall lies between, negative for a rise; in percent of the base if it is relative."""
    if not is_relative:
        low = None if base.low is None or now.high is None else base.low - now.high
        high = None if base.high is None or now.low is None else base.high - now.low
    else:
        if base.low is None or base.low <= 0 or now.low is None or now.low < 0:
            return None
        low = None if now.high is None else 100 - 100 * now.high / base.low
        high = Fraction(100) if base.high is None else 100 - 100 * now.low / base.high
    return Interval(low, high, base.low_is_open or now.high_is_open, base.high_is_open or now.low_is_open)


def _cut(number: Fraction) -> str:
    """Return a number with at most two decimals, rounded down, so that it never shows more change than there was."""
    hundredths = floor(abs(number) * 100)
    return f"{hundredths / 100:.2f}".rstrip("0").rstrip(".")
