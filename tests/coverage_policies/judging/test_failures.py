"""Which criteria a determination fails on, as a card names them."""

from coverage_policies.judging.determination import Determination
from coverage_policies.judging.failures import failed_criteria, failed_on_some_pathways
from tests.support.policy_fakes import ON_ONE_SCREEN, answers, judge, policy

PATHWAY = "ask: Which\nchoices:\n  a: {says: First}\n  b: {says: Second}\n  c: {says: Third}"


def failing(found: Determination) -> list[str]:
    return [result.id for result in failed_criteria(found)]


def test_a_criterion_that_was_answered_whole_is_what_fails() -> None:
    assert failing(judge(policy(ON_ONE_SCREEN), answers({"I.A": "no"}))) == ["I.A"]


def test_a_part_that_fails_is_named_in_place_of_its_criterion() -> None:
    assert failing(judge(policy(ON_ONE_SCREEN), answers({"I.A.one": "no"}))) == ["I.A.one"]


def test_alternatives_with_a_sentence_of_their_own_are_named_as_one() -> None:
    alternatives = ON_ONE_SCREEN.replace("all:\n        - {id: I.A.one", "any:\n        - {id: I.A.one")
    both = answers({"I.A.one": "no", "I.A.two": "yes"})
    assert failing(judge(policy(alternatives), both)) == ["I.A.one", "I.A.two"]
    spoken = alternatives.replace("about: site", "says_when_not_met: None of both\n      about: site")
    assert failing(judge(policy(spoken), both)) == ["I.A"]
    assert failing(judge(policy(spoken.replace("any:", "all:")), both)) == ["I.A.one", "I.A.two"]


def test_a_whole_that_fails_on_some_pathways_only_is_named_with_them() -> None:
    on_a = ON_ONE_SCREEN.replace("about: site", "for: a") + "    - {id: I.B, says: b, ask: q}\n"
    found = judge(policy(on_a, pathway=PATHWAY), answers({"I.A": "no"}))
    assert [(result.id, names) for result, names in failed_on_some_pathways(found)] == [("I.A", ("a",))]
    parts = judge(policy(on_a, pathway=PATHWAY), answers({"I.A.two": "yes"}))
    assert [(result.id, names) for result, names in failed_on_some_pathways(parts)] == [("I.A.two", ("a",))]
