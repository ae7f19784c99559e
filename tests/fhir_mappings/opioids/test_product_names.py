"""Products by name. The labels are those of practicefusion/mmecalculator, calculator-test-data.txt, and of PDMPs."""

from fractions import Fraction

import pytest

from fhir_mappings.codings import RXNORM
from fhir_mappings.opioids.medication import medication_of
from fhir_mappings.opioids.product_names import product_named
from fhir_mappings.opioids.table import products
from tests.support.fhir_builders import record, resource
from tests.support.opioid_chart import during, mme, read, sig


@pytest.mark.parametrize(
    ("label", "content"),
    [
        ("MS Contin 30 mg tablet, extended release", ("morphine", 30, "MG", "extended")),
        ("HYDROmorphone 2 mg oral tablet", ("hydromorphone", 2, "MG", "immediate")),
        ("acetaminophen-HYDROcodone 325 mg-7.5 mg oral tablet", ("hydrocodone", "7.5", "MG", "immediate")),
        ("HYDROCODONE/APAP 5-325", ("hydrocodone", 5, "MG", "immediate")),
        ("Norco 7.5 mg-325 mg oral tablet", ("hydrocodone", "7.5", "MG", "immediate")),
        ("Percocet 7.5/325 oral tablet", ("oxycodone", "7.5", "MG", "immediate")),
        ("tramadol 50 mg oral tablet", ("tramadol", 50, "MG", "immediate")),
        ("TRAMADOL HCL 50 MG TABLET", ("tramadol", 50, "MG", "immediate")),
        ("morphine 20 mg/mL oral concentrate", ("morphine", 20, "MG/ML", "immediate")),
        ("codeine-guaifenesin 10 mg-100 mg/5 mL oral syrup", ("codeine", 2, "MG/ML", "immediate")),
        ("morphine 30 mg/24 hours capsule, extended release", ("morphine", 30, "MG", "extended")),
        ("OxyContin 20 mg 12 hr tablet", ("oxycodone", 20, "MG", "extended")),
        ("oxycodone hcl er 20 mg oral tablet er 12 hour abuse-deterrent", ("oxycodone", 20, "MG", "extended")),
        ("oxycodone 5 mg tablet", ("oxycodone", 5, "MG", "immediate")),
        ("fentanyl 100 mcg/hr transdermal patch 72 hour", ("fentanyl", "0.1", "MG/HR", "patch")),
        ("ACETAMINOPHEN-CODEINE #3 TABLET", ("codeine", 30, "MG", "immediate")),
        ("HYDROcodone-acetaminophen (NORCO) 10-325 MG per tablet", ("hydrocodone", 10, "MG", "immediate")),
        ("HYDROcodone-ibuprofen (VICOPROFEN) 7.5-200 MG per tablet", ("hydrocodone", "7.5", "MG", "immediate")),
        ("oxyCODONE-acetaminophen (PERCOCET) 5-325 mg per tablet", ("oxycodone", 5, "MG", "immediate")),
        ("acetaminophen-codeine (TYLENOL #3) 300-30 mg per tablet", ("codeine", 30, "MG", "immediate")),
        ("tapentadol (NUCYNTA) 50 mg tablet", ("tapentadol", 50, "MG", "immediate")),
        ("tapentadol ER (NUCYNTA ER) 50 MG Tb12", ("tapentadol", 50, "MG", "extended")),
        ("OxyContin 10 mg tablet,crush resistant,extended release", ("oxycodone", 10, "MG", "extended")),
        ("Xtampza ER 9 mg capsule sprinkle", ("oxycodone", 9, "MG", "extended")),
        ("fentaNYL 25 mcg/hr transdermal film, extended release", ("fentanyl", "0.025", "MG/HR", "patch")),
        ("FENTANYL DIS 25MCG/HR", ("fentanyl", "0.025", "MG/HR", "patch")),
        ("oxyCODONE", ("oxycodone", None, "MG", "unknown")),
        ("morphine sulfate er", ("morphine", None, "MG", "extended")),
    ],
)
def test_a_label_with_a_strength_names_a_product(label, content):
    product = product_named(label)
    assert product is not None
    strength = None if content[1] is None else Fraction(content[1])
    assert (product.ingredient, product.strength, product.unit, product.release) == (
        *(content[0], strength, content[2], content[3]),
    )


@pytest.mark.parametrize(
    "label",
    [
        "HYDROCODON-ACETAMINOPHN 10-325",
        "HYDROOCON-ACETAMINOPH 7.5-325",
        "Percocet 5/325 325 mg-2.5 mg oral tablet",
        "oxycodone 500 mg tablet",
        "oxycodone 5-325",
        "oxycodone 5 mg or 10 mg tablet",
        "morphine 15 mg",
        "morphine 10 mg/mL injection",
        "fentanyl 50 mcg",
        "acetaminophen 325 mg",
        "oxycodone 5 mg tablet from her sister",
        "oxycodone and acetaminophen",
        "oxyCODONE-acetaminophen (NORCO) 10-325 MG per tablet",
        "HYDROcodone-acetaminophen (PERCOCET) 10-325 MG per tablet",
        "oxycodone (TYLENOL #3) 5 mg tablet",
        "acetaminophen-codeine (TYLENOL #4) 300-30 mg per tablet",
        "Nucynta 50 mg",
        "oxycodone 5 mg per 5 mL",
        "Tylenol 500 mg",
        "Percocet",
        "",
        "oxycodone 5 mg tablet" + " " * 200,
    ],
)
def test_a_label_that_fits_no_product_or_several_names_none(label):
    assert product_named(label) is None


def test_the_rxnorm_name_of_a_product_names_its_content_or_nothing():
    named = [(one, found) for one in products().values() if (found := product_named(one.name)) is not None]
    assert len(named) > 300
    assert [
        one.name
        for one, found in named
        if (one.ingredient_rxcui, one.strength, one.unit, one.release, one.factor)
        != (found.ingredient_rxcui, found.strength, found.unit, found.release, found.factor)
    ] == []


def labeled(*labels):
    concept = {
        "text": labels[0],
        "coding": [{"system": "urn:x", "code": str(n), "display": d} for n, d in enumerate(labels)],
    }
    return read(during("a", concept, "2025-12-01", "2026-06-01", sig(1, times=2))).current


def test_names_of_one_product_agree_and_those_of_two_leave_the_dose_unknown():
    assert labeled("oxycodone 5 mg tablet", "Roxicodone 5 mg") == mme(15, 15)
    assert labeled("oxycodone 5 mg tablet", "Roxicodone 15 mg") == mme(0, None)


OXYCODONE_5 = "1049621"
HYDROCODONE_APAP_5 = "857002"
FENTANYL_25 = "245134"
NAPROXEN_500 = "198014"


def coded(rxcui, text, display=""):
    concept = {"text": text, "coding": [{"system": RXNORM, "code": rxcui, "display": display}]}
    return medication_of(record(), resource("MedicationRequest", medicationCodeableConcept=concept))


@pytest.mark.parametrize(
    ("rxcui", "text", "display"),
    [
        (OXYCODONE_5, "oxyCODONE 15 mg tablet", "oxycodone hydrochloride 5 MG Oral Tablet"),
        (OXYCODONE_5, "oxycodone 5 mg tablet", "oxycodone hydrochloride 30 MG Oral Tablet"),
        (OXYCODONE_5, "hydromorphone 8 mg tablet", ""),
        (OXYCODONE_5, "hydromorphone", ""),
        (OXYCODONE_5, "naproxen 500 mg tablet", ""),
        (OXYCODONE_5, "acetaminophen 500 mg tablet", ""),
        (HYDROCODONE_APAP_5, "HYDROcodone-acetaminophen 10-325 mg tablet", ""),
        (HYDROCODONE_APAP_5, "naproxen 500 mg tablet", ""),
        (FENTANYL_25, "fentanyl 75 mcg/hr patch", ""),
        (NAPROXEN_500, "oxyCODONE 10 mg tablet", "naproxen 500 MG Oral Tablet"),
        (NAPROXEN_500, "oxyCODONE 10 mg tablet", "oxyCODONE 10 mg tablet"),
    ],
)
def test_a_code_and_words_of_another_strength_or_drug_leave_the_product_unknown(rxcui, text, display):
    found = coded(rxcui, text, display)
    assert (found.product, found.problem) == (None, "medication: the code and the words name different products")


@pytest.mark.parametrize(
    ("rxcui", "text"),
    [
        (OXYCODONE_5, ""),
        (OXYCODONE_5, "oxyCODONE (ROXICODONE) 5 MG immediate release tablet"),
        (OXYCODONE_5, "OXYCODONE HCL 5MG TAB"),
        (OXYCODONE_5, "oxycodone"),
        (OXYCODONE_5, "oxycodone 12 hr 5 mg"),
        (OXYCODONE_5, "oxycodone 5 mg/5 mL solution"),
        (OXYCODONE_5, "pain medication 15 mg"),
        (OXYCODONE_5, "OXYCOD 15"),
        (HYDROCODONE_APAP_5, "HYDROcodone-acetaminophen (NORCO) 5-325 mg per tablet"),
        (HYDROCODONE_APAP_5, "HYDROCODON-ACETAMINOPHN 5-325"),
        (HYDROCODONE_APAP_5, "acetaminophen 325 mg"),
        (FENTANYL_25, "Duragesic 25 mcg/hr"),
    ],
)
def test_words_that_repeat_shorten_or_do_not_tell_leave_the_product_to_the_code(rxcui, text):
    assert coded(rxcui, text).product is products()[rxcui]


def test_no_rxnorm_name_brand_or_ingredient_puts_its_own_code_in_doubt():
    names = [(rxcui, name) for rxcui, one in products().items() for name in (one.name, one.ingredient)]
    names += [(rxcui, name[name.index("[") + 1 : -1]) for rxcui, name in names if "[" in name]
    assert [name for rxcui, name in names if coded(rxcui, name).product is None] == []


@pytest.mark.parametrize("rxcui", ["1723206", "99999999"])
def test_a_code_of_an_opioid_outside_the_table_or_of_nothing_known_leaves_the_product_to_the_words(rxcui):
    assert coded(rxcui, "oxyCODONE 10 mg tablet").product.strength == 10


def test_an_ingredient_beside_a_label_that_may_name_a_combination_is_not_enough():
    dosage = {**sig(325, "mg", times=2), "route": {"text": "oral"}}
    concept = {
        "text": "oxycodone-acetaminophen blister",
        "coding": [{"system": "urn:x", "code": "1", "display": "oxycodone"}],
    }
    assert read(during("a", concept, "2025-12-01", "2026-06-01", dosage)).current == mme(0, None)
