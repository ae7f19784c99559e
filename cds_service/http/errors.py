"""Error handlers: answer every error with a FHIR OperationOutcome, and log its cause."""

from collections.abc import Iterable

from flask import Flask, Response, g, has_request_context, request
from gunicorn.http.errors import (  # type: ignore[import-untyped]
    ExpectationFailed,
    InvalidResponseHeader,
    InvalidResponseHeaderName,
    LimitRequestHeaders,
    LimitRequestLine,
    ParseException,
    UnsupportedTransferCoding,
)
from werkzeug.exceptions import HTTPException

from cds_service.hooks.errors import STATUS_ISSUES, Issue, RefusedError, operation_outcome
from cds_service.http.json_body import json_response
from cds_service.http.malformed import BodyTooLargeError, SlowRequestError
from cds_service.http.services import services
from cds_service.observability.logging import where
from cds_service.records.database import UnavailableError
from cds_service.records.sealing import UnsealableError
from fhir_mappings.fhir_json import FHIR_JSON

_TRY_AGAIN_SECONDS = "5"
_PARSE_STATUSES = {
    SlowRequestError: 408,
    BodyTooLargeError: 413,
    LimitRequestLine: 414,
    ExpectationFailed: 417,
    LimitRequestHeaders: 431,
    InvalidResponseHeader: 500,
    InvalidResponseHeaderName: 500,
    UnsupportedTransferCoding: 501,
}


def handle_errors(app: Flask) -> None:
    """Register the handlers with an application."""
    app.register_error_handler(RefusedError, answer_refusal)
    app.register_error_handler(HTTPException, answer_http_error)
    app.register_error_handler(ParseException, answer_unreadable_request)
    app.register_error_handler(UnavailableError, answer_unavailable_store)
    app.register_error_handler(UnsealableError, answer_unavailable_store)
    app.register_error_handler(Exception, answer_failure)


def answer_refusal(error: RefusedError) -> Response:
    """Answer a refusal of the service itself, with its issues and headers."""
    response = _outcome(error.issues, error.status)
    response.headers.extend(error.headers)
    return response


def answer_http_error(error: HTTPException) -> Response:
    """Answer an error that Flask raised: an unknown address, another method, or a body that is too large."""
    status = error.code or 500
    issue = STATUS_ISSUES.get(status, STATUS_ISSUES[500 if status >= 500 else 400])
    response = _outcome([issue], status)
    response.headers.extend((name, value) for name, value in error.get_headers() if name == "Allow")
    return response


def answer_unreadable_request(error: Exception) -> Response:
    """Answer a request that gunicorn cannot parse: its first line, its headers, or the chunks of its body.

    gunicorn's message quotes the request, so the log has only the type of the error.
    """
    status = _PARSE_STATUSES.get(type(error), 400)
    services().log.warning("request refused", status=status, reason=type(error).__name__)
    return _outcome([STATUS_ISSUES[status]], status)


def answer_unavailable_store(error: UnavailableError | UnsealableError) -> Response:
    """Answer 503 if the decision could not be stored, or what it rests on could not be read.

    The service gives no decision that is not on record. The log says which key is missing, if it is that.
    """
    services().metrics.count_unavailable()
    g.is_unrecorded = True
    g.call.failure = str(error)
    response = _outcome([STATUS_ISSUES[503]], 503)
    response.headers["Retry-After"] = _TRY_AGAIN_SECONDS
    return response


def answer_failure(error: Exception) -> Response:
    """Answer 500 for an internal error. The log has its location but not its message, which may quote a chart."""
    g.call.failure = where(error)
    return _outcome([STATUS_ISSUES[500]], 500)


def _outcome(issues: Iterable[Issue], status: int) -> Response:
    """Return the response with an OperationOutcome; below the FHIR base it has the content type of FHIR."""
    response = json_response(operation_outcome(issues), status)
    if has_request_context() and request.path.startswith("/fhir/"):
        response.mimetype = FHIR_JSON
    return response
