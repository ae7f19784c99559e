"""`medication`: a drug of the set was prescribed or taken, or taken for so long. That does not show that it failed."""

from dataclasses import dataclass
from datetime import date, timedelta

from coverage_policies.format.operator import (
    NAMES,
    Arguments,
    ClauseResult,
    Context,
    Operator,
    arguments,
    phrase,
    value_set,
)
from coverage_policies.format.phrases import DURATION, SPAN, DurationThreshold, duration, span
from coverage_policies.format.searches import DISPENSES, PRESCRIPTIONS, STATEMENTS, Search
from coverage_policies.format.terms import Reason
from coverage_policies.format.value_sets import ValueSet, ValueSets
from coverage_policies.operators.base import in_time, nothing_found
from fhir_mappings.dates import CalendarPeriod, DateInterval
from fhir_mappings.drug_exposure import stretches, supplies
from fhir_mappings.medications import medications
from fhir_mappings.truth import Truth

_KINDS = ("MedicationRequest", "MedicationDispense", "MedicationStatement")
_SEARCHES = (PRESCRIPTIONS, DISPENSES, STATEMENTS)


@dataclass(frozen=True, slots=True)
class MedicationCheck:
    """Whether a drug of the set was prescribed, dispensed, or reported; the newest three records are the evidence."""

    codes: ValueSet
    within: CalendarPeriod | None

    @property
    def searches(self) -> tuple[Search, ...]:
        """Return the searches for prescriptions, dispenses, and statements."""
        return _SEARCHES

    def evaluate(self, ctx: Context) -> ClauseResult:
        """Return YES for a drug known by its code or by a product's label, UNKNOWN for one that is only mentioned."""
        found = medications(ctx.record, self.codes.match)
        if not found:
            return nothing_found(ctx.record, *_KINDS)
        newest = sorted(found, key=lambda m: (m.is_certain, m.evidence.date, m.reference), reverse=True)[:3]
        evidence = tuple(each.evidence for each in newest)
        certain = [each for each in found if each.is_certain]
        if any(self.within is None or in_time(each.when, self.within, ctx.anchor) is Truth.YES for each in certain):
            return ClauseResult(Truth.YES, Reason.PRESENT, evidence)
        return ClauseResult(Truth.UNKNOWN, Reason.DATE_OUT_OF_RANGE if certain else Reason.INVALID_ATTRIBUTE, evidence)


@dataclass(frozen=True, slots=True)
class TakenCheck:
    """Whether drugs of the set were taken by mouth for so many days in a row before the anchor date and today."""

    codes: ValueSet
    lasting: DurationThreshold
    within: CalendarPeriod | None

    @property
    def searches(self) -> tuple[Search, ...]:
        """Return the searches for prescriptions, dispenses, and statements."""
        return _SEARCHES

    def evaluate(self, ctx: Context) -> ClauseResult:
        """Return YES if supplies join into a stretch that long, UNKNOWN for anything else on record."""
        found = supplies(ctx.record, self.codes.match)
        if not found:
            return nothing_found(ctx.record, *_KINDS)
        taken_until = min(ctx.anchor, ctx.record.today) - timedelta(days=1)
        runs = stretches((each.days for each in found if each.days), taken_until)
        for first, last in reversed(runs):
            if self._is_long_enough(first, last) and self._is_recent(last, ctx):
                within = [each for each in found if each.days and first <= each.days[0] <= last]
                return ClauseResult(Truth.YES, Reason.PRESENT, tuple(each.evidence for each in within))
        newest = sorted(found, key=lambda each: each.evidence.date, reverse=True)[:3]
        return ClauseResult(Truth.UNKNOWN, Reason.DATE_OUT_OF_RANGE, tuple(each.evidence for each in newest))

    def _is_long_enough(self, first: date, last: date) -> bool:
        return self.lasting.holds(DateInterval(first, first), last + timedelta(days=1)) is Truth.YES

    def _is_recent(self, last: date, ctx: Context) -> bool:
        return self.within is None or in_time(DateInterval(last, last), self.within, ctx.anchor) is Truth.YES


def _parse(arguments: Arguments, sets: ValueSets) -> MedicationCheck | TakenCheck:
    codes = value_set(arguments["in"], sets)
    within = span(arguments["within"]) if "within" in arguments else None
    if "lasting" not in arguments:
        return MedicationCheck(codes, within)
    lasting = duration(arguments["lasting"])
    if lasting.comparison.is_upper_bound:
        raise ValueError(
            f"'{lasting}' cannot be proven because a supply may be missing; write it like 'at least 3 weeks'"
        )
    return TakenCheck(codes, lasting, within)


OPERATOR = Operator(
    name="medication",
    says="A drug of the value set was prescribed, dispensed, or reported. The value set lists ingredients: a product "
    "counts if its code, or its label with name and strength, is known to contain one; any other mention is shown and "
    "does not decide. `lasting: at least 3 weeks` requires that many consecutive days of oral use before today, not as "
    "needed, by the days of supply that were dispensed, prescribed, or reported. `within: 12 months` requires that the "
    "record, or the last of those days, is that recent.",
    schema=arguments(
        ["in"], **{"in": NAMES, "lasting": phrase(DURATION, "at least 3 weeks"), "within": phrase(SPAN, "12 months")}
    ),
    example="""
clause: {medication: {in: opioid}}
facts:
  - prescription: {code: rxnorm 1049621, dose: 1, every: 6 hours, from: 2026-01-10}
holds: yes
""",
    parse=_parse,
    resource_types=_KINDS,
)
