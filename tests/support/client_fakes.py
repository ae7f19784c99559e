"""Clients with their keys, a key server with switches, and the tokens they would send."""

import json
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from flask import Flask, Response

from cds_service.clients.authenticator import Authenticator, Principal
from cds_service.clients.key_cache import KeyStatus
from cds_service.clients.registry import Client
from tests.support.hook_fakes import NOW

PUBLIC = "https://cds.example.org/coverage"
DISCOVERY = f"{PUBLIC}/cds-services"
SIGN = f"{DISCOVERY}/coverage-order-sign"
ISSUER = "https://ehr.example.org"

_CURVES: dict[str, Callable[[], ec.EllipticCurve]] = {
    "ES256": ec.SECP256R1,
    "ES384": ec.SECP384R1,
    "ES512": ec.SECP521R1,
    "ES256K": ec.SECP256K1,
}
_ALGORITHM: dict[str, Any] = {
    "ES": jwt.algorithms.ECAlgorithm,
    "RS": jwt.algorithms.RSAAlgorithm,
    "PS": jwt.algorithms.RSAAlgorithm,
}


@cache
def private_key(algorithm: str = "ES384", name: str = "first") -> Any:
    """The private key of this name that signs by this algorithm; made once, as RSA takes its time."""
    if algorithm in _CURVES:
        return ec.generate_private_key(_CURVES[algorithm]())
    if algorithm == "EdDSA":
        return ed25519.Ed25519PrivateKey.generate()
    return rsa.generate_private_key(65537, 2048)


def jwk(kid: str = "k1", algorithm: str = "ES384", name: str = "first", **members: Any) -> dict[str, Any]:
    """The public half of a key as a JWK, without `alg`; a member of None is left out."""
    public = private_key(algorithm, name).public_key()
    kind = jwt.algorithms.OKPAlgorithm if algorithm == "EdDSA" else _ALGORITHM[algorithm[:2]]
    found = {**kind.to_jwk(public, as_dict=True), "kid": kid, "use": "sig", **members}
    return {member: value for member, value in found.items() if value is not None}


def pem(algorithm: str = "ES384", name: str = "first") -> bytes:
    """The public half of a key in PEM."""
    public = private_key(algorithm, name).public_key()
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def claims(now: datetime = NOW, **others: Any) -> dict[str, Any]:
    """The claims of a good token; `others` replace or, if None, remove."""
    seconds = int(now.timestamp())
    found = {"iss": ISSUER, "aud": SIGN, "iat": seconds, "exp": seconds + 300, "jti": jti(), **others}
    return {name: value for name, value in found.items() if value is not None}


def jti() -> str:
    """A new token id."""
    return f"jti-{time.perf_counter_ns()}"


def token(
    said: dict[str, Any] | None = None, *, algorithm: str = "ES384", name: str = "first", kid: Any = "k1", **header: Any
) -> str:
    """A signed token with any claims; header members of None are left out."""
    members = {"kid": kid, "typ": "JWT", **header}
    body = json.dumps(said or claims()).encode()
    return jwt.PyJWS().encode(body, private_key(algorithm, name), algorithm, headers=_kept(members))


def _kept(members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None or name == "typ"}


def bearer(value: str) -> dict[str, str]:
    """The header that carries a token."""
    return {"Authorization": f"Bearer {value}"}


class KeyServer:
    """Serves a JWK set that a test changes, counts how often it is asked, and breaks on demand."""

    def __init__(self, *keys: dict[str, Any]) -> None:
        self.keys = list(keys)
        self.asked = 0
        self.instead: Callable[[], Any] | None = None
        self.url = ""
        self.stopped = threading.Event()
        self.app = Flask("key server")
        self.app.add_url_rule("/<path:path>", view_func=self._answer)

    def _answer(self, path: str) -> Response:  # noqa: ARG002
        self.asked += 1
        if self.instead:
            return self.instead()
        return Response(json.dumps({"keys": self.keys}), mimetype="application/json")

    def fails(self) -> None:
        """From now on it answers 503."""
        self.instead = lambda: Response(status=503)


class Clock:
    """A clock that stands still until a test moves it, as a moment and as seconds that only grow."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> datetime:
        return datetime.fromtimestamp(NOW.timestamp() + self.seconds, UTC)

    def monotonic(self) -> float:
        """Seconds since some moment."""
        return 1000 + self.seconds


class FixedKeys:
    """Keys that need no fetching."""

    def __init__(self, *found: Any) -> None:
        self.found = found
        self.asked = 0

    def candidate_keys(self, kid: str, algorithm: str) -> tuple[Any, ...]:
        self.asked += 1
        return tuple(key for each in self.found for key in each.candidate_keys(kid, algorithm))

    def warm_up(self) -> None:
        self.asked += 1

    @property
    def status(self) -> KeyStatus:
        return KeyStatus(bool(self.found), age_seconds=0.0 if self.found else None)


class InMemoryReplayGuard:
    """Remembers used tokens within one process, and forgets expired ones when their id comes again."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self.used: dict[tuple[str, str], datetime] = {}
        self._lock = threading.Lock()

    def first_use(self, issuer: str, jti: str, until: datetime) -> bool:
        now = self._clock()
        with self._lock:
            if self.used.get((issuer, jti), now) > now:
                return False
            self.used[issuer, jti] = until
            return True


class Knows(Authenticator):
    """Takes every call for one of this client."""

    def __init__(self, client: Client) -> None:
        self._client = client

    @property
    def clients(self) -> tuple[Client, ...]:
        return (self._client,)

    def authenticate(self, header: str, audiences: Any) -> Principal:  # noqa: ARG002
        return Principal(self._client, tenant="", jti="")
