"""Render the HTML of a page, with a Content-Security-Policy that allows its own style sheet and nothing else."""

import hashlib
from base64 import b64encode
from importlib import resources

from flask import Response
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

_CSS = resources.files(__package__).joinpath("templates", "pages.css").read_text(encoding="utf-8")
_CSS_HASH = b64encode(hashlib.sha256(_CSS.encode()).digest()).decode()
_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_CSS_HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_ENVIRONMENT = Environment(
    loader=PackageLoader("cds_service.web"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_ENVIRONMENT.globals["css"] = Markup(_CSS)  # noqa: S704 (our own style sheet)


def html_page(template: str, **values: object) -> Response:
    """Return a page; the template escapes every value."""
    response = Response(_ENVIRONMENT.get_template(template).render(values), mimetype="text/html")
    response.headers["Content-Security-Policy"] = _POLICY
    return response
