"""Codes that would never match, and codes that mean two things."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from coverage_policies.authoring.value_set_lint import headings, label_problems, unlike_labels, value_set_problems
from coverage_policies.format.value_sets import Row, ValueSet
from fhir_mappings.codings import CPT, ICD10CM, LOINC, SNOMED
from tests.support.policy_fakes import row


def told(*rows: Row) -> list[str]:
    return [str(problem) for problem in value_set_problems([ValueSet("v", rows, "v.csv")])]


def test_codes_as_they_should_be_are_not_told() -> None:
    assert told(row(CPT, "27279"), row(ICD10CM, "M53.3"), row(ICD10CM, "M54*"), row("text", "cancer", asks=True)) == []


@pytest.mark.parametrize(
    ("written", "what"),
    [
        (row(CPT, " 27279"), "there is a space before or after 27279; remove it"),
        (row(ICD10CM, "M533"), "a chart has M533 as M53.3; write M53.3"),
        (row(ICD10CM, "M533*"), "an ICD-10-CM code has its dot: M53.3*"),
        (
            row(CPT, "27279", since=date(2025, 1, 2), until=date(2025, 1, 1)),
            "27279 ends before it begins; `from` comes before `to`",
        ),
        (
            row("http://loinc.com", "8867-4"),
            "'http://loinc.com' is not the address of a code system; did you mean http://loinc.org?",
        ),
    ],
)
def test_a_code_that_never_matches_is_told_with_its_line(written: Row, what: str) -> None:
    assert told(replace(written, line=7)) == [f"v.csv:7: {what}"]


def test_a_value_set_without_a_code_is_told() -> None:
    assert told() == ["v.csv:1: this value set has no codes, so a clause with it never holds; add some"]


@pytest.mark.parametrize(
    ("until", "since", "is_told"),
    [
        (None, None, True),
        (date(2025, 1, 1), date(2025, 1, 1), True),
        (date(2025, 1, 1), date(2025, 1, 2), False),
        (None, date(2025, 1, 2), True),
    ],
)
def test_a_code_that_stands_twice_for_the_same_days_is_told(
    until: date | None, since: date | None, is_told: bool
) -> None:
    rows = replace(row(CPT, "10001", until=until), line=2), replace(row(CPT, "10001", since=since), line=3)
    assert told(*rows) == (["v.csv:3: 10001 is in line 2 already; keep one"] if is_told else [])


@pytest.mark.parametrize(
    ("label", "is_told"),
    [("Fusion", False), ("fusion, from behind", False), ("Fus", False), ("Injection", True), ("Open fusion", True)],
)
def test_a_code_that_is_labeled_otherwise_elsewhere_is_told(label: str, is_told: bool) -> None:
    first = ValueSet("a", [replace(row(CPT, "10001"), label="Fusion", line=2)], "a.csv")
    second = ValueSet("b", [replace(row(CPT, "10001"), label=label, line=5)], "b.csv")
    what = f"b.csv:5: 10001 is labeled {label!r} here and 'Fusion' in a.csv:2; one label may only continue the other"
    assert [str(problem) for problem in label_problems([first, second])] == ([what] if is_told else [])


def test_another_owner_may_label_a_code_otherwise() -> None:
    sets = [
        ValueSet("v", [replace(row(CPT, "10001"), label=label)], f"{owner}/v.csv")
        for owner, label in (("ours", "Bacteremia"), ("theirs", "Bacteraemia"))  # codespell:ignore bacteraemia
    ]
    assert list(label_problems(sets)) == []


def test_another_system_may_label_the_same_code_otherwise() -> None:
    rows = replace(row(CPT, "10001"), label="Fusion"), replace(row(SNOMED, "10001"), label="Other")
    assert list(label_problems([ValueSet("a", rows)])) == []


# --- labels beside those of the service ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("label", "is_told"),
    [
        ("Body weight", True),
        ("Oximetry", False),
        ("Oxygen saturation", False),
        ("The weight with the other", True),
    ],
)
def test_a_label_that_shares_no_word_with_that_of_the_service_is_told(label: str, is_told: bool) -> None:
    own = ValueSet("own", [replace(row(LOINC, "59408-5"), label=label, line=4)], "own.csv")
    shipped = ValueSet("spo2", [replace(row(LOINC, "59408-5"), label="Oxygen saturation by oximetry with the cuff")])
    what = f"own.csv:4: 59408-5 is labeled {label!r} here and 'Oxygen saturation by oximetry with the cuff' in the "
    told = [str(problem) for problem in unlike_labels([own], [shipped])]
    assert told == ([what + "built-in spo2; is it the code that you mean?"] if is_told else [])


def test_a_code_that_the_service_does_not_have_may_have_any_label() -> None:
    own = ValueSet("own", [replace(row(LOINC, "59408-5"), label="Body weight")], "own.csv")
    assert list(unlike_labels([own], [ValueSet("v", [row(LOINC, "8867-4")])])) == []


# --- headings of ICD-10-CM -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("codes", "is_told"),
    [
        (["M17"], True),
        (["M17.1"], True),
        (["M17*"], False),
        (["M17.11"], False),
        (["M17", "M17.11"], False),
        (["M17", "M18.11"], True),
    ],
)
def test_a_heading_that_stands_alone_is_told(codes: list[str], is_told: bool) -> None:
    found = list(headings([ValueSet("v", [row(ICD10CM, code) for code in codes], "v.csv")]))
    what = f"{codes[0]} has codes below it, which it does not match; write {codes[0]}* for all of them"
    assert [problem.what for problem in found] == ([what] if is_told else [])


def test_the_codes_of_another_system_have_no_headings() -> None:
    assert list(headings([ValueSet("v", [row(CPT, "M17")])])) == []


# --- code systems of the folder --------------------------------------------------------------------------------------


@pytest.mark.parametrize("declared", [True, False])
def test_a_code_system_that_the_folder_declares_is_not_told(declared: bool, tmp_path: Path) -> None:
    if declared:
        (tmp_path / "code_systems.csv").write_text(
            "system,name\nurn:oid:1.2.840.114350.1.13,Flowsheet rows of Lakeside\n"
        )
    own = ValueSet("v", [row("urn:oid:1.2.840.114350.1.13", "301030")], str(tmp_path / "value_sets" / "v.csv"))
    assert [problem.rule for problem in value_set_problems([own])] == ([] if declared else ["code-system"])


def test_a_faulty_list_of_code_systems_is_told_once(tmp_path: Path) -> None:
    (tmp_path / "code_systems.csv").write_text("address\n")
    sets = [ValueSet(name, [row(CPT, "27279")], str(tmp_path / "value_sets" / f"{name}.csv")) for name in "ab"]
    file = tmp_path / "code_systems.csv"
    assert list(map(str, value_set_problems(sets))) == [f"{file}:1: the header must be system,name"]
