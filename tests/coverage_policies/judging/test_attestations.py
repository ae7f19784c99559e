"""Which answers count for an order: by policy, edition, order, site, pathway, and age."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from coverage_policies.format.editions import Edition
from coverage_policies.format.model import Policy
from coverage_policies.format.questions import question_hashes
from coverage_policies.format.terms import Reason, Status
from coverage_policies.judging.determination import CriterionResult
from fhir_mappings.fhir_json import Resource
from fhir_mappings.orders import ORDER_KEYS
from tests.support.policy_fakes import MET, SETS, UNKNOWN, answers, condition, judge, order, policy

QUESTIONS = """
I:
  says: Test fusion
  all:
    - {id: I.O, says: The approach is right, about: order, ask: Is the approach right?}
    - {id: I.S, says: The joint is tender, about: site, ask: Is the joint tender?}
    - {id: I.P, says: The patient is ready, ask: Is the patient ready?}
"""
OURS = "https://plan.example/fhir/Questionnaire/CP.TEST|2025-01"
LEFT, RIGHT = ({"coding": [{"system": "http://snomed.info/sct", "code": code}]} for code in ("7771000", "24028007"))
ANOTHER = [{"reference": "ServiceRequest/other"}]
ALL = {"I.O": "yes", "I.S": "yes", "I.P": "yes"}


def settled(*given: Resource, **more: Any) -> list[str]:
    """The questions that the answers settle."""
    found = judge(policy(QUESTIONS), *given, **more)
    return [name for name in ALL if found.criterion(name).status is MET]


def result(name: str, *given: Resource, **more: Any) -> CriterionResult:
    return judge(policy(QUESTIONS), *given, **more).criterion(name)


def form(said: Mapping[str, str] = ALL, questionnaire: str | None = OURS, **more: Any) -> Resource:
    return answers(said, questionnaire=questionnaire, **more)


@pytest.mark.parametrize("questionnaire", [OURS, f"{OURS}.1", None])
def test_every_answer_about_this_very_order_counts(questionnaire: str | None) -> None:
    assert settled(form(questionnaire=questionnaire)) == ["I.O", "I.S", "I.P"]


def test_without_a_questionnaire_an_answer_about_no_order_does_not_count() -> None:
    assert settled(form(questionnaire=None, basedOn=None)) == []


def test_without_a_questionnaire_an_answer_about_another_order_does_not_count() -> None:
    assert settled(form(questionnaire=None, basedOn=ANOTHER)) == []


@pytest.mark.parametrize(
    "questionnaire",
    [
        "https://plan.example/fhir/Questionnaire/CP.OTHER|2025-01",
        "https://plan.example/fhir/Questionnaire/CP.TEST|2022-06",
        "https://plan.example/fhir/Questionnaire/CP.TEST",
        "https://plan.example/fhir/Questionnaire/CP.TEST2|2025-01",
        "https://plan.example/fhir/Questionnaire/CP.TEST-2022-06",
        "CP.TEST|",
        "pets-at-home",
    ],
)
def test_an_answer_to_another_questionnaire_never_counts(questionnaire: str) -> None:
    assert settled(form(questionnaire=questionnaire)) == []


@pytest.mark.parametrize(
    "questionnaire",
    [
        "CP.TEST|2025-01",
        "http://localhost/other/base/CP.TEST|2025-01.1",
        "https://plan.example/fhir/Questionnaire/CP.TEST/|2025-01",
        "https://plan.example/fhir/Questionnaire/CP.TEST-2025-01.1",
    ],
)
def test_the_questionnaire_is_known_by_its_last_segment_and_version(questionnaire: str) -> None:
    assert settled(form(questionnaire=questionnaire)) == ["I.O", "I.S", "I.P"]


def test_an_answer_to_an_edition_that_the_lock_lacks_is_shown_and_does_not_decide() -> None:
    found = result("I.P", form(questionnaire=f"{OURS}.2"))
    assert (found.status, [item.reference for item in found.evidence]) == (
        UNKNOWN,
        ["QuestionnaireResponse/qr-2026-03-02T100000Z"],
    )


# --- editions --------------------------------------------------------------------------------------------------------

FIRST, SECOND = date(2026, 1, 10), date(2026, 2, 10)


def in_second_edition(*, released: date | None = SECOND) -> Policy:
    """The second edition, which asks about the patient in other words, and the lock with both."""
    first = policy(QUESTIONS)
    second = policy(QUESTIONS.replace("Is the patient ready?", "Is the patient fit?"))
    editions = (
        Edition(1, "content of the first", question_hashes(first), FIRST),
        Edition(2, "content of the second", question_hashes(second), released),
    )
    return replace(second, edition=2, editions=editions)


def settled_in_second(canonical: str, authored: str = "2026-02-20T10:00:00Z", **more: Any) -> list[str]:
    found = judge(in_second_edition(**more), form(questionnaire=canonical, authored=authored))
    return [name for name in ALL if found.criterion(name).status is MET]


def test_an_answer_to_an_earlier_edition_counts_where_the_question_is_unchanged() -> None:
    assert settled_in_second(f"{OURS}.1") == ["I.O", "I.S"]
    assert settled_in_second(f"{OURS}.2") == ["I.O", "I.S", "I.P"]


def test_an_answer_to_a_question_that_changed_is_shown() -> None:
    found = judge(in_second_edition(), form(questionnaire=f"{OURS}.1")).criterion("I.P")
    assert (found.status, [item.value for item in found.evidence]) == (
        UNKNOWN,
        ["yes, but maybe for another site or wording"],
    )


@pytest.mark.parametrize("edition", ["3", "01", "two", "9" * 5000, "²"])
def test_an_answer_to_an_edition_that_never_was_counts_nowhere(edition: str) -> None:
    assert settled_in_second(f"{OURS}.{edition}") == []


@pytest.mark.parametrize(
    ("authored", "counts"),
    [
        ("2026-01-09", ["I.O", "I.S", "I.P"]),
        ("2026-01-10", ["I.O", "I.S"]),
        ("2026-02-09", ["I.O", "I.S"]),
        ("2026-02-10", ["I.O", "I.S", "I.P"]),
    ],
    ids=["before any edition", "first day of the first", "last day of the first", "first day of the second"],
)
def test_without_an_edition_that_of_the_day_of_the_answer_is_meant(authored: str, counts: list[str]) -> None:
    assert settled_in_second(OURS, authored) == counts


def test_an_edition_that_is_not_released_is_not_in_force() -> None:
    assert settled_in_second(OURS, "2026-02-20", released=None) == ["I.O", "I.S"]
    assert settled_in_second(f"{OURS}.2", "2026-02-20", released=None) == ["I.O", "I.S", "I.P"]


def test_without_a_lock_an_answer_without_an_edition_counts() -> None:
    assert settled(form()) == ["I.O", "I.S", "I.P"]


@pytest.mark.parametrize(
    "changed",
    [
        QUESTIONS.replace("Is the patient ready?", "Is the patient ready"),
        QUESTIONS.replace("ask: Is the patient ready?", "ask: Is the patient ready?, met_by: no"),
    ],
    ids=["text", "polarity"],
)
def test_a_question_changes_with_its_text_and_its_polarity(changed: str) -> None:
    before, after = question_hashes(policy(QUESTIONS)), question_hashes(policy(changed))
    assert {name for name in before if before[name] != after[name]} == {"I.P"}


def test_a_choice_changes_with_its_options() -> None:
    one, other = (
        question_hashes(policy(QUESTIONS, pathway=f"ask: Which?\nchoices: {{a: {{says: First}}, b: {{says: {says}}}}}"))
        for says in ("Second", "Later")
    )
    assert {name for name in one if one[name] != other[name]} == {"pathway"}


def test_a_criterion_without_a_question_is_one_by_its_sentence() -> None:
    before = question_hashes(policy(QUESTIONS))
    after = question_hashes(policy(QUESTIONS.replace("says: Test fusion", "says: Test")))
    assert {name for name in before if before[name] != after[name]} == {"I"}


def test_whether_the_policy_applies_is_one_question_in_the_words_of_all_its_orders() -> None:
    orders = "- {codes: the-order, sections: [I], only_if: {order: {purpose: pump-trial}}, ask: Is it meant}"
    one = question_hashes(policy(QUESTIONS, orders=orders))
    other = question_hashes(policy(QUESTIONS, orders=orders.replace("Is it meant", "Is it")))
    assert {name for name in one if one[name] != other[name]} == {"applies"}


def test_without_an_order_only_what_is_about_the_patient_counts() -> None:
    assert settled(form(basedOn=None)) == ["I.P"]


def test_an_answer_about_a_site_that_is_not_stated_is_shown() -> None:
    (shown,) = result("I.S", form(basedOn=None)).evidence
    assert shown.value == "yes, but maybe for another site or wording"


def test_an_answer_about_another_order_is_not_shown_beside_a_question_about_the_order() -> None:
    assert result("I.O", form(basedOn=None)).evidence == ()


@pytest.mark.parametrize(
    ("side", "code", "counts"),
    [
        (LEFT, "10001", ["I.S", "I.P"]),
        (RIGHT, "10001", ["I.P"]),
        (None, "10001", ["I.P"]),
        (LEFT, "10002", ["I.P"]),
    ],
)
def test_an_answer_about_the_site_counts_for_an_order_of_the_same_procedure_and_side(
    side: dict[str, Any] | None, code: str, counts: list[str]
) -> None:
    by = policy(QUESTIONS, orders="- {codes: the-order, sections: [I]}\n- {codes: another-order, sections: [I]}")
    other = order(code, id="other", bodySite=[side] if side else None)
    found = judge(by, form(basedOn=ANOTHER), of=order(bodySite=[LEFT]), others=[other])
    assert [name for name in ALL if found.criterion(name).status is MET] == counts


def test_the_other_order_is_found_in_the_chart_too() -> None:
    other = dict(order(id="other", bodySite=[LEFT]).resource, subject={"reference": "Patient/p"})
    assert settled(form(basedOn=ANOTHER), other, of=order(bodySite=[LEFT])) == ["I.S", "I.P"]


def test_two_orders_without_a_side_need_not_be_for_one_site() -> None:
    assert settled(form(basedOn=ANOTHER), others=[order(id="other")]) == ["I.P"]


@pytest.mark.parametrize(
    "identifier",
    [{"system": "urn:ehr", "value": "A-1"}, {"system": "urn:ehr", "value": "A-1", "use": "official"}],
)
def test_a_form_may_name_the_order_by_an_identifier(identifier: dict[str, str]) -> None:
    mine = order(identifier=[{"system": "urn:ehr", "value": "A-0"}, {"system": "urn:ehr", "value": "A-1"}])
    assert settled(form(basedOn=[{"identifier": identifier}]), of=mine) == ["I.O", "I.S", "I.P"]


@pytest.mark.parametrize("identifier", [{"system": "urn:other", "value": "A-1"}, {"system": "urn:ehr"}, {}])
def test_another_identifier_names_another_order(identifier: dict[str, str]) -> None:
    mine = order(identifier=[{"system": "urn:ehr", "value": "A-1"}])
    assert settled(form(basedOn=[{"identifier": identifier}]), of=mine) == ["I.P"]


@pytest.mark.parametrize(("authored", "counts"), [("2025-12-02", ["I.P"]), ("2025-12-01", [])])
def test_an_answer_about_the_patient_counts_for_ninety_days(authored: str, counts: list[str]) -> None:
    assert settled(form(basedOn=None, authored=authored)) == counts


def test_an_answer_about_this_order_counts_however_old() -> None:
    assert settled(form(authored="2024-01-01")) == ["I.O", "I.S", "I.P"]


PATHWAYS = """
ask: Is it cancer pain?
choices:
  cancer: {says: Cancer pain}
  other: {says: Other pain, chosen_when: {order: {purpose: therapeutic}}}
"""

OPEN = """
ask: Is it cancer pain?
choices:
  cancer: {says: Cancer pain}
  other: {says: Other pain}
"""


def on_other_pathway(chosen: str, **more: Any) -> Status:
    """Judge an order for other pain after a form in which a pathway was chosen."""
    by = policy("I: {says: Ready, ask: Is the patient ready?}", pathway=PATHWAYS)
    of = order(orderDetail=[{"text": "Therapeutic injection"}])
    return judge(by, form({"pathway": chosen, "I": "yes"}, **more), of=of).criterion("I").status


@pytest.mark.parametrize(("chosen", "status"), [("other", MET), ("cancer", UNKNOWN)])
def test_an_answer_given_on_one_pathway_counts_for_orders_on_that_pathway(chosen: str, status: Status) -> None:
    assert on_other_pathway(chosen, basedOn=None) is status


def test_the_pathway_of_another_order_is_not_chosen_for_this_one() -> None:
    by = policy("I: {says: Ready, ask: Is the patient ready?}", pathway=OPEN)
    chosen = form({"pathway": "cancer"})
    assert judge(by, chosen, form({"I": "yes"}, id="b")).criterion("I").status is MET
    elsewhere = judge(by, form({"pathway": "cancer", "I": "yes"}, basedOn=None))
    assert [question.id for question in elsewhere.questions] == ["pathway", "I"]


def test_an_answer_shown_beside_a_settled_criterion_is_left_out() -> None:
    by = policy("I: {says: Alpha, about: site, met_when: {condition: {in: alpha}}, ask: Is it alpha?}", sets=SETS)
    found = judge(by, condition("alpha"), form({"I": "no"}, basedOn=None)).criterion("I")
    assert (found.status, len(found.evidence)) == (MET, 1)


def test_an_answer_about_this_order_contradicts_the_data() -> None:
    by = policy("I: {says: Alpha, about: site, met_when: {condition: {in: alpha}}, ask: Is it alpha?}", sets=SETS)
    found = judge(by, condition("alpha"), form({"I": "no"})).criterion("I")
    assert found.reason is Reason.CONFLICT


KEYED = replace(order(), key="ab12")


def by_identifier(system: str, value: str) -> list[Resource]:
    return [{"type": "ServiceRequest", "identifier": {"system": system, "value": value}}]


def test_an_answer_that_names_the_order_by_our_key_is_about_it() -> None:
    assert settled(form(basedOn=by_identifier(ORDER_KEYS, "ab12")), of=KEYED) == ["I.O", "I.S", "I.P"]


@pytest.mark.parametrize(("system", "value"), [(ORDER_KEYS, "ab13"), ("urn:other", "ab12")])
def test_an_answer_that_names_another_key_is_not_about_the_order(system: str, value: str) -> None:
    assert settled(form(basedOn=by_identifier(system, value)), of=KEYED) == ["I.P"]


def test_an_order_without_a_key_is_named_by_none() -> None:
    assert settled(form(basedOn=by_identifier(ORDER_KEYS, "ab12")), of=order()) == ["I.P"]
