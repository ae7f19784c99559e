"""The next screen of a session: what is asked, what is gone, and where it stands."""

from collections.abc import Mapping
from typing import Any

import pytest

from coverage_policies.format.model import Policy
from coverage_policies.format.terms import Outcome, Status
from coverage_policies.format.value_sets import TEXT, ValueSet
from coverage_policies.judging.next_screen import Screen, next_screen
from fhir_mappings.fhir_json import Resource
from fhir_mappings.orders import Anchor, Order, read_order
from tests.support.policy_fakes import (
    ANCHOR,
    SETS,
    UNAVAILABLE,
    ZONE,
    answers,
    available,
    chart,
    condition,
    draft,
    judge,
    order,
    policy,
    procedure,
    row,
)
from tests.support.terms import TERMS

ALTERNATIVES = """
I:
  says: s
  all:
    - id: I.A
      says: a
      any:
        - {id: I.A.1, says: Short, ask: q}
        - id: I.A.2
          says: Long
          all: [{id: I.A.2.a, says: x, ask: q}, {id: I.A.2.b, says: y, ask: q}]
    - {id: I.B, says: b, ask: q, met_by: no}
    - id: I.C
      says: c
      at_least: 2
      of: [{id: I.C.1, says: x, ask: q}, {id: I.C.2, says: y, ask: q}, {id: I.C.3, says: z, ask: q}]
"""
TWO_SECTIONS = """
I: {says: s, all: [{id: I.A, says: a, ask: q}, {id: I.B, says: b, ask: q}]}
II: {says: t, all: [{id: II.A, says: c, ask: q}]}
"""
BOTH = "- {codes: the-order, sections: [I, II]}"


def screen(by: Policy, said: Mapping[str, str], *resources: Resource, of: Order | None = None, **more: Any) -> Screen:
    record = chart(*resources, availability=more.get("availability"))
    return next_screen(by, of or order(), [], record, Anchor(ANCHOR, "planned service date"), said)


def shown(found: Screen) -> tuple[str, list[str]] | None:
    """The question of a screen, and its parts."""
    return (found.question.id, [part.id for part in found.question.parts]) if found.question else None


def test_the_first_screen_is_the_first_question_of_the_determination() -> None:
    found = screen(policy(ALTERNATIVES), {})
    assert shown(found) == ("I.B", []) == (found.determination.questions[0].id, [])
    assert (found.outcome, found.is_settled) == (Outcome.DOCUMENTATION_NEEDED, False)


def test_the_parts_of_one_item_are_one_screen() -> None:
    assert shown(screen(policy(ALTERNATIVES), {"I.B": "no"})) == ("I.C", ["I.C.1", "I.C.2", "I.C.3"])


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ({}, (3, 4)),  # I.B, I.C, and one of two alternatives
        ({"I.A.1": "yes"}, (2, 2)),
        ({"I.A.1": "no"}, (3, 3)),
        ({"I.A.1": ""}, (3, 3)),
        ({"I.A.1": "yes", "I.B": "no", "I.C.1": "yes"}, (1, 1)),
        ({"I.A.1": "yes", "I.B": "no", "I.C": "yes"}, (0, 0)),
    ],
)
def test_the_screens_that_are_left_are_counted(said: dict[str, str], left: tuple[int, int]) -> None:
    assert screen(policy(ALTERNATIVES), said).items_left == left


def test_an_alternative_of_what_is_met_is_gone() -> None:
    found = screen(policy(ALTERNATIVES), {"I.A.1": "yes", "I.B": "no", "I.C.1": "yes", "I.C.2": "yes"})
    assert (shown(found), found.outcome, found.is_settled) == (None, Outcome.SUPPORTED, True)


def test_what_is_not_known_is_not_asked_again_and_stays_open() -> None:
    found = screen(policy(ALTERNATIVES), {"I.A.1": "yes", "I.B": "", "I.C": ""})
    assert (shown(found), found.outcome, found.is_settled) == (None, Outcome.DOCUMENTATION_NEEDED, False)
    assert [each.id for each in found.determination.questions] == ["I.B", "I.C"]
    assert found.without_effect == ()


def test_after_a_decisive_no_the_rest_is_offered_as_no_longer_deciding() -> None:
    found = screen(policy(ALTERNATIVES), {"I.B": "yes"})
    assert (found.outcome, found.is_settled) == (Outcome.CRITERIA_NOT_MET, True)
    assert (shown(found), found.items_left) == (("I.C", ["I.C.1", "I.C.2", "I.C.3"]), (2, 3))


def test_after_a_decisive_no_what_cannot_be_met_any_more_is_not_offered() -> None:
    found = screen(policy(ALTERNATIVES), {"I.A.1": "yes", "I.B": "no", "I.C.1": "no", "I.C.2": "no"})
    assert (shown(found), found.outcome) == (None, Outcome.CRITERIA_NOT_MET)


def test_after_a_no_to_a_whole_group_its_parts_are_not_offered() -> None:
    found = screen(policy(ALTERNATIVES), {"I.A": "no", "I.B": "no"})
    assert (found.is_settled, shown(found), found.items_left) == (True, ("I.C", ["I.C.1", "I.C.2", "I.C.3"]), (1, 1))


def test_what_the_chart_rules_out_is_settled_from_the_start_and_the_rest_offered() -> None:
    by = policy(
        "I: {says: s, all: ["
        "{id: I.A, says: a, not_met_when: {condition: {in: alpha}}, ask: q}, {id: I.B, says: b, ask: q}]}"
    )
    found = screen(by, {}, condition("alpha"))
    assert (found.is_settled, shown(found), found.determination.questions) == (True, ("I.B", []), ())


def test_a_section_that_fails_settles_all_of_them() -> None:
    found = screen(policy(TWO_SECTIONS, orders=BOTH), {"II.A": "no"})
    assert (found.is_settled, shown(found), found.items_left) == (True, ("I.A", []), (2, 2))


def test_a_section_that_is_met_leaves_the_other() -> None:
    found = screen(policy(TWO_SECTIONS, orders=BOTH), {"I.A": "yes", "I.B": "yes"})
    assert (found.is_settled, shown(found), found.items_left) == (False, ("II.A", []), (1, 1))


CONFLICT = """
I:
  says: s
  all:
    - {id: I.A, says: a, met_when: {condition: {in: beta}}, not_met_when: {condition: {in: beta}}, ask: q}
    - {id: I.B, says: b, ask: q}
"""


def test_data_that_contradict_each_other_are_not_asked_about_and_named() -> None:
    found = screen(policy(CONFLICT), {}, condition("beta"))
    assert (shown(found), [each.id for each in found.without_effect]) == (("I.B", []), ["I.A"])
    last = screen(policy(CONFLICT), {"I.B": "yes"}, condition("beta"))
    assert (shown(last), last.outcome, last.is_settled) == (None, Outcome.DOCUMENTATION_NEEDED, False)


def test_an_answer_that_the_chart_contradicts_is_not_asked_again() -> None:
    by = policy("I: {says: s, all: [{id: I.A, says: a, met_when: {condition: {in: beta}}, ask: q}]}")
    found = screen(by, {"I.A": "no"}, condition("beta"))
    assert (shown(found), found.outcome) == (None, Outcome.DOCUMENTATION_NEEDED)


def test_what_may_only_fail_because_data_were_not_read_is_asked() -> None:
    by = policy("I: {says: s, all: [{id: I.A, says: a, not_met_when: {condition: {in: beta}}, ask: q}]}")
    unread = {"availability": available(Condition=UNAVAILABLE)}
    assert shown(screen(by, {}, **unread)) == ("I.A", [])
    assert screen(by, {"I.A": "no"}, **unread).outcome is Outcome.CRITERIA_NOT_MET
    assert shown(screen(by, {"I.A": "yes"}, **unread)) is None


REVIEWED = """
I:
  says: s
  any:
    - {id: I.A, says: a, ask: q, if_met: case-review}
    - {id: I.B, says: b, ask: q, if_met: case-review}
    - {id: I.C, says: c, ask: q}
"""


def test_a_second_alternative_for_review_is_moot_after_the_first() -> None:
    found = screen(policy(REVIEWED), {"I.A": "yes"})
    assert (found.outcome, shown(found), found.is_settled) == (Outcome.CASE_REVIEW, ("I.C", []), False)
    assert [each.id for each in found.without_effect] == ["I.B"]
    last = screen(policy(REVIEWED), {"I.A": "yes", "I.C": "no"})
    assert (last.outcome, shown(last), last.is_settled) == (Outcome.CASE_REVIEW, None, True)


def test_what_fails_for_review_only_leaves_the_other_section_open() -> None:
    by = policy(
        "I: {says: s, if_not_met: case-review, all: [{id: I.A, says: a, ask: q}, {id: I.B, says: b, ask: q}]}\n"
        "II: {says: t, all: [{id: II.A, says: c, ask: q}]}",
        orders=BOTH,
    )
    found = screen(by, {"I.A": "no"})
    assert (found.is_settled, shown(found), found.items_left[1]) == (False, ("II.A", []), 1)
    assert screen(by, {"I.A": "no", "II.A": "yes"}).outcome is Outcome.CASE_REVIEW


def test_what_only_spares_a_review_is_moot_if_another_section_is_reviewed_anyway() -> None:
    by = policy(
        "I: {says: s, all: [{id: I.A, says: a, ask: q, if_met: case-review}]}\n"
        "II: {says: t, any: [{id: II.A, says: b, ask: q, if_met: case-review}, {id: II.B, says: c, ask: q}]}",
        orders=BOTH,
    )
    assert shown(screen(by, {"II.A": "yes"})) == ("I.A", [])
    found = screen(by, {"I.A": "yes", "II.A": "yes"})
    assert (found.outcome, shown(found), found.is_settled) == (Outcome.CASE_REVIEW, None, True)


PATHWAYS = """
ask: Is it cancer pain?
choices:
  cancer: {says: Cancer pain}
  other: {says: Other pain}
"""
BY_PATHWAY = """
I:
  says: s
  any:
    - {id: I.A, says: a, for: cancer, ask: q}
    - {id: I.B, says: b, for: other, all: [{id: I.B.1, says: x, ask: q}, {id: I.B.2, says: y, ask: q}]}
"""


def test_the_pathway_is_asked_first_and_its_answer_leaves_only_its_own_questions() -> None:
    by = policy(BY_PATHWAY, pathway=PATHWAYS)
    assert (shown(screen(by, {})), screen(by, {}).items_left) == (("pathway", []), (2, 4))
    found = screen(by, {"pathway": "cancer"})
    assert (shown(found), found.items_left) == (("I.A", []), (1, 1))


def test_a_pathway_that_is_not_known_leaves_the_questions_of_all() -> None:
    found = screen(policy(BY_PATHWAY, pathway=PATHWAYS), {"pathway": ""})
    assert (shown(found), found.items_left) == (("I.A", []), (1, 3))


def test_an_order_that_the_policy_does_not_concern_has_no_screen() -> None:
    found = screen(policy(ALTERNATIVES), {}, of=order("99999"))
    assert (shown(found), found.outcome, found.is_settled) == (None, Outcome.NOT_APPLICABLE, True)


def test_an_order_without_a_code_has_no_screen_since_no_answer_gives_it_one() -> None:
    words = ValueSet("by-words", [row(TEXT, "test fusion", asks=True)])
    by = policy(
        ALTERNATIVES,
        orders="- {codes: the-order, sections: [I]}\n- {codes: by-words, sections: [], ask: Which code is it?}",
        sets=SETS | {"by-words": words},
    )
    unnamed = draft() | {"code": {"text": "Test fusion"}}
    found = screen(by, {}, of=read_order(unnamed, zone=ZONE, terms=TERMS))
    assert (shown(found), found.outcome, found.is_settled) == (None, Outcome.DOCUMENTATION_NEEDED, False)
    assert [each.id for each in found.without_effect] == ["code"]


@pytest.mark.parametrize(
    "said",
    [
        {"I.A.1": "yes"},
        {"I.A": "yes", "I.B": "no"},
        {"I.B": "yes"},
        {"I.B": ""},
        {"I.C": "no", "I.C.1": "yes", "I.C.2": "yes"},
        {"unknown": "yes"},
    ],
)
def test_the_answers_of_a_session_count_as_a_completed_response_does(said: dict[str, str]) -> None:
    words = {link: value or "unknown" for link, value in said.items()}
    filed = judge(policy(ALTERNATIVES), answers(words, authored="2026-03-02T20:00:00Z"))
    ours = screen(policy(ALTERNATIVES), said).determination
    assert [(each.id, each.status, each.counted, each.reason) for each in ours.criteria] == [
        (each.id, each.status, each.counted, each.reason) for each in filed.criteria
    ]
    assert [each.id for each in ours.questions] == [each.id for each in filed.questions]
    assert (ours.outcome, ours.items_left) == (filed.outcome, filed.items_left)


def test_an_answer_of_the_session_replaces_one_on_file_and_not_known_withdraws_it() -> None:
    by, on_file = policy(ALTERNATIVES), answers({"I.B": "yes"}, authored="2026-03-01")
    assert screen(by, {}, on_file).determination.criterion("I.B").status is Status.NOT_MET
    assert screen(by, {"I.B": "no"}, on_file).determination.criterion("I.B").status is Status.MET
    assert screen(by, {"I.B": ""}, on_file).determination.criterion("I.B").status is Status.UNKNOWN


def test_an_order_without_an_id_can_be_asked_about() -> None:
    unnamed = order(id=None)
    assert "id" not in unnamed.resource
    assert screen(policy(ALTERNATIVES), {"I.B": "no"}, of=unnamed).determination.criterion("I.B").status is Status.MET


SIDED = """
I:
  says: s
  all:
    - id: I.A
      says: a
      met_when: {procedure: {in: trial, side: same}}
      ask: q
    - {id: I.B, says: b, ask: q}
"""


def test_the_side_is_asked_first_and_only_while_it_helps() -> None:
    left = {"coding": [{"system": "http://snomed.info/sct", "code": "7771000"}]}
    right = {"coding": [{"system": "http://snomed.info/sct", "code": "24028007"}]}
    done = [procedure("trial", "2026-02-01", bodySite=[left]), procedure("trial", "2026-02-02", bodySite=[right])]
    by = policy(SIDED)
    assert shown(screen(by, {}, *done)) == ("side", [])
    assert shown(screen(by, {"side": "left"}, *done)) == ("I.B", [])
    assert shown(screen(by, {"side": ""}, *done)) == ("I.A", [])
    assert shown(screen(by, {"I.A": "yes"}, *done)) == ("I.B", [])


PATHWAY = """
ask: Which
choices:
  one: {says: One, exclude_when: {condition: {in: beta}}}
  two: {says: Two}
"""
LEFT = "{id: I.A, says: a, for: one, all: [{id: I.A.1, says: x, ask: q}, {id: I.A.2, says: y, ask: q}]}"
OTHER = "{id: I.B, says: b, for: two, ask: q}"


@pytest.mark.parametrize(
    "section",
    [
        f"I: {{says: s, any: [{LEFT}, {OTHER}]}}",
        f"I: {{says: s, any: [{{id: I.N, says: n, any: [{LEFT}, {OTHER}]}}]}}",
        f"I: {{says: s, at_least: 2, of: [{LEFT}, {OTHER}, {{id: I.C, says: c, ask: q}}]}}",
        f"I: {{says: s, any: [{LEFT}, {{id: I.D, says: d, role: advisory, ask: q}}]}}",
    ],
)
def test_after_a_decisive_no_the_rest_of_all_that_is_left_is_offered(section: str) -> None:
    by = policy(section, pathway=PATHWAY)
    found = screen(by, {"pathway": "one", "I.A.1": "no", "I.C": "yes"})
    assert (found.outcome, found.is_settled) == (Outcome.CRITERIA_NOT_MET, True)
    assert shown(found) == ("I.A.2", [])


def test_after_a_decisive_no_nothing_of_alternatives_that_all_failed_is_offered() -> None:
    by = policy(f"I: {{says: s, any: [{LEFT.replace('for: one, ', '')}, {{id: I.B, says: b, ask: q}}]}}")
    found = screen(by, {"I.A.1": "no", "I.B": "no"})
    assert (found.outcome, shown(found)) == (Outcome.CRITERIA_NOT_MET, None)
