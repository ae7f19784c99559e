"""The OpenAPI 3.1 document, assembled from the models that validate requests."""

from collections.abc import Sequence
from importlib import resources
from importlib.metadata import version
from typing import Any

from cds_service.crd.request_model import MODELS
from cds_service.hooks.feedback import FeedbackRequest
from cds_service.hooks.hooks import SERVICES, Service
from cds_service.hooks.request_model import call_model
from cds_service.hooks.wire import WireModel, json_schemas
from cds_service.http.openapi_access import accept_access_tokens, payer_paths, token_paths, token_scheme
from cds_service.http.openapi_fhir import REFUSED, fhir_paths
from fhir_mappings.fhir_json import loads

PATH = "/openapi.json"
"""The route of the document."""

_ERRORS = {
    "400": "The request is not a CDS Hooks request; each issue names the path.",
    "404": "No such service.",
    "405": "This address does not support this method.",
    "413": "The body is too large, or has too many orders or objects.",
    "415": "The body is not JSON, or is compressed.",
    "500": "The service failed.",
    "503": "The service cannot store decisions at the moment.",
}
_UNREAD = {"412": "The service could not read any patient data, from prefetch or from the FHIR server."}
_UNPROCESSABLE = {"422": "The request breaks a rule of Da Vinci CRD; each issue names the path."}


def openapi(
    public_url: str, services: Sequence[Service] = SERVICES, *, gives_tokens: bool = False, has_payers: bool = False
) -> dict[str, Any]:
    """Return the document of the service at this public address, with these CDS Services.

    `gives_tokens` is whether it gives access tokens, and `has_payers` whether it answers for payers.
    """
    described: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {
            "title": "CDS coverage policies",
            "version": version("cds-coverage-policies"),
            "description": "A CDS Hooks 2.0.1 service: evaluates orders against payers' medical-necessity policies.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": public_url.rstrip("/")}],
        "paths": {
            "/cds-services": {"get": _get("discover", "The services on offer", "services")},
            **{f"/cds-services/{service.id}": {"post": _call(service)} for service in services},
            **{f"/cds-services/{service.id}/feedback": {"post": _feedback(service)} for service in services},
            **{path: {"get": described} for path, described in _policy_pages().items()},
            **(token_paths() if gives_tokens else {}),
            **(payer_paths() if has_payers else {}),
            **fhir_paths(),
            "/health/live": {"get": _get("live", "Whether the process answers", "status", is_open=True)},
            "/health/ready": {"get": _ready()},
            PATH: {"get": _get("openapi", "This document", "document")},
        },
        "components": {
            "schemas": _answers() | json_schemas([*dict.fromkeys(map(_model, services)), FeedbackRequest]),
            "securitySchemes": {
                **(token_scheme(public_url) if gives_tokens else {}),
                "client": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "The token of a registered client (CDS Hooks 2.0.1, Trusting CDS Clients), if the "
                    "service checks tokens.",
                },
            },
        },
    }
    if gives_tokens:
        accept_access_tokens(described["paths"])
    return described


def _answers() -> dict[str, Any]:
    found: dict[str, Any] = loads(resources.files(__package__).joinpath("schemas", "answers.json").read_bytes())[
        "$defs"
    ]
    return found


def _get(name: str, summary: str, schema: str, *, is_open: bool = False) -> dict[str, Any]:
    """Return the description of a GET."""
    return {
        "operationId": name,
        "summary": summary,
        "responses": {"200": _response(summary, schema), **({} if is_open else REFUSED)},
        **({} if is_open else {"security": [{}, {"client": []}]}),
    }


def _policy_pages() -> dict[str, Any]:
    """Return the descriptions of the policy pages by path; they need no token."""
    query = ("q", "query", "A code of an order, such as 27279, or words.")
    on = ("on", "query", "The service date of the order, as YYYY-MM-DD; today without one.")
    name = ("name", "path", "A policy with its revision, such as CP.MP.126@2025-04, or without one.")
    value_set = ("value_set", "path", "The name of a value set.")
    ends = (("from", "query", "The month of the older revision."), ("to", "query", "The month of the newer revision."))
    return {
        "/policies": _page("policies", "The installed policy revisions, and a search", query, on),
        "/policies/{name}": _page("policy", "How a revision judges an order, or the history of a policy", name),
        "/policies/{name}/diff": _page("changes", "What changed between two revisions of a policy", name, *ends),
        "/policies/{name}/value-sets/{value_set}": _page("codes", "A value set of a revision", name, value_set),
    }


def _page(operation: str, summary: str, *parameters: tuple[str, str, str]) -> dict[str, Any]:
    """Return the description of a GET of an HTML page; a parameter has a name, a place, and a meaning."""
    content = {"text/html": {"schema": {"type": "string"}}}
    responses = {"200": {"description": summary, "content": content}}
    if any(place == "path" for _, place, _ in parameters):
        responses["404"] = {"description": "No such policy, revision, or value set is installed.", "content": content}
    return {
        "operationId": operation,
        "summary": summary,
        "parameters": [
            {
                "name": name,
                "in": place,
                "required": place == "path",
                "schema": {"type": "string"},
                "description": meaning,
            }
            for name, place, meaning in parameters
        ],
        "responses": responses,
    }


def _ready() -> dict[str, Any]:
    described = _get("ready", "Whether the service can answer calls", "readiness", is_open=True)
    described["responses"]["503"] = _response("The service cannot answer calls; not_ready says why.", "readiness")
    return described


def _call(service: Service) -> dict[str, Any]:
    """Return the description of a call, narrowed to the hook of its service."""
    body = _body(_model(service)) | {"properties": {"hook": {"const": service.hook}}}
    if service.version is None:
        return _post(service.id, service.title, body, "cards", _ERRORS | _UNREAD)
    return _post(service.id, service.title, body, "coverage", _ERRORS | _UNREAD | _UNPROCESSABLE)


def _model(service: Service) -> type[WireModel]:
    return MODELS.get(service.hook) or call_model(service)


def _feedback(service: Service) -> dict[str, Any]:
    title = f"Feedback on cards: {service.title}"
    return _post(f"{service.id}-feedback", title, _body(FeedbackRequest), "nothing", _ERRORS)


def _body(model: type[WireModel]) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{model.__name__}"}


def _post(name: str, summary: str, body: dict[str, Any], answer: str, errors: dict[str, str]) -> dict[str, Any]:
    return {
        "operationId": name,
        "summary": summary,
        "security": [{}, {"client": []}],
        "requestBody": {"required": True, "content": {"application/json": {"schema": body}}},
        "responses": {
            "200": _response(summary, answer),
            **REFUSED,
            **{status: _response(says, "outcome") for status, says in sorted(errors.items())},
        },
    }


def _response(description: str, schema: str) -> dict[str, Any]:
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
    return {"description": description, "content": content}
