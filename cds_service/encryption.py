"""Encrypt bytes with AES-256-GCM, under a new random nonce each time, and short JSON as text with AES-SIV."""

import secrets
import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, AESSIV

from cds_service.packing import pack, unpack
from fhir_mappings.fhir_json import Json

_NONCE_BYTES = 12
_SMALLEST = 9


def encrypt(key: bytes, content: bytes, bound_to: bytes) -> bytes:
    """Return the content encrypted with a key of 32 bytes, after its nonce.

    Whoever decrypts it has to name `bound_to` again.
    """
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, content, bound_to)


def decrypt(key: bytes, encrypted: bytes, bound_to: bytes) -> bytes | None:
    """Return the content; None if key or `bound_to` are others, or if anything has been changed."""
    try:
        return AESGCM(key).decrypt(encrypted[:_NONCE_BYTES], encrypted[_NONCE_BYTES:], bound_to)
    except (InvalidTag, ValueError):  # ValueError: too short for a nonce
        return None


class TextSealer:
    """Seals JSON as text that others keep for us, with AES-SIV (RFC 5297): equal JSON gets equal text.

    `key` has 64 bytes, the same in all processes of a service. Texts longer than `most` characters are not made, and
    not read.
    """

    def __init__(self, key: bytes, most: int) -> None:
        self._cipher = AESSIV(key)
        self._most = most

    def seal(self, value: Json) -> str:
        """Return the text; empty if it would be too long."""
        sealed = urlsafe_b64encode(self._cipher.encrypt(pack(value, _SMALLEST), None)).decode()
        return sealed if len(sealed) <= self._most else ""

    def open(self, sealed: str) -> Json:
        """Return the JSON in a text that `seal` made with this key; None for any other text."""
        if not sealed.isascii() or len(sealed) > self._most:
            return None
        try:
            return unpack(self._cipher.decrypt(urlsafe_b64decode(sealed), None))
        except (ValueError, InvalidTag, zlib.error):
            return None
