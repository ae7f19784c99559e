"""Check the tokens that registered clients sign: of CDS Hooks calls, and client assertions of SMART Backend Services.

CDS Hooks 2.0.1, Trusting CDS Clients (its best practices give the order of the checks), and SMART App Launch 2.2,
asymmetric client authentication. Cheap checks come first, so a token that fails them costs no key lookup and no entry
in the replay guard.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from cds_service.clients.backend_services import ASSERTION_ALGORITHMS, BackendServices
from cds_service.clients.key_cache import KeyStatus
from cds_service.clients.keys import PublicKey
from cds_service.clients.registry import Client
from cds_service.clients.replay_guard import ReplayGuard
from cds_service.clients.signed_tokens import (
    WRONG_AUDIENCE,
    FailedCheckError,
    Members,
    bearer_token,
    check_header,
    check_signature,
    check_times,
    checked_jti,
    loggable,
    moment,
    strings,
    unchecked,
)

ASSERTION_SECONDS = 300
"""How far ahead the `exp` of a client assertion may be (SMART App Launch 2.2)."""


class Keys(Protocol):
    """The keys of one client."""

    def candidate_keys(self, kid: str, algorithm: str) -> tuple[PublicKey, ...]:
        """Return the keys that may have signed a token with this `kid` and `alg`; fetch them if necessary."""

    def warm_up(self) -> None:
        """Start fetching the keys if a refresh is due, so that the next token does not wait."""

    @property
    def status(self) -> KeyStatus:
        """The status of the keys in the cache; fetches nothing."""


@dataclass(frozen=True, slots=True)
class Principal:
    """An authenticated client, and the `tenant` and `jti` of its token for the log.

    `scopes` are those of its access token; None if it signed the call itself, which gives it everything that calls of
    CDS Hooks may have.
    """

    client: Client
    tenant: str
    jti: str
    scopes: tuple[str, ...] | None = None


class Authenticator:
    """Checks the tokens of registered clients. Safe to use from several threads."""

    def __init__(
        self,
        clients: Iterable[tuple[Client, Keys]],
        replay_guard: ReplayGuard,
        clock: Callable[[], datetime],
        *,
        skew_seconds: float,
        max_lifetime_seconds: float,
    ) -> None:
        """Allow clocks to differ by `skew_seconds`; reject tokens that expire after `max_lifetime_seconds`.

        A client assertion expires after 300 seconds at most.
        """
        self._clients = {client.issuer: (client, keys) for client, keys in clients}
        self._by_client_id = {
            client.backend_services.client_id: (client, keys, client.backend_services)
            for client, keys in self._clients.values()
            if client.backend_services
        }
        self._replay_guard = replay_guard
        self._clock = clock
        self._skew = skew_seconds
        self._max_lifetime = max_lifetime_seconds

    @property
    def clients(self) -> tuple[Client, ...]:
        """The clients whose tokens are checked."""
        return tuple(client for client, _ in self._clients.values())

    def authenticate(self, authorization: str, audiences: Collection[str]) -> Principal:
        """Return the client whose token is in this Authorization header; its `aud` must be one of `audiences`.

        Raises InvalidTokenError otherwise, also for a token that was used before.
        """
        token = bearer_token(authorization)
        header, claims = unchecked(token)
        try:
            return self._check_call(token, header, claims, audiences)
        except FailedCheckError as error:
            raise error.with_claims(claims) from None

    def authenticate_assertion(self, assertion: str, audiences: Collection[str]) -> tuple[Principal, BackendServices]:
        """Return who has signed this client assertion, and its registration; `aud` must be one of `audiences`.

        Raises InvalidTokenError otherwise, also for an assertion that was used before.
        """
        header, claims = unchecked(assertion)
        try:
            return self._check_assertion(assertion, header, claims, audiences)
        except FailedCheckError as error:
            raise error.with_claims(claims) from None

    def warm_up(self) -> None:
        """Start fetching the keys of every client whose refresh is due."""
        for _, keys in self._clients.values():
            keys.warm_up()

    def key_statuses(self) -> tuple[KeyStatus, ...]:
        """Return the key status of each registered client; fetch nothing."""
        return tuple(keys.status for client, keys in self._clients.values() if not client.is_sandbox)

    def _check_call(self, token: str, header: Members, claims: Members, audiences: Collection[str]) -> Principal:
        issuer = claims.get("iss")
        if not isinstance(issuer, str) or issuer not in self._clients:
            raise FailedCheckError("iss is not registered")
        client, keys = self._clients[issuer]
        check_header(header, client.algorithms, client.jwks_url)
        if not strings(claims.get("aud")) & set(audiences):
            raise FailedCheckError(WRONG_AUDIENCE)
        expires = check_times(claims, self._clock(), skew=self._skew, max_lifetime=self._max_lifetime, needs_iat=True)
        jti = checked_jti(claims)
        tenant = claims.get("tenant")
        if client.tenants and tenant not in client.tenants:
            raise FailedCheckError("tenant is not registered")
        self._check_proof(token, header, keys, (issuer, jti, expires))
        return Principal(client, loggable(tenant), jti)

    def _check_assertion(
        self, token: str, header: Members, claims: Members, audiences: Collection[str]
    ) -> tuple[Principal, BackendServices]:
        client_id = claims.get("iss")
        if not isinstance(client_id, str) or client_id not in self._by_client_id:
            raise FailedCheckError("iss is not a registered client_id")
        if claims.get("sub") != client_id:
            raise FailedCheckError("sub differs from iss")
        client, keys, registered = self._by_client_id[client_id]
        algorithms = [each for each in ASSERTION_ALGORITHMS if each in client.algorithms]
        check_header(header, algorithms, client.jwks_url)
        if not strings(claims.get("aud")) & set(audiences):
            raise FailedCheckError(WRONG_AUDIENCE)
        expires = check_times(claims, self._clock(), skew=self._skew, max_lifetime=ASSERTION_SECONDS, needs_iat=False)
        jti = checked_jti(claims)
        self._check_proof(token, header, keys, (client_id, jti, expires))
        return Principal(client, "", jti), registered

    def _check_proof(self, token: str, header: Members, keys: Keys, use: tuple[str, str, float]) -> None:
        """Check the signature, and that the token is used for the first time. `use`: issuer, `jti`, expiry."""
        check_signature(token, keys.candidate_keys(header["kid"], header["alg"]), header["alg"])
        issuer, jti, expires = use
        if not self._replay_guard.first_use(issuer, jti, moment(expires + self._skew)):
            raise FailedCheckError("jti was used before")
