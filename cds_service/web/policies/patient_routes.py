"""The route of a patient laid over a policy, for operators: it reads a chart."""

from flask import Blueprint, Response, request

from cds_service.http.services import services
from cds_service.web.policies.common_pages import missing_page, shown_page
from cds_service.web.policies.patient import NoOverlayError, overlay
from cds_service.web.policies.revision_page import revision_page
from cds_service.web.policies.visibility import readable_policies
from cds_service.web.sandbox.case import Case, CaseError
from cds_service.web.site import operator_site

policy_patients = Blueprint("policy_patients", __name__, url_prefix="/policies")


@policy_patients.post("/<name>/patient")
def lay_over_patient(name: str) -> Response:
    """Answer the page of a revision with the status of each criterion for an order of a case of the sandbox.

    The form has `case`, the `order` by its reference, and the `token` for its FHIR server. For signed-in operators.
    """
    policy = readable_policies().get(name)
    if policy is None:
        return missing_page(name)
    try:
        case = Case.parse(request.form.get("case", ""))
        token = operator_site().token_for(case.fhir_server, request.form.get("token", ""))
        found = overlay(policy, case, request.form.get("order", ""), token, services())
    except CaseError as error:
        return _problem("This case cannot be read", str(error), 400)
    except NoOverlayError as error:
        return _problem("The patient cannot be laid over this policy", str(error), 422)
    return revision_page(policy, found)


def _problem(title: str, says: str, status: int) -> Response:
    return shown_page("policies/problem.html", status, heading=title, says=says)
