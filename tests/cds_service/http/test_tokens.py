"""Access tokens over HTTP: the token endpoint, the SMART configuration, and what a token opens below the FHIR base."""

import io
import json
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import jwt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cds_service.clients.keys import read_keys
from cds_service.clients.registry import Client
from cds_service.records.database import UnavailableError
from tests.support.backend_tokens import (
    ASSERTION_TYPE,
    SCOPE,
    BackendService,
    access_token,
    asked,
    assertion,
    backend_client,
    given_token,
    token_request,
)
from tests.support.client_fakes import ISSUER, PUBLIC, FixedKeys, InMemoryReplayGuard, bearer, claims, jwk, token
from tests.support.hook_fakes import LOOPBACK, Service, WatchingAssessor

FORMS = "/fhir/Questionnaire"
FORM = f"{FORMS}/CP.MP.126"
PACKAGE = f"{FORMS}/$questionnaire-package"
SMART = "/fhir/.well-known/smart-configuration"
CALLER = Client("caller", ISSUER)


@pytest.fixture
def service() -> BackendService:
    return BackendService()


def signed(aud: str, **said: Any) -> dict[str, str]:
    """The header of a call that a client signs itself."""
    return bearer(token(claims(aud=aud, **said)))


# --- the token endpoint ----------------------------------------------------------------------------------------------


def test_a_client_gets_a_token_and_reads_with_it(service: BackendService) -> None:
    response = asked(service.http.post, assertion(), "system/*.rs")
    assert (response.status_code, response.mimetype) == (200, "application/json")
    assert (response.headers["Cache-Control"], response.headers["Pragma"]) == ("no-store", "no-cache")
    body = response.json
    assert {name: body[name] for name in body if name != "access_token"} == {
        "token_type": "bearer",
        "expires_in": 300,
        "scope": SCOPE,
    }
    for path in (FORMS, FORM):
        assert service.http.get(path, headers=bearer(body["access_token"])).status_code == 200


def test_the_address_of_the_endpoint_may_end_in_a_slash(service: BackendService) -> None:
    form = token_request(assertion(aud=f"{PUBLIC}/auth/token/"))
    assert service.http.post("/auth/token/", data=form).status_code == 200


@pytest.mark.parametrize(
    ("changed", "status", "error"),
    [
        ({"grant_type": None}, 400, "invalid_request"),
        ({"grant_type": ""}, 400, "invalid_request"),
        ({"grant_type": "authorization_code"}, 400, "unsupported_grant_type"),
        ({"grant_type": "Client_Credentials"}, 400, "unsupported_grant_type"),
        ({"client_assertion_type": None}, 401, "invalid_client"),
        ({"client_assertion_type": "urn:ietf:params:oauth:grant-type:jwt-bearer"}, 401, "invalid_client"),
        ({"client_assertion": None}, 401, "invalid_client"),
        ({"client_assertion": "a.b.c"}, 401, "invalid_client"),
        ({"client_id": "other-app"}, 401, "invalid_client"),
        ({"client_secret": "s"}, 400, "invalid_request"),
        ({"scope": None}, 400, "invalid_scope"),
        ({"scope": "system/Patient.rs"}, 400, "invalid_scope"),
    ],
)
def test_a_request_that_is_not_valid_gets_the_error_of_oauth(
    service: BackendService, changed: dict[str, str | None], status: int, error: str
) -> None:
    response = service.http.post("/auth/token", data=token_request(assertion()) | _kept(changed))
    if None in changed.values():
        left = {name: value for name, value in token_request(assertion()).items() if name not in changed}
        response = service.http.post("/auth/token", data=left)
    assert (response.status_code, response.json["error"]) == (status, error)
    assert set(response.json) == {"error", "error_description"}
    assert (response.mimetype, response.headers["Cache-Control"]) == ("application/json", "no-store")
    assert ("WWW-Authenticate" in response.headers) is (status == 401)


def _kept(changed: dict[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in changed.items() if value is not None}


def test_its_own_client_id_and_parameters_that_are_not_known_do_no_harm(service: BackendService) -> None:
    assert asked(service.http.post, assertion(), client_id="dtr-app", resource="x", state="").status_code == 200


def test_an_authorization_header_is_refused_at_the_token_endpoint(service: BackendService) -> None:
    for value in ("Basic ZHRyLWFwcDpz", f"Bearer {assertion()}"):
        response = service.http.post("/auth/token", data=token_request(assertion()), headers={"Authorization": value})
        assert (response.status_code, response.json["error"]) == (401, "invalid_client")
        assert response.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("name", ["grant_type", "client_assertion", "scope", "other"])
def test_a_parameter_that_is_sent_twice_is_refused(service: BackendService, name: str) -> None:
    form = [*token_request(assertion()).items(), ("other", "1"), (name, "x")]
    response = service.http.post("/auth/token", data=urlencode(form), content_type="application/x-www-form-urlencoded")
    assert (response.status_code, response.json["error"]) == (400, "invalid_request")
    assert "twice" in response.json["error_description"]


@pytest.mark.parametrize("content_type", ["application/json", "multipart/form-data; boundary=x", "text/plain", None])
def test_a_body_that_is_no_form_is_refused(service: BackendService, content_type: str | None) -> None:
    data = urlencode(token_request(assertion()))
    response = service.http.post("/auth/token", data=data, content_type=content_type)
    assert (response.status_code, response.json["error"]) == (400, "invalid_request")


def test_a_compressed_form_is_refused(service: BackendService) -> None:
    response = service.http.post("/auth/token", data=token_request(assertion()), headers={"Content-Encoding": "gzip"})
    assert (response.status_code, response.json["error"]) == (400, "invalid_request")


@pytest.mark.parametrize(("length", "is_taken"), [(16_384, True), (16_385, False), (100_000, False)])
def test_a_form_has_16_kilobytes_at_most(service: BackendService, length: int, is_taken: bool) -> None:
    form = urlencode(token_request(assertion()))
    body = f"{form}&x={'x' * (length - len(form) - 3)}"
    response = service.http.post("/auth/token", data=body, content_type="application/x-www-form-urlencoded")
    assert response.status_code == (200 if is_taken else 400)
    if not is_taken:
        assert response.json == {
            "error": "invalid_request",
            "error_description": "The body is longer than 16384 bytes. Send less.",
        }


class Counted(io.BytesIO):
    """A body that counts what is read of it."""

    read_bytes = 0

    def read(self, size: int | None = -1) -> bytes:
        found = super().read(size)
        self.read_bytes += len(found)
        return found

    def readinto(self, buffer: Any) -> int:
        count = super().readinto(buffer)
        self.read_bytes += count
        return count


@pytest.mark.parametrize(("length", "is_taken"), [(16_384, True), (16_385, False), (100_000, False)])
def test_a_form_of_unknown_length_has_no_more(service: BackendService, length: int, is_taken: bool) -> None:
    form = urlencode(token_request(assertion()))
    stream = Counted(f"{form}&x={'x' * (length - len(form) - 3)}".encode())
    response = service.http.post(
        "/auth/token",
        input_stream=stream,
        content_type="application/x-www-form-urlencoded",
        environ_overrides={"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"},
        buffered=True,
    )
    assert response.status_code == (200 if is_taken else 400)
    assert stream.read_bytes <= 16_386


@pytest.mark.parametrize(("fields", "is_taken"), [(20, True), (21, False)])
def test_a_form_has_20_parameters_at_most(service: BackendService, fields: int, is_taken: bool) -> None:
    stated = token_request(assertion()) | {f"x{i}": "1" for i in range(fields - 4)}
    assert service.http.post("/auth/token", data=stated).status_code == (200 if is_taken else 400)


@pytest.mark.parametrize("body", [b"\xff", b"grant_type=%ff", "grant_type=é".encode()])
def test_text_that_is_not_utf_8_is_refused(service: BackendService, body: bytes) -> None:
    response = service.http.post("/auth/token", data=body, content_type="application/x-www-form-urlencoded")
    assert (response.status_code, response.json["error"]) == (400, "invalid_request")


def test_another_method_is_not_allowed(service: BackendService) -> None:
    response = service.http.get("/auth/token")
    assert response.status_code == 405
    assert "POST" in response.headers["Allow"]


def test_an_assertion_is_good_for_one_token_at_any_replica() -> None:
    first = BackendService()
    used = InMemoryReplayGuard(first.clock)
    replicas = [BackendService(used=used) for _ in range(2)]
    value = assertion()
    assert [asked(each.http.post, value).status_code for each in (*replicas, *replicas)] == [200, 401, 401, 401]


def test_a_refused_request_without_a_valid_scope_uses_the_assertion_up(service: BackendService) -> None:
    value = assertion()
    assert asked(service.http.post, value, "system/Patient.rs").json["error"] == "invalid_scope"
    assert asked(service.http.post, value).json["error"] == "invalid_client"


class Unavailable:
    """A replay guard whose store is down."""

    def first_use(self, issuer: str, jti: str, until: datetime) -> bool:  # noqa: ARG002
        raise UnavailableError("the database failed (OperationalError)")


def test_no_token_is_given_while_the_replay_guard_is_unavailable() -> None:
    response = asked(BackendService(used=Unavailable()).http.post, assertion())
    assert response.status_code == 503
    assert response.headers["Retry-After"]
    assert "access_token" not in response.text


def test_keys_rotate_without_a_restart() -> None:
    keys = FixedKeys(read_keys(json.dumps({"keys": [jwk("old")]}).encode()))
    service = BackendService(keys=keys)
    new = {"kid": "new", "name": "second"}
    assert asked(service.http.post, assertion(header={"kid": "old"})).status_code == 200
    assert asked(service.http.post, assertion(header=new)).status_code == 401
    keys.found = (read_keys(json.dumps({"keys": [jwk("new", name="second")]}).encode()),)
    assert asked(service.http.post, assertion(header=new)).status_code == 200
    assert asked(service.http.post, assertion(header={"kid": "old"})).status_code == 401


# --- what a token opens ----------------------------------------------------------------------------------------------


def test_a_token_works_at_another_replica_and_after_a_restart_and_under_no_other_key() -> None:
    value = access_token(BackendService().http.post)
    assert BackendService().http.get(FORM, headers=bearer(value)).status_code == 200
    assert BackendService(key=b"another key").http.get(FORM, headers=bearer(value)).status_code == 401


@pytest.mark.parametrize(("seconds", "status"), [(299, 200), (300, 401)])
def test_a_token_is_good_for_five_minutes_and_for_many_calls(
    service: BackendService, seconds: int, status: int
) -> None:
    value = access_token(service.http.post)
    assert [service.http.get(FORM, headers=bearer(value)).status_code for _ in range(3)] == [200] * 3
    service.clock.seconds = seconds
    assert service.http.get(FORM, headers=bearer(value)).status_code == status


@pytest.mark.parametrize(
    ("scope", "method", "path", "status"),
    [
        ("system/Questionnaire.r", "GET", FORM, 200),
        ("system/Questionnaire.r", "GET", FORMS, 403),
        ("system/Questionnaire.s", "GET", FORMS, 200),
        ("system/Questionnaire.s", "HEAD", FORM, 403),
        ("system/Questionnaire.s", "POST", PACKAGE, 403),
        ("system/ValueSet.rs", "GET", FORM, 403),
        ("system/ValueSet.rs", "POST", PACKAGE, 403),
        ("system/Questionnaire.rs", "POST", "/fhir/ValueSet/$expand", 403),
        (SCOPE, "GET", "/fhir/Patient", 403),
        (SCOPE, "POST", "/fhir/$other", 403),
        (SCOPE, "DELETE", FORM, 405),
        (SCOPE, "GET", f"{FORMS}/nothing", 404),
    ],
)
def test_a_token_opens_what_its_scopes_include(
    service: BackendService, scope: str, method: str, path: str, status: int
) -> None:
    value = given_token(service.app, backend_client(), scope)
    response = service.http.open(path, method=method, headers=bearer(value))
    assert response.status_code == status
    if status == 403:
        assert response.headers["WWW-Authenticate"].startswith('Bearer error="insufficient_scope", scope="system/')
    if status == 403 and method != "HEAD":
        assert response.mimetype == "application/fhir+json"
        assert response.json["issue"][0]["code"] == "forbidden"


def test_what_is_missing_is_named(service: BackendService) -> None:
    value = given_token(service.app, backend_client(), "system/ValueSet.rs")
    response = service.http.get(FORM, headers=bearer(value))
    assert response.headers["WWW-Authenticate"] == 'Bearer error="insufficient_scope", scope="system/Questionnaire.r"'
    assert "system/Questionnaire.r" in response.json["issue"][0]["diagnostics"]


@pytest.mark.requirement("dtr:spec-120")
def test_an_operation_takes_access_tokens_alone(service: BackendService) -> None:
    assert service.http.get(FORM, headers=signed(f"{PUBLIC}/fhir")).status_code == 200
    assert service.http.post(FORM, headers=signed(f"{PUBLIC}/fhir")).status_code == 401
    for path in (PACKAGE, f"{FORM}/$x", "/fhir/ValueSet/$expand", "/fhir/ValueSet/%24expand"):
        for method in ("POST", "GET"):
            for headers in (signed(f"{PUBLIC}/fhir"), signed(f"{PUBLIC}{path}"), {}):
                response = service.http.open(path, method=method, headers=headers)
                assert (response.status_code, response.data) == (401, b"")
    value = access_token(service.http.post)
    assert service.http.post(f"{FORM}/$x", headers=bearer(value)).status_code == 404


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/cds-services"),
        ("POST", "/cds-services/coverage-order-sign"),
        ("POST", "/cds-services/coverage-order-sign/feedback"),
        ("GET", "/openapi.json"),
        ("GET", "/fhirs/x"),
        ("GET", "/fhir"),
    ],
)
def test_an_access_token_is_no_token_of_a_call(service: BackendService, method: str, path: str) -> None:
    response = service.http.open(path, method=method, headers=bearer(access_token(service.http.post)))
    assert (response.status_code, response.data) == (401, b"")


def refused_tokens() -> dict[str, str]:
    """Tokens that open nothing, by what is wrong with them."""
    service = BackendService()
    good = access_token(service.http.post)
    head, body, signature = good.split(".")
    other = access_token(BackendService(key=b"another key").http.post)
    unsigned = jwt.utils.base64url_encode(b'{"alg":"none","typ":"at+jwt"}').decode()
    wide = jwt.utils.base64url_encode(
        json.dumps(jwt.decode(good, options={"verify_signature": False}) | {"scope": "system/*.*"}).encode()
    ).decode()
    return {
        "foreign": other,
        "tampered": f"{head}.{wide}.{signature}",
        "unsigned": f"{unsigned}.{body}.AAAA",
        "assertion": assertion(),
        "assertion for the base": assertion(aud=f"{PUBLIC}/fhir"),
        "self-signed": token(claims(aud=f"{PUBLIC}/fhir"), typ="at+jwt"),
        "garbage": "a.b.c",
        "no JWT": "abc",
    }


REFUSED = refused_tokens()


@pytest.mark.parametrize("kind", REFUSED)
def test_a_token_that_is_not_ours_gets_nothing_and_the_log_has_the_reason(service: BackendService, kind: str) -> None:
    for method, path in (("GET", FORM), ("POST", PACKAGE)):
        response = service.http.open(path, method=method, headers=bearer(REFUSED[kind]))
        assert (response.status_code, response.data) == (401, b"")
        assert response.headers["WWW-Authenticate"] == "Bearer"
    lines = service.lines()
    assert [line["event"] for line in lines] == ["token refused"] * 2
    assert all(line["reason"] for line in lines)


def test_a_client_that_left_the_registry_gets_nothing_with_its_token() -> None:
    value = access_token(BackendService().http.post)
    for clients in ((CALLER,), (backend_client(client_id="renamed"),)):
        service = BackendService(*clients)
        assert service.http.get(FORM, headers=bearer(value)).status_code == 401
    less = BackendService(backend_client(scopes=("system/ValueSet.rs",)))
    assert less.http.get(FORM, headers=bearer(value)).status_code == 401


# --- what is open ----------------------------------------------------------------------------------------------------


def test_the_smart_configuration_says_how_to_get_a_token(service: BackendService) -> None:
    response = service.http.get(SMART)
    assert (response.status_code, response.mimetype) == (200, "application/json")
    assert response.json == {
        "token_endpoint": f"{PUBLIC}/auth/token",
        "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": ["ES384", "RS384"],
        "grant_types_supported": ["client_credentials"],
        "scopes_supported": ["system/Questionnaire.rs", "system/ValueSet.rs"],
        "capabilities": ["client-confidential-asymmetric", "permission-v2"],
    }


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/fhir/metadata", 200),
        (SMART, 200),
        (f"{SMART}/", 200),
        ("/.well-known/davinci-configuration", 404),
        ("/payers/1/.well-known/davinci-configuration", 404),
        ("/payers/1/2/.well-known/davinci-configuration", 401),
        ("/.well-known/openid-configuration", 401),
        ("/fhir/metadata/x", 401),
        ("/auth/tokens", 401),
        ("/auth", 401),
    ],
)
def test_what_says_how_to_get_access_needs_no_token(service: BackendService, path: str, status: int) -> None:
    assert service.http.get(path).status_code == status


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", FORM, 200),
        ("HEAD", FORMS, 200),
        ("POST", FORM, 401),
        ("POST", PACKAGE, 401),
        ("GET", PACKAGE, 401),
        ("GET", f"{FORMS}/%24questionnaire-package", 401),
        ("POST", "/fhir/ValueSet/$expand", 401),
    ],
)
def test_public_forms_open_no_operation(method: str, path: str, status: int) -> None:
    assert BackendService(public_policies=True).http.open(path, method=method).status_code == status


def test_where_anyone_may_call_there_are_no_tokens() -> None:
    service = Service(WatchingAssessor(), **LOOPBACK)
    assert service.client.post("/auth/token", data=token_request(assertion())).status_code == 404
    assert service.client.get(SMART).status_code == 404
    assert "/auth/token" not in service.client.get("/openapi.json").json["paths"]


# --- log and metrics -------------------------------------------------------------------------------------------------


def test_the_log_says_who_got_a_token_and_why_others_did_not_and_has_no_token(service: BackendService) -> None:
    used = assertion(jti="j-1", name="Xanthippe")
    given_ = asked(service.http.post, used).json["access_token"]
    values = [used, given_, assertion(client_id="Xanthippe-app"), assertion(exp=1), assertion(jti="j-2")]
    asked(service.http.post, used)
    asked(service.http.post, values[2])
    asked(service.http.post, values[4], "system/Patient.rs Xanthippe")
    asked(service.http.post, values[3], grant_type="Xanthippe")
    service.http.get(FORM, headers=bearer(given_))
    service.http.get(FORM, headers=bearer(f"{given_[:-8]}AAAAAAAA"))
    lines = service.lines()
    assert [(line["event"], line.get("error"), line.get("reason", "")[:21]) for line in lines] == [
        ("access token issued", None, ""),
        ("access token refused", "invalid_client", "jti was used before"),
        ("access token refused", "invalid_client", "iss is not a register"),
        ("access token refused", "invalid_scope", "No scope is asked for"),
        ("access token refused", "unsupported_grant_type", "Send grant_type=clien"),
        ("token refused", None, "the access token is n"),
    ]
    assert (lines[0]["client"], lines[0]["jti"], lines[0]["scope"]) == ("ehr", "j-1", SCOPE)
    assert (lines[2]["iss"], lines[3]["client"]) == ("Xanthippe-app", "ehr")
    written = service.written.getvalue().replace("Xanthippe-app", "")
    assert "Xanthippe" not in written
    for value in values:
        assert not any(part in written for part in value.split("."))
    assert ASSERTION_TYPE not in written
    assert b'reason="jti was used before"' in service.metrics.exposition()


# --- whatever is sent ------------------------------------------------------------------------------------------------

FUZZED = BackendService()
NAMES = st.sampled_from(["grant_type", "client_assertion_type", "client_assertion", "scope", "client_id"]) | st.text(
    max_size=8
)
VALUES = st.sampled_from(["client_credentials", ASSERTION_TYPE, SCOPE, "a.b.c"]) | st.text(max_size=50)


@settings(deadline=None)
@given(st.lists(st.tuples(NAMES, VALUES), max_size=25))
def test_no_form_is_a_server_error(form: list[tuple[str, str]]) -> None:
    body = urlencode([(name.encode("utf-8", "replace"), value.encode("utf-8", "replace")) for name, value in form])
    response = FUZZED.http.post("/auth/token", data=body, content_type="application/x-www-form-urlencoded")
    assert response.status_code in (400, 401)
    assert set(response.json) == {"error", "error_description"}


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_no_body_is_a_server_error(body: bytes) -> None:
    response = FUZZED.http.post("/auth/token", data=body, content_type="application/x-www-form-urlencoded")
    assert response.status_code in (400, 401)


@settings(deadline=None)
@given(st.text(max_size=80))
def test_no_scope_and_no_assertion_is_a_server_error(text: str) -> None:
    sent = text.encode("utf-8", "replace").decode()
    assert asked(FUZZED.http.post, assertion(), sent).status_code in (200, 400)
    assert asked(FUZZED.http.post, f"{sent}.{sent}.{sent}").status_code in (400, 401)
