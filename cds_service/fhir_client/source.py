"""Where a chart is read from: a FHIR server, a chart in memory, or whatever else can answer a search."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from cds_service.fhir_client.deadline import Deadline
from cds_service.fhir_client.search_bundle import Page
from coverage_policies.format.searches import Search
from fhir_mappings.record import Availability, Entry


@dataclass(frozen=True, slots=True)
class FhirAccess:
    """Where the chart can be read, and with what. `token` is empty for an open server and never leaves this call.

    `expires_in` is the seconds that the token lasts, `registered` the servers that its client may name, None where
    the client is not known.
    """

    server: str
    token: str = ""
    expires_in: float = math.inf
    registered: tuple[str, ...] | None = None

    def __repr__(self) -> str:
        return "FhirAccess()"


class PatientRead(Search):
    """The read of the patient, in the form of a search: its template and query are `Patient/{id}`."""

    __slots__ = ()

    def query(self, patient: str) -> str:
        """The read as a relative URL."""
        return f"Patient/{patient}"


PATIENT = PatientRead("Patient", "patient")
COVERAGE = Search("Coverage", "coverage", in_us_core=False)
"""Every coverage of the patient: US Core 6.1 has this search, US Core 3.1.1 does not have the type."""


def wanted(searches: Iterable[Search]) -> tuple[Search, ...]:
    """What a call reads: the patient, the coverages and these searches, one per prefetch key."""
    return tuple({search.key: search for search in (*searches, PATIENT, COVERAGE)}.values())


@dataclass(frozen=True, slots=True)
class SearchResult:
    """What a search found, and whether that is everything. What was read is kept even where the rest failed."""

    entries: tuple[Entry, ...] = ()
    availability: Availability = Availability.UNAVAILABLE

    @classmethod
    def of(cls, page: Page) -> "SearchResult":
        """What a page, or several put together, amounts to."""
        return cls(page.entries, Availability.COMPLETE if page.is_all else Availability.UNAVAILABLE)


class FhirSource(Protocol):
    """Answers searches about one patient. Never raises for what the other side does; safe to use from threads."""

    address: str
    """The base address that the chart's absolute references start with; empty where there is none."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of the answer must know of how the chart was read; no patient data."""

    def search(self, search: Search, patient_id: str) -> SearchResult:
        """Everything a search finds for a patient."""

    def follow(self, first: Page, search: Search, patient_id: str) -> SearchResult:
        """A first page of that search that came as prefetch, and the pages after it."""

    def read(self, reference: str) -> Entry | None:
        """The resource a reference points at; None where it is not here or could not be read."""


class FhirOpener(Protocol):
    """Opens the source that a call names, for the time of that call."""

    def __call__(self, access: FhirAccess, deadline: Deadline) -> FhirSource:
        """A source that stops reading at the deadline."""


class NothingToRead:
    """A source that may not be read, and why."""

    def __init__(self, address: str, why: str) -> None:
        self.address = address
        self.notes: tuple[str, ...] = (why,)

    def search(self, search: Search, patient_id: str) -> SearchResult:  # noqa: ARG002
        """Nothing, which is not to say that there is none."""
        return SearchResult()

    def follow(self, first: Page, search: Search, patient_id: str) -> SearchResult:  # noqa: ARG002
        """The first page, cut short."""
        return SearchResult.of(first)

    def read(self, reference: str) -> Entry | None:  # noqa: ARG002
        """Nothing."""
        return None
