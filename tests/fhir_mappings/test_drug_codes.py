"""Codes that stand for other codes of drugs."""

import pytest

from fhir_mappings.codings import RXNORM, SNOMED, Coding
from fhir_mappings.drug_codes import classes_of, ingredient_of_code
from fhir_mappings.opioids.table import ingredients


def test_a_substance_stands_for_its_ingredient():
    found = ingredient_of_code(Coding(SNOMED, "373529000"))
    assert found is not None
    assert (found.coding.system, found.coding.code, found.decides) == (RXNORM, "7052", True)


def test_a_substance_known_only_from_memory_asks():
    found = ingredient_of_code(Coding(SNOMED, "44508008"))
    assert found is not None
    assert (found.coding.code, found.decides) == ("3423", False)


@pytest.mark.parametrize(
    ("product", "ingredient", "decides"),
    [
        ("892582", "7052", True),
        ("1049621", "7804", True),
        ("198014", "7258", True),
        ("1806701", "7804", False),
        ("994008", "7258", False),
    ],
)
def test_a_product_stands_for_its_only_ingredient_and_asks_if_it_has_several(product, ingredient, decides):
    found = ingredient_of_code(Coding(RXNORM, product))
    assert found is not None
    assert (found.coding.code, found.decides) == (ingredient, decides)


@pytest.mark.parametrize("coding", [Coding(SNOMED, "7052"), Coding(RXNORM, "7052"), Coding(RXNORM, "373529000")])
def test_another_code_stands_for_nothing(coding):
    assert ingredient_of_code(coding) is None


@pytest.mark.parametrize(("drug", "of"), [("7052", "404642006"), ("7258", "372665008")])
def test_an_ingredient_has_its_class_and_a_wider_one_that_asks(drug, of):
    found = {related.coding.code: related.decides for related in classes_of(Coding(RXNORM, drug))}
    assert found == {of: True, "373265006": False}


@pytest.mark.parametrize("coding", [Coding(RXNORM, "68503"), Coding(SNOMED, "7052")])
def test_another_drug_has_no_class_here(coding):
    assert classes_of(coding) == ()


def test_every_opioid_of_the_table_is_of_the_class():
    assert not [code for code in ingredients() if not classes_of(Coding(RXNORM, code))]
