"""The part of the OpenAPI document about access: tokens for the FHIR base, and where the services of a payer are."""

from collections.abc import Mapping
from typing import Any

from cds_service.clients.backend_services import ASSERTION_ALGORITHMS
from cds_service.clients.scopes import USUAL_SCOPES
from cds_service.clients.token_requests import ASSERTION_TYPE, FORM, GRANT_TYPE, TOKEN_ENDPOINT
from cds_service.http.payer_endpoints import PAYER_ENDPOINTS
from cds_service.http.tokens import SMART_CONFIGURATION

_MEANINGS = {"Questionnaire": "Read and search forms, and call the operations of them", "ValueSet": "Expand value sets"}
_OUTCOME = {"$ref": "#/components/schemas/outcome"}
_TEXT = {"type": "string"}


def token_paths() -> dict[str, Any]:
    """Return the token endpoint and the SMART configuration, by path."""
    return {TOKEN_ENDPOINT: {"post": _token_endpoint()}, SMART_CONFIGURATION: {"get": _smart_configuration()}}


def payer_paths() -> dict[str, Any]:
    """Return the endpoints of payers, by path."""
    by_payer = _payer("payer-endpoints", "Where the services of a payer are (Da Vinci HRex)")
    meaning = "The value of an identifier that the plan rules state for the payer."
    by_payer["parameters"] = [
        {"name": "payer_id", "in": "path", "required": True, "schema": _TEXT, "description": meaning}
    ]
    only = _payer("endpoints", "Where the services of the only payer are (Da Vinci HRex)")
    return {PAYER_ENDPOINTS: {"get": only}, f"/payers/{{payer_id}}{PAYER_ENDPOINTS}": {"get": by_payer}}


def accept_access_tokens(paths: Mapping[str, Any]) -> None:
    """Add to what needs a token below the FHIR base that an access token will do."""
    for path, item in paths.items():
        resource_type = path.removeprefix("/fhir/").partition("/")[0]
        for operation in item.values():
            if path.startswith("/fhir/") and "security" in operation:
                operation["security"].append({"backend": [f"system/{resource_type}.rs"]})


def token_scheme(public_url: str) -> dict[str, Any]:
    """Return the security scheme of access tokens."""
    scopes = {each: _MEANINGS[each.removeprefix("system/").partition(".")[0]] for each in USUAL_SCOPES}
    flow = {"tokenUrl": public_url.rstrip("/") + TOKEN_ENDPOINT, "scopes": scopes}
    what = "An access token by SMART Backend Services (SMART App Launch 2.2)."
    return {"backend": {"type": "oauth2", "description": what, "flows": {"clientCredentials": flow}}}


def _token_endpoint() -> dict[str, Any]:
    form = {
        "type": "object",
        "properties": {
            "grant_type": {"const": GRANT_TYPE},
            "client_assertion_type": {"const": ASSERTION_TYPE},
            "client_assertion": _TEXT | {"description": f"A JWT signed by {' or '.join(ASSERTION_ALGORITHMS)}."},
            "scope": _TEXT | {"description": "What the token is for, such as system/Questionnaire.rs."},
        },
        "required": ["grant_type", "client_assertion_type", "client_assertion", "scope"],
    }
    token = {
        "type": "object",
        "properties": {
            "access_token": _TEXT,
            "token_type": {"const": "bearer"},
            "expires_in": {"type": "integer", "description": "Seconds."},
            "scope": _TEXT,
        },
        "required": ["access_token", "token_type", "expires_in", "scope"],
    }
    error = {
        "type": "object",
        "properties": {"error": _TEXT, "error_description": _TEXT},
        "required": ["error"],
    }
    return {
        "operationId": "token",
        "summary": "An access token for the FHIR base (RFC 6749, client credentials; SMART Backend Services)",
        "requestBody": {"required": True, "content": {FORM: {"schema": form}}},
        "responses": {
            "200": _json("The access token.", token),
            "400": _json("The request or its scope is not valid; error says which.", error),
            "401": _json("The client is not authenticated.", error),
            "503": _json("The service cannot store used client assertions at the moment.", _OUTCOME),
        },
    }


def _smart_configuration() -> dict[str, Any]:
    summary = "How to get access to the FHIR base (SMART App Launch 2.2)"
    found = {"type": "object", "required": ["token_endpoint", "capabilities"]}
    return {"operationId": "smart-configuration", "summary": summary, "responses": {"200": _json(summary, found)}}


def _payer(name: str, summary: str) -> dict[str, Any]:
    found = {"type": "object", "required": ["identifier", "endpoints"]}
    missing = _json("There is no such payer, or more than one.", _OUTCOME)
    return {"operationId": name, "summary": summary, "responses": {"200": _json(summary, found), "404": missing}}


def _json(description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": schema}}}
