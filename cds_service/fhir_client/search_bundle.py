"""One page of search results, from a prefetch value or a FHIR server's response.

A search proves absence only if it was read whole, so a page counts what it may hide: an entry that cannot be read, an
outcome that tells of missing data, a further page without an address.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from urllib.parse import urlsplit

from msgspec import Struct

from fhir_mappings.bundle import MAX_NESTING, Entry
from fhir_mappings.codings import items
from fhir_mappings.fhir_json import Json, Resource

_HARMLESS_SEVERITIES = ("information", "warning")
_HARMLESS_ISSUES = ("informational", "processing", "not-supported", "business-rule")
"""The issue codes of remarks on a search that say nothing of missing data, such as the caveat of every Epic search."""
_COUNT = re.compile(r"[0-9]{1,18}\Z")


class Page(Struct, frozen=True):
    """One page of a search, or the response to a read.

    `is_whole` is False if an entry could not be read or the page tells of missing data. `matches` names the resources
    that match the search (not includes or outcomes), `total` is the server's own count, None if it states none.
    `next` is the address of the next page, empty on the last one. `servers` are the base addresses that the page gives
    for its server.
    """

    entries: tuple[Entry, ...] = ()
    is_whole: bool = True
    matches: frozenset[str] = frozenset()
    total: int | None = None
    next: str = ""
    servers: tuple[str, ...] = ()

    @property
    def is_complete(self) -> bool:
        """Return whether this is everything: nothing missing, no further page, and as many matches as the total."""
        return self.is_whole and not self.next and (self.total is None or self.total <= len(self.matches))

    def extended_by(self, following: "Page") -> "Page":
        """Return this page and the following one as one page."""
        return Page(
            self.entries + following.entries,
            self.is_whole and following.is_whole,
            self.matches | following.matches,
            max((each.total for each in (self, following) if each.total is not None), default=None),
            following.next,
            tuple(dict.fromkeys(self.servers + following.servers)),
        )


_UNREADABLE = Page(is_whole=False)


def page_of(value: Json, resource_type: str) -> Page | None:
    """Return the page in a prefetch value or response body; None if it cannot answer a search for that type.

    A Bundle, a resource of the type, and an OperationOutcome can (CDS Hooks 2.0.1, Prefetch Template). A Bundle in an
    entry is read as a part of the page. A single resource may be one of several, unless it is the patient.
    """
    if not isinstance(value, dict):
        return None
    kind = value.get("resourceType")
    if kind == "OperationOutcome":
        return _UNREADABLE
    if kind == resource_type:
        return Page((("", value),), is_whole=kind == "Patient", matches=frozenset({"only"}))
    if kind != "Bundle" or not _has_entries(value):
        return None
    return _page(value, resource_type, MAX_NESTING)


def is_whole_chart(bundle: Resource) -> bool:
    """Return whether a Bundle of any type and content holds all of the chart that it is to hold."""
    return _has_entries(bundle) and _page(bundle, None, MAX_NESTING).is_complete


def _has_entries(bundle: Resource) -> bool:
    """Return whether a Bundle has a list of entries, or none at all."""
    return bundle.get("entry") is None or isinstance(bundle["entry"], list)


def _page(bundle: Resource, resource_type: str | None, depth: int) -> Page:
    found: list[Entry] = []
    matches: list[str] = []
    total, is_whole = _total(bundle.get("total"))
    has_only_asides = True
    """Whether no entry is the result of a search itself."""
    for entry in bundle.get("entry") or ():
        resource = entry.get("resource") if isinstance(entry, dict) else None
        kind = resource.get("resourceType") if isinstance(resource, dict) else None
        if resource is None or not isinstance(kind, str) or entry.get("modifierExtension"):
            is_whole = False
            continue
        if "response" in entry and not _has_succeeded(entry):
            is_whole = False
            continue
        url, search = entry.get("fullUrl"), entry.get("search")
        mode = search.get("mode") if isinstance(search, dict) else None
        url = url if isinstance(url, str) else ""
        if kind == "OperationOutcome":
            replaces = mode == "match" or f"/{resource_type}/" in url
            is_whole = is_whole and not replaces and is_harmless(resource)
        elif kind == "Bundle":
            inner = _page(resource, resource_type, depth - 1) if depth > 1 and _has_entries(resource) else _UNREADABLE
            found += inner.entries
            matches += inner.matches
            is_whole = is_whole and inner.is_complete
        else:
            found.append((url, resource))
            if mode in ("include", "outcome"):
                continue
            has_only_asides = False
            if resource_type is None or kind == resource_type:
                own_id = resource.get("id")
                matches.append(f"{url} {own_id}" if url or isinstance(own_id, str) else f"#{id(resource)}")
            elif mode == "match":
                is_whole = False
    links = items(bundle.get("link"))
    link, has_more = _next_link(links)
    return Page(
        tuple(found),
        is_whole and bool(link) is has_more and not bundle.get("implicitRules") and (bool(matches) or has_only_asides),
        frozenset(matches),
        total,
        link,
        tuple(_servers(links, resource_type)),
    )


def _has_succeeded(entry: Mapping[str, Json]) -> bool:
    """Return whether an entry of a batch response tells of no failure."""
    response = entry.get("response")
    if not isinstance(response, dict):
        return True
    status, outcome = response.get("status", "200"), response.get("outcome")
    is_success = isinstance(status, str) and status.startswith("2")
    return is_success and (not isinstance(outcome, dict) or is_harmless(outcome))


def is_harmless(outcome: Resource) -> bool:
    """Return whether an OperationOutcome only remarks on a search, and no issue of it may tell of missing data."""
    issues = outcome.get("issue")
    return isinstance(issues, list) and bool(issues) and all(_is_remark(issue) for issue in issues)


def _is_remark(issue: Json) -> bool:
    return (
        isinstance(issue, Mapping)
        and issue.get("severity") in _HARMLESS_SEVERITIES
        and issue.get("code") in _HARMLESS_ISSUES
    )


def has_issue_code(value: Json, code: str) -> bool:
    """Return whether a response body is an OperationOutcome with an issue of this code."""
    return (
        isinstance(value, Mapping)
        and value.get("resourceType") == "OperationOutcome"
        and any(issue.get("code") == code for issue in items(value.get("issue")))
    )


def _total(value: Json) -> tuple[int | None, bool]:
    """Return the total of a Bundle, and whether it can be read; some servers write it as a string or a decimal."""
    if value is None:
        return None, True
    if isinstance(value, str) and _COUNT.match(value):
        return int(value), True
    if isinstance(value, bool) or not isinstance(value, int | Decimal) or value != int(value):
        return None, False
    return int(value), True


def _next_link(links: Iterable[Mapping[str, Json]]) -> tuple[str, bool]:
    """Return the address of the next page, empty if it is not stated, and whether there is a next page."""
    found = [link for link in links if _relation(link) == "next"]
    urls = (link["url"].strip() for link in found if isinstance(link.get("url"), str))
    return next((url for url in urls if url), ""), bool(found)


def _relation(link: Mapping[str, Json]) -> str:
    relation = link.get("relation")
    return relation.strip().casefold() if isinstance(relation, str) else ""


def _servers(links: Iterable[Mapping[str, Json]], resource_type: str | None) -> Iterator[str]:
    """Yield the base address in each self link of a search by type: `{base}/Condition?patient=…`."""
    for link in links:
        if _relation(link) != "self" or not isinstance(link.get("url"), str):
            continue
        try:
            parts = urlsplit(link["url"])
        except ValueError:
            continue
        base, _, last = parts.path.removesuffix("/_search").rpartition("/")
        if last == resource_type and parts.netloc:
            yield f"{parts.scheme}://{parts.netloc}{base}"
