"""One patient's part of an export as the source of a review, with the export's shared resources behind it."""

from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from cds_service.fhir_client.memory import ChartInMemory, Store
from cds_service.fhir_client.source import SearchResult
from cds_service.population.bucket import ExportedPatient
from cds_service.population.shared import SharedResources
from coverage_policies.format.searches import Search
from fhir_mappings.bundle import Entry
from fhir_mappings.record import Availability

T = TypeVar("T")


class ExportedChart(ChartInMemory):
    """A FHIR source over one patient's resources.

    A type of which the whole export has no resource counts as not offered: nobody knows whether the export asked for
    it. A search of any other type is complete, unless a line of this chart was malformed.
    """

    def __init__(self, exported: ExportedPatient, offered: frozenset[str], shared: SharedResources) -> None:
        super().__init__(Store((("", each) for each in exported.resources), is_whole=exported.is_whole))
        self._offered = offered
        self._shared = shared

    def search(self, search: Search, patient_id: str) -> SearchResult:
        """Return what the chart has; nothing, as not offered, of a type that the export lacks."""
        if search.resource_type not in self._offered:
            return SearchResult((), Availability.NOT_OFFERED)
        return super().search(search, patient_id)

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
