"""The table of NSAID products."""

from fractions import Fraction

import pytest

from fhir_mappings.codings import RXNORM, SNOMED, Coding
from fhir_mappings.nsaids import nsaid_product, nsaid_products


@pytest.mark.parametrize(
    ("rxcui", "ingredient", "strength", "unit", "route"),
    [
        ("152695", "41493", 15, "MG", "oral"),
        ("311486", "41493", Fraction(15, 2), "MG", "oral"),
        ("311913", "7258", 25, "MG/ML", "oral"),
        ("855633", "3355", Fraction(1, 100), "MG/MG", "topical"),
        ("855626", "3355", Fraction(13, 1000), "MG/MG", "topical"),
        ("860107", "35827", 5, "MG/ML", "other"),
        ("994008", "7258", 500, "MG", "oral"),
    ],
)
def test_a_product_has_its_ingredient_strength_and_route(rxcui, ingredient, strength, unit, route):
    found = nsaid_product(Coding(RXNORM, rxcui))
    assert found is not None
    assert (found.ingredient.code, found.strength, found.unit, found.route) == (ingredient, strength, unit, route)


@pytest.mark.parametrize("coding", [Coding(RXNORM, "1"), Coding(SNOMED, "152695")])
def test_another_code_is_no_product(coding):
    assert nsaid_product(coding) is None


def test_the_table_has_the_products_of_twelve_ingredients():
    assert len(nsaid_products()) > 200
    assert len({product.ingredient for product in nsaid_products().values()}) == 12
