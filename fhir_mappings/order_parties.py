"""Who orders and performs an order, by specialty, and the place where it is to be performed."""

from dataclasses import dataclass

from fhir_mappings.code_systems import NUCC
from fhir_mappings.codings import Coding, codings_and_text, items
from fhir_mappings.fhir_json import Resource
from fhir_mappings.order_elements import Lookup, Resolve


@dataclass(frozen=True, slots=True)
class Party:
    """One who orders or performs: the codes of role, specialty, and qualification.

    `is_known` is whether they have a specialty by code, so that another one is ruled out.
    """

    codings: tuple[Coding, ...]
    is_known: bool


def parties(order: Resource, resolve: Resolve) -> tuple[Party, ...]:
    """Return everyone whom an order names as the one who orders or performs it, known or not."""
    lookup, found = Lookup(resolve), []
    for concept in items(order.get("performerType")):
        named = codings_and_text(concept)
        found.append(Party(named, any(each.system == NUCC for each in named)))
    for reference in (*items(order.get("requester")), *items(order.get("performer"))):
        target = lookup.target(order, reference)
        found.append(Party((), is_known=False) if target is None else _party(target))
    return tuple(found)


def _party(target: Resource) -> Party:
    specialties = [each for concept in items(target.get("specialty")) for each in codings_and_text(concept)]
    others = [*items(target.get("code"))]
    others += [code for held in items(target.get("qualification")) for code in items(held.get("code"))]
    named = (*specialties, *(each for concept in others for each in codings_and_text(concept)))
    is_known = any(each.code for each in specialties) or any(each.system == NUCC for each in named)
    return Party(named, is_known)


def places(order: Resource, resolve: Resolve) -> tuple[Coding, ...]:
    """Return the codes and words of the places of an order: stated, or those of the locations that it references."""
    found = [*items(order.get("locationCode"))]
    for target in Lookup(resolve).targets(order, items(order.get("locationReference"))):
        found += [*items(target.get("type")), *items(target.get("physicalType"))]
    return tuple(each for concept in found for each in codings_and_text(concept))
