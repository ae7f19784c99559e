"""The tree: groups, answers, humans, roles, needs, order entries, outcomes, and what must hold of all of them."""

import random
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coverage_policies.format.loader import parse_policy
from coverage_policies.format.model import Policy
from coverage_policies.format.terms import Outcome, PriorAuthorization, Reason, Status
from coverage_policies.format.value_sets import ValueSet, ValueSets
from coverage_policies.judging.data_notes import data_notes
from coverage_policies.judging.determination import Determination
from coverage_policies.judging.evaluator import evaluate
from fhir_mappings.codings import CPT
from fhir_mappings.dates import CalendarPeriod
from fhir_mappings.fhir_json import Resource
from fhir_mappings.orders import Anchor, Order, read_order
from fhir_mappings.record import PatientRecord
from tests.support.policy_fakes import (
    ANCHOR,
    COMPLETE,
    ENTRY,
    HEAD,
    MET,
    NOT_MET,
    NOT_OFFERED,
    SETS,
    UNAVAILABLE,
    UNKNOWN,
    ZONE,
    all_of,
    answers,
    available,
    chart,
    concept,
    condition,
    draft,
    judge,
    order,
    policy,
    procedure,
    references,
    report,
    row,
    score,
    statuses,
    text,
)
from tests.support.terms import TERMS

SUPPORTED = Outcome.SUPPORTED
NEEDED = Outcome.DOCUMENTATION_NEEDED
REVIEW = Outcome.CASE_REVIEW
FAILED = Outcome.CRITERIA_NOT_MET
NOT_SUPPORTED = Outcome.NOT_SUPPORTED
NOT_EVALUATED = Outcome.NOT_EVALUATED
NOT_APPLICABLE = Outcome.NOT_APPLICABLE

WORDS = {"M": "yes", "N": "no"}


def said(letters: Mapping[str, str]) -> Resource:
    """Answers by criterion: M for met, N for not met; U is not answered."""
    return answers({name: WORDS[letter] for name, letter in letters.items() if letter in WORDS})


def leaves(*names: str) -> str:
    return "\n".join(f"    - {{id: {name}, says: {name}, ask: q}}" for name in names)


def group(kind: str, letters: str) -> Policy:
    names = [f"I.{chr(ord('A') + i)}" for i in range(len(letters))]
    return policy(f"I:\n  says: s\n  {kind}\n{leaves(*names)}")


def answered(by: Policy, letters: str, prefix: str = "I") -> Determination:
    return judge(by, said({f"{prefix}.{chr(ord('A') + i)}": letter for i, letter in enumerate(letters)}))


# --- groups ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "letters", "status", "outcome"),
    [
        ("all:", "MM", MET, SUPPORTED),
        ("all:", "MU", UNKNOWN, NEEDED),
        ("all:", "UN", NOT_MET, FAILED),
        ("any:", "MU", MET, SUPPORTED),
        ("any:", "UN", UNKNOWN, NEEDED),
        ("any:", "NN", NOT_MET, FAILED),
        ("at_least: 3\n  of:", "MMMUUU", MET, SUPPORTED),
        ("at_least: 3\n  of:", "MMUNNN", UNKNOWN, NEEDED),
        ("at_least: 3\n  of:", "MMNNNN", NOT_MET, FAILED),
    ],
)
def test_a_section_rolls_up_its_parts_and_its_status_gives_the_outcome(
    kind: str, letters: str, status: Status, outcome: Outcome
) -> None:
    found = answered(group(kind, letters), letters)
    assert (found.criterion("I").status, found.outcome, found.section) == (status, outcome, "I")


def test_every_child_is_evaluated_also_after_its_group_is_decided() -> None:
    by = policy(
        """
        I:
          says: s
          all:
            - {id: I.A, says: a, ask: q}
            - {id: I.B, says: b, not_met_when: {condition: {in: alpha}}, ask: q}
            - {id: I.C, says: c, met_when: {condition: {in: beta}}, ask: q}
        """
    )
    found = judge(by, said({"I.A": "N"}), condition("alpha"), condition("beta"))
    assert statuses(found) == {"I": NOT_MET, "I.A": NOT_MET, "I.B": NOT_MET, "I.C": MET}


def test_criteria_are_reported_in_the_order_of_the_text_with_parent_and_depth() -> None:
    by = policy(
        "I:\n  says: s\n  all:\n    - {id: I.B, says: b, any: [{id: I.B.2, says: x, ask: q}]}\n" + leaves("I.A")
    )
    found = judge(by)
    assert [(each.id, each.parent, each.depth, each.is_group) for each in found.criteria] == [
        ("I", "", 0, True),
        ("I.B", "I", 1, True),
        ("I.B.2", "I.B", 2, False),
        ("I.A", "I", 1, False),
    ]


def test_a_result_carries_the_words_of_its_criterion() -> None:
    by = policy("I: {says: It is so, says_when_not_met: It is not so, ask: Is it so}")
    result = judge(by).criterion("I")
    assert (result.says, result.says_when_not_met, result.ask) == ("It is so", "It is not so", "Is it so")


@pytest.mark.parametrize(
    ("kind", "letters", "reason"),
    [
        ("all:", "MNU", Reason.ATTESTED),
        ("all:", "MUM", Reason.NOT_FOUND),
        ("any:", "UM", Reason.ATTESTED),
        ("any:", "NN", Reason.ATTESTED),
    ],
)
def test_a_group_has_the_reason_of_the_first_child_that_is_as_it_is(kind: str, letters: str, reason: Reason) -> None:
    assert answered(group(kind, letters), letters).criterion("I").reason is reason


# --- one leaf through the evaluator ----------------------------------------------------------------------------------

LEAF = "I: {says: s, met_when: {condition: {in: alpha}}, not_met_when: {condition: {in: beta}}, ask: q}"


@pytest.mark.parametrize(
    ("present", "status", "reason"),
    [
        ([], UNKNOWN, Reason.NOT_FOUND),
        (["alpha"], MET, None),
        (["beta"], NOT_MET, Reason.PRESENT),
        (["alpha", "beta"], UNKNOWN, Reason.CONFLICT),
        (["gamma"], UNKNOWN, Reason.NOT_FOUND),
        (["alpha-asks"], UNKNOWN, Reason.INVALID_ATTRIBUTE),
        (["beta-asks"], UNKNOWN, Reason.INVALID_ATTRIBUTE),
        (["alpha", "beta-asks"], MET, None),
    ],
)
def test_data_settle_a_leaf_only_where_one_direction_holds(
    present: list[str], status: Status, reason: Reason | None
) -> None:
    result = judge(policy(LEAF), *(condition(code) for code in present)).criterion("I")
    assert (result.status, result.reason) == (status, reason)


def test_a_value_that_says_why_is_passed_on() -> None:
    by = policy("I: {says: s, not_met_when: {order: {approach: posterior}}, ask: q}")
    found = judge(by, of=order(orderDetail=[{"text": "Posterior approach"}])).criterion("I")
    assert (found.status, found.headline) == (NOT_MET, "Order says posterior")


# --- answers ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "present", "status", "reason"),
    [
        ("yes", [], MET, Reason.ATTESTED),
        ("no", [], NOT_MET, Reason.ATTESTED),
        ("yes", ["alpha"], MET, None),
        ("no", ["alpha"], UNKNOWN, Reason.CONFLICT),
        ("yes", ["beta"], UNKNOWN, Reason.CONFLICT),
        ("no", ["beta"], NOT_MET, Reason.PRESENT),
        ("don't know", [], UNKNOWN, Reason.NOT_FOUND),
    ],
)
def test_an_answer_outranks_silence_and_not_data(
    answer: str, present: list[str], status: Status, reason: Reason | None
) -> None:
    result = judge(policy(LEAF), answers({"I": answer}), *(condition(code) for code in present)).criterion("I")
    assert (result.status, result.reason) == (status, reason)


@pytest.mark.parametrize(("answer", "status"), [("no", MET), ("yes", NOT_MET)])
def test_the_question_may_be_put_so_that_no_speaks_for_the_order(answer: str, status: Status) -> None:
    by = policy("I: {says: s, ask: q, met_by: no}")
    assert judge(by, answers({"I": answer})).criterion("I").status is status


NESTED = (
    "I:\n  says: s\n  all:\n"
    "    - {id: I.A, says: a, all: [{id: I.A.x, says: x, ask: q}, {id: I.A.y, says: y, ask: q}]}\n"
)


@pytest.mark.parametrize(("letter", "status", "outcome"), [("M", MET, SUPPORTED), ("N", NOT_MET, FAILED)])
def test_a_criterion_with_parts_may_be_answered_whole(letter: str, status: Status, outcome: Outcome) -> None:
    found = judge(policy(NESTED), said({"I.A": letter}))
    assert (found.criterion("I.A").status, found.criterion("I.A").reason) == (status, Reason.ATTESTED)
    assert (found.criterion("I.A.x").status, found.outcome) == (UNKNOWN, outcome)


@pytest.mark.parametrize(
    ("parts", "whole"), [({"I.A.x": "N"}, "M"), ({"I.A.x": "M", "I.A.y": "M"}, "N")], ids=["not met", "met"]
)
def test_an_answer_to_the_whole_against_its_parts_is_a_conflict(parts: dict[str, str], whole: str) -> None:
    found = judge(policy(NESTED), said(parts | {"I.A": whole}))
    assert (found.criterion("I.A").status, found.criterion("I.A").reason) == (UNKNOWN, Reason.CONFLICT)
    assert found.outcome is NEEDED


def test_a_section_of_parts_is_never_answered_whole() -> None:
    found = judge(policy(NESTED), said({"I": "M"}))
    assert (found.criterion("I").status, found.outcome) == (UNKNOWN, NEEDED)


def test_a_section_without_parts_is_answered() -> None:
    assert judge(policy("I: {says: s, ask: q}"), said({"I": "M"})).outcome is SUPPORTED


CONTRADICTED = (
    "{id: I.A.%s, says: x, met_when: {condition: {in: alpha}}, not_met_when: {condition: {in: alpha}}, ask: q}"
)


@pytest.mark.parametrize("first", [True, False])
def test_an_answer_to_the_whole_settles_no_contradiction_within_it(first: bool) -> None:
    parts = ["{id: I.A.x, says: x, ask: q}", CONTRADICTED % "y"]
    listed = ", ".join(parts[::-1] if first else parts)
    found = judge(
        policy(f"I:\n  says: s\n  all:\n    - {{id: I.A, says: a, all: [{listed}]}}"),
        condition("alpha"),
        said({"I.A": "M"}),
    )
    assert (found.criterion("I.A").status, found.criterion("I.A").reason) == (UNKNOWN, Reason.CONFLICT)


def test_no_answer_changes_what_the_text_never_supports() -> None:
    found = judge(policy("I: {says: s, always: not-supported}"), said({"I": "M"}))
    assert (found.criterion("I").status, found.outcome) == (NOT_MET, NOT_SUPPORTED)


def test_what_the_text_never_supports_rests_on_the_order_itself() -> None:
    result = judge(policy("I: {says: s, always: not-supported}")).criterion("I")
    assert (result.reason, [item.reference for item in result.evidence]) == (Reason.PRESENT, ["ServiceRequest/order-1"])


def test_how_long_an_answer_counts_is_a_setting() -> None:
    ours = "https://plan.example/Questionnaire/CP.TEST|2025-01"
    old = answers({"I": "yes"}, authored="2026-02-20T10:00:00Z", basedOn=None, questionnaire=ours)
    by = policy("I: {says: s, ask: q}")
    outcomes = [judge(by, old, answers_valid=CalendarPeriod(days, "days")).outcome for days in (10, 9)]
    assert outcomes == [SUPPORTED, NEEDED]


def test_an_old_answer_counts_that_is_based_on_the_order() -> None:
    old = {"authored": "2024-01-01T10:00:00Z"}
    by = policy("I: {says: s, ask: q}")
    based = [{"reference": "ServiceRequest/order-1"}]
    assert judge(by, answers({"I": "yes"}, **old, basedOn=based)).outcome is SUPPORTED
    other = [{"reference": "ServiceRequest/order-2"}]
    assert judge(by, answers({"I": "yes"}, **old, basedOn=other)).outcome is NEEDED


# --- what a human decides --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("direction", "letter", "status", "outcome"),
    [
        ("if_met", "M", MET, REVIEW),
        ("if_met", "N", NOT_MET, FAILED),
        ("if_met", "U", UNKNOWN, NEEDED),
        ("if_not_met", "M", MET, SUPPORTED),
        ("if_not_met", "N", NOT_MET, REVIEW),
        ("if_not_met", "U", UNKNOWN, NEEDED),
    ],
)
def test_a_criterion_handed_to_a_human_keeps_its_status_and_counts_as_unknown(
    direction: str, letter: str, status: Status, outcome: Outcome
) -> None:
    by = policy(f"I:\n  says: s\n  all:\n    - {{id: I.A, says: a, ask: q, {direction}: case-review}}")
    found = judge(by, said({"I.A": letter}))
    result = found.criterion("I.A")
    assert (result.status, found.outcome) == (status, outcome)
    assert result.counted is (UNKNOWN if outcome is REVIEW else status)


def test_a_group_that_hangs_on_a_human_says_so() -> None:
    by = policy("I:\n  says: s\n  all:\n    - {id: I.A, says: a, ask: q, if_met: case-review}")
    result = judge(by, said({"I.A": "M"})).criterion("I")
    assert (result.status, result.reason) == (UNKNOWN, Reason.CASE_REVIEW)


@pytest.mark.parametrize(("letter", "outcome"), [("M", REVIEW), ("U", NEEDED), ("N", FAILED)])
def test_it_is_case_review_only_if_the_human_alone_stands_between_the_order_and_met(
    letter: str, outcome: Outcome
) -> None:
    by = policy(f"I:\n  says: s\n  all:\n    - {{id: I.A, says: a, ask: q, if_met: case-review}}\n{leaves('I.B')}")
    assert judge(by, said({"I.A": "M", "I.B": letter})).outcome is outcome


@pytest.mark.parametrize(("letter", "outcome"), [("M", SUPPORTED), ("U", REVIEW), ("N", REVIEW)])
def test_a_human_is_not_asked_where_another_way_is_met(letter: str, outcome: Outcome) -> None:
    by = policy(f"I:\n  says: s\n  any:\n    - {{id: I.A, says: a, ask: q, if_met: case-review}}\n{leaves('I.B')}")
    assert judge(by, said({"I.A": "M", "I.B": letter})).outcome is outcome


@pytest.mark.parametrize(("letters", "outcome"), [("NN", REVIEW), ("MN", REVIEW), ("MM", SUPPORTED), ("UN", REVIEW)])
def test_a_group_may_be_handed_to_a_human(letters: str, outcome: Outcome) -> None:
    """A group not met that a human may still grant, below a group that is otherwise met."""
    by = policy(
        "I:\n  says: s\n  all:\n    - {id: I.A, says: a, if_not_met: case-review, "
        "all: [{id: I.A.x, says: x, ask: q}, {id: I.A.y, says: y, ask: q}]}"
    )
    assert judge(by, said({"I.A.x": letters[0], "I.A.y": letters[1]})).outcome is outcome


def test_a_group_that_is_met_may_be_handed_to_a_human() -> None:
    by = policy(
        "I:\n  says: s\n  all:\n    - {id: I.A, says: a, if_met: case-review, any: [{id: I.A.x, says: x, ask: q}]}"
    )
    assert judge(by, said({"I.A.x": "M"})).outcome is REVIEW


@pytest.mark.parametrize(("letter", "outcome"), [("M", SUPPORTED), ("N", REVIEW), ("U", NEEDED)])
def test_a_section_that_is_not_met_may_go_to_a_human(letter: str, outcome: Outcome) -> None:
    by = policy("I: {says: s, ask: q, if_not_met: case-review}")
    assert judge(by, said({"I": letter})).outcome is outcome


@pytest.mark.parametrize("contradiction_first", [True, False])
def test_a_contradiction_beside_a_human_who_suffices_is_case_review(contradiction_first: bool) -> None:
    parts = [CONTRADICTED.replace("I.A.%s", "I.A"), "{id: I.B, says: b, ask: q, if_met: case-review}"]
    listed = ", ".join(parts if contradiction_first else parts[::-1])
    found = judge(policy(f"I: {{says: s, any: [{listed}]}}"), condition("alpha"), said({"I.B": "M"}))
    assert found.outcome is REVIEW


def test_a_contradiction_between_a_whole_and_its_parts_waits_for_no_human() -> None:
    by = policy(
        "I:\n  says: s\n  all:\n    - {id: I.A, says: a, any: [{id: I.A.x, says: x, ask: q}, "
        "{id: I.A.y, says: y, ask: q, if_met: case-review}]}"
    )
    found = judge(by, said({"I.A": "N", "I.A.x": "M", "I.A.y": "M"}))
    assert (found.criterion("I.A").reason, found.outcome) == (Reason.CONFLICT, NEEDED)


# --- roles -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["advisory", "post-procedure", "information"])
@pytest.mark.parametrize("letter", "MNU")
def test_a_criterion_with_a_role_is_reported_and_never_counted(role: str, letter: str) -> None:
    by = policy(f"I:\n  says: s\n  all:\n    - {{id: I.A, says: a, ask: q, role: {role}}}\n{leaves('I.B')}")
    found = judge(by, said({"I.A": letter, "I.B": "M"}))
    assert found.outcome is SUPPORTED
    assert found.criterion("I.A").status is {"M": MET, "N": NOT_MET, "U": UNKNOWN}[letter]
    assert found.criterion("I.A").counted is None


def test_a_section_with_a_role_decides_no_outcome() -> None:
    by = policy(
        "I: {says: s, ask: q, role: information}\nII: {says: t, ask: q}",
        orders="- {codes: the-order, sections: [I, II]}",
    )
    found = judge(by, said({"I": "N", "II": "M"}))
    assert (found.outcome, found.section) == (SUPPORTED, "II")


def test_sections_of_which_none_counts_apply_to_no_order() -> None:
    found = judge(policy("I: {says: s, ask: q, role: information}"))
    assert (found.outcome, found.section) == (NOT_APPLICABLE, "")


# --- needs -----------------------------------------------------------------------------------------------------------

FALLBACK = (
    "I:\n  says: s\n  any:\n"
    "    - {id: I.A, says: a, ask: q}\n    - {id: I.B, says: b, ask: q}\n"
    "III: {says: t, needs: I, show: {condition: {in: gamma}}, if_not_met: not-supported}"
)
BOTH = "- {codes: the-order, sections: [I, III]}"


@pytest.mark.parametrize(
    ("letters", "status", "outcome", "section"),
    [("NN", NOT_MET, NOT_SUPPORTED, "III"), ("NU", UNKNOWN, NEEDED, "I"), ("MU", MET, SUPPORTED, "I")],
)
def test_what_needs_another_criterion_takes_its_status(
    letters: str, status: Status, outcome: Outcome, section: str
) -> None:
    found = answered(policy(FALLBACK, orders=BOTH), letters)
    assert (found.criterion("III").status, found.outcome, found.section) == (status, outcome, section)


def test_what_needs_another_criterion_has_its_reason_and_what_failed_as_evidence() -> None:
    found = answered(policy(FALLBACK, orders=BOTH), "NN").criterion("III")
    assert found.reason is Reason.ATTESTED
    assert [item.reference.split("/")[0] for item in found.evidence] == ["QuestionnaireResponse"]


def test_what_needs_another_criterion_may_show_evidence_of_its_own() -> None:
    by = policy(FALLBACK, orders=BOTH)
    assert references(judge(by, condition("gamma")), "III") == ["Condition/gamma-1"]


@pytest.mark.parametrize(("letters", "status"), [("MM", MET), ("MU", UNKNOWN), ("UN", NOT_MET), ("MN", NOT_MET)])
def test_of_several_needed_all_must_be_met(letters: str, status: Status) -> None:
    by = policy(f"I:\n  says: s\n  any:\n{leaves('I.A', 'I.B')}\n    - {{id: I.C, says: c, needs: [I.A, I.B]}}")
    assert answered(by, letters).criterion("I.C").status is status


def test_what_is_needed_may_be_answered_whole() -> None:
    by = policy(f"{NESTED}    - {{id: I.B, says: b, needs: I.A}}")
    assert judge(by, said({"I.A": "M"})).criterion("I.B").status is MET


def test_what_needs_another_criterion_may_be_answered_itself() -> None:
    by = policy(f"{NESTED}    - {{id: I.B, says: b, needs: I.A, ask: q}}")
    assert judge(by, said({"I.B": "M"})).criterion("I.B").reason is Reason.ATTESTED


def test_what_needs_a_criterion_that_does_not_count_is_unknown() -> None:
    by = policy(
        "I:\n  says: s\n  all:\n    - {id: I.A, says: a, ask: q, role: advisory}\n    - {id: I.B, says: b, needs: I.A}"
    )
    found = judge(by, said({"I.A": "M"}))
    assert (found.criterion("I.B").status, found.outcome) == (UNKNOWN, NEEDED)


def test_what_needs_a_criterion_that_a_human_decides_is_case_review_too() -> None:
    by = policy(
        "I: {says: s, all: [{id: I.A, says: a, ask: q, if_met: case-review}]}\nIII: {says: t, needs: I}", orders=BOTH
    )
    found = judge(by, said({"I.A": "M"}))
    assert (found.criterion("III").status, found.criterion("III").reason) == (UNKNOWN, Reason.CASE_REVIEW)
    assert found.outcome is REVIEW


def test_no_human_stands_in_for_what_the_text_never_supports() -> None:
    by = policy(
        f"I:\n  says: s\n  any:\n    - {{id: I.A, says: a, needs: V}}\n{leaves('I.B')}\n"
        "V: {says: v, always: not-supported}"
    )
    assert judge(by).outcome is NEEDED


# --- needs, on an earlier day ----------------------------------------------------------------------------------------

LOOKING_BACK = (
    "I:\n  says: s\n  all:\n"
    "    - {id: I.A, says: No sepsis, not_met_when: {condition: {in: alpha}}, ask: q, met_by: no}\n"
    "II:\n  says: t\n  all:\n"
    "    - {id: II.A, says: a, needs: I.A, on_date_of: trial, ask: q}\n"
)
SECTION_TWO = "- {codes: the-order, sections: [II]}"
TRIAL = procedure("trial", "2025-11-10", id="trial")
SEPSIS_THEN = condition("alpha", "2025-11-05", "resolved", abatementDateTime="2025-11-20")
SEPSIS_NOW = condition("alpha", "2026-02-25")


def looking_back(*resources: Resource, **more: Any) -> Determination:
    return judge(policy(LOOKING_BACK, orders=SECTION_TWO), *resources, **more)


def test_what_was_there_on_the_day_of_the_trial_counts_although_it_is_over() -> None:
    result = looking_back(TRIAL, SEPSIS_THEN).criterion("II.A")
    assert (result.status, result.reason) == (NOT_MET, Reason.PRESENT)


def test_of_a_group_that_failed_on_the_day_of_the_trial_its_parts_are_told() -> None:
    by = policy(LOOKING_BACK.replace("needs: I.A", "needs: I"), orders=SECTION_TWO)
    result = judge(by, TRIAL, SEPSIS_THEN).criterion("II.A")
    assert (result.status, result.notes) == (NOT_MET, ("No sepsis: not met on 2025-11-10",))


def test_what_failed_on_the_day_of_the_trial_is_told_with_the_day_and_the_evidence() -> None:
    result = looking_back(TRIAL, SEPSIS_THEN).criterion("II.A")
    assert result.notes == ("No sepsis: not met on 2025-11-10",)
    assert [item.reference for item in result.evidence] == ["Procedure/trial", "Condition/alpha-1"]


def test_what_is_there_now_and_was_not_on_the_day_of_the_trial_does_not_count() -> None:
    result = looking_back(TRIAL, SEPSIS_NOW).criterion("II.A")
    assert (result.status, result.reason) == (UNKNOWN, Reason.NONE_RECORDED)


def test_an_answer_about_the_needed_criterion_counts_on_the_day_of_the_trial() -> None:
    assert looking_back(TRIAL, answers({"I.A": "no"})).criterion("II.A").status is MET


def test_without_a_trial_nothing_is_known_of_its_day() -> None:
    result = looking_back(SEPSIS_THEN).criterion("II.A")
    assert (result.status, result.reason, result.evidence) == (UNKNOWN, Reason.NOT_FOUND, ())


def test_a_trial_of_an_imprecise_date_has_no_day_to_look_back_to() -> None:
    result = looking_back(procedure("trial", "2025-11", id="t"), SEPSIS_THEN).criterion("II.A")
    assert (result.status, result.reason) == (UNKNOWN, Reason.DATE_OUT_OF_RANGE)
    assert [item.reference for item in result.evidence] == ["Procedure/t"]


def test_the_last_trial_by_the_anchor_date_is_looked_back_to() -> None:
    later = procedure("trial", "2025-12-10", id="later")
    after_the_anchor = procedure("trial", "2026-03-03", id="future")
    result = looking_back(TRIAL, later, after_the_anchor, SEPSIS_THEN).criterion("II.A")
    assert (result.status, [item.reference for item in result.evidence]) == (UNKNOWN, ["Procedure/later"])


@pytest.mark.parametrize("unclear", [procedure("trial", None, id="u"), procedure("trial", "2026-03", id="u")])
def test_a_trial_that_may_be_later_than_an_exact_one_leaves_the_day_open(unclear: Resource) -> None:
    result = looking_back(TRIAL, unclear, SEPSIS_THEN).criterion("II.A")
    assert (result.status, result.reason) == (UNKNOWN, Reason.DATE_OUT_OF_RANGE)


def test_an_infection_without_a_date_is_not_taken_back_to_the_day_of_the_trial() -> None:
    undated = {"resourceType": "Condition", "id": "u", "subject": SEPSIS_NOW["subject"], "code": SEPSIS_NOW["code"]}
    assert looking_back(TRIAL, undated).criterion("II.A").status is UNKNOWN


def test_a_trial_that_was_not_completed_is_none() -> None:
    assert looking_back(procedure("trial", "2025-11-10", "stopped"), SEPSIS_THEN).criterion("II.A").status is UNKNOWN


@pytest.mark.parametrize("trials", [(), (TRIAL,)], ids=["none read", "one read"])
def test_where_procedures_were_not_all_read_the_last_trial_is_not_known(trials: tuple[Resource, ...]) -> None:
    result = looking_back(*trials, SEPSIS_THEN, availability=available(Procedure=UNAVAILABLE)).criterion("II.A")
    assert (result.status, result.reason) == (UNKNOWN, Reason.DATA_UNAVAILABLE)


@pytest.mark.parametrize(
    ("trials", "availability"),
    [
        ((), available()),
        ((procedure("trial", "2025-11"),), available()),
        ((TRIAL,), available(Procedure=UNAVAILABLE)),
        ((TRIAL,), available()),
    ],
    ids=["none", "imprecise", "not all read", "nothing known of its day"],
)
def test_no_human_stands_in_for_a_day_that_is_not_known(
    trials: tuple[Resource, ...], availability: dict[str, Any]
) -> None:
    assert looking_back(*trials, availability=availability).outcome is NEEDED


def test_where_procedures_are_not_offered_no_trial_is_found() -> None:
    result = looking_back(SEPSIS_THEN, availability=available(Procedure=NOT_OFFERED)).criterion("II.A")
    assert result.reason is Reason.NOT_FOUND


def test_what_is_needed_now_has_no_note_of_a_day() -> None:
    by = policy(f"I:\n  says: s\n  all:\n{leaves('I.A')}\n    - {{id: I.B, says: b, needs: I.A}}")
    assert judge(by, said({"I.A": "N"})).criterion("I.B").notes == ()


# --- order entries ---------------------------------------------------------------------------------------------------

CODED_YES = {"orderDetail": [{"coding": [{"system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": "7052"}]}]}
CODED_NO = {"orderDetail": [{"coding": [{"system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": "1"}]}]}
OPEN_DRUG = {"coding": [{"system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": "drug-asks"}]}
UNDECIDED = {"orderDetail": [OPEN_DRUG]}
ONLY_IF = "- {codes: the-order, sections: [I], only_if: {order: {drug: drug}}, ask: Is it the drug}"
UNLESS = "- {codes: the-order, sections: [I], unless: {order: {drug: drug}}}"
BOTH_CONDITIONS = (
    "- {codes: the-order, sections: [I], only_if: {order: {drug: drug}}, unless: {order: {side: left}}, "
    "ask: Is it the drug}"
)
LEFT = {"bodySite": [{"text": "left"}]}
RIGHT = {"bodySite": [{"text": "right"}]}


@pytest.mark.parametrize(
    ("orders", "detail", "outcome"),
    [
        (ONLY_IF, CODED_YES, SUPPORTED),
        (ONLY_IF, CODED_NO, NOT_APPLICABLE),
        (ONLY_IF, {}, NOT_APPLICABLE),
        (ONLY_IF, UNDECIDED, NEEDED),
        (UNLESS, CODED_YES, NOT_APPLICABLE),
        (UNLESS, CODED_NO, SUPPORTED),
        (UNLESS, {}, SUPPORTED),
        (BOTH_CONDITIONS, CODED_YES | RIGHT, SUPPORTED),
        (BOTH_CONDITIONS, CODED_YES, SUPPORTED),
        (BOTH_CONDITIONS, CODED_YES | LEFT, NEEDED),
        (BOTH_CONDITIONS, CODED_NO | RIGHT, NOT_APPLICABLE),
        (BOTH_CONDITIONS, CODED_NO, NOT_APPLICABLE),
        (BOTH_CONDITIONS, CODED_NO | LEFT, NOT_APPLICABLE),
        (BOTH_CONDITIONS, UNDECIDED | RIGHT, NEEDED),
        (BOTH_CONDITIONS, UNDECIDED | LEFT, NOT_APPLICABLE),
        (BOTH_CONDITIONS, RIGHT, NOT_APPLICABLE),
        (BOTH_CONDITIONS, {}, NOT_APPLICABLE),
        (BOTH_CONDITIONS, LEFT, NOT_APPLICABLE),
    ],
)
def test_an_order_is_judged_where_only_if_holds_and_unless_does_not(
    orders: str, detail: dict[str, Any], outcome: Outcome
) -> None:
    found = judge(policy("I: {says: s, ask: q}", orders=orders), said({"I": "M"}), of=order(**detail))
    assert found.outcome is outcome


def test_an_order_that_may_be_meant_is_asked_that_and_nothing_else() -> None:
    found = judge(policy("I: {says: s, ask: q}", orders=ONLY_IF), of=order(**UNDECIDED))
    assert [(question.id, question.text) for question in found.questions] == [("applies", "Is it the drug")]
    assert found.section == "I"


@pytest.mark.parametrize("detail", [{}, CODED_YES, CODED_NO], ids=["silent", "holds", "does not hold"])
@pytest.mark.parametrize("orders", [ONLY_IF, UNLESS, BOTH_CONDITIONS], ids=["only_if", "unless", "both"])
@pytest.mark.parametrize(("answer", "outcome"), [("yes", SUPPORTED), ("no", NOT_APPLICABLE)])
def test_an_answer_says_whether_the_policy_applies(
    answer: str, outcome: Outcome, orders: str, detail: dict[str, Any]
) -> None:
    by = policy("I: {says: s, ask: q}", orders=orders)
    assert judge(by, answers({"applies": answer, "I": "yes"}), of=order(**detail)).outcome is outcome


def test_an_answer_that_it_is_not_known_leaves_the_question_open() -> None:
    by = policy("I: {says: s, ask: q}", orders=ONLY_IF)
    assert judge(by, answers({"applies": "unknown", "I": "yes"}), of=order(**UNDECIDED)).outcome is NEEDED


def test_an_order_of_another_code_is_not_judged() -> None:
    found = judge(policy("I: {says: s, ask: q}"), of=order("10002"))
    assert (found.outcome, found.criteria, found.questions) == (NOT_APPLICABLE, (), ())


def test_an_entry_without_sections_judges_no_order() -> None:
    by = policy("I: {says: s, ask: q}", orders="- {codes: the-order, sections: []}")
    assert judge(by, answers({"applies": "yes"})).outcome is NOT_APPLICABLE


def test_several_entries_for_one_order_judge_by_all_their_sections_once() -> None:
    by = policy(
        "I: {says: s, ask: q}\nII: {says: t, ask: q}\nIII: {says: u, ask: q}",
        orders="- {codes: the-order, sections: [II, I]}\n- {codes: the-order, sections: [I]}",
    )
    assert list(statuses(judge(by))) == ["II", "I"]


def test_an_entry_that_certainly_judges_outranks_one_that_may() -> None:
    by = policy(
        "I: {says: s, ask: q}\nII: {says: t, ask: q}",
        orders=f"{ONLY_IF}\n- {{codes: the-order, sections: [II]}}",
    )
    found = judge(by, said({"II": "M"}))
    assert (found.outcome, list(statuses(found))) == (SUPPORTED, ["II"])


def test_the_label_of_the_order_is_ours() -> None:
    assert judge(policy("I: {says: s, ask: q}")).order_label == "Label of 10001"
    unknown = judge(policy("I: {says: s, ask: q}"), of=replace(order("99"), label="As sent"))
    assert unknown.order_label == "As sent"


# --- outcomes over sections ------------------------------------------------------------------------------------------

SECTIONS = """
I: {says: s, ask: q, if_not_met: not-supported}
II: {says: t, ask: q}
III: {says: u, all: [{id: III.A, says: a, ask: q, if_met: case-review}]}
IV: {says: v, ask: q}
"""
ALL_FOUR = "- {codes: the-order, sections: [I, II, III, IV]}"


@pytest.mark.parametrize(
    ("letters", "outcome", "section"),
    [
        ("NNMU", NOT_SUPPORTED, "I"),
        ("UNMU", FAILED, "II"),
        ("MNMN", FAILED, "II"),
        ("MMNM", FAILED, "III"),
        ("MUMU", NEEDED, "II"),
        ("UUMU", NEEDED, "I"),
        ("MMMM", REVIEW, "III"),
        ("MMMU", NEEDED, "IV"),
    ],
)
def test_the_worst_section_decides_and_the_first_on_a_tie(letters: str, outcome: Outcome, section: str) -> None:
    names = ["I", "II", "III.A", "IV"]
    found = judge(policy(SECTIONS, orders=ALL_FOUR), said(dict(zip(names, letters, strict=True))))
    assert (found.outcome, found.section) == (outcome, section)


def test_the_first_listed_under_the_order_is_the_first() -> None:
    by = policy("I: {says: s, ask: q}\nII: {says: t, ask: q}", orders="- {codes: the-order, sections: [II, I]}")
    found = judge(by, said({"I": "N", "II": "N"}))
    assert found.section == "II"


def test_a_section_that_the_order_is_not_judged_by_is_not_reported() -> None:
    assert list(statuses(judge(policy("I: {says: s, ask: q}\nII: {says: t, ask: q}")))) == ["I"]


# --- nothing read ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("availability", "outcome"),
    [
        (all_of(COMPLETE), NEEDED),
        (all_of(UNAVAILABLE), NOT_EVALUATED),
        (all_of(NOT_OFFERED), NOT_EVALUATED),
        ({}, NOT_EVALUATED),
        (all_of(UNAVAILABLE) | {"Condition": COMPLETE}, NEEDED),
        (all_of(UNAVAILABLE) | {"Device": COMPLETE}, NOT_EVALUATED),
    ],
    ids=["all read", "none read", "none offered", "none asked", "one needed read", "one not needed read"],
)
def test_it_is_not_evaluated_where_nothing_that_the_text_needs_was_read(
    availability: dict[str, Any], outcome: Outcome
) -> None:
    assert judge(policy(LEAF), availability=availability).outcome is outcome


STRANGER = {"subject": {"identifier": {"value": "p"}}}


@pytest.mark.parametrize(
    ("resources", "outcome"),
    [
        ([dict(condition("alpha")) | STRANGER], NOT_EVALUATED),
        ([dict(condition("alpha")) | STRANGER, condition("gamma")], NEEDED),
        ([], NEEDED),
    ],
)
def test_it_is_not_evaluated_where_all_that_was_found_may_be_of_another_patient(
    resources: list[Resource], outcome: Outcome
) -> None:
    assert judge(policy(LEAF), *resources).outcome is outcome


def test_what_was_left_out_is_counted_and_proves_no_absence() -> None:
    by = policy("I: {says: s, not_met_when: {condition: {in: alpha}}, ask: q}")
    found = judge(by, condition("gamma"), dict(condition("alpha")) | STRANGER)
    assert found.criterion("I").reason is Reason.DATA_UNAVAILABLE
    assert found.notes[1:] == (
        "Not read completely: Condition.",
        "Not used because the patient of the record is not certain: 1 resource(s).",
    )
    assert (found.unread, found.unused) == (("Condition",), 1)


def test_what_was_not_read_of_what_every_call_reads_is_a_gap_too() -> None:
    availability = available(Device=UNAVAILABLE) | {"Coverage": UNAVAILABLE, "Patient": UNAVAILABLE}
    assert judge(policy(LEAF), availability=availability).unread == ("Coverage", "Patient")


def test_a_record_that_is_set_aside_is_counted_as_not_used() -> None:
    found = judge(policy(LEAF), condition("alpha", implicitRules="http://example.org/rules"))
    assert found.unused == 1
    assert found.notes[-1] == "Not used: Condition/alpha-1, Condition has implicitRules, which may change its meaning."


# --- contradicting data that were not read ---------------------------------------------------------------------------

GROUPS = """
I:
  says: s
  all:
    - {id: I.A, says: a, met_when: {condition: {in: alpha}}, ask: q}
    - id: I.B
      says: b
      ask: q
      %s:
        - {id: I.B.1, says: b1, not_met_when: {procedure: {in: beta}}, ask: q}
        - {id: I.B.2, says: b2, not_met_when: {condition: {in: gamma}}, ask: q}
"""


@pytest.mark.parametrize(
    ("group", "unread", "status"),
    [
        ("all", (), MET),
        ("all", ("Procedure",), UNKNOWN),
        ("all", ("Condition",), UNKNOWN),
        ("any", ("Procedure",), MET),
        ("any", ("Procedure", "Condition"), UNKNOWN),
    ],
)
def test_a_group_that_is_answered_whole_stays_open_if_unread_data_may_contradict_it(
    group: str, unread: tuple[str, ...], status: Status
) -> None:
    availability = available(**dict.fromkeys(unread, UNAVAILABLE))
    found = judge(policy(GROUPS % group), answers({"I.B": "yes"}), availability=availability).criterion("I.B")
    assert found.status is status
    assert (found.reason is Reason.DATA_UNAVAILABLE) is (status is UNKNOWN)


def test_a_part_that_was_answered_keeps_its_group_open_while_unread_data_may_contradict_it() -> None:
    said_all = answers({"I.A": "yes", "I.B.1": "yes", "I.B.2": "yes"})
    by = policy(GROUPS % "all")
    assert judge(by, said_all).outcome is SUPPORTED
    found = judge(by, said_all, availability=available(Procedure=UNAVAILABLE))
    assert (found.outcome, found.criterion("I.B.1").status, found.criterion("I.B.2").status) == (NEEDED, UNKNOWN, MET)


def test_what_was_read_of_a_search_that_broke_off_counts_as_read() -> None:
    found = judge(policy(LEAF), condition("gamma"), availability=all_of(UNAVAILABLE))
    assert found.outcome is NEEDED


def test_an_order_that_settles_itself_is_judged_without_a_chart() -> None:
    by = policy("I: {says: s, not_met_when: {order: {code: the-order}}, ask: q}")
    assert judge(by, availability={}).outcome is FAILED


@pytest.mark.parametrize("availability", [COMPLETE, NOT_OFFERED, UNAVAILABLE])
def test_absence_proves_nothing(availability: Any) -> None:
    result = judge(policy(LEAF), availability=all_of(availability)).criterion("I")
    expected = Reason.DATA_UNAVAILABLE if availability is UNAVAILABLE else Reason.NOT_FOUND
    assert (result.status, result.reason) == (UNKNOWN, expected)


@pytest.mark.parametrize("availability", [COMPLETE, NOT_OFFERED, UNAVAILABLE])
def test_the_absence_of_what_would_speak_against_it_proves_nothing(availability: Any) -> None:
    by = policy("I: {says: s, not_met_when: {condition: {in: alpha}}, ask: q}")
    result = judge(by, availability=all_of(availability)).criterion("I")
    expected = Reason.DATA_UNAVAILABLE if availability is UNAVAILABLE else Reason.NONE_RECORDED
    assert (result.status, result.reason) == (UNKNOWN, expected)


# --- what the answer says of the data --------------------------------------------------------------------------------


def notes(*resources: Resource, **more: Any) -> tuple[str, ...]:
    return judge(policy(LEAF), *resources, **more).notes


def test_the_day_everything_is_measured_from_is_told() -> None:
    assert notes() == ("Look-back periods end on 2026-03-02 (planned service date).",)


def test_the_notes_of_the_text_come_first() -> None:
    by = parse_policy(text(LEAF, head=HEAD + "notes: [A note, Another]\n"), "t", SETS)
    assert judge(by).notes[:2] == ("A note", "Another")


def test_what_was_not_read_and_what_is_not_offered_are_told_if_the_text_needs_them() -> None:
    availability = available(Condition=UNAVAILABLE, QuestionnaireResponse=NOT_OFFERED, Device=UNAVAILABLE)
    assert notes(availability=availability)[1:] == (
        "Not read completely: Condition.",
        "Not supported by the FHIR server: QuestionnaireResponse.",
    )


@pytest.mark.parametrize(("detail", "label"), [("Left", "The order, left"), ("Posterior approach", "The order")])
def test_the_label_of_an_order_has_its_side(detail: str, label: str) -> None:
    labeled = SETS | {"the-order": ValueSet("the-order", [replace(row(CPT, "10001"), label="The order")])}
    by = parse_policy(text(LEAF), "t", labeled)
    assert judge(by, of=order(orderDetail=[{"text": detail}])).order_label == label


def test_what_nobody_was_asked_for_is_told_in_a_note_and_is_no_gap() -> None:
    by = policy("I: {says: s, met_when: {device: {in: alpha}}, show: {condition: {in: beta}}, ask: q}")
    availability = available(Condition=UNAVAILABLE, Device=UNAVAILABLE, CarePlan=UNAVAILABLE)
    found = judge(by, availability=availability, unasked={"Device", "CarePlan"})
    assert found.notes[1:] == (
        "Not read completely: Condition.",
        "Not read, since they are queried only and no FHIR server was named: Device.",
    )
    assert found.unread == ("Condition",)


def test_resources_of_others_are_counted() -> None:
    other = dict(condition("alpha")) | {"subject": {"reference": "Patient/other"}}
    assert notes(other)[1:] == ("Excluded as another patient's: 1 resource(s).",)


def test_what_was_set_aside_or_tolerated_is_named_without_its_value() -> None:
    broken = condition("alpha", onset="last spring", id="b")
    odd = condition("beta", id="o", recorder="Dr. Who")
    assert notes(broken, odd)[1:] == (
        "Not used: Condition/b, Condition.onsetDateTime does not follow FHIR R4.",
        "Used despite an error in it: Condition/o, Condition.recorder does not follow FHIR R4.",
    )


def test_what_one_reading_sets_aside_and_another_uses_is_used_in_part() -> None:
    record = chart(condition("alpha", id="b"))
    why = "Condition.onsetDateTime does not follow FHIR R4"
    record.quarantined["Condition/b"] = record.tolerated["Condition/b"] = why
    found = data_notes(policy(LEAF), record, Anchor(ANCHOR, "planned service date"), ())
    assert found[1:] == (f"Used only in part: Condition/b, {why}.",)


def test_a_record_whose_copies_differ_is_named() -> None:
    differing = notes(condition("alpha", id="b"), condition("beta", id="b"))
    assert differing[1:] == (
        "Not read completely: Condition.",
        "Sent with different content, and which is the latest is not known: Condition/b.",
        "Not used: Condition/b, Condition.code has another value in a copy of it, which may change its meaning.",
    )


def test_the_head_of_a_determination_names_text_order_and_day() -> None:
    found = judge(policy(LEAF))
    assert (found.full_name, found.edition, found.title, found.owner) == (
        "CP.TEST@2025-01",
        1,
        "Test fusion",
        "Test Plan",
    )
    assert (found.order, found.anchor_date, found.anchor_from) == (
        "ServiceRequest/order-1",
        ANCHOR,
        "planned service date",
    )


def test_a_determination_is_written_without_its_empty_members() -> None:
    found = judge(policy("I: {says: s, not_met_when: {condition: {in: alpha}}, ask: q}"), condition("alpha"))
    assert found.as_json() == {
        "policy": "CP.TEST",
        "revision": "2025-01",
        "edition": 1,
        "section": "I",
        "order": "ServiceRequest/order-1",
        "outcome": "criteria-not-met",
        "anchor_date": "2026-03-02",
        "criteria": [
            {
                "id": "I",
                "status": "not-met",
                "reason": "Present",
                "says": "s",
                "evidence": [{"reference": "Condition/alpha-1", "label": "Label of alpha", "date": "2025-01-01"}],
            }
        ],
        "requirements": {"documented": 0, "required": 1},
        "notes": ["Look-back periods end on 2026-03-02 (planned service date)."],
    }


def test_a_criterion_that_the_text_does_not_have_is_an_error() -> None:
    with pytest.raises(KeyError):
        judge(policy(LEAF)).criterion("II")


@pytest.mark.parametrize(
    ("outcome", "settled"),
    [(SUPPORTED, True), (FAILED, True), (REVIEW, True), (NEEDED, False), (NOT_EVALUATED, False)],
)
def test_what_is_open_or_unread_is_not_settled(outcome: Outcome, settled: bool) -> None:
    found = Determination("P", "2025-01", 1, "t", "o", outcome, ANCHOR, "today")
    assert found.is_settled is settled


def test_the_windows_are_measured_from_the_anchor_date() -> None:
    by = policy("I: {says: s, met_when: {imaging: {in: alpha, within: 6 months}}, ask: q}")
    study = report("alpha", "2025-09-02")
    assert [judge(by, study, anchor=day).criterion("I").status for day in (date(2026, 3, 2), date(2026, 3, 3))] == [
        MET,
        UNKNOWN,
    ]


# --- a code that did not stand on the day ----------------------------------------------------------------------------


@pytest.mark.parametrize(("ignore_code_dates", "outcome"), [(False, NOT_APPLICABLE), (True, SUPPORTED)])
def test_a_code_that_did_not_stand_on_the_day_selects_its_sections_only_where_the_day_is_waived(
    ignore_code_dates: bool, outcome: Outcome
) -> None:
    sets = dict(SETS) | {"the-order": ValueSet("the-order", [row(CPT, "10001", until=date(2025, 12, 31))])}
    found = judge(policy("I: {says: s, ask: q}", sets=sets), said({"I": "M"}), ignore_code_dates=ignore_code_dates)
    assert found.outcome is outcome
    assert f"The order's code was not valid on {found.anchor_date}." in found.notes


def test_the_day_is_not_waived_where_the_caller_does_not_say_so() -> None:
    sets = dict(SETS) | {"the-order": ValueSet("the-order", [row(CPT, "10001", until=date(2025, 12, 31))])}
    by = policy("I: {says: s, ask: q}", sets=sets)
    found = evaluate(by, order(), [], chart(said({"I": "M"})), Anchor(ANCHOR, "planned service date"))
    assert found.outcome is NOT_APPLICABLE


def test_where_the_day_is_waived_a_code_that_stands_on_it_comes_first() -> None:
    sets = dict(SETS) | {"the-order": ValueSet("the-order", [row(CPT, "10001", until=date(2025, 12, 31))])}
    by = policy(
        "I: {says: s, ask: q}\nII: {says: t, ask: q}",
        orders=f"{ENTRY}\n- {{codes: another-order, sections: [II]}}",
        sets=sets,
    )
    both = read_order(dict(draft()) | {"code": concept("10001", "10002", system=CPT)}, zone=ZONE, terms=TERMS)
    assert list(statuses(judge(by, of=both, ignore_code_dates=True))) == ["II"]


# --- orders that carry no code ---------------------------------------------------------------------------------------

BY_WORDS = policy(
    "I: {says: s, ask: q}",
    orders=f"{ENTRY}\n- {{codes: named, sections: [], ask: Which code}}",
    sets=dict(SETS) | {"named": ValueSet("named", [row("text", "test fusion", asks=True)])},
)


def named(words: str, *codes: str) -> Order:
    concept_of = {"text": words, "coding": [{"system": CPT, "code": code} for code in codes]}
    return read_order(dict(draft()) | {"code": concept_of}, zone=ZONE, terms=TERMS)


def test_an_order_that_is_found_by_its_words_is_asked_for_its_code() -> None:
    found = judge(BY_WORDS, of=named("Test fusion, left"))
    assert (found.outcome, found.order_label, found.criteria) == (NEEDED, "Test fusion, left", ())
    assert [(question.id, question.text) for question in found.questions] == [("code", "Which code")]


def test_an_order_that_carries_a_known_code_is_judged_by_it() -> None:
    found = judge(BY_WORDS, said({"I": "M"}), of=named("Test fusion, left", "10001"))
    assert found.outcome is SUPPORTED


def test_an_order_that_carries_a_code_of_another_time_is_not_asked_for_one() -> None:
    sets = {
        "the-order": ValueSet("the-order", [row(CPT, "10001", until=date(2025, 12, 31))]),
        "named": ValueSet("named", [row("text", "test fusion", asks=True)]),
    }
    by = policy(
        "I: {says: s, ask: q}",
        orders=f"{ENTRY}\n- {{codes: named, sections: [], ask: Which code}}",
        sets=dict(SETS) | sets,
    )
    assert judge(by, of=named("Test fusion, left", "10001")).outcome is NOT_APPLICABLE


def test_an_order_of_other_words_is_not_asked() -> None:
    assert judge(BY_WORDS, of=named("Another fusion")).outcome is NOT_APPLICABLE


# --- laws ------------------------------------------------------------------------------------------------------------

EVERYTHING = policy(
    """
    I:
      says: s
      all:
        - id: I.A
          says: a
          met_when: {imaging: {in: alpha, within: 6 months}}
          show: [{condition: {in: [gamma, delta]}}, {procedure: {in: gamma}}]
          ask: q
        - {id: I.B, says: b, not_met_when: {condition: {in: beta}}, ask: q, met_by: no}
        - {id: I.C, says: c, met_when: {pain_relief: {after: trial, relief: at least 50 %}}, ask: q}
        - {id: I.D, says: d, not_met_when: {condition: {in: [alpha, gamma], lasting: under 6 months}}, ask: q}
        - {id: I.E, says: e, needs: [I.B, I.D], on_date_of: trial}
        - {id: I.F, says: f, met_when: {procedure: {in: beta, lasting: at least 4 weeks}}, ask: q}
    """
)
RESOURCES = [
    condition("alpha", "2025-12-01", id="a1"),
    condition("alpha", "2025-06", id="a2"),
    condition("beta", "2025-11-05", "resolved", abatementDateTime="2025-11-20"),
    condition("gamma", None, id="g1"),
    condition("gamma-asks", "2020", id="g2"),
    condition("delta", "2024-01-01", "inactive"),
    report("alpha", "2026-01-01"),
    report("alpha", "2025-01-01", "preliminary"),
    procedure("trial", "2025-11-10T10:00:00Z", id="t1"),
    procedure("trial", "2025-12-10", id="t2"),
    score("8", "2025-11-10T09:00:00Z"),
    score("4", "2025-11-10T11:00:00Z"),
    score("3", "2025-11-10T12:00:00Z"),
    procedure("beta", "2025-10-01", id="p1"),
    procedure("beta", "2025-11-01", id="p2"),
    procedure("gamma", "2025-11-01", "stopped", id="p3"),
    answers({"I.A": "yes", "I.B": "no", "I.C": "no"}, "2026-02-01T10:00:00Z"),
    answers({"I.A": "no", "I.B": "unknown"}, "2026-02-02T10:00:00Z"),
]


def once_with(resources: list[Resource]) -> dict[str, object]:
    return judge(EVERYTHING, *resources).as_json()


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_the_order_of_the_resources_changes_nothing(data: st.DataObject) -> None:
    some = data.draw(st.lists(st.sampled_from(range(len(RESOURCES))), unique=True))
    shuffled = data.draw(st.permutations(some))
    assert once_with([RESOURCES[i] for i in some]) == once_with([RESOURCES[i] for i in shuffled])


def test_the_same_circumstances_give_the_same_determination() -> None:
    assert once_with(RESOURCES) == once_with(RESOURCES)


def test_a_determination_changes_nothing_in_what_it_was_given() -> None:
    resources = [dict(each) for each in RESOURCES]
    before = repr(resources)
    judge(EVERYTHING, *resources)
    assert repr(resources) == before


def tree(draw: st.DrawFn, name: str, depth: int, names: list[str]) -> str:
    if depth == 0 or draw(st.booleans()):
        names.append(name)
        return f"{{id: {name}, says: x, ask: q}}"
    children = [tree(draw, f"{name}.{i}", depth - 1, names) for i in range(draw(st.integers(1, 3)))]
    kind = draw(st.sampled_from(["all", "any", "of"]))
    many = f"at_least: {draw(st.integers(1, len(children)))}, " if kind == "of" else ""
    return f"{{id: {name}, says: x, {many}{kind}: [{', '.join(children)}]}}"


@st.composite
def trees(draw: st.DrawFn) -> tuple[Policy, list[str]]:
    names: list[str] = []
    children = ", ".join(tree(draw, f"I.{i}", 3, names) for i in range(draw(st.integers(1, 3))))
    return policy(f"I: {{says: s, {draw(st.sampled_from(['all', 'any']))}: [{children}]}}"), names


@settings(max_examples=80, deadline=None)
@given(trees(), st.data())
def test_more_knowledge_never_unsettles_what_is_settled(grown: tuple[Policy, list[str]], data: st.DataObject) -> None:
    by, names = grown
    everything = {name: data.draw(st.sampled_from("MN")) for name in names}
    some = {name: letter for name, letter in everything.items() if data.draw(st.booleans())}
    before, after = statuses(judge(by, said(some))), statuses(judge(by, said(everything)))
    assert all(status in (UNKNOWN, after[name]) for name, status in before.items())


@settings(max_examples=40, deadline=None)
@given(trees(), st.data())
def test_what_all_leaves_settle_is_settled(grown: tuple[Policy, list[str]], data: st.DataObject) -> None:
    by, names = grown
    found = judge(by, said({name: data.draw(st.sampled_from("MN")) for name in names}))
    assert UNKNOWN not in statuses(found).values()
    assert found.outcome in (SUPPORTED, FAILED)


def test_two_of_three_agree_with_a_table_of_all_combinations() -> None:
    by = group("at_least: 2\n  of:", "UUU")
    for letters in product("MNU", repeat=3):
        met, unknown = letters.count("M"), letters.count("U")
        expected = MET if met >= 2 else NOT_MET if met + unknown < 2 else UNKNOWN
        assert answered(by, "".join(letters)).criterion("I").status is expected, letters


def test_the_evaluator_reads_no_clock() -> None:
    """Two readings years apart differ only through the day the chart was read."""
    resource = draft()
    found = []
    for year in (2026, 2036):
        read_at = datetime(year, 3, 2, 20, 0, tzinfo=UTC)
        record: PatientRecord = chart(condition("alpha"), read_at=read_at)
        read = read_order(resource, zone=record.zone, terms=TERMS)
        found.append(evaluate(policy(LEAF), read, [], record, Anchor(ANCHOR, "planned service date")).as_json())
    assert found[0] == found[1]


def test_shuffled_orders_beside_it_change_nothing() -> None:
    by = policy("I: {says: s, met_when: {concurrent_order: {in: another-order}}, ask: q}")
    others = [order("10002", id="b"), order("10002", "2026-03-09", id="c"), order("10003", id="d")]
    random.Random(0).shuffle(others)
    assert judge(by, others=others).outcome is judge(by, others=others[::-1]).outcome is SUPPORTED


# --- what a determination rests on -----------------------------------------------------------------------------------

TWO_ENTRIES = """
- {codes: the-order, sections: [I]}
- {codes: another-order, sections: [I], never_if: {order: {approach: posterior}}}
"""


def test_a_determination_names_the_codes_by_which_the_order_is_judged() -> None:
    by = policy("I: {says: s, ask: Is it so}", orders=TWO_ENTRIES)
    codes = {"coding": [{"system": CPT, "code": code} for code in ("99999", "10002", "10001")]}
    both = judge(by, of=read_order({**draft(), "code": codes}, zone=ZONE, terms=TERMS))
    assert [each.code for each in both.codes] == ["10002", "10001"]
    posterior = judge(
        by,
        of=read_order({**draft(orderDetail=[{"text": "Posterior approach"}]), "code": codes}, zone=ZONE, terms=TERMS),
    )
    assert [each.code for each in posterior.codes] == ["10001"]
    assert judge(by, of=order("99999")).codes == ()


def test_a_determination_has_what_the_head_of_its_policy_says_of_prior_authorization() -> None:
    sets = ValueSets(SETS, TERMS)
    silent = judge(policy("I: {says: s, ask: Is it so}"))
    for word, said in (("required", PriorAuthorization.REQUIRED), ("not-required", PriorAuthorization.NOT_REQUIRED)):
        head = f"{HEAD}prior_authorization: {word}\n"
        by = parse_policy(text("I: {says: s, ask: Is it so}", head=head), "test.yaml", sets)
        assert judge(by).prior_authorization is said
        assert judge(by).as_json() == silent.as_json()
    assert silent.prior_authorization is None
