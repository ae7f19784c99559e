"""`opioid_reduction`: by how much systemic opioids were reduced, in morphine milligram equivalents (CDC 2022)."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from coverage_policies.format.operator import (
    Arguments,
    ClauseResult,
    Context,
    Operator,
    arguments,
    phrase,
)
from coverage_policies.format.phrases import DAYS, Comparison, days, percent
from coverage_policies.format.searches import ADMINISTRATIONS, DISPENSES, PRESCRIPTIONS, STATEMENTS, Search
from coverage_policies.format.terms import Reason
from coverage_policies.format.value_sets import ValueSets
from fhir_mappings.opioids import Baseline, Dose, DrugLine, Periods, Reduction, opioid_reduction
from fhir_mappings.record import Availability, Evidence
from fhir_mappings.truth import Truth

_KINDS = ("MedicationRequest", "MedicationDispense", "MedicationStatement", "MedicationAdministration")


@dataclass(frozen=True, slots=True)
class OpioidReductionCheck:
    """Whether the reduction is proven to reach a percentage, or proven to fall short of it."""

    at_least: bool
    by: Decimal
    periods: Periods

    @property
    def searches(self) -> tuple[Search, ...]:
        """Return the searches for prescriptions, dispenses, statements, and administrations."""
        return (PRESCRIPTIONS, DISPENSES, STATEMENTS, ADMINISTRATIONS)

    def evaluate(self, ctx: Context) -> ClauseResult:
        """Return what the bounds of both doses prove; a drug without a factor leaves it UNKNOWN."""
        key = ("opioid reduction", ctx.anchor, self.periods)
        reduction, evidence, notes = ctx.record.cached(key, lambda: self._shown(ctx))
        reduced = ctx.record.cached((*key, self.by), lambda: reduction.reduced_by(self.by))
        if reduced is Truth.UNKNOWN:
            return ClauseResult(Truth.UNKNOWN, _reason(ctx, reduction), evidence, notes)
        holds = reduced if self.at_least else ~reduced
        return ClauseResult(holds, Reason.VALUE_OUT_OF_RANGE, evidence, notes, _headline(reduction))

    def _shown(self, ctx: Context) -> tuple[Reduction, tuple[Evidence, ...], tuple[str, ...]]:
        """Return the reduction with what is shown of it, which is the same for every percentage."""
        reduction = opioid_reduction(ctx.record, ctx.anchor, self.periods)
        evidence = tuple(_evidence(line) for line in sorted(reduction.lines, key=_what_counts_first))
        return reduction, evidence, _notes(reduction)


def _reason(ctx: Context, reduction: Reduction) -> Reason:
    if ctx.record.availability(*_KINDS) is Availability.UNAVAILABLE:
        return Reason.DATA_UNAVAILABLE
    if reduction.unconverted:
        return Reason.UNCONVERTIBLE
    if not reduction.lines:
        return Reason.NOT_FOUND
    return Reason.MISSING if reduction.last_recorded else Reason.VALUE_OUT_OF_RANGE


def _what_counts_first(line: DrugLine) -> int:
    """Return the sort key: current drugs first, then those of the baseline, then the rest, each in order of time."""
    return 0 if line.in_current else 1 if line.in_baseline else 2


def _evidence(line: DrugLine) -> Evidence:
    span = line.start if not line.end or line.end == line.start else f"{line.start} to {line.end}"
    value = line.problem or printed(line.dose)
    return Evidence(line.reference, line.label, span, f"{value}, stopped?" if line.has_lapsed else value)


def _notes(reduction: Reduction) -> tuple[str, ...]:
    """Return the arithmetic so that a reader can check it: both baselines and the current dose, each with its days."""
    found = []
    if reduction.last_recorded:
        found.append(f"No opioid recorded since {_day(reduction.last_recorded)}. Stopped?")
    elif lapsed := [line for line in reduction.lines if line.has_lapsed]:
        found += [f"{line.label}: none recorded since {_since(line)}. Stopped?" for line in lapsed]
    if reduction.problem:
        return (f"Opioid dose: {reduction.problem}.", *found)
    found += [_baseline(baseline) for baseline in reduction.baselines]
    found.append(
        f"Now {printed(reduction.current)} ({reduction.current_first} to {reduction.current_last}), "
        f"{reduction.factors} factors"
    )
    found += [f"Not converted: {line.label} ({line.problem})" for line in reduction.unconverted]
    return tuple(found)


def _baseline(baseline: Baseline) -> str:
    """Return a baseline with the window of its lower bound; the upper bound may be that of another window."""
    least = f"{_mme(baseline.dose.low)} MME/day"
    said = f"Highest {baseline.days}-day mean {least} ({baseline.first} to {baseline.last})"
    if baseline.dose.high is None:
        return f"{said}, maybe higher"
    return said if baseline.dose.high == baseline.dose.low else f"{said}, at most {_mme(baseline.dose.high)} MME/day"


def _since(line: DrugLine) -> str:
    """Return the last day of a line, else its first; a month or a year as it is."""
    try:
        return _day(date.fromisoformat(line.end or line.start))
    except ValueError:
        return line.start or "an unknown day"


def _day(day: date) -> str:
    return f"{day:%m/%d/%Y}"


def _headline(reduction: Reduction) -> str:
    """Return the change of the dose in a clause, with its whole percent where both doses are known exactly."""
    if not reduction.baselines:
        return ""
    before, now = reduction.baselines[0].dose, reduction.current
    change = f"{_number(before)} → {_number(now)} MME/day"
    if not before.low or before.low != before.high or now.low != now.high:
        return f"Opioids {change}"
    if now.low == before.low:
        return f"Opioids unchanged ({change})"
    if now.low > before.low:
        return f"Opioids up ({change})"
    return f"Opioids down only {int((before.low - now.low) * 100 / before.low)}% ({change})"


def printed(dose: Dose) -> str:
    """Return a dose for display: `120 MME/day`, `0 to 30 MME/day`, `at least 60 MME/day`, `cannot be computed`."""
    if dose.high is None and not dose.low:
        return "cannot be computed"
    return f"{_number(dose)} MME/day"


def _mme(value: Decimal) -> str:
    """Return a dose with at most one decimal, as a prescriber would write it."""
    return f"{round(value, 1).normalize():f}"


def _number(dose: Dose) -> str:
    low = _mme(dose.low)
    if dose.high is None:
        return f"at least {low}"
    return low if dose.high == dose.low else f"{low} to {_mme(dose.high)}"


DEFAULTS = {"look_back": "365 days", "baselines": "14 days and 90 days", "current": "14 days"}


def _parse(arguments: Arguments, sets: ValueSets) -> OpioidReductionCheck:  # noqa: ARG001 - no set needed
    threshold = percent(arguments["by"])
    by = Decimal(threshold.number.numerator) / threshold.number.denominator
    written = {**DEFAULTS, **arguments}
    baselines = tuple(days(each) for each in written["baselines"].split(" and "))
    periods = Periods(days(written["look_back"]), days(written["current"]), baselines)
    if periods.look_back < periods.current + max(baselines):
        raise ValueError("look_back is shorter than the current days and the longest baseline together")
    return OpioidReductionCheck(threshold.comparison is Comparison.AT_LEAST, by, periods)


OPERATOR = Operator(
    name="opioid_reduction",
    says="Systemic opioids were reduced, from each of the `baselines` (the highest mean over so many days of the "
    "`look_back`) to the mean of the `current` last days. `at least 50 %` holds only if it is proven against all of "
    "them, `under 50 %` only if it is proven against the highest dose that any record makes possible. A regimen whose "
    "supply has run out counts as possibly taken until a record ends it. A drug that cannot be converted is named and "
    "leaves the question open.",
    schema=arguments(
        ["by"],
        by=phrase(r"^(?:at least|under) \d{1,6}(?:\.\d{1,6})? %$", "at least 50 %"),
        look_back=phrase(DAYS, DEFAULTS["look_back"]),
        baselines=phrase(rf"{DAYS[:-1]}(?: and {DAYS[1:-1]}){{0,3}}$", DEFAULTS["baselines"]),
        current=phrase(DAYS, DEFAULTS["current"]),
    ),
    example="""
clause: {opioid_reduction: {by: under 50 %}}
facts:
  - prescription: {code: rxnorm 1049621, dose: 2, every: 6 hours, from: 2025-06-01, to: 2026-01-31}
  - prescription: {code: rxnorm 1049621, dose: 2, every: 8 hours, from: 2026-02-01, to: 2026-03-31}
holds: yes
""",
    parse=_parse,
    resource_types=_KINDS,
    defaults=DEFAULTS,
)
