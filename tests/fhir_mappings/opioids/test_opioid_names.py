import pytest

from fhir_mappings.codings import SNOMED, Coding
from fhir_mappings.opioids import is_opioid
from fhir_mappings.opioids.table import ingredients
from tests.support.opioid_chart import OXYCODONE_5, RXNORM, coded, during, mme, order, read, sig

TWO_A_DAY = sig(1, times=2)


@pytest.mark.parametrize(
    "words",
    [
        "oxyCODONE 5 mg tab",
        "HYDROcodone-acetaminophen",
        "Percocet 5/325",
        "Tylenol #3",
        "Tylenol 3",
        "Tylenol no. 4 tablet",
        "Acetaminophen #2",
        "MS Contin",
        "belladonna-opium suppository",
        "butorphanol nasal spray",
        "oxycodone5mg",
    ],
)
def test_an_opioid_is_known_by_its_name(words):
    assert is_opioid([], words)


@pytest.mark.parametrize(
    "label",
    [
        "HYDROCODON-ACETAMINOPHN 10-325",
        "HYDROCOD/APAP TAB 5-325MG",
        "HYDROCO/APAP 7.5-325",
        "BUPRENORP-NALOX 8-2 MG SL F",
        "OXYCODON-ACETAMINOPHEN 5-325",
        "OXYCO/ASA 5-325",
        "HYDROMORPHON 2 MG",
        "TAPENTADO 50 MG",
        "METHADON INTENSOL",
        "FENTANY 25 MCG/HR",
        "MORPHIN SULF ER",
        "MORPH SULF 15MG TAB",
        "TRAMADL/APAP 37.5-325",
        "PROMETHAZINE-CODEIN SYRUP",
    ],
)
def test_a_name_that_is_cut_off_is_still_an_opioids(label):
    assert is_opioid([], label)


@pytest.mark.parametrize(
    "label",
    ["ACETAMINOPHEN-COD #3 TABLET", "BUTALB-ACETAMIN-CAFF-COD 30MG", "PROMETH/COD", "TYLENOL W/ COD", "APAP W/COD 30"],
)
def test_cod_beside_another_ingredient_is_codeine(label):
    assert is_opioid([], label)


def test_every_ingredient_of_the_table_is_known_in_full_and_cut_off_by_a_letter():
    assert [name for name in ingredients().values() if not (is_opioid([], name) and is_opioid([], name[:-1]))] == []


@pytest.mark.parametrize(
    "words",
    [
        "tiotropium inhaler",
        "apomorphine injection",
        "dextromethorphan syrup",
        "naloxone 4 mg nasal spray",
        "HYDROCORTISONE 1 % CREAM",
        "HYDROCO CREAM",
        "OXYMETAZOLINE",
        "COD LIVER OIL",
        "VITAMIN A-COD LIVER OIL",
        "",
    ],
)
def test_a_name_that_only_sounds_alike_is_no_opioid(words):
    assert not is_opioid([], words)


@pytest.mark.parametrize(
    "words",
    ["Tylenol 500 mg", "Tylenol 325 mg tablet", "Tylenol 2 g", "Tylenol 3.5 mL", "Tylenol PM", "acetaminophen 300 mg"],
)
def test_a_strength_of_tylenol_is_not_its_number_with_codeine(words):
    assert not is_opioid([], words)


def test_the_display_of_a_code_that_the_table_lacks_still_names_the_opioid():
    assert is_opioid([Coding(RXNORM, "370629", "oxycodone Oral Tablet")])


def test_a_code_of_another_system_is_no_opioids():
    assert not is_opioid([Coding(SNOMED, OXYCODONE_5)])


# --- what is known to be no opioid -----------------------------------------------------------------------------------


def beside_oxycodone(medication):
    """Return the reading of 15 MME a day of oxycodone, with something else taken at the same time."""
    oxycodone = during("a", OXYCODONE_5, "2025-01-01", "2026-06-01", TWO_A_DAY)
    return read(oxycodone, order("b", medication, TWO_A_DAY, on="2026-01-01"))


@pytest.mark.parametrize(
    "medication",
    [
        {"text": "Lisinopril 10 mg tablet"},
        {"text": "Tylenol 325 mg tablet"},
        {"coding": [{"system": "http://example.org/drugs", "code": "77", "display": "METFORMIN HCL 500 MG TABLET"}]},
        {"text": "Home med", "coding": [{"system": "http://example.org/drugs", "code": "7", "display": "Aspirin 81"}]},
        coded("29046", "the blood pressure pill"),
        {"coding": [{"system": RXNORM, "code": "29046"}]},
    ],
    ids=["words", "Tylenol", "display", "display beside other words", "RxNorm code", "RxNorm code alone"],
)
def test_a_drug_that_is_known_adds_nothing(medication):
    reduction = beside_oxycodone(medication)
    assert reduction.current == mme(15, 15)
    assert len(reduction.lines) == 1


@pytest.mark.parametrize(
    "medication",
    [
        {"text": "PAIN MED PER PT"},
        {"text": "HYDROOCON-ACETAMINOPH 7.5-325"},
        {"text": "Lisinopril and something else"},
        {"coding": [{"system": "http://hl7.org/fhir/sid/ndc", "code": "00000-0000-00", "display": "XYZ 10-325"}]},
        {"coding": [{"system": RXNORM, "code": "LOCAL1", "display": "XYZ 10-325"}]},
        {"coding": [{"system": "http://example.org/drugs", "code": "29046"}]},
    ],
    ids=["no name", "misspelled", "one part unknown", "NDC", "no RXCUI", "local code alone"],
)
def test_a_drug_that_is_not_known_may_be_an_opioid_and_is_shown(medication):
    reduction = beside_oxycodone(medication)
    assert reduction.current == mme(15, None)
    (unknown,) = reduction.unconverted
    assert unknown.reference == "MedicationRequest/b"
    assert unknown.problem.startswith("medication: ")


@pytest.mark.parametrize("label", ["OXYCODON-ACETAMINOPHEN 5-325", "APAP W/COD 30"])
def test_an_rxnorm_code_outside_the_table_does_not_outweigh_the_words_of_an_opioid(label):
    assert beside_oxycodone(coded("29046", label)).current == mme(15, None)
