"""Render the HTML of a page, with a Content-Security-Policy that allows our own files and nothing else."""

from collections.abc import Sequence

from flask import Response, request
from jinja2 import Environment, PackageLoader, StrictUndefined

from cards.phrasing import chart_words
from cds_service.web.login import known_operator
from cds_service.web.site import site
from cds_service.web.static_files import VERSIONS

_ENVIRONMENT = Environment(
    loader=PackageLoader("cds_service.web"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_NONE, _SELF = "'none'", "'self'"


def _root() -> str:
    """Return the way from the address of the current page up to that of the service, which a proxy may move."""
    return "../" * (request.path.count("/") - 1)


def _static(name: str) -> str:
    """Return the address of a file of ours, as seen from the current page."""
    return f"{_root()}static/{name}?{VERSIONS[name]}"


def _here() -> str:
    """Return the first part of the address of the current page, which the navigation marks."""
    return request.path.split("/")[1]


_ENVIRONMENT.filters["us_dates"] = chart_words
_ENVIRONMENT.globals.update(root=_root, static=_static, here=_here, site=site, operator=known_operator)


def html_page(template: str, status: int = 200, **values: object) -> Response:
    """Return a page that anyone may read; its forms go to this service alone, and no page may show it in a frame.

    The template escapes every value.
    """
    return _page(template, status, values, forms=_SELF, ancestors=_NONE)


def patient_page(template: str, status: int, frame_ancestors: Sequence[str], **values: object) -> Response:
    """Return a page about a patient: browsers do not store it, and its forms go to this service alone.

    `frame_ancestors` are the web origins whose pages may show it in a frame.
    """
    response = _page(template, status, values, forms=_SELF, ancestors=" ".join(frame_ancestors) or _NONE)
    response.headers["Cache-Control"] = "no-store"
    return response


def operator_page(template: str, status: int = 200, **values: object) -> Response:
    """Return a page for operators, or a part of one: not stored by browsers, with forms and our own scripts."""
    response = _page(template, status, values, forms=_SELF, ancestors=_NONE, scripts=_SELF)
    response.headers["Cache-Control"] = "no-store"
    return response


def _page(
    template: str, status: int, values: dict[str, object], *, forms: str, ancestors: str, scripts: str = _NONE
) -> Response:
    html = _ENVIRONMENT.get_template(template).render(values)
    response = Response(
        html.encode("utf-8", "replace"), status, mimetype="text/html"
    )  # a chart may hold lone surrogates
    response.headers["Content-Security-Policy"] = (
        f"default-src 'none'; style-src 'self'; img-src 'self'; script-src {scripts}; connect-src {scripts}; "
        f"base-uri 'none'; form-action {forms}; frame-ancestors {ancestors}"
    )
    return response
