"""The secrets of one authorization by a browser: what tells that the answer belongs to the request."""

import secrets
from dataclasses import dataclass, field

_BYTES = 32


@dataclass(frozen=True, slots=True)
class Proof:
    """The secrets of one launch or login: `state`, `nonce`, and the code verifier of PKCE (RFC 7636)."""

    state: str = field(repr=False)
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)

    @classmethod
    def random(cls) -> "Proof":
        """Return new ones."""
        return cls(*(secrets.token_urlsafe(_BYTES) for _ in range(3)))
