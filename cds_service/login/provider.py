"""The identity provider: OpenID Connect Core 1.0, authorization code flow with PKCE (RFC 7636), by authlib.

Its endpoints and keys are read anew for each login: logins are rare, and keys change.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import quote_plus

from authlib.oauth2.auth import ClientAuth  # type: ignore[import-untyped]
from authlib.oauth2.client import OAuth2Client  # type: ignore[import-untyped]
from authlib.oauth2.rfc6749.parameters import prepare_token_request  # type: ignore[import-untyped]
from authlib.oidc.core import CodeIDToken  # type: ignore[import-untyped]
from joserfc.errors import JoseError

from cds_service.clients.authorization_proof import Proof
from cds_service.clients.keys import KeysError, KeySet, read_jwk_set
from cds_service.fhir_client.addresses import is_protected, usable_address
from cds_service.fhir_client.bounded_requests import BoundedRequests, FhirResponse, RequestsTo
from cds_service.fhir_client.deadline import Deadline
from cds_service.fhir_client.source import FhirAccess
from cds_service.login.errors import not_verified, provider_failed
from fhir_mappings.fhir_json import Json, canonical

_JSON = "application/json"
_SCOPES = ("openid", "profile", "email")
_SKEW_SECONDS = 60
_BASIC, _POST = "client_secret_basic", "client_secret_post"
_FAULTS = {
    "iss": "It is from another issuer than CDS_OIDC_ISSUER.",
    "aud": "It is for another application than CDS_OIDC_CLIENT_ID.",
    "azp": "It was issued to another application than CDS_OIDC_CLIENT_ID.",
    "nonce": "It belongs to another login.",
    "exp": "It has expired.",
    "at_hash": "It does not belong to the access token beside it.",
}
_FAULT = "The signed statement of the identity provider (ID token) is not valid. {}"


@dataclass(frozen=True, slots=True)
class Registration:
    """How this service is registered with the identity provider.

    `issuer` is without a slash at the end unless the provider's own name has one. `claim` is the claim of the ID token
    that says who may open the pages; its scope is requested where the provider offers one of that name.
    """

    issuer: str
    client_id: str
    redirect_uri: str
    claim: str
    client_secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Endpoints:
    """What the provider's `.well-known/openid-configuration` says (OpenID Connect Discovery 1.0). `end` may be empty.

    `end` is where a user signs out of the provider itself. `scopes` are those that we request.
    """

    authorization: str
    token: str
    keys: str
    end: str
    scopes: tuple[str, ...]
    authentication: str


class Provider:
    """The identity provider. `new_deadline` limits the requests of one step."""

    def __init__(
        self,
        registration: Registration,
        *,
        requests_to: RequestsTo,
        new_deadline: Callable[[], Deadline],
        clock: Callable[[], datetime],
    ) -> None:
        self.registration = registration
        self._requests_to = requests_to
        self._new_deadline = new_deadline
        self._clock = clock

    def endpoints(self) -> Endpoints:
        """Read the endpoints of the provider. Raise LoginError if it does not answer, or names none."""
        registration = self.registration
        configuration = self._get(f"{registration.issuer.rstrip('/')}/.well-known/openid-configuration")
        found: Mapping[str, Any] = configuration if isinstance(configuration, Mapping) else {}
        if found.get("issuer") != registration.issuer:
            raise provider_failed("Its configuration is for another issuer than CDS_OIDC_ISSUER, to the letter.")
        authorization, token, keys, end = (
            usable_address(found.get(name))
            for name in ("authorization_endpoint", "token_endpoint", "jwks_uri", "end_session_endpoint")
        )
        if not authorization or not token or not keys:
            raise provider_failed("Its configuration lacks authorization_endpoint, token_endpoint, or jwks_uri.")
        if not is_protected(authorization):
            raise provider_failed("Its authorization_endpoint is not https.")
        end = end if end and is_protected(end) else ""
        methods = _strings(found.get("token_endpoint_auth_methods_supported")) or (_BASIC,)
        offered = _strings(found.get("scopes_supported"))
        wanted = (*_SCOPES, *((registration.claim,) if registration.claim in offered else ()))
        scopes = tuple(dict.fromkeys(wanted))
        return Endpoints(authorization, token, keys, end, scopes, _BASIC if _BASIC in methods else _POST)

    def authorization_address(self, endpoints: Endpoints, proof: Proof) -> str:
        """Return where to send the browser to sign in."""
        client = OAuth2Client(
            None,
            self.registration.client_id,
            scope=list(endpoints.scopes),
            redirect_uri=self.registration.redirect_uri,
            code_challenge_method="S256",
        )
        address, _ = client.create_authorization_url(
            endpoints.authorization, state=proof.state, nonce=proof.nonce, code_verifier=proof.verifier
        )
        return str(address)

    def claims(self, endpoints: Endpoints, proof: Proof, code: str) -> Mapping[str, Any]:
        """Exchange an authorization code, and return the verified claims of the ID token. Raise LoginError."""
        registration = self.registration
        body = prepare_token_request(
            "authorization_code", code=code, redirect_uri=registration.redirect_uri, code_verifier=proof.verifier
        )
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": _JSON}
        _, headers, body = self._authentication(endpoints).prepare("POST", endpoints.token, headers, body)
        answer = self._requests(endpoints.token).send("POST", endpoints.token, body.encode(), headers)
        tokens = answer.body
        if answer.status != HTTPStatus.OK or not isinstance(tokens, Mapping):
            raise provider_failed(f"Its token endpoint did not accept the login ({_answer(answer)}).")
        return self._verified(tokens, self._keys(endpoints), proof)

    def _authentication(self, endpoints: Endpoints) -> ClientAuth:
        """Return how we identify ourselves; HTTP Basic takes both parts form-encoded (RFC 6749, 2.3.1)."""
        pair = (self.registration.client_id, self.registration.client_secret)
        if endpoints.authentication == _BASIC:
            pair = (quote_plus(pair[0]), quote_plus(pair[1]))
        return ClientAuth(*pair, endpoints.authentication)

    def _verified(self, tokens: Mapping[str, Any], keys: KeySet, proof: Proof) -> Mapping[str, Any]:
        """Return the claims of the ID token (OpenID Connect Core 1.0, 3.1.3.7)."""
        registration, id_token = self.registration, tokens.get("id_token")
        if not isinstance(id_token, str):
            raise provider_failed("Its token endpoint sent no ID token.")
        signed = keys.signed_content(id_token)
        if signed is None:
            raise not_verified(_FAULT.format("No key of the provider has signed it."))
        header, claims = signed
        checked = CodeIDToken(
            claims,
            header,
            {
                "iss": {"essential": True, "value": registration.issuer},
                "aud": {"essential": True, "value": registration.client_id},
            },
            {
                "nonce": proof.nonce,
                "client_id": registration.client_id,
                "access_token": tokens.get("access_token"),
            },
        )
        try:
            checked.validate(int(self._clock().timestamp()), _SKEW_SECONDS)
        except JoseError as error:
            fault = getattr(error, "claim", "")
            raise not_verified(_FAULT.format(_FAULTS.get(fault, "A claim is missing or has the wrong form."))) from None
        except (TypeError, ValueError, OverflowError):
            raise not_verified(_FAULT.format("A claim has the wrong form.")) from None
        return dict(checked)

    def _keys(self, endpoints: Endpoints) -> KeySet:
        try:
            return read_jwk_set(canonical(self._get(endpoints.keys)))
        except KeysError as error:
            raise provider_failed(f"Its keys cannot be used: {error}.") from None

    def _get(self, url: str) -> Json:
        answer = self._requests(url).get(url, _JSON)
        if answer.status != HTTPStatus.OK:
            raise provider_failed(f"An address of its configuration cannot be read ({_answer(answer)}).")
        return answer.body

    def _requests(self, url: str) -> BoundedRequests:
        issuer = self.registration.issuer
        found = self._requests_to(url, FhirAccess(issuer, registered=(issuer,)), self._new_deadline())
        if found is None:
            raise provider_failed("It names an address that this service does not call.")
        return found


def _answer(answer: FhirResponse) -> str:
    """Return the status of an answer, or why there is none; its text stays out of the page and the log."""
    return answer.failure.value if answer.failure is not None else str(answer.status)


def _strings(value: object) -> tuple[str, ...]:
    return tuple(each for each in value if isinstance(each, str)) if isinstance(value, list) else ()
