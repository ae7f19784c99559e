"""The client waits as Retry-After of a 429 or 503 asks, or a short time without it, within the time of the call."""

import socket
import threading
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Response

from cds_service.fhir_client.deadline import Deadline
from cds_service.fhir_client.opener import FhirClients
from cds_service.fhir_client.source import FhirAccess, SearchResult
from cds_service.settings import Settings
from coverage_policies.format.searches import CONDITIONS
from fhir_mappings.fhir_json import dumps
from fhir_mappings.record import Availability
from tests.support.hook_fakes import LOOPBACK, FakeEhr, bundle, condition

NOW = datetime(2026, 3, 2, 15, 0, 0, tzinfo=UTC)


class Asked:
    """A client of a server, with the waiting that it did."""

    def __init__(self, ehr: FakeEhr, *statuses: int, seconds: float = 4, **headers: str) -> None:
        self.waited: list[float] = []
        left = list(statuses)

        def answer() -> Response:
            if left:
                return Response(
                    "", left.pop(0), headers={name.replace("_", "-"): said for name, said in headers.items()}
                )
            return Response(dumps(bundle(condition("1"))))

        ehr.answers["Condition"] = answer
        self._clients = FhirClients(Settings(**LOOPBACK), now=lambda: NOW, pause=self.waited.append)
        self._access = FhirAccess(ehr.base)
        self._seconds = seconds

    def search(self) -> SearchResult:
        """One search, as one call."""
        return self._clients(self._access, Deadline(self._seconds)).search(CONDITIONS, "p-1")


@pytest.mark.requirement("7.130")
@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("said", "waited"),
    [
        ("1", 1.0),
        (" 2 ", 2.0),
        ("0", 0.1),
        ("Mon, 02 Mar 2026 15:00:03 GMT", 3.0),
        ("Mon, 02 Mar 2026 10:00:02 -0500", 2.0),
        ("Monday, 02-Mar-26 15:00:01 GMT", 1.0),
        ("Mon Mar  2 15:00:02 2026", 2.0),
        ("Mon, 02 Mar 2026 14:00:00 GMT", 0.1),
    ],
)
def test_the_client_waits_as_retry_after_asks(ehr: FakeEhr, status: int, said: str, waited: float) -> None:
    asked = Asked(ehr, status, Retry_After=said)
    assert asked.search().availability is Availability.COMPLETE
    assert asked.waited == [waited]


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("said", ["", "soon", "-1", "1.5", "9" * 40, "Mon, 99 Mar 2026 15:00:03 GMT"])
def test_a_busy_server_that_does_not_say_how_long_is_asked_once_more(ehr: FakeEhr, status: int, said: str) -> None:
    asked = Asked(ehr, status, Retry_After=said)
    assert asked.search().availability is Availability.COMPLETE
    assert asked.waited == [0.5]


def test_a_server_that_stays_busy_is_asked_only_once_more(ehr: FakeEhr) -> None:
    asked = Asked(ehr, 503, 503)
    assert asked.search() == SearchResult()
    assert len(ehr.asked) == 2


def test_a_busy_server_is_not_asked_again_without_time_for_it(ehr: FakeEhr) -> None:
    asked = Asked(ehr, 503, seconds=0.45)
    assert asked.search() == SearchResult()
    assert (len(ehr.asked), asked.waited) == (1, [])


@pytest.mark.parametrize(("said", "waited"), [("1500", 1.5), ("0", 0.1), ("soon", 0.5)])
def test_azure_says_in_milliseconds_how_long(ehr: FakeEhr, said: str, waited: float) -> None:
    asked = Asked(ehr, 429, x_ms_retry_after_ms=said)
    assert asked.search().availability is Availability.COMPLETE
    assert asked.waited == [waited]


def test_a_too_long_retry_after_ends_the_search(ehr: FakeEhr) -> None:
    asked = Asked(ehr, 503, Retry_After="99999")
    assert asked.search() == SearchResult()
    assert asked.waited == []


def test_a_retry_after_beyond_this_call_opens_the_circuit_for_the_next_ones(ehr: FakeEhr) -> None:
    asked = Asked(ehr, 429, Retry_After="20")
    for _ in range(3):
        assert asked.search() == SearchResult()
    assert len(ehr.asked) == 1


def test_the_number_of_retries_is_limited(ehr: FakeEhr) -> None:
    asked = Asked(ehr, *[503] * 9, Retry_After="0")
    assert asked.search() == SearchResult()
    assert len(ehr.asked) == 3


@pytest.mark.parametrize("status", [200, 301, 404, 500])
def test_other_statuses_are_not_retried(ehr: FakeEhr, status: int) -> None:
    asked = Asked(ehr, status, Retry_After="1")
    asked.search()
    assert asked.waited == []


def test_a_broken_connection_is_retried_once(ehr: FakeEhr) -> None:
    requests_seen: list[Any] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            for n in range(2):
                connection, _ = listener.accept()
                with connection:
                    requests_seen.append(connection.recv(4096))
                    if n == 1:
                        body = dumps(bundle(condition("1"))).encode()
                        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        clients = FhirClients(Settings(**LOOPBACK))
        access = FhirAccess(f"http://127.0.0.1:{listener.getsockname()[1]}/fhir", "t")
        assert clients(access, Deadline(4)).search(CONDITIONS, "p-1").availability is Availability.COMPLETE
        thread.join()
    assert len(requests_seen) == 2
