"""The routes of the sandbox: choose a patient, compose orders, and see what the service answers."""

from collections.abc import Iterable
from typing import Any

from flask import Blueprint, Response, request

from cds_service.http.services import services
from cds_service.web.pages import operator_page
from cds_service.web.sandbox.answer_actions import ACTIONS, Done, with_mode
from cds_service.web.sandbox.answer_view import answer_view
from cds_service.web.sandbox.case import Case, CaseError
from cds_service.web.sandbox.chart_view import panel_of
from cds_service.web.sandbox.choose import Choice, choose_page
from cds_service.web.sandbox.hook_calls import SELECT, SIGN, Exchange, call_hook, offers_crd
from cds_service.web.sandbox.order_diff import applied
from cds_service.web.sandbox.reading import ChartReading, read
from cds_service.web.sandbox.servers import check_server
from cds_service.web.site import SampleServer, operator_site, site

sandbox = Blueprint("sandbox", __name__, url_prefix="/sandbox")


@sandbox.get("")
def show() -> Response:
    """Answer the choice of a patient or, with `?patient=`, the workspace of a sample patient."""
    samples, wanted = _samples(), request.args.get("patient", "")
    patient = samples.patient(wanted) if samples else None
    if samples is None or patient is None:
        return choose_page(words=request.args.get("q", ""), is_unknown=bool(wanted))
    case = Case(samples.address, patient.id).with_orders(*patient.orders)
    return workspace(case, samples.token, _called(SELECT, case, samples.token))


@sandbox.post("")
def act() -> Response:
    """Do what a button of the workspace says, and answer the workspace, alone if a script asked for it."""
    try:
        case = with_mode(Case.parse(request.form.get("case", "")), request.form)
        check_server(case)
        done = _done(case, request.form.get("do", ""))
    except CaseError as error:
        return operator_page("sandbox/problem.html", 400, says=str(error))
    token = token_of(case)
    return workspace(done.case, token, _called(done.hook, done.case, token), done=done)


def _done(case: Case, do: str) -> Done:
    """Return what the button with this value does. Raise CaseError."""
    name, _, argument = do.partition(":")
    if action := ACTIONS.get(name):
        return action(case, argument, request.form)
    return Done(case, SIGN if name == "sign" else SELECT)


def _called(hook: str, case: Case, token: str) -> tuple[Exchange, ...]:
    """Return the call of a hook with its response; none without an order to send."""
    return (call_hook(hook, case, token),) if case.orders else ()


def workspace(
    case: Case,
    token: str,
    exchanges: Iterable[Exchange],
    reading: ChartReading | None = None,
    done: Done | None = None,
) -> Response:
    """Return the workspace of a case, with the chart unless a script replaces only the rest.

    `reading` is the chart if it was read already. System actions are applied to the case, as an EHR does.
    """
    drawn = frozenset(request.form.get("drawn", "").split())
    answers = tuple(answer_view(case, each, drawn) for each in exchanges)
    for each in answers:
        case = applied(case, each.exchange.system_actions)
    given = request.form.get("token", "") if token else ""
    values: dict[str, Any] = {
        "case": case,
        "token": given,
        "answers": answers,
        "done": done,
        "offers_crd": offers_crd(),
    }
    if request.headers.get("HX-Request") == "true":
        return operator_page("sandbox/workspace.html", **values)
    panel = panel_of(reading or read(case, token), services().assessor.library)
    return operator_page("sandbox/sandbox.html", panel=panel, **values)


def _samples() -> SampleServer | None:
    found = site()
    return found.samples if found else None


def token_of(case: Case) -> str:
    """Return the token for the FHIR server of a case: that of the sample EHR, or the one that the user gave."""
    return operator_site().token_for(case.fhir_server, Choice.of(request.form).token)
