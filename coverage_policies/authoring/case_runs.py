"""The cases of a text, run: which of them the text answers as expected."""

from collections.abc import Iterable
from dataclasses import dataclass

from coverage_policies.authoring.cases import Case, Mismatch, load_cases, run_case
from coverage_policies.format.model import Policy
from coverage_policies.format.problems import DocumentError, Problem


@dataclass(frozen=True, slots=True)
class Failure:
    """A case and where the text says something else of it than was expected."""

    case: Case
    mismatches: tuple[Mismatch, ...]


@dataclass(frozen=True, slots=True)
class CaseRun:
    """What came of the cases of one text. With `problems` its case file could not be read."""

    policy: Policy
    cases: int
    failures: tuple[Failure, ...] = ()
    problems: tuple[Problem, ...] = ()

    @property
    def is_passed(self) -> bool:
        """Whether everything was as expected."""
        return not self.failures and not self.problems


def run_cases(policy: Policy) -> CaseRun:
    """Run every case beside a text."""
    try:
        cases = load_cases(policy)
    except DocumentError as error:
        return CaseRun(policy, 0, problems=error.problems)
    return CaseRun(policy, len(cases), tuple(_failures(cases, policy)))


def _failures(cases: Iterable[Case], policy: Policy) -> Iterable[Failure]:
    for case in cases:
        if mismatches := run_case(case, policy):
            yield Failure(case, mismatches)
