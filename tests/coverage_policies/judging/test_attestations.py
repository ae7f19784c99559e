"""Which answers count for an order: by policy, edition, order, site, pathway, and age."""

from collections.abc import Mapping
from typing import Any

import pytest

from coverage_policies.format.terms import Reason, Status
from coverage_policies.judging.determination import CriterionResult
from fhir_mappings.fhir_json import Resource
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


def test_an_answer_to_another_edition_is_shown_and_does_not_decide() -> None:
    found = result("I.P", form(questionnaire=f"{OURS}.2"))
    assert (found.status, [item.reference for item in found.evidence]) == (
        UNKNOWN,
        ["QuestionnaireResponse/qr-2026-03-02T100000Z"],
    )


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
