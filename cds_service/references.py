"""What the resources that were read point at and a search does not bring: the product behind a prescription.

US Core lets a server send `medicationReference` with every prescription and does not oblige it to include what that
points at, so those are read one by one.
"""

from collections.abc import Iterable, Mapping

from fhir_mappings.record import Entry, reference_of

MOST_READS = 50
"""How many references of one call are followed; what is left of a longer list stays unknown."""

_FOLLOWED = {
    "MedicationRequest": "medicationReference",
    "MedicationDispense": "medicationReference",
    "MedicationStatement": "medicationReference",
    "MedicationAdministration": "medicationReference",
}


def unresolved(entries: Iterable[Entry]) -> tuple[str, ...]:
    """The references worth following that lead to none of these resources, each once, in a fixed order."""
    entries = list(entries)
    known = {name for url, resource in entries for name in (url, reference_of(resource, url))}
    found = {reference for _, resource in entries if (reference := _reference(resource)) and reference not in known}
    return tuple(sorted(found))[:MOST_READS]


def _reference(resource: Mapping[str, object]) -> str:
    kind = resource.get("resourceType")
    target = resource.get(_FOLLOWED.get(kind, "")) if isinstance(kind, str) else None
    reference = target.get("reference") if isinstance(target, Mapping) else None
    return reference if isinstance(reference, str) and not reference.startswith("#") else ""
