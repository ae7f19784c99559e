"""OpenID Connect id tokens, signed with a key of this process."""

from collections.abc import Mapping
from threading import Lock
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from jwt.algorithms import RSAAlgorithm

ALGORITHM = "RS256"
_KEY_ID = "sample-ehr"


class IdTokens:
    """Signs id tokens. The key is made when it is first needed, since that takes a moment."""

    def __init__(self) -> None:
        self._made: RSAPrivateKey | None = None
        self._lock = Lock()

    def _key(self) -> RSAPrivateKey:
        with self._lock:
            if self._made is None:
                self._made = generate_private_key(public_exponent=65537, key_size=2048)
            return self._made

    def signed(self, claims: Mapping[str, Any]) -> str:
        """Return the claims as a signed JWT."""
        return jwt.encode(dict(claims), self._key(), ALGORITHM, headers={"kid": _KEY_ID})

    def key_set(self) -> dict[str, Any]:
        """Return the JSON Web Key Set with the public key."""
        key = RSAAlgorithm.to_jwk(self._key().public_key(), as_dict=True)
        return {"keys": [key | {"kid": _KEY_ID, "use": "sig", "alg": ALGORITHM}]}
