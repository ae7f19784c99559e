"""The response of a practitioner: what was answered, by whom and about what; read back it settles the same."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from fhir.resources.R4B.questionnaireresponse import QuestionnaireResponse

from coverage_policies.authoring.cases import judged, load_cases, situation
from coverage_policies.format.library import load_library
from coverage_policies.judging.determination import Question
from coverage_policies.questionnaires.response import practitioners_response
from tests.support.forms import BASE, by_link, given, structured
from tests.support.sessions import OPPOSITE, Situation, answers_of, session

AUTHORED = datetime(2026, 3, 2, 9, tzinfo=UTC)
DTR = "http://hl7.org/fhir/us/davinci-dtr/StructureDefinition"
ORDER = {"type": "ServiceRequest", "identifier": {"system": "urn:cds-coverage-policies:order", "value": "ab12"}}
LIBRARY = load_library().policies
EVERY = 7
"""Of the cases of a policy, how many are between two that are tried."""


def written(answers: Mapping[str, str], **more: Any) -> dict[str, Any]:
    members = {"patient": "Patient/p", "author": "Practitioner/dr", "order": ORDER, "authored": AUTHORED}
    response = practitioners_response(structured(), answers, BASE, **{**members, "status": "completed", **more})
    QuestionnaireResponse.model_validate(response)
    return response


def test_the_head_names_form_patient_order_and_author() -> None:
    response = written({"applies": "yes"})
    assert response["questionnaire"] == f"{BASE}/fhir/Questionnaire/CP.TEST|2025-01.1"
    assert (response["status"], response["authored"]) == ("completed", "2026-03-02T09:00:00+00:00")
    assert (response["subject"], response["author"]) == ({"reference": "Patient/p"}, {"reference": "Practitioner/dr"})
    assert response["basedOn"] == [ORDER]
    assert response["extension"][0] == {"url": f"{DTR}/qr-context", "valueReference": ORDER}


def test_each_answer_names_its_author() -> None:
    (answer,) = by_link(written({"applies": "yes"}))["applies"]["answer"]
    author = {"url": "practitioner", "valueReference": {"reference": "Practitioner/dr"}}
    assert answer["extension"] == [
        {
            "url": f"{DTR}/information-origin",
            "extension": [{"url": "source", "valueCode": "manual"}, {"url": "author", "extension": [author]}],
        }
    ]


def test_yes_no_and_options_are_answers_and_dont_know_is_none() -> None:
    assert given(written({"applies": "yes", "pathway": "cancer", "side": ""})) == {"applies": True, "pathway": "cancer"}


def test_an_answer_that_another_one_makes_moot_is_left_out() -> None:
    assert given(written({"applies": "no", "pathway": "cancer"})) == {"applies": False}


def test_an_answer_to_no_question_of_the_form_is_left_out() -> None:
    assert given(written({"applies": "yes", "unknown": "yes"})) == {"applies": True}


def situation_of(case: Any, by: Any) -> Situation:
    read = situation(case, by)
    return Situation(case.name, by, read.order, read.other_orders, read.record, read.order.anchor(case.today))


@pytest.mark.slow
@pytest.mark.parametrize("favors", [True, False])
@pytest.mark.parametrize("name", LIBRARY)
def test_a_response_settles_what_the_answers_of_its_session_settle(name: str, favors: bool) -> None:
    by = LIBRARY[name]

    def value(question: Question) -> str:
        if question.options:
            return question.options[0].code
        return question.met_by or "yes" if favors else OPPOSITE[question.met_by or "yes"]

    tried = 0
    for case in load_cases(by)[::EVERY]:
        of = situation_of(case, by)
        answers = {
            link: said
            for _, screen in session(of, lambda question: answers_of(question, value), until_settled=False)
            for link, said in screen.items()
        }
        if not answers:
            continue
        tried += 1
        response = practitioners_response(
            by,
            answers,
            BASE,
            patient=case.order["subject"]["reference"],
            author="Practitioner/dr",
            order={"reference": of.order.reference},
            authored=of.record.read_at,
            status="completed",
        )
        again = judged(replace(case, suggests=(), chart=(*case.chart, response | {"id": "written"})), by)
        assert again.outcome is of.determination(answers).outcome, case.name
    assert tried
