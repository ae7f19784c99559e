"""By how much systemic opioids were reduced: the highest regimen of the last year compared with the last two weeks."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal, localcontext
from fractions import Fraction

from fhir_mappings.dates import DateInterval
from fhir_mappings.opioids.prescriptions import KINDS, Prescription, is_reported, sources
from fhir_mappings.opioids.quantities import Interval
from fhir_mappings.opioids.regimens import OpioidChart, read_opioids
from fhir_mappings.opioids.table import FACTORS
from fhir_mappings.opioids.timeline import Series, hospital_series, overlaps, regular_series, window
from fhir_mappings.record import Availability, PatientRecord
from fhir_mappings.truth import Truth

LOOK_BACK_DAYS = 365
CURRENT_DAYS = 14
BASELINE_DAYS = (14, 90)
"""The days of each baseline (the highest mean); the longer one keeps a short peak from counting as a regimen."""

NOT_READ = "prescriptions could not be read completely"
NO_OPIOID = "no opioid found"
TOO_SHORT = "history too short"
TOO_MANY = "too many prescriptions"
MAX_LINES = 500
"""The most opioid resources to evaluate; the work grows with their square."""
MAX_INSTRUCTIONS = 1_000
"""The most dosage instructions that these resources may have together; the work grows with their square too."""


@dataclass(frozen=True, slots=True)
class Dose:
    """The bounds of oral morphine milligram equivalents per day; `high` is None if there is no upper bound."""

    low: Decimal
    high: Decimal | None


@dataclass(frozen=True, slots=True)
class DrugLine:
    """One prescription, dispense, statement, or administration of a medication that is or may be an opioid.

    `start` and `end` are display text, empty if unknown. `problem` says why the line could not be converted or is
    excluded; it names the element and holds no patient data. `counted` is False for a line that is excluded or counted
    with another one. `in_baseline` and `in_current` say whether it overlaps the window of the 14-day baseline and the
    current window.
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


@dataclass(frozen=True, slots=True)
class Baseline:
    """The highest moving mean of the look-back over `days` days.

    `dose.low` is the highest mean of the lower bound, `dose.high` that of the upper bound. `first` and `last` are the
    days of the window with the former.
    """

    days: int
    dose: Dose
    first: date
    last: date


@dataclass(frozen=True, slots=True)
class Reduction:
    """What the chart says about a wean, up to the last whole day before the anchor date or the reading.

    `unconverted` are the lines of the look-back without an upper bound. `not_read` are the resource types other than
    MedicationRequest whose search failed: their content may add to the current dose and to the baselines, so they
    prevent any proof. `problem` says why the reduction is unknown altogether, and is empty otherwise.
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

    def reduced_by(self, percent: Decimal) -> Truth:
        """Return whether the current dose is at least this many percent below the baselines; equality passes.

        YES if the highest possible current dose is low enough compared with the lowest possible value of both
        baselines. NO if the lowest possible current dose is too high even compared with the highest possible 14-day
        baseline. UNKNOWN otherwise, and always while a resource type was not read completely.
        """
        by_days = {baseline.days: baseline.dose for baseline in self.baselines}
        if self.problem or self.not_read or set(by_days) != set(BASELINE_DAYS):
            return Truth.UNKNOWN
        left = 1 - Fraction(percent) / 100
        low, high = _exact(self.current.low), _exact(self.current.high)
        if high is not None and all(base.low > 0 and high <= left * _fraction(base.low) for base in by_days.values()):
            return Truth.YES
        most = _exact(by_days[min(BASELINE_DAYS)].high)
        if most is not None and low is not None and low > left * most:
            return Truth.NO
        return Truth.UNKNOWN


def opioid_reduction(record: PatientRecord, on: date) -> Reduction:
    """Compare the dose before `on` with the highest regimen of the year before it.

    The current window is the 14 whole days before `on`, or before the reading if `on` is in the future. The look-back
    is the 365 days before that time, without the current window. Doses are oral morphine milligram equivalents by the
    factors of CDC's 2022 guideline (doi 10.15585/mmwr.rr7103a1).
    """
    as_of = min(on, record.today)
    current_first, current_last = window(as_of - timedelta(days=1), CURRENT_DAYS)
    look_back_first = as_of - timedelta(days=LOOK_BACK_DAYS)
    found = sources(record)
    if len(found) > MAX_LINES or sum(len(source.dosages) for source in found) > MAX_INSTRUCTIONS:
        return Reduction((), Dose(Decimal(0), None), current_first, current_last, (), (), FACTORS, TOO_MANY)
    chart = read_opioids(record, found, as_of)
    series = regular_series(chart, look_back_first, current_last)
    known_from = max(look_back_first, _history_start(record, chart))
    baselines = tuple(
        baseline
        for days in BASELINE_DAYS
        if (baseline := _baseline(series, days, known_from, current_first - timedelta(days=1))) is not None
    )
    current = series.mean(current_first, current_last)
    in_hospital = hospital_series(chart, current_first, current_last).mean(current_first, current_last)
    current = current + in_hospital
    not_read = tuple(kind for kind in KINDS[1:] if record.availability(kind) is Availability.UNAVAILABLE)
    if not_read:
        current = Interval(current.low, None)
    at = next((baseline for baseline in baselines if baseline.days == min(BASELINE_DAYS)), None)
    lines = tuple(
        _line(one, at, (current_first, current_last))
        for one in sorted(chart.lines, key=lambda one: (one.start.earliest, one.reference))
        if overlaps(one, look_back_first, as_of)
    )
    return Reduction(
        baselines=baselines,
        current=_dose(current),
        current_first=current_first,
        current_last=current_last,
        lines=lines,
        unconverted=tuple(line for line in lines if line.counted and line.problem),
        factors=FACTORS,
        problem=_problem(record, lines, baselines),
        not_read=not_read,
    )


def _problem(record: PatientRecord, lines: tuple[DrugLine, ...], baselines: tuple[Baseline, ...]) -> str:
    if record.availability("MedicationRequest") is not Availability.COMPLETE:
        return NOT_READ
    if not any(line.counted for line in lines):
        return NO_OPIOID
    return "" if len(baselines) == len(BASELINE_DAYS) else TOO_SHORT


def _history_start(record: PatientRecord, chart: OpioidChart) -> date:
    """Return the first day with a prescription or dispense on record; what came before it is unknown.

    Any medication counts, not only opioids, but no report of the patient about earlier times.
    """
    found = [
        when.latest
        for resource in record.of_type("MedicationRequest", "MedicationDispense")
        if resource.get("status") != "entered-in-error" and not is_reported(resource)
        for element in ("authoredOn", "whenPrepared", "whenHandedOver")
        if (when := record.when(resource.get(element))) is not None
    ]
    found += [regimen.leading.start.latest for regimen in chart.regimens if regimen.leading.kind in KINDS[:2]]
    return min(found, default=date.max)


def _baseline(series: Series, days: int, first: date, last: date) -> Baseline | None:
    """Return the highest mean over `days` days between two dates; None if there are too few."""
    sums = series.moving_sums(days, first, last)
    if not sums:
        return None
    highs = [high for _, high in sums if high is not None]
    # Of equal windows, take the last one, which is closest to the wean.
    best = max(range(len(sums)), key=lambda n: (sums[n][0], sums[n][1] or 0, n))
    mean = series.as_mean(sums[best][0], max(highs) if len(highs) == len(sums) else None, days)
    return Baseline(days, _dose(mean), first + timedelta(days=best), first + timedelta(days=best + days - 1))


def _line(one: Prescription, baseline: Baseline | None, current: tuple[date, date]) -> DrugLine:
    in_current = overlaps(one, *current)
    problem, counted = one.problem, one.counted
    if one.in_hospital and counted and not in_current:
        problem, counted = "category: in hospital, left out of the baselines", False
    return DrugLine(
        one.reference,
        one.medication.label,
        _dose(one.dose),
        _printed(one.start),
        _printed(one.end),
        problem,
        counted,
        baseline is not None and overlaps(one, baseline.first, baseline.last),
        in_current,
    )


def _printed(when: DateInterval) -> str:
    return "" if when.latest == date.max else str(when)


def _dose(interval: Interval) -> Dose:
    return Dose(_decimal(interval.low), None if interval.high is None else _decimal(interval.high))


DIGITS = 40
LARGEST_DENOMINATOR = 10**15


def _decimal(value: Fraction) -> Decimal:
    with localcontext() as context:
        context.prec = DIGITS
        return Decimal(value.numerator) / Decimal(value.denominator)


def _fraction(value: Decimal) -> Fraction:
    """Return the fraction that a mean was before its conversion to a decimal: a third stays a third.

    Fractions with such denominators differ in the first 30 digits after the point if they differ at all.
    """
    return Fraction(value).limit_denominator(LARGEST_DENOMINATOR)


def _exact(value: Decimal | None) -> Fraction | None:
    return None if value is None else _fraction(value)
