"""Drug ingredients by their names."""

import re

import pytest

from fhir_mappings.codings import RXNORM, Coding
from fhir_mappings.drug_names import (
    allergen_of_label,
    ingredients_named,
    substances_named,
    substances_of_product,
)
from fhir_mappings.opioids.table import products
from tests.support.fhir_builders import codes_of


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("Intrathecal morphine", ["7052"]),
        ("MORPHINE sulfate", ["7052"]),
        ("hydromorphone 2 mg", ["3423"]),
        ("morphine/bupivacaine", ["7052", "1815"]),
        ("bupivacaine with morphine", ["1815", "7052"]),
        ("Morphine, morphine", ["7052"]),
        ("apomorphine", []),
        ("dihydrocodeine", ["23088"]),
        ("Duramorph", ["7052"]),
        ("Kenalog-40", ["10759"]),
        ("opioids", []),
        ("morphines", []),
        ("ziconotide", ["68503"]),
        ("", []),
    ],
)
def test_an_ingredient_is_known_by_its_whole_name(text, codes):
    assert codes_of(ingredients_named(text)) == codes


def test_an_ingredient_is_an_rxnorm_code_with_its_name():
    assert ingredients_named("Lioresal, baclofen") == (Coding(RXNORM, "1292", "baclofen"),)


@pytest.mark.parametrize(
    ("text", "codes"),
    [("NSAIDs", ["372665008"]), ("IV contrast dye", ["385420005"]), ("morphine, titanium", ["7052", "1166006"])],
)
def test_classes_and_materials_are_known_by_their_names(text, codes):
    assert codes_of(substances_named(text)) == codes


@pytest.mark.parametrize(
    ("label", "codes"),
    [
        ("Celebrex 200 mg capsule", ["140587"]),
        ("hydrocodone-ibuprofen 7.5-200 mg", ["5489", "5640"]),
        ("lisinopril 10 mg tablet", []),
        ("ibuprofen 800 mg with breakfast", []),
    ],
)
def test_a_product_label_counts_only_if_every_part_of_it_is_known(label, codes):
    assert codes_of(substances_of_product(label)) == codes


@pytest.mark.parametrize(
    ("label", "code"),
    [
        ("Morphine", "7052"),
        ("morphine sulfate", "7052"),
        ("Allergy to morphine (finding)", "7052"),
        ("Dilaudid [hydromorphone]", "3423"),
        ("NSAIDs (Non-Steroidal Anti-Inflammatory Drug)", "372665008"),
        ("Omnipaque", "426722004"),
        ("Titanium", "1166006"),
    ],
)
def test_the_label_of_an_allergy_that_names_one_substance_is_that_substance(label, code):
    found = allergen_of_label(label)
    assert found is not None
    assert found.code == code


@pytest.mark.parametrize(
    "label",
    [
        "Percocet",
        "Opiates",
        "morphine, codeine",
        "Intolerance to morphine",
        "No known allergy to morphine",
        "Rash from morphine",
        "Penicillin",
        "",
    ],
)
def test_another_label_of_an_allergy_names_no_substance_for_certain(label):
    assert allergen_of_label(label) is None


def test_every_brand_of_an_opioid_product_is_known_by_name():
    brands = {
        (product.ingredient_rxcui, brand.split(" Reformulated")[0])
        for product in products().values()
        for brand in re.findall(r"\[([^\]]+)\]", product.name)
    }
    assert not [brand for code, brand in brands if code not in codes_of(ingredients_named(brand))]
