"""What the self-check signs with: a client's private key, and the tokens of CDS Hooks and of SMART Backend Services."""

import base64
import hmac
import json
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

_LIFETIME = 300
_BY_CURVE = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}
_PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


class KeyFileError(Exception):
    """A key that cannot sign; the message says why and quotes nothing."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """The key of a registered client: `kid`, `issuer` (the `iss` of its tokens), and the JWS algorithm.

    `client_id` is that of SMART Backend Services; empty for a client without one.
    """

    key: Any = field(repr=False)
    kid: str
    issuer: str
    algorithm: str
    client_id: str = ""

    def token(
        self,
        audience: str | list[str],
        claims: dict[str, Any] | None = None,
        header: dict[str, Any] | None = None,
        *,
        key: Any = None,
        issuer: str = "",
    ) -> str:
        """Return a token of CDS Hooks for an address. `claims` and `header` change it; None removes a member."""
        now = int(time.time())
        said: dict[str, Any] = {
            "iss": issuer or self.issuer,
            "aud": audience,
            "iat": now,
            "exp": now + _LIFETIME,
            "jti": str(uuid.uuid4()),
        }
        body = json.dumps(_kept(said | (claims or {}))).encode()
        # PyJWT adds its own typ, and leaves it out where it is None.
        members = {"kid": self.kid, "typ": "JWT"} | (header or {})
        return jwt.PyJWS().encode(body, key or self.key, self.algorithm, headers=_kept(members, but="typ"))

    def assertion(self, audience: str, claims: dict[str, Any] | None = None, *, key: Any = None) -> str:
        """Return a client assertion for a token endpoint (SMART Backend Services: `private_key_jwt`)."""
        return self.token(audience, {"sub": self.client_id} | (claims or {}), key=key, issuer=self.client_id)

    def foreign_key(self) -> Any:
        """Return a new key of the same kind, which no server knows."""
        if isinstance(self.key, rsa.RSAPrivateKey):
            return rsa.generate_private_key(65537, 2048)
        if isinstance(self.key, ec.EllipticCurvePrivateKey):
            return ec.generate_private_key(self.key.curve)
        return ed25519.Ed25519PrivateKey.generate()


def _kept(members: dict[str, Any], but: str = "") -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None or name == but}


def unsigned(token: str) -> str:
    """Return a token with the same claims, the algorithm `none`, and no signature."""
    claims = jwt.decode(token, options={"verify_signature": False})
    return jwt.encode(claims, "", algorithm="none", headers={"kid": _kid(token), "typ": "JWT"})


def symmetric(token: str, key: _PrivateKey) -> str:
    """Return a token with the same claims, signed by HMAC with the text of a client's public key as the secret."""
    secret = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    header = _encoded(json.dumps({"alg": "HS256", "kid": _kid(token), "typ": "JWT"}).encode())
    signed = f"{header}.{token.split('.')[1]}"
    return f"{signed}.{_encoded(hmac.new(secret, signed.encode(), 'sha256').digest())}"


def tampered(token: str) -> str:
    """Return a token whose claims are not those that were signed."""
    header, said, signature = token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(said + "=" * (-len(said) % 4)))
    return ".".join((header, _encoded(json.dumps(claims | {"jti": str(uuid.uuid4())}).encode()), signature))


def _kid(token: str) -> Any:
    return jwt.get_unverified_header(token).get("kid")


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def read_credentials(data: bytes, *, kid: str, issuer: str, algorithm: str, client_id: str) -> Credentials:
    """Return the credentials of a private key, a JWK or PEM.

    An empty `kid` or `algorithm` is that of the JWK, or the usual one of the kind of key. Raise KeyFileError.
    """
    if b"-----BEGIN " in data:
        key = _pem(data)
    else:
        key, stated = _jwk(data)
        kid = kid or str(stated.get("kid") or "")
        algorithm = algorithm or str(stated.get("alg") or "")
    if not kid:
        raise KeyFileError("the key has no kid: give it with --kid")
    algorithm = algorithm or _usual_algorithm(key)
    made = Credentials(key, kid, issuer, algorithm, client_id)
    try:
        made.token("https://cds.example.org")
    except (jwt.PyJWTError, NotImplementedError, TypeError, ValueError):
        raise KeyFileError(f"the key cannot sign by {algorithm}") from None
    return made


def _pem(data: bytes) -> _PrivateKey:
    try:
        key = load_pem_private_key(data, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise KeyFileError("this PEM has no private key that can be read without a password") from None
    if not isinstance(key, _PrivateKey):
        raise KeyFileError("the kind of key cannot sign tokens")
    return key


def _jwk(data: bytes) -> tuple[_PrivateKey, dict[str, Any]]:
    try:
        stated = json.loads(data)
        if isinstance(stated, dict) and isinstance(stated.get("keys"), list):
            stated = next(each for each in stated["keys"] if isinstance(each, dict) and "d" in each)
        key = jwt.PyJWK({name: value for name, value in stated.items() if name != "alg"}).key
    except (ValueError, AttributeError, StopIteration, jwt.PyJWTError, RecursionError):
        raise KeyFileError("this is neither a PEM nor a JWK with a private key") from None
    if not isinstance(key, _PrivateKey):
        raise KeyFileError("this JWK has no private key")
    return key, stated


def _usual_algorithm(key: _PrivateKey) -> str:
    if isinstance(key, rsa.RSAPrivateKey):
        return "RS384"
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return "EdDSA"
    try:
        return _BY_CURVE[key.curve.name]
    except KeyError:
        raise KeyFileError("the curve of the key has no algorithm of CDS Hooks") from None
