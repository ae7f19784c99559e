"""Token authentication for all routes except a few public ones."""

import re

from flask import Flask, Response, g, request

from cds_service.clients.access_tokens import is_access_token
from cds_service.clients.authenticator import Authenticator, Principal
from cds_service.clients.registry import Client
from cds_service.clients.scopes import allows, is_operation, needed_scope
from cds_service.clients.signed_tokens import WRONG_AUDIENCE, InvalidTokenError, bearer_token
from cds_service.clients.token_requests import TokenEndpoint
from cds_service.crd.services import CRD_SERVICES
from cds_service.hooks.errors import Issue, RefusedError
from cds_service.hooks.hooks import SERVICES
from cds_service.http.services import services
from cds_service.observability.call_log import Call
from cds_service.settings import Settings

TEST_CALL = "cds_service.test_call"
"""Where a call of the sandbox has its Client in the WSGI environment."""
_SERVICE_IDS = tuple(service.id for service in (*SERVICES, *CRD_SERVICES))
_OPEN = re.compile(
    r"/health/[a-z]+\Z|/metrics\Z|/smart/[a-z]+\Z|/auth/token/?\Z"
    r"|/fhir/(metadata|\.well-known/smart-configuration)/?\Z|(/payers/[^/]+)?/\.well-known/davinci-configuration/?\Z"
)
_PUBLISHED = re.compile(r"/fhir/(Questionnaire|ValueSet)(/[^/$][^/]*)?/?\Z")
_FHIR = "/fhir/"
_READS = ("GET", "HEAD")
_LICENSED = re.compile(r"/fhir/ValueSet(/|\Z)")
_FEEDBACK = re.compile(r"(/cds-services/[^/]+)/feedback\Z")


def require_tokens(app: Flask) -> None:
    """Answer 401 to every request without a valid token, whether or not its address exists.

    Health routes, metrics, what says how to get access, and preflight requests, which browsers send without a token,
    are public. So are the policy pages and the files of the pages, and the forms and value sets if the operator
    publishes them. Pages for operators have a login of their own. Without an authenticator anyone may call.
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
    if request.method == "OPTIONS" or is_page or _is_open(request.method, request.path, found.settings):
        return
    if request.path.startswith(_FHIR) and found.token_endpoint is not None:
        principal = _of_fhir_call(found.authenticator, found.token_endpoint, found.settings)
    else:
        principal = _of_signed_call(found.authenticator, found.settings)
    if principal.client.is_sandbox and tester is None:
        raise InvalidTokenError("the test client calls from inside the service only", issuer=principal.client.issuer)
    _note(principal)
    if principal.scopes is not None:
        _check_scope(principal.scopes)


def _of_signed_call(authenticator: Authenticator, settings: Settings) -> Principal:
    """Return the client that signed the current request itself (CDS Hooks 2.0.1). Raise InvalidTokenError."""
    expected = audiences(settings.public_url, request.path)
    return authenticator.authenticate(request.headers.get("Authorization", ""), expected)


def _of_fhir_call(authenticator: Authenticator, endpoint: TokenEndpoint, settings: Settings) -> Principal:
    """Return the client of the current request below the FHIR base. Raise InvalidTokenError.

    It has an access token, which operations need, or for what only reads a token that it signed itself.
    """
    authorization = request.headers.get("Authorization", "")
    is_read = request.method in _READS and not is_operation(request.path)
    if is_read and not (authorization and is_access_token(bearer_token(authorization))):
        return _of_signed_call(authenticator, settings)
    return endpoint.tokens.check(bearer_token(authorization))


def _check_scope(scopes: tuple[str, ...]) -> None:
    """Raise RefusedError (403) unless the scopes of an access token include what the current request needs."""
    needed = needed_scope(request.method, request.path)
    if not allows(scopes, needed):
        header = f'Bearer error="insufficient_scope", scope="{needed}"'
        says = f"The access token does not have the scope {needed}. Ask for it at the token endpoint."
        raise RefusedError(403, Issue("forbidden", says), headers={"WWW-Authenticate": header})


def _note(principal: Principal) -> None:
    g.principal = principal
    call: Call = g.call
    call.client, call.tenant, call.jti = principal.client.name, principal.tenant, principal.jti


def _is_open(method: str, path: str, settings: Settings) -> bool:
    """Return whether no token is checked for a request.

    With a token a client sees more of the value sets than anybody may, so one that is sent there is checked.
    """
    if _OPEN.match(path):
        return True
    is_public = settings.public_policies and method in _READS and _PUBLISHED.match(path)
    return bool(is_public) and not ("Authorization" in request.headers and _LICENSED.match(path))


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
