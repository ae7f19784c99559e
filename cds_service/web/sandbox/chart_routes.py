"""The routes of the chart in the sandbox: open the chart of any patient, one resource as JSON, and all of a section."""

import re
from typing import Any

from flask import Blueprint, Response, request
from werkzeug.exceptions import RequestEntityTooLarge

from cds_service.web.pages import operator_page
from cds_service.web.sandbox.case import Case, CaseError
from cds_service.web.sandbox.chart_view import section_named
from cds_service.web.sandbox.choose import Choice, choose_page
from cds_service.web.sandbox.composer import Step
from cds_service.web.sandbox.reading import read, read_resource
from cds_service.web.sandbox.routes import allow_large_forms, refuse_case, refuse_large_form, token_of, workspace
from fhir_mappings.fhir_json import Resource, dumps

chart_pages = Blueprint("sandbox_chart", __name__, url_prefix="/sandbox")

chart_pages.before_request(allow_large_forms)
chart_pages.register_error_handler(RequestEntityTooLarge, refuse_large_form)
chart_pages.register_error_handler(CaseError, refuse_case)

_REFERENCE = re.compile(r"[A-Z][A-Za-z]{1,40}/[A-Za-z0-9.-]{1,64}")
_MOST_SHOWN = 100_000
"""How many characters of a resource are shown; one with an attached document has millions."""


@chart_pages.post("/open")
def open_patient() -> Response:
    """Answer the workspace of a patient on any allowed FHIR server, or the form again with what is wrong."""
    choice = Choice.of(request.form)
    if choice.problem is not None:
        return choose_page(choice, problem=choice.problem)
    token = token_of(choice.case)
    reading = read(choice.case, token)
    if reading.problem is not None:
        return choose_page(choice, problem=reading.problem)
    return workspace(Step(choice.case), {}, is_whole=True, reading=reading)


@chart_pages.post("/resource")
def show_resource() -> Response:
    """Answer one resource of the chart as JSON, alone if a script asked for it."""
    case = Case.parse(request.form.get("case", ""))
    reference = request.form.get("reference", "")
    found = read_resource(case, token_of(case), reference) if _REFERENCE.fullmatch(reference) else None
    shown = _printed(found) if found is not None else "This resource could not be read. Try again."
    if request.headers.get("HX-Request") == "true":
        return operator_page("sandbox/resource.html", reference=reference, json=shown)
    return _part_page(case, reference, json=shown)


@chart_pages.post("/section")
def show_section() -> Response:
    """Answer all records of a section of the chart, alone if a script asked for it."""
    case = Case.parse(request.form.get("case", ""))
    section = section_named(read(case, token_of(case)), request.form.get("section", ""))
    if section is None:
        raise CaseError("The chart has no such section.")
    if request.headers.get("HX-Request") == "true":
        return operator_page("sandbox/records.html", items=section.items)
    return _part_page(case, section.title, items=section.items)


def _part_page(case: Case, title: str, **shown: Any) -> Response:
    token = request.form.get("token", "")
    return operator_page("sandbox/chart_part_page.html", case=case, token=token, title=title, **shown)


def _printed(resource: Resource) -> str:
    """Return a resource with one member on a line, digit by digit, cut if it is very long."""
    text = dumps(resource, indent=2)
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}\n…"
