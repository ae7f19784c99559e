"""Launches of the questionnaire app (SMART App Launch 2.2): from the EHR to a session of one user and one patient.

Everything that an EHR names, its endpoints included, is called through the address guard.
"""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus

from cds_service.clients.authorization_proof import Proof
from cds_service.clients.keys import KeysError, KeySet, read_jwk_set
from cds_service.clients.registry import SmartRegistration
from cds_service.fhir_client.allowlist import ServerTrust, trust_of
from cds_service.fhir_client.bounded_requests import FhirResponse, RequestsTo
from cds_service.fhir_client.deadline import Deadline
from cds_service.fhir_client.source import FhirAccess
from cds_service.smart.authorization import (
    Endpoints,
    authorization_address,
    endpoints_in,
    grant_in,
    token_request,
    user_in,
)
from cds_service.smart.errors import LaunchError, ehr_failed, ended, not_trusted
from cds_service.smart.launch_context import ContextKey
from cds_service.smart.sessions import FormSession, PendingLaunch, Sessions
from fhir_mappings.fhir_json import canonical

_DECLINED = ("access_denied", "login_required", "consent_required", "interaction_required")


@dataclass(frozen=True, slots=True)
class SmartClient:
    """An EHR that may launch the app. `secret` is empty for a public app."""

    name: str
    registration: SmartRegistration
    fhir_servers: tuple[str, ...]
    secret: str = field(default="", repr=False)


class Launches:
    """Begins and completes launches.

    `redirect_uri` is the address to which EHRs send the browser back. `new_deadline` limits the requests of one step.
    """

    def __init__(
        self,
        clients: Sequence[SmartClient],
        sessions: Sessions,
        contexts: ContextKey,
        *,
        redirect_uri: str,
        requests_to: RequestsTo,
        new_deadline: Callable[[], Deadline],
        clock: Callable[[], datetime],
    ) -> None:
        self._clients = clients
        self._sessions = sessions
        self._contexts = contexts
        self._redirect_uri = redirect_uri
        self._requests_to = requests_to
        self._new_deadline = new_deadline
        self._clock = clock

    def client_of(self, iss: str) -> SmartClient | None:
        """Return the client for which a FHIR server is registered; None if it is not registered for any."""
        trusted = (ServerTrust.NAMED, ServerTrust.PUBLIC)
        return next((each for each in self._clients if trust_of(iss, "", each.fhir_servers) in trusted), None)

    def client_named(self, name: str) -> SmartClient | None:
        """Return the client with this name."""
        return next((each for each in self._clients if each.name == name), None)

    def begin(self, iss: str, launch: str) -> tuple[str, str]:
        """Return the address of the EHR's authorization server for a launch, and the cookie of its session.

        `launch` is empty for a standalone launch. Raise LaunchError for an EHR that is not registered, or that does
        not answer.
        """
        iss = iss.rstrip("/")
        client = self.client_of(iss)
        if client is None:
            raise LaunchError(
                HTTPStatus.FORBIDDEN,
                "This EHR is not registered",
                "The address that launched this page is not the FHIR server of an EHR that may use it.",
                "Ask the operator of this service to register the FHIR server (docs/smart.md).",
            )
        answer = self._get(f"{iss}/.well-known/smart-configuration", FhirAccess(iss, registered=client.fhir_servers))
        endpoints, proof = endpoints_in(answer.body, client.registration.issuer), Proof.random()
        address = authorization_address(
            endpoints, client.registration, proof, iss=iss, launch=launch, redirect_uri=self._redirect_uri
        )
        return address, self._sessions.begin(PendingLaunch(iss, client.name, proof, endpoints))

    def complete(self, cookie: str, *, state: str, code: str, error: str) -> str:
        """Exchange the code that the EHR sent, and return the cookie of the session in which the user answers.

        The launch ends with this call, whatever comes of it: a `state` works once. Raise LaunchError.
        """
        pending = self._sessions.find(cookie)
        if not isinstance(pending, PendingLaunch) or not self._sessions.end(cookie):
            raise ended()
        if not secrets.compare_digest(state.encode(), pending.proof.state.encode()):
            raise not_trusted("The EHR sent you back with the state of another launch.")
        if error or not code:
            raise _declined(error)
        client = self.client_named(pending.client)
        if client is None:
            raise ended()
        session = self._session(pending, client, code)
        return self._sessions.begin(session)

    def _session(self, pending: PendingLaunch, client: SmartClient, code: str) -> FormSession:
        access = FhirAccess(pending.iss, registered=client.fhir_servers)
        body, headers = token_request(
            client.registration, pending.proof, code=code, redirect_uri=self._redirect_uri, secret=client.secret
        )
        deadline = self._new_deadline()
        requests = self._requests_to(pending.endpoints.token, access, deadline)
        if requests is None:
            raise ehr_failed("Its token endpoint is at an address that this service does not call.")
        answer = requests.send("POST", pending.endpoints.token, body, headers)
        if answer.status != HTTPStatus.OK:
            raise ehr_failed(f"Its token endpoint did not grant access ({answer.answer}).")
        now = self._clock()
        user = user_in(
            answer.body.get("id_token") if isinstance(answer.body, dict) else None,
            self._keys(pending.endpoints, access),
            pending.endpoints,
            client_id=client.registration.client_id,
            nonce=pending.proof.nonce,
            now=now,
        )
        grant = grant_in(answer.body, user, now)
        if not grant.app_context:
            return FormSession(pending.iss, client.name, grant, ())
        context = self._contexts.open(grant.app_context)
        if context is None or context.client != client.name:
            raise not_trusted("The EHR sent a card's context that this service did not make for it.")
        if context.patient != grant.patient:
            raise not_trusted("The card is about another patient than the one that is open in the EHR.")
        return FormSession(pending.iss, client.name, grant, context.orders, context.order, context.policy)

    def _keys(self, endpoints: Endpoints, access: FhirAccess) -> KeySet:
        if not endpoints.keys:
            raise ehr_failed("Its SMART configuration names no keys for identity tokens (jwks_uri).")
        try:
            return read_jwk_set(canonical(self._get(endpoints.keys, access).body))
        except KeysError as error:
            raise ehr_failed(f"Its keys cannot be used: {error}.") from None

    def _get(self, url: str, access: FhirAccess) -> FhirResponse:
        requests = self._requests_to(url, access, self._new_deadline())
        if requests is None:
            raise ehr_failed("It names an address that this service does not call.")
        answer = requests.get(url)
        if answer.status != HTTPStatus.OK:
            raise ehr_failed(f"Its address for the launch cannot be read ({answer.answer}).")
        return answer


def _declined(error: str) -> LaunchError:
    if error in _DECLINED:
        return LaunchError(
            HTTPStatus.FORBIDDEN,
            "The EHR did not grant access",
            "You, or the EHR, declined to open the chart for this form.",
            "Open the form again from the card, and continue at the EHR's page.",
        )
    return ehr_failed("It sent you back without an authorization code.")
