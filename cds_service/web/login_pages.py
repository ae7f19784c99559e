"""The routes of the login: to the identity provider, back from it, and out."""

from flask import Blueprint, Response, request

from cds_service.hooks.errors import STATUS_ISSUES, RefusedError
from cds_service.http.services import services
from cds_service.login.errors import LoginError, sessions_unavailable
from cds_service.login.login import PATH, Login
from cds_service.records.database import UnavailableError
from cds_service.web.login import COOKIE, check_origin, redirect_to
from cds_service.web.pages import operator_page
from cds_service.web.site import site

login_pages = Blueprint("login_pages", __name__, url_prefix=PATH)

_PENDING_COOKIE = "__Host-cds-login"
_SCRIPT_MARK = "HX-Request"

login_pages.before_request(check_origin)


@login_pages.get("")
def begin() -> Response:
    """Send the browser to the identity provider; `?back=` is the page to come back to."""
    address, cookie = _login().begin(request.args.get("back", ""))
    response = Response(status=303, headers={"Location": address, "Cache-Control": "no-store"})
    _set_cookie(response, _PENDING_COOKIE, cookie)
    return response


@login_pages.get("/callback")
def complete() -> Response:
    """Take the authorization code, begin the session, and go back to the page that was asked for."""
    sent = {name: request.args.get(name, "") for name in ("state", "code", "error", "iss")}
    signed_in = _login().complete(request.cookies.get(_PENDING_COOKIE, ""), **sent)
    services().log.info("operator signed in", subject=signed_in.operator.subject)
    response = redirect_to(signed_in.back)
    _delete_cookie(response, _PENDING_COOKIE)
    _set_cookie(response, COOKIE, signed_in.cookie)
    return response


@login_pages.post("/sign-out")
def sign_out() -> Response:
    """End the session, and say so."""
    provider = _login().sign_out(request.cookies.get(COOKIE, ""))
    response = operator_page("login/signed_out.html", provider=provider)
    _delete_cookie(response, COOKIE)
    return response


@login_pages.errorhandler(UnavailableError)
def say_unavailable(_error: UnavailableError) -> Response:
    """Answer the page that says so where the database fails in the middle of a login."""
    return explain(sessions_unavailable())


def explain(error: LoginError) -> Response:
    """Answer the page that says why there is no login.

    A script gets the message alone, and puts it before what it wanted to replace: a form keeps what is in it.
    """
    services().log.info("login refused", reason=error.title, detail=error.says)
    is_part = request.headers.get(_SCRIPT_MARK) == "true"
    template = "login/message.html" if is_part else "login/refused.html"
    response = operator_page(template, error.status, error=error)
    if is_part:
        response.headers["HX-Reswap"] = "afterbegin"
    return response


def _login() -> Login:
    found = site()
    if found is None or found.login is None:
        raise RefusedError(404, STATUS_ISSUES[404])
    return found.login


def _set_cookie(response: Response, name: str, value: str) -> None:
    response.set_cookie(name, value, path="/", secure=True, httponly=True, samesite="Lax")


def _delete_cookie(response: Response, name: str) -> None:
    response.delete_cookie(name, path="/", secure=True, httponly=True, samesite="Lax")
