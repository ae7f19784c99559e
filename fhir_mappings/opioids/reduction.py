"""By how much systemic opioids were reduced: the highest regimen of the last year against the last two weeks."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal, localcontext
from fractions import Fraction

from fhir_mappings.dates import DateInterval
from fhir_mappings.opioids.prescriptions import KINDS, Prescription
from fhir_mappings.opioids.quantities import Interval
from fhir_mappings.opioids.regimens import OpioidChart, read_opioids
from fhir_mappings.opioids.table import FACTORS
from fhir_mappings.opioids.timeline import Series, hospital_series, regular_series, touches, window
from fhir_mappings.record import Availability, PatientRecord
from fhir_mappings.truth import Truth

LOOK_BACK_DAYS = 365
CURRENT_DAYS = 14
BASELINE_DAYS = (14, 90)
"""A baseline is the highest mean over so many days. The longer one keeps a short peak from passing for a regimen."""

NOT_READ = "prescriptions could not be read completely"
NO_OPIOID = "no opioid found"
TOO_SHORT = "history too short"
TOO_MANY = "too many prescriptions"
MOST_LINES = 500
"""How many prescriptions, dispenses and so on of opioids are reckoned with: the work grows with their square."""


@dataclass(frozen=True, slots=True)
class Dose:
    """Oral morphine milligram equivalents per day, between two numbers; `high` None where none can be given."""

    low: Decimal
    high: Decimal | None


@dataclass(frozen=True, slots=True)
class DrugLine:
    """One prescription, dispense, statement or administration of what is or may be an opioid.

    `start` and `end` are as printed, empty where unknown. `problem` says why it could not be converted or why it is
    left out, naming the element and no patient data. `counted` is False for what is left out on purpose or counted
    with another line. `in_baseline` and `in_current` tell whether it touches the 14-day baseline's window and the
    current one.
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
    """The highest moving mean of the look-back over so many `days`.

    `dose.low` is the highest mean of the lower bound, `dose.high` that of the upper bound; `first` and `last` are
    the days of the window that gives the lower one.
    """

    days: int
    dose: Dose
    first: date
    last: date


@dataclass(frozen=True, slots=True)
class Reduction:
    """What the chart says about a wean, up to the last whole day before the anchor date or the reading.

    `unconverted` are the lines of the look-back that have no upper bound, `not_read` the resource types other than
    MedicationRequest whose search failed: what they hold may add to the current dose as well as to the baselines, so
    that neither a reduction nor its absence is proven. `problem` says why nothing can be told at all, and is empty
    otherwise.
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

        YES if the most that may be taken now is low enough against the least that either baseline may have been,
        NO if the least taken now is too much even against the most that the 14-day baseline may have been,
        UNKNOWN if neither is proven; neither can be while a resource type was not read completely.
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
    """Compare what was taken before `on` with the highest regimen of the year before it.

    The current window is the 14 whole days before `on`, or before the chart was read where `on` lies ahead; the
    look-back is the 365 days before that moment without the current window. Doses in oral morphine milligram
    equivalents by the factors of CDC's 2022 guideline (doi 10.15585/mmwr.rr7103a1).
    """
    as_of = min(on, record.today)
    current_first, current_last = window(as_of - timedelta(days=1), CURRENT_DAYS)
    look_back_first = as_of - timedelta(days=LOOK_BACK_DAYS)
    chart = read_opioids(record, as_of)
    if len(chart.lines) > MOST_LINES:
        return Reduction((), Dose(Decimal(0), None), current_first, current_last, (), (), FACTORS, TOO_MANY)
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
        if touches(one, look_back_first, as_of)
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
    """The day from which medication was prescribed or dispensed here; what was before it is not known.

    Any medication tells, not only opioids. What a patient reported about earlier times does not.
    """
    found = [
        when.latest
        for resource in record.of_type("MedicationRequest", "MedicationDispense")
        if resource.get("status") != "entered-in-error"
        and resource.get("reportedBoolean") is not True
        and not resource.get("reportedReference")
        for element in ("authoredOn", "whenPrepared", "whenHandedOver")
        if (when := record.when(resource.get(element))) is not None
    ]
    found += [regimen.leading.start.latest for regimen in chart.regimens if regimen.leading.kind in KINDS[:2]]
    return min(found, default=date.max)


def _baseline(series: Series, days: int, first: date, last: date) -> Baseline | None:
    """The highest mean over so many days between two dates; None where they are too few."""
    sums = series.moving_sums(days, first, last)
    if not sums:
        return None
    highs = [high for _, high in sums if high is not None]
    # The last of equal windows is the one nearest to the wean.
    best = max(range(len(sums)), key=lambda n: (sums[n][0], sums[n][1] or 0, n))
    mean = series.as_mean(sums[best][0], max(highs) if len(highs) == len(sums) else None, days)
    return Baseline(days, _dose(mean), first + timedelta(days=best), first + timedelta(days=best + days - 1))


def _line(one: Prescription, baseline: Baseline | None, current: tuple[date, date]) -> DrugLine:
    in_current = touches(one, *current)
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
        baseline is not None and touches(one, baseline.first, baseline.last),
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
    """The fraction that a mean was before it was written in decimals: a third stays a third.

    Two fractions of such denominators differ in the first 30 digits after the point if they differ at all.
    """
    return Fraction(value).limit_denominator(LARGEST_DENOMINATOR)


def _exact(value: Decimal | None) -> Fraction | None:
    return None if value is None else _fraction(value)
