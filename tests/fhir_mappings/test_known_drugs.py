"""Labels of drugs that are known to be no opioid, and labels that may be one."""

import pytest

from fhir_mappings.known_drugs import is_known_non_opioid, known_names
from fhir_mappings.opioids.names import names_an_opioid
from fhir_mappings.opioids.table import ingredients

NAMES = list(known_names())


@pytest.mark.parametrize(
    "label",
    [
        "loratadine",
        "Lisinopril 10 mg tablet",
        "METFORMIN HCL ER 500 MG TAB",
        "amlodipine-benazepril",
        "amlodipine 5 mg-benazepril 10 mg capsule",
        "losartan and hydrochlorothiazide 50-12.5 mg",
        "Janumet 50-500 mg tablet",
        "Tylenol 325 mg",
        "TYLENOL EXTRA STRENGTH 500 MG",
        "acetaminophen 160 mg/5 mL oral suspension",
        "lisinopril (PRINIVIL,ZESTRIL) 10 mg tablet",
        "24 HR Metformin hydrochloride 500 MG Extended Release Oral Tablet",
        "sertraline HCl 50 MG Oral Tablet [Zoloft]",
        "insulin lispro (HumaLOG) 100 unit/mL injection pen",
        "Vitamin B-12 1000 MCG tablet",
        "Cholecalciferol (Vitamin D3) 1,000 unit capsule",
        "diclofenac sodium 1 % topical gel",
        "Zyprexa® 5 mg",
        "Children's Motrin 100 mg/5 mL",
        "Naloxone 4 mg/actuation nasal spray",
        "BD Pen Needle",
        "METOPROLOL SUCC ER 50 MG",
        "AMLODIPINE BESY 5 MG",
        "QUETIAPINE FUM 25 MG",
        "midazolam (VERSED) injection 2 mg",
        "ceFAZolin (ANCEF) 2 g IVPB",
        "sodium chloride 0.9 % infusion",
        "lactated ringers bolus",
    ],
)
def test_a_label_of_which_every_part_is_on_the_list_is_no_opioid(label):
    assert is_known_non_opioid(label)


@pytest.mark.parametrize(
    "label",
    [
        "oxycodone 5 mg tablet",
        "Percocet 5-325 mg",
        "lisinopril-morphine",
        "lisinopril, oxycodone",
        "Fioricet with codeine",
        "butorphanol nasal spray",
        "belladonna-opium",
        "midazolam-fentanyl infusion",
        "sodium chloride 0.9 % with morphine infusion",
    ],
)
def test_a_label_with_an_opioid_is_no_known_non_opioid(label):
    assert not is_known_non_opioid(label)


@pytest.mark.parametrize(
    "label",
    [
        "HYDROCODON-ACETAMINOPHN 10-325",
        "BUPRENORP-NALOX",
        "PROMETHAZINE-COD",
        "APAP/COD",
        "Robitussin AC",
        "OXYCOD-ACETAMINOPHEN",
        "METHADOS",
        "pain pump",
        "pain infusion",
        "epidural infusion",
        "XYZ-123",
        "see note",
    ],
)
def test_a_name_that_is_cut_or_not_on_the_list_may_be_an_opioid(label):
    assert not is_known_non_opioid(label)


@pytest.mark.parametrize("label", ["ACETAMINOPHEN-", "aspirin and", "ibuprofen +", "acetaminophen w/", "APAP with"])
def test_a_label_that_ends_in_the_middle_may_be_an_opioid(label):
    assert not is_known_non_opioid(label)


@pytest.mark.parametrize("label", ["Tylenol 3", "Tylenol #3", "Tylenol No. 3", "aspirin 4", "acetaminophen #2 tablet"])
def test_a_number_may_stand_for_codeine(label):
    assert not is_known_non_opioid(label)


@pytest.mark.parametrize(
    ("label", "is_known"),
    [
        ("ACETAMINOPHEN 300-30 MG", False),
        ("ibuprofen 7.5-200 mg", False),
        ("promethazine 6.25-10 mg/5 mL", False),
        ("acetaminophen-caffeine 500-65 mg", True),
        ("acetaminophen-caffeine 500-65-30 mg", False),
        ("promethazine 6.25 mg/5 mL", True),
        ("insulin 70/30", True),
    ],
)
def test_more_strengths_than_names_may_hide_an_opioid_where_products_pair_it_with_one(label, is_known):
    assert is_known_non_opioid(label) is is_known


@pytest.mark.parametrize(
    "label", ["", "tablet", "spray solution", "10 mg", "HCl", "oral capsule ER 20 mg", "infusion", "-", "диклофенак"]
)
def test_a_label_that_names_no_drug_is_not_known(label):
    assert not is_known_non_opioid(label)


def test_a_label_too_long_to_read_is_not_known():
    assert is_known_non_opioid("lisinopril " * 27)
    assert not is_known_non_opioid("lisinopril " * 28)


def test_the_list_names_no_opioid_and_no_beginning_of_one():
    opioids = {name.split()[0].lower() for name in ingredients().values()}
    assert not [name for name in NAMES if names_an_opioid(name)]
    assert not [name for name in NAMES if any(opioid.startswith(name) for opioid in opioids)]


def test_the_list_is_written_as_labels_are_read():
    assert sorted(set(NAMES)) == NAMES
    assert not [name for name in NAMES if not is_known_non_opioid(name)]


def test_the_list_holds_what_us_charts_name_most():
    assert len(NAMES) > 15_000
