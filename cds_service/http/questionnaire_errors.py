"""Receive what DTR clients report on errors in forms (Da Vinci DTR 2.2.0, $log-questionnaire-errors)."""

from flask import Blueprint, Response, g, request

from cds_service.dtr.error_reports import OPERATION, read_error_report
from cds_service.dtr.parameters import read_parameters
from cds_service.hooks.response import canonical_base_of
from cds_service.http.fhir_resources import fhir_response
from cds_service.http.json_body import json_body
from cds_service.http.operations import begin_operation
from cds_service.http.services import services

questionnaire_errors = Blueprint("questionnaire_errors", __name__)

_RECEIVED = "The report is received."


@questionnaire_errors.post(f"/fhir/Questionnaire/${OPERATION}")
def log_questionnaire_errors() -> Response:
    """Store a report, its body encrypted, and log a warning with its counts; answer that it is received."""
    record, found, body = begin_operation(OPERATION), services(), request.get_data()
    policies = found.assessor.library.policies.values()
    report = read_error_report(read_parameters(json_body()), policies, canonical_base_of(found.settings))
    record.body, record.figures = body, report.figures()
    found.log.warning(
        "errors in questionnaires reported",
        client=g.call.client,
        questionnaires=list(report.forms) or None,
        other_questionnaires=report.others or None,
        issues=report.severities(),
    )
    issue = {"severity": "information", "code": "informational", "diagnostics": _RECEIVED}
    return fhir_response({"resourceType": "OperationOutcome", "issue": [issue]})
