"""What is asked, in which order, and what is left alone."""

from datetime import date
from typing import Any

import pytest

from coverage_policies.format.questions import QuestionType
from coverage_policies.format.terms import About, Reason
from coverage_policies.format.value_sets import TEXT, ValueSet
from coverage_policies.judging.determination import Determination, Question
from fhir_mappings.codings import CPT
from fhir_mappings.orders import read_order
from tests.support.policy_fakes import (
    MET,
    NOT_MET,
    ON_ONE_SCREEN,
    SETS,
    UNAVAILABLE,
    UNKNOWN,
    ZONE,
    answers,
    available,
    concept,
    condition,
    draft,
    judge,
    order,
    policy,
    procedure,
    row,
    score,
)
from tests.support.terms import TERMS

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


def says(of: Question) -> list[str]:
    return [part.says for part in of.parts]


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
    assert (one.text, one.reason, one.pathway, one.parts) == ("Something to look at", Reason.NOT_FOUND, "", ())
    assert [item.reference for item in one.evidence] == ["Condition/gamma-1"]


PHYSICIAN = "order: {performer: physician}"
OTHER = "order: {performer: not-physician}"


@pytest.mark.parametrize(
    ("clauses", "settled_by"),
    [
        (f"met_when: {{{PHYSICIAN}}}, not_met_when: {{{OTHER}}}", "performer"),
        ("met_when: {order: {place: alpha}}, not_met_when: {order: {place: beta}}", "location"),
        (f"met_when: {{{PHYSICIAN}}}", ""),
        (f"not_met_when: {{{OTHER}}}", ""),
        (f"show: {{{PHYSICIAN}}}", ""),
        (f"met_when: {{{PHYSICIAN}}}, not_met_when: {{condition: {{in: alpha}}}}", ""),
        (f"met_when: {{{PHYSICIAN}}}, not_met_when: {{order: {{performer: not-physician, side: left}}}}", ""),
        (f"met_when: {{{PHYSICIAN}}}, not_met_when: {{order: {{place: alpha}}}}", ""),
    ],
)
def test_a_question_says_if_the_performer_or_the_place_alone_would_settle_it(clauses: str, settled_by: str) -> None:
    found = judge(policy(f"I: {{says: s, all: [{{id: I.A, says: a, {clauses}, ask: Who}}]}}"))
    assert question(found, "I.A").settled_by == settled_by


def test_what_is_settled_is_not_asked() -> None:
    found = judge(policy(MANY), answers({"I.A": "yes", "I.B": "yes"}))
    assert asked(found) == ["I.C", "I.D", "I.E", "I.F"]


def test_nothing_is_asked_in_a_section_that_fails() -> None:
    assert asked(judge(policy(MANY), answers({"I.A": "no"}))) == []


def test_nothing_is_asked_below_what_is_settled() -> None:
    by = policy(
        "I: {says: s, all: [{id: I.A, says: a, any: [{id: I.A.1, says: x, ask: q}, {id: I.A.2, says: y, ask: q}]}]}"
    )
    assert asked(judge(by)) == ["I.A"]
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
    assert (one.id, one.text, says(one)) == ("I.A", "Two of three tests", ["First", "Third"])


def test_such_tests_are_asked_in_their_own_words_where_there_are_some() -> None:
    by = policy(COUNTED.replace("says: Two of three tests", "says: Two\n      ask: Were two positive"))
    assert [each.text for each in judge(by).questions] == ["Were two positive"]


def test_any_one_of_several_is_one_question_with_those_that_are_open() -> None:
    (one,) = judge(policy(COUNTED.replace("at_least: 2", "at_least: 1"))).questions
    assert (one.id, says(one)) == ("I.A", ["First", "Second", "Third"])


def test_groups_below_a_group_are_asked_one_by_one() -> None:
    deep = "{id: I.A.x, says: First, all: [{id: I.A.x.1, says: First, ask: q}]}"
    by = policy(COUNTED.replace("{id: I.A.x, says: First, ask: q}", deep))
    assert asked(judge(by)) == ["I.A.x.1", "I.A.y", "I.A.z"]


def test_a_test_that_does_not_count_is_not_among_those_that_are_open() -> None:
    by = policy(COUNTED.replace("{id: I.A.x, says: First, ask: q}", "{id: I.A.x, says: First, ask: q, role: advisory}"))
    assert [says(each) for each in judge(by).questions] == [["Second", "Third"]]


WHOLE = (
    "I: {says: s, all: [{id: I.A, says: The whole, all: [{id: I.A.x, says: x, ask: q}, {id: I.A.y, says: y, ask: q}]}]}"
)


def test_a_whole_that_contradicts_its_parts_is_itself_the_question() -> None:
    found = judge(policy(WHOLE), answers({"I.A": "yes", "I.A.x": "no"}))
    assert [(each.id, each.text, each.reason) for each in found.questions] == [("I.A", "The whole", Reason.CONFLICT)]


def test_a_contradiction_within_a_part_is_asked_there() -> None:
    by = policy(WHOLE.replace("says: x,", "says: x, met_when: {condition: {in: alpha}},"))
    (one,) = judge(by, condition("alpha"), answers({"I.A.x": "no", "I.A": "yes"})).questions
    assert [(part.id, part.reason) for part in one.parts] == [("I.A.x", Reason.CONFLICT), ("I.A.y", Reason.NOT_FOUND)]


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
    assert [(each.id, each.text, each.pathway) for each in found.questions] == [
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
    assert question(found, "side").text == "Which side is the order for: left, right, or both?"


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


# --- the order in which they are asked -------------------------------------------------------------------------------

PLAIN = "{id: I.A, says: a, ask: q}"
ALTERNATIVES = (
    "{id: I.B, says: b, any: [{id: I.B.1, says: x, ask: q}, "
    "{id: I.B.2, says: y, all: [{id: I.B.2.1, says: z, ask: q}]}]}"
)


def test_what_a_wrong_answer_to_would_end_it_comes_before_one_of_several_alternatives() -> None:
    by = policy(f"I: {{says: s, all: [{ALTERNATIVES}, {PLAIN}]}}")
    assert asked(judge(by)) == ["I.A", "I.B.1", "I.B.2.1"]


def test_the_last_alternative_that_is_left_ends_it_too() -> None:
    by = policy(f"I: {{says: s, all: [{ALTERNATIVES}, {PLAIN}]}}")
    assert asked(judge(by, answers({"I.B.1": "no"}))) == ["I.B.2.1", "I.A"]


def test_of_a_number_of_criteria_none_ends_it_while_enough_others_may_be_met() -> None:
    three = ", ".join(f"{{id: I.B.{n}, says: x, all: [{{id: I.B.{n}.1, says: x, ask: q}}]}}" for n in (1, 2, 3))
    by = policy(f"I: {{says: s, all: [{{id: I.B, says: b, at_least: 2, of: [{three}]}}, {PLAIN}]}}")
    assert asked(judge(by)) == ["I.A", "I.B.1.1", "I.B.2.1", "I.B.3.1"]
    assert asked(judge(by, answers({"I.B.1.1": "no"}))) == ["I.B.2.1", "I.B.3.1", "I.A"]


def test_a_wrong_answer_that_leaves_the_decision_to_a_human_does_not_end_it() -> None:
    by = policy(f"I: {{says: s, all: [{{id: I.B, says: b, ask: q, if_not_met: case-review}}, {PLAIN}]}}")
    assert asked(judge(by)) == ["I.A", "I.B"]


def test_what_the_chart_half_knows_comes_later_than_what_would_end_it() -> None:
    seen = ALTERNATIVES.replace("id: I.B.1, says: x,", "id: I.B.1, says: x, show: {condition: {in: gamma}},")
    by = policy(f"I: {{says: s, all: [{seen}, {PLAIN}]}}")
    assert asked(judge(by, condition("gamma"))) == ["I.A", "I.B.1", "I.B.2.1"]


def test_the_place_that_the_author_sets_comes_before_all_but_a_contradiction_that_would_end_it() -> None:
    placed = MANY.replace("ask: Plain too", "ask: Plain too, asked: 1").replace("ask: Plain}", "ask: Plain, asked: 2}")
    found = judge(policy(placed), condition("beta"), condition("gamma"))
    assert asked(found) == ["I.D", "I.E", "I.B", "I.C", "I.F", "I.A"]


def test_a_contradiction_that_would_not_end_it_waits_for_what_the_author_places() -> None:
    contradicted = ALTERNATIVES.replace(
        "id: I.B.1, says: x,",
        "id: I.B.1, says: x, met_when: {condition: {in: beta}}, not_met_when: {condition: {in: beta}},",
    )
    by = policy(f"I: {{says: s, all: [{contradicted}, {{id: I.A, says: a, ask: q, asked: 1}}]}}")
    assert asked(judge(by, condition("beta"))) == ["I.A", "I.B.1", "I.B.2.1"]


def test_the_place_of_a_part_is_that_of_its_criterion() -> None:
    parts = "{id: I.B, says: b, all: [{id: I.B.one, says: x, ask: q}, {id: I.B.two, says: y, ask: q, asked: 1}]}"
    assert asked(judge(policy(f"I: {{says: s, all: [{PLAIN}, {parts}]}}"))) == ["I.B", "I.A"]


# --- parts on one screen ---------------------------------------------------------------------------------------------


def test_the_parts_of_a_criterion_are_one_question_with_all_their_evidence() -> None:
    (one,) = judge(policy(ON_ONE_SCREEN), condition("gamma")).questions
    assert (one.id, one.text, says(one)) == ("I.A", "The whole", ["First", "Second"])
    assert [item.reference for item in one.evidence] == ["Condition/gamma-1"]


def test_parts_of_parts_are_on_the_screen_of_the_criterion() -> None:
    nested = ON_ONE_SCREEN.replace(
        "{id: I.A.two, says: Second, ask: Is it not the second, met_by: no}",
        "{id: I.A.two, says: Second, any: [{id: I.A.two.one, says: x, ask: q}, {id: I.A.two.other, says: y, ask: q}]}",
    )
    (one,) = judge(policy(nested)).questions
    assert [part.id for part in one.parts] == ["I.A.one", "I.A.two.one", "I.A.two.other"]


def test_the_only_part_that_is_left_is_asked_alone() -> None:
    (one,) = judge(policy(ON_ONE_SCREEN), answers({"I.A.one": "yes"})).questions
    assert (one.id, one.parts) == ("I.A.two", ())


def test_a_criterion_with_parts_may_be_answered_whole() -> None:
    assert judge(policy(ON_ONE_SCREEN), answers({"I.A": "yes"})).criterion("I.A").status is MET
    assert judge(policy(ON_ONE_SCREEN), answers({"I.A": "no"})).criterion("I.A").status is NOT_MET


def test_the_contradiction_of_a_part_is_that_of_its_question() -> None:
    both = "met_when: {condition: {in: gamma}}, not_met_when: {condition: {in: gamma}}"
    by = policy(ON_ONE_SCREEN.replace("show: {condition: {in: gamma}}", both))
    (one,) = judge(by, condition("gamma")).questions
    assert one.reason is Reason.CONFLICT


# --- as JSON ---------------------------------------------------------------------------------------------------------


def test_the_contradicting_values_of_a_later_part_are_the_reason_of_its_question() -> None:
    relief = "met_when: {pain_relief: {after: trial, relief: at least 50 %}}, ask: Is it not the second"
    by = policy(ON_ONE_SCREEN.replace("ask: Is it not the second, met_by: no", relief))
    chart = (
        procedure("trial", "2026-02-01T10:00:00Z"),
        score("8", "2026-02-01T09:00:00Z"),
        score("7", "2026-02-01T11:00:00Z"),
    )
    (one,) = judge(by, *chart).questions
    assert [part.reason for part in one.parts] == [Reason.NOT_FOUND, Reason.VALUE_OUT_OF_RANGE]
    assert one.reason is Reason.VALUE_OUT_OF_RANGE


def test_each_part_is_a_question_of_the_json_that_names_its_group() -> None:
    found = judge(policy(ON_ONE_SCREEN), condition("gamma")).as_json()
    group = {"linkId": "I.A", "text": "The whole"}
    assert found["questions"] == [
        {
            "linkId": "I.A.one",
            "text": "Is it the first",
            "type": "boolean",
            "met_by": "yes",
            "about": "site",
            "group": group,
            "evidence": [{"reference": "Condition/gamma-1", "label": "Label of gamma", "date": "2025-01-01"}],
        },
        {
            "linkId": "I.A.two",
            "text": "Is it not the second",
            "type": "boolean",
            "met_by": "no",
            "about": "site",
            "group": group,
        },
    ]


def test_the_choice_of_a_pathway_has_its_options_and_the_others_name_theirs_in_the_json() -> None:
    found: Any = judge(policy(BY_PATHWAY, pathway=PATHWAY)).as_json()
    first, second, *_ = found["questions"]
    assert first == {
        "linkId": "pathway",
        "text": "Which",
        "type": "choice",
        "about": "order",
        "options": [
            {"code": "a", "display": "First"},
            {"code": "b", "display": "Second"},
            {"code": "c", "display": "Third"},
        ],
    }
    assert second["pathway"] == "First"


def test_the_side_is_a_choice_whose_codes_an_answer_may_give() -> None:
    (first, *_) = judge(SIDED, *BOTH).questions
    assert (first.type, first.about) == (QuestionType.CHOICE, About.ORDER)
    assert [(each.code, each.display) for each in first.options] == [
        ("left", "Left"),
        ("right", "Right"),
        ("bilateral", "Both sides"),
    ]


def test_the_billing_code_is_a_choice_of_the_codes_that_are_judged_on_the_day() -> None:
    sets = {
        **SETS,
        "the-order": ValueSet(
            "the-order",
            [row(CPT, "10001"), row(CPT, "10003", until=date(2026, 3, 1)), row(CPT, "1000*")],
        ),
        "by-name": ValueSet("by-name", [row(TEXT, "test fusion", asks=True)]),
    }
    orders = "- {codes: the-order, sections: [I]}\n- {codes: another-order, sections: []}\n" + (
        "- {codes: by-name, sections: [], ask: Which code}"
    )
    named = read_order(dict(draft()) | {"code": {"text": "Test fusion"}}, zone=ZONE, terms=TERMS)
    (one,) = judge(policy("I: {says: s, ask: q}", orders=orders, sets=sets), of=named).questions
    assert (one.id, one.text, one.type) == ("code", "Which code", QuestionType.CHOICE)
    assert [(each.code, each.display) for each in one.options] == [("10001", "Label of 10001")]


def test_whether_a_policy_applies_is_answered_by_yes_or_no_and_neither_favors_the_order() -> None:
    orders = "- {codes: the-order, sections: [I], only_if: {order: {purpose: pump-trial}}, ask: Is it meant}"
    (one,) = judge(policy("I: {says: s, ask: q}", orders=orders), of=order(note=[{"text": "Pump trial"}])).questions
    assert (one.type, one.met_by, one.about) == (QuestionType.BOOLEAN, "", About.ORDER)


def test_the_canonical_of_the_questionnaire_is_below_the_base_and_names_revision_and_edition() -> None:
    found = judge(policy(ON_ONE_SCREEN))
    expected = "https://policies.example.org/fhir/Questionnaire/CP.TEST|2025-01.1"
    assert found.as_json("https://policies.example.org")["questionnaire"] == expected
    assert found.as_json("https://policies.example.org/")["questionnaire"] == expected


def test_a_determination_names_its_questionnaire_only_to_those_who_give_a_base() -> None:
    found = judge(policy(ON_ONE_SCREEN))
    named, unnamed = found.as_json("https://policies.example.org"), found.as_json()
    assert named == unnamed | {"questionnaire": found.questionnaire("https://policies.example.org")}
    assert list(named)[-2:] == ["questionnaire", "notes"]


def test_without_a_base_or_a_question_no_questionnaire_is_named() -> None:
    assert "questionnaire" not in judge(policy(ON_ONE_SCREEN)).as_json()
    settled = judge(policy(ON_ONE_SCREEN), answers({"I.A": "yes"}))
    assert "questionnaire" not in settled.as_json("https://policies.example.org")
