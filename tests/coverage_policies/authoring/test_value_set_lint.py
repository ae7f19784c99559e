"""Codes that would never match, and codes that mean two things."""

from dataclasses import replace
from datetime import date

import pytest

from coverage_policies.authoring.value_set_lint import label_problems, value_set_problems
from coverage_policies.format.value_sets import Row, ValueSet
from fhir_mappings.codings import CPT, ICD10CM, SNOMED
from tests.support.policy_fakes import row


def told(*rows: Row) -> list[str]:
    return [str(problem) for problem in value_set_problems([ValueSet("v", rows, "v.csv")])]


def test_codes_as_they_should_be_are_not_told() -> None:
    assert told(row(CPT, "27279"), row(ICD10CM, "M53.3"), row(ICD10CM, "M54*"), row("text", "cancer", asks=True)) == []


@pytest.mark.parametrize(
    ("written", "what"),
    [
        (row("CPT", "27279"), "'CPT' is not the address of a code system; write http://www.ama-assn.org/go/cpt"),
        (
            row("ATC", "N02A"),
            "'ATC' is not the address of a code system; known are http://hl7.org/fhir/sid/icd-10-cm, http://loinc.org, "
            "http://nucc.org/provider-taxonomy, http://snomed.info/sct, http://www.ama-assn.org/go/cpt, "
            "http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets, http://www.nlm.nih.gov/research/umls/rxnorm",
        ),
        (row(CPT, " 27279"), "there is a space before or after 27279; remove it"),
        (row(ICD10CM, "M533"), "an ICD-10-CM code has its dot: M53.3"),
        (row(ICD10CM, "M533*"), "an ICD-10-CM code has its dot: M53.3*"),
        (
            row(CPT, "27279", since=date(2025, 1, 2), until=date(2025, 1, 1)),
            "27279 ends before it begins; `from` comes before `to`",
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
    rows = replace(row(CPT, "1", until=until), line=2), replace(row(CPT, "1", since=since), line=3)
    assert told(*rows) == (["v.csv:3: 1 is in line 2 already; keep one"] if is_told else [])


@pytest.mark.parametrize(
    ("label", "is_told"),
    [("Fusion", False), ("fusion, from behind", False), ("Fus", False), ("Injection", True), ("Open fusion", True)],
)
def test_a_code_that_is_labeled_otherwise_elsewhere_is_told(label: str, is_told: bool) -> None:
    first = ValueSet("a", [replace(row(CPT, "1"), label="Fusion", line=2)], "a.csv")
    second = ValueSet("b", [replace(row(CPT, "1"), label=label, line=5)], "b.csv")
    what = f"b.csv:5: 1 is labeled {label!r} here and 'Fusion' in a.csv:2; one label may only continue the other"
    assert [str(problem) for problem in label_problems([first, second])] == ([what] if is_told else [])


def test_another_owner_may_label_a_code_otherwise() -> None:
    sets = [
        ValueSet("v", [replace(row(CPT, "1"), label=label)], f"{owner}/v.csv")
        for owner, label in (("ours", "Bacteremia"), ("theirs", "Bacteraemia"))  # codespell:ignore bacteraemia
    ]
    assert list(label_problems(sets)) == []


def test_another_system_may_label_the_same_code_otherwise() -> None:
    rows = replace(row(CPT, "1"), label="Fusion"), replace(row(SNOMED, "1"), label="Other")
    assert list(label_problems([ValueSet("a", rows)])) == []
