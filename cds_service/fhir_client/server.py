"""A FHIR R4 server read over HTTP, bounded in time, pages, and bytes.

The token goes only to the server that the client named: the service follows no redirect, and a next page must lie under
the same base address (CDS Hooks 2.0.1, FHIR Resource Access).
"""

import re
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from urllib.parse import quote

from cds_service.fhir_client.allowlist import origin_of
from cds_service.fhir_client.bounded_requests import Allowance, BoundedRequests
from cds_service.fhir_client.circuit_breaker import CircuitBreakers
from cds_service.fhir_client.next_page import NextPageRefusedError, next_page
from cds_service.fhir_client.query_threads import QueryThreads
from cds_service.fhir_client.search_bundle import Page, has_issue_code, page_of
from cds_service.fhir_client.search_forms import SearchForm, search_forms
from cds_service.fhir_client.server_answers import Failure, ServerAnswers
from cds_service.fhir_client.source import FhirAccess, SearchResult
from cds_service.settings import Settings
from coverage_policies.format.searches import PatientRead, Search
from fhir_mappings.bundle import Entry
from fhir_mappings.codings import items
from fhir_mappings.fhir_json import Json
from fhir_mappings.record import Availability
from fhir_mappings.references import address_of, server_of

_RELATIVE = re.compile(r"[A-Z][A-Za-z]+/[A-Za-z0-9.-]{1,64}\Z")
_NOT_SUPPORTED_STATUSES = (400, 403, 405, 422, 501)
_REFUSED_FORM_STATUSES = (400, 404, 405, 414, 422, 501)
"""The statuses with which a server may refuse one form of a search and answer another."""
METADATA, REFERENCES = "metadata", "references"
"""The keys of the answers to the requests that are no search."""
_TOO_MANY = "too many resources"
_PRIVATE_ADDRESS = "it has a private address; register the server by its full address, or set CDS_FHIR_PRIVATE_NETWORKS"


def unread_note(reason: str) -> str:
    """Return the note that a FHIR server was not read."""
    return f"The FHIR server was not read: {reason}."


@dataclass(frozen=True, slots=True)
class _Answer:
    """The result of one query, and the status and body of its first page."""

    result: SearchResult
    status: int
    body: Json

    @property
    def is_refused(self) -> bool:
        """Return whether the server may answer another form of the query."""
        is_not_supported = self.status in _NOT_SUPPORTED_STATUSES and has_issue_code(self.body, "not-supported")
        return self.status in _REFUSED_FORM_STATUSES or is_not_supported


class FhirServer:
    """One FHIR server for the duration of one call. Never raises for anything that the server does."""

    def __init__(
        self,
        access: FhirAccess,
        getter: BoundedRequests,
        circuits: CircuitBreakers,
        threads: QueryThreads,
        settings: Settings,
        warn: Callable[..., None],
    ) -> None:
        self.address = access.server
        self._access_notes = access.notes
        self._getter = getter
        self._circuits = circuits
        self.start = threads.start
        self._settings = settings
        self._warn = warn
        self._answers = ServerAnswers()
        self._resources = Allowance(settings.max_call_resources)
        self._metadata_lock = threading.Lock()
        self._metadata: _Metadata | None = None
        self._state_lock = threading.Lock()
        self._has_failed = False
        self._is_refused = False
        self._refused_pages: dict[str, None] = {}
        """The reasons, in the order in which they came up."""

    @property
    def notes(self) -> tuple[str, ...]:
        """Return notes on a server that the address guard refused, on a token not used, and on pages not read."""
        with self._state_lock:
            pages = tuple(f"A next page of the FHIR server was not read: {why}." for why in self._refused_pages)
        return ((unread_note(_PRIVATE_ADDRESS),) if self._is_refused else ()) + self._access_notes + pages

    @property
    def answers(self) -> Mapping[str, tuple[str, ...]]:
        """Return what the server answered so far, by the prefetch key of the search."""
        return self._answers.by_key()

    def search(self, search: Search, patient_id: str) -> SearchResult:
        """Return everything the server has for a search, over all its pages.

        If the server refuses the usual form of the search, try others. If it refuses all, the result is NOT_OFFERED if
        its CapabilityStatement lacks the type, or, for a type outside US Core, if it was not found or refused with the
        issue code `not-supported`. It is UNAVAILABLE for any other failure.
        """
        patient = quote(patient_id, safe="")
        if isinstance(search, PatientRead):
            return self._query(search, search, patient).result
        for form in search_forms(search):
            answer = self._in_form(form, search, patient)
            if answer.status == 200:
                return answer.result
            if self._does_not_offer(search, answer):
                return SearchResult((), Availability.NOT_OFFERED)
            if not answer.is_refused or (answer.status == 404 and not self._read_metadata().is_there):
                break
        return SearchResult()

    def follow(self, first: Page, search: Search, patient_id: str) -> SearchResult:  # noqa: ARG002
        """Return a prefetched first page and the pages after it."""
        return self._follow_pages(first, search, f"{self.address}/")

    def read(self, reference: str) -> Entry | None:
        """Read the target of a reference that is relative or on this server, however written; None if it fails."""
        target = address_of(reference)
        relative = target.name
        if target.base not in ("", server_of(self.address)) or not _RELATIVE.match(relative):
            return None
        url = f"{self.address}/{relative}"
        status, body = self._get(url, REFERENCES)
        is_it = status == 200 and isinstance(body, dict) and body.get("resourceType") == relative.split("/")[0]
        return (url, body) if is_it else None

    def _in_form(self, form: SearchForm, search: Search, patient: str) -> _Answer:
        """Run the queries of a form: the first, and if the server answers it, the others in parallel."""
        first = self._query(form.queries[0], search, patient)
        others = form.queries[1:]
        if first.status != 200:
            return first
        answers = [first]
        if others:
            with ThreadPoolExecutor(min(len(others), self._settings.query_threads), "fhir") as pool:
                running = [pool.submit(copy_context().run, self._query, each, search, patient) for each in others]
                answers += [future.result() for future in running]
        results = [answer.result for answer in answers]
        is_whole = form.is_whole and all(result.availability is Availability.COMPLETE for result in results)
        found = SearchResult(
            form.kept(tuple(entry for result in results for entry in result.entries)),
            Availability.COMPLETE if is_whole else Availability.UNAVAILABLE,
            tuple(dict.fromkeys(server for result in results for server in result.servers)),
        )
        return _Answer(found, first.status, first.body)

    def _query(self, query: Search, search: Search, patient: str) -> _Answer:
        """Run one query of a search, over all its pages; nothing if its first page exceeds the limit of the call."""
        url = f"{self.address}/{query.query(patient)}"
        status, body = self._get(url, search.key)
        page = page_of(body, search.resource_type) if status == 200 else None
        if page is None:
            return _Answer(SearchResult(), status, body)
        if not self._resources.take(len(page.entries)):
            self._answers.add(search.key, _TOO_MANY)
            return _Answer(SearchResult(), status, body)
        return _Answer(self._follow_pages(page, search, url), status, body)

    def _follow_pages(self, page: Page, search: Search, url: str) -> SearchResult:
        seen = {url}
        while page.next:
            try:
                url = next_page(self.address, url, page.next)
            except NextPageRefusedError as error:
                self._refuse_page(search, error)
                break
            if url in seen or len(seen) >= self._settings.max_pages:
                self._answers.add(search.key, "next page read before" if url in seen else "too many pages")
                break
            seen.add(url)
            status, body = self._get(url, search.key)
            following = page_of(body, search.resource_type) if status == 200 else None
            if following is None:
                break
            if not self._resources.take(len(following.entries)):
                self._answers.add(search.key, _TOO_MANY)
                break
            page = page.extended_by(following)
        return SearchResult.of(page)

    def _does_not_offer(self, search: Search, answer: _Answer) -> bool:
        if not 400 <= answer.status < 500 and not answer.is_refused:
            return False
        if not search.in_us_core:
            is_not_supported = answer.is_refused and has_issue_code(answer.body, "not-supported")
            if answer.status == 404 or is_not_supported:
                return True
        elif not answer.is_refused:
            return False
        types = self._read_metadata().types
        return bool(types) and search.resource_type not in types

    def _read_metadata(self) -> "_Metadata":
        """Return what the server's CapabilityStatement says, read once per call."""
        with self._metadata_lock:
            if self._metadata is None:
                status, body = self._get(f"{self.address}/metadata", METADATA)
                rest_entries = items(body.get("rest")) if status == 200 and isinstance(body, dict) else ()
                types = frozenset(
                    resource["type"]
                    for rest in rest_entries
                    for resource in items(rest.get("resource"))
                    if isinstance(resource.get("type"), str)
                )
                self._metadata = _Metadata(status == 200, types)
            return self._metadata

    def _get(self, url: str, key: str) -> tuple[int, Json]:
        """Return status and parsed body: None if it is not JSON, status 0 if no complete response arrived."""
        if self._is_refused:
            self._answers.add(key, Failure.ADDRESS_REFUSED.value)
            return 0, None
        counts_if_it_fails = self._getter.has_fair_time
        response = self._getter.get(url)
        self._answers.add(key, response.answer)
        if response.failure is Failure.ADDRESS_REFUSED:
            self._refuse()
        elif response.is_server_up:
            self._circuits.answered(self.address)
        elif response.retry_after is not None:
            self._circuits.retry_after(self.address, response.retry_after)
        elif counts_if_it_fails:
            self._count_failure()
        return response.status, response.body

    def _refuse(self) -> None:
        with self._state_lock:
            if self._is_refused:
                return
            self._is_refused = True
        self._warn("FHIR server not read", reason=_PRIVATE_ADDRESS, server=origin_of(self.address))

    def _refuse_page(self, search: Search, error: NextPageRefusedError) -> None:
        """Note a next page that is not read; log the first for each reason."""
        self._answers.add(search.key, "next page refused")
        why = str(error)
        with self._state_lock:
            is_known = why in self._refused_pages
            self._refused_pages[why] = None
        if not is_known:
            pages = {"server": origin_of(self.address), "next_page": error.origin}
            self._warn("next page not read", reason=why, search=search.resource_type, **pages)

    def _count_failure(self) -> None:
        with self._state_lock:
            if self._has_failed:
                return
            self._has_failed = True
        self._circuits.failed(self.address)


@dataclass(frozen=True, slots=True)
class _Metadata:
    """Whether a server has a CapabilityStatement, and the resource types in it."""

    is_there: bool
    types: frozenset[str]
