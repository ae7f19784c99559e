"""`medication`: a drug of the set was prescribed, or taken for so long. That does not show that treatment failed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

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
from coverage_policies.format.phrases import DURATION, DurationThreshold, duration
from coverage_policies.format.searches import DISPENSES, PRESCRIPTIONS, STATEMENTS, Search
from coverage_policies.format.terms import Reason
from coverage_policies.format.value_sets import ValueSet
from coverage_policies.operators.base import nothing_found
from fhir_mappings.dates import DateInterval
from fhir_mappings.drug_exposure import longest_stretch, supplies
from fhir_mappings.medications import medications
from fhir_mappings.truth import Truth


@dataclass(frozen=True, slots=True)
class MedicationCheck:
    """Whether a drug of the set was prescribed; the newest three prescriptions are the evidence."""

    codes: ValueSet

    @property
    def searches(self) -> tuple[Search, ...]:
        """Return the search for prescriptions."""
        return (PRESCRIPTIONS,)

    def evaluate(self, ctx: Context) -> ClauseResult:
        """Return YES for a drug known by its code, UNKNOWN for one known only by its name."""
        found = medications(ctx.record, self.codes.match)
        if not found:
            return nothing_found(ctx.record, "MedicationRequest")
        newest = sorted(found, key=lambda m: (m.evidence.date, m.reference), reverse=True)[:3]
        certain = any(each.is_certain for each in found)
        holds = Truth.YES if certain else Truth.UNKNOWN
        return ClauseResult(
            holds, Reason.PRESENT if certain else Reason.INVALID_ATTRIBUTE, tuple(m.evidence for m in newest)
        )


@dataclass(frozen=True, slots=True)
class TakenCheck:
    """Whether drugs of the set were taken by mouth for so many days in a row before the anchor date."""

    codes: ValueSet
    lasting: DurationThreshold

    @property
    def searches(self) -> tuple[Search, ...]:
        """Return the searches for prescriptions, dispenses, and statements."""
        return (PRESCRIPTIONS, DISPENSES, STATEMENTS)

    def evaluate(self, ctx: Context) -> ClauseResult:
        """Return YES if supplies join into a stretch that long, UNKNOWN for anything else on record."""
        found = supplies(ctx.record, self.codes.match)
        if not found:
            return nothing_found(ctx.record, "MedicationRequest", "MedicationDispense", "MedicationStatement")
        stretch = longest_stretch((each.days for each in found if each.days), ctx.anchor - timedelta(days=1))
        if stretch:
            first, last = stretch
            if self.lasting.holds(DateInterval(first, first), last + timedelta(days=1)) is Truth.YES:
                within = [each for each in found if each.days and first <= each.days[0] <= last]
                return ClauseResult(Truth.YES, Reason.PRESENT, tuple(each.evidence for each in within))
        newest = sorted(found, key=lambda each: each.evidence.date, reverse=True)[:3]
        return ClauseResult(Truth.UNKNOWN, Reason.DATE_OUT_OF_RANGE, tuple(each.evidence for each in newest))


def _parse(arguments: Arguments, sets: Mapping[str, ValueSet]) -> MedicationCheck | TakenCheck:
    codes = value_set(arguments["in"], sets)
    if "lasting" not in arguments:
        return MedicationCheck(codes)
    lasting = duration(arguments["lasting"])
    if lasting.comparison.is_upper_bound:
        raise ValueError(
            f"'{lasting}' cannot be proven because a supply may be missing; write it like 'at least 3 weeks'"
        )
    return TakenCheck(codes, lasting)


OPERATOR = Operator(
    name="medication",
    says="A drug of the value set was prescribed. The value set lists ingredients: a product counts if it is known "
    "to contain one, and a drug recognized only by its name is shown but does not decide. `lasting: at least 3 "
    "weeks` requires that many consecutive days of oral use, not as needed, by the days of supply that were "
    "dispensed, prescribed, or reported.",
    schema=arguments(["in"], **{"in": NAMES, "lasting": phrase(DURATION, "at least 3 weeks")}),
    example="""
clause: {medication: {in: opioid}}
facts:
  - prescription: {code: rxnorm 1049621, dose: 1, every: 6 hours, from: 2026-01-10}
holds: yes
""",
    parse=_parse,
    resource_types=("MedicationRequest", "MedicationDispense", "MedicationStatement"),
)
