"""Render the HTML of a page, with a Content-Security-Policy that allows its own style sheet and nothing else."""

import hashlib
from base64 import b64encode
from collections.abc import Sequence
from importlib import resources

from flask import Response
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

_CSS = resources.files(__package__).joinpath("templates", "pages.css").read_text(encoding="utf-8")
_CSS_HASH = b64encode(hashlib.sha256(_CSS.encode()).digest()).decode()
_ENVIRONMENT = Environment(
    loader=PackageLoader("cds_service.web"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_ENVIRONMENT.globals["css"] = Markup(_CSS)  # noqa: S704 (our own style sheet)


def html_page(template: str, **values: object) -> Response:
    """Return a page without forms, which no other page may show in a frame; the template escapes every value."""
    return _page(template, 200, values, forms="'none'", ancestors="'none'")


def patient_page(template: str, status: int, frame_ancestors: Sequence[str], **values: object) -> Response:
    """Return a page about a patient: browsers do not store it, and its forms go to this service alone.

    `frame_ancestors` are the web origins whose pages may show it in a frame.
    """
    response = _page(template, status, values, forms="'self'", ancestors=" ".join(frame_ancestors) or "'none'")
    response.headers["Cache-Control"] = "no-store"
    return response


def _page(template: str, status: int, values: dict[str, object], *, forms: str, ancestors: str) -> Response:
    html = _ENVIRONMENT.get_template(template).render(values)
    response = Response(
        html.encode("utf-8", "replace"), status, mimetype="text/html"
    )  # a chart may hold lone surrogates
    response.headers["Content-Security-Policy"] = (
        f"default-src 'none'; style-src 'sha256-{_CSS_HASH}'; base-uri 'none'; form-action {forms}; "
        f"frame-ancestors {ancestors}"
    )
    return response
