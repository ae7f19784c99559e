"""A FHIR source that is asked for nothing twice."""

from cds_service.fhir_client.forwarding_source import ForwardingSource
from cds_service.fhir_client.search_bundle import Page
from cds_service.fhir_client.source import FhirSource, SearchResult
from coverage_policies.format.searches import Search
from fhir_mappings.bundle import Entry


class ReadOnce(ForwardingSource):
    """Another source, for the duration of one call: what was read of it before is answered from memory."""

    def __init__(self, source: FhirSource) -> None:
        super().__init__(source)
        self._found: dict[Search, SearchResult] = {}
        self._targets: dict[str, Entry | None] = {}

    def search(self, search: Search, patient_id: str) -> SearchResult:
        """Search, unless this was searched before."""
        if search not in self._found:
            self._found[search] = super().search(search, patient_id)
        return self._found[search]

    def follow(self, first: Page, search: Search, patient_id: str) -> SearchResult:
        """Read the pages after a prefetched first page, unless they were read before."""
        if search not in self._found:
            self._found[search] = super().follow(first, search, patient_id)
        return self._found[search]

    def read(self, reference: str) -> Entry | None:
        """Read the target of a reference, unless it was read before."""
        if reference not in self._targets:
            self._targets[reference] = super().read(reference)
        return self._targets[reference]
