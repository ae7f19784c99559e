"""Who is at the browser: the operator of a request, and the check before every page for operators."""

from collections.abc import Collection
from http import HTTPStatus
from urllib.parse import quote, urlencode, urlsplit

from flask import Flask, Response, g, request

from cds_service.http.services import services
from cds_service.login.errors import LoginError, sessions_unavailable
from cds_service.login.login import PATH
from cds_service.login.sessions import Operator
from cds_service.records.database import UnavailableError
from cds_service.web.site import site

COOKIE = "__Host-cds-operator"
"""The cookie of a signed-in operator."""
_OWN = ("same-origin", "none")
_READING = ("GET", "HEAD")


def operator() -> Operator | None:
    """Return the operator of the current request; None if nobody is signed in, or if there are no pages for operators.

    In the demonstration and for developers, where nobody signs in, everybody is the operator. Raise UnavailableError if
    sessions cannot be read.
    """
    found = site()
    if found is None:
        return None
    if found.login is None:
        return Operator()
    if "operator" not in g:
        g.operator = None  # where reading fails, for the page that says so: it does not wait for the database again
        g.operator = found.login.operator(request.cookies.get(COOKIE, ""))
    signed_in: Operator | None = g.operator
    return signed_in


def known_operator() -> Operator | None:
    """Return the operator of the current request; None also where sessions cannot be read now.

    For pages that everybody may open: what they show then is for everybody.
    """
    try:
        return operator()
    except UnavailableError:
        return None


def protect_pages(app: Flask, pages: Collection[str]) -> None:
    """Open these blueprints to operators only, and only to requests that a page of this service or the user makes."""

    @app.before_request
    def check() -> Response | None:
        if request.blueprint not in pages:
            return None
        check_origin()
        return require_operator()


def require_operator() -> Response | None:
    """Return None for an operator, else the way to the login.

    Raise LoginError where a form would lose its content, and where sessions cannot be read now.
    """
    try:
        if operator() is not None:
            return None
    except UnavailableError:
        raise sessions_unavailable() from None
    if request.method in _READING:
        return login_first()
    raise LoginError(
        HTTPStatus.FORBIDDEN,
        "You are signed out",
        "Your session has ended, and nothing was sent.",
        "Sign in again in another tab. Then come back here, and press the button again.",
    )


def check_origin() -> None:
    """Raise LoginError for a request that another web site makes: a form it posts, or a page it reads or embeds.

    A link from another site may lead here. Browsers say who asks in Sec-Fetch-Site, older ones in Origin.
    """
    sender = request.headers.get("Sec-Fetch-Site")
    if sender is None:
        is_own = request.headers.get("Origin", _public_origin()) == _public_origin()
    else:
        is_link = request.method in _READING and request.headers.get("Sec-Fetch-Mode") == "navigate"
        is_own = sender in _OWN or is_link
    if not is_own:
        raise LoginError(
            HTTPStatus.FORBIDDEN,
            "Another web site sent this request",
            "These pages only take what you send from them, so nothing was done.",
            "Open the page, and press the button there.",
        )


def login_first() -> Response:
    """Return the way to the login, and back to the current page."""
    query = request.query_string.decode("latin-1")
    back = quote(request.path) + (f"?{query}" if query else "")
    return redirect_to(f"{PATH}?{urlencode({'back': back})}")


def redirect_to(path: str) -> Response:
    """Return a redirect to a path of this service, at its public address: its cookies belong to that host."""
    address = services().settings.public_url.rstrip("/") + path
    return Response(status=HTTPStatus.SEE_OTHER, headers={"Location": address, "Cache-Control": "no-store"})


def _public_origin() -> str:
    parts = urlsplit(services().settings.public_url)
    return f"{parts.scheme}://{parts.netloc}"
