"""What a chart says was taken of opioids: the treatments as spans with their ends, and the hospital orders."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from fhir_mappings.opioids.acute import with_acute_courses
from fhir_mappings.opioids.bounds import common_scale, hospital, most
from fhir_mappings.opioids.ends import spans
from fhir_mappings.opioids.series import Piece
from fhir_mappings.opioids.sources import OpioidResource
from fhir_mappings.opioids.spans import Span
from fhir_mappings.opioids.treatments import OpioidChart, read_opioids
from fhir_mappings.record import PatientRecord

MAX_LINES = 500
"""The most opioid resources to evaluate; the work grows with their square if all of them are of one time."""
MAX_INSTRUCTIONS = 1_000
"""The most dosage instructions that these resources may have together."""


@dataclass(frozen=True, slots=True)
class History:
    """The treatments at home, each with its end, and the whole chart. Doses are in units of 1/`scale` MME."""

    chart: OpioidChart
    taken: tuple[Span, ...]
    scale: int

    def most(self) -> list[Piece]:
        """Return the upper bound of each day: at home, until a record ends it, and in the hospital."""
        return [*most(self.taken, self.scale), *hospital(self.chart.in_hospital, self.scale)]


def are_too_many(found: Sequence[OpioidResource]) -> bool:
    """Return whether there is more than can be evaluated in time."""
    return len(found) > MAX_LINES or sum(1 for source in found for _ in source.dosages) > MAX_INSTRUCTIONS


def read_history(record: PatientRecord, found: Sequence[OpioidResource], as_of: date, look_back_first: date) -> History:
    """Return what was taken by these resources, as known on `as_of`, with a look-back from `look_back_first` on."""
    chart = read_opioids(record, found, as_of)
    taken = tuple(spans(with_acute_courses(chart.treatments), chart.denials, look_back_first))
    return History(chart, taken, common_scale(taken, chart.in_hospital))
