"""Every reason for which a client assertion is refused, one at a time; and what is taken (SMART App Launch 2.2)."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cds_service.clients.authenticator import Authenticator
from cds_service.clients.keys import read_jwk_set
from cds_service.clients.registry import Client
from cds_service.clients.signed_tokens import InvalidTokenError
from tests.support.backend_tokens import CLIENT_ID, TOKEN_URL, assertion, backend_client
from tests.support.client_fakes import PUBLIC, Clock, FixedKeys, InMemoryReplayGuard, claims, jwk, token
from tests.support.hook_fakes import NOW

SECONDS = int(NOW.timestamp())
JKU = "https://ehr.example.org/jwks.json"
KEYS = [jwk(), jwk("k2", "RS384"), jwk("k3", "ES256")]
OF_KEY = {"ES384": "k1", "RS384": "k2", "ES256": "k3"}


class Door:
    """An authenticator for one client that is registered for access tokens, and a second one."""

    def __init__(self, client: Client | None = None, *, max_lifetime: float = 3600) -> None:
        self.clock = Clock()
        self.keys = FixedKeys(read_jwk_set(json.dumps({"keys": KEYS}).encode()))
        self.replay_guard = InMemoryReplayGuard(self.clock)
        other = FixedKeys(read_jwk_set(json.dumps({"keys": [jwk(name="other")]}).encode()))
        self.authenticator = Authenticator(
            [(client or backend_client(), self.keys), (backend_client("other", "other-app"), other)],
            self.replay_guard,
            self.clock,
            skew_seconds=30,
            max_lifetime_seconds=max_lifetime,
        )

    def takes(self, value: str) -> bool:
        """Whether an assertion is taken for its client; True, or the refusal is raised."""
        principal, registered = self.authenticator.authenticate_assertion(value, {TOKEN_URL})
        return (principal.client.name, registered.client_id) == ("ehr", CLIENT_ID)

    def refuses(self, value: str) -> str:
        """The reason for which an assertion is refused."""
        with pytest.raises(InvalidTokenError) as refused:
            self.authenticator.authenticate_assertion(value, {TOKEN_URL})
        return refused.value.reason


@pytest.fixture
def door() -> Door:
    return Door()


@pytest.mark.parametrize("algorithm", ["ES384", "RS384"])
def test_the_algorithms_of_smart_are_taken(door: Door, algorithm: str) -> None:
    assert door.takes(assertion(header={"algorithm": algorithm, "kid": OF_KEY[algorithm]}))


def test_an_algorithm_that_is_registered_for_calls_alone_is_refused() -> None:
    usual = backend_client()
    assert usual.backend_services is not None
    client = Client("ehr", usual.issuer, algorithms=("ES256", "RS384"), backend_services=usual.backend_services)
    door = Door(client)
    for algorithm in ("ES256", "ES384"):
        signed = assertion(header={"algorithm": algorithm, "kid": OF_KEY[algorithm]})
        assert door.refuses(signed) == "alg is not one that the client registered"
    assert door.takes(assertion(header={"algorithm": "RS384", "kid": "k2"}))


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"iss": None}, "iss is not a registered client_id"),
        ({"iss": ["dtr-app"]}, "iss is not a registered client_id"),
        ({"iss": "https://ehr.example.org", "sub": "https://ehr.example.org"}, "iss is not a registered client_id"),
        ({"sub": None}, "sub differs from iss"),
        ({"sub": "other-app"}, "sub differs from iss"),
        ({"sub": [CLIENT_ID]}, "sub differs from iss"),
        ({"iss": "other-app", "sub": "other-app"}, "the signature is not valid"),
        ({"aud": None}, "aud is not the address that was called"),
        ({"aud": PUBLIC}, "aud is not the address that was called"),
        ({"aud": f"{PUBLIC}/fhir"}, "aud is not the address that was called"),
        ({"aud": "https://other.example.org/auth/token"}, "aud is not the address that was called"),
        ({"jti": None}, "jti is not a string of 1 to 256 characters"),
        ({"jti": "x" * 257}, "jti is not a string of 1 to 256 characters"),
        ({"exp": None}, "exp is missing or not a number"),
        ({"exp": "soon"}, "exp is missing or not a number"),
        ({"iat": "now"}, "iat is missing or not a number"),
        ({"nbf": "now"}, "nbf is missing or not a number"),
    ],
)
def test_each_claim_is_checked(door: Door, said: dict[str, Any], reason: str) -> None:
    assert door.refuses(assertion(**said)) == reason
    assert door.replay_guard.used == {}


@pytest.mark.parametrize("longest", [60, 3600])
@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"exp": SECONDS + 330}, ""),
        ({"exp": SECONDS + 331}, "exp is more than 300 seconds ahead"),
        ({"exp": SECONDS - 29}, ""),
        ({"exp": SECONDS - 30}, "exp is past"),
        ({"iat": SECONDS + 30}, ""),
        ({"iat": SECONDS + 31}, "iat is in the future"),
        ({"nbf": SECONDS + 30}, ""),
        ({"nbf": SECONDS + 31}, "nbf is in the future"),
    ],
)
def test_it_is_good_for_five_minutes_at_most_and_clocks_may_differ(
    longest: float, said: dict[str, Any], reason: str
) -> None:
    door = Door(max_lifetime=longest)
    if reason:
        assert door.refuses(assertion(**said)) == reason
    else:
        assert door.takes(assertion(**said))


@pytest.mark.parametrize("aud", [TOKEN_URL, [TOKEN_URL], ["https://other.example.org", TOKEN_URL]])
def test_its_audience_is_the_token_endpoint_as_text_or_list(door: Door, aud: Any) -> None:
    assert door.takes(assertion(aud=aud))


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ({"typ": None}, "typ is not JWT"),
        ({"typ": "at+jwt"}, "typ is not JWT"),
        ({"kid": ""}, "kid is missing"),
        ({"kid": "k9"}, "no key of the client has this kid and fits alg"),
        ({"name": "stranger"}, "the signature is not valid"),
    ],
)
def test_its_header_and_signature_are_checked(door: Door, header: dict[str, Any], reason: str) -> None:
    assert door.refuses(assertion(header=header)) == reason


def test_a_jku_is_the_registered_one_or_absent() -> None:
    usual = backend_client()
    door = Door(Client("ehr", usual.issuer, jwks_url=JKU, backend_services=usual.backend_services))
    assert door.takes(assertion(header={"jku": JKU}))
    assert door.takes(assertion())
    for other in (f"{JKU}?", "https://evil.example.org/jwks.json", "", 7):
        assert door.refuses(assertion(header={"jku": other})) == "jku is not the registered one"
    assert door.keys.asked == 2


def test_it_is_good_for_one_request_until_it_has_expired_for_everyone(door: Door) -> None:
    value = assertion(exp=SECONDS + 60)
    assert door.takes(value)
    for seconds in (0, 89.9):
        door.clock.seconds = seconds
        assert door.refuses(value) == "jti was used before"
    door.clock.seconds = 90
    assert door.refuses(value) == "exp is past"


def test_the_tenants_of_calls_do_not_count() -> None:
    usual = backend_client()
    door = Door(Client("ehr", usual.issuer, tenants=("north",), backend_services=usual.backend_services))
    assert door.takes(assertion())


def test_a_client_that_is_not_registered_for_access_tokens_gets_none() -> None:
    door = Door(Client("ehr", "https://ehr.example.org"))
    assert door.refuses(assertion()) == "iss is not a registered client_id"


def test_the_token_of_a_call_is_no_assertion_and_an_assertion_no_token_of_a_call(door: Door) -> None:
    sign = f"{PUBLIC}/cds-services/coverage-order-sign"
    assert door.refuses(token(claims(aud=TOKEN_URL))) == "iss is not a registered client_id"
    with pytest.raises(InvalidTokenError, match="iss is not registered"):
        door.authenticator.authenticate(f"Bearer {assertion(aud=sign, iat=SECONDS)}", {sign})


GARBAGE = [
    "",
    "x",
    "a.b",
    "a.b.c",
    "a.b.c.d",
    "Bearer a.b.c",
    "é.é.é",
    "a.b.c\n",
    "A" * 9000,
    ".".join(["A" * 3000] * 3),
]


@pytest.mark.parametrize("value", GARBAGE)
def test_garbage_is_refused(door: Door, value: str) -> None:
    assert door.refuses(value) == "the token is not a JWT"


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
SAID = st.fixed_dictionaries({}, optional=dict.fromkeys(("iss", "sub", "exp", "iat", "nbf", "jti"), ANY))


@settings(deadline=None)
@given(SAID)
def test_no_signed_claims_break_the_check(said: dict[str, Any]) -> None:
    with contextlib.suppress(InvalidTokenError):
        assert Door().takes(assertion(**said))


@settings(deadline=None)
@given(st.text(max_size=200))
def test_no_text_breaks_the_check(text: str) -> None:
    for value in (text, f"{text}.{text}.{text}"):
        with pytest.raises(InvalidTokenError):
            Door().authenticator.authenticate_assertion(value, {TOKEN_URL})
