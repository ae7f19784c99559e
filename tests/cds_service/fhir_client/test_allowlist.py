"""The FHIR servers that a call may name."""

from typing import Any

import pytest
from pydantic import ValidationError

from cds_service.clients.authenticator import Principal
from cds_service.clients.registry import Client
from cds_service.fhir_client.allowlist import ServerTrust, origin_of, trust_of
from cds_service.fhir_client.deadline import Deadline
from cds_service.fhir_client.opener import FhirClients
from cds_service.fhir_client.source import FhirAccess
from cds_service.settings import Settings
from coverage_policies.format.searches import CONDITIONS
from tests.support.hook_fakes import PATIENT, FakeEhr, Service, WatchingAssessor, authorization, call

NAMED, PUBLIC, NOT_REGISTERED, UNPROTECTED = ServerTrust
REGISTERED = (
    "https://fhir.ehr.example.org/r4",
    "https://*.cloud.example.org/tenants/*/fhir",
    "http://10.0.0.5:8080/fhir",
)


@pytest.mark.requirement("7.55")
@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("https://fhir.ehr.example.org/r4", NAMED),
        ("https://fhir.ehr.example.org/r4/", NAMED),
        ("https://FHIR.ehr.example.org:443/r4", NAMED),
        ("https://fhir.ehr.example.org./r4", NAMED),
        ("http://10.0.0.5:8080/fhir", NAMED),
        ("https://a.cloud.example.org/tenants/7/fhir", PUBLIC),
        ("http://fhir.ehr.example.org/r4", NOT_REGISTERED),
        ("https://fhir.ehr.example.org:8443/r4", NOT_REGISTERED),
        ("https://fhir.ehr.example.org/R4", NOT_REGISTERED),
        ("https://fhir.ehr.example.org/r4/more", NOT_REGISTERED),
        ("https://fhir.ehr.example.org", NOT_REGISTERED),
        ("https://fhir.ehr.example.org.attacker.example/r4", NOT_REGISTERED),
        ("https://a.b.cloud.example.org/tenants/7/fhir", NOT_REGISTERED),
        ("https://cloud.example.org/tenants/7/fhir", NOT_REGISTERED),
        ("https://a.cloud.example.org/tenants/7/8/fhir", NOT_REGISTERED),
        ("https://a.cloud.example.org/tenants/../fhir", NOT_REGISTERED),
        ("https://a.cloud.example.org/tenants/%2e%2e/fhir", NOT_REGISTERED),
        ("https://a.cloud.example.org/tenants/..%5c/fhir", NOT_REGISTERED),
        ("https://attacker.example/a.cloud.example.org/tenants/7/fhir", NOT_REGISTERED),
        ("ftp://fhir.ehr.example.org/r4", NOT_REGISTERED),
        ("https://[", NOT_REGISTERED),
        ("https:///r4", NOT_REGISTERED),
    ],
)
def test_a_server_is_read_only_if_it_is_registered(address: str, expected: ServerTrust) -> None:
    assert trust_of(address, "token", REGISTERED) is expected


@pytest.mark.parametrize(
    ("address", "token", "expected"),
    [
        ("https://r4.example.org/fhir", "token", PUBLIC),
        ("http://r4.example.org/fhir", "", PUBLIC),
        ("http://r4.example.org/fhir", "token", UNPROTECTED),
        ("http://localhost:8080/fhir", "token", PUBLIC),
    ],
)
def test_a_public_server_is_allowed_if_no_servers_are_registered(
    address: str, token: str, expected: ServerTrust
) -> None:
    assert trust_of(address, token, None) is expected


def test_an_empty_list_of_registered_servers_allows_none() -> None:
    assert trust_of("https://r4.example.org/fhir", "", ()) is NOT_REGISTERED


@pytest.mark.parametrize(
    ("own", "general", "is_read"),
    [
        (None, "", True),
        (None, "{base}", True),
        (None, "https://other.example.org", False),
        ((), "", False),
        ((), "{base}", True),
        (("{base}",), "", True),
        (("https://other.example.org",), "{base}", False),
    ],
)
def test_the_servers_of_the_client_override_those_of_the_settings(
    ehr: FakeEhr, own: tuple[str, ...] | None, general: str, is_read: bool
) -> None:
    settings = Settings(fhir_private_networks="127.0.0.0/8", fhir_servers=general.replace("{base}", ehr.base))
    registered = None if own is None else tuple(server.replace("{base}", ehr.base) for server in own)
    source = FhirClients(settings)(FhirAccess(ehr.base, "t", registered=registered), Deadline(5))
    source.search(CONDITIONS, "p-1")
    assert bool(ehr.asked) is is_read
    assert bool(source.notes) is not is_read


@pytest.mark.requirement("7.55", "7.43")
def test_a_refused_server_is_not_queried_and_the_prefetch_still_counts(ehr: FakeEhr) -> None:
    judge = WatchingAssessor(CONDITIONS)
    service = Service(judge, fhir_servers="https://ehr.example.org/fhir")
    request = call(fhirServer=ehr.base, fhirAuthorization=authorization(), prefetch={"patient": PATIENT})
    response = service.post(request)
    assert response.status_code == 200
    assert ehr.asked == []
    (record,) = judge.records
    assert record.unavailable() == ("Condition", "Coverage")
    (note,) = record.notes
    assert "not read" in note
    assert "CDS_FHIR_SERVERS" in note
    warning = service.lines()[0]
    assert (warning["event"], warning["level"]) == ("FHIR server not read", "warning")
    assert (warning["server"], warning["reason"]) == (ehr.base.removesuffix("/fhir"), note.split(": ", 1)[1][:-1])


@pytest.mark.requirement("7.48", "7.55")
def test_the_412_names_a_refused_server_that_was_the_only_source(ehr: FakeEhr) -> None:
    response = Service(WatchingAssessor(CONDITIONS), fhir_private_networks="").post(call(fhirServer=ehr.base))
    assert response.status_code == 412
    assert [(issue["code"], issue.get("expression")) for issue in response.json["issue"]] == [
        ("incomplete", None),
        ("forbidden", ["fhirServer"]),
    ]
    assert "private address" in response.json["issue"][1]["diagnostics"]
    assert ehr.asked == []


class OneClient:
    """An authenticator for which every call comes from one client."""

    def __init__(self, *servers: str) -> None:
        self._caller = Client("ehr", "https://ehr.example.org", fhir_servers=servers)

    @property
    def clients(self) -> tuple[Client, ...]:
        return (self._caller,)

    def authenticate(self, *_: object) -> Principal:
        return Principal(self._caller, "", "")


@pytest.mark.requirement("7.55")
@pytest.mark.parametrize(("own", "asked"), [(("{base}",), True), (("https://other.example.org",), False), ((), False)])
def test_a_call_may_name_only_servers_of_its_client(ehr: FakeEhr, own: tuple[str, ...], asked: bool) -> None:
    authenticator: Any = OneClient(*(server.replace("{base}", ehr.base) for server in own))
    service = Service(WatchingAssessor(CONDITIONS), authenticator=authenticator, fhir_private_networks="")
    response = service.post(call(fhirServer=ehr.base, fhirAuthorization=authorization()))
    assert (response.status_code, bool(ehr.asked)) == ((200, True) if asked else (412, False))


def test_the_log_has_only_the_origin_of_a_server() -> None:
    assert origin_of("https://EHR.example.org/patients/Xanthippe") == "https://ehr.example.org:443"
    assert origin_of("https://[") == ""


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("fhir_servers", "ehr.example.org"),
        ("fhir_servers", "https://user@ehr.example.org/fhir"),
        ("fhir_servers", "https://ehr.example.org/fhir?x=1"),
        ("fhir_private_networks", "everything"),
        ("fhir_private_networks", "10.0.0.0/40"),
    ],
)
def test_invalid_servers_and_networks_stop_the_start(name: str, value: Any) -> None:
    with pytest.raises(ValidationError):
        Settings(**{name: value})
