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
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, cached_property
from pathlib import Path

from fhir_mappings.codings import RXNORM, Coding

FACTORS = "CDC 2022"


@dataclass(frozen=True)
class Product:
    """The content of one RxNorm drug. `strength` is in `unit`; `factor` is None if CDC 2022 has none.

    A drug of which only the ingredient is known has no `strength` and no `form`, so only a mass of it can be converted.
    """

    ingredient_rxcui: str
    ingredient: str
    name: str
    strength: Fraction | None
    unit: str
    form: str
    route: str
    factor: Fraction | None
    single: bool

    def __hash__(self) -> int:
        # Fractions take long to hash, and products with one name differ in little else.
        return hash((self.ingredient_rxcui, self.name))

    @property
    def is_patch(self) -> bool:
        """Return whether its strength is a rate through the skin."""
        return self.unit == "MG/HR"

    @property
    def is_liquid(self) -> bool:
        """Return whether its strength is per milliliter."""
        return self.unit == "MG/ML"

    @cached_property
    def release(self) -> str:
        """Return the release form: patch, extended, or immediate; unknown for an ingredient."""
        if self.is_patch:
            return "patch"
        if not self.form:
            return "unknown"
        return "extended" if "Extended Release" in self.form else "immediate"


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


def ingredient_of(coding: Coding) -> Coding | None:
    """Return the opioid ingredient of an RxNorm product or ingredient code; None if it is not an opioid."""
    return _ingredients_of_codes().get(coding.code) if coding.system == RXNORM else None


@cache
def _ingredients_of_codes() -> Mapping[str, Coding]:
    by_rxcui = {rxcui: Coding(RXNORM, rxcui, name) for rxcui, name in ingredients().items()}
    return by_rxcui | {rxcui: by_rxcui[product.ingredient_rxcui] for rxcui, product in products().items()}
