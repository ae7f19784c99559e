"""One page of search results, from a prefetch value or a FHIR server's response.

A search proves absence only if it was read whole, so a page counts what it may hide: an entry that cannot be read, an
outcome that tells of missing data, a further page without an address.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple
from urllib.parse import urlsplit

from fhir_mappings.bundle import MAX_NESTING, Entry
from fhir_mappings.codings import items
from fhir_mappings.fhir_json import Json, Resource

_HARMLESS_SEVERITIES = ("information", "warning")
_HARMLESS_ISSUES = ("informational", "processing", "not-supported", "business-rule")
"""The issue codes of remarks on a search that say nothing of missing data, such as the caveat of every Epic search."""
_COUNT = re.compile(r"[0-9]{1,18}\Z")


@dataclass(frozen=True, slots=True)
class Page:
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


def page_of(value: Json, resource_type: str) -> Page | None:
    """Return the page in a prefetch value or response body; None if it cannot answer a search for that type.

    A Bundle, a resource of the type, and an OperationOutcome can (CDS Hooks 2.0.1, Prefetch Template). A Bundle in an
    entry is read as a part of the page. A single resource may be one of several, unless it is the patient.
    """
    if not isinstance(value, Mapping):
        return None
    kind = value.get("resourceType")
    if kind == "OperationOutcome":
        return Page(is_whole=False)
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
    parts = [_part(entry, resource_type, depth) for entry in bundle.get("entry") or ()]
    matches = frozenset([name for part in parts for name in part.matches])
    found = tuple([entry for part in parts for entry in part.entries])
    total, is_readable = _total(bundle.get("total"))
    link, has_more = _next_link(bundle)
    return Page(
        entries=found,
        is_whole=all(part.is_complete for part in parts)
        and is_readable
        and bool(link) is has_more
        and not bundle.get("implicitRules")
        and (bool(matches) or all(part.is_aside for part in parts)),
        matches=matches,
        total=total,
        next=link,
        servers=tuple(_servers(bundle, resource_type)),
    )


class _Part(NamedTuple):
    """What one entry adds to a page. `is_aside` is whether it is not the result of a search itself."""

    entries: tuple[Entry, ...] = ()
    is_complete: bool = True
    matches: Collection[str] = ()
    is_aside: bool = True


_UNREADABLE = _Part(is_complete=False)


def _part(entry: Json, resource_type: str | None, depth: int) -> _Part:
    if not isinstance(entry, dict) or entry.get("modifierExtension"):
        return _UNREADABLE
    if "response" in entry and not _has_succeeded(entry):
        return _UNREADABLE
    resource, search, url = entry.get("resource"), entry.get("search"), entry.get("fullUrl")
    kind = resource.get("resourceType") if isinstance(resource, dict) else None
    if not isinstance(resource, dict) or not isinstance(kind, str):
        return _UNREADABLE
    mode = search.get("mode") if isinstance(search, dict) else None
    url = url if isinstance(url, str) else ""
    if kind == "OperationOutcome":
        replaces = mode == "match" or f"/{resource_type}/" in url
        return _Part(is_complete=not replaces and is_harmless(resource))
    if kind == "Bundle":
        if depth == 1 or not _has_entries(resource):
            return _UNREADABLE
        inner = _page(resource, resource_type, depth - 1)
        return _Part(inner.entries, inner.is_complete, inner.matches)
    found: tuple[Entry, ...] = ((url, resource),)
    if mode in ("include", "outcome"):
        return _Part(found)
    if resource_type not in (None, kind):
        return _Part(found, is_complete=mode != "match", is_aside=False)
    own_id = resource.get("id")
    name = f"{url} {own_id}" if url or isinstance(own_id, str) else f"#{id(resource)}"
    return _Part(found, True, (name,), False)


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


def _next_link(bundle: Resource) -> tuple[str, bool]:
    """Return the address of the next page, empty if it is not stated, and whether there is a next page."""
    links = [link for link in items(bundle.get("link")) if _relation(link) == "next"]
    urls = (link["url"].strip() for link in links if isinstance(link.get("url"), str))
    return next((url for url in urls if url), ""), bool(links)


def _relation(link: Mapping[str, Json]) -> str:
    relation = link.get("relation")
    return relation.strip().casefold() if isinstance(relation, str) else ""


def _servers(bundle: Resource, resource_type: str | None) -> Iterator[str]:
    """Yield the base address in each self link of a search by type: `{base}/Condition?patient=…`."""
    for link in items(bundle.get("link")):
        if _relation(link) != "self" or not isinstance(link.get("url"), str):
            continue
        try:
            parts = urlsplit(link["url"])
        except ValueError:
            continue
        base, _, last = parts.path.removesuffix("/_search").rpartition("/")
        if last == resource_type and parts.netloc:
            yield f"{parts.scheme}://{parts.netloc}{base}"
