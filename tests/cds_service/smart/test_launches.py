"""What ends a launch early: an EHR that answers badly, or names addresses that are not called."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from cds_service.clients.registry import SmartRegistration
from cds_service.fhir_client.bounded_requests import FhirResponse
from cds_service.fhir_client.deadline import Deadline
from cds_service.fhir_client.opener import FhirClients
from cds_service.fhir_client.server_answers import Failure
from cds_service.fhir_client.source import FhirAccess
from cds_service.settings import Settings
from cds_service.smart.errors import LaunchError
from cds_service.smart.launch_context import ContextKey
from cds_service.smart.launches import Launches, SmartClient
from cds_service.smart.sessions import Sessions
from tests.support.clock import SetClock
from tests.support.kept_sessions import KeptSessions

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
BASE = "https://ehr.example/fhir"
DISCOVERY = f"{BASE}/.well-known/smart-configuration"
CONFIGURATION = {
    "authorization_endpoint": "https://ehr.example/authorize",
    "token_endpoint": "https://ehr.example/token",
    "issuer": "https://ehr.example",
    "jwks_uri": "https://ehr.example/jwks",
}
CLIENTS = [
    SmartClient("exact", SmartRegistration("q"), (BASE,)),
    SmartClient("pattern", SmartRegistration("q"), ("https://*.clinics.example/r4",)),
]


class Ehr:
    """Answers by address; None for an address that is not called."""

    def __init__(self, answers: Mapping[str, FhirResponse | None]) -> None:
        self.answers = answers

    def __call__(self, url: str, _access: FhirAccess, _deadline: Deadline) -> Any:
        return None if self.answers.get(url, FhirResponse(404)) is None else self

    def get(self, url: str) -> FhirResponse:
        return self.answers.get(url) or FhirResponse(404)

    def send(self, _method: str, url: str, _body: bytes, _headers: Mapping[str, str]) -> FhirResponse:
        return self.get(url)


def launches(answers: Mapping[str, FhirResponse | None]) -> Launches:
    clock = SetClock(NOW)
    return Launches(
        CLIENTS,
        Sessions(KeptSessions(), clock),
        ContextKey(bytes(64)),
        redirect_uri="https://cds.example/smart/callback",
        requests_to=Ehr(answers),
        new_deadline=lambda: Deadline(5),
        clock=clock,
    )


FOUND = {DISCOVERY: FhirResponse(200, CONFIGURATION)}


@pytest.mark.parametrize(
    ("iss", "client"),
    [
        (BASE, "exact"),
        (f"{BASE}/", "exact"),
        ("https://EHR.example:443/fhir", "exact"),
        ("https://a.clinics.example/r4", "pattern"),
        ("http://ehr.example/fhir", None),
        ("https://ehr.example/fhir/../other", None),
        ("https://ehr.example.evil.example/fhir", None),
        ("https://user@evil.example/fhir", None),
        ("", None),
    ],
)
def test_an_ehr_is_known_by_its_registered_fhir_server(iss: str, client: str | None) -> None:
    found = launches({}).client_of(iss)
    assert (found.name if found else None) == client


def test_a_launch_sends_the_browser_to_the_authorization_server() -> None:
    address, cookie = launches(FOUND).begin(f"{BASE}/", "launch-1")
    assert address.startswith("https://ehr.example/authorize?")
    sent = parse_qs(urlsplit(address).query)
    assert (sent["aud"], sent["launch"]) == ([BASE], ["launch-1"])
    assert sent["state"][0] not in cookie


@pytest.mark.parametrize(
    ("answers", "says"),
    [
        ({}, "cannot be read (404)"),
        ({DISCOVERY: FhirResponse(failure=Failure.TIMEOUT)}, "cannot be read"),
        ({DISCOVERY: FhirResponse(200, None)}, "names no authorization endpoint"),
        ({DISCOVERY: None}, "an address that this service does not call"),
    ],
)
def test_an_ehr_without_a_readable_configuration_cannot_launch(
    answers: Mapping[str, FhirResponse | None], says: str
) -> None:
    with pytest.raises(LaunchError) as error:
        launches(answers).begin(BASE, "launch-1")
    assert (error.value.status, says in error.value.says) == (502, True)


@pytest.mark.parametrize(
    ("answers", "says"),
    [
        ({"https://ehr.example/token": None}, "at an address that this service does not call"),
        ({"https://ehr.example/token": FhirResponse(400, {"error": "invalid_grant"})}, "did not grant access (400"),
        ({"https://ehr.example/token": FhirResponse(200, [])}, "keys cannot be used"),
        ({"https://ehr.example/token": FhirResponse(200, {})}, "keys cannot be used"),
        (
            {
                "https://ehr.example/token": FhirResponse(200, {"access_token": "t", "token_type": "Bearer"}),
                "https://ehr.example/jwks": FhirResponse(200, {"keys": []}),
            },
            "did not say who is signed in",
        ),
    ],
)
def test_an_exchange_that_gives_no_identity_ends_the_launch(
    answers: Mapping[str, FhirResponse | None], says: str
) -> None:
    jwks = {"https://ehr.example/jwks": FhirResponse(200, "no keys")}
    service = launches({**FOUND, **jwks, **answers})
    address, cookie = service.begin(BASE, "launch-1")
    state = parse_qs(urlsplit(address).query)["state"][0]
    with pytest.raises(LaunchError) as error:
        service.complete(cookie, state=state, code="c", error="")
    assert says in error.value.says
    with pytest.raises(LaunchError, match="This session has ended"):
        service.complete(cookie, state=state, code="c", error="")


def test_a_client_that_is_registered_no_more_completes_no_launch() -> None:
    service = launches(FOUND)
    address, cookie = service.begin(BASE, "launch-1")
    state = parse_qs(urlsplit(address).query)["state"][0]
    service._clients = [replace(each, name="renamed") for each in CLIENTS]
    with pytest.raises(LaunchError, match="This session has ended"):
        service.complete(cookie, state=state, code="c", error="")


# What the address guard allows: the registered server, and elsewhere https at public addresses only.


@pytest.mark.parametrize(
    ("url", "may"),
    [
        ("http://10.0.0.5/fhir/.well-known/smart-configuration", True),
        ("http://10.0.0.5/auth/token", True),
        ("https://login.example/token", True),
        ("http://login.example/token", False),
        ("http://10.0.0.6/token", False),
        ("ftp://10.0.0.5/token", False),
    ],
)
def test_elsewhere_than_at_the_fhir_server_only_https_is_called(url: str, may: bool) -> None:
    opener = FhirClients(Settings(), resolver=lambda _host, _port: ())
    access = FhirAccess("http://10.0.0.5/fhir", registered=("http://10.0.0.5/fhir",))
    assert (opener.requests_to(url, access, Deadline(1)) is not None) is may


def test_a_private_address_elsewhere_is_not_dialed() -> None:
    opener = FhirClients(Settings(), resolver=lambda _host, _port: ("10.0.0.6",))
    access = FhirAccess("https://ehr.example/fhir", registered=("https://ehr.example/fhir",))
    requests = opener.requests_to("https://login.example/token", access, Deadline(5))
    assert requests is not None
    answer = requests.send("POST", "https://login.example/token", b"code=c", {})
    assert answer.failure is Failure.ADDRESS_REFUSED
