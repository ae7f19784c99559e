"""Whatever is sent as a token or served as keys is refused in our own words, never with another exception."""

import base64
import contextlib
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cds_service.clients.authenticator import Authenticator
from cds_service.clients.keys import KeysError, KeySet, read_keys
from cds_service.clients.registry import Client
from cds_service.clients.signed_tokens import InvalidTokenError
from tests.support.client_fakes import ISSUER, SIGN, Clock, FixedKeys, InMemoryReplayGuard, claims, jwk, token

ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
HEADER = st.fixed_dictionaries(
    {},
    optional={
        "alg": st.sampled_from(["ES384", "RS384", "none", "HS256"]) | ANY,
        "typ": st.just("JWT") | ANY,
        "kid": st.just("k1") | ANY,
        "jku": ANY,
        "crit": ANY,
        "b64": ANY,
        "jwk": ANY,
    },
)
CLAIMS = st.fixed_dictionaries(
    {},
    optional={
        "iss": st.just(ISSUER) | ANY,
        "aud": st.just(SIGN) | ANY,
        **dict.fromkeys(("exp", "iat", "nbf", "jti", "tenant", "sub"), ANY),
    },
)


def authenticator() -> Authenticator:
    clock = Clock()
    keys = FixedKeys(read_keys(json.dumps({"keys": [jwk(), jwk("k2", "RS384")]}).encode()))
    replay_guard = InMemoryReplayGuard(clock)
    return Authenticator(
        [(Client("ehr", ISSUER), keys)], replay_guard, clock, skew_seconds=30, max_lifetime_seconds=3600
    )


def part(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


@settings(deadline=None)
@given(HEADER | ANY, CLAIMS | ANY, st.binary(max_size=100))
def test_no_header_and_no_claims_break_the_check(header: Any, said: Any, signature: bytes) -> None:
    signed = base64.urlsafe_b64encode(signature).rstrip(b"=").decode()
    with pytest.raises(InvalidTokenError):
        authenticator().authenticate(f"Bearer {part(header)}.{part(said)}.{signed}", {SIGN})


@settings(deadline=None)
@given(CLAIMS)
def test_no_signed_claims_break_the_check(said: dict[str, Any]) -> None:
    with contextlib.suppress(InvalidTokenError):
        assert authenticator().authenticate(f"Bearer {token({**claims(), **said})}", {SIGN}).client.name == "ehr"


@settings(deadline=None)
@given(st.text(max_size=200))
def test_no_text_breaks_the_check(text: str) -> None:
    for authorization in (text, f"Bearer {text}", f"Bearer {text}.{text}.{text}"):
        with pytest.raises(InvalidTokenError):
            authenticator().authenticate(authorization, {SIGN})


MEMBER = st.sampled_from(["kty", "crv", "x", "y", "n", "e", "kid", "use", "alg", "key_ops", "d"])
KINDS = st.sampled_from(["EC", "RSA", "OKP", "oct", "P-384", "Ed25519", "RS384", "AQAB", "sig", jwk()["x"]])


@settings(deadline=None)
@given(st.lists(st.dictionaries(MEMBER, KINDS | ANY, max_size=8) | ANY, max_size=4))
def test_no_key_set_breaks_the_reading(keys: Any) -> None:
    found = read_keys(json.dumps({"keys": keys}).encode())
    assert len(found.keys) + len(found.rejected) == len(keys)


@settings(deadline=None)
@given(st.binary(max_size=200), st.sampled_from([b"", b"-----BEGIN PUBLIC KEY-----\n", b'{"keys":[']))
def test_no_file_breaks_the_reading(data: bytes, start: bytes) -> None:
    with contextlib.suppress(KeysError):
        assert isinstance(read_keys(start + data), KeySet)
