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
RecordedSide: TypeAlias = Side | Literal["side unclear"]
"""A side as a record states it; unclear if it names sides that contradict each other."""
UNCLEAR: RecordedSide = "side unclear"

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
    return sites_among(resource.get("bodySite"))


def sites_among(concepts: Json) -> tuple[tuple[Coding, ...], ...]:
    """Return the body sites that concepts are, each with its codes and words, without those that only name a side."""
    sites = map(codings_and_text, items(concepts))
    return tuple(site for site in sites if not _is_side_only(site))


def _is_side_only(site: Iterable[Coding]) -> bool:
    """Return whether all codes and words of a body site are a side, without a part of the body."""
    return all((each.system == SNOMED and each.code in QUALIFIERS) or side_named(each.display) for each in site)


def side_of(resource: Resource, terms: OrderTerms, *code_elements: str) -> RecordedSide | None:
    """Return the side of a condition, procedure, or study: by its body site, its words, and its code.

    Return None if it names no side, UNCLEAR if two of these name different ones.
    """
    places = (resource, *items(resource.get("series")))
    sites = [each.get("bodySite") for each in places] + [each.get("laterality") for each in places[1:]]
    site = _together([_named_by(concept, terms) for each in sites for concept in items(each)])
    concepts = [concept for name in code_elements for concept in items(resource.get(name))]
    words = _together([_named_by(concept, terms) for concept in concepts])
    coded = _together([_side_of(coding) for concept in concepts for coding in codings(concept)])
    return agreed_side(site, words, coded)


def agreed_side(*sides: RecordedSide | None) -> RecordedSide | None:
    """Return the side that every source names which names one; UNCLEAR if they differ, None if none names one."""
    named = set(sides) - {None}
    if len(named) > 1:
        return UNCLEAR
    return named.pop() if named else None


def _side_of(coding: Coding) -> Side | None:
    """Return the side that a code includes."""
    if coding.system == ICD10CM:
        return side_named(side_in_title(coding.code))
    return _SIDE_OF_CODE.get((coding.system, coding.code))


def _together(sides: Iterable[RecordedSide | None]) -> RecordedSide | None:
    """Return the side that several concepts or codes name together; left and right make bilateral."""
    named = set(sides) - {None}
    return "bilateral" if named == {"left", "right"} else agreed_side(*named)


def _named_by(concept: Resource, terms: OrderTerms) -> RecordedSide | None:
    """Return the side that a concept names by a modifier of a billing code, a qualifier, its labels, and its text.

    UNCLEAR if two of these differ: a modifier for the left beside words for the right says nothing of both.
    """
    modifiers: list[Side] = []
    qualifiers: list[Side] = []
    labels: list[Side] = []
    for coding in codings(concept):
        if coding.modifiers:
            modifiers += [MODIFIERS[modifier] for modifier in coding.modifiers if modifier in MODIFIERS]
        if coding.system == SNOMED and coding.code in QUALIFIERS:
            qualifiers.append(QUALIFIERS[coding.code])
        if coding.display and coding.system not in (
            CPT,
            HCPCS,
        ):  # the display of a billing code is its definition, not this patient's side
            labels += _in_words(coding.display, terms)
    text = concept.get("text")
    texts = _in_words(text, terms) if isinstance(text, str) else []
    return agreed_side(*[_together(each) for each in (modifiers, qualifiers, labels, texts) if each])


def _in_words(text: str, terms: OrderTerms) -> list[Side]:
    readings = read_phrase(text, terms, ("side",))
    return [_SIDES[each.value] for each in readings if each.is_stated and each.value in _SIDES]


def same_side(ours: Side | None, theirs: RecordedSide | None) -> Truth:
    """Return whether `theirs` includes `ours`.

    UNKNOWN if either side is not stated or unclear, or if `ours` is bilateral and `theirs` is one side.
    """
    if theirs == "bilateral":
        return Truth.YES
    if ours is None or theirs is None or theirs == UNCLEAR or ours == "bilateral":
        return Truth.UNKNOWN
    return Truth.of(ours == theirs)
