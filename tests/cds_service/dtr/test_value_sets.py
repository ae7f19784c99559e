"""A value set as FHIR: what is a code of it, what the FHIR says of words, dates, and prefixes, and its version."""

import re
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from fhir.resources.R4B.valueset import ValueSet as FhirValueSet

from cds_service.dtr.value_sets import value_set, value_set_id, value_set_version
from coverage_policies.format.library import load_library
from coverage_policies.format.value_sets import TEXT, UNLESS, Row, ValueSet
from fhir_mappings.codings import CPT, HCPCS, ICD10CM, LOINC, SNOMED
from tests.support.policy_fakes import row

BASE = "https://plan.example/"


def fhir(*rows: Row, name: str = "low-back-pain") -> Any:
    found = value_set(ValueSet(name, rows), BASE)
    FhirValueSet.model_validate(found)
    return found


def test_a_value_set_has_a_canonical_and_its_codes_with_our_labels_by_system() -> None:
    found = fhir(row(LOINC, "1-8"), row(SNOMED, "22"), row(LOINC, "2-6"))
    assert found["url"] == "https://plan.example/fhir/ValueSet/low-back-pain"
    assert (found["id"], found["name"], found["title"]) == ("low-back-pain", "Codes_low_back_pain", "low back pain")
    assert found["status"] == "active"
    assert found["compose"]["include"] == [
        {
            "system": LOINC,
            "concept": [{"code": "1-8", "display": "Label of 1-8"}, {"code": "2-6", "display": "Label of 2-6"}],
        },
        {"system": SNOMED, "concept": [{"code": "22", "display": "Label of 22"}]},
    ]
    assert "Left out" not in found["description"]


def test_a_prefix_is_a_filter_that_matches_the_codes_that_begin_so() -> None:
    (include,) = fhir(row(ICD10CM, "S22.3*"))["compose"]["include"]
    (its_filter,) = include["filter"]
    assert (include["system"], its_filter["property"], its_filter["op"]) == (ICD10CM, "code", "regex")
    assert [code for code in ("S22.3", "S22.31XA", "S2203", "S22.4") if re.fullmatch(its_filter["value"], code)] == [
        "S22.3",
        "S22.31XA",
    ]


def test_rows_of_words_are_left_out_and_counted() -> None:
    found = fhir(row(SNOMED, "22"), row(TEXT, "lumbago*"), row(UNLESS, "no pain", asks=True), row("study", "MR pelvis"))
    assert found["compose"]["include"] == [{"system": SNOMED, "concept": [{"code": "22", "display": "Label of 22"}]}]
    assert "Left out: 3 rows" in found["description"]


def test_a_value_set_of_words_alone_has_no_codes() -> None:
    found = fhir(row(TEXT, "lumbago*"))
    assert "compose" not in found
    assert "Left out: 1 rows" in found["description"]


@pytest.mark.parametrize(
    ("since", "until", "says"),
    [
        (date(2015, 1, 1), date(2025, 12, 31), "In force from 2015-01-01 to 2025-12-31."),
        (date(2015, 1, 1), None, "In force from 2015-01-01."),
        (None, date(2025, 12, 31), "In force to 2025-12-31."),
    ],
)
def test_a_code_says_when_it_is_in_force(since: date | None, until: date | None, says: str) -> None:
    (include,) = fhir(row(SNOMED, "22", since=since, until=until))["compose"]["include"]
    assert include["concept"][0]["extension"] == [
        {"url": "http://hl7.org/fhir/StructureDefinition/valueset-concept-comments", "valueString": says}
    ]


def test_a_code_that_only_asks_says_so() -> None:
    (include,) = fhir(row(SNOMED, "22", asks=True))["compose"]["include"]
    assert include["concept"][0]["extension"][0]["valueString"].startswith("Only asks")


def test_a_prefix_with_dates_sends_the_reader_to_the_expansion() -> None:
    assert "$expand" in fhir(row(ICD10CM, "M54*", since=date(2020, 1, 1)))["description"]
    assert "$expand" not in fhir(row(ICD10CM, "M54*"))["description"]


def test_a_code_with_two_rows_is_named_once_with_the_times_of_both() -> None:
    twice = (row(SNOMED, "22", until=date(2020, 1, 1)), row(SNOMED, "22", since=date(2022, 1, 1)))
    (include,) = fhir(*twice)["compose"]["include"]
    (concept,) = include["concept"]
    assert (concept["code"], concept["extension"][0]["valueString"]) == (
        "22",
        "In force to 2020-01-01. In force from 2022-01-01.",
    )


def test_the_owners_of_the_codes_are_named() -> None:
    assert "American Medical Association" in fhir(row(CPT, "10001"))["copyright"]
    assert "copyright" not in fhir(row(ICD10CM, "M54.50"))


@pytest.mark.parametrize(
    ("name", "set_id"), [("a_b c", "a-b-c"), ("x" * 65, "x" * 64), ("Ünder", "-nder"), ("v1.2", "v1.2")]
)
def test_any_name_makes_an_id_that_fhir_allows(name: str, set_id: str) -> None:
    assert value_set_id(ValueSet(name, ())) == set_id
    assert fhir(row(SNOMED, "22"), name=name)["id"] == set_id


def test_the_version_changes_with_every_member_of_a_row_and_not_with_their_order() -> None:
    one, other = row(SNOMED, "22"), row(SNOMED, "23")
    before = value_set_version(ValueSet("a", [one, other]))
    assert re.fullmatch(r"[0-9a-f]{12}", before)
    assert value_set_version(ValueSet("b", [other, replace(one, line=7, source="elsewhere")])) == before
    changed = [
        *(replace(one, code="24"), replace(one, system=LOINC), replace(one, label="x"), replace(one, decides=False)),
        *(replace(one, valid_from=date(2020, 1, 1)), replace(one, valid_to=date(2020, 1, 1))),
    ]
    assert len({before, *(value_set_version(ValueSet("a", [each, other])) for each in changed)}) == 7


@pytest.mark.parametrize(
    ("system", "code", "has"),
    [(CPT, "10001", True), (HCPCS, "27279", True), (HCPCS, "27*", True), (HCPCS, "E0470", False), (SNOMED, "1", False)],
)
def test_codes_of_cpt_are_found_by_either_address(system: str, code: str, *, has: bool) -> None:
    assert ValueSet("a", [row(SNOMED, "22"), row(system, code)]).has_cpt is has


def test_every_installed_value_set_is_fhir_with_an_id_of_its_own() -> None:
    sets = load_library().value_sets
    assert len({value_set_id(each) for each in sets.values()}) == len(sets)
    for each in sets.values():
        FhirValueSet.model_validate(value_set(each, BASE))
