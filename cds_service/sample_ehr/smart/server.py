"""The authorization server of the sample EHR: launches, codes, and access tokens, without HTTP."""

import secrets
from base64 import urlsafe_b64encode
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import sha256
from hmac import compare_digest
from threading import Lock
from typing import Any

from cds_service.sample_ehr.smart.bounded import Bounded
from cds_service.sample_ehr.smart.id_tokens import IdTokens
from cds_service.sample_ehr.smart.scopes import granted_scopes

SAMPLE_USER = "Practitioner/sample-pain-physician"
_LAUNCH_LIFETIME = timedelta(minutes=5)
_CODE_LIFETIME = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class SmartApp:
    """A registered app. An app with a `secret` is confidential and sends it by HTTP Basic; one without is public.

    A redirect address must be given exactly as registered.
    """

    client_id: str
    redirect_uris: tuple[str, ...]
    secret: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Launch:
    """What the EHR hands over to an app: the patient, the user, and what the link of a card carried."""

    patient_id: str
    user: str = SAMPLE_USER
    app_context: str = ""
    encounter: str = ""


@dataclass(frozen=True, slots=True)
class Authorization:
    """An authorization request of an app that passed all checks."""

    app: SmartApp
    redirect_uri: str
    state: str
    scopes: tuple[str, ...]
    challenge: str
    nonce: str
    launch_token: str
    """Empty for a standalone launch."""
    launch: Launch | None
    """None for a standalone launch: the user still has to choose a patient."""


@dataclass(frozen=True, slots=True)
class Grant:
    """What an access token allows: these scopes, for the data of the launched patient."""

    client_id: str
    scopes: tuple[str, ...]
    launch: Launch
    expires: datetime


@dataclass(frozen=True, slots=True)
class _Code:
    """An authorization code, and the access token that was issued for it."""

    authorization: Authorization
    launch: Launch
    expires: datetime
    access_token: str = ""


class UntrustedRequestError(Exception):
    """An authorization request without a trusted redirect address: tell the user, and never redirect."""


class RefusedRequestError(Exception):
    """An authorization request that is refused by redirecting to the app with an error code of OAuth 2.0."""

    def __init__(self, redirect_uri: str, state: str, code: str, what: str) -> None:
        super().__init__(what)
        self.redirect_uri = redirect_uri
        self.answer = {"error": code, "error_description": what} | ({"state": state} if state else {})


class TokenRequestError(Exception):
    """A refused token request, with an error code of OAuth 2.0."""

    def __init__(self, code: str, what: str) -> None:
        super().__init__(what)
        self.code = code


def _new_secret() -> str:
    """Return 128 random bits, in a form that is a FHIR id as well."""
    return secrets.token_hex(16)


class SmartServer:
    """Launches apps and issues tokens to them; safe for several threads, with everything in memory and bounded.

    `clock` gives the time with its zone. Access tokens are valid for `token_seconds`. `refuses_writes` refuses every
    write whatever the token allows, and `scopes_granted` lists the only scopes to grant. `approves_at_once` answers an
    EHR launch without asking the user. `new_secret` makes unguessable strings.
    """

    def __init__(
        self,
        apps: Iterable[SmartApp],
        clock: Callable[[], datetime],
        *,
        token_seconds: int = 3600,
        refuses_writes: bool = False,
        scopes_granted: Collection[str] | None = None,
        approves_at_once: bool = False,
        new_secret: Callable[[], str] = _new_secret,
    ) -> None:
        self.clock = clock
        self.new_secret = new_secret
        self.refuses_writes = refuses_writes
        self.approves_at_once = approves_at_once
        self.id_tokens = IdTokens()
        self._apps = {app.client_id: app for app in apps}
        self._token_seconds = token_seconds
        self._scopes_granted = scopes_granted
        self._links: Bounded[tuple[str, Launch]] = Bounded()
        self._launches: Bounded[tuple[datetime, Launch]] = Bounded()
        self._codes: Bounded[_Code] = Bounded()
        self._grants: Bounded[Grant] = Bounded()
        self._exchange = Lock()

    def launch(
        self, patient_id: str, *, app_url: str, app_context: str = "", encounter: str = "", user: str = SAMPLE_USER
    ) -> str:
        """Prepare a launch of the app at `app_url`; return the path on this server that launches it each time.

        `app_context` is what the app finds as `appContext` in the token response; `encounter` is an id.
        """
        handle = self.new_secret()
        self._links.put(handle, (app_url, Launch(patient_id, user, app_context, encounter)))
        return f"/launch/{handle}"

    def start_launch(self, handle: str) -> tuple[str, str] | None:
        """Return the launch address of the app, and a new launch token; None for an unknown handle."""
        link = self._links.get(handle)
        if link is None:
            return None
        app_url, launch = link
        token = self.new_secret()
        self._launches.put(token, (self.clock() + _LAUNCH_LIFETIME, launch))
        return app_url, token

    def check(self, params: Mapping[str, str], base: str) -> Authorization:
        """Return the authorization request in the parameters; `base` is the FHIR address of this server.

        Raises UntrustedRequestError and RefusedRequestError.
        """
        app = self._apps.get(params.get("client_id", ""))
        if app is None:
            raise UntrustedRequestError("No app is registered under the client_id of this request.")
        redirect_uri = params.get("redirect_uri", "")
        if redirect_uri not in app.redirect_uris:
            raise UntrustedRequestError("The redirect_uri of this request is not registered for the app.")
        state = params.get("state", "")

        def refusal(code: str, what: str) -> RefusedRequestError:
            return RefusedRequestError(redirect_uri, state, code, what)

        if params.get("response_type") != "code":
            raise refusal("unsupported_response_type", "response_type must be code")
        if not state:
            raise refusal("invalid_request", "state is missing")
        if params.get("aud", "").rstrip("/") != base:
            raise refusal("invalid_request", "aud is not the FHIR address of this server")
        challenge = params.get("code_challenge", "")
        if params.get("code_challenge_method") != "S256" or len(challenge) != 43:
            raise refusal("invalid_request", "PKCE with an S256 code_challenge is required")
        scopes = granted_scopes(params.get("scope", ""), self._scopes_granted)
        if not scopes:
            raise refusal("invalid_scope", "scope has none that this server grants")
        launch_token = params.get("launch", "")
        launch = self._launch_of(launch_token)
        if launch_token and launch is None:
            raise refusal("invalid_request", "launch is unknown, used, or expired; launch the app again")
        if launch_token and "launch" not in scopes:
            raise refusal("invalid_scope", "a launch from the EHR needs the scope launch")
        return Authorization(app, redirect_uri, state, scopes, challenge, params.get("nonce", ""), launch_token, launch)

    def _launch_of(self, token: str) -> Launch | None:
        expires, launch = self._launches.get(token) or (None, None)
        return launch if expires is not None and self.clock() < expires else None

    def approve(self, authorization: Authorization, patient_id: str) -> dict[str, str]:
        """Use up the launch token; return `code` and `state` for the app. `patient_id` is for a standalone launch."""
        launch = authorization.launch
        if launch is None:
            launch = Launch(patient_id)
        elif self._launches.take(authorization.launch_token) is None:
            what = "launch was used in the meantime; launch the app again"
            raise RefusedRequestError(authorization.redirect_uri, authorization.state, "invalid_request", what)
        code = self.new_secret()
        self._codes.put(code, _Code(authorization, launch, self.clock() + _CODE_LIFETIME))
        return {"code": code, "state": authorization.state}

    def cancel(self, authorization: Authorization) -> RefusedRequestError:
        """Use up the launch token; return the refusal for the app."""
        self._launches.take(authorization.launch_token)
        return RefusedRequestError(
            authorization.redirect_uri, authorization.state, "access_denied", "the user declined to continue"
        )

    def token_response(self, params: Mapping[str, str], basic: tuple[str, str] | None, base: str) -> dict[str, Any]:
        """Return the token response for an authorization code; `basic` is the id and secret of HTTP Basic, if sent.

        Raises TokenRequestError.
        """
        app = self._authenticated(params.get("client_id", ""), basic)
        if params.get("grant_type") != "authorization_code":
            raise TokenRequestError("unsupported_grant_type", "grant_type must be authorization_code")
        token = self.new_secret()
        with self._exchange:
            code = self._used(params.get("code", ""), app, token)
            asked, launch = code.authorization, code.launch
            if params.get("redirect_uri") != asked.redirect_uri:
                raise TokenRequestError("invalid_grant", "redirect_uri is not that of the authorization request")
            if not compare_digest(_challenge(params.get("code_verifier", "")), asked.challenge):
                raise TokenRequestError("invalid_grant", "code_verifier does not match the code_challenge")
            now = self.clock()
            expires = now + timedelta(seconds=self._token_seconds)
            self._grants.put(token, Grant(app.client_id, asked.scopes, launch, expires))
        response: dict[str, Any] = {
            "access_token": token,
            "token_type": "Bearer",
            "expires_in": self._token_seconds,
            "scope": " ".join(asked.scopes),
            "patient": launch.patient_id,
            "need_patient_banner": True,
        }
        response |= {"appContext": launch.app_context} if launch.app_context else {}
        response |= {"encounter": launch.encounter} if launch.encounter else {}
        if "openid" in asked.scopes:
            claims = {"iss": base, "sub": launch.user.rpartition("/")[2], "aud": app.client_id}
            claims |= {"nonce": asked.nonce} if asked.nonce else {}
            claims |= {"fhirUser": f"{base}/{launch.user}"} if "fhirUser" in asked.scopes else {}
            response["id_token"] = self.id_tokens.signed(claims | {"iat": now, "exp": expires})
        return response

    def _authenticated(self, client_id: str, basic: tuple[str, str] | None) -> SmartApp:
        app = self._apps.get(basic[0] if basic else client_id)
        sent = basic[1] if basic else None
        if app is None or (app.secret is None) != (sent is None):
            raise TokenRequestError("invalid_client", "the app is unknown, or authenticates in the wrong way")
        if app.secret is not None and not compare_digest(app.secret.encode(), (sent or "").encode()):
            raise TokenRequestError("invalid_client", "the client secret is wrong")
        return app

    def _used(self, code: str, app: SmartApp, access_token: str) -> _Code:
        """Return a code and mark it as used. A code that is used again revokes the token that was issued for it."""
        found = self._codes.get(code)
        if found is None or found.authorization.app.client_id != app.client_id:
            raise TokenRequestError("invalid_grant", "the code is unknown, or was issued to another app")
        if found.access_token:
            self._grants.take(found.access_token)
            raise TokenRequestError("invalid_grant", "the code was used before")
        self._codes.put(code, replace(found, access_token=access_token))
        if self.clock() >= found.expires:
            raise TokenRequestError("invalid_grant", "the code has expired")
        return found

    def grant_of(self, access_token: str) -> Grant | None:
        """Return what an access token allows; None for an unknown, revoked, or expired one."""
        grant = self._grants.get(access_token)
        return grant if grant is not None and self.clock() < grant.expires else None


def _challenge(verifier: str) -> str:
    """Return the S256 code challenge of a verifier (RFC 7636, 4.2)."""
    return urlsafe_b64encode(sha256(verifier.encode()).digest()).decode().rstrip("=")
