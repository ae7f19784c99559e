"""The service's own test client: the sandbox calls the hooks as this client, in this process and from nowhere else."""

from collections.abc import Callable, Sequence
from datetime import datetime

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

from cds_service.clients.key_cache import KeyStatus
from cds_service.clients.keys import KeySet, PublicKey
from cds_service.clients.registry import SANDBOX_ISSUER, Client
from cds_service.observability.call_log import SANDBOX

_ALGORITHM = "ES384"
_LIFETIME_SECONDS = 300


def sandbox_client(fhir_servers: Sequence[str]) -> Client:
    """Return the test client, which may name these FHIR servers in its calls."""
    return Client(SANDBOX, SANDBOX_ISSUER, algorithms=(_ALGORITHM,), fhir_servers=tuple(fhir_servers))


class SandboxKey:
    """The key pair of the test client, made for one process: the private half never leaves it. Thread-safe.

    `new_id` makes the `jti` of each token.
    """

    def __init__(self, clock: Callable[[], datetime], new_id: Callable[[], str]) -> None:
        self._clock = clock
        self._new_id = new_id
        self._kid = new_id()
        self._key = ec.generate_private_key(ec.SECP384R1())
        self._public = KeySet((PublicKey(self._kid, "EC secp384r1", (_ALGORITHM,), self._key.public_key()),))

    def authorization(self, audience: str) -> str:
        """Return the Authorization header of one call to this address."""
        now = int(self._clock().timestamp())
        claims = {
            "iss": SANDBOX_ISSUER,
            "aud": audience,
            "iat": now,
            "exp": now + _LIFETIME_SECONDS,
            "jti": self._new_id(),
        }
        return f"Bearer {jwt.encode(claims, self._key, _ALGORITHM, headers={'kid': self._kid})}"

    def candidate_keys(self, kid: str, algorithm: str) -> tuple[PublicKey, ...]:
        """Return the public half, if a token names it."""
        return self._public.candidate_keys(kid, algorithm)

    def warm_up(self) -> None:
        """Fetch nothing."""

    @property
    def status(self) -> KeyStatus:
        """The status of the key, which is always there."""
        return KeyStatus(is_usable=True)
