"""Codes of drugs that stand for other codes: a substance or product for an ingredient, an ingredient for its classes.

`drug_substances.csv` maps substances, as allergy lists name them, to RxNorm ingredients. `drug_classes.csv` has the
SNOMED CT classes of ingredients: who is allergic to a class is allergic to its members. A row that `asks` is known
only from memory, or its class is wider than what allergies are usually about.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from fhir_mappings.codings import RXNORM, SNOMED, Coding
from fhir_mappings.nsaids import nsaid_product
from fhir_mappings.opioids.table import products


@dataclass(frozen=True, slots=True)
class RelatedCode:
    """A code that another one stands for, and whether that is certain enough to decide."""

    coding: Coding
    decides: bool


def ingredient_of_code(coding: Coding) -> RelatedCode | None:
    """Return the RxNorm ingredient of a SNOMED CT substance or an RxNorm product, None for another code.

    That of a product with several ingredients does not decide: which of them is meant is not known.
    """
    if coding.system == SNOMED:
        return _ingredients().get(coding.code)
    if coding.system != RXNORM:
        return None
    if opioid := products().get(coding.code):
        return RelatedCode(Coding(RXNORM, opioid.ingredient_rxcui, opioid.ingredient), opioid.single)
    nsaid = nsaid_product(coding)
    return RelatedCode(nsaid.ingredient, " / " not in nsaid.name) if nsaid else None


def classes_of(ingredient: Coding) -> tuple[RelatedCode, ...]:
    """Return the SNOMED CT classes of an RxNorm ingredient."""
    return _classes().get(ingredient.code, ()) if ingredient.system == RXNORM else ()


@cache
def _ingredients() -> Mapping[str, RelatedCode]:
    return {
        row["snomed"]: RelatedCode(Coding(RXNORM, row["rxcui"], row["ingredient"]), row["use"] == "decides")
        for row in _rows("drug_substances.csv")
    }


@cache
def _classes() -> Mapping[str, tuple[RelatedCode, ...]]:
    found: dict[str, tuple[RelatedCode, ...]] = {}
    for row in _rows("drug_classes.csv"):
        related = RelatedCode(Coding(SNOMED, row["snomed"], row["class"]), row["use"] == "decides")
        found[row["rxcui"]] = (*found.get(row["rxcui"], ()), related)
    return found


def _rows(name: str) -> list[dict[str, str]]:
    with Path(__file__).with_name(name).open(encoding="utf-8", newline="") as rows:
        return list(csv.DictReader(rows))
