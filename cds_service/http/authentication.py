"""The check of tokens in front of every route but a few, for the Flask application."""

import re

from flask import Flask, Response, g, request

from cds_service.clients.authenticator import Authenticator, InvalidTokenError, Principal
from cds_service.clients.registry import Client
from cds_service.observability.call_log import Call, CallLog
from cds_service.observability.metrics import Metrics

_OPEN = re.compile(r"/health/[a-z]+\Z|/metrics\Z")
_FEEDBACK = re.compile(r"(/cds-services/[^/]+)/feedback\Z")


def require_tokens(app: Flask, authenticator: Authenticator, public_url: str, log: CallLog, metrics: Metrics) -> None:
    """Answer 401 to every request without a token that holds, whether or not there is anything at its address.

    Health routes and metrics are open, and preflights, which browsers send without a token.
    """

    @app.before_request
    def check() -> None:
        g.admission = None
        if request.method == "OPTIONS" or _OPEN.match(request.path):
            return
        found = authenticator.authenticate(
            request.headers.get("Authorization", ""), audiences(public_url, request.path)
        )
        g.admission = found
        call: Call = g.call
        call.client, call.tenant, call.jti = found.client.name, found.tenant, found.jti

    @app.errorhandler(InvalidTokenError)
    def refused(error: InvalidTokenError) -> Response:
        said = {"iss": error.issuer, "tenant": error.tenant, "jti": error.jti}
        metrics.refused(error.reason)
        log.warn("token refused", call=g.call.id, reason=error.reason, **said)
        response = Response(status=401, headers={"WWW-Authenticate": "Bearer"})
        del response.headers["Content-Type"]
        return response


def client_of_request() -> Client | None:
    """Who sent the current request; None where anyone may call."""
    admission: Principal | None = g.get("admission")
    return admission.client if admission else None


def audiences(public_url: str, path: str) -> frozenset[str]:
    """What a token for this path may have as `aud`: its public address, and for feedback that of the service too.

    A slash at the end makes no difference. The standard leaves open which of the two feedback goes by.
    """
    paths = [path.rstrip("/")]
    if match := _FEEDBACK.match(paths[0]):
        paths.append(match[1])
    return frozenset(public_url.rstrip("/") + each + end for each in paths for end in ("", "/"))
