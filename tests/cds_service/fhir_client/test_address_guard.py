"""Connections go only to checked addresses, and keep the host name of the server."""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from ipaddress import IPv4Network, ip_network

import pytest
import requests

from cds_service.fhir_client.address_guard import AddressRefusedError, GuardedAdapter, GuardedConnector, resolve
from tests.support.hook_fakes import FakeEhr

LOOPBACK = IPv4Network("127.0.0.0/8")


def dialer(*answers: str, private: bool = False, allowed: Sequence[IPv4Network] = ()) -> GuardedConnector:
    """A dialer for which every host has these addresses."""
    return GuardedConnector(private=private, allowed=allowed, resolver=lambda _host, _port: answers)


@pytest.mark.requirement("7.55")
@pytest.mark.parametrize(
    ("address", "public", "private"),
    [
        ("93.184.216.34", True, True),
        ("2606:2800:220:1::1", True, True),
        ("127.0.0.1", False, True),
        ("127.8.8.8", False, True),
        ("::1", False, True),
        ("10.1.2.3", False, True),
        ("172.16.0.1", False, True),
        ("192.168.1.1", False, True),
        ("100.64.0.1", False, True),
        ("fd00::1", False, True),
        ("::ffff:10.1.2.3", False, True),
        ("::127.0.0.1", False, True),
        ("::10.1.2.3", False, True),
        ("::93.184.216.34", False, True),
        ("::169.254.169.254", False, False),
        ("::224.0.0.1", False, False),
        ("::ffff:0:127.0.0.1", False, False),
        ("64:ff9b:1::a01:203", False, False),
        ("192.0.0.8", False, False),
        ("::ffff:192.0.0.170", False, False),
        ("2001:20::1", False, False),
        ("2001:0:5db8:d822::a247:27dd", True, True),
        ("3fff::1", False, False),
        ("192.0.1.1", True, True),
        ("2001:200::1", True, True),
        ("fec0::1", False, False),
        ("4000::1", False, False),
        ("64:ff9b::a01:203", False, True),
        ("2002:a01:203::1", False, True),
        ("::ffff:93.184.216.34", True, True),
        ("64:ff9b::5db8:d822", True, True),
        ("169.254.169.254", False, False),
        ("fe80::1", False, False),
        ("fe80::1%eth0", False, False),
        ("::ffff:169.254.169.254", False, False),
        ("64:ff9b::a9fe:a9fe", False, False),
        ("0.0.0.0", False, False),  # noqa: S104
        ("::", False, False),
        ("224.0.0.1", False, False),
        ("ff02::1", False, False),
        ("not an address", False, False),
    ],
)
def test_an_address_is_allowed_by_its_network(address: str, public: bool, private: bool) -> None:
    assert dialer().permits(address) is public
    assert dialer(private=True).permits(address) is private


def test_an_allowed_network_may_be_of_any_kind() -> None:
    given = GuardedConnector(
        private=False, allowed=[ip_network("169.254.0.0/16"), ip_network("10.0.0.0/8"), ip_network("fd00::/8")]
    )
    assert [given.permits(one) for one in ("169.254.1.1", "10.9.9.9", "fd00::2", "192.168.0.1", "fc00::1")] == [
        True,
        True,
        True,
        False,
        False,
    ]
    assert given.permits("::ffff:10.1.2.3")


def fetched(url: str, given: GuardedConnector, **members: object) -> requests.Response:
    """Send one request through a dialer."""
    with requests.Session() as session:
        session.trust_env = False
        adapter = GuardedAdapter(given, size=2)
        session.mount("http://", adapter)
        session.mount("https://", adapter)
        return session.get(url, timeout=5, **members)  # type: ignore[arg-type]


def reason(error: pytest.ExceptionInfo[requests.ConnectionError]) -> object:
    """Return the error of urllib3."""
    return getattr(error.value.args[0], "reason", error.value.args[0])


@pytest.mark.requirement("7.55")
def test_the_connection_uses_the_checked_address_and_keeps_the_host_name(ehr: FakeEhr) -> None:
    port = ehr.base.split(":")[2].split("/")[0]
    answer = fetched(f"http://ehr.example.org:{port}/fhir/Patient/p-1", dialer("127.0.0.1", allowed=[LOOPBACK]))
    assert answer.json()["id"] == "p-1"
    assert ehr.headers[0]["Host"] == f"ehr.example.org:{port}"


@pytest.mark.requirement("7.55")
@pytest.mark.parametrize("answers", [("127.0.0.1",), ("93.184.216.34", "127.0.0.1"), ()], ids=str)
def test_a_host_is_refused_if_any_of_its_addresses_is_not_allowed(ehr: FakeEhr, answers: tuple[str, ...]) -> None:
    port = ehr.base.split(":")[2].split("/")[0]
    with pytest.raises(requests.ConnectionError) as caught:
        fetched(f"http://ehr.example.org:{port}/fhir/Patient/p-1", dialer(*answers))
    assert isinstance(reason(caught), AddressRefusedError)
    assert ehr.asked == []


@pytest.mark.requirement("7.55")
def test_a_name_is_resolved_once_per_connection(ehr: FakeEhr) -> None:
    """DNS rebinding: the name is public when it is checked, and on this machine a moment later."""
    port = ehr.base.split(":")[2].split("/")[0]
    answers = iter([("127.0.0.1",), ("169.254.169.254",)])
    asked: list[tuple[str, int]] = []

    def rebinding(host: str, at: int) -> Sequence[str]:
        asked.append((host, at))
        return next(answers)

    given = GuardedConnector(private=False, allowed=[LOOPBACK], resolver=rebinding)
    url = f"http://ehr.example.org:{port}/fhir/Patient/p-1"
    assert fetched(url, given).status_code == 200
    assert asked == [("ehr.example.org", int(port))]
    with pytest.raises(requests.ConnectionError) as caught:
        fetched(url, given)
    assert isinstance(reason(caught), AddressRefusedError)


@pytest.mark.parametrize("host", ["2130706433", "0x7f.1", "127.1", "localhost", "[::1]", "[::ffff:127.0.0.1]"])
def test_every_spelling_of_a_loopback_address_is_refused(ehr: FakeEhr, host: str) -> None:
    port = ehr.base.split(":")[2].split("/")[0]
    with pytest.raises(requests.exceptions.RequestException):
        fetched(f"http://{host}:{port}/fhir/Patient/p-1", GuardedConnector(private=False, allowed=()))
    assert ehr.asked == []


def test_a_host_that_does_not_resolve_is_a_connection_error() -> None:
    def none(host: str, port: int) -> Sequence[str]:
        raise socket.gaierror("no such host")

    with pytest.raises(requests.ConnectionError):
        fetched("http://ehr.example.org/fhir", GuardedConnector(private=False, allowed=(), resolver=none))


def test_the_next_address_is_tried_if_one_does_not_answer(ehr: FakeEhr) -> None:
    port = ehr.base.split(":")[2].split("/")[0]
    url = f"http://ehr.example.org:{port}/fhir/Patient/p-1"
    assert fetched(url, dialer("127.0.0.2", "127.0.0.1", allowed=[LOOPBACK])).status_code == 200


def test_the_system_resolver_finds_localhost() -> None:
    assert "127.0.0.1" in resolve("localhost", 80)


def test_no_proxy_is_used() -> None:
    with pytest.raises(ValueError, match="proxy"):
        fetched("http://ehr.example.org/", dialer("93.184.216.34"), proxies={"http": "http://127.0.0.1:1"})


@contextmanager
def raw_server(handle: Callable[[socket.socket, threading.Event], None]) -> Iterator[int]:
    """A port on which every connection is given to `handle`, until the context ends."""
    stopped = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.05)

        def serve() -> None:
            while not stopped.is_set():
                try:
                    connection, _ = listener.accept()
                except TimeoutError:
                    continue
                with connection:
                    try:
                        handle(connection, stopped)
                    except OSError:
                        continue

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            stopped.set()
            thread.join()


@pytest.mark.requirement("7.55")
def test_tls_uses_the_host_name() -> None:
    """The client hello names the host (SNI), though the connection goes to an address."""
    seen: list[bytes] = []

    def hello(connection: socket.socket, stopped: threading.Event) -> None:
        seen.append(connection.recv(4096))

    with raw_server(hello) as port, pytest.raises(requests.exceptions.RequestException):
        fetched(f"https://ehr.example.org:{port}/fhir", dialer("127.0.0.1", allowed=[LOOPBACK]))
    assert b"ehr.example.org" in seen[0]
    assert ssl.HAS_SNI


@pytest.mark.requirement("7.130")
@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n"])
def test_a_response_that_arrives_byte_by_byte_times_out(said: bytes) -> None:
    def drip(connection: socket.socket, stopped: threading.Event) -> None:
        connection.recv(4096)
        connection.sendall(said)
        while not stopped.wait(0.02):
            connection.sendall(b"x")

    with raw_server(drip) as port, requests.Session() as session:
        session.trust_env = False
        session.mount("http://", GuardedAdapter(dialer("127.0.0.1", allowed=[LOOPBACK]), size=2))
        started = time.monotonic()
        with pytest.raises(requests.exceptions.RequestException):
            session.get(f"http://ehr.example.org:{port}/", timeout=0.3)
        assert time.monotonic() - started < 1
