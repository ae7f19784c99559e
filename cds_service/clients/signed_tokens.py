"""Read signed tokens and check one part at a time: header, times, id, signature.

All times are checked here against a clock that is passed in, because PyJWT would use the clock of the machine.
"""

import math
import re
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import jwt

from cds_service.clients.keys import PublicKey

LONGEST_TOKEN = 8192
"""The most characters of a token, or of the Authorization header with it."""
WRONG_AUDIENCE = "aud is not the address that was called"
"""The reason of a token that is for another address."""
SIGNATURE_ALONE: Any = {
    **{f"verify_{claim}": False for claim in ("exp", "nbf", "iat", "aud", "iss", "sub", "jti")},
    "enforce_minimum_key_length": True,
}
"""The options with which PyJWT checks the signature and nothing else."""
_BEARER = re.compile(r"bearer +([A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+)\Z", re.IGNORECASE)
_COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\Z")
_LONGEST_JTI = 256
_UNCHECKED: Any = {"verify_signature": False}

Members = Mapping[str, Any]
"""The header or the claims of a token."""


class InvalidTokenError(Exception):
    """A call without a valid token. Log `reason` and the claims; never send them in an answer."""

    def __init__(self, reason: str, *, issuer: str = "", tenant: str = "", jti: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.issuer = issuer
        self.tenant = tenant
        self.jti = jti


class FailedCheckError(Exception):
    """A token that fails a check; the message names the check and quotes nothing."""

    def with_claims(self, claims: Members) -> InvalidTokenError:
        """Return the refusal, with those of the claims that the log may have."""
        issuer, tenant, jti = (loggable(claims.get(name)) for name in ("iss", "tenant", "jti"))
        return InvalidTokenError(str(self), issuer=issuer, tenant=tenant, jti=jti)


def bearer_token(authorization: str) -> str:
    """Return the token in an Authorization header. Raise InvalidTokenError if there is none."""
    if not authorization:
        raise InvalidTokenError("no Authorization header")
    if len(authorization) > LONGEST_TOKEN:
        raise InvalidTokenError(f"the Authorization header is longer than {LONGEST_TOKEN} characters")
    match = _BEARER.match(authorization)
    if not match:
        raise InvalidTokenError("the Authorization header is not Bearer and a signed JWT")
    return match[1]


def unchecked(token: str) -> tuple[Members, Members]:
    """Return header and claims of a token whose signature is not checked yet. Raise InvalidTokenError."""
    if len(token) > LONGEST_TOKEN or not _COMPACT.match(token):
        raise InvalidTokenError("the token is not a JWT")
    try:
        found = jwt.decode_complete(token, options=_UNCHECKED)
    except jwt.PyJWTError:
        raise InvalidTokenError("the token is not a JWT") from None
    return found["header"], found["payload"]


def check_header(header: Members, algorithms: Collection[str], jwks_url: str) -> None:
    """Check `typ`, `alg`, `kid`, and, for a client with a `jwks_url`, `jku`. Raise FailedCheckError."""
    if header.get("typ") != "JWT":
        raise FailedCheckError("typ is not JWT")
    if header.get("alg") not in algorithms:
        raise FailedCheckError("alg is not one that the client registered")
    if not isinstance(header.get("kid"), str) or not header["kid"]:
        raise FailedCheckError("kid is missing")
    if jwks_url and header.get("jku", jwks_url) != jwks_url:
        raise FailedCheckError("jku is not the registered one")


def check_times(claims: Members, now: datetime, *, skew: float, max_lifetime: float, needs_iat: bool) -> float:
    """Return the expiry in seconds since 1970. Raise FailedCheckError.

    Clocks may differ by `skew` seconds, and `exp` be `max_lifetime` seconds ahead.
    """
    seconds = now.timestamp()
    expires = number(claims, "exp")
    if expires + skew <= seconds:
        raise FailedCheckError("exp is past")
    if expires - seconds > max_lifetime + skew:
        raise FailedCheckError(f"exp is more than {max_lifetime:g} seconds ahead")
    if (needs_iat or "iat" in claims) and number(claims, "iat") - skew > seconds:
        raise FailedCheckError("iat is in the future")
    if "nbf" in claims and number(claims, "nbf") - skew > seconds:
        raise FailedCheckError("nbf is in the future")
    return expires


def checked_jti(claims: Members) -> str:
    """Return `jti`. Raise FailedCheckError if it is nothing that a store could keep."""
    jti = claims.get("jti")
    if not isinstance(jti, str) or not jti or len(jti) > _LONGEST_JTI or not jti.isprintable():
        raise FailedCheckError(f"jti is not a string of 1 to {_LONGEST_JTI} characters")
    return jti


def check_signature(token: str, keys: Iterable[PublicKey], algorithm: str) -> None:
    """Raise FailedCheckError unless one of the keys has signed the token by this algorithm."""
    reason = "no key of the client has this kid and fits alg"
    for each in keys:
        try:
            jwt.decode(token, each.key, algorithms=[algorithm], options=SIGNATURE_ALONE)
        except jwt.PyJWTError:
            reason = "the signature is not valid"
        else:
            return
    raise FailedCheckError(reason)


def number(claims: Members, name: str) -> float:
    """Return a claim that is a NumericDate: seconds since 1970. Raise FailedCheckError."""
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise FailedCheckError(f"{name} is missing or not a number")
    try:
        seconds = float(value)
    except OverflowError:
        seconds = math.inf
    if not math.isfinite(seconds):
        raise FailedCheckError(f"{name} is not a moment")
    return seconds


def strings(value: object) -> set[str]:
    """Return the strings of a claim that is a string or a list of strings."""
    values = value if isinstance(value, list) else [value]
    return {each for each in values if isinstance(each, str)}


def moment(seconds: float) -> datetime:
    """Return the moment that begins at or after so many seconds since 1970."""
    return datetime.fromtimestamp(math.ceil(seconds), UTC)


def loggable(value: object) -> str:
    """Return a claim cut to a length that is safe to log; empty unless it is a string."""
    return value[:_LONGEST_JTI] if isinstance(value, str) else ""
