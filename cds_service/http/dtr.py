"""The operations by which DTR clients get forms and fill them in (Da Vinci DTR 2.2.0)."""

from flask import Blueprint, Response

from cds_service.dtr.client import FormClient
from cds_service.dtr.next_question import read_next_question
from cds_service.dtr.package_request import read_package_request
from cds_service.dtr.service import FormService
from cds_service.hooks.errors import Issue, RefusedError
from cds_service.http.authentication import client_of_request
from cds_service.http.fhir_resources import fhir_response
from cds_service.http.json_body import json_body
from cds_service.http.operations import begin_operation
from cds_service.http.services import services

dtr = Blueprint("dtr", __name__)

_NOT_OFFERED = (
    "This service answers for no payer, so it has no forms to fill in. GET /fhir/metadata says what it offers."
)


@dtr.post("/fhir/Questionnaire/$questionnaire-package")
def questionnaire_package() -> Response:
    """Answer the forms that document orders, each with its draft."""
    record, forms = begin_operation("questionnaire-package"), _forms()
    client = FormClient.of(client_of_request())
    with services().turns.turn() as turn:
        asked = read_package_request(json_body(), most_orders=services().settings.max_orders)
        package = forms.packages.package(asked, client, turn.waiting)
    record.figures = {"questionnaires": list(package.questionnaires), "assertion": package.assertion_id}
    return fhir_response(package.parameters)


@dtr.post("/fhir/Questionnaire/$next-question")
@dtr.post("/fhir/Questionnaire/$next-question/Questionnaire/$next-question")
def next_question() -> Response:
    """Answer the response with what is asked next, or completed.

    Some clients call the address in `questionnaireAdaptive`, and some take it for a base and append the operation.
    """
    record, forms = begin_operation("next-question"), _forms()
    client = FormClient.of(client_of_request())
    with services().turns.turn() as turn:
        asked = read_next_question(json_body())
        answered = forms.next_questions.answer(asked, client, turn.waiting)
    record.figures = {
        "questionnaires": [answered.questionnaire],
        "assertion": answered.assertion_id,
        "complete": answered.is_complete,
    }
    record.issued = [answered.issued] if answered.issued else []
    if asked.is_in_parameters:
        returned = {"name": "return", "resource": answered.response}
        return fhir_response({"resourceType": "Parameters", "parameter": [returned]})
    return fhir_response(answered.response)


def _forms() -> FormService:
    found = services()
    if not found.assessor.rules.answered_for:
        raise RefusedError(404, Issue("not-supported", _NOT_OFFERED))
    return found.forms
