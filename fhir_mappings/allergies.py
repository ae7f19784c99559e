"""Allergies and intolerances (AllergyIntolerance).

A substance is matched by its codes and what they stand for, and by words: a label that names one substance and nothing
else is as good as its code, any other mention only asks. So does an entry that names no substance at all.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from fhir_mappings.codings import CodeMatcher, Coding, Match, codings, codings_and_text, concept_text, has_code, items
from fhir_mappings.dates import DateInterval, is_on_or_before
from fhir_mappings.drug_codes import ingredient_of_code
from fhir_mappings.drug_names import allergen_of_label, substances_named
from fhir_mappings.fhir_json import Json, Resource
from fhir_mappings.record import Evidence, PatientRecord
from fhir_mappings.truth import Truth

_DENIED = re.compile(r"\b(?:no|not|denies|without|tolerate[sd]?)\b", re.IGNORECASE)
"""Words of entries that say what a patient is not allergic to."""


@dataclass(frozen=True, slots=True)
class Allergy:
    """One entry of an allergy list.

    `is_certain` means an active and confirmed allergy, `is_certain_intolerance` an active and confirmed intolerance.
    `since` is the onset, else the day the entry was recorded.
    """

    reference: str
    label: str
    is_certain: bool
    evidence: Evidence
    is_certain_intolerance: bool = False
    since: DateInterval | None = None


def allergies(
    record: PatientRecord, codes: CodeMatcher, side_effects: CodeMatcher | None = None
) -> tuple[Allergy, ...]:
    """Return the allergies to these substances, without refuted, erroneous, inactive, and resolved ones.

    An entry that is not called an allergy and has only `side_effects` as reactions, none of high criticality, counts as
    an intolerance.
    """
    found = []
    for resource in record.of_type("AllergyIntolerance"):
        match = None if _is_over(resource) else _match(resource, codes)
        if match is None:
            continue
        usable = record.is_usable(
            resource, "code", "clinicalStatus", "verificationStatus", "type", "reaction", "recordedDate", "patient"
        )
        verification, clinical = resource.get("verificationStatus"), resource.get("clinicalStatus")
        confirmed = verification is None or has_code(verification, "confirmed")
        active = clinical is None or has_code(clinical, "active")
        recorded = record.when(resource.get("onsetDateTime")) or record.when(resource.get("recordedDate"))
        is_past = recorded is None or is_on_or_before(recorded, record.today) is Truth.YES
        stands = usable and match.decides and confirmed and active and is_past
        harmless = side_effects is not None and _has_only_side_effects(resource, side_effects)
        certain = stands and resource.get("type") != "intolerance" and not harmless
        value = "" if certain else "set aside" if not usable else "only side effects" if harmless else "to be confirmed"
        reference = record.reference(resource)
        label = next(_labels(resource.get("code")), match.label)
        evidence = Evidence(reference, label, str(recorded or ""), value)
        found.append(Allergy(reference, label, certain, evidence, stands and not certain, recorded))
    return tuple(found)


def _is_over(resource: Resource) -> bool:
    return has_code(resource.get("verificationStatus"), "refuted", "entered-in-error") or has_code(
        resource.get("clinicalStatus"), "resolved", "inactive"
    )


def _match(resource: Resource, codes: CodeMatcher) -> Match | None:
    """Return the match of an entry's substances: by code, by a label that names one, or by a mention, which asks."""
    concepts = [resource.get("code"), *(reaction.get("substance") for reaction in items(resource.get("reaction")))]
    found = [match for concept in concepts if (match := _match_of(concept, codes))]
    if found:
        return next((match for match in found if match.decides), found[0])
    is_named = any(codings(concept) or concept_text(concept) for concept in concepts)
    return None if is_named else Match("Allergy without a substance", False)


def _match_of(concept: Json, codes: CodeMatcher) -> Match | None:
    sent, labels = codings(concept), tuple(_labels(concept))
    named = tuple(allergen for label in labels if (allergen := allergen_of_label(label)))
    implied = [related for coding in sent if (related := ingredient_of_code(coding))]
    certain = (*sent, *named, *(related.coding for related in implied if related.decides))
    possible = (
        *(related.coding for related in implied),
        *(coding for label in labels if not _DENIED.search(label) for coding in substances_named(label)),
    )
    by_name = codes(named)
    if by_name and by_name.decides:
        return by_name
    return codes(certain) or _asking(codes(possible))


def _labels(concept: Json) -> Iterator[str]:
    yield from (label for label in (concept_text(concept), *(coding.display for coding in codings(concept))) if label)


def _asking(match: Match | None) -> Match | None:
    return replace(match, decides=False) if match else None


def _has_only_side_effects(resource: Resource, side_effects: CodeMatcher) -> bool:
    """Return whether an entry not called an allergy has reactions, and only side effects that are not critical."""
    manifestations = list(_manifestations(resource))
    if not manifestations or resource.get("type") == "allergy" or resource.get("criticality") == "high":
        return False
    return all(side_effects(manifestation) for manifestation in manifestations)


def _manifestations(resource: Resource) -> Iterator[tuple[Coding, ...]]:
    """Yield the codes and the words of each manifestation of each reaction."""
    for reaction in items(resource.get("reaction")):
        yield from (codings_and_text(manifestation) for manifestation in items(reaction.get("manifestation")))
