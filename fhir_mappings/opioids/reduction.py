"""By how much systemic opioids were reduced: the highest regimen of a year compared with the last days."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

from msgspec import Struct

from fhir_mappings.opioids.bounds import least, most_on_record
from fhir_mappings.opioids.history import are_too_many, read_history
from fhir_mappings.opioids.lines import Dose, DrugLine, dose, last_recorded, lines_of
from fhir_mappings.opioids.quantities import Interval
from fhir_mappings.opioids.series import Series, earlier, highest_mean, series, total, window
from fhir_mappings.opioids.sources import KINDS, is_reported, sources
from fhir_mappings.opioids.table import FACTORS
from fhir_mappings.opioids.treatments import OpioidChart
from fhir_mappings.record import Availability, PatientRecord
from fhir_mappings.truth import Truth

NOT_READ = "prescriptions could not be read completely"
NO_OPIOID = "no opioid found"
TOO_SHORT = "history too short"
TOO_MANY = "too many prescriptions"


class Periods(Struct, frozen=True):
    """The days of the look-back, of the current window, and of each baseline.

    A baseline is the highest mean over so many days; the longer one keeps a short peak from counting as a regimen.
    """

    look_back: int
    current: int
    baselines: tuple[int, ...]


class Baseline(Struct, frozen=True):
    """The highest moving mean of the look-back over `days` days.

    `dose.low` is the highest mean of the lower bound, in the window from `first` to `last`; `dose.high` is the highest
    mean that records make possible, maybe in another window.
    """

    days: int
    dose: Dose
    first: date
    last: date


@dataclass(frozen=True, slots=True)
class Reduction:
    """What the chart says about a wean, up to the last whole day before the anchor date or the reading.

    `highest_on_record` is the highest mean dose over the days of the shortest baseline that any record makes possible,
    however old; None if one has no upper bound. `unconverted` are the lines of the look-back without an upper bound.
    `not_read` are the resource types other than MedicationRequest whose search failed: their content may add to the
    current dose and to the baselines, so they prevent any proof. `last_recorded` is the last day with a supply if there
    was none in the current window and no record ended it. `problem` says why the reduction is unknown altogether, and
    is empty otherwise.
    """

    baselines: tuple[Baseline, ...]
    current: Dose
    current_first: date
    current_last: date
    lines: tuple[DrugLine, ...]
    unconverted: tuple[DrugLine, ...]
    factors: str
    problem: str
    not_read: tuple[str, ...] = ()
    highest_on_record: Decimal | None = None
    last_recorded: date | None = None

    def reduced_by(self, percent: Decimal) -> Truth:
        """Return whether the current dose is at least this many percent below the baselines; equality passes.

        YES if the highest possible current dose is low enough compared with the lowest possible value of each
        baseline. NO if the lowest possible current dose is too high even compared with the highest dose that any record
        makes possible. UNKNOWN otherwise, and always while a resource type was not read completely.
        """
        if self.problem or self.not_read:
            return Truth.UNKNOWN
        left = 1 - Fraction(percent) / 100
        low, high, most = _exact(self.current.low), _exact(self.current.high), _exact(self.highest_on_record)
        before = [_fraction(baseline.dose.low) for baseline in self.baselines]
        if high is not None and all(base > 0 and high <= left * base for base in before):
            return Truth.YES
        if most is not None and low is not None and low > left * most:
            return Truth.NO
        return Truth.UNKNOWN


def opioid_reduction(record: PatientRecord, on: date, periods: Periods) -> Reduction:
    """Compare the dose before `on` with the highest regimen before it.

    The current window is the last whole days before `on`, or before the reading if `on` is in the future. The look-back
    ends there too; the baselines are taken from it without the current window. Doses are oral morphine milligram
    equivalents by the factors of CDC's 2022 guideline (doi 10.15585/mmwr.rr7103a1).
    """
    as_of = min(on, record.today)
    current = window(earlier(as_of, 1), periods.current)
    before = earlier(current[0], 1)
    look_back_first = earlier(as_of, periods.look_back)
    found = sources(record)
    if are_too_many(found):
        return Reduction((), Dose(Decimal(0), None), *current, (), (), FACTORS, TOO_MANY)
    history = read_history(record, found, as_of, look_back_first)
    chart, taken, scale = history.chart, history.taken, history.scale
    low, possible = total(least(taken, scale)), total(most_on_record(taken, scale))
    known_from = max(look_back_first, _history_start(record, chart))
    baselines = _baselines(series(low, possible, look_back_first, before, scale), periods, known_from, before)
    now = series(low, history.most(), *current, scale).mean(*current)
    not_read = tuple(kind for kind in KINDS[1:] if record.availability(kind) is Availability.UNAVAILABLE)
    if not_read:
        now = Interval(now.low, None)
    first = baselines[0] if baselines else None
    lines = lines_of(
        chart.lines, taken, (look_back_first, as_of), (first.first, first.last) if first else None, current
    )
    highest = highest_mean(possible, min(periods.baselines), before.toordinal(), scale)
    return Reduction(
        baselines=baselines,
        current=dose(now),
        current_first=current[0],
        current_last=current[1],
        lines=lines,
        unconverted=tuple(line for line in lines if line.counted and line.problem),
        factors=FACTORS,
        problem=_problem(record, lines, baselines, periods),
        not_read=not_read,
        highest_on_record=dose(Interval(Fraction(0), highest)).high,
        last_recorded=last_recorded(taken, current[0], look_back_first),
    )


def _problem(
    record: PatientRecord, lines: tuple[DrugLine, ...], baselines: tuple[Baseline, ...], periods: Periods
) -> str:
    if record.availability("MedicationRequest") is not Availability.COMPLETE:
        return NOT_READ
    if not any(line.counted for line in lines):
        return NO_OPIOID
    return "" if len(baselines) == len(periods.baselines) else TOO_SHORT


def _history_start(record: PatientRecord, chart: OpioidChart) -> date:
    """Return the first day with a prescription or dispense on record; what came before it is unknown.

    Any medication counts, not only opioids, but no report of the patient about earlier times.
    """
    found = [
        when.latest
        for resource in record.of_type("MedicationRequest", "MedicationDispense")
        if resource.get("status") != "entered-in-error" and not is_reported(resource)
        for element in ("authoredOn", "whenPrepared", "whenHandedOver")
        if element in resource and (when := record.when(resource.get(element))) is not None
    ]
    ordered = [treatment.leading for treatment in chart.treatments if treatment.leading.kind in KINDS[:2]]
    return min([*found, *(one.start.latest for one in ordered)], default=date.max)


def _baselines(series: Series, periods: Periods, first: date, last: date) -> tuple[Baseline, ...]:
    found = (_baseline(series, days, first, last) for days in sorted(periods.baselines))
    return tuple(baseline for baseline in found if baseline is not None)


def _baseline(series: Series, days: int, first: date, last: date) -> Baseline | None:
    """Return the highest mean over `days` days between two dates; None if there are too few."""
    windows = series.windows(days, first, last)
    if not windows:
        return None
    lows, highs, unbounded = series.sums(windows, days)
    is_bounded = not any(unbounded)
    if not is_bounded:
        highs = [0 if days_open else high for high, days_open in zip(highs, unbounded, strict=True)]
    # Of equal windows, take the one that may be highest, then the last one, which is closest to the wean.
    low, _, begin = max(zip(lows, highs, windows, strict=True))
    mean = series.as_mean(low, max(highs) if is_bounded else None, days)
    best = series.first + timedelta(begin)
    return Baseline(days, dose(mean), best, best + timedelta(days - 1))


_LARGEST_DENOMINATOR = 10**15


def _fraction(value: Decimal) -> Fraction:
    """Return the fraction that a mean was before its conversion to a decimal: a third stays a third.

    Fractions with such denominators differ in the first 30 digits after the point if they differ at all.
    """
    exact = Fraction(value)
    return exact if exact.denominator <= _LARGEST_DENOMINATOR else exact.limit_denominator(_LARGEST_DENOMINATOR)


def _exact(value: Decimal | None) -> Fraction | None:
    return None if value is None else _fraction(value)
