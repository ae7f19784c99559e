"""What the resources that were read point at and a search does not bring.

US Core lets a server send `medicationReference` with every prescription and does not oblige it to include what that
points at, so those are read one by one; so are the payers of a coverage, which tell whose policies a plan follows.
"""

from collections.abc import Iterable, Iterator, Mapping

from fhir_mappings.codings import items
from fhir_mappings.fhir_json import Json
from fhir_mappings.record import Entry, reference_of

MOST_READS = 50
"""How many references of one call are followed; what is left of a longer list stays unknown."""

_FOLLOWED = {
    "MedicationRequest": "medicationReference",
    "MedicationDispense": "medicationReference",
    "MedicationStatement": "medicationReference",
    "MedicationAdministration": "medicationReference",
    "Coverage": "payor",
}


_NAMED_BY = ("codeReference", "medicationReference")
"""Where an order points at what is ordered, instead of carrying a code."""


def reference_keys(entry: Entry) -> tuple[str, ...]:
    """What a resource may be referred to as: its full URL and `Type/id`."""
    url, resource = entry
    return tuple(name for name in (url, reference_of(resource, url)) if name)


def ordered_item_references(orders: Iterable[Entry]) -> tuple[str, ...]:
    """The references under which orders name what is ordered."""
    found = (
        reference
        for _, order in orders
        for element in _NAMED_BY
        for target in items(order.get(element))
        if isinstance(reference := target.get("reference"), str) and not reference.startswith("#")
    )
    return tuple(dict.fromkeys(found))[:MOST_READS]


def unresolved(entries: Iterable[Entry]) -> tuple[str, ...]:
    """The references worth following that lead to none of these resources, each once, in a fixed order."""
    entries = list(entries)
    known = {name for entry in entries for name in reference_keys(entry)}
    found = {reference for _, resource in entries for reference in _references(resource) if reference not in known}
    return tuple(sorted(found))[:MOST_READS]


def _references(resource: Mapping[str, Json]) -> Iterator[str]:
    kind = resource.get("resourceType")
    for target in items(resource.get(_FOLLOWED.get(kind, ""))) if isinstance(kind, str) else ():
        reference = target.get("reference")
        if isinstance(reference, str) and not reference.startswith("#"):
            yield reference
