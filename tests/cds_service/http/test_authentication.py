"""Token authentication: which routes need a token, what a refusal looks like, and what the log has."""

import json
import time
from collections.abc import Iterator
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from cds_service.clients.authenticator import Authenticator
from cds_service.clients.key_cache import RefreshPolicy
from cds_service.clients.key_sources import keys_of
from cds_service.clients.registry import Client
from cds_service.clients.signed_tokens import InvalidTokenError
from cds_service.observability.logging import service_log
from cds_service.records.database import UnavailableError
from cds_service.settings import Settings
from cds_service.wiring.clients import authenticator_of
from cds_service.wiring.serving import on_loopback
from coverage_policies.format.searches import CONDITIONS
from tests.support.client_fakes import (
    DISCOVERY,
    ISSUER,
    PUBLIC,
    SIGN,
    Clock,
    InMemoryReplayGuard,
    KeyServer,
    bearer,
    claims,
    jwk,
    token,
)
from tests.support.hook_fakes import PATIENT, Service, WatchingAssessor, call

READ = {"patient": PATIENT, "coverage": None, "conditions": None}
ORIGIN = "https://sandbox.cds-hooks.org"
PATH = SIGN.removeprefix(PUBLIC)


class Guarded(Service):
    """The service with one client, whose keys are on a key server."""

    def __init__(self, server: KeyServer, **settings: Any) -> None:
        clock = Clock()
        self.reported: list[str] = []
        self.judge = WatchingAssessor(CONDITIONS)
        super().__init__(
            self.judge,
            authenticator=authenticator_of(
                [Client("ehr", ISSUER, server.url, tenants=("north",))],
                Settings(),
                replay_guard=InMemoryReplayGuard(clock),
                clock=clock,
                log=service_log(_Lines(self.reported), clock),
                monotonic=clock.monotonic,
                read=partial(keys_of, timeout=30),
                policy=RefreshPolicy(wait=30),
            ),
            public_url=PUBLIC,
            **settings,
        )

    def call(self, value: str, body: Any = None, path: str = PATH, **headers: str) -> Any:
        """Return the response to a call with a token."""
        return self.client.post(path, json=body or call(prefetch=READ), headers={**bearer(value), **headers})


class _Lines:
    def __init__(self, lines: list[str]) -> None:
        self._lines = lines

    def write(self, text: str) -> None:
        self._lines.append(text)

    def flush(self) -> None:
        """Nothing."""


@pytest.fixture
def server() -> Iterator[KeyServer]:
    fake = KeyServer(jwk(), jwk("k2", "RS384"))
    with on_loopback(fake.app) as address:
        fake.url = f"{address}/jwks.json"
        yield fake


@pytest.fixture
def guarded(server: KeyServer) -> Guarded:
    return Guarded(server)


def good(**others: Any) -> str:
    return token(claims(**{"tenant": "north", **others}))


@pytest.mark.requirement("7.119", "7.121")
def test_a_client_with_a_token_gets_an_answer(guarded: Guarded, server: KeyServer) -> None:
    assert guarded.call(good()).status_code == 200
    rs384 = token(claims(tenant="north"), algorithm="RS384", kid="k2", jku=server.url)
    assert guarded.call(rs384).status_code == 200
    found = guarded.client.get("/cds-services", headers=bearer(good(aud=DISCOVERY)))
    assert found.json["services"]
    assert server.asked == 1


CLOSED = [
    ("GET", "/cds-services"),
    ("HEAD", "/cds-services"),
    ("GET", "/cds-services/"),
    ("POST", PATH),
    ("POST", f"{PATH}/"),
    ("POST", f"{PATH}/feedback"),
    ("POST", "/cds-services/other"),
    ("GET", PATH),
    ("DELETE", PATH),
    ("PUT", "/cds-services"),
    ("GET", "/"),
    ("GET", "/nothing"),
    ("GET", "//cds-services"),
    ("GET", "/health/../cds-services"),
    ("GET", "/health/live/cds-services"),
    ("GET", "/health/"),
    ("TRACE", "/cds-services"),
]


@pytest.mark.requirement("7.18", "7.117")
@pytest.mark.parametrize(("method", "path"), CLOSED)
def test_a_request_without_a_token_learns_nothing(guarded: Guarded, method: str, path: str) -> None:
    response = guarded.client.open(path, method=method)
    assert (response.status_code, response.data) == (401, b"")
    assert response.headers["WWW-Authenticate"] == "Bearer"
    assert "Content-Type" not in response.headers
    assert "Allow" not in response.headers
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert not guarded.judge.hooks


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/fhir/Questionnaire", 200),
        ("/fhir/Questionnaire/nothing", 404),
        ("/fhir/Questionnaire/a/b", 401),
        ("/fhir/Questionnaire/$log-questionnaire-errors", 401),
        ("/fhir/ValueSet", 200),
        ("/fhir/ValueSet/nothing", 404),
        ("/fhir/ValueSet/$expand", 401),
        ("/fhir/ValueSet/%24expand", 401),
        ("/fhir/Patient", 401),
        ("/cds-services", 401),
    ],
)
def test_forms_need_no_token_if_the_operator_makes_them_public(server: KeyServer, path: str, status: int) -> None:
    assert Guarded(server, public_policies=True).client.get(path).status_code == status


def test_a_token_that_is_sent_for_value_sets_is_checked_even_if_they_are_public(server: KeyServer) -> None:
    public = Guarded(server, public_policies=True)
    for path, status in (("/fhir/ValueSet", 401), ("/fhir/ValueSet/nothing", 401), ("/fhir/Questionnaire", 200)):
        assert public.client.get(path, headers=bearer("stolen")).status_code == status
    assert public.client.get("/fhir/ValueSet", headers=bearer(good(aud=f"{PUBLIC}/fhir"))).status_code == 200


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/policies", 200),
        ("/policies/", 200),
        ("/policies?q=27279", 200),
        ("/policies/nothing", 404),
        ("/policies/nothing/diff", 404),
        ("/policies/a/value-sets/b", 404),
        ("/policies/a/b", 401),
        ("/policiesx", 401),
    ],
)
def test_policy_pages_never_need_a_token(guarded: Guarded, path: str, status: int) -> None:
    assert guarded.client.get(path).status_code == status


def test_a_patient_is_laid_over_a_policy_for_operators_alone(guarded: Guarded) -> None:
    assert guarded.client.post("/policies/CP.MP.126@2025-04/patient").status_code == 401


@pytest.mark.parametrize("path", ["/fhir/Questionnaire", "/fhir/Questionnaire/CP.MP.126"])
def test_forms_need_a_token_otherwise(guarded: Guarded, path: str) -> None:
    assert guarded.client.get(path).status_code == 401


def test_a_client_reads_the_forms_with_a_token_for_the_base(guarded: Guarded) -> None:
    response = guarded.client.get("/fhir/Questionnaire", headers=bearer(good(aud=f"{PUBLIC}/fhir")))
    assert response.status_code == 200


def test_a_client_reads_the_policy_pages_with_a_token(guarded: Guarded) -> None:
    response = guarded.client.get("/policies", headers=bearer(good(aud=f"{PUBLIC}/policies")))
    assert response.status_code == 200


REFUSED = {
    "none": "",
    "garbage": "Bearer x",
    "expired": f"Bearer {good(exp=1)}",
    "future": f"Bearer {good(iat=2**40)}",
    "audience": f"Bearer {good(aud=DISCOVERY)}",
    "issuer": f"Bearer {good(iss='https://other.example.org')}",
    "tenant": f"Bearer {good(tenant='east')}",
    "jti": f"Bearer {good(jti=None)}",
    "signature": f"Bearer {token(claims(tenant='north'), name='another')}",
    "kid": f"Bearer {token(claims(tenant='north'), kid='k9')}",
    "typ": f"Bearer {token(claims(tenant='north'), typ='JWS')}",
    "alg": f"Bearer {token(claims(tenant='north'), algorithm='ES256')}",
    "oversized": f"Bearer {good(padding='x' * 9000)}",
}


@pytest.mark.requirement("7.117")
@pytest.mark.parametrize("why", REFUSED)
def test_every_refusal_looks_the_same_and_the_log_knows_why(guarded: Guarded, why: str) -> None:
    headers = {"Authorization": REFUSED[why]} if REFUSED[why] else {}
    response = guarded.client.post(PATH, json=call(prefetch=READ), headers=headers)
    plain = guarded.client.post(PATH)
    assert (response.status_code, response.data) == (401, b"")
    assert {k: v for k, v in response.headers if k != "X-Request-Id"} == {
        k: v for k, v in plain.headers if k != "X-Request-Id"
    }
    line = guarded.lines()[0]
    assert (line["event"], line["level"], line["request_id"]) == ("token refused", "warning", "call-0")
    assert line["reason"]
    assert response.headers["X-Request-Id"] == "call-0"
    assert not guarded.judge.hooks


@pytest.mark.requirement("7.122")
def test_a_token_that_was_used_is_refused(guarded: Guarded) -> None:
    used = good()
    assert guarded.call(used).status_code == 200
    assert guarded.call(used).status_code == 401
    assert len(guarded.judge.hooks) == 1


@pytest.mark.requirement("7.121")
def test_another_jku_is_refused_and_nothing_is_fetched(guarded: Guarded, server: KeyServer) -> None:
    stranger = KeyServer(jwk(name="stranger"))
    with on_loopback(stranger.app) as address:
        for jku in (f"{address}/jwks.json", f"{server.url}?", server.url.replace("127.0.0.1", "localhost")):
            value = token(claims(tenant="north"), name="stranger", jku=jku)
            assert guarded.call(value).status_code == 401
    assert (stranger.asked, server.asked) == (0, 0)


@pytest.mark.requirement("7.126")
def test_unknown_key_ids_reach_the_key_server_at_a_limited_rate(guarded: Guarded, server: KeyServer) -> None:
    for i in range(50):
        assert guarded.call(token(claims(tenant="north"), kid=f"k{i}-unknown")).status_code == 401
    assert guarded.call(good()).status_code == 200
    assert server.asked == 1


def test_an_outage_of_the_key_server_is_logged_with_the_name_of_the_client(guarded: Guarded, server: KeyServer) -> None:
    server.fails()
    assert guarded.call(good()).status_code == 401
    (line,) = map(json.loads, guarded.reported)
    assert (line["event"], line["client"], line["reason"]) == (
        "keys not read",
        "ehr",
        "the key server answered 503",
    )


@pytest.mark.requirement("7.120")
@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example.org"},
        {"Host": "127.0.0.1:8000", "X-Forwarded-Host": "evil.example.org", "X-Forwarded-Proto": "http"},
        {"Forwarded": "host=evil.example.org;proto=http"},
        {"X-Forwarded-Prefix": "/other", "X-Original-URL": "/cds-services"},
    ],
)
def test_the_audience_is_the_public_address_whatever_a_proxy_sends(guarded: Guarded, headers: dict[str, str]) -> None:
    assert guarded.call(good(), **headers).status_code == 200
    for other in ("http://localhost", "https://evil.example.org", "http://127.0.0.1:8000", "https://cds.example.org"):
        assert guarded.call(good(aud=f"{other}{PATH}"), **headers).status_code == 401


@pytest.mark.requirement("7.120")
def test_a_slash_at_the_end_of_the_public_address_makes_no_difference(server: KeyServer) -> None:
    clock = Clock()
    service = Service(
        WatchingAssessor(CONDITIONS),
        authenticator=authenticator_of(
            [Client("ehr", ISSUER, server.url)],
            Settings(),
            replay_guard=InMemoryReplayGuard(clock),
            clock=clock,
            log=service_log(_Lines([]), clock),
            read=partial(keys_of, timeout=30),
            policy=RefreshPolicy(wait=30),
        ),
        public_url=f"{PUBLIC}/",
    )
    assert service.client.get("/cds-services", headers=bearer(good(aud=DISCOVERY))).status_code == 200


@pytest.mark.requirement("7.120")
def test_a_slash_at_the_end_of_the_address_called_makes_no_difference(guarded: Guarded) -> None:
    for aud in (SIGN, f"{SIGN}/"):
        assert guarded.call(good(aud=aud), path=f"{PATH}/").status_code == 200
    assert guarded.call(good(aud=f"{SIGN}//"), path=f"{PATH}/").status_code == 401


@pytest.mark.requirement("7.127")
@pytest.mark.parametrize("path", ["/cds-services", PATH, f"{PATH}/", "/cds-services/other", "/health/live"])
def test_a_preflight_needs_no_token(guarded: Guarded, path: str) -> None:
    headers = {
        "Origin": ORIGIN,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization, content-type, accept",
    }
    response = guarded.client.options(path, headers=headers)
    assert response.status_code == 200
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert "authorization" in response.headers["Access-Control-Allow-Headers"]
    assert not guarded.lines()


@pytest.mark.requirement("7.128")
def test_a_refusal_may_be_read_by_browsers(server: KeyServer) -> None:
    guarded = Guarded(server, cors_origins=(ORIGIN,))
    response = guarded.client.get("/cds-services", headers={"Origin": ORIGIN})
    assert response.status_code == 401
    assert response.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert "Access-Control-Allow-Credentials" not in response.headers
    other = guarded.client.get("/cds-services", headers={"Origin": "https://other.example.org"})
    assert "Access-Control-Allow-Origin" not in other.headers


def test_health_needs_no_token(guarded: Guarded) -> None:
    assert guarded.client.get("/health/live").status_code == 200


def test_with_a_token_an_unknown_service_is_not_found(guarded: Guarded) -> None:
    other = "/cds-services/other"
    assert guarded.call(good(aud=PUBLIC + other), path=other).status_code == 404


@pytest.mark.requirement("7.124")
def test_the_log_names_the_client_and_has_no_token(guarded: Guarded) -> None:
    values = [good(), good(), good(aud=DISCOVERY, sub="Xanthippe", extra="Xanthippe")]
    for value in [*values, values[0], values[0][:-9] + "AAAAAAAAA", "x" * 9000]:
        guarded.call(value)
    guarded.call(good(iss="https://other.example.org", jti="j-1", name="Xanthippe", tenant="north"))
    guarded.call(good(jti="j-2"), body={"hook": "order-sign"})
    written = guarded.written.getvalue() + "".join(guarded.reported)
    for value in values:
        for part in value.split("."):
            assert part not in written
    assert "Xanthippe" not in written
    answered = [line for line in guarded.lines() if line["event"] == "hook call"]
    assert [(line["client"], line["tenant"], line["status"]) for line in answered] == [
        ("ehr", "north", 200),
        ("ehr", "north", 200),
        ("ehr", "north", 400),
    ]
    assert answered[-1]["jti"] == "j-2"
    refused = [line for line in guarded.lines() if line["event"] == "token refused"]
    assert [line["reason"] for line in refused] == [
        "aud is not the address that was called",
        "jti was used before",
        "the signature is not valid",
        "the Authorization header is longer than 8192 characters",
        "iss is not registered",
    ]
    assert refused[0]["expected_aud"] == SIGN
    assert (refused[-1]["iss"], refused[-1]["tenant"], refused[-1]["jti"]) == (
        "https://other.example.org",
        "north",
        "j-1",
    )


def test_the_log_says_no_expected_aud_for_an_address_that_a_call_chose(guarded: Guarded) -> None:
    guarded.call(good(), path="/cds-services/Xanthippe")
    guarded.call(good(), path="/Xanthippe")
    assert [line["reason"] for line in guarded.lines()] == ["aud is not the address that was called"] * 2
    assert "Xanthippe" not in guarded.written.getvalue()


class Unavailable:
    """A replay guard whose store is down."""

    def first_use(self, issuer: str, jti: str, until: datetime) -> bool:  # noqa: ARG002
        raise UnavailableError("the database failed (OperationalError)")


@pytest.mark.requirement("7.122")
def test_every_token_is_refused_while_the_replay_guard_is_unavailable(server: KeyServer) -> None:
    clock = Clock()
    judge = WatchingAssessor(CONDITIONS)
    service = Service(
        judge,
        authenticator=authenticator_of(
            [Client("ehr", ISSUER, server.url)],
            Settings(),
            replay_guard=Unavailable(),
            clock=clock,
            log=service_log(_Lines([]), clock),
            read=partial(keys_of, timeout=30),
            policy=RefreshPolicy(wait=30),
        ),
        public_url=PUBLIC,
    )
    response = service.client.post(PATH, json=call(prefetch=READ), headers=bearer(good()))
    assert response.status_code == 503
    assert response.headers["Retry-After"]
    assert response.json["resourceType"] == "OperationOutcome"
    assert service.lines()[0]["failure"] == "the database failed (OperationalError)"
    assert not judge.hooks


def usable(authenticator: Authenticator) -> list[bool]:
    """Return for each client whether its keys can be used."""
    return [status.is_usable for status in authenticator.key_statuses()]


def test_the_status_shows_which_clients_have_usable_keys(server: KeyServer) -> None:
    clock = Clock()
    authenticator = authenticator_of(
        [Client("ehr", ISSUER, server.url), Client("other", "urn:other", keys_file=Path("/nowhere/keys.json"))],
        Settings(),
        replay_guard=InMemoryReplayGuard(clock),
        clock=clock,
        log=service_log(_Lines([]), clock),
        read=partial(keys_of, timeout=30),
    )
    assert usable(authenticator) == [False, False]
    authenticator.warm_up()
    for _ in range(1000):
        if usable(authenticator) == [True, False]:
            break
        time.sleep(0.01)
    assert usable(authenticator) == [True, False]
    assert server.asked == 1


@pytest.mark.requirement("7.126")
def test_a_setting_limits_how_long_keys_are_used_in_an_outage(server: KeyServer) -> None:
    clock = Clock()
    authenticator = authenticator_of(
        [Client("ehr", ISSUER, server.url)],
        Settings(stale_keys_seconds=600),
        replay_guard=InMemoryReplayGuard(clock),
        clock=clock,
        log=service_log(_Lines([]), clock),
        monotonic=clock.monotonic,
        read=partial(keys_of, timeout=30),
        policy=RefreshPolicy(wait=30),
    )

    def is_admitted() -> bool:
        try:
            return bool(authenticator.authenticate(f"Bearer {token(claims(clock()))}", {SIGN}))
        except InvalidTokenError:
            return False

    assert is_admitted()
    server.fails()
    clock.seconds = 599
    assert is_admitted()
    clock.seconds = 600
    assert not is_admitted()
