"""`medication`: a drug of the set was prescribed. It is only ever shown: that is no treatment that failed."""

from collections.abc import Mapping
from dataclasses import dataclass

from coverage_policies.determination import Reason
from coverage_policies.operators.base import (
    NAMES,
    Arguments,
    Circumstances,
    Finding,
    Holds,
    Operator,
    arguments,
    nothing_found,
    value_set,
)
from coverage_policies.searches import PRESCRIPTIONS, Search
from coverage_policies.value_sets import ValueSet
from fhir_mappings.medications import medications


@dataclass(frozen=True, slots=True)
class MedicationTest:
    """Whether a drug of the set was prescribed; the newest three prescriptions are the evidence."""

    codes: ValueSet

    @property
    def searches(self) -> tuple[Search, ...]:
        """The prescriptions."""
        return (PRESCRIPTIONS,)

    def find(self, case: Circumstances) -> Finding:
        """Holds by code; a drug known only by its name cannot tell."""
        found = medications(case.record, self.codes.match)
        if not found:
            return nothing_found(case.record, "MedicationRequest")
        newest = sorted(found, key=lambda m: (m.evidence.date, m.reference), reverse=True)[:3]
        certain = any(each.is_certain for each in found)
        holds = Holds.YES if certain else Holds.CANNOT_TELL
        return Finding(
            holds, Reason.PRESENT if certain else Reason.INVALID_ATTRIBUTE, tuple(m.evidence for m in newest)
        )


def _parse(arguments: Arguments, sets: Mapping[str, ValueSet]) -> MedicationTest:
    return MedicationTest(value_set(arguments["in"], sets))


OPERATOR = Operator(
    name="medication",
    says="A drug of the value set was prescribed. The value set lists ingredients; a product counts by the "
    "ingredient it is known to hold, and one recognised only by its name is shown and decides nothing.",
    schema=arguments(["in"], **{"in": NAMES}),
    example="""
clause: {medication: {in: opioid}}
facts:
  - prescription: {code: rxnorm 1049621, dose: 1, every: 6 hours, from: 2026-01-10}
finds: holds
""",
    parse=_parse,
)
