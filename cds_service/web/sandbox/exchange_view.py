"""A request and its response as text: JSON to read and copy, a curl line, and what an error means."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cds_service.http.services import services
from cds_service.web.sandbox.hook_calls import Exchange
from fhir_mappings.fhir_json import Json, dumps

_FHIR_TOKEN = "$FHIR_TOKEN"  # noqa: S105  (the name of a variable)
_TO_DO = {
    400: ("The service does not accept the request", "Correct what is named here in the orders, and sign again."),
    401: ("The service refused the sandbox's own token", "Ask the operator: the log of the service has the reason."),
    404: ("The service is not offered", "Choose the plain services, or ask the operator to answer for a payer."),
    412: ("The chart could not be read", "Check the FHIR server, its token, and the patient, then sign again."),
    413: ("The request is too large", "Remove some orders."),
    422: ("The order breaks a rule of Da Vinci CRD", "Correct what is named here in the orders, and sign again."),
    503: ("The service cannot answer now", "Wait a few seconds, then sign again."),
}
_LONGEST_LINE = 10_000
"""How many characters of a request stand in the curl line itself; a longer one has to come from a file."""
_LONGEST_SHOWN = 15_000
"""How many characters of a request or a response a page shows."""
_ANY_ERROR = ("The service failed", "Sign again. If it fails again, give the operator the time of this call.")


@dataclass(frozen=True, slots=True)
class Trouble:
    """An error in words: what happened, what to do, and each issue of the OperationOutcome with its place."""

    title: str
    to_do: str
    issues: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ExchangeView:
    """The request and the response as JSON, without tokens and cut if long, and the line that repeats the request."""

    request: str
    response: str
    curl: str


def exchange_view(exchange: Exchange) -> ExchangeView:
    """Return an exchange with the FHIR server's token replaced by `$FHIR_TOKEN`."""
    sent = _without_token(exchange.request)
    has_body = exchange.response is not None
    return ExchangeView(
        request=_cut(dumps(sent, indent=1)),
        response=_cut(dumps(exchange.response, indent=1)) if has_body else "",
        curl=_curl(exchange.path, dumps(sent)),
    )


def _cut(text: str) -> str:
    """Return a text as a page shows it, cut with a remark if it is very long."""
    if len(text) <= _LONGEST_SHOWN:
        return text
    return f"{text[:_LONGEST_SHOWN]}\n… cut here, of {len(text):,} characters"


def trouble(exchange: Exchange) -> Trouble | None:
    """Return what went wrong with an exchange; None if nothing did."""
    status = exchange.status
    if status == 200:
        return None
    title, to_do = _TO_DO.get(status, _ANY_ERROR)
    body = exchange.response
    issues = body.get("issue", ()) if isinstance(body, Mapping) else ()
    return Trouble(f"{title} ({status})", to_do, tuple(str(each["diagnostics"]) for each in issues))


def _without_token(request: Json) -> Json:
    sent: dict[str, Any] = dict(request)
    if "fhirAuthorization" in sent:
        sent["fhirAuthorization"] = {**sent["fhirAuthorization"], "access_token": _FHIR_TOKEN}
    return sent


def _curl(path: str, body: str) -> str:
    """Return the command for a shell, in which the variables hold the tokens."""
    found = services()
    lines = [f"curl -s {shlex.quote(found.settings.public_url.rstrip('/') + path)}"]
    if found.authenticator is not None:
        lines.append('-H "Authorization: Bearer $TOKEN"')
    lines.append("-H 'Content-Type: application/json'")
    if len(body) > _LONGEST_LINE:
        lines.append("-d @request.json  # too long for a line: send fewer orders to see it whole")
    else:
        lines.append(f"-d {shlex.quote(body)}".replace(_FHIR_TOKEN, f"'\"{_FHIR_TOKEN}\"'"))
    return " \\\n  ".join(lines)
