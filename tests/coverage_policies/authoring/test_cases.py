"""The case files of every text, and the reading and running of case files."""

from pathlib import Path

import pytest

from coverage_policies.authoring.cases import Case, case_file, load_cases, parse_cases, run_case
from coverage_policies.format.library import load_library
from coverage_policies.format.model import Policy
from coverage_policies.format.problems import DocumentError

LIBRARY = load_library()
TEXTS = list(LIBRARY.policies.values())
CASES = [(text, case) for text in TEXTS for case in load_cases(text)]
FUSION = LIBRARY.policy("CP.MP.126@2025-04")


@pytest.mark.parametrize(("text", "case"), CASES, ids=[f"{text.full_name}: {case.name}" for text, case in CASES])
def test_a_text_says_of_a_case_what_is_expected(text: Policy, case: Case) -> None:
    wrong = [str(mismatch) for mismatch in run_case(case, text)]
    assert not wrong, f"{case.file}:{case.line}: {case.name}\n" + "\n".join(wrong)


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: text.full_name)
def test_every_text_has_cases(text: Policy) -> None:
    assert case_file(text).exists()


CASE = """
- name: Fibromyalgia rules it out
  anchor: 2025-12-01
  order: {code: 27279}
  facts:
    - condition: {code: icd10cm M79.7, onset: 2024-05-01}
  expect: {II.E: not-met Present, outcome: criteria-not-met}
"""


def only(text: str) -> Case:
    (case,) = parse_cases(text, "x.cases.yaml", FUSION)
    return case


def problems(text: str) -> list[str]:
    with pytest.raises(DocumentError) as raised:
        parse_cases(text, "x.cases.yaml", FUSION)
    return [str(problem) for problem in raised.value.problems]


def test_a_case_that_comes_out_as_expected_has_no_mismatch() -> None:
    assert run_case(only(CASE), FUSION) == ()


@pytest.mark.parametrize(
    ("expected", "wrong"),
    [
        ("{II.E: met}", "II.E: expected met, got not-met Present (Fibromyalgia 2024-05-01 [Condition/condition-1])"),
        ("{II.E: not-met conflict}", "II.E: expected not-met conflict, got not-met Present"),
        ("{outcome: supported}", "outcome: expected supported, got criteria-not-met (not met: II, II.E)"),
        ("{section: IV}", "section: expected IV, got II"),
        ("{presumed: malignant}", "presumed: expected malignant, got none"),
        ("{asks: II.E}", "asks: expected II.E, got none"),
        ("{suggests: Another}", "suggests: expected Another, got none"),
        ("{I.A: unknown}", "I.A: expected unknown, got nothing: the order is criteria-not-met"),
    ],
)
def test_a_mismatch_says_what_was_expected_what_came_and_why(expected: str, wrong: str) -> None:
    text = CASE.replace("{II.E: not-met Present, outcome: criteria-not-met}", expected)
    found = [str(mismatch) for mismatch in run_case(only(text), FUSION)]
    assert len(found) == 1
    assert found[0].startswith(wrong)


@pytest.mark.parametrize(
    ("shows", "matches"),
    [
        ("{II.E: Fibromyalgia}", True),
        ("{II.E: [Fibromyalgia, 2024-05-01]}", True),
        ("{II.E: Sciatica}", False),
        ("{II.E: none}", False),
        ("{II.C: none}", True),
    ],
)
def test_what_a_criterion_shows_is_compared_with_its_evidence(shows: str, *, matches: bool) -> None:
    assert (run_case(only(CASE + f"  shows: {shows}\n"), FUSION) == ()) is matches


def test_questions_that_are_open_are_compared_too() -> None:
    text = CASE.replace("code: icd10cm M79.7", "code: icd10cm G89.4").replace("II.E: not-met Present, ", "")
    asking = text.replace("outcome: criteria-not-met", "asks: [II.E, II.D]")
    assert run_case(only(asking), FUSION) == ()
    (mismatch,) = run_case(only(asking.replace("[II.E, II.D]", "none")), FUSION)
    assert (mismatch.criterion, mismatch.expected) == ("asks", "none")
    assert "II.E" in mismatch.got


def test_an_anchor_that_the_order_does_not_give_is_a_mismatch() -> None:
    text = CASE.replace("{code: 27279}", "{code: 27279, planned: 2025-12-02}")
    assert [mismatch.criterion for mismatch in run_case(only(text), FUSION)] == ["anchor"]


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ("  facts:", "  fact:", 5, "a case has no key 'fact'"),
        ("  order: {code: 27279}\n", "", 2, "this case is missing 'order'"),
        ("2025-12-01", "December", 3, "anchor is a day"),
        ("II.E: not-met Present", "II.Z: met", 7, "CP.MP.126@2025-04 has no criterion 'II.Z'"),
        ("not-met Present", "failed", 7, "'failed' is no status"),
        ("not-met Present", "not-met Sadly", 7, "'not-met Sadly' is no status"),
        ("criteria-not-met", "denied", 7, "there is no outcome 'denied'"),
        ("- condition:", "- diagnosis:", 6, "there is no fact 'diagnosis'; known are allergy, answers, condition"),
        ("onset:", "since:", 6, "condition has no key 'since'; known keys: as, code, encounter"),
        ("icd10cm M79.7", "icd M79.7", 6, "'icd M79.7' is no code; write it like 'icd10cm M79.7'"),
        ("2024-05-01", "spring", 6, "this makes no FHIR R4 resource: Condition.onsetDateTime"),
        ("{code: 27279}", "{code: 27279, approach: lateral}", 4, "order has no key 'approach'"),
        ("{code: 27279}", "{code: fusion}", 4, "'fusion' is no code"),
        ("  expect:", "  unavailable: [Conditions]\n  expect:", 7, "'Conditions' is no resource type"),
        ("  expect:", "  shows: {II.Z: x}\n  expect:", 7, "has no criterion 'II.Z'"),
        ("  expect:", "  fhir: [{id: x}]\n  expect:", 7, "a resource written out needs its resourceType"),
        ("  facts:", "  facts:\n    - {}", 6, "a fact is one word for its kind"),
    ],
)
def test_what_is_wrong_in_a_case_file_is_told_with_its_line(old: str, new: str, line: int, says: str) -> None:
    (problem,) = problems(CASE.replace(old, new, 1))
    assert problem.startswith(f"x.cases.yaml:{line}: ")
    assert says in problem


def test_two_cases_of_one_name_are_refused() -> None:
    assert problems(CASE + CASE) == ["x.cases.yaml:9: another case has this name"]


def test_a_case_file_must_be_a_list_of_cases() -> None:
    assert problems("name: x") == ["x.cases.yaml:1: a case file is a list of cases"]
    assert problems("- x") == ["x.cases.yaml:1: a case is a mapping that begins with its name"]


def test_everything_that_is_wrong_is_told_at_once() -> None:
    assert len(problems(CASE.replace("name:", "nam:").replace("2025-12-01", "today"))) == 3


def test_a_resource_written_out_keeps_codes_as_text_and_quantities_as_numbers() -> None:
    text = CASE.replace(
        "  expect:",
        """  fhir:
    - resourceType: Observation
      id: score-1
      status: final
      subject: {reference: Patient/patient-1}
      code: {coding: [{system: "http://loinc.org", code: 97909-6}]}
      effectiveDateTime: 2025-11-01
      valueQuantity: {value: 48.5, unit: "%"}
  expect:""",
    ).replace("outcome:", "II.B.activities: unknown, outcome:")
    assert run_case(only(text + "  shows: {II.B.activities: 48.5 %}\n"), FUSION) == ()


def test_an_order_may_be_written_out() -> None:
    text = CASE.replace(
        "{code: 27279}",
        """
    fhir:
      resourceType: ServiceRequest
      id: fusion-1
      status: draft
      intent: order
      subject: {reference: Patient/patient-1}
      code: {coding: [{system: "http://www.ama-assn.org/go/cpt", code: 27279}]}
      occurrenceDateTime: 2025-12-01""",
    )
    assert run_case(only(text), FUSION) == ()


def test_a_text_without_a_case_file_has_no_cases(tmp_path: Path) -> None:
    nowhere = Policy(
        name="X",
        revision="2025-01",
        edition=1,
        title="X",
        owner="X",
        lines_of_business=(),
        notes=(),
        orders=(),
        sections={},
        source=str(tmp_path / "2025-01.yaml"),
    )
    assert load_cases(nowhere) == ()
