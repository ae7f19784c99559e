"""The codes of ICD-10-CM, and the words that name one."""

import csv
from pathlib import Path

import pytest

import fhir_mappings.diagnoses
from fhir_mappings.diagnoses import (
    codes_below,
    codes_named,
    codes_titled,
    first_code_below,
    is_code,
    is_complete,
    needs_seventh_character,
    titles,
)


@pytest.mark.parametrize(
    "code", ["M96.1", "M961", "m96.1", "C79.51", "M54.5", "M54", "S32.810A", "S33.6XXS", "T81.44XA", "Z3A.38", "U07.1"]
)
def test_codes_and_headings_are_known_with_and_without_dot_and_seventh_character(code):
    assert is_code(code)


@pytest.mark.parametrize("code", ["", "M", "M96.1.1", "Z99.999", "338.29", "X99.99", "S99.999A", "masked"])
def test_what_the_list_does_not_have_is_no_code(code):
    assert not is_code(code)


@pytest.mark.parametrize(
    ("beginning", "code"),
    [("M54.1", "M54.10"), ("M54", "M54.00"), ("M96.1", "M96.1"), ("C", "C00.0"), ("M54.16", "M54.16"), ("ZZ", "")],
)
def test_the_first_code_below_a_heading_has_none_below_itself(beginning, code):
    assert first_code_below(beginning) == code


def test_a_code_has_its_title_and_its_inclusion_terms():
    assert titles("G89.3") == (
        "Neoplasm related pain (acute) (chronic)",
        "Cancer associated pain",
        "Pain due to malignancy (primary) (secondary)",
        "Tumor associated pain",
    )
    assert titles("Z99.999") == ()


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("Fibromyalgia", "M79.7"),
        ("FIBROMYALGIA (disorder)", "M79.7"),
        ("Essential hypertension", "I10"),
        ("Hypertension, essential", "I10"),
        ("Type II diabetes mellitus", "E11"),
        ("Type 2 diabetes mellitus with hyperglycemia", "E11.65"),
        ("Hyperlipidaemia", "E78.5"),
        ("Alzheimer's disease", "G30"),
        ("Low back pain", "M54.50"),
        ("HTN", "I10"),
    ],
)
def test_a_title_an_inclusion_term_or_a_common_name_names_its_code_in_any_order(words, code):
    assert code in codes_titled(words)
    assert code in codes_named(words)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("Severe sciatica, left side", "M54.3"),
        ("Chronic sciatica", "M54.30"),
        ("History of cardiac arrest (situation)", "I46.9"),
        ("Sciatica due to spinal stenosis", "M48.0"),
        ("Sciatica; gout", "M10.9"),
        ("Asthma since childhood", "J45"),
        ("Severe low back pain for three months", "M54.50"),
        ("Gout since 2019, asthma as a child", "J45"),
    ],
)
def test_severity_duration_and_side_are_left_out_and_each_part_names_its_code(words, code):
    assert codes_titled(words) == ()
    assert code in codes_named(words)


@pytest.mark.parametrize(
    "words",
    [
        "",
        "7",
        "Problem 7",
        "Lung mass",
        "Back pain due to an old friend",
        "Gout, mass",
        "Fracture of vertebra",
        "Pain pump issue",
        "not otherwise specified",
        "left",
        "x" * 301,
    ],
)
def test_words_that_are_not_understood_whole_name_nothing(words):
    assert codes_named(words) == ()


@pytest.mark.parametrize("words", ["Family history of breast cancer", "FH: colon cancer", "Family history of sepsis"])
def test_a_disease_of_the_family_is_none_of_the_patient(words):
    assert {code[0] for code in codes_titled(words)} == {"Z"}


def test_every_common_name_stands_for_a_code_of_the_list():
    with (Path(fhir_mappings.diagnoses.__file__).parent / "names.csv").open(encoding="utf-8", newline="") as rows:
        names = list(csv.DictReader(rows))
    assert len(names) > 200
    assert [row["name"] for row in names if not is_code(row["code"])] == []
    assert [row["name"] for row in names if row["code"] not in codes_named(row["name"])] == []


@pytest.mark.parametrize(
    ("beginning", "codes"),
    [
        ("M54.5", ["M54.50", "M54.51", "M54.59"]),
        ("M54.50", ["M54.50"]),
        ("Z21", ["Z21"]),
        ("A01.0", ["A01.00", "A01.01", "A01.02", "A01.03", "A01.04", "A01.05", "A01.09"]),
        ("Z99.99", []),
        ("S33.6XX", []),
    ],
)
def test_the_codes_below_a_beginning_have_none_below_themselves(beginning, codes):
    assert list(codes_below(beginning)) == codes


@pytest.mark.parametrize(
    "code",
    [
        *("S22.31", "T07", "T29", "T33.0", "T85.1", "T88.0", "V00.0", "W00.0", "X58", "Y00", "Y08.0", "Y28.0", "Y38.0"),
        *("H34.811", "H35.311", "H40.11", "H40.20", "H40.6", "M1A.0", "M48.4", "M80.0", "M84.3", "M84.750", "M97.0"),
        *("O31", "O36.8", "O33.3", "O40.1", "O60.1", "O64.0", "O69.0", "R40.21", "E08.321", "E11.37", "E13.359"),
    ],
)
def test_codes_of_injuries_fetuses_and_some_others_need_a_seventh_character(code):
    assert needs_seventh_character(code)


@pytest.mark.parametrize(
    "code",
    [
        *("S22.31XA", "M80.08XA", "E08.3211", "T30.0", "T32.0", "T86.1", "T87.0", "Y07.0", "Y09", "Y90.0", "Y99.0"),
        *("H34.9", "H35.0", "H40.15", "H40.9", "M48.0", "M54.50", "M84.2", "O30.0", "O33.0", "O60.0", "R40.20"),
        *("E08.36", "E12.321", "E11.319", "Z3A.38"),
    ],
)
def test_no_other_code_needs_one_and_none_needs_two(code):
    assert not needs_seventh_character(code)


@pytest.mark.parametrize(
    ("code", "is_so"),
    [
        *(("M54.50", True), ("M5450", True), ("S22.31XA", True), ("E08.3211", True), ("Z21", True)),
        *(("M54.5", False), ("M54", False), ("S22.31", False), ("Z99.999", False), ("", False)),
    ],
)
def test_a_complete_code_is_one_that_a_claim_may_have(code, is_so):
    assert is_complete(code) is is_so
