"""What each search of a call got: in the log line of the call, and in the 412 if nothing could be read."""

from typing import Any

import pytest
from flask import Response

from coverage_policies.format.searches import CONDITIONS, PROCEDURES
from tests.support.hook_fakes import (
    PATIENT,
    FakeEhr,
    Service,
    WatchingAssessor,
    authorization,
    bundle,
    call,
    condition,
    outcome,
)

PATHS = ("Condition", "Procedure", "Patient/p-1", "Coverage")


def issue(response: Any) -> tuple[str, str]:
    """Return the issue of a 412 about the FHIR server: its code, and its message."""
    assert response.status_code == 412
    (found,) = response.json["issue"][1:]
    assert found["expression"] == ["fhirServer"]
    return found["code"], found["diagnostics"]


def served() -> Service:
    return Service(WatchingAssessor(CONDITIONS, PROCEDURES), call_timeout_seconds=0.8)


@pytest.mark.requirement("7.48")
@pytest.mark.parametrize(
    ("answer", "code", "said"),
    [
        ((401, outcome("login")), "login", "answered 401 login to all 4 queries. Check the access token."),
        ((403, None), "forbidden", "answered 403 to all 4 queries. Check the scopes of the access token."),
        (
            (404, None),
            "not-found",
            "answered 404 to all 4 queries. Check that fhirServer is the base address of the FHIR server.",
        ),
        ((500, outcome()), "exception", "answered 500 exception to all 4 queries."),
        ((200, {}), "exception", "answered 200 no FHIR to all 4 queries."),
        ((200, outcome("required")), "exception", "answered 200 required to all 4 queries."),
    ],
)
def test_a_412_says_what_the_server_answered_to_all_queries(ehr: FakeEhr, answer: Any, code: str, said: str) -> None:
    ehr.answers = dict.fromkeys((*PATHS, "metadata"), answer)
    response = served().post(call(fhirServer=ehr.base, fhirAuthorization=authorization()))
    assert issue(response) == (code, f"The FHIR server {ehr.base.removesuffix('/fhir')} {said}")


@pytest.mark.requirement("7.48")
def test_a_412_counts_different_answers(ehr: FakeEhr) -> None:
    ehr.answers = {path: (500 if path == "Coverage" else 401, None) for path in PATHS}
    code, said = issue(served().post(call(fhirServer=ehr.base)))
    server = ehr.base.removesuffix("/fhir")
    assert (code, said) == ("login", f"Of 4 queries to the FHIR server {server}, 3 got 401, 1 got 500.")


@pytest.mark.requirement("7.48")
def test_a_412_says_that_a_server_is_not_there() -> None:
    code, said = issue(served().post(call(fhirServer="http://127.0.0.1:1/fhir")))
    assert (code, said) == (
        "exception",
        "All 4 queries to the FHIR server http://127.0.0.1:1 failed: connection refused. Check the address, and that "
        "the server is running.",
    )


@pytest.mark.requirement("7.48", "7.130")
def test_a_412_says_that_a_server_hangs(ehr: FakeEhr) -> None:
    def hang() -> Response:
        ehr.stopped.wait(20)
        return Response()

    ehr.answers = dict.fromkeys(PATHS, hang)
    code, said = issue(served().post(call(fhirServer=ehr.base)))
    server = ehr.base.removesuffix("/fhir")
    assert (code, said) == ("timeout", f"All 4 queries to the FHIR server {server} failed: no answer in time.")


@pytest.mark.requirement("7.131")
def test_a_412_says_that_an_expired_token_left_no_time(ehr: FakeEhr) -> None:
    request = call(fhirServer=ehr.base, fhirAuthorization=authorization(expires_in=0))
    assert "failed: not sent in time." in issue(served().post(request))[1]


def test_a_412_without_a_server_says_nothing_of_one() -> None:
    response = served().post(call())
    assert (response.status_code, len(response.json["issue"])) == (412, 1)


def test_the_log_line_has_the_server_and_what_each_search_got(ehr: FakeEhr) -> None:
    ehr.answers["Condition"] = (200, bundle(link=[{"relation": "next", "url": f"{ehr.base}/more"}]))
    ehr.answers["Coverage"] = (403, outcome("forbidden"))
    service = served()
    request = call(fhirServer=ehr.base, prefetch={"procedures": bundle(total=2)})
    assert service.post(request).status_code == 200
    (line,) = service.lines()
    assert line["fhir_server"] == ehr.base.removesuffix("/fhir")
    assert line["searches"] == {
        "conditions": "200 ×2",
        "procedures": "prefetch (incomplete)",
        "patient": "200",
        "coverage": "403 forbidden (incomplete)",
        "metadata": "200",
    }


def test_the_log_line_names_prefetch_that_was_completed(ehr: FakeEhr) -> None:
    first = bundle(condition("1"), link=[{"relation": "next", "url": f"{ehr.base}/more"}])
    service = served()
    service.post(call(fhirServer=ehr.base, prefetch={"procedures": None, "conditions": first}))
    searches = service.lines()[0]["searches"]
    assert (searches["procedures"], searches["conditions"]) == ("prefetch", "prefetch, 200")


def test_the_log_line_says_that_a_server_was_not_asked(ehr: FakeEhr) -> None:
    service = Service(WatchingAssessor(CONDITIONS), fhir_servers="https://ehr.example.org/r4")
    service.post(call(fhirServer=ehr.base, prefetch={"patient": PATIENT}))
    (warning, line) = service.lines()
    assert warning["event"] == "FHIR server not read"
    assert line["searches"] == {
        "conditions": "not asked (incomplete)",
        "patient": "prefetch",
        "coverage": "not asked (incomplete)",
    }


def test_without_a_server_the_log_line_says_what_was_not_read() -> None:
    service = served()
    service.post(call(prefetch={"conditions": None}))
    (line,) = service.lines()
    assert "fhir_server" not in line
    assert (line["searches"]["conditions"], line["searches"]["procedures"]) == ("prefetch", "not read")


def test_an_order_that_needs_no_chart_has_no_searches_in_its_line() -> None:
    request = call()
    request["context"]["draftOrders"]["entry"] = []
    service = served()
    service.post(request)
    assert "searches" not in service.lines()[0]


def test_data_of_other_patients_are_a_warning(ehr: FakeEhr) -> None:
    sent = [condition("1"), condition("2", "p-2"), {**condition("3", "p-3"), "resourceType": "Xanthippe"}]
    ehr.answers["Condition"] = (200, bundle(*sent))
    service = served()
    service.post(call(fhirServer=ehr.base))
    (warning, _) = service.lines()
    assert (warning["event"], warning["level"]) == ("resources of other patients excluded", "warning")
    assert (warning["server"], warning["count"]) == (ehr.base.removesuffix("/fhir"), {"Condition": 1})
    assert not {"p-2", "p-3", "Xanthippe"} & set(service.written.getvalue().replace('"', " ").split())


def test_a_chart_of_one_patient_is_no_warning(ehr: FakeEhr) -> None:
    ehr.answers["Condition"] = (200, bundle(condition("1")))
    service = served()
    service.post(call(fhirServer=ehr.base))
    assert [line["event"] for line in service.lines()] == ["hook call"]
