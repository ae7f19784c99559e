"""Running the cases of a revision: which run, and what is said of those that cannot."""

from dataclasses import replace
from pathlib import Path

import pytest

from coverage_policies.authoring.case_runs import run_cases
from coverage_policies.format.model import Policy
from tests.support.policy_fakes import policy

GOOD = "- {name: Nothing is known, anchor: 2025-03-16, order: {code: '10001'}, expect: {I: unknown}}\n"
FAILING = "- {name: It is met, anchor: 2025-03-16, order: {code: '10001'}, expect: {I: met}}\n"
BROKEN = "- {name: No order, anchor: 2025-03-16, expect: {I: met}}\n"


@pytest.fixture
def revision(tmp_path: Path) -> Policy:
    """A revision of one question whose document is in a folder of its own."""
    return replace(policy("I: {says: s, ask: q}"), source=str(tmp_path / "2025-01.yaml"))


def write(revision: Policy, cases: str) -> None:
    Path(revision.source).with_suffix(".cases.yaml").write_text(cases, encoding="utf-8")


def test_a_revision_without_a_case_file_passes(revision: Policy) -> None:
    assert (run_cases(revision).cases, run_cases(revision).is_passed) == (0, True)


def test_the_good_cases_of_a_file_run_beside_one_that_cannot(revision: Policy) -> None:
    write(revision, GOOD + BROKEN + FAILING)
    found = run_cases(revision)
    assert found.cases == 2
    assert [failure.case.name for failure in found.failures] == ["It is met"]
    assert [(problem.line, "'order'" in problem.what) for problem in found.problems] == [(2, True)]
    assert not found.is_passed


@pytest.mark.parametrize("cases", ["a: 1", "- [", "x"])
def test_a_file_that_is_not_a_list_of_cases_is_a_problem(revision: Policy, cases: str) -> None:
    write(revision, cases)
    assert (run_cases(revision).cases, len(run_cases(revision).problems)) == (0, 1)


def test_a_file_in_another_encoding_is_a_problem(revision: Policy) -> None:
    Path(revision.source).with_suffix(".cases.yaml").write_bytes("- name: Späte".encode("latin-1"))
    assert [problem.rule for problem in run_cases(revision).problems] == ["encoding"]


@pytest.mark.parametrize(
    ("words", "count"), [((), 2), (("met",), 1), (("IS",), 2), (("is", "met"), 1), (("not", "met"), 0)]
)
def test_words_choose_the_cases_whose_names_contain_all_of_them(
    revision: Policy, words: tuple[str, ...], count: int
) -> None:
    write(revision, GOOD + FAILING)
    assert run_cases(revision, words).cases == count
