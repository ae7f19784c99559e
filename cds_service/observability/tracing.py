"""Traces: spans of calls, searches, judging, and writes. They hold what the log holds, and nothing of a patient.

Only a service with `CDS_TRACES_URL` has a `Tracing`; without one nothing here runs during a call.
"""

from contextlib import AbstractContextManager
from typing import Protocol

from cds_service.fhir_client.deadline import Deadline
from cds_service.fhir_client.forwarding_source import ForwardingSource
from cds_service.fhir_client.search_bundle import Page
from cds_service.fhir_client.source import FhirAccess, FhirOpener, FhirSource, SearchResult
from coverage_policies.format.searches import Search
from fhir_mappings.bundle import Entry


class Span(Protocol):
    """A span that has begun."""

    def note(self, **attributes: str | int) -> None:
        """Add attributes. Their values are our own words, counts, and ids; never a value of a chart."""

    def fail(self) -> None:
        """Mark the span as failed."""


class Tracing(Protocol):
    """Makes spans. Safe to use from several threads."""

    def span(self, name: str) -> AbstractContextManager[Span]:
        """Begin a span inside that of the context, and end it with the `with` block.

        One that an exception leaves is marked as failed, without the exception: its message may quote a chart.
        """


class TracedSource(ForwardingSource):
    """Makes a span of each search and read of another source."""

    def __init__(self, source: FhirSource, tracing: Tracing) -> None:
        super().__init__(source)
        self._tracing = tracing

    def search(self, search: Search, patient_id: str) -> SearchResult:
        """Search in a span."""
        with self._tracing.span("search") as span:
            return _noted(span, search, super().search(search, patient_id))

    def follow(self, first: Page, search: Search, patient_id: str) -> SearchResult:
        """Read the pages after a prefetched first page in a span."""
        with self._tracing.span("search") as span:
            return _noted(span, search, super().follow(first, search, patient_id))

    def read(self, reference: str) -> Entry | None:
        """Read the resource of a reference in a span, which does not say of what type it is: the chart does."""
        with self._tracing.span("read") as span:
            found = super().read(reference)
            span.note(found=int(found is not None))
            return found


class TracedOpener:
    """Opens FHIR servers as another opener does, each as a `TracedSource`."""

    def __init__(self, opener: FhirOpener, tracing: Tracing) -> None:
        self._opener = opener
        self._tracing = tracing

    def __call__(self, access: FhirAccess, deadline: Deadline) -> FhirSource:
        """Open the server of a call."""
        return TracedSource(self._opener(access, deadline), self._tracing)


def _noted(span: Span, search: Search, result: SearchResult) -> SearchResult:
    span.note(resource_type=search.resource_type, result=result.availability.value, entries=len(result.entries))
    return result
