"""SMART App Launch 2.2 in the sample EHR: discovery, launch, authorization, and tokens."""

import re

import jwt
import pytest

from cds_service.sample_ehr.patients import sample_store
from cds_service.sample_ehr.server import create_sample_ehr
from fhir_mappings.validity import faults
from tests.support.sample_ehr_launches import (
    APP_URL,
    BASE,
    CALLBACK,
    CHALLENGE,
    OTHER,
    PATIENT,
    SCOPES,
    SECRET,
    START,
    Ehr,
    query_of,
)


@pytest.fixture
def ehr():
    return Ehr()


@pytest.fixture
def asking():
    """Return a sample EHR that asks the user."""
    return Ehr(approves_at_once=False)


def encoded_secret():
    return "s+p%2B%25c"


@pytest.mark.parametrize("name", ["smart-configuration", "openid-configuration"])
def test_discovery_needs_no_token_and_names_the_endpoints(ehr, name):
    found = ehr.http.get(f"/fhir/.well-known/{name}")
    assert found.mimetype == "application/json"
    assert found.json["issuer"] == BASE
    assert found.json["authorization_endpoint"] == "http://localhost/auth/authorize"
    assert found.json["token_endpoint"] == "http://localhost/auth/token"
    assert found.json["jwks_uri"] == "http://localhost/auth/jwks"
    assert found.json["code_challenge_methods_supported"] == ["S256"]
    assert found.json["grant_types_supported"] == ["authorization_code"]
    assert {"launch-ehr", "launch-standalone", "sso-openid-connect", "permission-v1"} <= {*found.json["capabilities"]}
    assert set(SCOPES.split()) <= {*found.json["scopes_supported"]}


def test_the_endpoints_are_beside_the_base_url(ehr):
    behind = create_sample_ehr(sample_store(None), base_url="https://demo.example/ehr/fhir/", smart=ehr.smart)
    found = behind.test_client().get("/fhir/.well-known/smart-configuration").json
    assert (found["issuer"], found["token_endpoint"]) == (
        "https://demo.example/ehr/fhir",
        "https://demo.example/ehr/auth/token",
    )


def test_without_smart_nothing_can_be_launched_or_written():
    client = create_sample_ehr(sample_store(None)).test_client()
    for path in ("/fhir/.well-known/smart-configuration", "/auth/authorize", "/auth/jwks"):
        assert client.get(path).status_code == 404
    assert client.post("/fhir/QuestionnaireResponse", json={}).status_code == 405
    assert "extension" not in client.get("/fhir/metadata").json["rest"][0]["security"]


def test_the_capability_statement_names_smart_and_what_can_be_written(ehr):
    statement = ehr.http.get("/fhir/metadata").json
    assert faults(statement) == ()
    rest = statement["rest"][0]
    assert rest["security"]["service"][0]["coding"][0]["code"] == "SMART-on-FHIR"
    addresses = {each["url"]: each["valueUri"] for each in rest["security"]["extension"][0]["extension"]}
    assert addresses == {"authorize": "http://localhost/auth/authorize", "token": "http://localhost/auth/token"}
    writable = [each["type"] for each in rest["resource"] if {"code": "create"} in each["interaction"]]
    assert writable == ["QuestionnaireResponse"]


def test_a_launch_link_works_each_time_and_gives_a_new_launch_token(ehr):
    path = ehr.smart.launch(PATIENT, app_url=APP_URL)
    first, second = ehr.http.get(path), ehr.http.get(path)
    assert first.status_code == 303
    assert first.headers["Location"].startswith(f"{APP_URL}?")
    assert query_of(first)["iss"] == BASE
    assert query_of(first)["launch"] != query_of(second)["launch"]
    assert PATIENT not in first.headers["Location"]


def test_an_app_address_with_a_query_keeps_it(ehr):
    path = ehr.smart.launch(PATIENT, app_url=f"{APP_URL}?theme=dark")
    assert query_of(ehr.http.get(path)).keys() == {"theme", "iss", "launch"}


def test_an_unknown_launch_link_is_a_page(ehr):
    found = ehr.http.get("/launch/nothing")
    assert (found.status_code, found.mimetype) == (404, "text/html")


def test_an_approved_request_redirects_with_code_and_state(ehr):
    redirected = ehr.authorize()
    assert redirected.status_code == 303
    assert redirected.headers["Location"].startswith(f"{CALLBACK}?")
    assert redirected.headers["Cache-Control"] == "no-store"
    assert query_of(redirected).keys() == {"code", "state"}
    assert query_of(redirected)["state"] == "the-state"


@pytest.mark.parametrize(
    "changed",
    [
        {"client_id": "unknown"},
        {"client_id": None},
        {"redirect_uri": f"{CALLBACK}/"},
        {"redirect_uri": "https://evil.example/"},
        {"redirect_uri": None},
    ],
)
def test_a_request_without_a_trusted_address_is_a_page_and_never_redirected(ehr, changed):
    refused = ehr.authorize(**changed)
    assert (refused.status_code, refused.mimetype) == (400, "text/html")
    assert "Location" not in refused.headers


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"aud": "https://other.example/fhir"}, "invalid_request"),
        ({"aud": None}, "invalid_request"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge": CHALLENGE[:-1]}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"scope": None}, "invalid_scope"),
        ({"scope": "user/*.cruds offline_access"}, "invalid_scope"),
        ({"scope": "openid patient/*.rs"}, "invalid_scope"),
        ({"launch": "made-up"}, "invalid_request"),
    ],
)
def test_other_faults_are_redirected_with_error_and_state(ehr, changed, error):
    refused = ehr.authorize(**changed)
    assert refused.headers["Location"].startswith(f"{CALLBACK}?")
    assert query_of(refused)["error"] == error
    assert query_of(refused)["state"] == "the-state"
    assert "code" not in query_of(refused)


def test_a_request_without_state_is_refused(ehr):
    assert query_of(ehr.authorize(state=None)).keys() == {"error", "error_description"}


def test_an_aud_with_a_trailing_slash_is_the_same_server(ehr):
    assert "code" in query_of(ehr.authorize(aud=f"{BASE}/"))


def test_a_launch_token_works_once(ehr):
    token = ehr.launch_token()
    assert "code" in query_of(ehr.authorize(launch=token))
    assert query_of(ehr.authorize(launch=token))["error"] == "invalid_request"


@pytest.mark.parametrize(("seconds", "answer"), [(299, "code"), (300, "error")])
def test_a_launch_token_expires_after_five_minutes(ehr, seconds, answer):
    token = ehr.launch_token()
    ehr.clock.advance(seconds)
    assert answer in query_of(ehr.authorize(launch=token))


def test_the_page_names_the_app_the_patient_and_the_user_and_needs_no_script(asking):
    page = asking.authorize()
    assert page.status_code == 200
    assert "Continue as Dr. Nerina Specimen (Practitioner/sample-pain-physician)" in page.text
    assert "Ottilie Fabrikat" in page.text
    assert "public" in page.text
    assert "<script" not in page.text
    assert 'lang="en' in page.text
    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]
    assert page.headers["Cache-Control"] == "no-store"


def submitted(asking, page, **changed):
    """Submit the form of a page with its hidden fields."""
    assert 'action="http://localhost/auth/authorize"' in page.text
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page.text))
    return asking.http.post("/auth/authorize", data=fields | changed)


def test_continue_gives_the_app_a_code(asking):
    answer = query_of(submitted(asking, asking.authorize(), decision="continue"))
    token = asking.exchange(answer["code"]).json
    assert token["patient"] == PATIENT
    assert answer["state"] == "the-state"


def test_cancel_tells_the_app_and_uses_up_the_launch(asking):
    page = asking.authorize()
    answer = query_of(submitted(asking, page, decision="cancel"))
    assert (answer["error"], answer["state"]) == ("access_denied", "the-state")
    assert query_of(submitted(asking, page, decision="continue"))["error"] == "invalid_request"


def test_a_decision_in_the_address_decides_nothing(asking):
    assert asking.authorize(decision="continue").status_code == 200
    assert asking.authorize(decision="cancel").status_code == 200


def test_the_choices_of_the_page_are_escaped(asking):
    page = asking.authorize(state='"><b>bold</b>')
    assert "<b>bold" not in page.text
    assert "&#34;&gt;&lt;b&gt;bold" in page.text


def test_a_standalone_launch_lets_the_user_choose_the_patient(ehr):
    page = ehr.authorize(launch=None, scope="launch/patient patient/*.rs")
    assert page.status_code == 200
    assert f'<option value="{OTHER}">Rurik Dummett' in page.text
    answer = query_of(submitted(ehr, page, decision="continue", patient=OTHER))
    assert ehr.exchange(answer["code"]).json["patient"] == OTHER


@pytest.mark.parametrize("patient", ["", "nobody"])
def test_a_standalone_launch_without_a_known_patient_asks_again(ehr, patient):
    page = ehr.authorize(launch=None, scope="launch/patient patient/*.rs")
    assert submitted(ehr, page, decision="continue", patient=patient).status_code == 200


def test_a_launch_ignores_a_patient_that_the_app_sends(asking):
    answer = query_of(submitted(asking, asking.authorize(), decision="continue", patient=OTHER))
    assert asking.exchange(answer["code"]).json["patient"] == PATIENT


def test_a_launch_of_an_unknown_patient_is_a_page(ehr):
    assert ehr.authorize(patient_id="nobody").status_code == 400


def test_the_token_response_has_the_context_of_the_launch(ehr):
    launch = ehr.launch_token(app_context="opaque", encounter="e1")
    response = ehr.exchange(ehr.code(launch=launch))
    assert response.headers["Cache-Control"] == "no-store"
    told = dict(response.json)
    assert len(told.pop("access_token")) == 32
    assert told.pop("id_token")
    assert told == {
        "token_type": "Bearer",
        "expires_in": 3600,
        "scope": SCOPES,
        "patient": PATIENT,
        "need_patient_banner": True,
        "appContext": "opaque",
        "encounter": "e1",
    }


def test_the_id_token_names_the_user_and_verifies_with_the_published_key(ehr):
    token = ehr.exchange(ehr.code()).json["id_token"]
    key = jwt.PyJWKSet.from_dict(ehr.http.get("/auth/jwks").json)[jwt.get_unverified_header(token)["kid"]]
    claims = jwt.decode(token, key, ["RS256"], audience="public", options={"verify_exp": False, "verify_iat": False})
    assert claims == {
        "iss": BASE,
        "sub": "sample-pain-physician",
        "aud": "public",
        "nonce": "the-nonce",
        "fhirUser": f"{BASE}/Practitioner/sample-pain-physician",
        "iat": int(START.timestamp()),
        "exp": int(START.timestamp()) + 3600,
    }


def test_the_published_key_is_only_the_public_half(ehr):
    (key,) = ehr.http.get("/auth/jwks").json["keys"]
    assert key.keys() == {"kty", "key_ops", "n", "e", "kid", "use", "alg"}


def test_the_user_of_a_launch_is_the_one_given(ehr):
    launch = ehr.launch_token(user="Practitioner/sample-surgeon")
    token = ehr.exchange(ehr.code(launch=launch)).json["id_token"]
    claims = jwt.decode(token, options={"verify_signature": False})
    assert claims["fhirUser"] == f"{BASE}/Practitioner/sample-surgeon"


def test_without_the_scope_openid_there_is_no_id_token(ehr):
    assert "id_token" not in ehr.exchange(ehr.code(scope="launch patient/*.rs")).json


def test_only_scopes_that_the_server_grants_are_granted(ehr):
    asked = "launch patient/*.read user/QuestionnaireResponse.write patient/*.cruds patient/*. user/*.rs offline_access"
    granted = ehr.exchange(ehr.code(scope=asked)).json["scope"]
    assert granted == "launch patient/*.read user/QuestionnaireResponse.write"


def test_the_scopes_to_grant_can_be_limited():
    ehr = Ehr(scopes_granted=["launch", "patient/*.rs"])
    assert ehr.exchange(ehr.code()).json["scope"] == "launch patient/*.rs"


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"code_verifier": "another-verifier-of-at-least-43-characters-ok"}, "invalid_grant"),
        ({"code_verifier": None}, "invalid_grant"),
        ({"code_verifier": "vérifier"}, "invalid_grant"),
        ({"redirect_uri": "https://app.example/other"}, "invalid_grant"),
        ({"redirect_uri": None}, "invalid_grant"),
        ({"code": "made-up"}, "invalid_grant"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
    ],
)
def test_wrong_token_requests_are_refused(ehr, changed, error):
    code = ehr.code()
    refused = ehr.exchange(**({"code": code} | changed))
    assert (refused.status_code, refused.json["error"]) == (400, error)
    assert refused.headers["Cache-Control"] == "no-store"


def test_a_wrong_verifier_uses_up_the_code(ehr):
    code = ehr.code()
    ehr.exchange(code, code_verifier="wrong")
    assert ehr.exchange(code).status_code == 400


@pytest.mark.parametrize(("seconds", "status"), [(59, 200), (60, 400)])
def test_a_code_expires_after_a_minute(ehr, seconds, status):
    code = ehr.code()
    ehr.clock.advance(seconds)
    assert ehr.exchange(code).status_code == status


def test_a_code_works_once_and_its_reuse_revokes_the_token(ehr):
    code = ehr.code()
    headers = {"Authorization": f"Bearer {ehr.exchange(code).json['access_token']}"}
    assert ehr.http.get(f"/fhir/Patient/{PATIENT}", headers=headers).status_code == 200
    assert ehr.exchange(code).json["error"] == "invalid_grant"
    assert ehr.http.get(f"/fhir/Patient/{PATIENT}", headers=headers).status_code == 401


def test_a_confidential_app_authenticates_with_its_secret(ehr):
    code = ehr.code(client_id="confidential")
    told = ehr.exchange(code, client_id=None, auth=("confidential", encoded_secret()))
    assert told.status_code == 200
    assert jwt.decode(told.json["id_token"], options={"verify_signature": False})["aud"] == "confidential"


@pytest.mark.parametrize(
    ("client_id", "auth"),
    [
        ("confidential", None),
        ("confidential", ("confidential", "wrong")),
        ("confidential", ("confidential", SECRET)),  # not form-encoded
        ("confidential", ("unknown", "wrong")),
        ("public", ("public", "secret")),
        ("unknown", None),
        (None, None),
    ],
)
def test_an_app_that_does_not_authenticate_gets_no_token(ehr, client_id, auth):
    code = ehr.code(client_id=client_id if client_id in ("public", "confidential") else "public")
    refused = ehr.exchange(code, client_id=client_id, auth=auth)
    assert (refused.status_code, refused.json["error"]) == (401, "invalid_client")
    assert refused.headers["WWW-Authenticate"].startswith("Basic")


def test_a_code_of_another_app_is_refused_and_stays_usable(ehr):
    code = ehr.code()
    assert ehr.exchange(code, auth=("confidential", encoded_secret())).json["error"] == "invalid_grant"
    assert ehr.exchange(code).status_code == 200


def test_browser_apps_reach_the_token_endpoint_and_not_the_page(ehr):
    asked = {"Origin": "https://app.example", "Access-Control-Request-Method": "POST"}
    assert "Access-Control-Allow-Origin" in ehr.http.options("/auth/token", headers=asked).headers
    assert "Access-Control-Allow-Origin" not in ehr.http.get("/auth/authorize", headers=asked).headers
