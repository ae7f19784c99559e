"""Sides of the body: which side a concept names, and whether two sides are the same."""

from collections.abc import Iterable
from typing import Literal, TypeAlias

from fhir_mappings.codings import CPT, HCPCS, ICD10CM, LOINC, SNOMED, Coding, codings, codings_and_text, items
from fhir_mappings.diagnoses import side_in_title
from fhir_mappings.fhir_json import Json, Resource
from fhir_mappings.order_terms import OrderTerms
from fhir_mappings.order_text import read_phrase
from fhir_mappings.truth import Truth

Side: TypeAlias = Literal["left", "right", "bilateral"]

QUALIFIERS: dict[str, Side] = {"7771000": "left", "24028007": "right", "51440002": "bilateral"}
"""SNOMED CT laterality qualifiers."""

_SIDES: dict[str, Side] = {side: side for side in QUALIFIERS.values()}
MODIFIERS: dict[str, Side] = {"LT": "left", "RT": "right", "50": "bilateral"}
"""Modifiers of billing codes that name a side."""

_SIDED_CODES: tuple[tuple[str, Side, str], ...] = (
    (LOINC, "left", "26131-3"),
    (LOINC, "right", "26132-1"),
    (LOINC, "bilateral", "26130-5 30768-6"),
    (CPT, "bilateral", "73521 73522 73523"),
)
_SIDE_OF_CODE = {(system, code): side for system, side, codes in _SIDED_CODES for code in codes.split()}
"""Codes that include a side: X-rays of the hip. The codes of ICD-10-CM are in `fhir_mappings.diagnoses`."""


def side_named(word: str) -> Side | None:
    """Return the side that plain words are: `left`, `right side`, `bilateral`, or `both sides`; None for others."""
    sides: dict[str, Side] = {"left": "left", "right": "right", "bilateral": "bilateral", "both": "bilateral"}
    return sides.get(" ".join(word.casefold().split()).removesuffix("s").removesuffix(" side"))


def body_sites(resource: Resource) -> tuple[tuple[Coding, ...], ...]:
    """Return the body sites of a resource, each with its codes and words, without those that only name a side."""
    sites = map(codings_and_text, items(resource.get("bodySite")))
    return tuple(site for site in sites if not _is_side_only(site))


def _is_side_only(site: Iterable[Coding]) -> bool:
    """Return whether all codes and words of a body site are a side, without a part of the body."""
    return all((each.system == SNOMED and each.code in QUALIFIERS) or side_named(each.display) for each in site)


def side_of(resource: Resource, terms: OrderTerms, *code_elements: str) -> Side | None:
    """Return the side of a condition, procedure, or study: by its body site, its words, and its code.

    Return None if it names no side, or if two of these name different ones.
    """
    places = (resource, *items(resource.get("series")))
    sites = [each.get("bodySite") for each in places] + [each.get("laterality") for each in places[1:]]
    site = _together([side for each in sites for concept in items(each) for side in _sides_named(concept, terms)])
    concepts = [concept for name in code_elements for concept in items(resource.get(name))]
    words = _together([side for concept in concepts for side in _sides_named(concept, terms)])
    coded = _together([side for concept in concepts for coding in codings(concept) if (side := _side_of(coding))])
    named = {side for side in (site, words, coded) if side}
    return named.pop() if len(named) == 1 else None


def _side_of(coding: Coding) -> Side | None:
    """Return the side that a code includes."""
    if coding.system == ICD10CM:
        return side_named(side_in_title(coding.code))
    return _SIDE_OF_CODE.get((coding.system, coding.code))


def _together(sides: Iterable[Side]) -> Side | None:
    """Return the side that several name together; left and right make bilateral."""
    found = set(sides)
    if len(found) == 1:
        return found.pop()
    return "bilateral" if found == {"left", "right"} else None


def _sides_named(concept: Json, terms: OrderTerms) -> set[Side]:
    """Return the sides that a concept names in words, by a qualifier, or by a modifier of a billing code."""
    found: set[Side] = set()
    texts = [each["text"] for each in items(concept) if isinstance(each.get("text"), str)]
    for coding in codings(concept):
        if coding.modifiers:
            found |= {MODIFIERS[modifier] for modifier in coding.modifiers if modifier in MODIFIERS}
        if coding.system == SNOMED and coding.code in QUALIFIERS:
            found.add(QUALIFIERS[coding.code])
        if coding.system not in (
            CPT,
            HCPCS,
        ):  # the display of a billing code is its definition, not this patient's side
            texts.append(coding.display)
    for text in texts:
        for reading in read_phrase(text, terms, ("side",)):
            if reading.is_stated and reading.value in _SIDES:
                found.add(_SIDES[reading.value])
    return found


def same_side(ours: Side | None, theirs: Side | None) -> Truth:
    """Return whether `theirs` includes `ours`.

    UNKNOWN if either side is not stated, or if `ours` is bilateral and `theirs` is one side.
    """
    if theirs == "bilateral":
        return Truth.YES
    if ours is None or theirs is None or ours == "bilateral":
        return Truth.UNKNOWN
    return Truth.of(ours == theirs)
