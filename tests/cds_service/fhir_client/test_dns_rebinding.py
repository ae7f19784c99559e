"""DNS rebinding with a live DNS server: a connection goes only to an address that was checked.

The name has the address 127.0.0.1, which is allowed here as a public one would be, and then 127.0.0.2, which is not.
Both listen on the same port, so a connection to the wrong one would be seen.
"""

import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from ipaddress import ip_network

import pytest
import requests

from cds_service.fhir_client.address_guard import AddressRefusedError, GuardedAdapter, GuardedConnector
from cds_service.fhir_client.deadline import Deadline
from cds_service.fhir_client.opener import FhirClients
from cds_service.fhir_client.source import FhirAccess
from cds_service.settings import Settings
from tests.support.dns_server import Answer, DnsServer

ALLOWED, PRIVATE, PUBLIC = "127.0.0.1", "127.0.0.2", "93.184.216.34"
HOST = "ehr.example.org"
RESPONSE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"


class Listeners:
    """Listens on two addresses of this machine at one port, and notes which of them takes a connection."""

    def __init__(self) -> None:
        self.connected: list[str] = []
        self.port = 0
        self._stopped = threading.Event()

    @contextmanager
    def running(self) -> Iterator["Listeners"]:
        with socket.create_server((ALLOWED, 0)) as first:
            self.port = first.getsockname()[1]
            with socket.create_server((PRIVATE, self.port)) as second:
                threads = [threading.Thread(target=self._serve, args=(each,)) for each in (first, second)]
                for thread in threads:
                    thread.start()
                try:
                    yield self
                finally:
                    self._stopped.set()
                    for thread in threads:
                        thread.join()

    def _serve(self, listener: socket.socket) -> None:
        listener.settimeout(0.05)
        while not self._stopped.is_set():
            try:
                connection, _ = listener.accept()
            except TimeoutError:
                continue
            with connection:
                self.connected.append(listener.getsockname()[0])
                connection.settimeout(5)
                connection.recv(4096)
                connection.sendall(RESPONSE)


@pytest.fixture(name="listeners")
def _listeners() -> Iterator[Listeners]:
    with Listeners().running() as made:
        yield made


def get(dns: DnsServer, port: int) -> requests.Response:
    """Send one request on a connection of its own, to the name that the DNS server resolves."""
    connector = GuardedConnector(private=False, allowed=[ip_network(f"{ALLOWED}/32")], resolver=dns.resolve)
    with requests.Session() as session:
        session.trust_env = False
        session.mount("http://", GuardedAdapter(connector, size=1))
        return session.get(f"http://{HOST}:{port}/fhir", timeout=5)


def is_refused(dns: DnsServer, port: int) -> bool:
    with pytest.raises(requests.ConnectionError) as caught:
        get(dns, port)
    return isinstance(caught.value.args[0].reason, AddressRefusedError)


def dns_server(*answers: Answer, **others: Sequence[Answer]) -> DnsServer:
    return DnsServer(ehr_example_org=answers, **others)


def test_the_second_answer_of_a_rebinding_name_is_never_dialed(listeners: Listeners) -> None:
    with dns_server([ALLOWED], [PRIVATE]).running() as dns:
        assert get(dns, listeners.port).status_code == 200
        assert (dns.queries, listeners.connected) == ([HOST], [ALLOWED])
        assert is_refused(dns, listeners.port)
        assert (dns.queries, listeners.connected) == ([HOST, HOST], [ALLOWED])


def test_a_name_that_changes_with_every_query_reaches_only_the_allowed_address(listeners: Listeners) -> None:
    with dns_server(*[[ALLOWED], [PRIVATE]] * 10).running() as dns:
        for _ in range(10):
            assert get(dns, listeners.port).status_code == 200
            assert is_refused(dns, listeners.port)
    assert set(listeners.connected) == {ALLOWED}


@pytest.mark.parametrize(
    "answer",
    [
        [ALLOWED, PRIVATE],
        [PRIVATE, ALLOWED],
        [PUBLIC, "10.0.0.1"],
        [ALLOWED, "169.254.169.254"],
        [ALLOWED, "::1"],
        [ALLOWED, "fd00::1"],
        [f"::ffff:{PRIVATE}"],
        [ALLOWED, f"::ffff:{PRIVATE}"],
        [f"::{PRIVATE}"],
        [f"::{PUBLIC}"],
        ["64:ff9b::7f00:2"],
        ["2002:7f00:2::1"],
        [],
    ],
    ids=str,
)
def test_a_name_with_an_address_that_is_not_allowed_is_not_dialed(listeners: Listeners, answer: Answer) -> None:
    with dns_server(answer).running() as dns:
        assert is_refused(dns, listeners.port)
    assert listeners.connected == []


def test_an_ipv4_mapped_address_is_dialed_if_its_ipv4_address_is_allowed(listeners: Listeners) -> None:
    with dns_server([f"::ffff:{ALLOWED}"]).running() as dns:
        assert get(dns, listeners.port).status_code == 200
    assert listeners.connected == [ALLOWED]


def test_the_end_of_a_chain_of_cnames_is_what_counts(listeners: Listeners) -> None:
    names = {"cdn_example_net": [["edge.example.net"]], "edge_example_net": [[ALLOWED], [PRIVATE]]}
    with dns_server(["cdn.example.net"], **names).running() as dns:
        assert get(dns, listeners.port).status_code == 200
        assert is_refused(dns, listeners.port)
    assert listeners.connected == [ALLOWED]


def test_an_endless_chain_of_cnames_is_a_connection_error(listeners: Listeners) -> None:
    dns = dns_server(["cdn.example.net"], cdn_example_net=[[HOST]])
    with dns.running(), pytest.raises(requests.ConnectionError):
        get(dns, listeners.port)
    assert listeners.connected == []


def test_the_fhir_client_of_a_call_never_dials_the_second_answer(listeners: Listeners) -> None:
    """A server that is public on the first query of a call and private on all later ones."""
    settings = Settings(fhir_private_networks=[f"{ALLOWED}/32"])
    access = FhirAccess(f"http://{HOST}:{listeners.port}/fhir")
    with dns_server([ALLOWED], [PRIVATE]).running() as dns:
        opened = FhirClients(settings, resolver=dns.resolve)
        for _ in range(3):
            opened(access, Deadline(5)).read("Patient/p-1")
    assert listeners.connected == [ALLOWED]
