"""What the policy pages share: pages for anyone or for operators, and that for what is not installed."""

from flask import Response

from cds_service.web.pages import html_page, operator_page
from cds_service.web.policies.visibility import revisions_of, signed_in


def shown_page(template: str, status: int = 200, **values: object) -> Response:
    """Return a page; what a signed-in operator sees is not stored by browsers."""
    page = operator_page if signed_in() else html_page
    return page(template, status, **values)


def missing_page(name: str) -> Response:
    """Return the page for what is not installed, with the revisions that there are of the policy."""
    return shown_page("policies/missing.html", 404, revisions=revisions_of(name.partition("@")[0]))
