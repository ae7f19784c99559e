"""The drug of a prescription, by code and by words."""

import pytest

from fhir_mappings.codings import RXNORM
from fhir_mappings.prescribed_drugs import drug_of
from tests.support.fhir_builders import codes_of, concept, knows, record, resource

MORPHINE, NAPROXEN, MELOXICAM = "7052", "7258", "41493"
MORPHINE_TABLET, NAPROXEN_TABLET = "892582", "198014"


def drug(concept_or_none=None, *more, **members):
    given = resource("MedicationRequest", medicationCodeableConcept=concept_or_none, **members)
    return drug_of(record(given, *more), given)


@pytest.mark.parametrize(("product", "ingredient"), [(MORPHINE_TABLET, MORPHINE), (NAPROXEN_TABLET, NAPROXEN)])
def test_a_product_stands_for_its_ingredient(product, ingredient):
    assert codes_of(drug(concept(product, RXNORM)).codes) == [product, ingredient]


def test_the_product_of_a_code_of_another_system_is_not_known():
    assert drug(concept(NAPROXEN_TABLET)).product_code is None


def test_an_ingredient_of_a_referenced_medication_counts():
    medication = {
        "resourceType": "Medication",
        "id": "m",
        "ingredient": [{"itemCodeableConcept": concept(NAPROXEN, RXNORM)}],
    }
    assert NAPROXEN in codes_of(drug(None, medication, medicationReference={"reference": "Medication/m"}).codes)


def test_the_display_of_a_reference_is_a_label():
    found = drug(medicationReference={"reference": "Medication/gone", "display": "Mobic 15 mg tablet"})
    assert codes_of(found.product) == [MELOXICAM]


def test_a_label_in_other_letters_is_kept_beside_the_code():
    found = drug(concept(MELOXICAM, RXNORM, display="M\u00e9loxicam 15 mg"))
    assert (codes_of(found.codes), found.product) == ([MELOXICAM], ())
    assert "M\u00e9loxicam 15 mg" in found.labels


@pytest.mark.parametrize(
    ("text", "named", "product"),
    [
        ("meloxicam 15 MG Oral Tablet", [MELOXICAM], [MELOXICAM]),
        ("MELOXICAM 15 MG TAB", [MELOXICAM], [MELOXICAM]),
        ("Mobic 15 mg tablet", [MELOXICAM], [MELOXICAM]),
        ("naproxen-esomeprazole 500-20 mg", [NAPROXEN], [NAPROXEN]),
        ("meloxicam", [MELOXICAM], []),
        ("meloxicam 15 mg for the back", [MELOXICAM], []),
        ("MELOXIC 15 MG", [], []),
        ("lisinopril 10 mg tablet", [], []),
    ],
)
def test_words_name_a_product_if_they_are_known_whole_and_have_a_strength(text, named, product):
    found = drug({"text": text})
    assert (codes_of(found.named), codes_of(found.product)) == (named, product)


def test_an_opioid_under_a_label_that_is_cut_off_is_one_of_its_class():
    found = drug({"text": "HYDROCODON-ACETAMINOPHN 10-325"})
    assert (codes_of(found.named), found.product) == (["404642006"], ())


@pytest.mark.parametrize(
    "members",
    [
        {"coding": [{"system": RXNORM, "code": NAPROXEN_TABLET}], "text": "meloxicam 15 mg tablet"},
        {"coding": [{"system": RXNORM, "code": MORPHINE_TABLET}], "text": "naproxen 500 mg tablet"},
        {"coding": [{"code": "local", "display": "naproxen 500 mg tablet"}], "text": "meloxicam 15 mg tablet"},
    ],
)
def test_codes_and_words_that_differ_decide_nothing(members):
    found = drug(members)
    assert found.is_contradictory
    match = found.match(knows(NAPROXEN))
    assert match is not None
    assert not match.decides


def test_a_code_and_words_that_agree_decide():
    found = drug({"coding": [{"system": RXNORM, "code": NAPROXEN_TABLET}], "text": "Naprosyn 500 mg tablet"})
    match = found.match(knows(NAPROXEN))
    assert match is not None
    assert match.decides


@pytest.mark.parametrize(
    ("given", "milligrams"),
    [
        (concept(NAPROXEN_TABLET, RXNORM), 500),
        (concept("311913", RXNORM), 25),
        (concept("855633", RXNORM), None),
        ({"text": "meloxicam 15 mg tablet"}, 15),
        ({"text": "meloxicam 15 mg for the back"}, None),
        ({"coding": [{"code": "x", "display": "Mobic 15 mg tablet"}], "text": "meloxicam 7.5 mg tablet"}, None),
        (concept(), None),
    ],
)
def test_the_strength_is_that_of_the_product_else_of_its_label(given, milligrams):
    found = drug(given).strength
    assert (found.milligrams if found else None) == milligrams


def test_the_label_is_that_of_the_chart_else_the_products_name():
    assert drug({"text": "Home pills"}).label == "Home pills"
    assert drug(concept(NAPROXEN_TABLET, RXNORM)).label == "naproxen 500 MG Oral Tablet"
    assert drug(concept()).label == ""


def test_a_referenced_product_with_a_modifier_is_not_taken_at_its_word():
    order = resource("MedicationRequest", medicationReference={"reference": "Medication/m"})
    product = {"resourceType": "Medication", "id": "m", "code": concept("5640", RXNORM)}
    assert drug_of(record(order, product), order).codes != ()
    assert drug_of(record(order, product | {"implicitRules": "http://example.org"}), order).codes == ()
