"""The FHIR client against a real server on the loopback interface, well-behaved or not."""

import gzip
import json
import time
from collections.abc import Callable, Iterator
from importlib.metadata import version
from typing import Any

import pytest
from flask import Response, redirect

from cds_service.fhir_client.deadline import Deadline
from cds_service.fhir_client.opener import FhirClients
from cds_service.fhir_client.source import FhirAccess, FhirSource, SearchResult
from cds_service.settings import Settings
from cds_service.wiring.serving import on_loopback
from coverage_policies.format.searches import CONDITIONS, IMAGING_STUDIES, PATIENT, Search, observation_search
from fhir_mappings.record import Availability
from tests.support.hook_fakes import (
    LOOPBACK,
    NOW,
    FakeEhr,
    Service,
    WatchingAssessor,
    authorization,
    bundle,
    call,
    condition,
    outcome,
)

VERSION = version("cds-coverage-policies")
COMPLETE, NOT_OFFERED, UNAVAILABLE = Availability.COMPLETE, Availability.NOT_OFFERED, Availability.UNAVAILABLE


def opened(ehr: FakeEhr, *, token: str = "", seconds: float = 5, **settings: Any) -> FhirSource:
    """Return a client of a server."""
    return FhirClients(Settings(**LOOPBACK | settings))(FhirAccess(ehr.base, token), Deadline(seconds))


def ids(result: SearchResult) -> list[str]:
    """Return the ids of the entries."""
    return [resource["id"] for _, resource in result.entries]


def paged(*resources: Any, to: str) -> tuple[int, Any]:
    """An answer with a link to a next page."""
    return 200, bundle(*resources, link=[{"relation": "self", "url": "x"}, {"relation": "next", "url": to}])


@pytest.mark.requirement("7.42", "7.43")
def test_missing_prefetch_is_queried_with_the_token_in_one_wave(ehr: FakeEhr) -> None:
    judge = WatchingAssessor(CONDITIONS, observation_search(["http://loinc.org|72514-3", "http://loinc.org|8480-6"]))
    ehr.answers["Condition"] = (200, bundle(condition("1")))
    response = Service(judge).post(call(fhirServer=f"{ehr.base}/", fhirAuthorization=authorization()))
    assert response.status_code == 200
    assert sorted(ehr.asked) == [
        "fhir/Condition?patient=p-1&_count=200",
        "fhir/Coverage?patient=p-1&_count=200",
        "fhir/Observation?patient=p-1&_count=200&code=http://loinc.org%7C72514-3,http://loinc.org%7C8480-6",
        "fhir/Patient/p-1",
    ]
    assert {headers["Authorization"] for headers in ehr.headers} == {"Bearer token-1"}
    assert {headers["Accept"] for headers in ehr.headers} == {"application/fhir+json"}
    assert {headers["User-Agent"] for headers in ehr.headers} == {f"cds-coverage-policies/{VERSION}"}
    record = judge.records[0]
    assert [one["id"] for one in record.of_type("Condition")] == ["1"]
    assert record.unavailable() == ()
    assert (record.read_at, str(record.zone)) == (NOW, "America/New_York")


@pytest.mark.requirement("7.43")
def test_an_open_server_gets_no_authorization(ehr: FakeEhr) -> None:
    opened(ehr).search(CONDITIONS, "p-1")
    assert "Authorization" not in ehr.headers[0]


def test_decimals_keep_their_digits(ehr: FakeEhr) -> None:
    ehr.answers["Observation"] = lambda: Response(
        '{"resourceType": "Bundle", "entry": [{"resource": {"resourceType": "Observation", "id": "1",'
        ' "valueQuantity": {"value": 7.20}}}]}'
    )
    ((_, found),) = opened(ehr).search(observation_search([]), "p-1").entries
    assert str(found["valueQuantity"]["value"]) == "7.20"


def test_the_patient_id_is_escaped_in_the_url(ehr: FakeEhr) -> None:
    opened(ehr).search(CONDITIONS, "a&b=c/../d?e#f")
    assert ehr.asked == ["fhir/Condition?patient=a%26b%3Dc%2F..%2Fd%3Fe%23f&_count=200"]


@pytest.mark.requirement("7.47")
def test_every_page_is_read(ehr: FakeEhr) -> None:
    ehr.answers["Condition"] = paged(condition("1"), to=f"{ehr.base}?page=2")
    ehr.answers["fhir"] = paged(condition("2"), to="fhir/more/3")
    ehr.answers["more/3"] = (200, bundle(condition("3")))
    result = opened(ehr, token="t").search(CONDITIONS, "p-1")
    assert (ids(result), result.availability) == (["1", "2", "3"], COMPLETE)
    assert {headers["Authorization"] for headers in ehr.headers} == {"Bearer t"}


@pytest.mark.requirement("7.47")
@pytest.mark.parametrize(
    "next_page",
    [
        "http://127.0.0.1:1/fhir/Condition?page=2",
        "https://{host}/fhir/Condition?page=2",
        "http://user@{host}/fhir/Condition?page=2",
        "http://{host}/admin",
        "http://{host}/fhir2/Condition",
        "http://{host}/fhir/../admin",
        "http://{host}/fhir/%2e%2e/admin",
        "http://{host}/fhir/..%2fadmin",
        "http://{host}/fhir/%252e%252e/admin",
        "http://{host}/fhir/%252E./admin",
        "http://{host}/fhir/..%252fadmin",
        "http://{host}/fhir/%25252e%25252e/admin",
        "http://{host}/fhir/%25252525/Condition",
        "http://{host}/fhir/%2e%2e%5cadmin",
        "http://{host}/fhir/..;/admin",
        "http://{host}/fhir/..%3bx=y/admin",
        "http://{host}/fhir/\\..\\admin",
        "http://{host}\\@example.org/fhir/",
        "http://{host}/fhir/x y",
        "//example.org/fhir/",
        "/admin",
        "http://[",
        "ftp://{host}/fhir/",
        "{base}/Condition?patient=p-1&_count=200",
    ],
)
def test_a_next_page_on_another_base_or_already_read_is_not_followed(ehr: FakeEhr, next_page: str) -> None:
    host = ehr.base.split("/")[2]
    ehr.answers["Condition"] = paged(condition("1"), to=next_page.replace("{host}", host).replace("{base}", ehr.base))
    result = opened(ehr, token="t").search(CONDITIONS, "p-1")
    assert (ids(result), result.availability) == (["1"], UNAVAILABLE)
    assert len(ehr.asked) == 1


@pytest.mark.requirement("7.47")
def test_pages_without_end_are_cut_short(ehr: FakeEhr) -> None:
    numbers = iter(range(1000))

    def page() -> Response:
        return Response(json.dumps(paged(condition(str(next(numbers))), to=f"Condition?page={len(ehr.asked)}")[1]))

    ehr.answers["Condition"] = page
    result = opened(ehr, max_pages=3).search(CONDITIONS, "p-1")
    assert (ids(result), result.availability) == (["0", "1", "2"], UNAVAILABLE)


def test_a_failing_page_keeps_the_earlier_ones(ehr: FakeEhr) -> None:
    ehr.answers["Condition"] = paged(condition("1"), to=f"{ehr.base}/more")
    ehr.answers["more"] = (500, outcome())
    result = opened(ehr).search(CONDITIONS, "p-1")
    assert (ids(result), result.availability) == (["1"], UNAVAILABLE)


def test_fewer_entries_than_the_total_is_cut_short(ehr: FakeEhr) -> None:
    ehr.answers["Condition"] = (200, bundle(condition("1"), total=3))
    assert opened(ehr).search(CONDITIONS, "p-1").availability is UNAVAILABLE


def test_included_resources_do_not_count_toward_the_total(ehr: FakeEhr) -> None:
    medication = {"resource": {"resourceType": "Medication", "id": "m"}, "search": {"mode": "include"}}
    found = bundle(condition("1"), total=2)
    found["entry"].append(medication)
    ehr.answers["Condition"] = (200, found)
    result = opened(ehr).search(CONDITIONS, "p-1")
    assert (ids(result), result.availability) == (["1", "m"], UNAVAILABLE)


METADATA = {
    "resourceType": "CapabilityStatement",
    "rest": [{"mode": "server", "resource": [{"type": "Condition"}, {"type": "Patient"}]}],
}
WITH_IMAGING = {
    "resourceType": "CapabilityStatement",
    "rest": [{"mode": "server", "resource": [{"type": "ImagingStudy"}]}],
}
FAILURES: list[tuple[str, Search, tuple[int, Any], Any, Availability, int]] = [
    ("404 and type listed", CONDITIONS, (404, outcome("not-found")), METADATA, UNAVAILABLE, 1),
    ("404 and type not listed", CONDITIONS, (404, outcome("not-found")), WITH_IMAGING, NOT_OFFERED, 1),
    ("404 and no statement", CONDITIONS, (404, outcome("not-found")), outcome(), UNAVAILABLE, 1),
    ("404 without a body", IMAGING_STUDIES, (404, None), METADATA, NOT_OFFERED, 0),
    ("400 not supported, type listed", CONDITIONS, (400, outcome("not-supported")), METADATA, UNAVAILABLE, 1),
    ("400 not supported, not listed", CONDITIONS, (400, outcome("not-supported")), WITH_IMAGING, NOT_OFFERED, 1),
    ("400 not supported, no statement", CONDITIONS, (400, outcome("not-supported")), outcome(), UNAVAILABLE, 1),
    ("403 not supported", IMAGING_STUDIES, (403, outcome("not-supported")), METADATA, NOT_OFFERED, 0),
    ("501 not supported", IMAGING_STUDIES, (501, outcome("not-supported")), METADATA, NOT_OFFERED, 0),
    ("501", CONDITIONS, (501, None), METADATA, UNAVAILABLE, 1),
    ("400", CONDITIONS, (400, outcome("invalid")), METADATA, UNAVAILABLE, 1),
    ("401", CONDITIONS, (401, outcome("login")), METADATA, UNAVAILABLE, 0),
    ("403", CONDITIONS, (403, outcome("forbidden")), METADATA, UNAVAILABLE, 0),
    ("429", CONDITIONS, (429, None), METADATA, UNAVAILABLE, 0),
    ("500", CONDITIONS, (500, outcome("not-supported")), METADATA, UNAVAILABLE, 0),
    ("202", CONDITIONS, (202, bundle()), METADATA, UNAVAILABLE, 0),
    ("OperationOutcome", CONDITIONS, (200, outcome()), METADATA, UNAVAILABLE, 0),
    ("list", CONDITIONS, (200, []), METADATA, UNAVAILABLE, 0),
    ("another resource", CONDITIONS, (200, {"resourceType": "Patient"}), METADATA, UNAVAILABLE, 0),
    ("400 and type not listed", IMAGING_STUDIES, (400, outcome("invalid")), METADATA, NOT_OFFERED, 1),
    ("403 and type not listed", IMAGING_STUDIES, (403, None), METADATA, NOT_OFFERED, 1),
    ("403 and type listed", IMAGING_STUDIES, (403, None), WITH_IMAGING, UNAVAILABLE, 1),
    ("403 and no statement", IMAGING_STUDIES, (403, None), outcome(), UNAVAILABLE, 1),
    ("500 of a type not listed", IMAGING_STUDIES, (500, None), METADATA, UNAVAILABLE, 0),
    ("404 of the patient", PATIENT, (404, outcome("not-found")), METADATA, UNAVAILABLE, 0),
]


@pytest.mark.parametrize(
    ("search", "answer", "metadata", "availability", "asked_metadata"),
    [row[1:] for row in FAILURES],
    ids=[row[0] for row in FAILURES],
)
def test_a_failed_search_is_unavailable_or_not_offered(
    ehr: FakeEhr, search: Search, answer: Any, metadata: Any, availability: Availability, asked_metadata: int
) -> None:
    ehr.answers |= {search.resource_type: answer, "Patient/p-1": answer, "metadata": (200, metadata)}
    assert opened(ehr).search(search, "p-1") == SearchResult((), availability)
    assert ehr.asked_for("metadata") == asked_metadata


def test_the_capability_statement_is_read_once_per_call(ehr: FakeEhr) -> None:
    others = [Search(kind, kind, in_us_core=False) for kind in ("ImagingStudy", "MedicationStatement", "Basic")]
    ehr.answers |= {search.resource_type: (400, outcome("invalid")) for search in others}
    ehr.answers["metadata"] = (200, METADATA)
    judge = WatchingAssessor(CONDITIONS, *others)
    Service(judge).post(call(fhirServer=ehr.base))
    assert ehr.asked_for("metadata") == 1
    assert judge.records[0].not_offered() == ("Basic", "ImagingStudy", "MedicationStatement")


def text(body: bytes, **headers: str) -> Callable[[], Response]:
    """An answer with any body."""
    return lambda: Response(body, headers=headers)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html></html>",
        json.dumps(bundle(condition("1"))).encode()[:-1],
        b'{"resourceType": "Bundle", "total": NaN}',
        b'{"resourceType": "Bundle", "id": "\xff"}',
        b"[" * 99_999,
        json.dumps(bundle(condition("x" * 2000))).encode(),
    ],
    ids=["empty", "HTML", "cut off", "NaN", "not UTF-8", "too deep", "too large"],
)
def test_content_that_cannot_be_used_is_unavailable(ehr: FakeEhr, body: bytes) -> None:
    ehr.answers["Condition"] = text(body)
    assert opened(ehr, max_response_bytes=1000).search(CONDITIONS, "p-1").availability is UNAVAILABLE


def test_compressed_pages_count_by_their_uncompressed_size(ehr: FakeEhr) -> None:
    ehr.answers["Condition"] = text(
        gzip.compress(json.dumps(bundle(condition("1"))).encode()), **{"Content-Encoding": "gzip"}
    )
    assert ids(opened(ehr).search(CONDITIONS, "p-1")) == ["1"]
    ehr.answers["Condition"] = text(gzip.compress(b" " * 10_000_000), **{"Content-Encoding": "gzip"})
    assert opened(ehr, max_response_bytes=1_000_000).search(CONDITIONS, "p-1").availability is UNAVAILABLE


@pytest.mark.requirement("7.55")
def test_a_redirect_is_not_followed(ehr: FakeEhr) -> None:
    other = FakeEhr()
    with on_loopback(other.app) as address:
        ehr.answers["Condition"] = lambda: redirect(f"{address}/fhir/Condition")  # type: ignore[return-value]
        assert opened(ehr, token="t").search(CONDITIONS, "p-1") == SearchResult()
        ehr.answers["Condition"] = lambda: redirect(f"{ehr.base}/Patient/p-1")  # type: ignore[return-value]
        assert opened(ehr, token="t").search(CONDITIONS, "p-1") == SearchResult()
    assert other.asked == []
    assert ehr.asked_for("Patient") == 0


@pytest.mark.requirement("7.48")
@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:1/fhir", "http://no-such-host.invalid/fhir", "https://127.0.0.1:1"]
)
def test_an_unreachable_server_gives_412(address: str) -> None:
    judge = WatchingAssessor(CONDITIONS)
    response = Service(judge).post(call(fhirServer=address, fhirAuthorization=authorization()))
    assert response.status_code == 412
    assert "token-1" not in response.text


@pytest.mark.requirement("7.48")
@pytest.mark.parametrize("status", [401, 403, 404, 500])
def test_a_server_that_refuses_everything_gives_412(ehr: FakeEhr, status: int) -> None:
    ehr.answers = {path: (status, outcome()) for path in ("Patient/p-1", "Coverage", "Condition", "metadata")}
    assert Service(WatchingAssessor(CONDITIONS)).post(call(fhirServer=ehr.base)).status_code == 412


@pytest.mark.requirement("7.49", "7.52")
def test_one_failing_search_does_not_affect_the_others(ehr: FakeEhr) -> None:
    judge = WatchingAssessor(CONDITIONS, IMAGING_STUDIES)
    ehr.answers["Condition"] = (500, outcome())
    assert Service(judge).post(call(fhirServer=ehr.base)).status_code == 200
    assert judge.records[0].unavailable() == ("Condition",)


@pytest.mark.requirement("7.130")
def test_a_hanging_server_does_not_delay_the_answer(ehr: FakeEhr) -> None:
    def hang() -> Response:
        ehr.stopped.wait(20)
        return Response()

    judge = WatchingAssessor(CONDITIONS, IMAGING_STUDIES)
    ehr.answers["Condition"] = hang
    ehr.answers["ImagingStudy"] = paged(
        {"resourceType": "ImagingStudy", "id": "1", "subject": {"reference": "Patient/p-1"}}, to=f"{ehr.base}/more"
    )
    ehr.answers["more"] = hang
    started = time.monotonic()
    response = Service(judge, call_timeout_seconds=0.6).post(call(fhirServer=ehr.base))
    assert time.monotonic() - started < 2
    assert response.status_code == 200
    assert judge.records[0].unavailable() == ("Condition", "ImagingStudy")
    assert len(judge.records[0].of_type("ImagingStudy")) == 1


@pytest.mark.requirement("7.130")
def test_a_slow_server_does_not_delay_the_answer(ehr: FakeEhr) -> None:
    def dribble() -> Iterator[bytes]:
        while not ehr.stopped.wait(0.05):
            yield b" "

    ehr.answers["Condition"] = lambda: Response(dribble())
    started = time.monotonic()
    assert opened(ehr, seconds=0.4).search(CONDITIONS, "p-1") == SearchResult()
    assert time.monotonic() - started < 2


@pytest.mark.requirement("7.131")
def test_no_query_is_sent_with_a_token_that_has_expired(ehr: FakeEhr) -> None:
    request = call(fhirServer=ehr.base, fhirAuthorization=authorization(expires_in=0))
    assert Service(WatchingAssessor(CONDITIONS)).post(request).status_code == 412
    assert ehr.asked == []


def test_connections_are_kept_between_calls_and_tokens_are_not(ehr: FakeEhr) -> None:
    clients = FhirClients(Settings(**LOOPBACK))
    for token in ("a", "b"):
        clients(FhirAccess(ehr.base, token), Deadline(5)).search(CONDITIONS, "p-1")
    assert [headers["Authorization"] for headers in ehr.headers] == ["Bearer a", "Bearer b"]


def test_the_environment_adds_no_password(ehr: FakeEhr, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login user password word\n")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    assert opened(ehr).search(CONDITIONS, "p-1").availability is COMPLETE
    assert "Authorization" not in ehr.headers[0]


def test_access_does_not_print_its_token() -> None:
    assert "secret" not in repr(FhirAccess("http://ehr/fhir", "secret"))


@pytest.mark.requirement("7.130")
@pytest.mark.parametrize(("expires_in", "most"), [(300, 3.5), (2, 2.0)])
def test_reading_leaves_time_for_evaluation_and_ends_with_the_token(ehr: FakeEhr, expires_in: int, most: float) -> None:
    left: list[float] = []

    def opener(access: FhirAccess, deadline: Deadline) -> FhirSource:
        left.append(deadline.remaining())
        return FhirClients(Settings(fhir_private_networks="127.0.0.0/8"))(access, deadline)

    service = Service(WatchingAssessor(CONDITIONS), open_fhir_server=opener, call_timeout_seconds=4)
    access = authorization(expires_in=expires_in)
    assert service.post(call(fhirServer=ehr.base, fhirAuthorization=access)).status_code == 200
    assert most - 0.5 < left[0] < most


# --- reading what a reference points at ------------------------------------------------------------------------------

DRUG = {"resourceType": "Medication", "id": "drug"}


@pytest.mark.parametrize(
    "written",
    [
        "Medication/drug",
        "{scheme}://{host}/fhir/Medication/drug",
        "{scheme}://{HOST}/fhir/Medication/drug",
        "{SCHEME}://{host}/fhir/Medication/drug",
        "https://{host}/fhir/Medication/drug",
        "{SCHEME}://{HOST}/fhir/Medication/drug/_history/2",
        "{scheme}://{host}/other/../fhir/Medication/%64rug",
    ],
)
def test_a_reference_to_the_server_is_read_from_it_however_it_is_written(ehr: FakeEhr, written: str) -> None:
    ehr.base = ehr.base.replace("127.0.0.1", "localhost")
    ehr.answers["Medication/drug"] = (200, DRUG)
    scheme, _, rest = ehr.base.partition("://")
    host = rest.partition("/")[0]
    reference = written.format(scheme=scheme, SCHEME=scheme.upper(), host=host, HOST=host.upper())
    assert opened(ehr).read(reference) == (f"{ehr.base}/Medication/drug", DRUG)
    assert ehr.asked == ["fhir/Medication/drug"]


@pytest.mark.parametrize(
    "written",
    [
        "http://other.example/fhir/Medication/drug",
        "http://{host}/other/Medication/drug",
        "http://{host}/FHIR/Medication/drug",
        "http://{host}/fhir/../Medication/drug",
        "http://{host}/fhir/Medication/drug?a=b",
        "http://user@{host}/fhir/Medication/drug",
        "http://127.0.0.1:1/fhir/Medication/drug",
        "Medication/../metadata",
        "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0",
        "drug",
    ],
)
def test_a_reference_to_anywhere_else_is_not_read(ehr: FakeEhr, written: str) -> None:
    ehr.answers["Medication/drug"] = (200, DRUG)
    host = ehr.base.partition("://")[2].partition("/")[0]
    assert opened(ehr).read(written.format(host=host)) is None
    assert ehr.asked == []
