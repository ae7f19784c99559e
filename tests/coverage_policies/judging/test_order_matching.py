"""Whether a text speaks about an order: its codes, what it states, an answer, or its words."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import pytest

from coverage_policies.format.model import APPLIES
from coverage_policies.format.value_sets import TEXT, ValueSet
from coverage_policies.judging.order_matching import OrderMatch, match_order
from fhir_mappings.answers import Answer
from fhir_mappings.codings import CPT
from fhir_mappings.orders import Order, read_order
from fhir_mappings.record import Evidence
from tests.support.policy_fakes import ANCHOR, SETS, ZONE, concept, draft, order, policy, row
from tests.support.terms import TERMS

SECTIONS = "I: {says: s, ask: q}\nII: {says: t, ask: r}"
TRIAL = {"orderDetail": [{"text": "Intrathecal opioid trial"}]}
OBSTETRIC = {"orderDetail": [{"text": "Obstetric"}]}
OBSTETRIC_REASON = {"reasonCode": [{"text": "Labor"}]}
UNCLEAR = {"orderDetail": [{"text": "Intrathecal trial if needed"}]}


def said(word: str) -> Mapping[str, Answer]:
    return {"applies": Answer(word, Evidence("QuestionnaireResponse/1", "Answer"))}


def coded(code: dict[str, Any]) -> Order:
    """An order with this concept as its code."""
    return read_order(draft() | {"code": code}, zone=ZONE, terms=TERMS)


def speaks(
    orders: str,
    of: Order | None = None,
    answers: Mapping[str, Answer] | None = None,
    sets: Mapping[str, ValueSet] = SETS,
    on: date = ANCHOR,
    others: Sequence[Order] = (),
    **more: Any,
) -> OrderMatch:
    by = policy(SECTIONS, orders=orders, sets=sets)
    return match_order(by, of or order(), others, on, **more).with_answer((answers or {}).get(APPLIES))


def sections(found: OrderMatch) -> list[list[str]]:
    return [list(entry.sections) for entry in found.judging]


# --- codes -----------------------------------------------------------------------------------------------------------


def test_an_order_is_judged_by_the_sections_of_its_code() -> None:
    found = speaks("- {codes: the-order, sections: [I]}\n- {codes: another-order, sections: [II]}")
    assert (sections(found), found.is_certain) == ([["I"]], True)


def test_an_order_of_several_codes_is_judged_by_the_sections_of_each() -> None:
    both = coded(concept("10001", "10002", system=CPT))
    found = speaks("- {codes: the-order, sections: [I]}\n- {codes: another-order, sections: [II]}", both)
    assert sections(found) == [["I"], ["II"]]


def test_one_of_several_codings_is_enough() -> None:
    two = {"coding": [{"system": "urn:local", "code": "X"}, {"system": CPT, "code": "10001"}]}
    assert sections(speaks("- {codes: the-order, sections: [I]}", coded(two))) == [["I"]]


@pytest.mark.parametrize("code", ["10003", "1000", "100010"])
def test_an_order_of_another_code_is_passed_over_in_silence(code: str) -> None:
    assert speaks("- {codes: the-order, sections: [I]}", order(code)).no_match


def test_the_same_code_in_another_system_is_another_code() -> None:
    other = coded(concept("10001", system="urn:local"))
    assert speaks("- {codes: the-order, sections: [I]}", other).no_match


def test_a_code_that_is_known_and_judged_by_nothing_is_passed_over_in_silence() -> None:
    assert speaks("- {codes: the-order, sections: []}").no_match


@pytest.mark.parametrize(
    ("day", "silent"),
    [
        (date(2022, 12, 31), True),
        (date(2023, 1, 1), False),
        (date(2023, 12, 31), False),
        (date(2024, 1, 1), True),
    ],
)
def test_a_code_counts_on_the_days_on_which_it_stands(day: date, silent: bool) -> None:
    in_2023 = {
        "the-order": ValueSet("the-order", [row(CPT, "10001", since=date(2023, 1, 1), until=date(2023, 12, 31))])
    }
    entry = "- {codes: the-order, sections: [I]}"
    assert speaks(entry, sets=dict(SETS) | in_2023, on=day).no_match is silent
    assert not speaks(entry, sets=dict(SETS) | in_2023, on=day, ignore_code_dates=True).no_match


# --- what the order states -------------------------------------------------------------------------------------------

ONLY_TRIALS = "- {codes: the-order, sections: [I], only_if: {order: {purpose: pump-trial}}, ask: Is it a trial?}"
NO_OBSTETRICS = "- {codes: the-order, sections: [I], unless: {order: {purpose: obstetric}}}"
SIGNS = """
- codes: the-order
  sections: [I]
  only_if: {order: {purpose: pump-trial}}
  ask_if: [{order: {reason: alpha}}, {concurrent_order: {in: another-order, day: any}}]
  unless: {order: {purpose: obstetric}}
  never_if: {order: {reason: beta}}
  ask: Is it a trial?
"""
BOTH = """
- codes: the-order
  sections: [I]
  only_if: {order: {purpose: [pump-trial, obstetric]}}
  unless: {order: {reason: alpha}}
  ask: Is it a trial?
"""


def test_what_is_wanted_and_stated_is_judged() -> None:
    found = speaks(ONLY_TRIALS, order(**TRIAL))
    assert (sections(found), found.is_certain) == ([["I"]], True)


def test_what_is_wanted_and_stated_otherwise_is_passed_over() -> None:
    assert speaks(ONLY_TRIALS, order(**OBSTETRIC)).no_match


@pytest.mark.parametrize("detail", [UNCLEAR, TRIAL | OBSTETRIC_REASON])
def test_what_is_wanted_and_not_clear_is_asked(detail: dict[str, Any]) -> None:
    found = speaks(ONLY_TRIALS, order(**detail))
    assert ([entry.ask for entry in found.judging], found.is_certain) == (["Is it a trial?"], False)


def test_silence_is_not_asked_about() -> None:
    assert speaks(ONLY_TRIALS, order()).no_match


def test_a_reason_that_nobody_understands_is_no_sign() -> None:
    wanted = "- {codes: the-order, sections: [I], only_if: {order: {reason: alpha}}, ask: Is it alpha?}"
    assert speaks(wanted, order(reasonCode=[{"text": "Spots"}])).no_match
    assert not speaks(wanted, order(reasonCode=[concept("alpha-asks")])).no_match


def test_what_is_not_clear_is_passed_over_where_there_is_no_question() -> None:
    assert speaks(ONLY_TRIALS.replace(", ask: Is it a trial?", ""), order(**UNCLEAR)).no_match


def test_a_sign_is_asked_about() -> None:
    found = speaks(SIGNS, order(reasonCode=[concept("alpha")]))
    assert (sections(found), found.is_certain) == ([["I"]], False)


@pytest.mark.parametrize("planned", ["2026-03-02", "2027-03-02", None])
def test_another_order_of_the_session_is_a_sign(planned: str | None) -> None:
    assert not speaks(SIGNS, others=[order("10002", planned, id="other")]).no_match
    assert speaks(SIGNS, others=[order("10003", planned, id="other")]).no_match


def test_what_is_left_out_outweighs_a_sign() -> None:
    assert speaks(SIGNS, order(reasonCode=[concept("alpha")], **OBSTETRIC)).no_match


def test_a_sign_of_what_is_certain_asks_nothing() -> None:
    assert speaks(SIGNS, order(reasonCode=[concept("alpha")], **TRIAL)).is_certain


def test_what_never_counts_is_passed_over_whatever_else_is_stated() -> None:
    never = order(reasonCode=[concept("beta")], **TRIAL)
    assert speaks(SIGNS, never).no_match


def test_an_order_that_contradicts_itself_on_what_is_left_out_is_asked() -> None:
    both = order(orderDetail=[*TRIAL["orderDetail"], {"text": "Obstetric"}])
    left_out = NO_OBSTETRICS.replace("}}}", "}}, ask: Is it meant?}")
    assert ([entry.ask for entry in speaks(left_out, both).judging]) == ["Is it meant?"]
    assert speaks(NO_OBSTETRICS, both).no_match


def test_an_entry_may_be_about_several_sets() -> None:
    assert sections(speaks("- {codes: [another-order, the-order], sections: [I]}")) == [["I"]]


def test_one_wanted_clause_that_holds_is_enough() -> None:
    either = "- {codes: the-order, sections: [I], only_if: [{order: {purpose: pump-trial}}, {order: {drug: drug}}]}"
    assert not speaks(either, order(**TRIAL)).no_match


def test_what_is_left_out_and_stated_is_passed_over() -> None:
    assert speaks(NO_OBSTETRICS, order(**OBSTETRIC)).no_match


@pytest.mark.parametrize("detail", [{}, TRIAL])
def test_what_is_left_out_and_not_stated_is_judged(detail: dict[str, Any]) -> None:
    found = speaks(NO_OBSTETRICS, order(**detail))
    assert (sections(found), found.is_certain) == ([["I"]], True)


def test_what_is_wanted_and_left_out_at_once_is_asked() -> None:
    found = speaks(BOTH, order(**TRIAL, reasonCode=[concept("alpha")]))
    assert (sections(found), found.is_certain) == ([["I"]], False)


def test_what_is_left_out_is_not_asked_because_the_rest_is_not_told() -> None:
    assert speaks(BOTH, order(reasonCode=[concept("alpha")])).no_match


def test_an_entry_that_judges_for_certain_comes_before_one_that_asks() -> None:
    two_codes = coded(concept("10001", "10002", system=CPT))
    found = speaks(f"{ONLY_TRIALS}\n- {{codes: another-order, sections: [II]}}", two_codes)
    assert (sections(found), found.is_certain) == ([["II"]], True)


# --- answers ---------------------------------------------------------------------------------------------------------


def test_an_answer_of_yes_makes_it_judged() -> None:
    found = speaks(ONLY_TRIALS, answers=said("yes"))
    assert (sections(found), found.is_certain) == ([["I"]], True)


def test_an_answer_of_no_makes_it_passed_over() -> None:
    assert speaks(ONLY_TRIALS, order(**TRIAL), said("no")).no_match


def test_any_other_answer_changes_nothing() -> None:
    found = speaks(ONLY_TRIALS, order(**UNCLEAR), answers=said("unknown"))
    assert (sections(found), found.is_certain) == ([["I"]], False)


# --- words -----------------------------------------------------------------------------------------------------------

NAMED = dict(SETS) | {"named": ValueSet("named", [row(TEXT, "test fusion*", asks=True)])}
BY_WORDS = "- {codes: the-order, sections: [I]}\n- {codes: named, sections: [], ask: Which code?}"


def in_words(text: str) -> Order:
    return coded({"text": text})


def asked(of: Order, **more: Any) -> str:
    found = speaks(BY_WORDS, of, sets=NAMED, **more)
    return found.asking_for_code.ask if found.asking_for_code else ""


@pytest.mark.parametrize("text", ["Test fusion", "TEST FUSION, left", "Minimally invasive test fusions"])
def test_an_order_that_names_it_in_words_alone_is_asked_for_its_code(text: str) -> None:
    assert asked(in_words(text)) == "Which code?"


@pytest.mark.parametrize("text", ["Fusion", "Contest fusion", "Testfusion", ""])
def test_other_words_ask_nothing(text: str) -> None:
    assert asked(in_words(text)) == ""


@pytest.mark.parametrize(
    "text",
    [
        "Referral for test fusion",
        "Test fusion consultation",
        "Evaluation for test fusion",
        "Follow-up after test fusion",
        "Office visit, test fusion",
        "X-ray, status of test fusion",
        "MRI test fusion",
        "CT test fusion",
        "Physical therapy, test fusion",
        "Test fusion or conservative care",
        "No test fusion",
        "Possible test fusion",
        "History of test fusion",
        "Test fusion?",
    ],
)
def test_a_referral_a_visit_a_picture_or_a_thought_about_it_is_left_alone(text: str) -> None:
    assert asked(in_words(text)) == ""


def test_an_order_in_words_that_is_left_out_is_not_asked_for_its_code() -> None:
    entry = BY_WORDS.replace("sections: [], ask", "sections: [], never_if: {order: {side: left}}, ask")
    assert speaks(entry, in_words("Test fusion, left"), sets=NAMED).no_match
    assert not speaks(entry, in_words("Test fusion, right"), sets=NAMED).no_match


def test_a_display_of_an_unknown_code_names_it_as_well() -> None:
    local = {"coding": [{"system": "urn:local", "code": "X1", "display": "Test fusion"}]}
    assert asked(coded(local)) == "Which code?"


def test_an_order_that_carries_its_code_is_judged_and_not_asked_for_it() -> None:
    found = speaks(BY_WORDS, coded({"text": "Test fusion"} | concept("10001", system=CPT)), sets=NAMED)
    assert (sections(found), found.asking_for_code) == ([["I"]], None)


def test_an_order_whose_code_is_known_and_judged_by_nothing_is_not_asked_for_another() -> None:
    passed = BY_WORDS.replace("sections: [I]", "sections: []", 1)
    found = speaks(passed, coded({"text": "Test fusion"} | concept("10001", system=CPT)), sets=NAMED)
    assert found.no_match


def test_an_order_whose_code_did_not_stand_on_the_day_is_not_asked_for_another() -> None:
    later = dict(NAMED) | {"the-order": ValueSet("the-order", [row(CPT, "10001", since=date(2027, 1, 1))])}
    of = coded({"text": "Test fusion"} | concept("10001", system=CPT))
    assert speaks(BY_WORDS, of, sets=later).no_match
