"""The HTTP responses of a FHIR server: a resource, or an OperationOutcome that says what went wrong."""

from flask import Response

from fhir_mappings.fhir_json import FHIR_JSON, Json, encoded

_ISSUE = {
    400: "invalid",
    401: "login",
    403: "forbidden",
    404: "not-found",
    405: "not-supported",
    412: "conflict",
    413: "too-long",
    415: "not-supported",
    422: "invalid",
    507: "no-store",
}


def fhir_response(body: Json, status: int = 200) -> Response:
    """Return a resource as `application/fhir+json`."""
    return Response(encoded(body), status, mimetype=FHIR_JSON)


def outcome_response(status: int, what: str) -> Response:
    """Return an OperationOutcome with one error."""
    issue = {"severity": "error", "code": _ISSUE.get(status, "processing"), "diagnostics": what}
    return fhir_response({"resourceType": "OperationOutcome", "issue": [issue]}, status)
