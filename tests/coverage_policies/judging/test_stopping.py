"""An evaluation that is stopped: what was reached stands, the rest is unknown, and the determination says so."""

import pytest

from coverage_policies.format.terms import Outcome, Reason, Status
from coverage_policies.judging.determination import Determination
from coverage_policies.judging.evaluator import CUT_SHORT
from coverage_policies.judging.stopping import Watch, never
from fhir_mappings.fhir_json import Resource
from tests.support.policy_fakes import (
    MET,
    NOT_MET,
    UNKNOWN,
    after,
    answers,
    condition,
    judge,
    policy,
    procedure,
    statuses,
)

TREE = policy(
    """
    I:
      says: s
      all:
        - {id: I.A, says: a, met_when: {condition: {in: alpha}}, ask: q}
        - id: I.B
          says: b
          ask: q
          any:
            - {id: I.B.1, says: b1, met_when: {condition: {in: beta}}, ask: q}
            - {id: I.B.2, says: b2, met_when: {condition: {in: gamma}}, ask: q}
        - {id: I.C, says: c, not_met_when: {condition: {in: delta}}, ask: q}
        - {id: I.D, says: d, met_when: {condition: {in: alpha}}, ask: q}
    """
)
LEAVES = ["I.A", "I.B.1", "I.B.2", "I.C", "I.D"]
CHART = (condition("alpha"), condition("beta"), condition("gamma"), condition("delta"))


def cut(count: int, *chart: Resource) -> Determination:
    """The determination of an evaluation that is stopped once so many criteria were judged."""
    return judge(TREE, *(chart or CHART), should_stop=after(count))


@pytest.mark.parametrize("count", range(len(LEAVES)))
def test_what_was_not_reached_is_unknown_and_what_was_reached_is_as_it_would_be(count: int) -> None:
    whole, found = statuses(judge(TREE, *CHART)), cut(count)
    assert {name: found.criterion(name).status for name in LEAVES} == {
        name: whole[name] if i < count else UNKNOWN for i, name in enumerate(LEAVES)
    }
    assert {found.criterion(name).reason for name in LEAVES[count:]} == {Reason.DATA_UNAVAILABLE}


@pytest.mark.parametrize("count", range(len(LEAVES) + 1))
def test_a_determination_says_whether_it_was_cut_short(count: int) -> None:
    found = cut(count)
    is_cut = count < len(LEAVES)
    assert (found.is_cut_short, CUT_SHORT in found.notes) == (is_cut, is_cut)


def test_an_evaluation_that_is_not_stopped_is_the_whole_one() -> None:
    assert cut(len(LEAVES)) == judge(TREE, *CHART)


@pytest.mark.parametrize(("count", "status"), [(1, UNKNOWN), (2, MET), (3, MET)])
def test_a_group_is_unknown_unless_what_was_reached_decides_it(count: int, status: Status) -> None:
    assert cut(count).criterion("I.B").status is status


@pytest.mark.parametrize(
    ("count", "status", "outcome"),
    [
        (0, UNKNOWN, Outcome.NOT_EVALUATED),
        (1, UNKNOWN, Outcome.DOCUMENTATION_NEEDED),
        (3, UNKNOWN, Outcome.DOCUMENTATION_NEEDED),
        (4, NOT_MET, Outcome.CRITERIA_NOT_MET),
        (5, NOT_MET, Outcome.CRITERIA_NOT_MET),
    ],
)
def test_the_outcome_is_open_unless_what_was_reached_decides_it(count: int, status: Status, outcome: Outcome) -> None:
    found = cut(count)
    assert (found.criterion("I").status, found.outcome) == (status, outcome)


@pytest.mark.parametrize(("count", "status"), [(4, UNKNOWN), (5, MET)])
def test_an_answer_decides_no_criterion_that_was_not_reached(count: int, status: Status) -> None:
    assert cut(count, answers({"I.D": "yes"})).criterion("I.D").status is status


@pytest.mark.parametrize(("count", "status"), [(2, UNKNOWN), (3, MET)])
def test_an_answer_decides_no_group_that_was_not_reached_to_its_end(count: int, status: Status) -> None:
    assert cut(count, answers({"I.B": "yes"})).criterion("I.B").status is status


NEEDS = policy(
    """
    I:
      says: s
      all:
        - {id: I.A, says: a, met_when: {condition: {in: alpha}}, ask: q}
        - {id: I.B, says: b, met_when: {condition: {in: beta}}, ask: q}
        - {id: I.C, says: c, needs: [I.A, I.B], on_date_of: trial, ask: q}
    """
)


@pytest.mark.parametrize(("count", "status"), [(2, UNKNOWN), (3, UNKNOWN), (4, UNKNOWN), (5, MET)])
def test_a_criterion_that_needs_others_is_unknown_until_all_of_them_were_reached(count: int, status: Status) -> None:
    chart = (condition("alpha"), condition("beta"), procedure("trial", "2026-02-01"))
    found = judge(NEEDS, *chart, should_stop=after(count)).criterion("I.C")
    assert found.status is status
    assert (found.reason is Reason.DATA_UNAVAILABLE) == (status is UNKNOWN)


def test_after_a_yes_it_is_not_asked_again() -> None:
    said = iter([False, True, False])
    watch = Watch(lambda: next(said))
    assert [watch.may_judge() for _ in range(4)] == [True, False, False, False]


def test_it_is_asked_once_for_each_criterion() -> None:
    asked: list[bool] = []

    def should_stop() -> bool:
        asked.append(False)
        return False

    judge(TREE, *CHART, should_stop=should_stop)
    assert len(asked) == len(LEAVES)


def test_without_a_reason_to_stop_everything_is_judged() -> None:
    assert not never()


PATHWAYS = """
ask: Which pain
choices:
  a: {says: One pain, chosen_when: {order: {reason: alpha}}}
  b: {says: Another pain, chosen_when: {order: {reason: beta}}}
"""
ON_TWO = policy(
    """
    I:
      says: s
      all:
        - {id: I.A, says: a, met_when: {condition: {in: alpha}}, ask: q}
        - {id: I.B, says: b, met_when: {condition: {in: beta}}, ask: q}
    """,
    pathway=PATHWAYS,
)


@pytest.mark.parametrize(
    ("count", "first", "second"),
    [(0, UNKNOWN, UNKNOWN), (2, UNKNOWN, UNKNOWN), (3, MET, UNKNOWN), (4, MET, MET)],
)
def test_what_was_reached_on_one_of_two_pathways_only_is_unknown(count: int, first: Status, second: Status) -> None:
    found = judge(ON_TWO, *CHART, should_stop=after(count))
    assert (found.criterion("I.A").status, found.criterion("I.B").status) == (first, second)
    reasons = {each.reason for each in found.criteria if each.status is UNKNOWN}
    assert reasons <= {Reason.DATA_UNAVAILABLE}
