"""The page with every component of the pages, for those who work on them."""

from flask import Blueprint, Response

from cds_service.web.pages import operator_page

style_guide = Blueprint("style_guide", __name__)


@style_guide.get("/styleguide")
def show() -> Response:
    """Answer the page."""
    return operator_page("styleguide.html")
