"""A FHIR source that is asked for nothing twice."""

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import TypeVar

from cds_service.fhir_client.search_bundle import Page
from cds_service.fhir_client.source import FhirSource, SearchResult
from coverage_policies.format.searches import Search
from fhir_mappings.bundle import Entry

T = TypeVar("T")


class ReadOnce:
    """Another source, for the duration of one call: what was read of it before is answered from memory."""

    def __init__(self, source: FhirSource) -> None:
        self.address = source.address
        self._source = source
        self._found: dict[Search, SearchResult] = {}
        self._targets: dict[str, Entry | None] = {}

    @property
    def notes(self) -> tuple[str, ...]:
        """The notes of the other source."""
        return self._source.notes

    @property
    def answers(self) -> Mapping[str, tuple[str, ...]]:
        """The answers to the other source."""
        return self._source.answers

    def search(self, search: Search, patient_id: str) -> SearchResult:
        """Search, unless this was searched before."""
        if search not in self._found:
            self._found[search] = self._source.search(search, patient_id)
        return self._found[search]

    def follow(self, first: Page, search: Search, patient_id: str) -> SearchResult:
        """Read the pages after a prefetched first page, unless they were read before."""
        if search not in self._found:
            self._found[search] = self._source.follow(first, search, patient_id)
        return self._found[search]

    def read(self, reference: str) -> Entry | None:
        """Read the target of a reference, unless it was read before."""
        if reference not in self._targets:
            self._targets[reference] = self._source.read(reference)
        return self._targets[reference]

    def start(self, query: Callable[[], T]) -> "Future[T]":
        """Run a query as the other source does."""
        return self._source.start(query)
