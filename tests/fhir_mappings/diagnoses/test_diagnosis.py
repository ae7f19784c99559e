"""A diagnosis by its codes and words."""

import pytest

from fhir_mappings.codings import ICD10CM, SNOMED, Match
from fhir_mappings.diagnoses import is_only_denied, read_diagnosis, says_it_lasts
from tests.support.fhir_builders import concept


def cancer(codings):
    """A set with C61 and a SNOMED code that decide, and with the word carcinoma, which asks."""
    given = list(codings)
    if any(coding.code in ("C61", "93974005") for coding in given):
        return Match("Prostate cancer", True)
    named = any("carcinoma" in coding.display.casefold() for coding in given)
    return Match("Cancer by its name", False) if named else None


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (concept("C61", ICD10CM), Match("Prostate cancer", True)),
        (concept("93974005", SNOMED), Match("Prostate cancer", True)),
        ({"text": "Malignant neoplasm of prostate"}, Match("Prostate cancer", False)),
        ({"text": "Carcinoma of the bile duct"}, Match("Cancer by its name", False)),
        (concept("local", display="Carcinoma, see letter"), Match("Cancer by its name", False)),
        ({"text": "Family history of carcinoma"}, None),
        ({"text": "Carcinoma in situ of prostate"}, None),
        ({**concept("I10", ICD10CM), "text": "Carcinoma"}, None),
        ({**concept("R69", ICD10CM), "text": "Carcinoma, see letter"}, Match("Cancer by its name", False)),
        ({"text": "Gout"}, None),
        ({}, None),
    ],
)
def test_codes_decide_and_words_only_ask(code, expected):
    assert read_diagnosis(code).match(cancer) == expected


@pytest.mark.parametrize(
    ("words", "decides"),
    [
        ("Rule out prostate cancer", False),
        ("R/O CA", False),
        ("Possible prostate cancer", False),
        ("Suspected prostate cancer", False),
        ("Prostate cancer?", False),
        ("Prostate cancer, ruled out", False),
        ("Prostate cancer (resolved)", False),
        ("History of prostate cancer", False),
        ("Hx of prostate cancer", False),
        ("No prostate cancer", False),
        ("Family history of prostate cancer", False),
        ("Prostate cancer versus prostatitis", False),
        ("Prostate cancer vs. prostatitis", False),
        ("Prostate cancer unlikely with normal PSA", False),
        ("Prostate cancer, not confirmed by biopsy", False),
        ("Prostate cancer (suspected)", False),
        ("Prostate cancer - likely", False),
        ("Prostate cancer in remission", False),
        ("Likely prostate cancer", False),
        ("Working diagnosis: prostate cancer", False),
        ("Father with prostate cancer", False),
        ("Remote prostate cancer", False),
        ("?Prostate cancer", False),
        ("Prostate cancer", True),
        ("Prostate cancer with a history of bone pain", True),
        ("Prostate cancer likely to progress", True),
        ("Prostate cancer and graft versus host disease", True),
        ("Prostate cancer, not in remission", True),
        ("Prostate cancer, father informed", True),
        ("Nodular prostate cancer", True),
    ],
)
def test_words_of_doubt_make_a_code_ask(words, decides):
    assert read_diagnosis({**concept("C61", ICD10CM), "text": words}).match(cancer) == Match("Prostate cancer", decides)


@pytest.mark.parametrize(
    ("label", "words", "decides"),
    [
        ("Old myocardial infarction", "History of MI", True),
        ("Old myocardial infarction", "Old MI, ruled out", False),
        ("History of myocardial infarction", "Past history of infarction", True),
        ("Family history of cancer", "Family history of thyroid cancer", True),
        ("Family history of cancer", "No family history of thyroid cancer", False),
        ("Personal history of cancer", "Family history of thyroid cancer", False),
        ("Myocardial infarction", "History of MI", False),
    ],
)
def test_the_words_of_a_history_put_the_code_of_that_history_in_no_doubt(label, words, decides):
    matched = read_diagnosis({**concept("I25.2", ICD10CM), "text": words}).match(lambda _: Match(label, True))
    assert matched == Match(label, decides)


def test_words_may_put_a_code_in_doubt():
    def doubting(codings):
        given = list(codings)
        if not any(coding.code == "C61" for coding in given):
            return None
        doubted = any("unlikely" in coding.display for coding in given)
        return Match("Doubtful", False) if doubted else Match("Prostate cancer", True)

    assert read_diagnosis({**concept("C61", ICD10CM), "text": "unlikely"}).match(doubting) == Match("Doubtful", False)
    assert read_diagnosis(concept("C61", ICD10CM)).match(doubting) == Match("Prostate cancer", True)


def test_the_display_of_a_reference_is_read_with_the_concept():
    assert read_diagnosis({}, "Malignant neoplasm of prostate", " ").match(cancer) == Match("Prostate cancer", False)


@pytest.mark.parametrize(
    ("code", "understood"),
    [
        (concept("I10", ICD10CM), True),
        (concept("R69", ICD10CM), False),
        (concept("1", SNOMED), False),
        (concept("2", SNOMED), True),
        ({"text": "Gout"}, True),
        ({"text": "Spots"}, False),
    ],
)
def test_it_is_understood_by_icd_by_a_listed_code_or_by_words(code, understood):
    assert read_diagnosis(code).is_understood(lambda coding: coding.code == "2") is understood


@pytest.mark.parametrize(
    ("text", "label", "denied"),
    [
        ("Low back pain without radiculopathy", "Lumbar radiculopathy", True),
        ("Memory complaint, no dementia", "Dementia", True),
        ("Negative work-up for fibromyalgia", "Fibromyalgia", True),
        ("HER2-negative carcinoma of the breast", "Breast carcinoma", False),
        ("No evidence of Ankylosing Spondylitis.", "Ankylosing spondylitis", True),
        ("Mild degeneration. Cannot exclude ankylosing spondylitis.", "Ankylosing spondylitis", True),
        ("Dementia without behavioral disturbance", "Dementia", False),
        ("Lumbar radiculopathy, no weakness", "Lumbar radiculopathy", False),
        ("No fracture. Ankylosing spondylitis.", "Ankylosing spondylitis", False),
        ("No spondylitis of the hip. Ankylosing spondylitis of the spine.", "Ankylosing spondylitis", False),
        ("Low back pain without radiculopathy", "Low back pain", False),
        ("Low back pain", "Lumbar radiculopathy", False),
        ("", "Dementia", False),
    ],
)
def test_words_deny_what_they_name_only_after_a_denial(text: str, label: str, denied: bool) -> None:
    assert is_only_denied(text, label) is denied


def test_a_code_only_asks_if_its_words_deny_it() -> None:
    def dementia(codings):
        return Match("Dementia", True) if any(coding.code == "F03.90" for coding in codings) else None

    for words, decides in (("Memory complaint, no dementia", False), ("Dementia, no agitation", True)):
        found = read_diagnosis({**concept("F03.90", ICD10CM), "text": words}).match(dementia)
        assert found == Match("Dementia", decides)


@pytest.mark.parametrize(
    ("text", "lasts"),
    [
        ("Chronic SI joint pain", True),
        ("Acute on chronic low back pain", True),
        ("Long-standing hip pain", True),
        ("SI joint pain x 3 years", True),
        ("knee pain, 2 yrs", True),
        ("back pain for many years", True),
        ("pain for 18 months", True),
        ("pain for two years", True),
        ("pain for over a year", True),
        ("pain for a decade", True),
        ("pain for twelve months", True),
        ("pain since 2022", True),
        ("pain since March 2022", True),
        ("SI joint pain", False),
        ("pain for 3 months", False),
        ("pain for two months", False),
        ("pain since Monday", False),
        ("58-year-old with back pain", False),
        ("60 yrs old, back pain", False),
        ("subacute pain", False),
    ],
)
def test_words_may_say_that_a_diagnosis_has_lasted_for_long(text: str, lasts: bool) -> None:
    assert says_it_lasts(text) is lasts
    assert read_diagnosis({"text": text}).is_called_lasting is lasts
