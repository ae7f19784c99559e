"""Check tokens (CDS Hooks 2.0.1, Trusting CDS Clients; its best practices give the order of the checks).

Cheap checks come first, so a token that fails them costs no key lookup and no entry in the replay guard. All times are
checked here against the clock that is passed in, because PyJWT would use the clock of the machine.
"""

import math
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

import jwt

from cds_service.clients.key_cache import KeyStatus
from cds_service.clients.keys import PublicKey
from cds_service.clients.registry import Client
from cds_service.clients.replay_guard import ReplayGuard

_BEARER = re.compile(r"bearer +([A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+)\Z", re.IGNORECASE)
_LONGEST_TOKEN = 8192
_LONGEST_JTI = 256
_UNCHECKED: Any = {"verify_signature": False}
WRONG_AUDIENCE = "aud is not the address that was called"
"""The reason of a token that is for another address."""
_SIGNATURE_ALONE: Any = {
    **{f"verify_{claim}": False for claim in ("exp", "nbf", "iat", "aud", "iss", "sub", "jti")},
    "enforce_minimum_key_length": True,
}


class InvalidTokenError(Exception):
    """A call without a valid token. Log `reason` and the claims; never send them in an answer."""

    def __init__(self, reason: str, *, issuer: str = "", tenant: str = "", jti: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.issuer = issuer
        self.tenant = tenant
        self.jti = jti


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
    """An authenticated client, and the `tenant` and `jti` of its token for the log."""

    client: Client
    tenant: str
    jti: str


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
        """Allow clocks to differ by `skew_seconds`; reject tokens that expire after `max_lifetime_seconds`."""
        self._clients = {client.issuer: (client, keys) for client, keys in clients}
        self._replay_guard = replay_guard
        self._clock = clock
        self._skew = skew_seconds
        self._max_lifetime = max_lifetime_seconds

    def authenticate(self, authorization: str, audiences: Collection[str]) -> Principal:
        """Return the client whose token is in this Authorization header; its `aud` must be one of `audiences`.

        Raises InvalidTokenError otherwise, also for a token that was used before.
        """
        token = _token(authorization)
        header, claims = _unchecked(token)
        try:
            return self._check(token, header, claims, audiences)
        except _TokenError as error:
            issuer, tenant, jti = (_loggable(claims.get(name)) for name in ("iss", "tenant", "jti"))
            raise InvalidTokenError(str(error), issuer=issuer, tenant=tenant, jti=jti) from None

    def warm_up(self) -> None:
        """Start fetching the keys of every client whose refresh is due."""
        for _, keys in self._clients.values():
            keys.warm_up()

    def key_statuses(self) -> tuple[KeyStatus, ...]:
        """Return the key status of each registered client; fetch nothing."""
        return tuple(keys.status for client, keys in self._clients.values() if not client.is_sandbox)

    def _check(
        self, token: str, header: Mapping[str, Any], claims: Mapping[str, Any], audiences: Collection[str]
    ) -> Principal:
        issuer = claims.get("iss")
        if not isinstance(issuer, str) or issuer not in self._clients:
            raise _TokenError("iss is not registered")
        client, keys = self._clients[issuer]
        _check_header(header, client)
        if not _strings(claims.get("aud")) & set(audiences):
            raise _TokenError(WRONG_AUDIENCE)
        expires = self._check_times(claims)
        jti = claims.get("jti")
        if not isinstance(jti, str) or not jti or len(jti) > _LONGEST_JTI or not jti.isprintable():
            raise _TokenError(f"jti is not a string of 1 to {_LONGEST_JTI} characters")
        tenant = claims.get("tenant")
        if client.tenants and tenant not in client.tenants:
            raise _TokenError("tenant is not registered")
        _check_signature(token, keys.candidate_keys(header["kid"], header["alg"]), header["alg"])
        if not self._replay_guard.first_use(issuer, jti, _moment(expires + self._skew)):
            raise _TokenError("jti was used before")
        return Principal(client, _loggable(tenant), jti)

    def _check_times(self, claims: Mapping[str, Any]) -> float:
        """Return the expiry in seconds since 1970."""
        now = self._clock().timestamp()
        expires, issued = _number(claims, "exp"), _number(claims, "iat")
        if expires + self._skew <= now:
            raise _TokenError("exp is past")
        if expires - now > self._max_lifetime + self._skew:
            raise _TokenError(f"exp is more than {self._max_lifetime:g} seconds ahead")
        if issued - self._skew > now:
            raise _TokenError("iat is in the future")
        if "nbf" in claims and _number(claims, "nbf") - self._skew > now:
            raise _TokenError("nbf is in the future")
        return expires


class _TokenError(Exception):
    """A token that fails a check; the message names the check and quotes nothing."""


def _token(authorization: str) -> str:
    if not authorization:
        raise InvalidTokenError("no Authorization header")
    if len(authorization) > _LONGEST_TOKEN:
        raise InvalidTokenError(f"the Authorization header is longer than {_LONGEST_TOKEN} characters")
    match = _BEARER.match(authorization)
    if not match:
        raise InvalidTokenError("the Authorization header is not Bearer and a signed JWT")
    return match[1]


def _unchecked(token: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Return header and claims of a token whose signature is not checked yet."""
    try:
        found = jwt.decode_complete(token, options=_UNCHECKED)
    except jwt.PyJWTError:
        raise InvalidTokenError("the token is not a JWT") from None
    return found["header"], found["payload"]


def _check_header(header: Mapping[str, Any], client: Client) -> None:
    if header.get("typ") != "JWT":
        raise _TokenError("typ is not JWT")
    if header.get("alg") not in client.algorithms:
        raise _TokenError("alg is not one that the client registered")
    if not isinstance(header.get("kid"), str) or not header["kid"]:
        raise _TokenError("kid is missing")
    if client.jwks_url and header.get("jku", client.jwks_url) != client.jwks_url:
        raise _TokenError("jku is not the registered one")


def _check_signature(token: str, keys: Iterable[PublicKey], algorithm: str) -> None:
    reason = "no key of the client has this kid and fits alg"
    for each in keys:
        try:
            jwt.decode(token, each.key, algorithms=[algorithm], options=_SIGNATURE_ALONE)
        except jwt.PyJWTError:
            reason = "the signature is not valid"
        else:
            return
    raise _TokenError(reason)


def _number(claims: Mapping[str, Any], name: str) -> float:
    """Return a claim that is a NumericDate: seconds since 1970."""
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _TokenError(f"{name} is missing or not a number")
    try:
        seconds = float(value)
    except OverflowError:
        seconds = math.inf
    if not math.isfinite(seconds):
        raise _TokenError(f"{name} is not a moment")
    return seconds


def _strings(value: object) -> set[str]:
    """Return the strings of a claim that is a string or a list of strings."""
    values = value if isinstance(value, list) else [value]
    return {each for each in values if isinstance(each, str)}


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(math.ceil(seconds), UTC)


def _loggable(value: object) -> str:
    """Return a claim cut to a length that is safe to log; empty unless it is a string."""
    return value[:_LONGEST_JTI] if isinstance(value, str) else ""
