"""What the EHR's authorization server is asked, and what is believed of its answers."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from cds_service.clients.authorization_proof import Proof
from cds_service.clients.keys import KeySet, read_jwk_set
from cds_service.clients.registry import SmartRegistration
from cds_service.smart.authorization import (
    Endpoints,
    authorization_address,
    endpoints_in,
    grant_in,
    token_request,
    user_in,
)
from cds_service.smart.errors import LaunchError
from fhir_mappings.fhir_json import dumps

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
ENDPOINTS = Endpoints(
    "https://ehr.example/authorize", "https://ehr.example/token", "https://ehr.example", "https://ehr.example/jwks"
)
CONFIGURATION = {
    "authorization_endpoint": "https://ehr.example/authorize",
    "token_endpoint": "https://ehr.example/token",
    "issuer": "https://ehr.example",
    "jwks_uri": "https://ehr.example/jwks",
    "code_challenge_methods_supported": ["S256"],
}
# The verifier and its challenge are those of RFC 7636, appendix B.
PROOF = Proof("state-1", "nonce-1", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
REDIRECT = "https://cds.example/smart/callback"
APP = SmartRegistration("coverage-questions")
GRANTED = {
    "access_token": "token-1",
    "token_type": "Bearer",
    "expires_in": 3600,
    "scope": "openid fhirUser launch patient/*.rs user/QuestionnaireResponse.cu",
    "patient": "pat-1",
}
KEY = ec.generate_private_key(ec.SECP256R1())
OTHER_KEY = ec.generate_private_key(ec.SECP256R1())
CLAIMS = {
    "iss": "https://ehr.example",
    "aud": "coverage-questions",
    "sub": "u1",
    "exp": NOW + timedelta(minutes=5),
    "nonce": "nonce-1",
    "fhirUser": "https://ehr.example/fhir/Practitioner/dr-1",
}


def asked(registration: SmartRegistration, launch: str) -> dict[str, str]:
    address = authorization_address(
        ENDPOINTS, registration, PROOF, iss="https://ehr.example/fhir", launch=launch, redirect_uri=REDIRECT
    )
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}


def keys(*others: ec.EllipticCurvePrivateKey) -> KeySet:
    found = [
        {**jwt.algorithms.ECAlgorithm.to_jwk(each.public_key(), as_dict=True), "kid": str(number), "alg": "ES256"}
        for number, each in enumerate((KEY, *others), start=1)
    ]
    return read_jwk_set(dumps({"keys": found}).encode())


def user(claims: dict[str, Any], key: ec.EllipticCurvePrivateKey = KEY, algorithm: str = "ES256") -> str:
    token = jwt.encode(claims, key, algorithm=algorithm, headers={"kid": "1"})
    return user_in(token, keys(), ENDPOINTS, client_id="coverage-questions", nonce="nonce-1", now=NOW)


def test_a_configuration_gives_the_endpoints() -> None:
    assert endpoints_in(CONFIGURATION) == ENDPOINTS


@pytest.mark.parametrize("named", ["https://ehr.example", None], ids=["another", "none"])
def test_a_registered_issuer_replaces_that_of_the_configuration(named: str | None) -> None:
    found = endpoints_in({**CONFIGURATION, "issuer": named}, "https://ehr.example/oidc/")
    assert found == replace(ENDPOINTS, issuer="https://ehr.example/oidc/")


@pytest.mark.parametrize(
    "changed",
    [
        {"authorization_endpoint": None},
        {"token_endpoint": "file:///etc/passwd"},
        {"token_endpoint": "https://user:secret@ehr.example/token"},
        {"token_endpoint": "https://[oops/token"},
        {"token_endpoint": ["https://ehr.example/token"]},
        {"code_challenge_methods_supported": ["plain"]},
    ],
)
def test_a_configuration_without_usable_endpoints_or_s256_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(LaunchError):
        endpoints_in({**CONFIGURATION, **changed})


@pytest.mark.parametrize("configuration", [None, [], "x", {}])
def test_what_is_no_configuration_is_refused(configuration: Any) -> None:
    with pytest.raises(LaunchError):
        endpoints_in(configuration)


def test_an_ehr_launch_asks_for_a_code_with_the_challenge_of_its_verifier() -> None:
    assert asked(APP, "launch-1") == {
        "response_type": "code",
        "client_id": "coverage-questions",
        "redirect_uri": REDIRECT,
        "launch": "launch-1",
        "scope": "openid fhirUser launch patient/*.rs user/QuestionnaireResponse.cu",
        "state": "state-1",
        "aud": "https://ehr.example/fhir",
        "nonce": "nonce-1",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    }


def test_a_standalone_launch_asks_the_ehr_for_a_patient() -> None:
    found = asked(APP, "")
    assert "launch" not in found
    assert found["scope"].split()[2] == "launch/patient"


def test_an_ehr_with_scopes_of_smart_1_is_asked_for_those() -> None:
    scopes = asked(SmartRegistration("coverage-questions", scopes="v1"), "launch-1")["scope"]
    assert scopes == "openid fhirUser launch patient/*.read user/QuestionnaireResponse.write"


def test_an_endpoint_with_a_query_keeps_it() -> None:
    endpoints = Endpoints("https://ehr.example/authorize?tenant=7", "", "", "")
    address = authorization_address(endpoints, APP, PROOF, iss="i", launch="l", redirect_uri=REDIRECT)
    assert address.startswith("https://ehr.example/authorize?tenant=7&response_type=code&")


def test_a_public_app_names_itself_in_the_body_and_sends_the_verifier() -> None:
    body, headers = token_request(APP, PROOF, code="code-1", redirect_uri=REDIRECT, secret="")
    assert {name: values[0] for name, values in parse_qs(body.decode()).items()} == {
        "grant_type": "authorization_code",
        "code": "code-1",
        "redirect_uri": REDIRECT,
        "code_verifier": PROOF.verifier,
        "client_id": "coverage-questions",
    }
    assert "Authorization" not in headers


def test_a_confidential_app_authenticates_with_its_secret() -> None:
    body, headers = token_request(APP, PROOF, code="code-1", redirect_uri=REDIRECT, secret="s p")
    assert (
        headers["Authorization"] == "Basic Y292ZXJhZ2UtcXVlc3Rpb25zOnMrcA=="
    )  # coverage-questions:s+p (RFC 6749, 2.3.1)
    assert b"client_id" not in body


def test_a_grant_has_patient_lifetime_and_leave_to_write() -> None:
    found = grant_in(GRANTED, "Practitioner/dr-1", NOW)
    assert (found.patient, found.expires_at, found.may_write) == ("pat-1", NOW + timedelta(hours=1), True)
    assert found.needs_banner


@pytest.mark.parametrize(
    ("scope", "may_write"),
    [
        ("user/QuestionnaireResponse.cu", True),
        ("user/QuestionnaireResponse.cruds", True),
        ("user/QuestionnaireResponse.write", True),
        ("user/QuestionnaireResponse.*", True),
        ("patient/*.write", True),
        ("user/QuestionnaireResponse.rs", False),
        ("user/QuestionnaireResponse.read", False),
        ("user/Observation.cu", False),
        ("patient/*.rs", False),
        ("", False),
    ],
)
def test_the_granted_scopes_say_whether_the_app_may_write(scope: str, may_write: bool) -> None:
    assert grant_in({**GRANTED, "scope": scope}, "Practitioner/dr-1", NOW).may_write is may_write


@pytest.mark.parametrize(
    "changed",
    [
        {"access_token": None},
        {"access_token": "with space"},
        {"token_type": "mac"},
        {"patient": None},
        {"patient": "Patient/1/_history/2"},
        {"patient": 7},
    ],
)
def test_an_answer_that_grants_nothing_for_one_patient_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(LaunchError):
        grant_in({**GRANTED, **changed}, "Practitioner/dr-1", NOW)


def test_a_token_without_lifetime_lives_five_minutes() -> None:
    assert grant_in({**GRANTED, "expires_in": None}, "u", NOW).expires_at == NOW + timedelta(minutes=5)


def test_the_id_token_names_the_practitioner() -> None:
    assert user(CLAIMS) == "Practitioner/dr-1"
    assert user({**CLAIMS, "fhirUser": "PractitionerRole/7"}) == "PractitionerRole/7"


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": "https://evil.example"},
        {"aud": "another-app"},
        {"nonce": "nonce-2"},
        {"nonce": None},
        {"exp": NOW - timedelta(minutes=1)},
        {"fhirUser": "Patient/pat-1"},
        {"fhirUser": "RelatedPerson/1"},
        {"fhirUser": None},
    ],
)
def test_an_id_token_of_another_launch_or_of_no_practitioner_is_refused(changed: dict[str, Any]) -> None:
    claims = {name: value for name, value in {**CLAIMS, **changed}.items() if value is not None}
    with pytest.raises(LaunchError):
        user(claims)


@pytest.mark.parametrize("expires", ["soon", True, -1e18, float("nan")])
def test_an_id_token_whose_end_is_no_moment_to_come_is_refused(expires: Any) -> None:
    with pytest.raises(LaunchError):
        user({**CLAIMS, "exp": expires})


@pytest.mark.parametrize("expires", [1e18, float("inf")])
def test_an_id_token_may_end_after_the_last_year_of_a_calendar(expires: float) -> None:
    assert user({**CLAIMS, "exp": expires}) == "Practitioner/dr-1"


def test_an_id_token_counts_until_a_minute_after_its_end() -> None:
    assert user({**CLAIMS, "exp": NOW - timedelta(seconds=59)}) == "Practitioner/dr-1"


def test_an_id_token_signed_by_another_key_is_refused() -> None:
    with pytest.raises(LaunchError, match="cannot be used"):
        user(CLAIMS, OTHER_KEY)


def test_an_id_token_may_name_no_key_where_the_ehr_has_one_only() -> None:
    token = jwt.encode(CLAIMS, KEY, algorithm="ES256")
    found = user_in(token, keys(), ENDPOINTS, client_id="coverage-questions", nonce="nonce-1", now=NOW)
    assert found == "Practitioner/dr-1"


@pytest.mark.parametrize(("key", "others"), [(KEY, (OTHER_KEY,)), (OTHER_KEY, ())], ids=["of several", "of another"])
def test_an_id_token_that_names_no_key_of_several_or_is_of_another_is_refused(
    key: ec.EllipticCurvePrivateKey, others: tuple[ec.EllipticCurvePrivateKey, ...]
) -> None:
    token = jwt.encode(CLAIMS, key, algorithm="ES256")
    with pytest.raises(LaunchError, match="cannot be used"):
        user_in(token, keys(*others), ENDPOINTS, client_id="coverage-questions", nonce="nonce-1", now=NOW)


def test_an_unsigned_id_token_is_refused() -> None:
    token = jwt.encode(CLAIMS, None, algorithm="none")
    with pytest.raises(LaunchError, match="cannot be used"):
        user_in(token, keys(), ENDPOINTS, client_id="coverage-questions", nonce="nonce-1", now=NOW)


@pytest.mark.parametrize("token", [None, 7, "x", "a.b.c", "é"])
def test_what_is_no_id_token_is_refused(token: Any) -> None:
    with pytest.raises(LaunchError):
        user_in(token, keys(), ENDPOINTS, client_id="coverage-questions", nonce="nonce-1", now=NOW)
