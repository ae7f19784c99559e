"""What a FHIR server answered, in a few words, for the log and for errors."""

import json
import socket
import threading
from typing import Any

import pytest
from flask import Response

from cds_service.fhir_client.deadline import Deadline
from cds_service.fhir_client.opener import FhirClients
from cds_service.fhir_client.server_answers import in_short, issue_code
from cds_service.fhir_client.source import FhirAccess, FhirSource
from cds_service.settings import Settings
from coverage_policies.format.searches import CONDITIONS
from tests.support.hook_fakes import LOOPBACK, FakeEhr, bundle, condition, outcome


def answers(address: str, *, seconds: float = 5, warnings: list[Any] | None = None, **settings: Any) -> FhirSource:
    """Return a source after one search for conditions."""
    warned = warnings if warnings is not None else []
    clients = FhirClients(
        Settings(**LOOPBACK | settings), warn=lambda event, **details: warned.append((event, details))
    )
    source = clients(FhirAccess(address), Deadline(seconds))
    source.search(CONDITIONS, "p-1")
    return source


def got(source: FhirSource) -> tuple[str, ...]:
    """Return the answers to the search for conditions."""
    return source.answers["conditions"]


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (200, bundle(), "200"),
        (200, outcome("too-costly"), "200 too-costly"),
        (200, None, "200 no FHIR"),
        (200, [], "200 no FHIR"),
        (200, {"resourceType": 5}, "200 no FHIR"),
        (401, outcome("login"), "401 login"),
        (403, None, "403"),
        (500, outcome("exception"), "500 exception"),
        (500, outcome("Xanthippe"), "500"),
        (500, outcome("informational", severity="information"), "500"),
    ],
)
def test_an_answer_has_its_status_and_a_code_that_fhir_knows(ehr: FakeEhr, status: int, body: Any, said: str) -> None:
    ehr.answers["Condition"] = (status, body)
    assert got(answers(ehr.base)) == (said,)


def test_every_page_and_every_form_is_an_answer(ehr: FakeEhr) -> None:
    ehr.answers["Condition"] = (200, bundle(link=[{"relation": "next", "url": f"{ehr.base}/more"}]))
    ehr.answers["more"] = (200, bundle())
    assert got(answers(ehr.base)) == ("200", "200")
    ehr.answers["Condition"] = (400, outcome("required"))
    assert got(answers(ehr.base)) == ("400 required",) * 3


def test_a_read_has_a_key_of_its_own(ehr: FakeEhr) -> None:
    source = answers(ehr.base)
    source.read("Medication/1")
    assert source.answers["references"] == ("200",)


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("http://127.0.0.1:1/fhir", "connection refused"),
        ("http://no-such-host.invalid/fhir", "host not found"),
    ],
)
def test_a_server_that_is_not_there_has_its_failure(address: str, said: str) -> None:
    assert got(answers(address)) == (said,)


def test_a_private_address_is_named(ehr: FakeEhr) -> None:
    assert got(answers(ehr.base, fhir_private_networks="")) == ("private address, not registered",)


def test_plain_http_where_tls_belongs_is_named(ehr: FakeEhr) -> None:
    assert got(answers(ehr.base.replace("http:", "https:"))) == ("TLS failed",)


def test_a_hanging_server_is_no_answer_in_time(ehr: FakeEhr) -> None:
    def hang() -> Response:
        ehr.stopped.wait(20)
        return Response()

    ehr.answers["Condition"] = hang
    assert got(answers(ehr.base, seconds=0.3)) == ("no answer in time",)


def test_a_query_without_time_is_not_sent(ehr: FakeEhr) -> None:
    assert got(answers(ehr.base, seconds=0)) == ("not sent in time",)
    assert ehr.asked == []


def test_a_connection_that_breaks_twice_is_lost() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            for _ in range(2):
                connection, _ = listener.accept()
                with connection:
                    connection.recv(4096)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        assert got(answers(f"http://127.0.0.1:{listener.getsockname()[1]}/fhir")) == ("connection lost",)
        thread.join()


def test_a_large_page_and_too_many_resources_are_told_apart(ehr: FakeEhr) -> None:
    ehr.answers["Condition"] = (200, bundle(*(condition(str(n)) for n in range(20))))
    assert got(answers(ehr.base, max_response_bytes=1000)) == ("response too large",)
    assert got(answers(ehr.base, max_call_resources=10)) == ("200", "too many resources")


def test_pages_without_end_are_named(ehr: FakeEhr) -> None:
    numbers = iter(range(100))
    ehr.answers["Condition"] = lambda: Response(
        json.dumps(bundle(link=[{"relation": "next", "url": f"Condition?page={next(numbers)}"}]))
    )
    assert got(answers(ehr.base, max_pages=3)) == ("200", "200", "200", "too many pages")


def test_a_page_that_leads_back_is_named(ehr: FakeEhr) -> None:
    ehr.answers["Condition"] = (200, bundle(link=[{"relation": "next", "url": "Condition?patient=p-1&_count=200"}]))
    assert got(answers(ehr.base)) == ("200", "next page read before")


@pytest.mark.requirement("7.47")
@pytest.mark.parametrize(
    ("link", "reason", "origin"),
    [
        ("http://10.0.0.7:8080/fhir?page=2", "it is on another server", "http://10.0.0.7:8080"),
        ("{base}/../admin", "it is not under the base address of the server", "{origin}"),
        ("{base}/x y", "its address is malformed", "{origin}"),
        ("http://[", "its address is malformed", ""),
    ],
)
def test_a_refused_next_page_is_noted_and_logged_once(ehr: FakeEhr, link: str, reason: str, origin: str) -> None:
    own = ehr.base.removesuffix("/fhir")
    page = bundle(condition("1"), link=[{"relation": "next", "url": link.replace("{base}", ehr.base)}])
    ehr.answers |= {"Condition": (200, page), "Procedure": (200, page)}
    warnings: list[Any] = []
    source = answers(ehr.base, warnings=warnings)
    source.search(CONDITIONS, "p-1")
    assert got(source) == ("200", "next page refused") * 2
    assert source.notes == (f"A next page of the FHIR server was not read: {reason}.",)
    details = {"server": own, "next_page": origin.replace("{origin}", own)}
    assert warnings == [("next page not read", {"reason": reason, "search": "Condition", **details})]


@pytest.mark.parametrize(
    "body",
    [None, [], {}, bundle(), {"resourceType": "OperationOutcome"}, outcome("x" * 99), outcome(severity="warning")],
)
def test_a_body_without_a_known_error_has_no_issue_code(body: Any) -> None:
    assert issue_code(body) == ""


def test_the_first_error_gives_the_issue_code() -> None:
    issues = [*outcome("throttled", severity="warning")["issue"], *outcome("too-costly")["issue"], *outcome()["issue"]]
    assert issue_code({"resourceType": "OperationOutcome", "issue": issues}) == "too-costly"


@pytest.mark.parametrize(
    ("each", "short"),
    [
        ([], ""),
        (["200"], "200"),
        (["200", "200", "200"], "200 ×3"),
        (["400 not-supported", "200", "200", "400"], "400 not-supported, 200 ×2, 400"),
    ],
)
def test_answers_in_short_count_those_that_repeat(each: list[str], short: str) -> None:
    assert in_short(each) == short
