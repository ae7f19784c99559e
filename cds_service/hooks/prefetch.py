"""The prefetch of a call, search by search."""

from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from cds_service.fhir_client.search_bundle import Page, page_of
from cds_service.hooks.request import HookRequest
from coverage_policies.format.searches import Search


def prefetched(request: HookRequest, searches: Iterable[Search], max_resources: int) -> Mapping[Search, Page | None]:
    """Return the prefetch of each search; None if it must be queried, because its key is missing or not usable.

    null means that the client has no data, an OperationOutcome that it failed (CDS Hooks 2.0.1, Prefetch Template). If
    there are more than `max_resources` in all, the largest searches are cut and count as not read completely.
    """
    pages = {search: _page(request, search) for search in searches}
    left = max_resources
    for search, page in sorted(pages.items(), key=lambda item: len(item[1].entries) if item[1] else 0):
        if page is None:
            continue
        if len(page.entries) > left:
            pages[search] = replace(page, entries=page.entries[:left], is_whole=False, next="")
        left = max(0, left - len(page.entries))
    return pages


def _page(request: HookRequest, search: Search) -> Page | None:
    if search.key not in request.prefetch:
        return None
    value = request.prefetch[search.key]
    return Page() if value is None else page_of(value, search.resource_type)
