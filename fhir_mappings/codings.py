"""Codes of FHIR concepts, read leniently."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from fhir_mappings.fhir_json import Json

CPT = "http://www.ama-assn.org/go/cpt"
HCPCS = "http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets"
ICD10CM = "http://hl7.org/fhir/sid/icd-10-cm"
LOINC = "http://loinc.org"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
SNOMED = "http://snomed.info/sct"

SYSTEMS = {
    "cpt": CPT,
    "hcpcs": HCPCS,
    "icd10cm": ICD10CM,
    "loinc": LOINC,
    "rxnorm": RXNORM,
    "snomed": SNOMED,
}
"""The short names of code systems, as policy authors write them."""

_SAME_SYSTEM = {
    "https://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets": HCPCS,
    "http://www.nlm.nih.gov/research/umls/hcpcs": HCPCS,
    "urn:oid:2.16.840.1.113883.6.285": HCPCS,
    "urn:oid:2.16.840.1.113883.6.14": HCPCS,
    "urn:oid:2.16.840.1.113883.6.12": CPT,
    "https://www.ama-assn.org/go/cpt": CPT,
    "urn:oid:2.16.840.1.113883.6.90": ICD10CM,
    "http://hl7.org/fhir/sid/icd-10": ICD10CM,
    "urn:oid:2.16.840.1.113883.6.1": LOINC,
    "https://loinc.org": LOINC,
    "urn:oid:2.16.840.1.113883.6.88": RXNORM,
    "urn:oid:2.16.840.1.113883.6.96": SNOMED,
    "https://snomed.info/sct": SNOMED,
}
"""Other addresses of the same code systems: object identifiers, https, and retired addresses."""


@dataclass(frozen=True, slots=True)
class Coding:
    """One code in one system; `display` is the sender's label and may be empty."""

    system: str
    code: str
    display: str = ""


class Course(Enum):
    """How long a condition lasts: for life, until it ends, or for days."""

    PERMANENT = "permanent"
    CHRONIC = "chronic"
    ACUTE = "acute"


@dataclass(frozen=True, slots=True)
class Match:
    """A code in a value set: our label for it, whether it may decide a criterion or only be shown, and its course."""

    label: str
    decides: bool
    course: Course = Course.CHRONIC


CodeMatcher: TypeAlias = Callable[[Iterable[Coding]], Match | None]
"""A function that returns the match of a concept's codes with a value set; callers supply it."""


def items(value: Json) -> Iterator[Mapping[str, Json]]:
    """Yield the objects of a member that should be an array of objects; a single object counts as an array of one."""
    if isinstance(value, Mapping):
        yield value
    elif isinstance(value, list):
        yield from (item for item in value if isinstance(item, Mapping))


def codings(concept: Json) -> tuple[Coding, ...]:
    """Return every usable code of a CodeableConcept, of a list of them, or of a Coding.

    Skip codings without a code. Keep a coding without a system, with an empty system, which no value set contains.
    """
    found = []
    for one in items(concept):
        for coding in items(one["coding"]) if "coding" in one else (one,):
            code, system, display = coding.get("code"), coding.get("system"), coding.get("display")
            if isinstance(code, str) and code.strip():
                system = system.strip() if isinstance(system, str) else ""
                found.append(
                    Coding(
                        _SAME_SYSTEM.get(system, system),
                        code.strip(),
                        display if isinstance(display, str) else "",
                    )
                )
    return tuple(found)


def codings_and_text(concept: Json) -> tuple[Coding, ...]:
    """Return the codes of a concept and, as another Coding without system and code, its text."""
    words = concept_text(concept)
    return (*codings(concept), Coding("", "", words)) if words else codings(concept)


def has_code(concept: Json, *codes: str) -> bool:
    """Return whether a status or category concept has one of these codes in any system."""
    return any(coding.code in codes for coding in codings(concept))


def concept_text(concept: Json) -> str:
    """Return the text of a concept, else the first display; empty if there is neither."""
    for one in items(concept):
        if isinstance(one.get("text"), str) and one["text"].strip():
            return str(one["text"]).strip()
        for coding in codings(one):
            if coding.display:
                return coding.display
    return ""
