"""Token authentication for all routes except a few public ones."""

import re

from flask import Flask, Response, g, request

from cds_service.clients.authenticator import WRONG_AUDIENCE, InvalidTokenError, Principal
from cds_service.clients.registry import Client
from cds_service.crd.services import CRD_SERVICES
from cds_service.hooks.hooks import SERVICES
from cds_service.http.services import services
from cds_service.observability.call_log import Call
from cds_service.settings import Settings

TEST_CALL = "cds_service.test_call"
"""Where a call of the sandbox has its Client in the WSGI environment."""
_SERVICE_IDS = tuple(service.id for service in (*SERVICES, *CRD_SERVICES))
_OPEN = re.compile(r"/health/[a-z]+\Z|/metrics\Z|/smart/[a-z]+\Z")
_PUBLISHED = re.compile(r"/policies(/[^/]*)?/?\Z|/fhir/(metadata|Questionnaire(/[^/]*)?)/?\Z")
_FEEDBACK = re.compile(r"(/cds-services/[^/]+)/feedback\Z")


def require_tokens(app: Flask) -> None:
    """Answer 401 to every request without a valid token, whether or not its address exists.

    Health routes, metrics, and preflight requests, which browsers send without a token, are public. So are the policy
    pages and the forms if the operator publishes them, and the files of the pages. Pages for operators have a login of
    their own. Without an authenticator anyone may call.
    """
    app.before_request(check_token)
    app.register_error_handler(InvalidTokenError, answer_invalid_token)


def check_token() -> None:
    """Authenticate the current request.

    A test call names its client in the WSGI environment, where no HTTP request can put anything of that name. Where
    clients need tokens it needs one, too, and nobody else can use a token of the test client.
    """
    g.principal = None
    found = services()
    tester: Client | None = request.environ.get(TEST_CALL)
    if found.authenticator is None:
        if tester is not None:
            _note(Principal(tester, tenant="", jti=""))
        return
    is_page = request.blueprint in found.browser_pages
    if request.method == "OPTIONS" or is_page or _is_open(request.path, found.settings):
        return
    expected = audiences(found.settings.public_url, request.path)
    principal = found.authenticator.authenticate(request.headers.get("Authorization", ""), expected)
    if principal.client.is_sandbox and tester is None:
        raise InvalidTokenError("the test client calls from inside the service only", issuer=principal.client.issuer)
    _note(principal)


def _note(principal: Principal) -> None:
    g.principal = principal
    call: Call = g.call
    call.client, call.tenant, call.jti = principal.client.name, principal.tenant, principal.jti


def _is_open(path: str, settings: Settings) -> bool:
    """Return whether a path needs no token."""
    return bool(_OPEN.match(path) or (settings.public_policies and _PUBLISHED.match(path)))


def answer_invalid_token(error: InvalidTokenError) -> Response:
    """Answer 401 without a body; the log has the reason, and for one of our addresses the `aud` that it needs."""
    found = services()
    details = {"iss": error.issuer, "tenant": error.tenant, "jti": error.jti}
    if error.reason == WRONG_AUDIENCE and request.url_rule is not None and _is_ours(request.path):
        details["expected_aud"] = found.settings.public_url.rstrip("/") + request.path.rstrip("/")
    found.metrics.count_rejected_token(error.reason)
    found.log.warning("token refused", reason=error.reason, **details)
    response = Response(status=401, headers={"WWW-Authenticate": "Bearer"})
    del response.headers["Content-Type"]
    return response


def _is_ours(path: str) -> bool:
    """Return whether a path has no part that a call could choose."""
    return path.strip("/").removesuffix("/feedback").removeprefix("cds-services/") in ("cds-services", *_SERVICE_IDS)


def client_of_request() -> Client | None:
    """Return the client of the current request; None if the service allows unauthenticated calls."""
    principal: Principal | None = g.get("principal")
    return principal.client if principal else None


def audiences(public_url: str, path: str) -> frozenset[str]:
    """Return the accepted `aud` values for a path: its public address, and for feedback also that of its service.

    Below the FHIR base that is accepted, too. A trailing slash makes no difference. The standard does not say which of
    the two addresses feedback uses.
    """
    paths = [path.rstrip("/")]
    if match := _FEEDBACK.match(paths[0]):
        paths.append(match[1])
    if path.startswith("/fhir/"):
        paths.append("/fhir")
    return frozenset(public_url.rstrip("/") + each + end for each in paths for end in ("", "/"))
