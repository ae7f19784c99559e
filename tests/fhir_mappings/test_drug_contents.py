"""What a label or a code of a drug contains."""

import pytest

from fhir_mappings.codings import RXNORM, SNOMED, Coding
from fhir_mappings.drug_contents import contents_of_label
from fhir_mappings.drug_ingredients import Contents, contents_of_code, name_of_ingredient


def names(codings):
    return {coding.code for coding in codings}


@pytest.mark.parametrize(
    ("label", "contained"),
    [
        ("metformin hydrochloride 500 MG Oral Tablet", {"metformin", "metformin hydrochloride"}),
        ("24 HR metformin hydrochloride 500 MG Extended Release Oral Tablet", {"metformin"}),
        ("metFORMIN HCl 500 mg tab", {"metformin"}),
        ("insulin glargine 100 UNT/ML Injectable Solution [Lantus]", {"insulin glargine", "lantus"}),
        ("Lantus SoloStar 100 unit/mL pen", {"insulin glargine", "lantus"}),
        ("Janumet 50-1000 mg", {"metformin", "sitagliptin"}),
        ("Trijardy XR", {"metformin", "empagliflozin", "linagliptin"}),
        ("0.5 ML tirzepatide 30 MG/ML Auto-Injector", {"tirzepatide"}),
        ("diclofenac epolamine 1.3 % patch", {"diclofenac", "diclofenac epolamine"}),
    ],
)
def test_a_label_that_is_known_whole_contains_its_ingredients(label, contained):
    found = contents_of_label(label)
    assert contained <= names(found.certain)
    assert found.is_identified


@pytest.mark.parametrize("label", ["metformin or placebo", "metformin-", "study metformin 500 mg"])
def test_a_label_with_another_word_only_may_contain_them(label):
    found = contents_of_label(label)
    assert "metformin" not in names(found.certain)
    assert "metformin" in names(found.possible)
    assert not found.is_identified


def test_a_name_of_a_compiled_list_only_may_be_its_ingredient():
    found = contents_of_label("paracetamol 500 mg")
    assert "acetaminophen" in names(found.possible)
    assert "acetaminophen" not in names(found.certain)
    assert not found.is_identified


def test_a_label_with_more_strengths_than_names_lacks_a_name():
    assert contents_of_label("hydrochlorothiazide 12.5 mg").is_identified
    assert not contents_of_label("hydrochlorothiazide 12.5-20 mg").is_identified


def test_a_label_of_other_words_contains_nothing():
    assert contents_of_label("blue capsules") == contents_of_label("")


@pytest.mark.parametrize(
    ("code", "ingredients"),
    [
        ("861007", ("metformin hydrochloride",)),
        ("1991306", ("semaglutide",)),
        ("285018", ("insulin glargine",)),
        ("665033", ("sitagliptin",)),
    ],
)
def test_a_product_code_stands_for_its_ingredients(code, ingredients):
    assert contents_of_code(Coding(RXNORM, code)) == Contents(ingredients, decides=True)


def test_a_code_that_is_not_in_the_table_or_of_another_system_stands_for_none():
    assert contents_of_code(Coding(RXNORM, "0")) is None
    assert contents_of_code(Coding(SNOMED, "861007")) is None


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("Metformin", "metformin"),
        ("Insulin glargine", "insulin glargine"),
        ("Diclofenac epolamine", "diclofenac epolamine"),
        ("metformin hydrochloride 500 MG Oral Tablet", ""),
        ("metformin / sitagliptin", ""),
        ("Metformin (Glucophage)", ""),
        ("", ""),
    ],
)
def test_only_a_label_without_strength_or_partner_is_the_name_of_an_ingredient(label, name):
    assert name_of_ingredient(label) == name
