"""The routes of the figures: a page for each subject, and each table as a CSV file."""

from flask import Blueprint, Response, request

from cds_service.crd.services import CRD_SERVICES
from cds_service.hooks.errors import STATUS_ISSUES, Issue, RefusedError
from cds_service.hooks.hooks import SERVICES
from cds_service.http.services import services
from cds_service.records.database import UnavailableError
from cds_service.records.selection import Step, clients
from cds_service.records.stored import StoredRecords
from cds_service.web.insights.csv_file import csv_file
from cds_service.web.insights.decisions import register_decisions
from cds_service.web.insights.figures import Figures
from cds_service.web.insights.filters import Filters
from cds_service.web.insights.sections import PAGES
from cds_service.web.insights.stored import stored_records
from cds_service.web.insights.tables import TABLES
from cds_service.web.pages import operator_page

insights = Blueprint("insights", __name__, url_prefix="/insights")
_FIRST = "calls"
register_decisions(insights)


@insights.get("")
def show_calls() -> Response:
    """Answer the first page: calls and how long they took."""
    return _page(_FIRST)


@insights.get("/<name>")
def show(name: str) -> Response:
    """Answer the page about outcomes, feedback, or criteria; 404 for any other."""
    if name not in PAGES:
        raise RefusedError(404, STATUS_ISSUES[404])
    return _page(name)


@insights.get("/<name>.csv")
def download(name: str) -> Response:
    """Answer a table as a CSV file, by the same filters as on the pages; 404 for any other name."""
    if name not in TABLES:
        raise RefusedError(404, STATUS_ISSUES[404])
    figures = _figures(stored_records(), _filters())
    try:
        table = TABLES[name](figures)
    except UnavailableError as error:
        raise RefusedError(503, Issue("transient", f"The records cannot be read now: {error}.")) from None
    response = Response(csv_file(table.header, table.rows), mimetype="text/csv")
    filters = figures.filters
    file = f"{name}-{filters.first.isoformat()}-{filters.last.isoformat()}.csv"
    response.headers["Content-Disposition"] = f'attachment; filename="{file}"'
    response.headers["Cache-Control"] = "no-store"
    return response


def _page(name: str) -> Response:
    stored, filters = stored_records(), _filters()
    figures = _figures(stored, filters)
    page = PAGES[name]
    values: dict[str, object] = {"page": page, "name": name, "pages": PAGES, "filters": filters, "steps": list(Step)}
    library = services().assessor.library
    values["policies"] = sorted(library.policies)
    values["services"] = [each.id for each in (*SERVICES, *CRD_SERVICES)]
    values["names"] = sorted({each.name for each in library.policies.values()})
    try:
        values["clients"] = clients(stored.database, filters.selection(services().settings.time_zone))
        sections, keys = page.sections(figures), page.keys(figures)
    except UnavailableError as error:
        return operator_page("insights/page.html", 503, **values | {"clients": []}, is_empty=False, failure=str(error))
    values |= {"keys": keys, "sections": sections, "limits": tuple(figures.limits), "failure": ""}
    is_empty = all(each.plot.is_empty for each in sections)
    return operator_page("insights/page.html", 400 if filters.problems else 200, **values, is_empty=is_empty)


def _filters() -> Filters:
    found = services()
    return Filters.read(request.args, found.today)


def _figures(stored: StoredRecords, filters: Filters) -> Figures:
    found = services()
    return Figures(stored.database, filters, found.settings.time_zone, found.assessor.library.policies)
