"""An access token is good for five minutes at any process of the service, and nothing else passes for one."""

import base64
import json
from typing import Any

import jwt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cds_service.clients.access_tokens import AccessTokens, is_access_token
from cds_service.clients.registry import Client
from cds_service.clients.signed_tokens import InvalidTokenError
from tests.support.backend_tokens import CLIENT_ID, backend_client
from tests.support.client_fakes import PUBLIC, Clock, private_key, token
from tests.support.hook_fakes import NOW

KEY, OTHER_KEY = b"k" * 32, b"o" * 32
FORMS = ("system/Questionnaire.rs",)
SECONDS = int(NOW.timestamp())
SAID = {
    "iss": PUBLIC,
    "sub": CLIENT_ID,
    "client_id": CLIENT_ID,
    "aud": f"{PUBLIC}/fhir",
    "scope": "system/Questionnaire.rs",
    "iat": SECONDS,
    "exp": SECONDS + 300,
    "jti": "t-1",
}


def service(*clients: Client, key: bytes = KEY, public_url: str = PUBLIC, clock: Clock | None = None) -> AccessTokens:
    """The access tokens of a process."""
    found = clients or (backend_client(),)
    return AccessTokens(found, key, public_url=public_url, clock=clock or Clock(), new_id=lambda: "t-1")


def signed(said: dict[str, Any], key: Any = KEY, algorithm: str = "HS256", typ: Any = "at+jwt") -> str:
    """A token with these claims, of which None are left out."""
    kept = {name: value for name, value in said.items() if value is not None}
    return jwt.PyJWS().encode(json.dumps(kept).encode(), key, algorithm, headers={"typ": typ})


def refusal(value: str, tokens: AccessTokens | None = None) -> str:
    """The reason for which a token is refused."""
    with pytest.raises(InvalidTokenError) as refused:
        (tokens or service()).check(value)
    return refused.value.reason


def test_a_token_names_its_client_and_scopes() -> None:
    issued = service().issue(backend_client(), FORMS)
    assert issued.scopes == FORMS
    header, claims = (
        jwt.get_unverified_header(issued.value),
        jwt.decode(issued.value, KEY, algorithms=["HS256"], options={"verify_exp": False}, audience=f"{PUBLIC}/fhir"),
    )
    assert header == {"typ": "at+jwt", "alg": "HS256"}
    assert claims == SAID
    found = service().check(issued.value)
    assert (found.client.name, found.scopes, found.jti) == ("ehr", FORMS, "t-1")
    assert service().check(signed(SAID)).client.name == "ehr"


def test_another_process_and_the_next_run_take_it() -> None:
    value = service().issue(backend_client(), FORMS).value
    later = Clock()
    later.seconds = 200
    assert service(clock=later).check(value).client.name == "ehr"


@pytest.mark.parametrize(("seconds", "is_good"), [(0, True), (299.9, True), (300, False), (86_400, False), (-60, True)])
def test_it_is_good_for_five_minutes(seconds: float, is_good: bool) -> None:
    clock = Clock()
    tokens = service(clock=clock)
    value = tokens.issue(backend_client(), FORMS).value
    clock.seconds = seconds
    if is_good:
        assert tokens.check(value).client.name == "ehr"
    else:
        assert refusal(value, tokens) == "the access token has expired"


def test_a_token_of_another_service_is_refused() -> None:
    assert refusal(service(key=OTHER_KEY).issue(backend_client(), FORMS).value) == (
        "the access token is not one of this service"
    )
    for public_url in ("https://other.example.org", f"{PUBLIC}/x"):
        value = service(public_url=public_url).issue(backend_client(), FORMS).value
        assert refusal(value) == "the access token is for another address"
    assert service(public_url=f"{PUBLIC}/").check(service().issue(backend_client(), FORMS).value)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"iss": "https://other.example.org"}, "the access token is for another address"),
        ({"iss": None}, "the access token is for another address"),
        ({"aud": PUBLIC}, "the access token is for another address"),
        ({"aud": None}, "the access token is for another address"),
        ({"exp": None}, "exp is missing or not a number"),
        ({"exp": "soon"}, "exp is missing or not a number"),
        ({"exp": SECONDS}, "the access token has expired"),
        ({"sub": "other"}, "the client of the access token is not registered"),
        ({"sub": None}, "the client of the access token is not registered"),
        ({"scope": "system/Patient.rs"}, "the access token grants more than the client may have"),
        ({"scope": None}, "the access token grants more than the client may have"),
        ({"jti": None}, "jti is not a string of 1 to 256 characters"),
    ],
)
def test_each_claim_is_checked(said: dict[str, Any], reason: str) -> None:
    assert refusal(signed(SAID | said)) == reason


def test_a_token_that_was_changed_is_refused() -> None:
    head, body, signature = signed(SAID).split(".")
    more = base64.urlsafe_b64encode(json.dumps(SAID | {"scope": "system/*.*"}).encode()).rstrip(b"=").decode()
    for changed in (f"{head}.{more}.{signature}", f"{head}.{body}.{signature[:-4]}AAAA", f"{head}.{body}.AAAA"):
        assert refusal(changed) == "the access token is not one of this service"


@pytest.mark.parametrize("algorithm", ["none", "None", "HS384", "HS512", "RS256", None, 7])
def test_another_algorithm_is_refused(algorithm: Any) -> None:
    head = base64.urlsafe_b64encode(json.dumps({"typ": "at+jwt", "alg": algorithm}).encode()).rstrip(b"=").decode()
    body, signature = signed(SAID).split(".")[1:]
    assert refusal(f"{head}.{body}.{signature}")
    if algorithm in ("HS384", "HS512"):
        assert refusal(signed(SAID, b"k" * 64, algorithm)) == "typ or alg is not that of an access token"
    assert refusal(signed(SAID, private_key(), "ES384")) == "typ or alg is not that of an access token"


@pytest.mark.parametrize("typ", [None, "JWT", "AT+JWT", "application/at+jwt", 7])
def test_another_type_is_refused(typ: Any) -> None:
    assert refusal(signed(SAID, typ=typ)) == "typ or alg is not that of an access token"


def test_a_client_that_may_have_less_than_before_needs_a_new_token() -> None:
    value = service().issue(backend_client(), FORMS).value
    fewer = service(backend_client(scopes=("system/Questionnaire.r",)))
    assert refusal(value, fewer) == "the access token grants more than the client may have"
    assert service(backend_client(scopes=("system/Questionnaire.s", "system/Questionnaire.r"))).check(value)


@pytest.mark.parametrize("now", [backend_client(client_id="renamed"), Client("ehr", "https://ehr.example.org")])
def test_a_client_that_is_not_registered_any_more_gets_nothing(now: Client) -> None:
    value = service().issue(backend_client(), FORMS).value
    assert refusal(value, service(now)) == "the client of the access token is not registered"


def test_a_client_without_a_registration_gets_no_token() -> None:
    with pytest.raises(ValueError, match="not registered"):
        service().issue(Client("ehr", "urn:ehr"), FORMS)


def test_an_access_token_is_told_by_its_type() -> None:
    assert is_access_token(signed(SAID))
    assert not is_access_token(token())


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from([*SAID, "nbf", "crit"]), st.none() | st.integers() | st.text(max_size=20)))
def test_no_claims_break_the_check(said: dict[str, Any]) -> None:
    try:
        found = service().check(signed(SAID | said))
    except InvalidTokenError:
        return
    assert found.client.name == "ehr"
    assert found.scopes is not None
    assert set(found.scopes) <= {"system/Questionnaire.rs", "system/ValueSet.rs"}
