"""The check of a token (CDS Hooks 2.0.1, Trusting CDS Clients; order of the checks: its best practices).

What is cheap comes first: no key is looked for, and nothing remembered, for a token that would be refused anyway. The
moment is an argument, and what a library would take from the clock of the machine is checked here.
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
_SIGNATURE_ALONE: Any = {
    **{f"verify_{claim}": False for claim in ("exp", "nbf", "iat", "aud", "iss", "sub", "jti")},
    "enforce_minimum_key_length": True,
}


class InvalidTokenError(Exception):
    """A call without a token that holds; `reason`, and whom the token named, are for the log and for no answer."""

    def __init__(self, reason: str, *, issuer: str = "", tenant: str = "", jti: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.issuer = issuer
        self.tenant = tenant
        self.jti = jti


class Keys(Protocol):
    """The keys of a client, at hand or read when they are needed."""

    def candidate_keys(self, kid: str, algorithm: str) -> tuple[PublicKey, ...]:
        """The keys that may have signed a token with this header."""

    def warm_up(self) -> None:
        """Begin reading the keys if it is time, so that the next token need not wait for them."""

    @property
    def is_usable(self) -> bool:
        """Whether keys are held; nothing is read."""

    @property
    def standing(self) -> KeyStatus:
        """How the keys stand; nothing is read."""


@dataclass(frozen=True, slots=True)
class Principal:
    """A call that may be answered: the client, and what its token said for the log."""

    client: Client
    tenant: str
    jti: str


class Authenticator:
    """Knows the clients and checks their tokens; safe to use from threads."""

    def __init__(
        self,
        clients: Iterable[tuple[Client, Keys]],
        replay_guard: ReplayGuard,
        clock: Callable[[], datetime],
        *,
        skew_seconds: float,
        longest_seconds: float,
    ) -> None:
        """Clocks may differ by `skew_seconds`; a token that lasts longer than `longest_seconds` is refused."""
        self._callers = {client.issuer: (client, keys) for client, keys in clients}
        self._nonces = replay_guard
        self._clock = clock
        self._skew = skew_seconds
        self._longest = longest_seconds

    def authenticate(self, authorization: str, audiences: Collection[str]) -> Principal:
        """The client whose token is in this Authorization header, for a call of any of these addresses.

        Raises InvalidTokenError for everything else. A token is good for one call.
        """
        token = _token(authorization)
        header, claims = _unchecked(token)
        try:
            return self._admit(token, header, claims, audiences)
        except _FaultError as fault:
            said = {name: _sayable(claims.get(name)) for name in ("iss", "tenant", "jti")}
            raise InvalidTokenError(str(fault), issuer=said["iss"], tenant=said["tenant"], jti=said["jti"]) from None

    def warm_up(self) -> None:
        """Begin reading the keys of every client for which it is time."""
        for _, keys in self._callers.values():
            keys.warm_up()

    def without_keys(self) -> tuple[str, ...]:
        """The names of the clients whose keys are not at hand."""
        return tuple(client.name for client, keys in self._callers.values() if not keys.is_usable)

    def key_statuses(self) -> tuple[KeyStatus, ...]:
        """How the keys of each client stand; nothing is read."""
        return tuple(keys.standing for _, keys in self._callers.values())

    def _admit(
        self, token: str, header: Mapping[str, Any], claims: Mapping[str, Any], audiences: Collection[str]
    ) -> Principal:
        issuer = claims.get("iss")
        if not isinstance(issuer, str) or issuer not in self._callers:
            raise _FaultError("iss is not registered")
        client, keys = self._callers[issuer]
        _check_header(header, client)
        if not _texts(claims.get("aud")) & set(audiences):
            raise _FaultError("aud is not the address that was called")
        expires = self._check_times(claims)
        jti = claims.get("jti")
        if not isinstance(jti, str) or not jti or len(jti) > _LONGEST_JTI or not jti.isprintable():
            raise _FaultError(f"jti is no text of 1 to {_LONGEST_JTI} characters")
        tenant = claims.get("tenant")
        if client.tenants and tenant not in client.tenants:
            raise _FaultError("tenant is not registered")
        _check_signature(token, keys.candidate_keys(header["kid"], header["alg"]), header["alg"])
        if not self._nonces.first_use(issuer, jti, _moment(expires + self._skew)):
            raise _FaultError("jti was used before")
        return Principal(client, _sayable(tenant), jti)

    def _check_times(self, claims: Mapping[str, Any]) -> float:
        """The moment of expiry in seconds since 1970."""
        now = self._clock().timestamp()
        expires, issued = _number(claims, "exp"), _number(claims, "iat")
        if expires + self._skew <= now:
            raise _FaultError("exp is past")
        if expires - now > self._longest + self._skew:
            raise _FaultError(f"exp is more than {self._longest:g} seconds ahead")
        if issued - self._skew > now:
            raise _FaultError("iat is in the future")
        if "nbf" in claims and _number(claims, "nbf") - self._skew > now:
            raise _FaultError("nbf is in the future")
        return expires


class _FaultError(Exception):
    """Why a token is refused."""


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
    """Header and claims of a token that may come from anyone."""
    try:
        found = jwt.decode_complete(token, options=_UNCHECKED)
    except jwt.PyJWTError:
        raise InvalidTokenError("the token is no JWT") from None
    return found["header"], found["payload"]


def _check_header(header: Mapping[str, Any], client: Client) -> None:
    if header.get("typ") != "JWT":
        raise _FaultError("typ is not JWT")
    if header.get("alg") not in client.algorithms:
        raise _FaultError("alg is not one that the client registered")
    if not isinstance(header.get("kid"), str) or not header["kid"]:
        raise _FaultError("kid is missing")
    if "jku" in header and (not client.jwks_url or header["jku"] != client.jwks_url):
        raise _FaultError("jku is not the registered one")


def _check_signature(token: str, keys: Iterable[PublicKey], algorithm: str) -> None:
    fault = "no key of the client has this kid and fits alg"
    for each in keys:
        try:
            jwt.decode(token, each.key, algorithms=[algorithm], options=_SIGNATURE_ALONE)
        except jwt.PyJWTError:
            fault = "the signature does not hold"
        else:
            return
    raise _FaultError(fault)


def _number(claims: Mapping[str, Any], name: str) -> float:
    """A claim that is a moment, in seconds since 1970."""
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _FaultError(f"{name} is missing or no number")
    try:
        seconds = float(value)
    except OverflowError:
        seconds = math.inf
    if not math.isfinite(seconds):
        raise _FaultError(f"{name} is no moment")
    return seconds


def _texts(value: object) -> set[str]:
    """A claim that is one text or a list of them."""
    values = value if isinstance(value, list) else [value]
    return {each for each in values if isinstance(each, str)}


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(math.ceil(seconds), UTC)


def _sayable(value: object) -> str:
    """A claim as it may stand in the log: text, and not much of it."""
    return value[:_LONGEST_JTI] if isinstance(value, str) else ""
