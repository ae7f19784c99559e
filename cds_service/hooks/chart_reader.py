"""Reads the part of a chart that a call needs: prefetch first, one wave of queries for the rest.

This knows neither Flask nor HTTP; the source may be a FHIR server or a chart in memory.
"""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor, wait
from contextvars import copy_context
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from enum import StrEnum

from cds_service.fhir_client.deadline import Deadline
from cds_service.fhir_client.search_bundle import Page, page_of
from cds_service.fhir_client.source import FhirSource, SearchResult, searches_of_call
from cds_service.hooks.references import ordered_item_references, reference_keys, unresolved
from cds_service.hooks.request import DraftOrders, HookRequest
from coverage_policies.format.searches import Search
from fhir_mappings.record import Availability, Entry, PatientRecord
from fhir_mappings.record import entries as entries_of

_GRACE_SECONDS = 0.2
"""How long past the deadline is waited for queries that stop at it, so that what they had read is kept."""

_BEST_FIRST = (Availability.COMPLETE, Availability.NOT_OFFERED, Availability.UNAVAILABLE)


class Origin(StrEnum):
    """Where the result of a search came from."""

    PREFETCH = "prefetch"
    QUERY = "query"
    BOTH = "prefetch and query"
    NOWHERE = "not read"


@dataclass(frozen=True, slots=True)
class SearchReport:
    """One search of a call: where its result came from, how many resources it found, and how it went."""

    search: Search
    origin: Origin
    found: int
    availability: Availability


@dataclass(frozen=True, slots=True)
class Chart:
    """What was read of a chart, and a report on each search."""

    record: PatientRecord
    searches: tuple[SearchReport, ...]


def read_chart(
    request: HookRequest,
    searches: Iterable[Search],
    source: FhirSource | None,
    *,
    read_at: datetime,
    zone: tzinfo,
    deadline: Deadline,
    threads: int,
) -> Chart:
    """Read the patient, the coverages, and what these searches find: from prefetch, else from the source.

    A search without prefetch and without a source is unavailable. A resource type is as available as the worst of
    its searches; what was read is kept in any case. What the resources point at is read after them. Returns shortly
    after the deadline at the latest.
    """
    pages = {search: prefetched(request, search) for search in searches_of_call(searches)}
    results = {search: SearchResult.of(page) if page else SearchResult() for search, page in pages.items()}
    queries = {search: page for search, page in pages.items() if page is None or page.next}
    if source is not None and queries:
        results |= _wave(request.patient_id, queries, source, deadline, threads)
    entries = [entry for result in results.values() for entry in result.entries]
    if source is not None:
        entries += _referenced(entries, source, deadline, threads)
    availability: dict[str, Availability] = {}
    for search, result in results.items():
        known = availability.get(search.resource_type, Availability.COMPLETE)
        availability[search.resource_type] = max(known, result.availability, key=_BEST_FIRST.index)
    record = PatientRecord(
        request.patient_id,
        entries,
        read_at=read_at,
        zone=zone,
        availability=availability,
        server=source.address if source is not None else "",
        notes=source.notes if source is not None else (),
    )
    reports = (
        SearchReport(
            search,
            _origin(pages[search], is_queried=search in queries and source is not None),
            len(result.entries),
            result.availability,
        )
        for search, result in results.items()
    )
    return Chart(record, tuple(reports))


def _origin(page: Page | None, *, is_queried: bool) -> Origin:
    if page is None:
        return Origin.QUERY if is_queried else Origin.NOWHERE
    return Origin.BOTH if is_queried else Origin.PREFETCH


def prefetched(request: HookRequest, search: Search) -> Page | None:
    """What came under a search's key; None where it is to be queried: no such key, or nothing usable under it.

    null says that the client has nothing (CDS Hooks 2.0.1, Prefetch Template), an OperationOutcome that it failed.
    """
    if search.key not in request.prefetch:
        return None
    value = request.prefetch[search.key]
    return Page() if value is None else page_of(value, search.resource_type)


def resolve_ordered_items(
    request: HookRequest, source: FhirSource | None, deadline: Deadline, threads: int
) -> DraftOrders:
    """The orders of a call, with the devices and medications that judged ones point at instead of carrying a code.

    They are taken from the draft orders, from whatever came as prefetch, or read.
    """
    orders = request.orders
    named = set(ordered_item_references(orders.judged)) - {
        name for entry in orders.others + orders.judged for name in reference_keys(entry)
    }
    if not named:
        return orders
    sent = [entry for value in request.prefetch.values() for entry in [("", value), *entries_of(value)] if _is(entry)]
    found = [entry for entry in sent if named & set(reference_keys(entry))]
    left = tuple(sorted(named - {name for entry in found for name in reference_keys(entry)}))
    found += _read(left, source, deadline, threads) if source is not None else []
    return replace(orders, referenced=tuple(found))


def _is(entry: Entry) -> bool:
    return isinstance(entry[1], dict) and isinstance(entry[1].get("resourceType"), str)


def _referenced(entries: list[Entry], source: FhirSource, deadline: Deadline, threads: int) -> list[Entry]:
    """What the entries point at and do not hold."""
    return _read(unresolved(entries), source, deadline, threads)


def _read(references: tuple[str, ...], source: FhirSource, deadline: Deadline, threads: int) -> list[Entry]:
    """What these references lead to, read side by side until the deadline."""
    if not references:
        return []
    pool = ThreadPoolExecutor(min(threads, len(references)), thread_name_prefix="fhir")
    try:
        running = [pool.submit(copy_context().run, source.read, reference) for reference in references]
        wait(running, timeout=deadline.remaining() + _GRACE_SECONDS)
        return [entry for future in running if future.done() and (entry := future.result()) is not None]
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _wave(
    patient_id: str,
    queries: dict[Search, Page | None],
    source: FhirSource,
    deadline: Deadline,
    threads: int,
) -> dict[Search, SearchResult]:
    """What the queries, run side by side, had found at the deadline; one that goes on is left to end by itself."""
    pool = ThreadPoolExecutor(threads, thread_name_prefix="fhir")
    try:
        running = {
            search: pool.submit(copy_context().run, source.follow, page, search, patient_id)
            if page
            else pool.submit(copy_context().run, source.search, search, patient_id)
            for search, page in queries.items()
        }
        wait(running.values(), timeout=deadline.remaining() + _GRACE_SECONDS)
        return {search: future.result() for search, future in running.items() if future.done()}
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
