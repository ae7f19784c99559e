"""Codes of FHIR concepts, read leniently."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from typing import TypeAlias

from fhir_mappings.amounts import Amount
from fhir_mappings.code_systems import (
    CPT,
    HCPCS,
    ICD10CM,
    LOINC,
    NUCC,
    PLACE_OF_SERVICE,
    RXNORM,
    SNOMED,
    system_of,
    usual_form,
)
from fhir_mappings.fhir_json import Json, canonical
from fhir_mappings.short_texts import Kept

__all__ = [
    "CPT",
    "HCPCS",
    "ICD10CM",
    "LOINC",
    "NUCC",
    "RXNORM",
    "SNOMED",
    "SYSTEMS",
    "CodeMatcher",
    "Coding",
    "Course",
    "Match",
    "codings",
    "codings_and_text",
    "concept_text",
    "has_code",
    "items",
    "plain_codes",
]

SYSTEMS = {
    "cpt": CPT,
    "hcpcs": HCPCS,
    "icd10cm": ICD10CM,
    "loinc": LOINC,
    "nucc": NUCC,
    "pos": PLACE_OF_SERVICE,
    "rxnorm": RXNORM,
    "snomed": SNOMED,
}
"""The short names of code systems, as policy authors write them."""


@dataclass(frozen=True, slots=True)
class Coding:
    """One code in one system; `display` is the sender's label and may be empty.

    `modifiers` are those of a billing code, such as `RT`; they make no other code of it.
    """

    system: str
    code: str
    display: str = ""
    modifiers: tuple[str, ...] = field(default=(), compare=False)


class Course(Enum):
    """How long a condition lasts: for life, until it ends, or for days."""

    PERMANENT = "permanent"
    CHRONIC = "chronic"
    ACUTE = "acute"


@dataclass(frozen=True, slots=True)
class Match:
    """A code in a value set: our label for it, whether it may decide a criterion or only be shown, and its course.

    `scale` is the lowest and the highest score of a scale, None if the set does not state them. `value` is what the
    number under the code has to be for the set to have it, None if any will do.
    """

    label: str
    decides: bool
    course: Course = Course.CHRONIC
    scale: tuple[Decimal, Decimal] | None = None
    value: Amount | None = None


CodeMatcher: TypeAlias = Callable[[Iterable[Coding]], Match | None]
"""A function that returns the match of a concept's codes with a value set; callers supply it."""


_OBJECT = (dict, Mapping)
"""What a JSON object may be. `dict` comes first because a check for Mapping alone takes several times as long."""


def items(value: Json) -> Sequence[Mapping[str, Json]]:
    """Return the objects of a member that should be an array of objects; a single object counts as an array of one."""
    if value is None:
        return ()
    if isinstance(value, dict):
        return (value,)
    if isinstance(value, list):
        return [item for item in value if isinstance(item, _OBJECT)]
    return (value,) if isinstance(value, Mapping) else ()


def codings(concept: Json) -> tuple[Coding, ...]:
    """Return every usable code of a CodeableConcept, of a list of them, or of a Coding.

    Skip codings without a code. Keep a coding without a system, with an empty system, which no value set contains. A
    code of a known system is in its usual form, whatever the sender's spelling.
    """
    found = []
    for coding in _coded(concept):
        system, display = coding.get("system"), coding.get("display")
        given = system if isinstance(system, str) else "", coding["code"], display if isinstance(display, str) else ""
        found.append(_known_coding(*given) if sum(map(len, given)) <= _MAX_KNOWN_LENGTH else _coding(*given))
    return tuple(found)


def _coded(concept: Json) -> list[Mapping[str, Json]]:
    """Return the Codings with a code of a concept, of a list of them, or of a Coding."""
    found: list[Mapping[str, Json]] = []
    for one in concept if isinstance(concept, list) else (concept,):
        if not isinstance(one, _OBJECT):
            continue
        held = one.get("coding", one)
        for coding in held if isinstance(held, list) else (held,):
            code = coding.get("code") if isinstance(coding, _OBJECT) else None
            if isinstance(code, str) and code.strip():
                found.append(coding)
    return found


def _coding(system: str, code: str, display: str) -> Coding:
    known_as, code, modifiers = usual_form(system_of(system) if system else "", code)
    return Coding(known_as, code, display, modifiers)


_MAX_KNOWN_LENGTH = 300
_known_coding = lru_cache(maxsize=4_000)(_coding)
"""The same codes come again in chart after chart; a code and its label say nothing of a patient."""


def codings_and_text(concept: Json) -> tuple[Coding, ...]:
    """Return the codes of a concept and, as another Coding without system and code, its text."""
    words = concept_text(concept)
    return (*codings(concept), Coding("", "", words)) if words else codings(concept)


def has_code(concept: Json, *codes: str) -> bool:
    """Return whether a status or category concept has one of these codes in any system."""
    return not plain_codes(concept).isdisjoint(codes)


def plain_codes(concept: Json) -> frozenset[str]:
    """Return the codes of a status or category concept, whatever their systems."""
    if concept is None:
        return _NO_CODES
    return _PLAIN_CODES.of(
        canonical(concept), None, lambda: frozenset(each["code"].strip() for each in _coded(concept))
    )


_NO_CODES: frozenset[str] = frozenset()
_PLAIN_CODES: Kept[frozenset[str]] = Kept()


def concept_text(concept: Json) -> str:
    """Return the text of a concept, else the first display; empty if there is neither."""
    for one in items(concept):
        if isinstance(one.get("text"), str) and one["text"].strip():
            return str(one["text"]).strip()
        for coding in codings(one):
            if coding.display:
                return coding.display
    return ""
