"""Each prescription, dispense, report, and administration as a line to be shown, and what no record has ended."""

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Context, Decimal
from fractions import Fraction

from msgspec import Struct

from fhir_mappings.dates import DateInterval
from fhir_mappings.opioids.prescriptions import Prescription
from fhir_mappings.opioids.quantities import Interval
from fhir_mappings.opioids.spans import FOREVER, Span


class Dose(Struct, frozen=True):
    """The bounds of oral morphine milligram equivalents per day; `high` is None if there is no upper bound."""

    low: Decimal
    high: Decimal | None


class DrugLine(Struct, frozen=True):
    """One prescription, dispense, statement, or administration of a medication that is or may be an opioid.

    `start` and `end` are display text, empty if unknown. `problem` says why the line could not be converted or is
    excluded; it names the element and holds no patient data. `counted` is False for a line that is excluded or counted
    with another one. `in_baseline` and `in_current` say whether it may count in the window of the first baseline and in
    the current window. `has_lapsed` means that it does in the latter only because no record has ended it.
    """

    reference: str
    label: str
    dose: Dose
    start: str
    end: str
    problem: str
    counted: bool
    in_baseline: bool
    in_current: bool
    has_lapsed: bool = False


def lines_of(
    found: Iterable[Prescription],
    spans: Sequence[Span],
    look_back: tuple[date, date],
    baseline: tuple[date, date] | None,
    current: tuple[date, date],
) -> tuple[DrugLine, ...]:
    """Return what may have been taken in the look-back by its own record, in the order of time."""
    span_of = {one.reference: span for span in spans for one in span.members}
    lines = []
    for one in sorted(found, key=lambda one: (one.start.earliest, one.reference)):
        span = span_of.get(one.reference)
        last = _last_day(one, span)
        if _overlaps(one, last, look_back):
            lines.append(_line(one, span, last, baseline, current))
    return tuple(lines)


def last_recorded(spans: Iterable[Span], before: date, look_back_first: date) -> date | None:
    """Return the last day of any supply, if it lies before a day, and a regimen of the look-back was never ended."""
    found = list(spans)
    supplied = max((min(span.supplied_at_most, span.until) for span in found), default=0)
    if any(has_lapsed(span, before) for span in found) and look_back_first.toordinal() <= supplied < before.toordinal():
        return date.fromordinal(supplied)
    return None


def has_lapsed(span: Span, current_first: date) -> bool:
    """Return whether a regimen has no supply since a day, and no record has ended it."""
    return span.supplied_at_most < current_first.toordinal() <= span.until


def _line(
    one: Prescription, span: Span | None, last: int, baseline: tuple[date, date] | None, current: tuple[date, date]
) -> DrugLine:
    leads = span is not None and one.reference == span.lead.reference
    lapsed = span is not None and leads and has_lapsed(span, current[0])
    in_current = lapsed or _overlaps(one, last, current)
    problem, counted = one.problem, one.counted
    if counted and not in_current and one.in_hospital:
        problem, counted = "category: in hospital, left out of the baselines", False
    elif counted and not in_current and span is not None and span.is_acute:
        problem, counted = "an acute course, left out of the baselines", False
    return DrugLine(
        one.reference,
        one.medication.label,
        dose(one.dose),
        _start(one.start),
        _end(one, last),
        problem,
        counted,
        baseline is not None and _overlaps(one, last, baseline),
        in_current,
        lapsed,
    )


def _last_day(one: Prescription, span: Span | None) -> int:
    """Return the last day of its supply as stated, else by its status; earlier if another record ended it."""
    last = (one.stated_supply.latest if one.stated_supply else one.last_day).toordinal()
    last = min(last, one.last_day.toordinal())
    return last if span is None else min(last, max(span.until, one.start.earliest.toordinal()))


def _end(one: Prescription, last: int) -> str:
    """Return the last day if it is stated, or if another record or its last change tells it; else empty."""
    is_told = one.stated_supply is not None or one.is_change_dated or last < one.last_day.toordinal()
    return date.fromordinal(last).isoformat() if is_told and last != FOREVER else ""


def _overlaps(one: Prescription, last: int, days: tuple[date, date]) -> bool:
    return one.start.earliest <= days[1] and last >= days[0].toordinal()


def _start(when: DateInterval) -> str:
    """Return the day on which it began, at the earliest; a month or a year as such; empty if it is not known."""
    if when.latest == date.max:
        return ""
    written = str(when)
    return when.earliest.isoformat() if " to " in written and when.earliest != date.min else written


_CONTEXT = Context(prec=40)


def dose(interval: Interval) -> Dose:
    """Return bounds as decimals for display."""
    low = _decimal(interval.low)
    if interval.is_exact:
        return Dose(low, low)
    return Dose(low, None if interval.high is None else _decimal(interval.high))


def _decimal(value: Fraction) -> Decimal:
    return _CONTEXT.divide(Decimal(value.numerator), Decimal(value.denominator))
