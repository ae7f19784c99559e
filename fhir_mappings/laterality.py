"""Sides of the body: which side a concept names, and whether two sides are the same."""

from collections.abc import Iterable
from typing import Literal, TypeAlias

from fhir_mappings.codings import CPT, HCPCS, ICD10CM, LOINC, SNOMED, Coding, codings, codings_and_text, items
from fhir_mappings.fhir_json import Json, Resource
from fhir_mappings.order_terms import OrderTerms
from fhir_mappings.order_text import read_phrase
from fhir_mappings.truth import Truth

Side: TypeAlias = Literal["left", "right", "bilateral"]

QUALIFIERS: dict[str, Side] = {"7771000": "left", "24028007": "right", "51440002": "bilateral"}
"""SNOMED CT laterality qualifiers."""

MODIFIERS: dict[str, Side] = {"LT": "left", "RT": "right", "50": "bilateral"}
"""Modifiers of billing codes that name a side."""

_SIDED_CODES: tuple[tuple[str, Side, str], ...] = (
    (ICD10CM, "right", "M16.11 M16.31 M16.51"),
    (ICD10CM, "left", "M16.12 M16.32 M16.52"),
    (ICD10CM, "bilateral", "M16.0 M16.2 M16.4 M16.6"),
    (LOINC, "left", "26131-3"),
    (LOINC, "right", "26132-1"),
    (LOINC, "bilateral", "26130-5 30768-6"),
    (CPT, "bilateral", "73521 73522 73523"),
)
_SIDE_OF_CODE = {(system, code): side for system, side, codes in _SIDED_CODES for code in codes.split()}
"""Codes that include a side: osteoarthritis and X-rays of the hip."""


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
    """Return the side of a condition, procedure, or study: by its body site, else by its code and text.

    Return None if it names no side, or if site and code name different ones.
    """
    series = list(items(resource.get("series")))
    sites = [resource.get("bodySite"), *(s.get("bodySite") for s in series), *(s.get("laterality") for s in series)]
    coded = [resource.get(name) for name in code_elements]
    named = {side for side in (_side_in(sites, terms), _side_in(coded, terms)) if side}
    return named.pop() if len(named) == 1 else None


def _side_in(concepts: Iterable[Json], terms: OrderTerms) -> Side | None:
    """Return the side that concepts name together; left and right make bilateral."""
    found = {side for each in concepts for concept in items(each) for side in _sides_named(concept, terms)}
    if found == {"left", "right"}:
        return "bilateral"
    return found.pop() if len(found) == 1 else None


def _sides_named(concept: Json, terms: OrderTerms) -> set[Side]:
    found: set[Side] = set()
    texts = [each["text"] for each in items(concept) if isinstance(each.get("text"), str)]
    for coding in codings(concept):
        found |= {MODIFIERS[modifier] for modifier in coding.modifiers if modifier in MODIFIERS}
        if coding.system == SNOMED and coding.code in QUALIFIERS:
            found.add(QUALIFIERS[coding.code])
        elif (side := _SIDE_OF_CODE.get((coding.system, coding.code))) is not None:
            found.add(side)
        if coding.system not in (
            CPT,
            HCPCS,
        ):  # the display of a billing code is its definition, not this patient's side
            texts.append(coding.display)
    for text in texts:
        for reading in read_phrase(text, terms, ("side",)):
            if reading.is_stated:
                found |= {side for side in QUALIFIERS.values() if side == reading.value}
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
