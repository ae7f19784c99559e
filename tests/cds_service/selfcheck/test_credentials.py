"""Keys that the self-check signs with, and the tokens that it spoils."""

import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from cds_service.selfcheck.credentials import KeyFileError, read_credentials, symmetric, tampered, unsigned
from tests.support.client_fakes import private_key

ADDRESS = "https://cds.example.org/cds-services"


def pem(algorithm: str) -> bytes:
    found: bytes = private_key(algorithm).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return found


def jwk_of(algorithm: str = "ES384", **members: Any) -> bytes:
    kind: Any = jwt.algorithms.ECAlgorithm if algorithm.startswith("ES") else jwt.algorithms.RSAAlgorithm
    return json.dumps({**kind.to_jwk(private_key(algorithm), as_dict=True), "kid": "of-the-jwk", **members}).encode()


def read(data: bytes, **others: str) -> Any:
    return read_credentials(data, **{"kid": "", "issuer": "https://ehr", "algorithm": "", "client_id": "c-1"} | others)


@pytest.mark.parametrize(
    ("data", "given", "kid", "algorithm"),
    [
        (pem("ES384"), {"kid": "k"}, "k", "ES384"),
        (pem("ES256"), {"kid": "k"}, "k", "ES256"),
        (pem("RS384"), {"kid": "k"}, "k", "RS384"),
        (pem("RS384"), {"kid": "k", "algorithm": "RS256"}, "k", "RS256"),
        (pem("EdDSA"), {"kid": "k"}, "k", "EdDSA"),
        (jwk_of(), {}, "of-the-jwk", "ES384"),
        (jwk_of("RS384", alg="RS512"), {}, "of-the-jwk", "RS512"),
        (jwk_of(), {"kid": "k"}, "k", "ES384"),
        (b'{"keys": [' + jwk_of() + b"]}", {}, "of-the-jwk", "ES384"),
    ],
)
def test_a_key_is_read_with_its_id_and_algorithm(data: bytes, given: Any, kid: str, algorithm: str) -> None:
    found = read(data, **given)
    header = jwt.get_unverified_header(found.token(ADDRESS))
    assert (header["kid"], header["alg"], header["typ"]) == (kid, algorithm, "JWT")
    claims = jwt.decode(found.token(ADDRESS), found.key.public_key(), algorithms=[algorithm], audience=ADDRESS)
    assert claims["iss"] == "https://ehr"
    assert claims["exp"] - claims["iat"] == 300


@pytest.mark.parametrize(
    ("data", "given", "says"),
    [
        (pem("ES384"), {}, "no kid: give it with --kid"),
        (pem("ES384"), {"kid": "k", "algorithm": "RS384"}, "cannot sign by RS384"),
        (pem("ES384"), {"kid": "k", "algorithm": "self-check"}, "cannot sign by self-check"),
        (b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----", {"kid": "k"}, "no private key"),
        (b"a password", {"kid": "k"}, "neither a PEM nor a JWK"),
        (b'{"kty": "oct", "k": "c2VjcmV0"}', {"kid": "k"}, "no private key"),
        (b'{"keys": []}', {"kid": "k"}, "neither a PEM nor a JWK"),
        (jwk_of(d=None), {"kid": "k"}, "no private key|neither"),
    ],
)
def test_a_key_that_cannot_sign_is_refused(data: bytes, given: Any, says: str) -> None:
    with pytest.raises(KeyFileError, match=says):
        read(data, **given)


def test_a_claim_or_a_header_can_be_replaced_and_left_out() -> None:
    found = read(jwk_of())
    token = found.token(ADDRESS, {"jti": None, "tenant": "north"}, {"kid": None, "typ": None})
    claims = jwt.decode(token, options={"verify_signature": False})
    assert ("jti" in claims, claims["tenant"]) == (False, "north")
    assert set(jwt.get_unverified_header(token)) == {"alg"}


def test_a_client_assertion_names_the_client_twice() -> None:
    claims = jwt.decode(read(jwk_of()).assertion(ADDRESS), options={"verify_signature": False})
    assert (claims["iss"], claims["sub"], claims["aud"]) == ("c-1", "c-1", ADDRESS)


@pytest.mark.parametrize("algorithm", ["ES384", "RS384", "EdDSA"])
def test_spoiled_tokens_do_not_verify(algorithm: str) -> None:
    found = read(pem(algorithm), kid="k")
    token = found.token(ADDRESS)
    for spoiled in (unsigned(token), symmetric(token, found.key), tampered(token)):
        assert spoiled != token
        with pytest.raises(jwt.PyJWTError):
            jwt.decode(spoiled, found.key.public_key(), algorithms=[algorithm], audience=ADDRESS)
    foreign = found.token(ADDRESS, key=found.foreign_key())
    with pytest.raises(jwt.InvalidSignatureError):
        jwt.decode(foreign, found.key.public_key(), algorithms=[algorithm], audience=ADDRESS)


def test_a_spoiled_token_says_the_algorithm_that_it_uses() -> None:
    found = read(jwk_of())
    token = found.token(ADDRESS)
    assert jwt.get_unverified_header(unsigned(token))["alg"] == "none"
    assert jwt.get_unverified_header(symmetric(token, found.key))["alg"] == "HS256"
