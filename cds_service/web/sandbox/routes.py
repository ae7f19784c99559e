"""The routes of the sandbox: choose a patient, compose orders, and see what the service answers.

A button of the workspace sends the whole form; its `do` names an action, and behind a colon what the action is about.
First the changed fields of the orders are taken over, then the action is done, then the hook of its step is called.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from types import MappingProxyType
from typing import Any

from flask import Blueprint, Response, request
from werkzeug.exceptions import RequestEntityTooLarge

from cds_service.http.services import services
from cds_service.web.pages import operator_page
from cds_service.web.sandbox import answer_actions, composer
from cds_service.web.sandbox.answer_view import answer_view
from cds_service.web.sandbox.case import Case, CaseError
from cds_service.web.sandbox.case_file import download_link, opened_case, saved_case
from cds_service.web.sandbox.chart_view import DRAWN, panel_of
from cds_service.web.sandbox.choose import Choice, choose_page
from cds_service.web.sandbox.code_search import LONGEST_QUERY, search_codes
from cds_service.web.sandbox.composer import Step, Workspace
from cds_service.web.sandbox.export import exported_cases
from cds_service.web.sandbox.hook_calls import Exchange, call_hook, offers_crd
from cds_service.web.sandbox.order_editing import EditError, Editor
from cds_service.web.sandbox.order_form import order_forms
from cds_service.web.sandbox.reading import ChartReading, read
from cds_service.web.sandbox.servers import check_server
from cds_service.web.sandbox.suggestions import with_actions
from cds_service.web.site import operator_site
from fhir_mappings.bundle import reference_of
from fhir_mappings.fhir_json import Resource

sandbox = Blueprint("sandbox", __name__, url_prefix="/sandbox")

ACTIONS: Mapping[str, Callable[[Workspace], Step]] = MappingProxyType(
    {
        "update": composer.update,
        "select": composer.update,
        "sign": composer.sign,
        "search": composer.update,
        "add": composer.add,
        "add-words": composer.add_in_words,
        "add-sample": composer.add_sample,
        "copy": composer.copy,
        "remove": composer.remove,
        "add-reason": composer.add_reason,
        "remove-reason": composer.remove_reason,
        "add-detail": composer.add_detail,
        "remove-detail": composer.remove_detail,
        "json": composer.set_json,
        "policy-case": composer.export,
        "mode": answer_actions.switch,
        "suggest": answer_actions.accept,
        "override": answer_actions.override,
        "answer": answer_actions.answer,
        "take-back": answer_actions.take_back,
    }
)
"""What a button may do, by the first part of its `do`."""
_LOAD = "load"
_MOST_FORM_BYTES = 4_000_000


@sandbox.get("")
def show() -> Response:
    """Answer the choice of a patient or, with `?patient=`, the workspace of a sample patient."""
    samples, wanted = operator_site().samples, request.args.get("patient", "")
    patient = samples.patient(wanted) if samples else None
    if samples is None or patient is None:
        return choose_page(words=request.args.get("q", ""), is_unknown=bool(wanted))
    return workspace(Step(Case(samples.address, patient.id).with_orders(*patient.orders[:1])), {})


@sandbox.get("/codes")
def codes() -> Response:
    """Answer the codes that a query finds, as a part of the workspace."""
    query = request.args.get("q", "")[:LONGEST_QUERY]
    return operator_page(
        "sandbox/found_codes.html", found=search_codes(services().assessor.library, query), query=query
    )


@sandbox.post("")
def act() -> Response:
    """Do what a button of the workspace says, and answer the workspace, alone if a script asked for it."""
    try:
        action, _, argument = request.form.get("do", "update").partition(":")
        is_opened = action == _LOAD
        case = (
            opened_case(_sent_file(), operator_site().samples, _today())
            if is_opened
            else answer_actions.with_mode(Case.parse(request.form.get("case", "")), request.form)
        )
        check_server(case, token_of(case))
    except CaseError as error:
        return refuse_case(error)
    if is_opened:
        return workspace(Step(case), {}, is_whole=True)
    step = _step(case, action, argument)
    return workspace(step, composer.entered(case, request.form, step, request.form.get("do", "")))


def _step(case: Case, action: str, argument: str) -> Step:
    """Take over the changed fields, do the action, and return what came of it; a failed action changes nothing."""
    editor = Editor(services().assessor.library, services().settings.time_zone)
    orders, problems = editor.with_fields(case.orders, request.form)
    changed = case.with_orders(*orders)
    selected = tuple(request.form.getlist("select"))
    workspace = Workspace(changed, argument, request.form, selected, editor, _today(), _sample_orders(case))
    try:
        step = ACTIONS[action](workspace) if action in ACTIONS else composer.unknown(workspace)
    except (EditError, CaseError) as error:
        step = Step(changed, selections=selected, problems=(str(error),))
    if excess := step.case.excess:
        return Step(case, selections=selected, problems=(excess,))
    return replace(step, problems=(*problems, *step.problems))


def workspace(
    step: Step, entered: Mapping[str, str], *, is_whole: bool = False, reading: ChartReading | None = None
) -> Response:
    """Call the hook of a step, and answer the workspace with what it says; `entered` are fields to show again.

    The page has the chart unless a script replaces only the rest. `reading` is the chart if it was read already.
    System actions are applied to the case, as an EHR does without asking.
    """
    is_part = request.headers.get("HX-Request") == "true" and not is_whole
    case, token, selected, library = step.case, token_of(step.case), _selected(step), services().assessor.library
    query = entered.get(composer.QUERY, "")
    exchanges = (call_hook(step.hook, case, token, selected),) if case.orders else ()
    panel = None if is_part else panel_of(reading or read(case, token), library)
    drawn = panel.drawn if panel else frozenset(request.form.get(DRAWN, "").split())
    answers = tuple(answer_view(case, each, drawn) for each in exchanges)
    for each in exchanges:
        case = _after(case, each)
    samples = operator_site().samples
    values: dict[str, Any] = {
        "case": case,
        "token": Choice.of(request.form).token,
        "answers": answers,
        "offers_crd": offers_crd(),
        "step": step,
        "selected": selected,
        "entered": entered,
        "forms": order_forms(case.orders, library, services().settings.time_zone),
        "query": query,
        "found": search_codes(library, query),
        "samples": _sample_orders(case),
        "saved": download_link(saved_case(case, samples, _today()), "application/json"),
        "policy_cases": exported_cases(case, token, exchanges[0].response) if step.is_exported and exchanges else None,
    }
    if panel is None:
        return operator_page("sandbox/workspace.html", **values)
    return operator_page("sandbox/sandbox.html", panel=panel, **values)


def _after(case: Case, exchange: Exchange) -> Case:
    """Return the case with the system actions of an exchange; as it is if a page could not carry it with them."""
    changed = with_actions(case, exchange.system_actions)
    return case if changed.excess else changed


def _selected(step: Step) -> tuple[str, ...]:
    """Return the references of the selected orders: those of the step that are there, else all."""
    names = [reference_of(order) for order in step.case.orders]
    chosen = tuple(name for name in names if name in step.selections)
    return chosen or tuple(names)


@sandbox.before_request
def allow_large_forms() -> None:
    """Let a form carry a whole case."""
    request.max_form_memory_size = _MOST_FORM_BYTES


@sandbox.errorhandler(RequestEntityTooLarge)
def refuse_large_form(_: RequestEntityTooLarge) -> Response:
    """Say that the form is too large."""
    return _problem("The form or the file is too large.", 413)


@sandbox.errorhandler(CaseError)
def refuse_case(error: CaseError) -> Response:
    """Say why there is no case to go on with."""
    return _problem(str(error), 400)


def _problem(says: str, status: int) -> Response:
    """Answer a page with a problem; for a script only its words, which htmx puts into the workspace as it stands."""
    if request.headers.get("HX-Request") != "true":
        return operator_page("sandbox/problem.html", status, says=says)
    response = operator_page("sandbox/problem_in_workspace.html", status, says=says)
    response.headers |= {"HX-Retarget": "#order-problems", "HX-Reswap": "innerHTML"}
    return response


def _sent_file() -> str:
    """Return the case that was uploaded or pasted."""
    upload = request.files.get("file")
    sent = upload.read().decode("utf-8", "replace") if upload is not None else ""
    return sent if sent.strip() else request.form.get("pasted", "")


def _sample_orders(case: Case) -> tuple[Resource, ...]:
    """Return the sample orders of the patient of a case; none for a patient of another FHIR server."""
    samples = operator_site().samples
    if samples is None or case.fhir_server != samples.address:
        return ()
    patient = samples.patient(case.patient)
    return patient.orders if patient is not None else ()


def _today() -> date:
    """Return the local day, or that on which the charts of the sample EHR are read."""
    samples = operator_site().samples
    if samples is not None:
        return samples.today
    return services().today


def token_of(case: Case) -> str:
    """Return the token for the FHIR server of a case: that of the sample EHR, or the one that the user gave."""
    return operator_site().token_for(case.fhir_server, Choice.of(request.form).token)
