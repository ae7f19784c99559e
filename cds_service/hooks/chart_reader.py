"""Read the part of a chart that a call needs: prefetch first, then one wave of queries for the rest.

This module knows neither Flask nor HTTP; the source may be a FHIR server or a chart in memory.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import wait
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from enum import StrEnum
from functools import partial
from typing import TypeAlias

from msgspec import Struct

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
from fhir_mappings.order_terms import OrderTerms
from fhir_mappings.ownership import chart_server
from fhir_mappings.record import Availability, PatientRecord
from fhir_mappings.references import ChartServer, ReferenceIndex

Waiting: TypeAlias = Callable[[], AbstractContextManager[None]]
"""Makes a context around a wait for the source, in which other calls may go on."""

_Query: TypeAlias = Callable[[], SearchResult]

_GRACE_SECONDS = 0.2
"""How long to wait after the deadline for queries that stop at it, to keep the entries that they have read."""

_BEST_TO_WORST = (Availability.COMPLETE, Availability.NOT_OFFERED, Availability.UNAVAILABLE)


class Origin(StrEnum):
    """The origin of a search result."""

    PREFETCH = "prefetch"
    QUERY = "query"
    BOTH = "prefetch and query"
    NOT_READ = "not read"


class SearchReport(Struct, frozen=True):
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
    terms: OrderTerms,
    deadline: Deadline,
    max_prefetched: int,
    needs_payer: NeedsPayer = lambda _coverage, _payor: True,
    ordered_items: Iterable[str] = (),
    waiting: Waiting = nullcontext,
) -> Chart:
    """Read the patient, the coverages, and the results of these searches: from prefetch, else from the source.

    A search without prefetch and without a source is UNAVAILABLE (its type is `unasked` if no template is for it), and
    so is one that is cut because the prefetch has more than `max_prefetched` resources. A resource type is as available
    as the worst of its searches; entries that were read are kept in any case. The references in the orders and in the
    prefetch are read beside the searches, with those to `ordered_items`, which are no part of the chart; references in
    what the searches find are read after them; those to payers if `needs_payer`. Returns shortly after the deadline at
    the latest.
    """
    pages = prefetched(request, searches_of_call(searches), max_prefetched)
    results = {search: SearchResult.of(page) if page else SearchResult() for search, page in pages.items()}
    queries = {search: page for search, page in pages.items() if source is not None and (page is None or page.next)}
    entries, server = _joined(request, results.values(), source)
    if source is not None:
        follows_roles = any(search.follows_roles for search in pages)
        missing = unresolved(entries, server, request.orders.judged, needs_payer, follows_roles=follows_roles)
        wave = _searches(queries, request.patient_id, source) | _reads((*missing, *ordered_items), source)
        found = _run(wave, source, deadline, waiting)
        if queries:
            results |= {search: found[search] for search in queries if search in found}
            entries, server = _joined(request, results.values(), source)
            missing = unresolved(entries, server, request.orders.judged, needs_payer, follows_roles=follows_roles)
            later = _reads((each for each in missing if each not in wave), source)
            found |= _run(later, source, deadline, waiting)
        entries += [entry for each in missing if each in found for entry in found[each].entries]
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
        terms=terms,
        unasked=_unasked(pages, request.prefetch_keys) if source is None else (),
        server=server,
        notes=source.notes if source is not None else (),
    )
    reports = (
        SearchReport(
            search,
            _origin(pages[search], is_queried=search in queries),
            len(result.entries),
            result.availability,
        )
        for search, result in results.items()
    )
    return Chart(record, tuple(reports))


def _joined(
    request: HookRequest, results: Collection[SearchResult], source: FhirSource | None
) -> tuple[list[Entry], ChartServer]:
    """Return the entries of all results, and the server that they are from."""
    entries = [entry for result in results for entry in result.entries]
    addresses = [*request.chart_servers, *(address for result in results for address in result.servers)]
    if source is not None:
        addresses.append(source.address)
    return entries, chart_server(request.patient_id, addresses, entries)


def _unasked(pages: Mapping[Search, Page | None], keys: frozenset[str] | None) -> frozenset[str]:
    """Return the resource types that only a query reads: no template asked for them, and the client sent none."""

    def is_asked(search: Search) -> bool:
        return search.in_prefetch if keys is None else search.key in keys

    asked = {search.resource_type for search, page in pages.items() if page is not None or is_asked(search)}
    return frozenset(search.resource_type for search in pages) - asked


def _origin(page: Page | None, *, is_queried: bool) -> Origin:
    if page is None:
        return Origin.QUERY if is_queried else Origin.NOT_READ
    return Origin.BOTH if is_queried else Origin.PREFETCH


def resolve_ordered_items(request: HookRequest) -> tuple[DraftOrders, tuple[str, ...]]:
    """Resolve the codeReference or medicationReference of each judged order, among the draft orders and the prefetch.

    Return the orders, and the references whose targets were not sent.
    """
    orders = request.orders
    drafts = ReferenceIndex.of(orders.others + orders.judged)
    wanted = [name for name in ordered_item_references(orders.judged) if drafts.find(name) is None]
    if not wanted:
        return orders, ()
    sent = sent_resources(request)
    found = {name: entry for name in wanted if (entry := sent.find(name)) is not None}
    missing = tuple(name for name in wanted if name not in found)
    return replace(orders, referenced=tuple(found.values())), missing


def sent_resources(request: HookRequest) -> ReferenceIndex[Entry]:
    """Return every resource in the prefetch, by all its names."""
    return ReferenceIndex.of(
        entry
        for value in request.prefetch.values()
        for entry in [("", value), *entries_of(value)]
        if _is_resource(entry)
    )


def read_ordered_items(
    orders: DraftOrders, references: Iterable[str], source: FhirSource, deadline: Deadline, waiting: Waiting
) -> DraftOrders:
    """Return the orders with the targets of these references, as far as the source has them."""
    read = read_targets(references, source, deadline, waiting)
    return replace(orders, referenced=(*orders.referenced, *read.values()))


def read_targets(
    references: Iterable[str], source: FhirSource, deadline: Deadline, waiting: Waiting
) -> dict[str, Entry]:
    """Return the targets of references by reference, as far as the source has them, read in one wave."""
    read = _run(_reads(references, source), source, deadline, waiting)
    return {str(reference): found.entries[0] for reference, found in read.items() if found.entries}


def _is_resource(entry: Entry) -> bool:
    return isinstance(entry[1], dict) and isinstance(entry[1].get("resourceType"), str)


def _searches(queries: Mapping[Search, Page | None], patient_id: str, source: FhirSource) -> dict[Search | str, _Query]:
    """Return what runs each search, or reads the pages after the one that was prefetched."""
    return {
        search: partial(source.follow, page, search, patient_id) if page else partial(source.search, search, patient_id)
        for search, page in queries.items()
    }


def _reads(references: Iterable[str], source: FhirSource) -> dict[Search | str, _Query]:
    """Return what reads the target of each reference."""
    return {reference: partial(_read, reference, source) for reference in references}


def _read(reference: str, source: FhirSource) -> SearchResult:
    found = source.read(reference)
    return SearchResult((found,) if found is not None else ())


def _run(
    queries: Mapping[Search | str, _Query], source: FhirSource, deadline: Deadline, waiting: Waiting
) -> dict[Search | str, SearchResult]:
    """Run queries in parallel, and return the results at the deadline; a query that still runs ends by itself."""
    if not queries:
        return {}
    running = {key: source.start(query) for key, query in queries.items()}
    with waiting():
        wait(running.values(), timeout=deadline.remaining() + _GRACE_SECONDS)
    return {key: future.result() for key, future in running.items() if not future.cancel() and future.done()}
