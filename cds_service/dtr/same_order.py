"""Whether two resources are one order, which may have changed a little since CRD saw it (DTR 2.2.0 spec-128)."""

from fhir_mappings.bundle import Entry, entry_reference
from fhir_mappings.codings import codings
from fhir_mappings.fhir_json import Json, Resource

_ADDED = frozenset({"id", "meta", "text", "extension", "identifier", "status", "note", "supportingInfo", "insurance"})
_ORDERED = ("code", "codeCodeableConcept", "medicationCodeableConcept")


def is_same_order(one: Entry, other: Entry) -> bool:
    """Return whether two resources are one order, whatever its status and notes are.

    An order that was stored meanwhile has another id, and one that was corrected another side. Drafts that have one id
    and order different things are two orders: EHRs use the ids of drafts again.
    """
    theirs, ours = _codes(one[1]), _codes(other[1])
    if has_same_id(one, other):
        return theirs == ours or bool(theirs & ours)
    return bool(theirs) and theirs == ours and _site(one[1]) == _site(other[1])


def takes_its_place(order: Entry, draft: Entry) -> bool:
    """Return whether an order stands for a draft of an earlier call, so that not both are ordered."""
    return has_same_id(order, draft) or is_same_order(order, draft)


def is_unchanged(one: Entry, other: Entry) -> bool:
    """Return whether two resources order the same for the same reason, whatever else was added to them meanwhile."""
    return {name: one[1].get(name) for name in one[1].keys() - _ADDED} == {
        name: other[1].get(name) for name in other[1].keys() - _ADDED
    }


def has_same_id(one: Entry, other: Entry) -> bool:
    """Return whether two resources have one reference."""
    return entry_reference(one) == entry_reference(other)


def _codes(order: Resource) -> frozenset[tuple[str, str]]:
    return frozenset((each.system, each.code) for name in _ORDERED for each in codings(order.get(name)))


def _site(order: Resource) -> Json:
    return order.get("bodySite")
