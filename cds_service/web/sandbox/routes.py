"""The routes of the sandbox: choose a patient, compose orders, and see what the service answers."""

from collections.abc import Iterable

from flask import Blueprint, Response, request

from cds_service.web.pages import operator_page
from cds_service.web.sandbox.case import Case, CaseError
from cds_service.web.sandbox.fhir_servers import check_server
from cds_service.web.sandbox.hook_calls import SELECT, SIGN, Exchange, call_hook
from cds_service.web.site import SampleServer, site

sandbox = Blueprint("sandbox", __name__, url_prefix="/sandbox")


@sandbox.get("")
def show() -> Response:
    """Answer the choice of a patient or, with `?patient=`, the workspace of a sample patient."""
    samples = _samples()
    patient = samples.patient(request.args.get("patient", "")) if samples else None
    if samples is None or patient is None:
        return operator_page("sandbox/choose.html", samples=samples)
    case = Case(samples.address, patient.id).with_orders(*patient.orders)
    return _workspace(case, samples.token, [call_hook(SELECT, case, samples.token)])


@sandbox.post("")
def act() -> Response:
    """Do what a button of the workspace says, and answer the workspace, alone if a script asked for it."""
    try:
        case = Case.parse(request.form.get("case", ""))
        check_server(case)
    except CaseError as error:
        return operator_page("sandbox/problem.html", 400, says=str(error))
    token = _token(case)
    hook = SIGN if request.form.get("do") == "sign" else SELECT
    return _workspace(case, token, [call_hook(hook, case, token)])


def _workspace(case: Case, token: str, exchanges: Iterable[Exchange]) -> Response:
    is_part = request.headers.get("HX-Request") == "true"
    template = "sandbox/workspace.html" if is_part else "sandbox/sandbox.html"
    return operator_page(template, case=case, token=token, exchanges=tuple(exchanges))


def _samples() -> SampleServer | None:
    found = site()
    return found.samples if found else None


def _token(case: Case) -> str:
    """Return the token for the FHIR server of a case: that of the sample EHR, or the one that the user gave."""
    samples = _samples()
    if samples is not None and case.fhir_server == samples.address:
        return samples.token
    return request.form.get("token", "")
