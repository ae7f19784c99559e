"""One patient's part of an export as the source of a review, with the export's shared resources behind it."""

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Self, TypeVar

from msgspec import structs

from cds_service.fhir_client.memory import ChartInMemory, Store
from cds_service.fhir_client.source import SearchResult
from cds_service.population.bucket import ExportedPatient
from cds_service.population.shared import SharedResources
from cds_service.population.split import SplitReport
from coverage_policies.format.searches import Search
from fhir_mappings.bundle import Entry
from fhir_mappings.record import Availability

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ExportedTypes:
    """The resource types of an export: those that it has, and those of which a line may be any patient's."""

    offered: frozenset[str] = frozenset()
    incomplete: frozenset[str] = frozenset()

    @classmethod
    def of(cls, report: SplitReport) -> Self:
        """Return the types that a split found."""
        return cls(frozenset(report.kinds), frozenset(report.incomplete))


class ExportedChart(ChartInMemory):
    """A FHIR source over one patient's resources.

    A type of which the whole export has no resource counts as not offered: nobody knows whether the export asked for
    it. A search of any other type is complete, unless a line of this chart was malformed, or a line of that type may
    be any patient's.
    """

    def __init__(self, exported: ExportedPatient, types: ExportedTypes, shared: SharedResources) -> None:
        super().__init__(Store((("", each) for each in exported.resources), is_whole=exported.is_whole))
        self._types = types
        self._shared = shared

    def search(self, search: Search, patient_id: str) -> SearchResult:
        """Return what the chart has; nothing, as not offered, of a type that the export lacks."""
        if search.resource_type not in self._types.offered:
            return SearchResult((), Availability.NOT_OFFERED)
        found = super().search(search, patient_id)
        if search.resource_type in self._types.incomplete:
            return structs.replace(found, availability=Availability.UNAVAILABLE)
        return found

    def read(self, reference: str) -> Entry | None:
        """Return the target of a reference, in the chart or among the shared resources; None if neither has it."""
        found = super().read(reference)
        if found is None and (shared := self._shared.read(reference)) is not None:
            return "", shared
        return found

    def start(self, query: Callable[[], T]) -> "Future[T]":
        """Run a query at once: it waits for nobody, and a thread would cost more than it."""
        future: Future[T] = Future()
        future.set_result(query())
        return future
