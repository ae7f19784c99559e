"""One page of search results, from a prefetch value or a FHIR server's response."""

from collections.abc import Mapping
from dataclasses import dataclass

from fhir_mappings.codings import items
from fhir_mappings.fhir_json import Json
from fhir_mappings.record import Entry, entries


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a search, or the response to a read.

    `is_error_free` is False if an entry could not be read or the page reports an error. `matches` counts the entries
    that match the search (not includes or outcomes), `total` is the server's own count, None if it states none.
    `next` is the address of the next page, empty on the last one.
    """

    entries: tuple[Entry, ...] = ()
    is_error_free: bool = True
    matches: int = 0
    total: int | None = None
    next: str = ""

    @property
    def is_complete(self) -> bool:
        """Return whether this is everything: no error, no further page, and as many matches as the total."""
        return self.is_error_free and not self.next and (self.total is None or self.total <= self.matches)

    def extended_by(self, following: "Page") -> "Page":
        """Return this page and the following one as one page."""
        return Page(
            self.entries + following.entries,
            self.is_error_free and following.is_error_free,
            self.matches + following.matches,
            self.total,
            following.next,
        )


def page_of(value: Json, resource_type: str) -> Page | None:
    """Return the page in a prefetch value or response body; None if it cannot answer a search for that type.

    A Bundle, a resource of the type, and an OperationOutcome can (CDS Hooks 2.0.1, Prefetch Template).
    """
    if not isinstance(value, Mapping):
        return None
    kind = value.get("resourceType")
    if kind == "OperationOutcome":
        return Page(is_error_free=False)
    if kind == resource_type:
        return Page((("", value),), matches=1)
    sent = value.get("entry")
    if kind != "Bundle" or not (sent is None or isinstance(sent, list)):
        return None
    held = tuple(entry for entry in entries(value) if isinstance(entry[1].get("resourceType"), str))
    resources = tuple(entry for entry in held if entry[1].get("resourceType") != "OperationOutcome")
    included = sum(1 for entry in items(sent) if _mode(entry) in ("include", "outcome"))
    total = value.get("total")
    return Page(
        entries=resources,
        is_error_free=len(held) == len(sent or ()) and not any(_is_error(resource) for _, resource in held),
        matches=len(sent or ()) - included,
        total=total if isinstance(total, int) else None,
        next=_next_link(value),
    )


def has_issue_code(value: Json, code: str) -> bool:
    """Return whether a response body is an OperationOutcome with an issue of this code."""
    return (
        isinstance(value, Mapping)
        and value.get("resourceType") == "OperationOutcome"
        and any(issue.get("code") == code for issue in items(value.get("issue")))
    )


def _mode(entry: Mapping[str, Json]) -> Json:
    search = entry.get("search")
    return search.get("mode") if isinstance(search, Mapping) else None


def _is_error(resource: Mapping[str, Json]) -> bool:
    return resource.get("resourceType") == "OperationOutcome" and any(
        issue.get("severity") in ("error", "fatal") for issue in items(resource.get("issue"))
    )


def _next_link(bundle: Mapping[str, Json]) -> str:
    for link in items(bundle.get("link")):
        if link.get("relation") == "next" and isinstance(link.get("url"), str):
            return str(link["url"])
    return ""
