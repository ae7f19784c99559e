"""A FHIR source that passes everything on to another one."""

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import TypeVar

from cds_service.fhir_client.search_bundle import Page
from cds_service.fhir_client.source import FhirSource, SearchResult
from coverage_policies.format.searches import Search
from fhir_mappings.bundle import Entry

T = TypeVar("T")


class ForwardingSource:
    """Passes everything on to another source; a subclass overrides what it changes."""

    def __init__(self, source: FhirSource) -> None:
        self.address = source.address
        self._source = source

    @property
    def notes(self) -> tuple[str, ...]:
        """The notes of the other source."""
        return self._source.notes

    @property
    def answers(self) -> Mapping[str, tuple[str, ...]]:
        """The answers to the other source."""
        return self._source.answers

    def search(self, search: Search, patient_id: str) -> SearchResult:
        """Search the other source."""
        return self._source.search(search, patient_id)

    def follow(self, first: Page, search: Search, patient_id: str) -> SearchResult:
        """Read the pages after a prefetched first page."""
        return self._source.follow(first, search, patient_id)

    def read(self, reference: str) -> Entry | None:
        """Read the target of a reference."""
        return self._source.read(reference)

    def start(self, query: Callable[[], T]) -> "Future[T]":
        """Run a query as the other source does."""
        return self._source.start(query)
