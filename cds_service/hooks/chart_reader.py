"""Read the part of a chart that a call needs: prefetch first, then one wave of queries for the rest.

This module knows neither Flask nor HTTP; the source may be a FHIR server or a chart in memory.
"""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextvars import copy_context
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from enum import StrEnum

from cds_service.fhir_client.deadline import Deadline
from cds_service.fhir_client.search_bundle import Page
from cds_service.fhir_client.source import FhirSource, SearchResult, searches_of_call
from cds_service.hooks.draft_orders import DraftOrders
from cds_service.hooks.prefetch import prefetched
from cds_service.hooks.references import NeedsPayer, ordered_item_references, unresolved
from cds_service.hooks.request import HookRequest
from coverage_policies.format.searches import Search
from fhir_mappings.bundle import Entry
from fhir_mappings.bundle import entries as entries_of
from fhir_mappings.ownership import chart_server
from fhir_mappings.record import Availability, PatientRecord
from fhir_mappings.references import ReferenceIndex

_GRACE_SECONDS = 0.2
"""How long to wait after the deadline for queries that stop at it, to keep the entries that they have read."""

_BEST_TO_WORST = (Availability.COMPLETE, Availability.NOT_OFFERED, Availability.UNAVAILABLE)


class Origin(StrEnum):
    """The origin of a search result."""

    PREFETCH = "prefetch"
    QUERY = "query"
    BOTH = "prefetch and query"
    NOT_READ = "not read"


@dataclass(frozen=True, slots=True)
class SearchReport:
    """One search of a call: the origin of its result, the number of resources, and the availability."""

    search: Search
    origin: Origin
    found: int
    availability: Availability


@dataclass(frozen=True, slots=True)
class Chart:
    """The part of a chart that was read, and a report on each search."""

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
    max_prefetched: int,
    needs_payer: NeedsPayer = lambda _coverage, _payor: True,
) -> Chart:
    """Read the patient, the coverages, and the results of these searches: from prefetch, else from the source.

    A search without prefetch and without a source is UNAVAILABLE (its type is `unasked` if no template is for it), and
    so is one that is cut because the prefetch has more than `max_prefetched` resources. A resource type is as available
    as the worst of its searches; entries that were read are kept in any case. The references in them are resolved after
    them, those to payers if `needs_payer`. Returns shortly after the deadline at the latest.
    """
    pages = prefetched(request, searches_of_call(searches), max_prefetched)
    results = {search: SearchResult.of(page) if page else SearchResult() for search, page in pages.items()}
    queries = {search: page for search, page in pages.items() if page is None or page.next}
    if source is not None and queries:
        results |= _run_queries(request.patient_id, queries, source, deadline, threads)
    entries = [entry for result in results.values() for entry in result.entries]
    addresses = [address for result in results.values() for address in result.servers]
    if source is not None:
        addresses.append(source.address)
    server = chart_server(request.patient_id, addresses, entries)
    if source is not None:
        entries += _read(unresolved(entries, server, request.orders.judged, needs_payer), source, deadline, threads)
    availability: dict[str, Availability] = {}
    for search, result in results.items():
        known = availability.get(search.resource_type, Availability.COMPLETE)
        availability[search.resource_type] = max(known, result.availability, key=_BEST_TO_WORST.index)
    record = PatientRecord(
        request.patient_id,
        entries,
        read_at=read_at,
        zone=zone,
        availability=availability,
        unasked=_unasked(pages) if source is None else (),
        server=server,
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


def _unasked(pages: Mapping[Search, Page | None]) -> frozenset[str]:
    """Return the resource types that only a query reads: no template asked for them, and the client sent none."""
    asked = {search.resource_type for search, page in pages.items() if page is not None or search.in_prefetch}
    return frozenset(search.resource_type for search in pages) - asked


def _origin(page: Page | None, *, is_queried: bool) -> Origin:
    if page is None:
        return Origin.QUERY if is_queried else Origin.NOT_READ
    return Origin.BOTH if is_queried else Origin.PREFETCH


def resolve_ordered_items(
    request: HookRequest, source: FhirSource | None, deadline: Deadline, threads: int
) -> DraftOrders:
    """Resolve the codeReference or medicationReference of each judged order.

    Take the target from the draft orders, else from prefetch, else read it from the source.
    """
    orders = request.orders
    drafts = ReferenceIndex.of(orders.others + orders.judged)
    wanted = [name for name in ordered_item_references(orders.judged) if drafts.find(name) is None]
    if not wanted:
        return orders
    sent = ReferenceIndex.of(
        entry
        for value in request.prefetch.values()
        for entry in [("", value), *entries_of(value)]
        if _is_resource(entry)
    )
    found = {name: entry for name in wanted if (entry := sent.find(name)) is not None}
    read = [] if source is None else _read([n for n in wanted if n not in found], source, deadline, threads)
    return replace(orders, referenced=(*found.values(), *read))


def _is_resource(entry: Entry) -> bool:
    return isinstance(entry[1], dict) and isinstance(entry[1].get("resourceType"), str)


def _read(references: Sequence[str], source: FhirSource, deadline: Deadline, threads: int) -> list[Entry]:
    """Read references in parallel, until the deadline."""
    if not references:
        return []
    pool = ThreadPoolExecutor(min(threads, len(references)), thread_name_prefix="fhir")
    try:
        running = [pool.submit(copy_context().run, source.read, reference) for reference in references]
        wait(running, timeout=deadline.remaining() + _GRACE_SECONDS)
        return [entry for future in running if future.done() and (entry := future.result()) is not None]
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _run_queries(
    patient_id: str,
    queries: dict[Search, Page | None],
    source: FhirSource,
    deadline: Deadline,
    threads: int,
) -> dict[Search, SearchResult]:
    """Run queries in parallel, and return the results at the deadline; a query that still runs ends by itself."""
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
