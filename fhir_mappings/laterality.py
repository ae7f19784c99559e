"""Sides of the body: which one a concept names, and whether two of them are the same."""

from collections.abc import Iterable
from typing import Literal, TypeAlias

from fhir_mappings.codings import CPT, HCPCS, ICD10CM, LOINC, SNOMED, codings, items
from fhir_mappings.fhir_json import Json, Resource
from fhir_mappings.order_text import read_phrase
from fhir_mappings.truth import Truth

Side: TypeAlias = Literal["left", "right", "bilateral"]

QUALIFIERS: dict[str, Side] = {"7771000": "left", "24028007": "right", "51440002": "bilateral"}
"""SNOMED CT laterality qualifiers."""

_LISTED: tuple[tuple[str, Side, str], ...] = (
    (ICD10CM, "right", "M16.11 M16.31 M16.51"),
    (ICD10CM, "left", "M16.12 M16.32 M16.52"),
    (ICD10CM, "bilateral", "M16.0 M16.2 M16.4 M16.6"),
    (LOINC, "left", "26131-3"),
    (LOINC, "right", "26132-1"),
    (LOINC, "bilateral", "26130-5 30768-6"),
    (CPT, "bilateral", "73521 73522 73523"),
)
_OF_CODE = {(system, code): side for system, side, codes in _LISTED for code in codes.split()}
"""Codes that name a side themselves: osteoarthritis and films of the hip."""


def side_of(resource: Resource, *code_elements: str) -> Side | None:
    """Return the side of a condition, procedure, or study, by its body site, else by its code and words.

    None if it names none, or if site and code name different ones.
    """
    series = list(items(resource.get("series")))
    sites = [resource.get("bodySite"), *(s.get("bodySite") for s in series), *(s.get("laterality") for s in series)]
    named = {side for side in (_one(sites), _one([resource.get(name) for name in code_elements])) if side}
    return named.pop() if len(named) == 1 else None


def _one(concepts: Iterable[Json]) -> Side | None:
    """The side that concepts name together; left and right are both."""
    found = {side for each in concepts for concept in items(each) for side in _named(concept)}
    if found == {"left", "right"}:
        return "bilateral"
    return found.pop() if len(found) == 1 else None


def _named(concept: Json) -> set[Side]:
    found: set[Side] = set()
    texts = [each["text"] for each in items(concept) if isinstance(each.get("text"), str)]
    for coding in codings(concept):
        if coding.system == SNOMED and coding.code in QUALIFIERS:
            found.add(QUALIFIERS[coding.code])
        elif (side := _OF_CODE.get((coding.system, coding.code))) is not None:
            found.add(side)
        if coding.system not in (CPT, HCPCS):  # a billing code's label tells how it is defined
            texts.append(coding.display)
    for text in texts:
        for reading in read_phrase(text, ("side",)):
            if reading.is_stated:
                found |= {side for side in QUALIFIERS.values() if side == reading.value}
    return found


def same_side(ours: Side | None, theirs: Side | None) -> Truth:
    """Return whether something was on our side; what was on both sides was on ours too.

    UNKNOWN if either side is not named, or if ours is both sides and theirs is one of them.
    """
    if theirs == "bilateral":
        return Truth.YES
    if ours is None or theirs is None or ours == "bilateral":
        return Truth.UNKNOWN
    return Truth.of(ours == theirs)
