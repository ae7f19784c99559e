"""Responses of the FHIR base: a resource, a search, and a resource that is not there (FHIR R4, RESTful API)."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from flask import Response, request

from cds_service.hooks.errors import Issue, RefusedError
from cds_service.http.json_body import json_response
from cds_service.http.services import services
from fhir_mappings.fhir_json import FHIR_JSON

_PARAMETERS = ("url", "version")


@dataclass(frozen=True, slots=True)
class Published:
    """A resource with a canonical, made by `resource` when it is needed, and its version by `version`."""

    id: str
    url: str
    version: Callable[[], str]
    resource: Callable[[], dict[str, Any]]

    def has(self, parameter: str, value: str) -> bool:
        """Return whether it has this `version`, or this `url`, which may name its version too."""
        if parameter == "version":
            return value == self.version()
        url, separator, version = value.partition("|")
        return url == self.url and (not separator or version == self.version())


def fhir_response(resource: dict[str, Any], status: int = 200) -> Response:
    """Return the response with the result of an operation, which no client may keep."""
    response = json_response(resource, status)
    response.mimetype = FHIR_JSON
    response.headers["Cache-Control"] = "no-store"
    return response


def resource_response(resource: dict[str, Any]) -> Response:
    """Return the response with a resource; 304 if the client has it already."""
    response = fhir_response(resource)
    response.headers["Cache-Control"] = "private, no-cache"
    response.add_etag(weak=True)
    response.make_conditional(request)
    return response


def search_response(resource_type: str, installed: Iterable[Published], left_out: str = "") -> Response:
    """Return a Bundle of the resources with the `url` and `version` of the current request; of all without either.

    A search parameter that is not known is ignored, as FHIR recommends; the `self` link has those that were used.
    `left_out` says what the client may not see, in an OperationOutcome.
    """
    used = [(name, value) for name in _PARAMETERS for value in request.args.getlist(name) if value]
    base = f"{services().settings.public_url.rstrip('/')}/fhir/{resource_type}"
    entries: list[dict[str, Any]] = [
        {"fullUrl": f"{base}/{each.id}", "resource": each.resource(), "search": {"mode": "match"}}
        for each in sorted(installed, key=lambda each: each.id)
        if all(each.has(name, value) for name, value in used)
    ]
    total = len(entries)
    if left_out:
        issue = {"severity": "information", "code": "suppressed", "diagnostics": left_out}
        outcome = {"resourceType": "OperationOutcome", "issue": [issue]}
        entries.append({"resource": outcome, "search": {"mode": "outcome"}})
    link = {"relation": "self", "url": f"{base}?{urlencode(used)}" if used else base}
    bundle = {"resourceType": "Bundle", "type": "searchset", "total": total, "link": [link]}
    return resource_response({**bundle, "entry": entries} if entries else bundle)


def not_found(says: str, place: str = "") -> RefusedError:
    """Return the refusal (404) of a resource that is not there; `place` is where a call names it, if in its body."""
    return RefusedError(404, Issue("not-found", says, place))
