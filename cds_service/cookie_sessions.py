"""Sessions of browsers, encrypted with a key that only the browser's cookie has.

The database reveals nothing: it has the ciphertext under a hash of the session's id, and not the key. A cookie reveals
nothing once its session is over.
"""

import hashlib
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Protocol

from cds_service.encryption import decrypt, encrypt
from cds_service.packing import pack, unpack

_BYTES = 32


class SealedSessions(Protocol):
    """Where sealed sessions are kept until a moment, shared by all processes. Raises UnavailableError if it fails."""

    def put(self, name: str, sealed: bytes, until: datetime) -> None:
        """Keep a sealed session under a name that no other one has."""

    def find(self, name: str) -> tuple[bytes, datetime] | None:
        """Return a session that is kept, and until when."""

    def replace(self, name: str, sealed: bytes) -> bool:
        """Replace a session; return False if it is kept no more."""

    def remove(self, name: str) -> bool:
        """Remove a session; return whether this call removed it. Only one of several callers gets True."""


class CookieSessions:
    """Opens, keeps, and ends sessions, each a JSON object. The cookie of a session is its id and its key.

    `purpose` keeps the sessions of one application apart from those of another in the same store.
    """

    def __init__(self, store: SealedSessions, clock: Callable[[], datetime], purpose: str) -> None:
        self._store = store
        self._clock = clock
        self._purpose = purpose.encode()

    def begin(self, said: Mapping[str, Any], lifetime: timedelta) -> str:
        """Keep a new session for its lifetime, and return its cookie."""
        own_id, key = secrets.token_bytes(_BYTES), secrets.token_bytes(_BYTES)
        self._store.put(_name(own_id), self._sealed(said, own_id, key), self._clock() + lifetime)
        return f"{_text(own_id)}.{_text(key)}"

    def find(self, cookie: str) -> dict[str, Any] | None:
        """Return the session of a cookie; None if it is over, or is none of ours."""
        parts = _parts(cookie)
        found = self._store.find(_name(parts[0])) if parts else None
        if parts is None or found is None or found[1] <= self._clock():
            return None
        packed = decrypt(parts[1], found[0], self._purpose + parts[0])
        return None if packed is None else dict(unpack(packed))

    def update(self, cookie: str, said: Mapping[str, Any]) -> bool:
        """Keep a session as it is now; return False if it is over."""
        parts = _parts(cookie)
        return parts is not None and self._store.replace(_name(parts[0]), self._sealed(said, *parts))

    def end(self, cookie: str) -> bool:
        """End a session; return whether this call did, and no other one before."""
        parts = _parts(cookie)
        return parts is not None and self._store.remove(_name(parts[0]))

    def _sealed(self, said: Mapping[str, Any], own_id: bytes, key: bytes) -> bytes:
        """Return the session encrypted, and bound to its purpose and its id."""
        return encrypt(key, pack(dict(said), 1), self._purpose + own_id)


def _name(own_id: bytes) -> str:
    return hashlib.sha256(own_id).hexdigest()


def _text(value: bytes) -> str:
    return urlsafe_b64encode(value).rstrip(b"=").decode()


def _parts(cookie: str) -> tuple[bytes, bytes] | None:
    """Return the id and the key in a cookie; None for anything else."""
    texts = cookie.split(".") if cookie.isascii() else []
    try:
        parts = [urlsafe_b64decode(f"{text}=") for text in texts]
    except ValueError:
        return None
    return (parts[0], parts[1]) if [len(part) for part in parts] == [_BYTES, _BYTES] else None
