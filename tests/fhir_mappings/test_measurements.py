"""The value of a score, however it is written."""

from decimal import Decimal

import pytest

from fhir_mappings.amounts import printed
from fhir_mappings.codings import LOINC
from fhir_mappings.measurements import Measurement, measurement

ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
REASONS = "http://terminology.hl7.org/CodeSystem/data-absent-reason"


def coded(code, system=LOINC, display="", text=""):
    coding = {"system": system, "code": code} | ({"display": display} if display else {})
    return {"valueCodeableConcept": {"coding": [coding]} | ({"text": text} if text else {})}


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("8", "8"),
        (" 8 ", "8"),
        ("0", "0"),
        ("7.5", "7.5"),
        ("8/10", "8"),
        ("8 / 10", "8"),
        ("8 of 10", "8"),
        ("8 out of 10", "8"),
        ("Pain 8/10", "8"),
        ("pain score: 8", "8"),
        ("Pain level 8 out of 10", "8"),
        ("8 - severe", "8"),
        ("8 (Severe pain)", "8"),
        ("0 = no pain", "0"),
        ("10, worst pain", "10"),
        ("eight", "8"),
        ("Zero", "0"),
        ("No pain", "0"),
    ],
)
def test_a_score_in_words_is_a_number(text, number):
    assert measurement({"valueString": text}) == Measurement(Decimal(number))


@pytest.mark.parametrize(
    "text",
    [
        *("7-8", "7 to 8", "<3", "8/5", "8/100", "80 %", "8 9", "+2", "eight or nine", "8, declined medication"),
        *("severe", "mild", "none", "better", "8" * 61, "8 " + "x" * 60),
    ],
)
def test_words_that_are_no_score_cannot_be_read(text):
    assert measurement({"valueString": text}) == Measurement(None)


@pytest.mark.parametrize(
    "text",
    ["not asked", "Not assessed", "Unable to answer", "Patient declined", "refused", "asleep", "N/A", "unknown"],
)
def test_words_that_say_why_there_is_no_score_are_no_measurement(text):
    assert measurement({"valueString": text}) is None
    assert measurement(coded("x", "urn:local", display=text)) is None


@pytest.mark.parametrize(
    ("code", "number"),
    [("LA6111-4", 0), ("LA6115-5", 4), ("LA10137-0", 5), ("LA10140-4", 8), ("LA13942-0", 10)],
)
def test_a_coded_answer_of_loinc_is_a_number(code, number):
    assert measurement(coded(code)) == Measurement(Decimal(number))
    assert measurement(coded(code, display=str(number))) == Measurement(Decimal(number))
    assert measurement(coded(code, display="2 or more")) == Measurement(Decimal(number))


def test_a_code_of_another_system_is_not_an_answer_of_loinc():
    assert measurement(coded("LA10140-4", "urn:local")) == Measurement(None)


@pytest.mark.parametrize("words", [{"display": "8"}, {"text": "8/10"}, {"display": "8", "text": "8"}])
def test_a_local_answer_is_read_by_its_words(words):
    assert measurement(coded("x", "urn:local", **words)) == Measurement(Decimal(8))


def test_an_answer_whose_code_and_words_differ_cannot_be_read():
    assert measurement(coded("LA10140-4", display="5")) == Measurement(None)


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"dataAbsentReason": {"coding": [{"system": REASONS, "code": "not-asked"}]}},
        coded("asked-declined", REASONS),
        coded("ASKU", "http://terminology.hl7.org/CodeSystem/v3-NullFlavor"),
        {"valueQuantity": {"extension": [{"url": ABSENT, "valueCode": "unknown"}]}},
        {"valueQuantity": None},
    ],
)
def test_an_entry_that_only_says_why_there_is_no_value_is_no_measurement(value):
    assert measurement(value) is None


@pytest.mark.parametrize(
    "value",
    [
        {"valueQuantity": {}},
        {"valueQuantity": 8},
        {"valueBoolean": True},
        {"valueRange": {"low": {"value": 7}, "high": {"value": 8}}},
        {"valueInteger": 8, "valueString": "8"},
        {"valueCodeableConcept": {}},
        {"valueString": 8},
    ],
)
def test_a_value_of_another_kind_cannot_be_read(value):
    assert measurement(value) == Measurement(None)


@pytest.mark.parametrize(
    "unit", ["", "{score}", "{Score}", "score", "Score", "1", "/10", "points", "out of 10", "{/10}", "NRS"]
)
def test_a_plain_score_has_no_unit_however_it_is_written(unit):
    assert measurement({"valueQuantity": {"value": 8, "unit": unit}}) == Measurement(Decimal(8))
    assert measurement({"valueQuantity": {"value": 8, "code": unit}}) == Measurement(Decimal(8))


@pytest.mark.parametrize("unit", ["mm", "cm", "%"])
def test_another_unit_stays(unit):
    assert measurement({"valueQuantity": {"value": 8, "unit": unit}}) == Measurement(Decimal(8), unit)


@pytest.mark.parametrize(
    ("holder", "words"),
    [
        ({"valueQuantity": {"value": Decimal(97), "unit": "%"}}, "97 %"),
        ({"valueQuantity": {"value": Decimal(97), "unit": "percent", "code": "%"}}, "97 %"),
        ({"valueQuantity": {"value": Decimal(97), "unit": "of all", "code": "%"}}, "97 %"),
        ({"valueQuantity": {"value": Decimal(97), "unit": "%", "code": "pct-local"}}, "97 %"),
        ({"valueQuantity": {"value": Decimal(97), "unit": "%", "code": "1"}}, ""),
        ({"valueQuantity": {"value": Decimal(7), "unit": "kPa", "code": "mm[Hg]"}}, ""),
        ({"valueQuantity": {"value": Decimal(97)}}, "97"),
        ({"valueQuantity": {"value": Decimal(70), "unit": "%", "comparator": "<"}}, "< 70 %"),
        ({"valueQuantity": {"value": Decimal(70), "unit": "%", "comparator": ">="}}, ">= 70 %"),
        ({"valueQuantity": {"value": Decimal(70), "unit": "%", "comparator": "~"}}, ""),
        ({"valueInteger": 6}, "6"),
        ({"valueString": "97 %"}, "97 %"),
        ({"valueString": "97%"}, "97 %"),
        ({"valueString": "< 15 mg/dL"}, "< 15 mg/dL"),
        ({"valueString": ">= 15"}, ">= 15"),
        ({"valueString": "8/10"}, "8"),
        ({"valueString": "97 foo"}, ""),
        ({"valueString": "about 97 %"}, ""),
        ({"valueString": "90 - 97 %"}, ""),
        ({"valueRange": {"low": {"value": 88, "unit": "%"}, "high": {"value": 90, "unit": "%"}}}, "88 to 90 %"),
        ({"valueRange": {"low": {"value": 88, "unit": "%"}}}, ">= 88 %"),
        ({"valueRange": {"high": {"value": 90, "unit": "%"}}}, "<= 90 %"),
        ({"valueRange": {"low": {"value": 91, "unit": "%"}, "high": {"value": 90, "unit": "%"}}}, ""),
        ({"valueRange": {"low": {"value": 88, "unit": "%"}, "high": {"value": 90, "unit": "1"}}}, ""),
        ({"valueRange": {"low": {"value": 88, "unit": "%"}, "high": {"value": "90", "unit": "%"}}}, ""),
        ({"valueRange": {}}, ""),
        ({"valueRatio": {"numerator": {"value": 1}, "denominator": {"value": 2}}}, ""),
        ({"valueQuantity": {"value": Decimal(97), "unit": "%"}, "valueInteger": 97}, ""),
    ],
)
def test_an_amount_is_what_the_value_lies_between_with_its_unit(holder, words):
    found = measurement(holder)
    assert found is not None
    assert printed(found.amount) == words


def test_a_comparator_leaves_no_number():
    assert measurement({"valueQuantity": {"value": Decimal(70), "unit": "%", "comparator": "<"}}) == Measurement(None)


def test_a_rate_of_things_that_are_counted_is_no_plain_score():
    assert measurement({"valueQuantity": {"value": 15, "unit": "{events}/h"}}) == Measurement(Decimal(15), "{events}/h")
