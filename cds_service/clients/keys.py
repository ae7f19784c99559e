"""Read the public keys of a client from a JWK set (RFC 7517) or PEM; give a reason for each key that is not usable."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

VerifyingKey = RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey
"""A public key that verifies signatures."""

_MOST_KEYS = 100
_RSA_BITS = range(2048, 16_385)
_RSA = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
_OF_CURVE = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512", "secp256k1": "ES256K"}
_SECRET = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_SIGNATURE_ALONE: Any = {f"verify_{claim}": False for claim in ("exp", "nbf", "iat", "aud", "iss", "sub", "jti")}
_PEM = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----.*?-----END \1-----", re.DOTALL)


class KeysError(Exception):
    """Keys that cannot be read; the message says why and quotes nothing."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """One key and the algorithms it verifies. A PEM key has an empty `kid` and matches every `kid`."""

    kid: str
    kind: str
    algorithms: tuple[str, ...]
    key: VerifyingKey = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class KeySet:
    """The usable keys of a client; `rejected` gives a reason for each other key."""

    keys: tuple[PublicKey, ...] = ()
    rejected: tuple[str, ...] = ()

    def candidate_keys(self, kid: str, algorithm: str) -> tuple[PublicKey, ...]:
        """Return the keys that may have signed a token with this `kid` and `alg`."""
        return tuple(key for key in self.keys if key.kid in (kid, "") and algorithm in key.algorithms)

    def signed_content(self, token: str) -> tuple[Mapping[str, Any], Mapping[str, Any]] | None:
        """Return header and claims of a JWT that one of these keys has signed; None for any other. Check no claim."""
        try:
            header = jwt.get_unverified_header(token)
        except jwt.PyJWTError:
            return None
        for each in self.candidate_keys(str(header.get("kid", "")), str(header.get("alg", ""))):
            try:
                claims = jwt.decode(token, each.key, algorithms=list(each.algorithms), options=_SIGNATURE_ALONE)
            except jwt.PyJWTError:
                continue
            return header, claims
        return None


def read_jwk_set(data: bytes) -> KeySet:
    """Read a JWK set. Raises KeysError for any other content."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        raise KeysError("this is not JSON") from None
    keys = value.get("keys") if isinstance(value, dict) else None
    if not isinstance(keys, list):
        raise KeysError("this is not a JWK set: an object with a list named keys")
    if len(keys) > _MOST_KEYS:
        raise KeysError(f"this JWK set has more than {_MOST_KEYS} keys")
    return _key_set([_jwk(raw) for raw in keys])


def read_keys(data: bytes) -> KeySet:
    """Read a JWK set or public keys in PEM. Raises KeysError for any other content."""
    if b"-----BEGIN " not in data:
        return read_jwk_set(data)
    return _key_set([_pem(match[0], match[1].decode()) for match in _PEM.finditer(data)])


def _key_set(found: list[PublicKey | str]) -> KeySet:
    """Return the key set; a rejected key is named by its position in the list."""
    return KeySet(
        tuple(each for each in found if isinstance(each, PublicKey)),
        tuple(f"key {i}: {each}" for i, each in enumerate(found, start=1) if isinstance(each, str)),
    )


def _jwk(raw: Any) -> PublicKey | str:
    """Read one key of a JWK set; return the reason as text if it is not usable."""
    if not isinstance(raw, dict):
        return "it is not a JSON object"
    kid = raw.get("kid")
    if reason := _why_not_usable(raw):
        return reason
    try:
        key = jwt.PyJWK({name: value for name, value in raw.items() if name != "alg"}).key
    except (jwt.PyJWTError, UnsupportedAlgorithm):
        return "its numbers or its type are not those of a usable key"
    return _public_key(str(kid), key, raw.get("alg"))


def _why_not_usable(raw: Mapping[str, Any]) -> str:
    if not isinstance(raw.get("kid"), str) or not raw["kid"]:
        return "it has no kid"
    if not raw["kid"].isprintable():
        return "its kid is not printable text"
    if raw.get("kty") == "oct":
        return "it is a shared secret; tokens must be signed with a private key"
    if _SECRET & set(raw):
        return "it is a private key and no longer secret; create a new pair and publish only the public key"
    operations = raw.get("key_ops", ["verify"])
    if raw.get("use", "sig") != "sig" or not isinstance(operations, list) or "verify" not in operations:
        return "it is not for signatures (use, key_ops)"
    return ""


def _pem(block: bytes, label: str) -> PublicKey | str:
    """Read one PEM key; return the reason as text if it is not usable."""
    if "PRIVATE" in label:
        return "it is a private key; keep it at the client, and put the public one here"
    if label == "CERTIFICATE":
        return "it is a certificate; take its key: openssl x509 -in FILE -pubkey -noout"
    try:
        return _public_key("", load_pem_public_key(block), None)
    except (ValueError, UnsupportedAlgorithm):
        return "it is not a usable public key"


def _public_key(kid: str, key: object, only: object) -> PublicKey | str:
    """Return the key with its algorithms, or the reason as text; `only` is the `alg` that its JWK states, or None."""
    algorithms: tuple[str, ...]
    if isinstance(key, RSAPublicKey):
        if key.key_size not in _RSA_BITS:
            return f"its {key.key_size} bits are not within {_RSA_BITS[0]} to {_RSA_BITS[-1]}"
        kind, algorithms = f"RSA {key.key_size}", _RSA
    elif isinstance(key, EllipticCurvePublicKey) and key.curve.name in _OF_CURVE:
        kind, algorithms = f"EC {key.curve.name}", (_OF_CURVE[key.curve.name],)
    elif isinstance(key, Ed25519PublicKey):
        kind, algorithms = "Ed25519", ("EdDSA",)
    else:
        return "its type cannot sign tokens"
    if only is not None and only not in algorithms:
        return "its alg does not fit the key"
    usable = tuple(name for name in algorithms if only in (None, name))
    return PublicKey(kid, kind, usable, key)
