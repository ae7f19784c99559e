"""The entries of a Bundle, and the names of resources."""

from collections.abc import Iterator, Mapping
from typing import TypeAlias

from fhir_mappings.codings import items
from fhir_mappings.fhir_json import Json, Resource

Entry: TypeAlias = tuple[str, Resource]
"""A resource with its Bundle `fullUrl`, which may be empty."""

MAX_NESTING = 4
"""How many Bundles may lie in one another; a Bundle further in is yielded as it is."""


def entries(bundle: Json, *, depth: int = MAX_NESTING) -> Iterator[Entry]:
    """Yield the resources of a Bundle and of the Bundles in it, with their full URLs; skip malformed entries."""
    if not isinstance(bundle, Mapping):
        return
    found = bundle.get("entry")
    for entry in found if isinstance(found, list) else ():
        if not isinstance(entry, Mapping) or not isinstance(entry.get("resource"), Mapping):
            continue
        resource = entry["resource"]
        if resource.get("resourceType") == "Bundle" and depth > 1:
            yield from entries(resource, depth=depth - 1)
        else:
            url = entry.get("fullUrl")
            yield url if isinstance(url, str) else "", resource


def reference_of(resource: Resource, full_url: str = "") -> str:
    """Return the reference to a resource in an answer: `Type/id`, else its full URL, else its type."""
    kind, own_id = resource.get("resourceType"), resource.get("id")
    if isinstance(own_id, str) and own_id:
        return f"{kind}/{own_id}"
    return full_url or str(kind)


def entry_reference(entry: Entry) -> str:
    """Return the reference to the resource of an entry, as `reference_of`."""
    url, resource = entry
    return reference_of(resource, url)


def contained_by_id(resource: Resource) -> dict[str, Resource]:
    """Return the contained resources of a resource by id; of two with one id, the first.

    Some servers write the id as it stands in a reference, with `#` before it.
    """
    found: dict[str, Resource] = {}
    for each in items(resource.get("contained")):
        if isinstance(each.get("id"), str):
            found.setdefault(each["id"].removeprefix("#"), each)
    return found
