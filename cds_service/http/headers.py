"""The headers of every answer: who may read it in a browser, and what a browser must not do with it."""

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
"""The header that names a call as the log does."""


def allow_browsers(app: Flask, settings: Settings) -> None:
    """CORS on every route, errors and preflights included (CDS Hooks 2.0.1, CORS); never with credentials."""
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
    )


def protect(app: Flask, settings: Settings) -> None:
    """Constant headers for a service that answers JSON and nothing else; nothing is kept in a cache."""
    is_https = settings.public_url.startswith("https://")
    headers = Secure(
        cache=CacheControl().no_store(),
        csp=ContentSecurityPolicy().default_src("'none'").frame_ancestors("'none'"),
        corp=CrossOriginResourcePolicy().same_origin(),
        referrer=ReferrerPolicy().no_referrer(),
        xcto=XContentTypeOptions().nosniff(),
        hsts=StrictTransportSecurity().max_age(31_536_000) if is_https else None,
    )

    @app.after_request
    def add(response: Response) -> Response:
        headers.set_headers(response)
        return response
