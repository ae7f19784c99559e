"""The measurements that a clause of `observation` may be about, each with what is certain of it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, tzinfo
from fractions import Fraction

from coverage_policies.format.operator import Context
from coverage_policies.format.terms import Reason
from coverage_policies.format.value_sets import ValueSet
from coverage_policies.operators.base import done_in_time
from fhir_mappings.amounts import Amount, Interval
from fhir_mappings.codings import LOINC
from fhir_mappings.dates import CalendarPeriod
from fhir_mappings.measurement_states import is_recorded
from fhir_mappings.observations import Observation, measurements
from fhir_mappings.record import Evidence
from fhir_mappings.truth import Truth

SHOWN = 3
"""How many measurements are shown as evidence."""
_FIRST, _LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Reading:
    """One measurement and what is certain of it.

    `counts` is whether it was measured in the state that the clause asks for, and within its time. `interval` is the
    value in the unit of the clause, None if it cannot be understood; `problem` is then the reason, or the one for which
    it is not certain that it counts. It was taken between `begin` and `end`.
    """

    observation: Observation
    counts: Truth
    interval: Interval | None
    problem: Reason
    begin: datetime
    end: datetime

    @property
    def day(self) -> date | None:
        """Return the day of it, None if that is not known."""
        when = self.observation.when
        return when.earliest if when and when.earliest == when.latest else None

    @property
    def evidence(self) -> Evidence:
        """Return the measurement as evidence."""
        return self.observation.evidence

    @property
    def words(self) -> str:
        """Return it as `Oxygen saturation 97 % (2026-11-20)`."""
        item = self.evidence
        return f"{item.label} {item.value}{f' ({item.date})' if item.date else ''}"

    def lies_in(self, limit: Amount) -> Truth:
        """Return whether the value satisfies a limit."""
        return self.interval.lies_in(limit.interval) if self.interval else Truth.UNKNOWN


@dataclass(frozen=True, slots=True)
class Selection:
    """Which measurements a clause is about: their codes, how old they may be, and the state of the patient."""

    codes: ValueSet
    within: CalendarPeriod | None = None
    states: tuple[ValueSet, ...] = ()
    without: tuple[ValueSet, ...] = ()

    def readings(self, ctx: Context, unit: str | None) -> tuple[tuple[Reading, ...], tuple[Reading, ...]]:
        """Return the measurements that count or may count, and those that are too old, each with the newest first.

        With None for a unit, the value of each is in its own.
        """
        found: list[Reading] = []
        too_old: list[Reading] = []
        for observation in measurements(ctx.record, self.codes.match):
            understood = _value(observation, unit)
            if understood is None or done_in_time(observation.when, None, ctx) is Truth.NO:
                continue
            state = self._is_in_state(observation, ctx)
            if state is Truth.NO:
                continue
            in_time = done_in_time(observation.when, self.within, ctx)
            reading = _reading(observation, state, in_time, *understood, ctx.record.zone)
            (too_old if in_time is Truth.NO else found).append(reading)
        return _newest_first(found), _newest_first(too_old)

    def _is_in_state(self, observation: Observation, ctx: Context) -> Truth:
        """Return whether all the states are recorded and none of those that rule it out is."""
        found = Truth.YES
        for state in self.states:
            said = is_recorded(ctx.record, observation, self.codes.match, state.match_once)
            found &= Truth.UNKNOWN if said is None else said
        for state in self.without:
            said = is_recorded(ctx.record, observation, self.codes.match, state.match_once)
            found &= Truth.YES if said is None else ~said
        return found


def _value(observation: Observation, unit: str | None) -> tuple[Interval | None, Reason] | None:
    """Return the value in a unit, with the reason if it is not understood; None if it is outside its scale."""
    amount = observation.amount
    if amount is None:
        return None if observation.is_off_scale else (None, Reason.INVALID_ATTRIBUTE)
    codes = tuple(each.code for each in observation.codes if each.system == LOINC)
    interval = amount.interval if unit is None else amount.in_unit(unit, codes)
    if observation.scale is not None:
        low, high = observation.scale
        if interval is None or interval.lies_in(Interval(Fraction(low), Fraction(high))) is Truth.NO:
            return None if observation.is_off_scale else (None, Reason.UNCONVERTIBLE)
    return interval, Reason.UNCONVERTIBLE if interval is None else Reason.VALUE_OUT_OF_RANGE


def _reading(
    observation: Observation, state: Truth, in_time: Truth, interval: Interval | None, problem: Reason, zone: tzinfo
) -> Reading:
    if interval is not None and state is Truth.UNKNOWN:
        problem = Reason.MISSING
    elif interval is not None and in_time is Truth.UNKNOWN:
        problem = Reason.MISSING if observation.when is None else Reason.DATE_OUT_OF_RANGE
    return Reading(observation, state & in_time, interval, problem, *_moments(observation, zone))


def _moments(observation: Observation, zone: tzinfo) -> tuple[datetime, datetime]:
    """Return the first and the last moment at which it may have been taken, in UTC."""
    if observation.begin is not None and observation.end is not None:
        return observation.begin.astimezone(UTC), observation.end.astimezone(UTC)
    if observation.when is None:
        return _FIRST, _LAST
    return _moment(observation.when.earliest, time.min, zone), _moment(observation.when.latest, time.max, zone)


def _moment(day: date, at: time, zone: tzinfo) -> datetime:
    try:
        return datetime.combine(day, at, zone).astimezone(UTC)
    except OverflowError:
        return _FIRST if day.year == date.min.year else _LAST


def _newest_first(readings: Iterable[Reading]) -> tuple[Reading, ...]:
    """Return measurements in order of their time, those without a date last."""
    return tuple(sorted(readings, key=lambda each: (each.begin, each.end, each.observation.reference), reverse=True))


def may_be_last(readings: Sequence[Reading]) -> list[Reading]:
    """Return the measurements of which none is certainly followed by another one that counts."""
    last = max((each.begin for each in readings if each.counts is Truth.YES), default=_FIRST)
    return [each for each in readings if each.end >= last]


def may_be_first(readings: Sequence[Reading]) -> list[Reading]:
    """Return the measurements of which none certainly follows another one that counts."""
    first = min((each.end for each in readings if each.counts is Truth.YES), default=_LAST)
    return [each for each in readings if each.begin <= first]


def is_any_certain(readings: Iterable[Reading]) -> bool:
    """Return whether one of the measurements certainly counts."""
    return any(each.counts is Truth.YES for each in readings)


def lowest(readings: Sequence[Reading], *, is_complete: bool) -> Interval:
    """Return what the lowest value lies between: another measurement that counts can only lower it."""
    certain = [each.interval for each in readings if each.counts is Truth.YES and each.interval]
    ends = [(each.high, not each.high_is_open) for each in certain if each.high is not None]
    high, is_closed = min(ends, default=(None, False))
    starts = [(each.interval.low, each.interval.low_is_open) for each in readings if each.interval]
    if not is_complete or len(starts) < len(readings) or any(low is None for low, _ in starts):
        return Interval(None, high, high_is_open=high is not None and not is_closed)
    low, is_open = min(((low, is_open) for low, is_open in starts if low is not None), default=(None, False))
    return Interval(low, high, is_open, high is not None and not is_closed)


def highest(readings: Sequence[Reading], *, is_complete: bool) -> Interval:
    """Return what the highest value lies between: another measurement that counts can only raise it."""
    turned = [replace(each, interval=each.interval.negated() if each.interval else None) for each in readings]
    return lowest(turned, is_complete=is_complete).negated()


def evidence(*readings: Iterable[Reading]) -> tuple[Evidence, ...]:
    """Return the first of these measurements as evidence, each once."""
    return tuple(dict.fromkeys(each.evidence for some in readings for each in some))[:SHOWN]
