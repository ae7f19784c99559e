"""The response to an adaptive form: its draft, what follows a call, and that the calls end where a session ends."""

import copy
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from fhir.resources.R4B.questionnaireresponse import QuestionnaireResponse

from coverage_policies.authoring.cases import judged, load_cases, situation
from coverage_policies.format.library import load_library
from coverage_policies.format.model import Policy
from coverage_policies.judging.determination import Determination, Question
from coverage_policies.judging.next_screen import Screen, next_screen
from coverage_policies.questionnaires.adaptive import contained_questionnaire
from coverage_policies.questionnaires.adaptive_response import adaptive_draft, next_response
from coverage_policies.questionnaires.checking import given_answers
from coverage_policies.questionnaires.response import draft_response
from tests.support.adaptive_forms import NEXT, steps
from tests.support.forms import BASE, by_link, given, structured
from tests.support.policy_fakes import ANCHOR, MET, answers, chart, condition, judge, order, policy
from tests.support.sessions import (
    DONT_KNOW,
    OPPOSITE,
    Situation,
    answers_of,
    sample_situations,
    session,
    situations_with_empty_chart,
)

AUTHORED = datetime(2026, 3, 2, 9, tzinfo=UTC)
DTR = "http://hl7.org/fhir/us/davinci-dtr/StructureDefinition"
COVERED = "http://hl7.org/fhir/us/davinci-crd/StructureDefinition/ext-coverage-information"
TWO = """
I:
  says: s
  all:
    - {id: I.A, says: a, met_when: {condition: {in: alpha}}, ask: Is it alpha}
    - {id: I.B, says: b, ask: Is it b}
"""


def draft(by: Policy, found: Determination, **more: Any) -> dict[str, Any]:
    response = adaptive_draft(by, found, BASE, NEXT, patient="Patient/p", authored=AUTHORED, **more)
    QuestionnaireResponse.model_validate(response)
    return response


@pytest.mark.requirement("dtr:spec-26", "dtr:spec-40")
def test_the_draft_answers_what_the_standard_draft_answers_and_asks_nothing_else() -> None:
    by = structured()
    found = judge(by, condition("alpha"), answers({"applies": "yes", "pathway": "cancer"}))
    standard = draft_response(by, found, BASE, patient="Patient/p", authored=AUTHORED)
    response = draft(by, found)
    assert given(response) == given(standard) == {"pathway": "cancer", "I.A": True}
    assert by_link(response)["I.A"]["answer"] == by_link(standard)["I.A"]["answer"]
    (form,) = response["contained"]
    assert [link for link in by_link(form) if not link.endswith("/help")] == ["pathway", "I.A"]


def test_the_draft_of_an_order_of_which_nothing_is_known_has_no_items() -> None:
    by = policy(TWO)
    response = draft(by, judge(by))
    assert "item" not in response
    assert "item" not in response["contained"][0]


def test_the_head_names_patient_order_coverage_and_the_form_that_it_contains() -> None:
    by = policy(TWO)
    response = draft(by, judge(by), coverage="Coverage/c", context="sealed")
    assert response["questionnaire"] == "#form"
    assert [each["id"] for each in response["contained"]] == ["form"]
    assert response["contained"][0]["identifier"][0]["value"] == "sealed"
    assert response["meta"] == {"profile": [f"{DTR}/dtr-questionnaireresponse-adapt"]}
    assert (response["status"], response["authored"]) == ("in-progress", "2026-03-02T09:00:00+00:00")
    assert response["subject"] == {"reference": "Patient/p"}
    coverage, context, use = response["extension"]
    assert coverage == {"url": f"{DTR}/qr-coverage", "valueReference": {"reference": "Coverage/c"}}
    assert context == {"url": f"{DTR}/qr-context", "valueReference": {"reference": "ServiceRequest/order-1"}}
    assert use["valueCodeableConcept"]["coding"][0]["code"] == "withorder"
    assert not response.keys() & {"basedOn", "partOf", "author"}


def test_the_draft_may_name_the_order_by_another_reference() -> None:
    by = policy(TWO)
    reference = {"reference": "https://ehr.example.org/fhir/ServiceRequest/7", "display": "Fusion"}
    assert draft(by, judge(by), order=reference)["extension"][0]["valueReference"] == reference


def test_for_a_prior_authorization_the_draft_has_that_use_too() -> None:
    by = policy(TWO)
    uses = [
        each["valueCodeableConcept"]["coding"][0]["code"]
        for each in draft(by, judge(by), for_prior_authorization=True)["extension"]
        if each["url"].endswith("/intendedUse")
    ]
    assert uses == ["withorder", "withpa"]


def test_without_a_coverage_the_draft_claims_no_profile() -> None:
    by = policy(TWO)
    assert "meta" not in draft(by, judge(by))


def received(by: Policy) -> dict[str, Any]:
    """What a client sends: with members, extensions, and contained resources of its own."""
    response = draft(by, judge(by, condition("alpha")), coverage="Coverage/c", context="first")
    response["identifier"] = {"value": "7"}
    response["author"] = {"reference": "#dr"}
    response["contained"].insert(0, {"resourceType": "Practitioner", "id": "dr"})
    response["extension"] += [{"url": COVERED, "extension": []}, {"url": "urn:other", "valueString": "x"}]
    response["item"][0]["answer"][0]["extension"].append({"url": "urn:other", "valueDecimal": 1.50})
    return response


def contained(by: Policy, *asked: str) -> dict[str, Any]:
    return contained_questionnaire(by, BASE, NEXT, asked, context="second")


def test_the_next_response_is_the_received_one_but_for_form_status_and_coverage_information() -> None:
    by = policy(TWO)
    sent = received(by)
    before = copy.deepcopy(sent)
    form = contained(by, "I.A", "I.B")
    covered = {"url": COVERED, "extension": [{"url": "covered", "valueCode": "covered"}]}
    found = next_response(sent, form, status="completed", coverage_information=[covered])
    assert sent == before
    assert list(found) == list(sent)
    changed = {name for name in found if found[name] != sent[name]}
    assert changed == {"contained", "status", "extension"}
    assert found["item"] is sent["item"]
    assert found["contained"] == [{"resourceType": "Practitioner", "id": "dr"}, form]
    assert found["status"] == "completed"
    assert found["extension"] == [each for each in sent["extension"] if each["url"] != COVERED] + [covered]


def test_earlier_coverage_information_does_not_stay() -> None:
    by = policy(TWO)
    found = next_response(received(by), contained(by), status="in-progress")
    assert COVERED not in {each["url"] for each in found["extension"]}


def test_a_form_of_another_id_is_replaced_and_named() -> None:
    by = policy(TWO)
    sent = received(by)
    sent["contained"][1]["id"] = "mine"
    sent["questionnaire"] = "#mine"
    found = next_response(sent, contained(by), status="in-progress")
    assert [each["id"] for each in found["contained"]] == ["dr", "form"]
    assert found["questionnaire"] == "#form"


@pytest.mark.parametrize("junk", [{}, {"contained": 5, "extension": "x"}, {"contained": [5], "extension": [5]}])
def test_the_next_response_of_junk_has_the_form(junk: dict[str, Any]) -> None:
    form = contained(policy(TWO))
    found = next_response(junk, form, status="in-progress")
    assert found["contained"][0] == form
    assert (found["questionnaire"], found["status"]) == ("#form", "in-progress")


def test_an_earlier_answer_that_the_draft_repeats_goes_on_counting() -> None:
    """The chart says it: taken as "don't know", it would withdraw the earlier one."""
    by = policy(TWO)
    earlier = answers({"I.A": "yes"}, questionnaire="https://x.example/Questionnaire/CP.TEST|2025-01.1")
    response = draft(by, judge(by, earlier))
    assert given(response) == {"I.A": True}
    said = given_answers(response["contained"][0]["item"], response)
    assert said == {}
    found = next_screen(by, order(), (), chart(earlier), order().anchor(ANCHOR), said)
    assert found.question is not None
    assert found.question.id == "I.B"
    assert found.determination.criterion("I.A").status is MET


def by_pattern(number: int) -> Any:
    """A clinician who answers in favor, against, or does not know: each third question otherwise."""

    def value(question: Question) -> str:
        if question.options:
            return question.options[number % len(question.options)].code
        favorable = question.met_by or "yes"
        kinds = (favorable, OPPOSITE[favorable], DONT_KNOW)
        return kinds[(len(question.id) + number) % 3] if number else favorable

    return lambda question: answers_of(question, value)


SITUATIONS = (*sample_situations(), *situations_with_empty_chart())
LIBRARY = load_library().policies
EVERY = 23
"""Of the cases of a policy, how many are between two that are tried."""


def asked(screens: Iterable[Screen]) -> list[str | None]:
    return [screen.question.id if screen.question else None for screen in screens]


def completed(of: Situation, number: int) -> dict[str, Any]:
    """The response at the end of its calls, which asked what a session asks and ended as it ends."""
    clinician = by_pattern(number)
    in_session = [screen for screen, _ in session(of, clinician, until_settled=False)]
    (_, first), *calls = steps(of, clinician)
    assert asked(screen for screen, _ in calls) == asked(in_session), of
    last, response = calls[-1]
    assert last.outcome is in_session[-1].outcome, of
    for each in (first, response):
        QuestionnaireResponse.model_validate(each)
    return response


@pytest.mark.slow
@pytest.mark.parametrize("number", [0, 1])
@pytest.mark.parametrize("of", SITUATIONS, ids=repr)
def test_the_calls_of_a_form_ask_what_a_session_asks_and_end_as_it_ends(of: Situation, number: int) -> None:
    assert completed(of, number)["contained"][0]["item"][-1]["linkId"] == "end"


@pytest.mark.slow
@pytest.mark.parametrize("name", LIBRARY)
def test_a_completed_response_in_the_chart_settles_what_its_calls_settled(name: str) -> None:
    by = LIBRARY[name]
    for number, case in enumerate(load_cases(by)[::EVERY]):
        read = situation(case, by)
        of = Situation(case.name, by, read.order, read.other_orders, read.record, read.order.anchor(case.today))
        response = completed(of, number % 2) | {"id": "filled-in"}
        again = judged(replace(case, suggests=(), chart=(*case.chart, response)), by)
        answers_given = given_answers(response["contained"][0]["item"], response)
        assert again.outcome is of.determination(answers_given).outcome, case.name
