"""JSON request bodies and responses, digit for digit."""

from flask import Response, request

from cds_service.hooks.errors import STATUS_ISSUES, Issue, RefusedError
from cds_service.http.request_body import read_body
from fhir_mappings.fhir_json import Json, encoded


def json_body() -> Json:
    """Return the JSON document in the body of the current request.

    Raise RefusedError: 415 for another content type or a compressed body, 413 for one that is too large, and what
    `read_body` raises.
    """
    if not request.is_json:
        raise RefusedError(415, STATUS_ISSUES[415])
    if request.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
        plain = Issue("not-supported", "Send the body as it is, without Content-Encoding.", "Content-Encoding")
        raise RefusedError(415, plain, headers={"Accept-Encoding": "identity"})
    body = request.get_data(cache=False)
    if request.content_length is None and len(body) >= (request.max_content_length or 0):
        raise RefusedError(413, STATUS_ISSUES[413])  # werkzeug silently truncates a body of unknown length
    if len(body) < (request.content_length or 0):
        raise RefusedError(400, Issue("structure", "The body is shorter than its Content-Length.", "Content-Length"))
    return read_body(body)


def json_response(value: Json, status: int = 200) -> Response:
    """Return a JSON response."""
    return Response(encoded(value), status, mimetype="application/json")
