"""The page with every component of the pages, for those who work on them."""

from flask import Blueprint, Response

from cds_service.web.insights.plots import Series, columns, lines, rows
from cds_service.web.insights.tables import Table
from cds_service.web.pages import operator_page

style_guide = Blueprint("style_guide", __name__)

_DAYS = ("Mar 02", "Mar 03", "Mar 04", "Mar 05", "Mar 06")
_STATUSES = (
    Series("plot-good", "met", (12, 18, 9, 22, 14)),
    Series("plot-bad", "not met", (3, 5, 2, 6, 4)),
    Series("plot-open", "unknown", (7, 8, 11, 5, 6)),
)
_MILLISECONDS = (
    Series("plot-1", "median", (31, 33, 0, 35, 30)),
    Series("plot-bad", "95th percentile", (80, 88, 0, 92, 85)),
)
_PLOTS = (
    columns("example-columns", "Columns over time", "Numbers by day.", _DAYS, _STATUSES),
    lines("example-lines", "Lines over time", "Milliseconds by day; none on one of them.", _DAYS, _MILLISECONDS),
    rows("example-rows", "Rows by name", "Numbers by name.", ("II.A", "II.B", "II.C", "II.D", "II.E"), _STATUSES),
)
_TABLE = Table("calls", "Calls", ("Day", "Calls"), (("2026-03-02", 22), ("2026-03-03", 31)), 1)


@style_guide.get("/styleguide")
def show() -> Response:
    """Answer the page."""
    return operator_page("styleguide.html", plots=_PLOTS, table=_TABLE)
