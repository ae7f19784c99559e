"""Authorization by the EHR (SMART App Launch 2.2): its endpoints, our requests, and what its tokens say."""

import hashlib
import re
import secrets
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import quote_plus, urlencode, urlsplit

import jwt

from cds_service.clients.authorization_proof import Proof
from cds_service.clients.keys import KeySet, PublicKey
from cds_service.clients.registry import SmartRegistration
from cds_service.fhir_client.addresses import usable_address
from cds_service.smart.errors import LaunchError, ehr_failed, not_trusted
from fhir_mappings.fhir_json import Json

_READ = {"v1": "patient/*.read", "v2": "patient/*.rs"}
_WRITE = {"v1": "user/QuestionnaireResponse.write", "v2": "user/QuestionnaireResponse.cu"}
_MAY_WRITE = re.compile(r"(?:user|patient)/(?:QuestionnaireResponse|\*)\.(?:write|\*|cr?ud?s?)\Z")
_TOKEN = re.compile(r"[!-~]{1,20000}\Z")
_ID = re.compile(r"[A-Za-z0-9.-]{1,64}\Z")
_USER = re.compile(r"(?:^|/)((?:Practitioner|PractitionerRole)/[A-Za-z0-9.-]{1,64})\Z")
_FORBIDDEN = HTTPStatus.FORBIDDEN
_SKEW_SECONDS = 60
_SHORTEST_LIFETIME = 300
"""The lifetime in seconds of an access token that does not state one."""


@dataclass(frozen=True, slots=True)
class Endpoints:
    """What `.well-known/smart-configuration` says: the authorization server of an EHR."""

    authorization: str
    token: str
    issuer: str
    keys: str


@dataclass(frozen=True, slots=True)
class Grant:
    """The answer of the token endpoint, and who the user is.

    `user` is a relative reference to a Practitioner or a PractitionerRole. `app_context` is what the card gave the EHR
    for this launch; it and `encounter` may be empty.
    """

    access_token: str = field(repr=False)
    expires_at: datetime
    patient: str
    user: str
    encounter: str
    app_context: str
    may_write: bool
    needs_banner: bool


def endpoints_in(configuration: Json, issuer: str = "") -> Endpoints:
    """Return the endpoints in a SMART configuration; raise LaunchError without the two of them, or without S256.

    An `issuer` replaces the one that the configuration names.
    """
    found = configuration if isinstance(configuration, Mapping) else {}
    authorization, token, named, keys = (
        usable_address(found.get(name)) for name in ("authorization_endpoint", "token_endpoint", "issuer", "jwks_uri")
    )
    if not authorization or not token:
        raise ehr_failed("Its SMART configuration names no authorization endpoint or no token endpoint.")
    methods = found.get("code_challenge_methods_supported")
    if isinstance(methods, list) and "S256" not in methods:
        raise ehr_failed("Its SMART configuration does not offer PKCE with S256, which SMART App Launch requires.")
    return Endpoints(authorization, token, issuer or named, keys)


def authorization_address(
    endpoints: Endpoints, registration: SmartRegistration, proof: Proof, *, iss: str, launch: str, redirect_uri: str
) -> str:
    """Return where to send the browser (SMART App Launch 2.2, Obtain authorization code).

    `launch` is empty for a standalone launch, in which the EHR lets the user choose the patient.
    """
    syntax = registration.scopes
    context = "launch" if launch else "launch/patient"
    parameters = {
        "response_type": "code",
        "client_id": registration.client_id,
        "redirect_uri": redirect_uri,
        **({"launch": launch} if launch else {}),
        "scope": f"openid fhirUser {context} {_READ[syntax]} {_WRITE[syntax]}",
        "state": proof.state,
        "aud": iss,
        "nonce": proof.nonce,
        "code_challenge": _challenge(proof.verifier),
        "code_challenge_method": "S256",
    }
    separator = "&" if urlsplit(endpoints.authorization).query else "?"
    return f"{endpoints.authorization}{separator}{urlencode(parameters)}"


def token_request(
    registration: SmartRegistration, proof: Proof, *, code: str, redirect_uri: str, secret: str
) -> tuple[bytes, dict[str, str]]:
    """Return body and headers of the request for the tokens; `secret` is empty for a public app."""
    parameters = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": redirect_uri,
        "code_verifier": proof.verifier,
    }
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    if secret:
        pair = f"{quote_plus(registration.client_id)}:{quote_plus(secret)}"
        headers["Authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
    else:
        parameters["client_id"] = registration.client_id
    return urlencode(parameters).encode(), headers


def grant_in(answer: Json, user: str, now: datetime) -> Grant:
    """Return what the token endpoint granted; raise LaunchError for anything that is no grant for one patient."""
    found: Mapping[str, Any] = answer if isinstance(answer, Mapping) else {}
    token, patient, kind = found.get("access_token"), found.get("patient"), found.get("token_type")
    if not isinstance(token, str) or not _TOKEN.match(token) or str(kind).casefold() != "bearer":
        raise ehr_failed("Its token endpoint granted no bearer token.")
    if not isinstance(patient, str) or not _ID.match(patient):
        raise ehr_failed("It named no patient for this launch.")
    seconds = found.get("expires_in")
    lifetime = seconds if isinstance(seconds, int) and not isinstance(seconds, bool) else _SHORTEST_LIFETIME
    encounter, context = found.get("encounter"), found.get("appContext")
    return Grant(
        access_token=token,
        expires_at=now + timedelta(seconds=min(max(lifetime, 0), 86_400)),
        patient=patient,
        user=user,
        encounter=encounter if isinstance(encounter, str) and _ID.match(encounter) else "",
        app_context=context if isinstance(context, str) else "",
        may_write=any(_MAY_WRITE.match(scope) for scope in str(found.get("scope", "")).split()),
        needs_banner=found.get("need_patient_banner") is not False,
    )


def user_in(id_token: Json, keys: KeySet, endpoints: Endpoints, *, client_id: str, nonce: str, now: datetime) -> str:
    """Return the practitioner that an id_token names in `fhirUser`, as a relative reference.

    Raise LaunchError unless its signature, issuer, audience, lifetime, and nonce are right (OpenID Connect Core 1.0,
    3.1.3.7), and for a user who is not a practitioner.
    """
    claims = _claims(id_token, keys, endpoints.issuer, client_id)
    expires = claims.get("exp")
    if not isinstance(expires, int | float) or not now.timestamp() < expires + _SKEW_SECONDS:  # NaN has expired, too
        raise not_trusted("The identity token of the EHR has expired.")
    sent = claims.get("nonce")
    if not isinstance(sent, str) or not secrets.compare_digest(sent.encode(), nonce.encode()):
        raise not_trusted("The identity token of the EHR belongs to another launch.")
    named = claims.get("fhirUser") or claims.get("profile")
    user = _USER.search(named) if isinstance(named, str) else None
    if user is None:
        raise LaunchError(
            status=_FORBIDDEN,
            title="Only practitioners can answer",
            says="The EHR did not say that you are signed in as a practitioner. Only answers of practitioners count.",
            to_do="Sign in to the EHR as a practitioner, and open the form again.",
        )
    return user[1]


def _claims(id_token: Json, keys: KeySet, issuer: str, client_id: str) -> dict[str, Any]:
    if not isinstance(id_token, str) or not issuer:
        raise ehr_failed("It did not say who is signed in: there is no identity token, or no issuer for it.")
    for each in _candidate_keys(id_token, keys):
        try:
            return jwt.decode(
                id_token,
                each.key,
                algorithms=list(each.algorithms),
                audience=client_id,
                issuer=issuer,
                options={"verify_exp": False, "verify_iat": False, "verify_nbf": False, "require": ["exp", "sub"]},
            )
        except jwt.PyJWTError:
            continue
    raise not_trusted("The identity token of the EHR cannot be verified.")


def _candidate_keys(id_token: str, keys: KeySet) -> tuple[PublicKey, ...]:
    """Return the keys that may have signed a token.

    A token may name none if there is one only (OpenID Connect Core 1.0, 10.1).
    """
    try:
        header = jwt.get_unverified_header(id_token)
    except jwt.PyJWTError:
        return ()
    only = keys.keys[0].kid if len(keys.keys) == 1 else ""
    return keys.candidate_keys(str(header.get("kid", only)), str(header.get("alg", "")))


def _challenge(verifier: str) -> str:
    return urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
