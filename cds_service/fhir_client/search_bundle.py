"""What a prefetch value or a FHIR server's answer holds: resources, whether that is all, and where it goes on."""

from collections.abc import Mapping
from dataclasses import dataclass

from fhir_mappings.codings import items
from fhir_mappings.fhir_json import Json
from fhir_mappings.record import Entry, entries


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a search, or the answer to a read.

    `is_whole` is False where an entry could not be read or the sender reports an error within. `matches` counts
    the entries that the search found itself, `total` is the number the server says there are, None where it does
    not say. `next` is the address of the next page, empty on the last one.
    """

    entries: tuple[Entry, ...] = ()
    is_whole: bool = True
    matches: int = 0
    total: int | None = None
    next: str = ""

    @property
    def is_all(self) -> bool:
        """Whether there is nothing beyond this: no error, no further page, and no entry short of the total."""
        return self.is_whole and not self.next and (self.total is None or self.total <= self.matches)

    def then(self, following: "Page") -> "Page":
        """This page and the one after it, as one."""
        return Page(
            self.entries + following.entries,
            self.is_whole and following.is_whole,
            self.matches + following.matches,
            self.total,
            following.next,
        )


def page_of(value: Json, resource_type: str) -> Page | None:
    """The page in a prefetch value or response body; None for what is no answer to a search for that type.

    A Bundle, a resource of that type and an OperationOutcome are answers (CDS Hooks 2.0.1, Prefetch Template).
    """
    if not isinstance(value, Mapping):
        return None
    kind = value.get("resourceType")
    if kind == "OperationOutcome":
        return Page(is_whole=False)
    if kind == resource_type:
        return Page((("", value),), matches=1)
    sent = value.get("entry")
    if kind != "Bundle" or not (sent is None or isinstance(sent, list)):
        return None
    held = tuple(entry for entry in entries(value) if isinstance(entry[1].get("resourceType"), str))
    resources = tuple(entry for entry in held if entry[1].get("resourceType") != "OperationOutcome")
    found_otherwise = sum(1 for entry in items(sent) if _mode(entry) in ("include", "outcome"))
    total = value.get("total")
    return Page(
        entries=resources,
        is_whole=len(held) == len(sent or ()) and not any(_is_error(resource) for _, resource in held),
        matches=len(sent or ()) - found_otherwise,
        total=total if isinstance(total, int) else None,
        next=_next_of(value),
    )


def reports(value: Json, code: str) -> bool:
    """Whether an answer is an OperationOutcome with an issue of this code."""
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


def _next_of(bundle: Mapping[str, Json]) -> str:
    for link in items(bundle.get("link")):
        if link.get("relation") == "next" and isinstance(link.get("url"), str):
            return str(link["url"])
    return ""
