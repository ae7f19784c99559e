"""Apply what a card suggests to the draft orders of a case, as an EHR does when a clinician accepts it."""

from collections.abc import Iterable, Mapping

from cds_service.web.sandbox.case import Case, free_id
from fhir_mappings.bundle import reference_of
from fhir_mappings.fhir_json import Json

_REQUEST = ("Request", "Order", "Prescription")
"""How the names of the resource types of orders end; anything else, such as a Task, is no draft order."""


def apply(case: Case, card: Mapping[str, Json], index: int) -> Case:
    """Return the case after the actions of one suggestion of a card, a CDS Hooks Card with checked suggestions."""
    return with_actions(case, card["suggestions"][index]["actions"])


def with_actions(case: Case, actions: Iterable[Mapping[str, Json]]) -> Case:
    """Return the case after actions: an update replaces the order with its id, and a new order gets an id here.

    An action on anything but a draft order changes nothing.
    """
    orders = {reference_of(each): each for each in case.orders}
    for action in actions:
        if action["type"] == "delete":
            for name in _removed(action):
                orders.pop(name, None)
            continue
        resource = action["resource"]
        if action["type"] == "create" and resource["resourceType"].endswith(_REQUEST):
            resource = {**resource, "id": free_id(orders.values())}
            orders[reference_of(resource)] = resource
        elif action["type"] == "update" and reference_of(resource) in orders:
            orders[reference_of(resource)] = resource
    return case.with_orders(*orders.values())


def _removed(action: Mapping[str, Json]) -> tuple[str, ...]:
    """Return the references that a deletion names: one in CDS Hooks 2.0.1, a list in later drafts."""
    named = action["resourceId"]
    return (named,) if isinstance(named, str) else tuple(named)
