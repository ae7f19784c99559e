"""A FHIR source whose searches are counted."""

from cds_service.fhir_client.deadline import Deadline
from cds_service.fhir_client.search_bundle import Page
from cds_service.fhir_client.source import FhirAccess, FhirOpener, FhirSource, SearchResult
from cds_service.observability.metrics import Metrics
from coverage_policies.format.searches import Search
from fhir_mappings.record import Availability, Entry

REFERENCES = "references"
"""What reads of what resources point at are counted under: the type stands in the chart, and could be any text."""


class CountedOpener:
    """Opens what another opener does, and counts what is asked of it."""

    def __init__(self, opener: FhirOpener, metrics: Metrics) -> None:
        self._opener = opener
        self._metrics = metrics

    def __call__(self, access: FhirAccess, deadline: Deadline) -> FhirSource:
        """A source that stops reading at the deadline."""
        return CountedSource(self._opener(access, deadline), self._metrics)


class CountedSource:
    """Another source, whose searches are counted when they end."""

    def __init__(self, source: FhirSource, metrics: Metrics) -> None:
        self.address = source.address
        self._source = source
        self._metrics = metrics

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of the answer must know."""
        return self._source.notes

    def search(self, search: Search, patient_id: str) -> SearchResult:
        """Everything a search finds for a patient."""
        return self._counted(search, self._source.search(search, patient_id))

    def follow(self, first: Page, search: Search, patient_id: str) -> SearchResult:
        """A first page of that search that came as prefetch, and the pages after it."""
        return self._counted(search, self._source.follow(first, search, patient_id))

    def read(self, reference: str) -> Entry | None:
        """The resource a reference points at."""
        found = self._source.read(reference)
        self._metrics.searched(REFERENCES, Availability.COMPLETE if found else Availability.UNAVAILABLE)
        return found

    def _counted(self, search: Search, result: SearchResult) -> SearchResult:
        self._metrics.searched(search.resource_type, result.availability)
        return result
