"""HTTP errors for clients, as a FHIR OperationOutcome.

CDS Hooks 2.0.1 names only the status 412; the body follows CDS Hooks 3.0 and Da Vinci CRD (hook-9, hook-10).
No message quotes a value of the request: it names a path and says what to send there.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from coverage_policies.format.schema_errors import Fault, FaultKind

_CODES = {FaultKind.MISSING: "required", FaultKind.TYPE: "structure"}
MOST_ISSUES = 20
"""How many faults of a request one error names."""


@dataclass(frozen=True, slots=True)
class Issue:
    """One thing to say: a code of FHIR's IssueType, a message, and the path in the request, if any.

    `severity` is `error`, or `warning` or `information` beside an answer.
    """

    code: str
    diagnostics: str
    expression: str = ""
    severity: str = "error"

    def as_json(self) -> dict[str, object]:
        """Return the issue of an OperationOutcome."""
        found: dict[str, object] = {"severity": self.severity, "code": self.code, "diagnostics": self.diagnostics}
        if self.expression:
            found["expression"] = [self.expression]
        return found


def issue_of(fault: Fault) -> Issue:
    """Return the issue that names the path of a fault and what to send there."""
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in fault.path).lstrip(".")
    what = "is required" if fault.kind is FaultKind.MISSING else "is not valid"
    return Issue(_CODES.get(fault.kind, "value"), f"{path or 'The request'} {what}. {fault.wanted}", path)


class RefusedError(Exception):
    """A call that gets an HTTP error, with at least one issue; `headers` are those of the response."""

    def __init__(self, status: int, *issues: Issue, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status)
        self.status = status
        self.issues = issues
        self.headers = dict(headers or {})


def operation_outcome(issues: Iterable[Issue]) -> dict[str, object]:
    """Return the FHIR OperationOutcome with these issues."""
    return {"resourceType": "OperationOutcome", "issue": [issue.as_json() for issue in issues]}


STATUS_ISSUES = {
    400: Issue("invalid", "The request cannot be read. Send a CDS Hooks request as JSON."),
    404: Issue(
        "not-found",
        "Nothing is at this address. GET /cds-services lists the services, GET /fhir/metadata what is below /fhir.",
    ),
    405: Issue("not-supported", "This address does not take this method. The header Allow names those that it takes."),
    408: Issue("timeout", "The request did not arrive in time. Send it again, headers and body at once."),
    412: Issue(
        "incomplete",
        "The service could not read any patient data: the prefetch was not usable and no FHIR query succeeded. "
        "Send the prefetch that discovery asks for, or fhirServer with a token that can read it.",
    ),
    413: Issue("too-long", "The request is too large. Send less prefetch."),
    415: Issue("not-supported", "Send the request as JSON, with Content-Type: application/json."),
    414: Issue("too-long", "The address is too long. GET /cds-services lists the services and their ids."),
    417: Issue("not-supported", "The expectation cannot be met. Send no Expect header, or 100-continue."),
    431: Issue("too-long", "The headers are too large. Send fewer or shorter ones."),
    500: Issue("exception", "The service failed. Its log has the cause under the X-Request-Id of this response."),
    501: Issue("not-supported", "The Transfer-Encoding is not supported. Send chunked, or a Content-Length."),
    503: Issue("transient", "The service cannot store decisions at the moment, so it makes none. Try again."),
}
"""The issue of an error of which only the HTTP status is known."""
