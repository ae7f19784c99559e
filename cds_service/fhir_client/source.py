"""The source of a chart: a FHIR server, a chart in memory, or anything else that answers searches."""

import math
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Protocol, TypeVar

from msgspec import Struct

from cds_service.fhir_client.deadline import Deadline
from cds_service.fhir_client.search_bundle import Page
from cds_service.fhir_client.server_answers import Failure, ServerAnswers
from coverage_policies.format.searches import PATIENT, Search
from fhir_mappings.bundle import Entry
from fhir_mappings.record import Availability

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class FhirAccess:
    """The FHIR server of a call and the token for it.

    `token` is empty for an open server, and is used for this call only. `expires_in` is its lifetime in seconds.
    `registered` lists the servers that the client may name; it is None if the client is unknown. `token_fault` says why
    a token that was sent is not used, `token_deviations` what about it is not as CDS Hooks wants it; empty if nothing.
    """

    server: str
    token: str = ""
    expires_in: float = math.inf
    registered: tuple[str, ...] | None = None
    token_fault: str = ""
    token_deviations: tuple[str, ...] = ()

    @property
    def notes(self) -> tuple[str, ...]:
        """Return the note about a token that is not used."""
        return (f"The access token of the call was not used: {self.token_fault}.",) if self.token_fault else ()

    def __repr__(self) -> str:
        return "FhirAccess()"


COVERAGE = Search("Coverage", "coverage", in_us_core=False)
"""Every coverage of the patient; in US Core since 6.1, while 3.1.1 lacks the resource type."""


def searches_of_call(searches: Iterable[Search]) -> tuple[Search, ...]:
    """Return everything that a call reads: these searches, the patient, and the coverages, one per prefetch key."""
    return tuple({search.key: search for search in (*searches, PATIENT, COVERAGE)}.values())


class SearchResult(Struct, frozen=True):
    """What a search found, and whether that is everything. A partial result keeps the entries that were read.

    `servers` are the base addresses under which the server knows itself.
    """

    entries: tuple[Entry, ...] = ()
    availability: Availability = Availability.UNAVAILABLE
    servers: tuple[str, ...] = ()

    @classmethod
    def of(cls, page: Page) -> "SearchResult":
        """Return the result in a page, or in several pages joined to one."""
        availability = Availability.COMPLETE if page.is_complete else Availability.UNAVAILABLE
        return cls(page.entries, availability, page.servers)


class FhirSource(Protocol):
    """A source that answers searches about one patient. Thread-safe; never raises for anything a server does."""

    address: str
    """The base address of the chart's absolute references; empty if there is none."""

    @property
    def notes(self) -> tuple[str, ...]:
        """Return what the reader of the answer must know about how the chart was read; never patient data."""

    @property
    def answers(self) -> Mapping[str, tuple[str, ...]]:
        """Return what the server answered to each request so far, in a few words, by the key of the search."""

    def search(self, search: Search, patient_id: str) -> SearchResult:
        """Return everything that a search finds for a patient."""

    def follow(self, first: Page, search: Search, patient_id: str) -> SearchResult:
        """Return a first page of the search that was prefetched, and the pages after it."""

    def read(self, reference: str) -> Entry | None:
        """Return the resource that a reference points at; None if it is not here or could not be read."""

    def start(self, query: Callable[[], T]) -> "Future[T]":
        """Run a query of this source beside others, and return its result to be."""


class FhirOpener(Protocol):
    """A function that opens the source of a call for the duration of that call."""

    def __call__(self, access: FhirAccess, deadline: Deadline) -> FhirSource:
        """Return a source that stops reading at the deadline."""


class UnreadableSource:
    """A source that may not be read; its notes say why."""

    def __init__(self, address: str, notes: tuple[str, ...]) -> None:
        self.address = address
        self.notes = notes
        self._answers = ServerAnswers()

    @property
    def answers(self) -> Mapping[str, tuple[str, ...]]:
        """Return that nothing was asked, by the key of the search."""
        return self._answers.by_key()

    def search(self, search: Search, patient_id: str) -> SearchResult:  # noqa: ARG002
        """Return no entries, as unavailable."""
        self._answers.add(search.key, Failure.NOT_ALLOWED.value)
        return SearchResult()

    def follow(self, first: Page, search: Search, patient_id: str) -> SearchResult:  # noqa: ARG002
        """Return the first page; unavailable if others follow."""
        self._answers.add(search.key, Failure.NOT_ALLOWED.value)
        return SearchResult.of(first)

    def read(self, reference: str) -> Entry | None:  # noqa: ARG002
        """Return None."""
        return None

    def start(self, query: Callable[[], T]) -> "Future[T]":
        """Run a query at once, which asks nobody."""
        future: Future[T] = Future()
        future.set_result(query())
        return future
