"""Issue and check the access tokens of the FHIR base (SMART App Launch 2.2, Backend Services; RFC 9068).

An access token is a JWT signed with a key that all processes of the service share, so any of them can check it, also
after a restart, and nothing is stored. Clients need not look into it.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

import jwt

from cds_service.clients.authenticator import Principal
from cds_service.clients.registry import Client
from cds_service.clients.scopes import allows
from cds_service.clients.signed_tokens import (
    SIGNATURE_ALONE,
    FailedCheckError,
    Members,
    checked_jti,
    number,
    unchecked,
)

LIFETIME_SECONDS = 300
"""How long an access token is good for; SMART recommends not more."""
_ALGORITHM = "HS256"
_TYPE = "at+jwt"


@dataclass(frozen=True, slots=True)
class AccessToken:
    """An access token as it is issued, with the scopes that it grants."""

    value: str
    scopes: tuple[str, ...]


class AccessTokens:
    """Issues access tokens to registered clients, and checks them. Thread-safe."""

    def __init__(
        self,
        clients: Iterable[Client],
        key: bytes,
        *,
        public_url: str,
        clock: Callable[[], datetime],
        new_id: Callable[[], str],
    ) -> None:
        """Sign with a key of 32 bytes for the service at this public address; `new_id` makes the `jti` of each."""
        self._clients = {each.backend_services.client_id: each for each in clients if each.backend_services}
        self._key = key
        self._issuer = public_url.rstrip("/")
        self._audience = f"{self._issuer}/fhir"
        self._clock = clock
        self._new_id = new_id

    def issue(self, client: Client, scopes: tuple[str, ...]) -> AccessToken:
        """Return a new access token of a client with `backend_services` that grants these scopes."""
        if client.backend_services is None:
            raise ValueError("the client is not registered for access tokens")
        now = int(self._clock().timestamp())
        claims = {
            "iss": self._issuer,
            "sub": client.backend_services.client_id,
            "client_id": client.backend_services.client_id,
            "aud": self._audience,
            "scope": " ".join(scopes),
            "iat": now,
            "exp": now + LIFETIME_SECONDS,
            "jti": self._new_id(),
        }
        return AccessToken(jwt.encode(claims, self._key, _ALGORITHM, headers={"typ": _TYPE}), scopes)

    def check(self, token: str) -> Principal:
        """Return the client of an access token with its scopes.

        Raises InvalidTokenError for any token that this service did not issue, that has expired, whose client is not
        registered any more, or that grants more than the client may have now.
        """
        header, claims = unchecked(token)
        try:
            return self._checked(token, header, claims)
        except FailedCheckError as error:
            raise error.with_claims(claims) from None

    def _checked(self, token: str, header: Members, claims: Members) -> Principal:
        if header.get("typ") != _TYPE or header.get("alg") != _ALGORITHM:
            raise FailedCheckError("typ or alg is not that of an access token")
        try:
            jwt.decode(token, self._key, algorithms=[_ALGORITHM], options=SIGNATURE_ALONE)
        except jwt.PyJWTError:
            raise FailedCheckError("the access token is not one of this service") from None
        if claims.get("iss") != self._issuer or claims.get("aud") != self._audience:
            raise FailedCheckError("the access token is for another address")
        if number(claims, "exp") <= self._clock().timestamp():
            raise FailedCheckError("the access token has expired")
        client = self._clients.get(str(claims.get("sub")))
        if client is None or client.backend_services is None:
            raise FailedCheckError("the client of the access token is not registered")
        scopes = tuple(str(claims.get("scope")).split())
        if not all(allows(client.backend_services.scopes, each) for each in scopes):
            raise FailedCheckError("the access token grants more than the client may have")
        return Principal(client, "", checked_jti(claims), scopes)


def is_access_token(token: str) -> bool:
    """Return whether a token says that it is an access token. Raise InvalidTokenError if it is no token."""
    return unchecked(token)[0].get("typ") == _TYPE
