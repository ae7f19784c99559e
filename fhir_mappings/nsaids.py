"""Products with a nonsteroidal anti-inflammatory drug (NSAID), and how they are given.

`nsaids.csv` has the products of twelve NSAIDs, branded ones and combinations included: the value sets of HL7's
PDDI-CDS guide (2018-07-02), which list RxNorm's products by ingredient, with their RxNorm names. `strength` is that
of the NSAID in `unit`; `route` is `oral`, `topical` (skin), or `other` (injection, eye, nose, rectum), by the dose
form.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path

from fhir_mappings.codings import RXNORM, Coding


@dataclass(frozen=True, slots=True)
class NsaidProduct:
    """One RxNorm drug. `strength` is in `unit`, MG per tablet or capsule, or MG/ML; `route` as in `nsaids.csv`."""

    ingredient: Coding
    name: str
    strength: Fraction
    unit: str
    route: str


@cache
def nsaid_products() -> Mapping[str, NsaidProduct]:
    """Return every product by RXCUI."""
    with Path(__file__).with_name("nsaids.csv").open(encoding="utf-8", newline="") as rows:
        return {
            row["rxcui"]: NsaidProduct(
                Coding(RXNORM, row["ingredient_rxcui"], row["ingredient"]),
                row["name"],
                Fraction(row["strength"]),
                row["unit"],
                row["route"],
            )
            for row in csv.DictReader(rows)
        }


def nsaid_product(coding: Coding) -> NsaidProduct | None:
    """Return the product of an RxNorm code, None if it is not in the table."""
    return nsaid_products().get(coding.code) if coding.system == RXNORM else None
