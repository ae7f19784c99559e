"""What policies of any field need: each need has cases in a document of this folder, or is asked.

`needs.csv` lists the needs: how each is written, and the words that its cases begin with. A need without words has no
data, or belongs to the head of a document, and says so. Every case of the documents must come out as expected, and lint
must find nothing wrong with them.
"""

import csv
from pathlib import Path

import pytest

from coverage_policies.authoring.cases import Case, load_cases, run_case
from coverage_policies.authoring.lint import lint
from coverage_policies.format.library import BUILT_IN, load_library
from coverage_policies.format.model import Policy

HERE = Path(__file__).parent
LIBRARY = load_library([HERE])
POLICIES = [policy for policy in LIBRARY.policies.values() if not Path(policy.source).is_relative_to(BUILT_IN)]
CASES = [(policy, case) for policy in POLICIES for case in load_cases(policy)]
with (HERE / "needs.csv").open(newline="", encoding="utf-8") as rows:
    NEEDS = list(csv.DictReader(rows))


@pytest.mark.parametrize(("policy", "case"), CASES, ids=[f"{policy.name}: {case.name}" for policy, case in CASES])
def test_a_policy_of_any_field_says_what_it_needs(policy: Policy, case: Case) -> None:
    assert not run_case(case, policy)


@pytest.mark.parametrize("need", NEEDS, ids=lambda need: need["need"])
def test_each_need_has_cases_on_both_sides_or_is_asked(need: dict[str, str]) -> None:
    """The cases of a need begin with its words, such as `Age: an adult`."""
    named = [case for policy, case in CASES if case.name.casefold().startswith(f"{need['words'].casefold()}:")]
    if not need["words"]:
        assert need["why"], "a need that no data can tell says why"
    else:
        assert len(named) > 1, f"no two cases begin with {need['words']!r}"


def test_lint_finds_nothing_wrong_with_the_documents_of_the_needs() -> None:
    assert [problem for problem in lint(LIBRARY) if Path(problem.file).is_relative_to(HERE)] == []
