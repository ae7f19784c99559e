"""Response headers: CORS and browser security."""

from flask import Flask, Response
from flask_cors import CORS
from secure import Secure
from secure.headers import (
    CacheControl,
    ContentSecurityPolicy,
    CrossOriginResourcePolicy,
    ReferrerPolicy,
    StrictTransportSecurity,
    XContentTypeOptions,
)

from cds_service.settings import Settings

CALL_ID = "X-Request-Id"
"""The header with the call id that the log has."""
_OWN = ("Content-Security-Policy", "Cache-Control")
"""The headers that a route may set for its own answers."""


def allow_browsers(app: Flask, settings: Settings) -> None:
    """Enable CORS without credentials on every route, including errors and preflights (CDS Hooks 2.0.1, CORS).

    A page of an allowed origin may call a service in a private network or on this machine (Private Network Access).
    """
    CORS(
        app,
        origins=list(settings.cors_origins),
        methods=["GET", "POST", "OPTIONS"],
        allow_headers=["Authorization", "Content-Type", "Accept"],
        expose_headers=[CALL_ID],
        supports_credentials=False,
        send_wildcard=True,
        always_send=False,
        max_age=600,
        allow_private_network=True,
    )


def protect(app: Flask, settings: Settings) -> None:
    """Add constant security headers for answers in JSON; disable caching. A route may set its own."""
    is_https = settings.public_url.startswith("https://")
    constant = Secure(
        cache=CacheControl().no_store(),
        csp=ContentSecurityPolicy().default_src("'none'").frame_ancestors("'none'"),
        corp=CrossOriginResourcePolicy().same_origin(),
        referrer=ReferrerPolicy().no_referrer(),
        xcto=XContentTypeOptions().nosniff(),
        hsts=StrictTransportSecurity().max_age(31_536_000) if is_https else None,
    ).headers

    @app.after_request
    def add(response: Response) -> Response:
        own = {name: response.headers[name] for name in _OWN if name in response.headers}
        response.headers.update({**constant, **own})
        return response
