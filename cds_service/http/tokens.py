"""Access tokens for the FHIR base: the token endpoint, and where clients find it (SMART App Launch 2.2)."""

from flask import Blueprint, Response, request
from werkzeug.exceptions import RequestEntityTooLarge

from cds_service.clients.backend_services import ASSERTION_ALGORITHMS
from cds_service.clients.scopes import USUAL_SCOPES
from cds_service.clients.token_requests import (
    FORM,
    GRANT_TYPE,
    LONGEST_BODY,
    TOKEN_ENDPOINT,
    TokenEndpoint,
    TokenRequestError,
)
from cds_service.http.json_body import json_response
from cds_service.http.services import services

SMART_CONFIGURATION = "/fhir/.well-known/smart-configuration"

tokens = Blueprint("tokens", __name__)


@tokens.post(TOKEN_ENDPOINT)
def give_token() -> Response:
    """Answer a request for an access token (RFC 6749 4.4); the log has why it is refused."""
    endpoint = _endpoint()
    log = services().log
    try:
        issued = endpoint.answer(_form())
    except TokenRequestError as error:
        return _refused(error)
    client, scope = issued.principal.client.name, " ".join(issued.token.scopes)
    log.info("access token issued", client=client, jti=issued.principal.jti, scope=scope)
    response = json_response(issued.as_json())
    response.headers["Pragma"] = "no-cache"
    return response


@tokens.get(SMART_CONFIGURATION)
def describe_access() -> Response:
    """Answer how a client gets an access token."""
    return json_response(
        {
            "token_endpoint": services().settings.public_url.rstrip("/") + TOKEN_ENDPOINT,
            "token_endpoint_auth_methods_supported": ["private_key_jwt"],
            "token_endpoint_auth_signing_alg_values_supported": list(ASSERTION_ALGORITHMS),
            "grant_types_supported": [GRANT_TYPE],
            "scopes_supported": list(USUAL_SCOPES),
            "capabilities": ["client-confidential-asymmetric", "permission-v2"],
        }
    )


def _endpoint() -> TokenEndpoint:
    endpoint = services().token_endpoint
    if endpoint is None:
        raise RuntimeError("these routes exist only with a token endpoint")
    return endpoint


def _form() -> bytes:
    """Return the body of the request. Raise TokenRequestError if it is no form, or too long."""
    if request.mimetype != FORM or request.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
        raise TokenRequestError("invalid_request", f"Send a form that is not compressed, as Content-Type: {FORM}.")
    if "Authorization" in request.headers:
        raise TokenRequestError("invalid_client", "Send client_assertion in the form, and no Authorization header.")
    request.max_content_length = LONGEST_BODY + 1  # of a body of unknown length no more than this is read
    try:
        return request.get_data(cache=False)
    except RequestEntityTooLarge:
        raise TokenRequestError(
            "invalid_request", f"The body is longer than {LONGEST_BODY} bytes. Send less."
        ) from None


def _refused(error: TokenRequestError) -> Response:
    found = services()
    if error.refusal is not None:
        refusal = error.refusal
        details = {"reason": refusal.reason, "iss": refusal.issuer, "jti": refusal.jti}
        found.metrics.count_rejected_token(refusal.reason)
    else:
        details = {"reason": error.description, "client": error.client}
    found.log.warning("access token refused", error=error.error, **details)
    response = json_response(error.as_json(), error.status)
    if error.status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response
