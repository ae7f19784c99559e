"""Drugs, classes of drugs, and materials by their names in words.

`drug_names.csv` has the ingredients and brands that policies ask about, with the RxNorm ingredient, and the usual
names of drug classes, contrast media, and implant materials, with the SNOMED CT substance. `alone` is `no` for a
brand with several ingredients and for a word that is also used for more than the substance. Ingredients and brands
are those of RxNorm (Current Prescribable Content 2025-10-06, OMTKData 3.0.0, and the value sets of HL7's PDDI-CDS
guide, 2018-07-02).
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from fhir_mappings.codings import RXNORM, SYSTEMS, Coding
from fhir_mappings.drug_ingredients import contents_by_name
from fhir_mappings.drug_labels import Names
from fhir_mappings.known_drugs import known_names
from fhir_mappings.short_texts import kept

_ALLERGY_WORDS = frozenset(
    [
        *("allergy", "allergies", "allergic", "hypersensitivity", "hypersensitive", "sensitivity", "to", "class"),
        *("substance", "disorder", "finding", "medication", "product", "containing", "drug", "preparation"),
    ]
)
"""What the label of an allergy may say besides the substance."""


@dataclass(frozen=True, slots=True)
class _Named:
    """What a name stands for; `alone` unless it may stand for more."""

    coding: Coding
    alone: bool


@cache
def _rows() -> Mapping[str, tuple[_Named, ...]]:
    found: dict[str, list[_Named]] = {}
    with Path(__file__).with_name("drug_names.csv").open(encoding="utf-8", newline="") as rows:
        for row in csv.DictReader(rows):
            coding = Coding(SYSTEMS[row["system"]], row["code"], row["label"])
            found.setdefault(row["name"], []).append(_Named(coding, row["alone"] == "yes"))
    return {name: tuple(named) for name, named in found.items()}


@cache
def _names() -> Names:
    return Names(_rows())


@cache
def label_names() -> Names:
    """Return every name that is known, to read labels by."""
    return Names({*_rows(), *known_names(), *contents_by_name()})


@kept
def substances_named(text: str) -> tuple[Coding, ...]:
    """Return what the names in a text stand for, each once, in order of occurrence."""
    found = (named.coding for name in _names().within(text) for named in _rows()[name])
    return tuple(dict.fromkeys(found))


def ingredients_named(text: str) -> tuple[Coding, ...]:
    """Return the RxNorm ingredients whose names or brands occur in a text, each once, in order of occurrence."""
    return tuple(coding for coding in substances_named(text) if coding.system == RXNORM)


@kept
def substances_of_product(label: str) -> tuple[Coding, ...]:
    """Return what the label of a product contains if every part of it is known; empty if one is not."""
    names = label_names().whole(label)
    found = (named.coding for name in names for named in _rows().get(name, ()))
    return tuple(dict.fromkeys(found))


@kept
def allergen_of_label(label: str) -> Coding | None:
    """Return the one substance that the label of an allergy names and that is all it says; None otherwise.

    `Morphine sulfate`, `Allergy to MS Contin`, and `Motrin [ibuprofen]` name one; `Percocet` and `opiates` do not.
    """
    names = _names().whole(label, _ALLERGY_WORDS)
    found = {named for name in names for named in _rows()[name]}
    return next(iter(found)).coding if len(found) == 1 and all(named.alone for named in found) else None
