"""The answers of a case travel as completed questionnaires in the prefetch, beside those that the server has."""

from collections.abc import Iterator
from typing import Any

import pytest

from cds_service.fhir_client.source import UnreadableSource
from cds_service.web.sandbox.answers import QuestionKey, answered, answers_in, answers_in_prefetch, taken_back
from cds_service.web.sandbox.case import Case
from tests.support.forms import given
from tests.support.sandbox import FHIR_SERVER, Sandbox, chart_of

ORDER = "ServiceRequest/draft-1"
POLICY = "CP.MP.126@2025-04"
KEY = QuestionKey(ORDER, POLICY, "II.B.location")
EMPTY = Case(FHIR_SERVER, "p").with_orders({"resourceType": "ServiceRequest", "id": "draft-1"})


@pytest.fixture(name="prefetch_of")
def _prefetch_of() -> Any:
    """A function from a case and a chart to the prefetch."""

    def prefetch(case: Case, source: Any) -> Any:
        sandbox = Sandbox(open_fhir_server=lambda _access, _deadline: source)
        with sandbox.app.app_context():
            return answers_in_prefetch(case, "token")

    return prefetch


@pytest.fixture(name="_in_the_service")
def _service() -> Iterator[None]:
    with Sandbox().app.app_context():
        yield


def with_answers(answers: Any) -> Case:
    return Case(FHIR_SERVER, "p", answers=answers).with_orders(*EMPTY.orders)


def test_a_case_without_answers_sends_no_prefetch(prefetch_of: Any) -> None:
    assert prefetch_of(EMPTY, chart_of()) == {}


def test_an_answer_is_a_completed_response_of_the_user_about_the_order(prefetch_of: Any) -> None:
    case = with_answers({ORDER: {POLICY: {"II.B.location": "yes", "side": "left"}}})
    (entry,) = prefetch_of(case, chart_of())["questionnaireResponses"]["entry"]
    response = entry["resource"]
    assert (response["status"], response["author"]) == ("completed", {"reference": "Practitioner/sandbox-user"})
    assert response["subject"] == {"reference": "Patient/p"}
    assert response["basedOn"] == [{"reference": ORDER, "type": "ServiceRequest"}]
    assert response["questionnaire"].startswith("http://127.0.0.1:8000/fhir/Questionnaire/CP.MP.126|2025-04.")
    assert given(response) == {"II.B.location": True, "side": "left"}


def test_the_responses_of_the_server_come_along(prefetch_of: Any) -> None:
    on_server = {
        "resourceType": "QuestionnaireResponse",
        "id": "earlier",
        "status": "completed",
        "subject": {"reference": "Patient/p"},
    }
    case = with_answers({ORDER: {POLICY: {"II.B.location": "yes"}}})
    entries = prefetch_of(case, chart_of(on_server))["questionnaireResponses"]["entry"]
    assert [each["resource"]["id"] for each in entries] == ["earlier", "sandbox-answers-1"]


def test_what_could_not_be_read_is_told_by_an_outcome(prefetch_of: Any) -> None:
    case = with_answers({ORDER: {POLICY: {"II.B.location": "yes"}}})
    entries = prefetch_of(case, UnreadableSource(FHIR_SERVER, ()))["questionnaireResponses"]["entry"]
    assert [each["resource"]["resourceType"] for each in entries] == ["QuestionnaireResponse", "OperationOutcome"]


@pytest.mark.parametrize(
    "answers",
    [
        {"ServiceRequest/other": {POLICY: {"II.B.location": "yes"}}},
        {ORDER: {"NONE@1": {"II.B.location": "yes"}}},
        {ORDER: {POLICY: {"none": "yes"}}},
        {ORDER: {POLICY: {"II.B.location": "perhaps", "side": "up"}}},
    ],
    ids=["another order", "another policy", "another question", "another answer"],
)
def test_answers_of_a_file_that_nobody_asked_for_are_left_out(prefetch_of: Any, answers: Any) -> None:
    assert prefetch_of(with_answers(answers), chart_of()) == {}


@pytest.mark.usefixtures("_in_the_service")
def test_a_later_answer_replaces_the_earlier_one() -> None:
    case = answered(answered(EMPTY, KEY, "yes"), KEY, "no")
    assert case.answers == {ORDER: {POLICY: {"II.B.location": "no"}}}


@pytest.mark.usefixtures("_in_the_service")
def test_the_last_answer_taken_back_leaves_nothing() -> None:
    assert taken_back(answered(EMPTY, KEY, "yes"), KEY) == EMPTY


def test_a_key_is_read_as_it_was_written() -> None:
    assert QuestionKey.parse(str(KEY)) == KEY


@pytest.mark.parametrize("text", ["", "a", "a|b"])
def test_any_other_text_is_no_key(text: str) -> None:
    assert QuestionKey.parse(text) is None


def test_only_chosen_fields_of_questions_are_answers() -> None:
    form = {f"answer:{KEY}": "yes", "answer:a|b|c": "", "reason:u": "urgent", "answer:x": "yes"}
    assert list(answers_in(form)) == [(KEY, "yes")]
