"""Encrypt bytes with AES-256-GCM, under a new random nonce each time."""

import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE_BYTES = 12


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
