"""Requests that never get to a route: the web server cannot read them, or their path has an empty segment.

An error of the web server goes through the application, so that its answer has the body, the headers, and the log line
of any other error.
"""

from flask import Flask, request
from gunicorn.http.errors import ParseException  # type: ignore[import-untyped]
from werkzeug.test import create_environ
from werkzeug.wrappers import Response

from cds_service.hooks.errors import STATUS_ISSUES, RefusedError
from cds_service.settings import Settings

_SERVER_ERROR = "cds_service.server_error"


class SlowRequestError(ParseException):  # type: ignore[misc]
    """A request that has not arrived in time."""


class BodyTooLargeError(ParseException):  # type: ignore[misc]
    """A body in chunks that are larger together than the service accepts."""


def refuse_malformed_requests(app: Flask) -> None:
    """Refuse malformed requests before their tokens are checked."""
    app.before_request(check_request)


def check_request() -> None:
    """Raise the web server's error; raise RefusedError (404) for a path with an empty segment.

    Flask routes `//metrics` like `/metrics`, but a proxy's rule for `/metrics` may not match it.
    """
    error: Exception | None = request.environ.get(_SERVER_ERROR)
    if error is not None:
        raise error
    if "//" in request.environ["PATH_INFO"]:
        raise RefusedError(404, STATUS_ISSUES[404])


def server_error_response(app: Flask, settings: Settings, error: Exception) -> bytes:
    """Return the HTTP response to a request that the web server could not read or answer.

    The origin of the request is not known, so the response allows the first of `CDS_CORS_ORIGINS`.
    """
    environ = create_environ("/", headers={"Origin": settings.cors_origins[0]} if settings.cors_origins else None)
    response = Response.from_app(app, {**environ, _SERVER_ERROR: error}, buffered=True)
    response.headers["Connection"] = "close"
    head = "".join(f"{name}: {value}\r\n" for name, value in response.headers)
    body: bytes = response.data
    return f"HTTP/1.1 {response.status}\r\n{head}\r\n".encode("latin-1") + body
