"""Which medications are opioids, what they contain, and their factor to oral morphine.

`opioids.csv` has 912 products, including branded ones: RxNorm Current Prescribable Content 2025-10-06 and, for products
that have left it since, OMTKData 3.0.0 (RxNav 2020-10-20). Its columns: `strength` in `unit` (MG per tablet or capsule,
MG/ML, MG/HR of a patch, MG/ACTUAT), `route` by the RxNorm dose form, `factor` in morphine milligram equivalents (MME)
per mg, for fentanyl patches per mcg/h, and `single` (`yes` if there is no other ingredient). The strengths of two salts
of one opioid in a product (637540, 724614) are added.

The factors are those of CDC's 2022 guideline (MMWR Recomm Rep 2022;71(3), doi 10.15585/mmwr.rr7103a1), which has them
for ten oral opioids and transdermal fentanyl. An empty `factor` means that the guideline has none: buprenorphine, every
injection, transmucosal and rectal products, iontophoretic fentanyl, meperidine, and so on.
"""

import csv
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path

from fhir_mappings.codings import RXNORM, Coding

FACTORS = "CDC 2022"


@dataclass(frozen=True, slots=True)
class Product:
    """The content of one RxNorm drug. `strength` is in `unit`; `factor` is None if CDC 2022 has none."""

    ingredient_rxcui: str
    ingredient: str
    name: str
    strength: Fraction
    unit: str
    form: str
    route: str
    factor: Fraction | None
    single: bool

    @property
    def is_patch(self) -> bool:
        """Return whether its strength is a rate through the skin."""
        return self.unit == "MG/HR"

    @property
    def is_liquid(self) -> bool:
        """Return whether its strength is per milliliter."""
        return self.unit == "MG/ML"

    @property
    def release(self) -> str:
        """Return the release form: patch, extended, or immediate."""
        if self.is_patch:
            return "patch"
        return "extended" if "Extended Release" in self.form else "immediate"


_OTHER_INGREDIENTS = [
    "alfentanil",
    "benzhydrocodone",
    "butorphanol",
    "diamorphine",
    "heroin",
    "levomethadyl",
    "nalbuphine",
    "oliceridine",
    "opium",
    "paregoric",
    "propoxyphene",
    "remifentanil",
    "sufentanil",
]
"""Opioids without a product in the table."""

_OTHER_BRANDS = [
    "Anexsia",
    "Apadaz",
    "Avinza",
    "Co-Gesic",
    "Darvocet",
    "Darvon",
    "Dsuvia",
    "Levo-Dromoran",
    "Lynox",
    "Maxidone",
    "Meperitab",
    "MSIR",
    "Nubain",
    "Olinvyk",
    "Onsolis",
    "Oramorph",
    "Oxecta",
    "OxyIR",
    "Palladone",
    "Percodan",
    "Roxanol",
    "Roxicet",
    "Rybix",
    "Ryzolt",
    "Stadol",
    "Subutex",
    "Sufenta",
    "Tylox",
    "Xartemis",
    "Zydone",
]

_NUMBERED_TYLENOL = r"tylenol(?:\s*(?:#|no\.?|number))?\s*[234]"
"""Acetaminophen with codeine, as commonly written."""


@cache
def products() -> Mapping[str, Product]:
    """Return every opioid product by RXCUI."""
    with Path(__file__).with_name("opioids.csv").open(encoding="utf-8", newline="") as rows:
        return {
            row["rxcui"]: Product(
                row["ingredient_rxcui"],
                row["ingredient"],
                row["name"],
                Fraction(row["strength"]),
                row["unit"],
                row["form"],
                row["route"],
                Fraction(row["factor"]) if row["factor"] else None,
                row["single"] == "yes",
            )
            for row in csv.DictReader(rows)
        }


@cache
def ingredients() -> Mapping[str, str]:
    """Return the names of the opioid ingredients in the table by RXCUI."""
    return {product.ingredient_rxcui: product.ingredient for product in products().values()}


@cache
def _names() -> re.Pattern[str]:
    brands = {
        brand.split(" Reformulated")[0]
        for product in products().values()
        for brand in re.findall(r"\[([^\]]+)\]", product.name)
    }
    words = sorted({*ingredients().values(), *_OTHER_INGREDIENTS, *brands, *_OTHER_BRANDS})
    # Whole words only: tiotropium ends with opium, apomorphine with morphine.
    return re.compile(rf"(?<![a-z])(?:{'|'.join(map(re.escape, words))}|{_NUMBERED_TYLENOL})(?![a-z])", re.IGNORECASE)


def names_an_opioid(words: str) -> bool:
    """Return whether a text names an opioid, by ingredient or brand."""
    return _names().search(words) is not None


def is_opioid(codings: Iterable[Coding], text: str = "") -> bool:
    """Return whether a medication is an opioid, by its RxNorm codes, or by its displays or `text`."""
    found = tuple(codings)
    return any(ingredient_of(coding) for coding in found) or any(
        names_an_opioid(words) for words in (text, *(coding.display for coding in found)) if words
    )


def ingredient_of(coding: Coding) -> Coding | None:
    """Return the opioid ingredient of an RxNorm product or ingredient code; None if it is not an opioid."""
    if coding.system != RXNORM:
        return None
    if product := products().get(coding.code):
        return Coding(RXNORM, product.ingredient_rxcui, product.ingredient)
    if name := ingredients().get(coding.code):
        return Coding(RXNORM, coding.code, name)
    return None
