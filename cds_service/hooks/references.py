"""References to resources that a search does not return.

US Core lets a server send `medicationReference` with a prescription and does not require it to include the target, so
the service reads those targets one by one, and also the payers of coverages, which determine the policies of a plan,
the conditions that orders give as their reason, and, where a policy asks for a specialty, the roles of those who took
part in encounters.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeAlias

from fhir_mappings.bundle import Entry
from fhir_mappings.codings import items
from fhir_mappings.fhir_json import Resource
from fhir_mappings.order_elements import PRODUCTS
from fhir_mappings.references import ChartServer, address_of, addresses

NeedsPayer: TypeAlias = Callable[[Resource, Resource], bool]
"""A function that returns whether the Organization behind a `payor` of a Coverage must be read to know the plan."""

MAX_READS = 50
"""The most references to follow at a time; the targets of the others stay unknown."""

_FOLLOWED_ELEMENTS = {
    "MedicationRequest": "medicationReference",
    "MedicationDispense": "medicationReference",
    "MedicationStatement": "medicationReference",
    "MedicationAdministration": "medicationReference",
    "Coverage": "payor",
}


def ordered_item_references(orders: Iterable[Entry]) -> tuple[str, ...]:
    """Return the references in orders to the ordered device or medication."""
    found = (
        reference
        for _, order in orders
        for element in PRODUCTS
        for target in items(order.get(element))
        if isinstance(reference := target.get("reference"), str) and not reference.startswith("#")
    )
    return tuple(dict.fromkeys(found))[:MAX_READS]


def unresolved(
    entries: Iterable[Entry],
    server: ChartServer,
    orders: Iterable[Entry] = (),
    needs_payer: NeedsPayer = lambda _coverage, _payor: True,
    *,
    follows_roles: bool = False,
) -> tuple[str, ...]:
    """Return the references to follow that point at none of these resources, each once, in a fixed order.

    Of the orders, which are no part of the chart, only reasons are followed. A payor is followed if `needs_payer`, and
    a role in an encounter if `follows_roles`. A reference to the server of the chart is relative, however written.
    """
    entries, orders = list(entries), list(orders)
    sought = [reference for _, resource in entries for reference in _references(resource, needs_payer)]
    sought += [reference for _, order in orders for reference in _reasons(order)]
    if follows_roles:
        sought += [reference for _, resource in entries for reference in _roles(resource)]
    if not sought:
        return ()
    server = server.sharing_ids_with(entries)
    known = {server.local(address) for entry in (*entries, *orders) for address in addresses(*entry)}
    found = {
        address.name if not address.base else reference
        for reference in sought
        if (address := server.local(address_of(reference))) not in known
    }
    return tuple(sorted(found))[:MAX_READS]


def _reasons(order: Resource) -> Iterator[str]:
    for target in items(order.get("reasonReference")):
        reference = target.get("reference")
        if isinstance(reference, str) and "Condition/" in reference:
            yield reference


def _roles(encounter: Resource) -> Iterator[str]:
    """Yield the roles of those who took part; a practitioner without a role rarely states a specialty."""
    for part in items(encounter.get("participant")) if encounter.get("resourceType") == "Encounter" else ():
        for person in items(part.get("individual")):
            reference = person.get("reference")
            if isinstance(reference, str) and "PractitionerRole/" in reference and not reference.startswith("#"):
                yield reference


def _references(resource: Resource, needs_payer: NeedsPayer) -> Iterator[str]:
    kind = resource.get("resourceType")
    for target in items(resource.get(_FOLLOWED_ELEMENTS.get(kind, ""))) if isinstance(kind, str) else ():
        reference = target.get("reference")
        if kind == "Coverage" and not needs_payer(resource, target):
            continue
        if isinstance(reference, str) and not reference.startswith("#"):
            yield reference
