"""Run the cases of a revision: which of them it answers as expected."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from coverage_policies.authoring.cases import Case, Mismatch, read_cases, run_case
from coverage_policies.format.model import Policy
from coverage_policies.format.problems import Problem


@dataclass(frozen=True, slots=True)
class Failure:
    """A case, and where the revision says something else than was expected."""

    case: Case
    mismatches: tuple[Mismatch, ...]


@dataclass(frozen=True, slots=True)
class CaseRun:
    """The result of running cases of one revision: how many ran, and the problems of those that cannot."""

    policy: Policy
    cases: int
    failures: tuple[Failure, ...] = ()
    problems: tuple[Problem, ...] = ()

    @property
    def is_passed(self) -> bool:
        """Return whether everything was as expected."""
        return not self.failures and not self.problems


def run_cases(policy: Policy, words: Sequence[str] = ()) -> CaseRun:
    """Run the cases beside a revision whose names contain all of these words, in upper or lower case."""
    found = read_cases(policy)
    cases = [case for case in found.cases if all(word.casefold() in case.name.casefold() for word in words)]
    return CaseRun(policy, len(cases), tuple(_failures(cases, policy)), found.problems)


def _failures(cases: Iterable[Case], policy: Policy) -> Iterable[Failure]:
    for case in cases:
        if mismatches := run_case(case, policy):
            yield Failure(case, mismatches)
