"""A FHIR source that counts its searches."""

from cds_service.fhir_client.forwarding_source import ForwardingSource
from cds_service.fhir_client.search_bundle import Page
from cds_service.fhir_client.source import FhirSource, SearchResult
from cds_service.observability.metrics import Metrics
from coverage_policies.format.searches import Search
from fhir_mappings.bundle import Entry
from fhir_mappings.record import Availability

REFERENCES = "references"
"""The label for reads of referenced resources: their type comes from the chart and could be any text."""


class CountedSource(ForwardingSource):
    """Counts the searches and reads of another source when they end."""

    def __init__(self, source: FhirSource, metrics: Metrics) -> None:
        super().__init__(source)
        self._metrics = metrics

    def search(self, search: Search, patient_id: str) -> SearchResult:
        """Search, and count the search by type and result."""
        return self._counted(search, super().search(search, patient_id))

    def follow(self, first: Page, search: Search, patient_id: str) -> SearchResult:
        """Read the pages after a prefetched first page, and count that as one search."""
        return self._counted(search, super().follow(first, search, patient_id))

    def read(self, reference: str) -> Entry | None:
        """Read the resource of a reference, and count the read."""
        found = super().read(reference)
        self._metrics.count_query(REFERENCES, Availability.COMPLETE if found else Availability.UNAVAILABLE)
        return found

    def _counted(self, search: Search, result: SearchResult) -> SearchResult:
        self._metrics.count_query(search.resource_type, result.availability)
        return result
