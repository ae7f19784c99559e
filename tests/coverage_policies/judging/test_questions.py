"""What is asked, in which order, and what is left alone."""

import pytest

from coverage_policies.format.terms import Reason
from coverage_policies.judging.determination import Determination, Question
from tests.support.policy_fakes import (
    MET,
    UNAVAILABLE,
    UNKNOWN,
    answers,
    available,
    concept,
    condition,
    judge,
    order,
    policy,
    procedure,
    score,
)

MANY = """
I:
  says: s
  all:
    - {id: I.A, says: a, not_met_when: {condition: {in: alpha}}, ask: No alpha}
    - {id: I.B, says: b, ask: Plain}
    - {id: I.C, says: c, show: {condition: {in: gamma}}, ask: Something to look at}
    - {id: I.D, says: d, met_when: {condition: {in: beta}}, not_met_when: {condition: {in: beta}}, ask: Contradiction}
    - {id: I.E, says: e, ask: Plain too}
    - {id: I.F, says: f, met_when: {pain_relief: {after: trial, relief: at least 50 %}}, ask: Wrong value}
"""


def asked(found: Determination) -> list[str]:
    return [question.id for question in found.questions]


def question(found: Determination, name: str) -> Question:
    (one,) = [each for each in found.questions if each.id == name]
    return one


def test_contradictions_come_first_then_what_there_is_to_see_then_the_text_then_what_was_not_found() -> None:
    found = judge(
        policy(MANY),
        condition("beta"),
        condition("gamma"),
        procedure("trial", "2026-02-01T10:00:00Z"),
        score("8", "2026-02-01T09:00:00Z"),
        score("7", "2026-02-01T11:00:00Z"),
    )
    assert asked(found) == ["I.D", "I.F", "I.C", "I.B", "I.E", "I.A"]


def test_a_question_has_the_words_the_reason_and_the_evidence_of_its_criterion() -> None:
    one = question(judge(policy(MANY), condition("gamma")), "I.C")
    assert (one.ask, one.reason, one.pathway, one.parts) == ("Something to look at", Reason.NOT_FOUND, "", ())
    assert [item.reference for item in one.evidence] == ["Condition/gamma-1"]


def test_what_could_not_be_converted_is_a_contradiction_to_be_looked_at_first() -> None:
    from coverage_policies.judging.questions import _rank

    reasons = [Reason.UNCONVERTIBLE, Reason.COUNT_OUT_OF_RANGE, Reason.VALUE_OUT_OF_RANGE, Reason.CONFLICT]
    assert {_rank(Question("I", "q", reason)) for reason in reasons} == {0}
    assert _rank(Question("I", "q", Reason.DATE_OUT_OF_RANGE)) == 2


def test_what_is_settled_is_not_asked() -> None:
    found = judge(policy(MANY), answers({"I.A": "yes", "I.B": "yes"}))
    assert asked(found) == ["I.C", "I.D", "I.E", "I.F"]


def test_nothing_is_asked_in_a_section_that_fails() -> None:
    assert asked(judge(policy(MANY), answers({"I.A": "no"}))) == []


def test_nothing_is_asked_below_what_is_settled() -> None:
    by = policy(
        "I: {says: s, all: [{id: I.A, says: a, any: [{id: I.A.1, says: x, ask: q}, {id: I.A.2, says: y, ask: q}]}]}"
    )
    assert asked(judge(by)) == ["I.A.1", "I.A.2"]
    assert asked(judge(by, answers({"I.A.1": "yes"}))) == []
    assert asked(judge(by, answers({"I.A": "yes"}))) == []


def test_what_is_open_beside_what_failed_is_asked() -> None:
    by = policy("I: {says: s, any: [{id: I.A, says: a, ask: q}, {id: I.B, says: b, ask: q}]}")
    assert asked(judge(by, answers({"I.A": "no"}))) == ["I.B"]


@pytest.mark.parametrize("role", ["advisory", "post-procedure", "information"])
def test_what_does_not_count_is_not_asked(role: str) -> None:
    by = policy(f"I: {{says: s, all: [{{id: I.A, says: a, ask: q, role: {role}}}, {{id: I.B, says: b, ask: q}}]}}")
    assert asked(judge(by)) == ["I.B"]


def test_what_a_human_decides_is_not_asked_again() -> None:
    by = policy("I: {says: s, all: [{id: I.A, says: a, ask: q, if_met: case-review}]}")
    assert asked(judge(by, answers({"I.A": "yes"}))) == []
    assert asked(judge(by)) == ["I.A"]


def test_what_cannot_be_asked_is_not() -> None:
    by = policy("I: {says: s, all: [{id: I.A, says: a, ask: q}, {id: I.B, says: b, needs: I.A}]}")
    assert asked(judge(by)) == ["I.A"]


def test_only_the_sections_that_judge_the_order_are_asked_about() -> None:
    assert asked(judge(policy("I: {says: s, ask: q}\nII: {says: t, ask: q}"))) == ["I"]


COUNTED = """
I:
  says: s
  all:
    - id: I.A
      says: Two of three tests
      at_least: 2
      of:
        - {id: I.A.x, says: First, ask: q}
        - {id: I.A.y, says: Second, ask: q}
        - {id: I.A.z, says: Third, ask: q}
"""


def test_tests_of_which_several_must_be_positive_are_one_question_with_those_that_are_open() -> None:
    (one,) = judge(policy(COUNTED), answers({"I.A.y": "yes"})).questions
    assert (one.id, one.ask, one.parts) == ("I.A", "Two of three tests", ("First", "Third"))


def test_such_tests_are_asked_in_their_own_words_where_there_are_some() -> None:
    by = policy(COUNTED.replace("says: Two of three tests", "says: Two\n      ask: Were two positive"))
    assert [each.ask for each in judge(by).questions] == ["Were two positive"]


def test_any_one_of_several_is_asked_one_by_one() -> None:
    assert asked(judge(policy(COUNTED.replace("at_least: 2", "at_least: 1")))) == ["I.A.x", "I.A.y", "I.A.z"]


def test_a_test_that_does_not_count_is_not_among_those_that_are_open() -> None:
    by = policy(COUNTED.replace("{id: I.A.x, says: First, ask: q}", "{id: I.A.x, says: First, ask: q, role: advisory}"))
    assert [each.parts for each in judge(by).questions] == [("Second", "Third")]


WHOLE = (
    "I: {says: s, all: [{id: I.A, says: The whole, all: [{id: I.A.x, says: x, ask: q}, {id: I.A.y, says: y, ask: q}]}]}"
)


def test_a_whole_that_contradicts_its_parts_is_itself_the_question() -> None:
    found = judge(policy(WHOLE), answers({"I.A": "yes", "I.A.x": "no"}))
    assert [(each.id, each.ask, each.reason) for each in found.questions] == [("I.A", "The whole", Reason.CONFLICT)]


def test_a_contradiction_within_a_part_is_asked_there() -> None:
    by = policy(WHOLE.replace("says: x,", "says: x, met_when: {condition: {in: alpha}},"))
    found = judge(by, condition("alpha"), answers({"I.A.x": "no", "I.A": "yes"}))
    assert asked(found) == ["I.A.x", "I.A.y"]


def test_data_that_could_not_be_read_are_asked_for_in_their_place() -> None:
    found = judge(policy(MANY), availability=available(Condition=UNAVAILABLE))
    assert question(found, "I.A").reason is Reason.DATA_UNAVAILABLE
    assert asked(found)[0] == "I.A"


# --- pathways --------------------------------------------------------------------------------------------------------

PATHWAY = "ask: Which\nchoices:\n  a: {says: First}\n  b: {says: Second}\n  c: {says: Third}"
BY_PATHWAY = """
I:
  says: s
  all:
    - {id: I.A, says: a, for: a, ask: Only on a}
    - {id: I.B, says: b, ask: Everywhere}
    - {id: I.C, says: c, for: [b, c], ask: On b and c}
"""


def test_while_the_pathway_is_open_it_is_asked_first_and_the_others_name_theirs() -> None:
    found = judge(policy(BY_PATHWAY, pathway=PATHWAY))
    assert [(each.id, each.ask, each.pathway) for each in found.questions] == [
        ("pathway", "Which", ""),
        ("I.A", "Only on a", "First"),
        ("I.B", "Everywhere", ""),
        ("I.C", "On b and c", "Second or Third"),
    ]


def test_on_a_chosen_pathway_only_its_questions_are_asked_and_need_not_name_it() -> None:
    found = judge(policy(BY_PATHWAY, pathway=PATHWAY), answers({"pathway": "c"}))
    assert [(each.id, each.pathway) for each in found.questions] == [("I.B", ""), ("I.C", "")]


def test_an_order_that_may_not_be_meant_is_asked_about_nothing_else() -> None:
    orders = "- {codes: the-order, sections: [I], only_if: {order: {purpose: pump-trial}}, ask: Is it meant}"
    meant = order(note=[{"text": "Pump trial"}])
    found = judge(policy(BY_PATHWAY, pathway=PATHWAY, orders=orders), of=meant)
    assert asked(found) == ["applies"]


# --- the side of the order -------------------------------------------------------------------------------------------

SIDED = policy(
    """
    I:
      says: s
      all:
        - {id: I.A, says: a, met_when: {procedure: {in: alpha, side: same}}, ask: Was it done}
        - {id: I.B, says: b, ask: Anything else}
    """
)
LEFT, RIGHT = [concept("7771000")], [concept("24028007")]
BOTH = procedure("alpha", id="l", bodySite=LEFT), procedure("alpha", id="r", bodySite=RIGHT)


def test_an_order_that_must_state_its_side_is_asked_for_it_first() -> None:
    found = judge(SIDED, *BOTH)
    assert asked(found) == ["side", "I.A", "I.B"]
    assert question(found, "side").ask == "Which side is the order for: left, right, or both?"


@pytest.mark.parametrize("said", ["left", "right", "bilateral", "both"])
def test_the_answer_settles_what_the_side_left_open(said: str) -> None:
    found = judge(SIDED, *BOTH, answers({"side": said}))
    assert (found.criterion("I.A").status, asked(found)) == (MET, ["I.B"])


def test_an_answer_that_names_no_side_is_asked_again() -> None:
    assert asked(judge(SIDED, *BOTH, answers({"side": "yes"})))[0] == "side"


def test_an_answer_for_another_order_names_no_side_of_this_one() -> None:
    of_another = answers(
        {"side": "left"}, questionnaire="x/CP.TEST|2025-01", basedOn=[{"reference": "ServiceRequest/9"}]
    )
    assert asked(judge(SIDED, *BOTH, of_another))[0] == "side"


def test_the_side_that_the_order_states_outranks_an_answer() -> None:
    found = judge(SIDED, BOTH[0], answers({"side": "left"}), of=order(bodySite=RIGHT))
    assert found.criterion("I.A").status is UNKNOWN


def test_what_an_answer_settled_needs_no_side() -> None:
    assert asked(judge(SIDED, *BOTH, answers({"I.A": "yes"}))) == ["I.B"]
