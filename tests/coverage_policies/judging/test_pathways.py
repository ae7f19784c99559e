"""Which pathway an order is assessed on, and what is said while several remain."""

from collections.abc import Mapping
from typing import Any

import pytest

from coverage_policies.format.model import Policy
from coverage_policies.format.terms import Outcome, Reason
from coverage_policies.judging.determination import Determination
from coverage_policies.judging.pathways import PathwayResolution, resolve_pathway
from fhir_mappings.answers import Answer
from fhir_mappings.fhir_json import Resource
from fhir_mappings.record import Evidence
from tests.support.policy_fakes import (
    MET,
    NOT_MET,
    NOT_OFFERED,
    UNAVAILABLE,
    UNKNOWN,
    after,
    answers,
    available,
    case,
    condition,
    judge,
    order,
    policy,
)

PATHWAY = """
ask: Which pain
choices:
  malignant:
    says: Pain from cancer
    chosen_when: {order: {reason: cancer}}
    exclude_when: {condition: {in: beta}}
    presume_when: [{condition: {in: cancer}}, {condition: {in: delta}}]
  other:
    says: Other pain
    chosen_when: {order: {reason: other-pain}}
    exclude_when: {condition: {in: gamma}}
    presume_when: {condition: {in: other-pain}}
  third:
    says: No pain
    exclude_when: {condition: {in: alpha}}
"""
TEXT = policy("I: {says: s, ask: q}", pathway=PATHWAY)
SNOMED = "http://snomed.info/sct"


def because(*reasons: str) -> dict[str, Any]:
    return {"reasonCode": [{"coding": [{"system": SNOMED, "code": reason}]} for reason in reasons]}


def settled(
    *resources: Resource, said: str | None = None, of: Mapping[str, Any] | None = None, **availability: Any
) -> PathwayResolution:
    answer = {} if said is None else {"pathway": Answer(said, Evidence("QuestionnaireResponse/1", "Answered"))}
    circumstances = case(*resources, of=order(**(of or {})), availability=available(**availability))
    return resolve_pathway(TEXT.pathway, circumstances, answer)


def remaining(*resources: Resource, **more: Any) -> tuple[str | None, ...]:
    found = settled(*resources, **more)
    assert found.presumed is None
    return found.remaining


# --- which remain ----------------------------------------------------------------------------------------------------


def test_a_text_without_pathways_has_one_without_a_name() -> None:
    assert resolve_pathway(None, case(), {}) == PathwayResolution((None,))


def test_where_nothing_tells_every_pathway_remains() -> None:
    assert remaining() == ("malignant", "other", "third")


def test_the_order_chooses_by_its_reason() -> None:
    assert remaining(of=because("other-pain")) == ("other",)


def test_an_answer_chooses() -> None:
    assert remaining(said="third") == ("third",)


def test_order_and_answer_that_agree_choose_one() -> None:
    assert remaining(of=because("other-pain"), said="other") == ("other",)


def test_order_and_answer_that_disagree_leave_what_they_name() -> None:
    assert remaining(of=because("other-pain"), said="malignant") == ("malignant", "other")


def test_an_order_that_names_two_leaves_both() -> None:
    assert remaining(of=because("other-pain", "cancer")) == ("malignant", "other")


@pytest.mark.parametrize("word", ["", "yes", "Malignant", "unknown pathway"])
def test_an_answer_that_names_no_pathway_chooses_none(word: str) -> None:
    assert remaining(said=word) == ("malignant", "other", "third")


def test_a_reason_that_only_asks_chooses_nothing() -> None:
    assert remaining(of=because("cancer-asks")) == ("malignant", "other", "third")


def test_what_data_rule_out_falls_away() -> None:
    assert remaining(condition("gamma")) == ("malignant", "third")


def test_data_that_only_ask_rule_nothing_out() -> None:
    assert remaining(condition("gamma-asks")) == ("malignant", "other", "third")


def test_the_last_one_left_is_it_without_being_presumed() -> None:
    assert remaining(condition("gamma"), condition("beta")) == ("third",)


def test_the_last_one_left_is_not_presumed_although_it_is_likely() -> None:
    assert remaining(condition("gamma"), condition("alpha"), condition("cancer")) == ("malignant",)


def test_data_that_rule_out_all_rule_out_nothing() -> None:
    assert remaining(condition("gamma"), condition("beta"), condition("alpha")) == ("malignant", "other", "third")


def test_a_choice_stands_although_data_would_rule_it_out() -> None:
    assert remaining(condition("gamma"), of=because("other-pain")) == ("other",)
    assert remaining(condition("gamma"), said="other") == ("other",)


def test_a_choice_is_no_presumption_although_it_is_likely() -> None:
    assert remaining(condition("cancer"), said="malignant") == ("malignant",)


# --- presumed --------------------------------------------------------------------------------------------------------


def test_the_only_likely_one_is_presumed_with_the_evidence() -> None:
    found = settled(condition("other-pain"))
    assert found.remaining == ("other",)
    assert found.presumed is not None
    assert found.presumed.as_json() == {"pathway": "other", "because": ["Condition/other-pain-1"]}
    assert found.presumed.says == "Other pain"


def test_one_of_several_clauses_makes_it_likely_and_all_that_hold_are_its_evidence() -> None:
    found = settled(condition("delta"), condition("cancer"), condition("delta-asks"))
    assert found.presumed is not None
    assert found.presumed.as_json()["because"] == ["Condition/cancer-1", "Condition/delta-1"]


def test_two_likely_ones_are_not_presumed() -> None:
    assert remaining(condition("other-pain"), condition("cancer")) == ("malignant", "other", "third")


@pytest.mark.parametrize(
    "question", [condition("cancer-asks"), condition("cancer", status="remission")], ids=["asks", "past"]
)
def test_a_presumption_is_blocked_while_another_is_in_question(question: Resource) -> None:
    assert remaining(condition("other-pain"), question) == ("malignant", "other", "third")


def test_a_presumption_is_blocked_by_data_that_could_not_be_read() -> None:
    assert remaining(condition("other-pain"), Condition=UNAVAILABLE) == ("malignant", "other", "third")


def test_a_presumption_needs_only_the_data_that_are_offered() -> None:
    assert settled(condition("other-pain"), Procedure=UNAVAILABLE, Device=NOT_OFFERED).remaining == ("other",)


def test_a_question_about_one_that_is_ruled_out_blocks_nothing() -> None:
    assert settled(condition("other-pain"), condition("beta"), condition("cancer-asks")).remaining == ("other",)


def test_a_likely_one_that_is_ruled_out_blocks_nothing() -> None:
    assert settled(condition("other-pain"), condition("beta"), condition("cancer")).remaining == ("other",)


def test_a_pathway_that_nothing_makes_likely_is_never_presumed() -> None:
    assert remaining(condition("beta")) == ("other", "third")


# --- kept ------------------------------------------------------------------------------------------------------------

KEPT = policy(
    "I: {says: s, ask: q}",
    pathway="""
ask: Which pain
choices:
  malignant:
    says: Pain from cancer
    keep_when: {order: {reason: cancer}}
    presume_when: {condition: {in: cancer}}
  other:
    says: Other pain
    chosen_when: {order: {reason: other-pain}}
    presume_when: {condition: {in: other-pain}}
  third:
    says: No pain
""",
)


def kept(*resources: Resource, said: str | None = None, **of: Any) -> tuple[str | None, ...]:
    answer = {} if said is None else {"pathway": Answer(said, Evidence("QuestionnaireResponse/1", "Answered"))}
    return resolve_pathway(KEPT.pathway, case(*resources, of=order(**of)), answer).remaining


@pytest.mark.parametrize("reason", ["cancer", "cancer-asks", "not known"])
def test_a_pathway_that_the_order_may_mean_remains_beside_the_chosen_one(reason: str) -> None:
    assert kept(**because("other-pain", reason)) == ("malignant", "other")


def test_a_pathway_that_the_order_does_not_mean_falls_away() -> None:
    assert kept(**because("other-pain", "alpha")) == ("other",)


def test_an_answer_outranks_what_the_order_may_mean() -> None:
    assert kept(said="other", **because("cancer")) == ("other",)


@pytest.mark.parametrize("reason", ["cancer", "cancer-asks", "not known"])
def test_nothing_is_presumed_against_what_the_order_may_mean(reason: str) -> None:
    assert kept(condition("other-pain"), **because(reason)) == ("malignant", "other", "third")


def test_what_the_order_may_mean_is_presumed_where_data_make_it_likely() -> None:
    assert kept(condition("cancer"), **because("cancer")) == ("malignant",)


def test_what_the_order_may_mean_is_not_chosen_by_that() -> None:
    assert kept(**because("cancer")) == ("malignant", "other", "third")


def test_nothing_is_presumed_while_a_condition_is_not_understood() -> None:
    assert kept(condition("other-pain"), condition("not known")) == ("malignant", "other", "third")


# --- several at once -------------------------------------------------------------------------------------------------

TWO = """
ask: Which
choices:
  a: {says: First, presume_when: {condition: {in: alpha}}}
  b: {says: Second, presume_when: {condition: {in: beta}}}
"""
SECTIONS = """
I:
  says: s
  all:
    - id: I.A
      says: a
      any:
        - {id: I.A.1, says: one, for: a, ask: q}
        - {id: I.A.2, says: two, for: b, ask: q}
    - {id: I.B, says: b, ask: q}
"""


def two(sections: str = SECTIONS, orders: str = "- {codes: the-order, sections: [I]}") -> Policy:
    return policy(sections, pathway=TWO, orders=orders)


def on_two(*letters: str, chosen: str = "", **more: Any) -> Determination:
    """Answers by criterion, written `I.B=yes`."""
    said = dict(letter.split("=") for letter in letters)
    return judge(two(**more), answers(said | ({"pathway": chosen} if chosen else {})))


def test_what_is_of_another_pathway_is_unknown_and_does_not_count() -> None:
    result = on_two(chosen="b").criterion("I.A.1")
    assert (result.status, result.reason, result.counted) == (UNKNOWN, Reason.OTHER_PATHWAY, None)


def test_what_is_below_another_pathway_is_of_that_pathway_too() -> None:
    sections = (
        "I: {says: s, any: [{id: I.A, says: a, for: a, all: [{id: I.A.1, says: x, ask: q}]}, "
        "{id: I.B, says: b, ask: q}]}"
    )
    result = on_two("I.A.1=yes", chosen="b", sections=sections).criterion("I.A.1")
    assert (result.reason, result.counted) == (Reason.OTHER_PATHWAY, None)


def test_an_answer_to_what_is_of_another_pathway_counts_for_nothing() -> None:
    found = on_two("I.A.1=yes", "I.B=yes", chosen="b")
    assert (found.criterion("I.A").status, found.outcome) == (UNKNOWN, Outcome.DOCUMENTATION_NEEDED)


def test_a_chosen_pathway_is_judged_by_its_own_criteria() -> None:
    assert on_two("I.A.1=no", "I.A.2=yes", "I.B=yes", chosen="b").outcome is Outcome.SUPPORTED
    assert on_two("I.A.1=no", "I.A.2=yes", "I.B=yes", chosen="a").outcome is Outcome.CRITERIA_NOT_MET


def test_a_criterion_may_be_for_several_pathways() -> None:
    sections = "I: {says: s, all: [{id: I.A, says: a, for: [a, b], ask: q}]}"
    assert on_two("I.A=yes", sections=sections).outcome is Outcome.SUPPORTED


def test_what_the_pathways_agree_on_stands() -> None:
    found = on_two("I.B=yes", "I.A.1=no", "I.A.2=no")
    assert (found.criterion("I.B").status, found.criterion("I.A").status) == (MET, NOT_MET)
    assert found.criterion("I").status is NOT_MET
    assert found.outcome is Outcome.CRITERIA_NOT_MET


def test_what_the_pathways_agree_on_stands_although_their_reasons_differ() -> None:
    sections = """
    I:
      says: s
      any:
        - {id: I.1, says: one, for: a, not_met_when: {condition: {in: gamma}}, ask: q}
        - {id: I.2, says: two, for: b, ask: q}
    """
    found = judge(two(sections), condition("gamma"), answers({"I.2": "no"}))
    assert (found.criterion("I").status, found.criterion("I").counted) == (NOT_MET, NOT_MET)


def test_what_depends_on_the_pathway_is_unknown_and_says_on_which_it_is_what() -> None:
    result = on_two("I.A.1=no", "I.A.2=yes").criterion("I.A")
    assert (result.status, result.reason, result.counted) == (UNKNOWN, Reason.OTHER_PATHWAY, UNKNOWN)
    assert result.on_pathways == {"a": NOT_MET, "b": MET}


def test_a_criterion_of_one_pathway_says_what_it_is_there() -> None:
    found = on_two("I.A.1=no")
    result = found.criterion("I.A.1")
    assert (result.status, result.reason, result.on_pathways) == (UNKNOWN, Reason.OTHER_PATHWAY, {"a": NOT_MET})
    assert result.as_json()["pathways"] == {"a": "not-met"}
    assert [item.label for item in result.evidence] == ["Clinician's answer"]


def test_a_criterion_of_a_later_pathway_shows_its_own_evidence() -> None:
    result = on_two("I.A.2=no").criterion("I.A.2")
    assert (result.on_pathways, [item.label for item in result.evidence]) == (
        {"b": NOT_MET},
        ["Clinician's answer"],
    )


def test_an_advisory_criterion_of_a_later_pathway_is_shown_as_it_is_there() -> None:
    sections = """
    I:
      says: s
      all:
        - {id: I.1, says: one, for: b, role: advisory, show: {condition: {in: gamma}}, ask: q}
        - {id: I.2, says: two, ask: q}
    """
    result = judge(two(sections), condition("gamma")).criterion("I.1")
    assert [item.reference for item in result.evidence] == ["Condition/gamma-1"]


def test_the_presumed_pathway_and_why_are_told() -> None:
    found = judge(two(), condition("beta"), answers({"I.A.2": "yes", "I.B": "yes"}))
    assert found.outcome is Outcome.SUPPORTED
    assert found.as_json()["presumed"] == {"pathway": "b", "because": ["Condition/beta-1"]}


def test_a_chosen_pathway_is_not_told_as_presumed() -> None:
    assert "presumed" not in on_two(chosen="a").as_json()


# --- outcomes over pathways ------------------------------------------------------------------------------------------

OUTCOMES = """
A: {says: s, for: a, ask: q, if_not_met: not-supported}
B: {says: t, for: b, all: [{id: B.1, says: x, ask: q, if_met: case-review}]}
C: {says: u, for: [a, b], ask: q}
"""
THREE = "- {codes: the-order, sections: [A, B, C]}"


@pytest.mark.parametrize(
    ("said", "outcome", "section"),
    [
        ("A=yes B.1=yes C=no", Outcome.CRITERIA_NOT_MET, "C"),
        ("A=no B.1=no C=yes", Outcome.CRITERIA_NOT_MET, ""),
        ("A=no B.1=yes C=yes", Outcome.DOCUMENTATION_NEEDED, ""),
        ("A=yes B.1=yes C=yes", Outcome.DOCUMENTATION_NEEDED, ""),
        ("A=yes B.1=no C=yes", Outcome.DOCUMENTATION_NEEDED, ""),
        ("A=yes B.1=yes", Outcome.DOCUMENTATION_NEEDED, "C"),
        ("A=yes C=yes", Outcome.DOCUMENTATION_NEEDED, ""),
    ],
)
def test_an_outcome_stands_where_all_pathways_agree_or_none_can_pass(said: str, outcome: Outcome, section: str) -> None:
    found = on_two(*said.split(), sections=OUTCOMES, orders=THREE)
    assert (found.outcome, found.section) == (outcome, section)


@pytest.mark.parametrize(
    ("said", "outcome"),
    [
        ("A=yes", Outcome.SUPPORTED),
        ("A=no", Outcome.NOT_SUPPORTED),
    ],
)
def test_pathways_that_agree_give_their_outcome(said: str, outcome: Outcome) -> None:
    sections = "A: {says: s, for: [a, b], ask: q, if_not_met: not-supported}"
    found = on_two(said, sections=sections, orders="- {codes: the-order, sections: [A]}")
    assert (found.outcome, found.section) == (outcome, "A")


def test_a_pathway_that_no_section_of_the_order_is_for_leaves_it_open() -> None:
    sections = "A: {says: s, for: a, ask: q}"
    orders = "- {codes: the-order, sections: [A]}"
    assert on_two("A=yes", sections=sections, orders=orders).outcome is Outcome.DOCUMENTATION_NEEDED
    assert on_two("A=yes", chosen="b", sections=sections, orders=orders).outcome is Outcome.NOT_APPLICABLE


# --- what only rules out ---------------------------------------------------------------------------------------------

RULES_OUT = """
I: {says: s, for: b, all: [{id: I.A, says: a, ask: q}]}
II:
  says: t
  for: a
  rules_out: b
  not_met_when: {condition: {in: gamma}}
  ask: r
  if_not_met: not-supported
"""


def ruling_out(*resources: Resource, chosen: str, **said: str) -> Determination:
    by = two(RULES_OUT, orders="- {codes: the-order, sections: [I, II]}")
    return judge(by, *resources, answers({"pathway": chosen, "I.A": "yes"} | said))


def test_what_only_rules_out_does_not_count_and_is_not_asked_unless_it_is_not_met() -> None:
    found = ruling_out(chosen="b")
    result = found.criterion("II")
    assert (result.status, result.reason, result.counted) == (UNKNOWN, Reason.OTHER_PATHWAY, None)
    assert (found.outcome, found.questions) == (Outcome.SUPPORTED, ())


def test_what_only_rules_out_counts_if_it_is_not_met() -> None:
    found = ruling_out(condition("gamma"), chosen="b")
    assert (found.criterion("II").status, found.criterion("II").counted) == (NOT_MET, NOT_MET)
    assert (found.outcome, found.section) == (Outcome.NOT_SUPPORTED, "II")


def test_what_only_rules_out_is_shown_as_met_without_counting() -> None:
    found = ruling_out(chosen="b", II="yes")
    assert (found.criterion("II").status, found.criterion("II").counted) == (MET, None)


def test_what_only_rules_out_and_was_not_reached_says_that_it_was_not() -> None:
    by = two(RULES_OUT, orders="- {codes: the-order, sections: [I, II]}")
    result = judge(by, answers({"pathway": "b"}), should_stop=after(1)).criterion("II")
    assert (result.status, result.reason, result.counted) == (UNKNOWN, Reason.DATA_UNAVAILABLE, None)


def test_what_rules_out_on_one_pathway_is_asked_on_its_own() -> None:
    found = ruling_out(chosen="a")
    assert (found.outcome, [each.id for each in found.questions]) == (Outcome.DOCUMENTATION_NEEDED, ["II"])


def test_all_of_a_group_that_rules_out_only_rules_out() -> None:
    sections = """
    I:
      says: s
      all:
        - {id: I.A, says: a, ask: q}
        - id: I.B
          says: b
          for: a
          rules_out: b
          all:
            - {id: I.B.1, says: one, not_met_when: {condition: {in: gamma}}, ask: q}
            - {id: I.B.2, says: two, ask: q}
    """
    said = answers({"pathway": "b", "I.A": "yes"})
    assert judge(two(sections), said).outcome is Outcome.SUPPORTED
    ruled_out = judge(two(sections), condition("gamma"), said)
    assert (ruled_out.outcome, ruled_out.criterion("I.B").counted) == (Outcome.CRITERIA_NOT_MET, NOT_MET)
