"""When a drug was taken: now, from a day on, for so long, on how many days, and whether it was stopped.

Current and recent count back from the anchor date, or from today if that is earlier: no later record exists yet.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from typing import Protocol

from coverage_policies.format.operator import ClauseResult, Context
from coverage_policies.format.phrases import DurationThreshold, NumberThreshold
from coverage_policies.format.searches import DISPENSES, PRESCRIPTIONS, STATEMENTS, Search
from coverage_policies.format.terms import Reason
from coverage_policies.format.value_sets import ValueSet
from coverage_policies.operators.base import in_time, nothing_found
from fhir_mappings.dates import CalendarPeriod, DateInterval, later, plus
from fhir_mappings.days_covered import days_covered
from fhir_mappings.drug_exposure import stretches, supplies
from fhir_mappings.drug_use import Stop, stops, uses
from fhir_mappings.medications import KINDS, medications
from fhir_mappings.record import Availability, Evidence
from fhir_mappings.truth import Truth

SEARCHES = (PRESCRIPTIONS, DISPENSES, STATEMENTS)
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class NowCheck:
    """Whether a drug of the set is taken now; `within` is how long a record without a stated end shows that."""

    codes: ValueSet
    within: CalendarPeriod

    @property
    def searches(self) -> tuple[Search, ...]:
        """Return the searches for prescriptions, dispenses, and statements."""
        return SEARCHES

    def evaluate(self, ctx: Context) -> ClauseResult:
        """Return YES for a record in force, NO if every record has ended, UNKNOWN if one may be in force."""
        found = uses(ctx.record, self.codes.match, _day(ctx), self.within)
        taken = [each for each in found if each.taken is Truth.YES]
        if taken:
            headline = f"{_newest(taken)[0].label} is a current medication"
            return ClauseResult(Truth.YES, Reason.PRESENT, _newest(taken), headline=headline)
        ours = [each for each in found if each.ingredient]
        possible = [each for each in found if each.taken is Truth.UNKNOWN]
        if possible:
            is_dated = any(each.ingredient for each in possible)
            reason = Reason.DATE_OUT_OF_RANGE if is_dated else Reason.INVALID_ATTRIBUTE
            return ClauseResult(Truth.UNKNOWN, reason, _newest(possible))
        nothing = nothing_found(ctx.record, *KINDS)
        if nothing.holds is Truth.NO and ours:
            return ClauseResult(Truth.NO, Reason.DATE_OUT_OF_RANGE, _newest(ours))
        return ClauseResult(nothing.holds, nothing.reason, _newest(ours))


@dataclass(frozen=True, slots=True)
class StoppedCheck:
    """Whether a drug of the set was stopped, by a stated stop, and not taken again."""

    codes: ValueSet
    within: CalendarPeriod | None

    @property
    def searches(self) -> tuple[Search, ...]:
        """Return the searches for prescriptions, dispenses, and statements."""
        return SEARCHES

    def evaluate(self, ctx: Context) -> ClauseResult:
        """Return YES for a stop in time after which nothing is on record, UNKNOWN for any other record of the drug."""
        found, known = stops(ctx.record, self.codes.match), medications(ctx.record, self.codes.match)
        stopping = {each.evidence.reference for each in found}
        begun: dict[str, date] = {}
        for each in known:
            if each.is_certain and each.when is not None and each.reference not in stopping:
                begun[each.ingredient] = max(each.when.earliest, begun.get(each.ingredient, date.min))
        stopped = [each for each in found if self._counts(each, begun.get(each.ingredient, date.min), _day(ctx))]
        if stopped:
            return ClauseResult(Truth.YES, Reason.PRESENT, _newest(stopped))
        if found:
            return ClauseResult(Truth.UNKNOWN, Reason.DATE_OUT_OF_RANGE, _newest(found))
        if known:
            return ClauseResult(Truth.UNKNOWN, Reason.MISSING, _newest(known))
        return nothing_found(ctx.record, *KINDS)

    def _counts(self, stop: Stop, begun: date, day: date) -> bool:
        """Return whether a stop is certain, in time, and after the last record of the drug."""
        if not stop.is_certain or stop.when is None or begun >= stop.when.latest:
            return False
        return in_time(stop.when, self.within, day) is Truth.YES


@dataclass(frozen=True, slots=True)
class FirstCheck:
    """Whether a drug of the set was begun at least so long ago, and within a period if one is given."""

    codes: ValueSet
    first: DurationThreshold
    within: CalendarPeriod | None

    @property
    def searches(self) -> tuple[Search, ...]:
        """Return the searches for prescriptions, dispenses, and statements."""
        return SEARCHES

    def evaluate(self, ctx: Context) -> ClauseResult:
        """Return YES for a certain record that old, UNKNOWN for anything else on record."""
        found, day = medications(ctx.record, self.codes.match), _day(ctx)
        if not found:
            return nothing_found(ctx.record, *KINDS)
        old = [each for each in found if each.is_certain and each.when and self._is_old(each.when, day)]
        if old:
            return ClauseResult(Truth.YES, Reason.PRESENT, _newest(old))
        return ClauseResult(Truth.UNKNOWN, Reason.DATE_OUT_OF_RANGE, _newest(found))

    def _is_old(self, when: DateInterval, day: date) -> bool:
        return self.first.holds(when, day) is Truth.YES and in_time(when, self.within, day) is Truth.YES


@dataclass(frozen=True, slots=True)
class TakenCheck:
    """Whether drugs of the set were taken for so many days in a row before the anchor date and today.

    `pause` is how many days without a supply do not interrupt them.
    """

    codes: ValueSet
    lasting: DurationThreshold
    within: CalendarPeriod | None
    by_mouth: bool
    pause: int

    @property
    def searches(self) -> tuple[Search, ...]:
        """Return the searches for prescriptions, dispenses, and statements."""
        return SEARCHES

    def evaluate(self, ctx: Context) -> ClauseResult:
        """Return YES if supplies join into a stretch that long, UNKNOWN for anything else on record."""
        found = supplies(ctx.record, self.codes.match, by_mouth=self.by_mouth)
        if not found:
            return nothing_found(ctx.record, *KINDS)
        runs = stretches((each.days for each in found if each.days), _day(ctx) - timedelta(days=1), self.pause)
        for first, last in reversed(runs):
            if self._is_long_enough(first, last) and self._is_recent(last, ctx):
                within = [each for each in found if each.days and first <= each.days[0] <= last]
                return ClauseResult(Truth.YES, Reason.PRESENT, tuple(each.evidence for each in within))
        return ClauseResult(Truth.UNKNOWN, Reason.DATE_OUT_OF_RANGE, _newest(found))

    def _is_long_enough(self, first: date, last: date) -> bool:
        return self.lasting.holds(DateInterval(first, first), last + timedelta(days=1)) is Truth.YES

    def _is_recent(self, last: date, ctx: Context) -> bool:
        return in_time(DateInterval(last, last), self.within, ctx.anchor) is Truth.YES


@dataclass(frozen=True, slots=True)
class CoveredCheck:
    """Whether dispensed supplies of the set cover at least a share of the days of a period that ends now."""

    codes: ValueSet
    covered: NumberThreshold
    over: CalendarPeriod

    @property
    def searches(self) -> tuple[Search, ...]:
        """Return the search for dispenses."""
        return (DISPENSES,)

    def evaluate(self, ctx: Context) -> ClauseResult:
        """Return YES if the certain days are enough, NO if even the possible ones are too few, else UNKNOWN."""
        last = _day(ctx)
        first = min(later(plus(last, CalendarPeriod(-self.over.number, self.over.unit)), 1), last)
        found = days_covered(ctx.record, self.codes.match, first, last)
        if not found.evidence:
            return nothing_found(ctx.record, "MedicationDispense")
        least, most = Fraction(100 * found.least, found.of), Fraction(100 * found.most, found.of)
        days = str(found.least) if found.least == found.most else f"{found.least} to {found.most}"
        notes = (f"Days covered by dispensed supply: {days} of {found.of}, {first} to {last}",)
        if self.covered.holds(least):
            return ClauseResult(Truth.YES, Reason.PRESENT, found.evidence, notes)
        is_read = ctx.record.availability("MedicationDispense") is not Availability.UNAVAILABLE
        if is_read and not self.covered.holds(most):
            return ClauseResult(Truth.NO, Reason.VALUE_OUT_OF_RANGE, found.evidence, notes)
        return ClauseResult(Truth.UNKNOWN, Reason.VALUE_OUT_OF_RANGE, found.evidence, notes)


class _Shown(Protocol):
    @property
    def evidence(self) -> Evidence: ...


def _newest(found: Iterable[_Shown]) -> tuple[Evidence, ...]:
    """Return the evidence of the newest three."""
    return tuple(sorted((each.evidence for each in found), key=lambda each: each.date, reverse=True)[:_SHOWN])


def _day(ctx: Context) -> date:
    return min(ctx.anchor, ctx.record.today)
