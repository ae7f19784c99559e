"""What may show that a complaint is older than its dates say: earlier care, and earlier diagnoses of the region.

EHRs put the day of a visit into the onset of a condition, so a recent onset alone proves no recent complaint.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from coverage_policies.format.operator import Context
from coverage_policies.format.phrases import DurationThreshold
from coverage_policies.format.searches import PRESCRIPTIONS, PROCEDURES, REPORTS, Search
from coverage_policies.format.value_sets import ValueSet
from fhir_mappings.conditions import statements
from fhir_mappings.dates import DateInterval
from fhir_mappings.imaging import imaging
from fhir_mappings.medications import medications
from fhir_mappings.procedures import unidentified_procedures
from fhir_mappings.record import Availability, Evidence
from fhir_mappings.truth import Truth
from fhir_mappings.visits import visits

KINDS = ("Procedure", "DiagnosticReport", "MedicationRequest")
"""The resource types that have to be read completely; visits count if they were read."""


@dataclass(frozen=True, slots=True)
class OlderCare:
    """The records of some value sets that are not surely younger than a complaint, whatever their status.

    A procedure that is named in words only may be of any value set.
    """

    codes: ValueSet

    @property
    def searches(self) -> tuple[Search, ...]:
        """Return the searches for procedures, reports, and prescriptions."""
        return (PROCEDURES, REPORTS, PRESCRIPTIONS)

    def is_read(self, ctx: Context) -> bool:
        """Return whether all such records were read."""
        return ctx.record.availability(*KINDS) is not Availability.UNAVAILABLE

    def evidence(self, ctx: Context, young: DurationThreshold) -> tuple[Evidence, ...]:
        """Return the records that may be older; one without a day may be."""
        found = (
            evidence
            for evidence, day in self._records(ctx)
            if day is None or young.holds(day, ctx.anchor) is not Truth.YES
        )
        return tuple(dict.fromkeys(found))

    def _records(self, ctx: Context) -> Iterator[tuple[Evidence, DateInterval | None]]:
        known = self.codes.match
        unknown = unidentified_procedures(ctx.record)
        for done in (*imaging(ctx.record, known), *visits(ctx.record, known), *unknown):
            yield done.evidence, done.day
        for drug in medications(ctx.record, self.codes.match):
            yield drug.evidence, drug.when
        for stated in statements(ctx.record, self.codes.match):
            days = [day for day in (stated.onset, stated.recorded, stated.ended) if day]
            first = min(days, key=lambda day: day.earliest, default=None)
            yield stated.evidence, None if stated.is_called_lasting else first
