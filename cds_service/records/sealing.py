"""Seal what is stored of patients under the keys of the operator (CDS_ENCRYPTION_KEYS).

Sealed content names its key, so that keys can be replaced: a new one in front of the list seals, and the others still
open what they sealed. It is bound to its row: moved to another row, it does not open.
"""

import hashlib
from collections.abc import Sequence

from cds_service.encryption import decrypt, encrypt

_FORM = b"\x01"
"""The first byte of sealed content, for a later form of it."""
_NAME_BYTES = 8
_HEAD_BYTES = len(_FORM) + _NAME_BYTES


class UnsealableError(Exception):
    """Sealed content that cannot be opened; the message says why, and holds nothing of the content."""


class Sealer:
    """Seals content with the first of some keys and opens it with any of them. Thread-safe.

    Each key has 32 bytes, and there is at least one.
    """

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._keys = {_name(key): key for key in keys}
        self._first = keys[0]

    def seal(self, content: bytes, *row: str) -> bytes:
        """Return the content encrypted, and bound to a row: the table and the key of the row."""
        return _FORM + _name(self._first) + encrypt(self._first, content, _bound_to(row))

    def open(self, sealed: bytes, *row: str) -> bytes:
        """Return the content that was sealed for this row. Raise UnsealableError."""
        head, encrypted = sealed[:_HEAD_BYTES], sealed[_HEAD_BYTES:]
        key = self._keys.get(head[len(_FORM) :])
        if key is None or not head.startswith(_FORM):
            raise UnsealableError(
                f"It was sealed with the key {key_name(sealed)}, which CDS_ENCRYPTION_KEYS does not have. Add that key."
            )
        content = decrypt(key, encrypted, _bound_to(row))
        if content is None:
            raise UnsealableError("The stored row was changed: its content is not what was sealed for it.")
        return content


def key_name(sealed: bytes) -> str:
    """Return the name of the key of sealed content, as hexadecimal digits; it reveals nothing about the key."""
    return sealed[len(_FORM) : _HEAD_BYTES].hex()


def _name(key: bytes) -> bytes:
    return hashlib.sha256(b"name of the key" + key).digest()[:_NAME_BYTES]


def _bound_to(row: Sequence[str]) -> bytes:
    parts = [part.encode("utf-8", "surrogatepass") for part in row]
    return b"".join(len(part).to_bytes(8) + part for part in parts)
