"""Drugs that are known to be no opioid by the words of their labels.

`known_drugs.txt` has one name a line: ingredients, brands, and what else stands on US medication lists (supplements,
vaccines, diabetes supplies), without any opioid. The names come from the package drug-named-entity-recognition 2.0.9
(released 2025-07, MIT license), which compiles MedlinePlus, MeSH, the DrugBank open vocabulary (CC0), NHS and
Wikipedia pages; from the name list of guardrails-ai-mentions-drugs 0.1.0 (MIT license); and from a supplement of
common US names written for this product on 2026-06-01. Opioids were taken out by ingredient and by brand, their
abbreviations too. A name is written as labels are read: lower case, letters and numbers apart, no punctuation.

Only a label that is known whole is a known drug: a cut or abbreviated name is not on the list, so it may be anything.
"""

from functools import cache
from pathlib import Path

from fhir_mappings.drug_labels import Names, label_words, strengths
from fhir_mappings.short_texts import kept

_PARTNERS = frozenset(
    [
        *("acetaminophen", "apap", "paracetamol", "tylenol", "aspirin", "asa", "ibuprofen", "motrin", "advil"),
        *("butalbital", "fioricet", "fiorinal", "caffeine", "carisoprodol", "soma", "promethazine", "phenergan"),
        *("guaifenesin", "robitussin", "chlorpheniramine", "pseudoephedrine", "homatropine"),
        *("celecoxib", "naloxone", "naltrexone"),
    ]
)
"""Ingredients, and their brands, that US products combine with an opioid."""


@kept
def is_known_non_opioid(label: str) -> bool:
    """Return whether every part of a medication's label names a known drug, none of which is an opioid.

    Strength, form, route, release, and salt are disregarded. False for a label that is cut short, and for one with more
    strengths than names, whose missing name may be the opioid of a combination product.
    """
    found = _known().whole(label)
    lacks_a_name = not _PARTNERS.isdisjoint(found) and strengths(label_words(label)) > len(found)
    return bool(found) and not lacks_a_name


def names_a_partner(label: str) -> bool:
    """Return whether a label that is known whole names a drug that US products combine with an opioid."""
    return not _PARTNERS.isdisjoint(_known().whole(label))


@cache
def known_names() -> tuple[str, ...]:
    """Return every name of the list."""
    return tuple(Path(__file__).with_name("known_drugs.txt").read_text(encoding="utf-8").splitlines())


@cache
def _known() -> Names:
    return Names(known_names())
