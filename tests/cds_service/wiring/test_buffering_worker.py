"""Slow clients over HTTP: they keep connections, but no thread, and lose them after a while."""

import json
import select
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from cds_service.wiring.buffering_worker import max_held_bytes
from tests.support.hook_fakes import PATIENT, call
from tests.support.served_process import ServedProcess
from tests.support.slow_clients import KINDS, SlowClients

pytestmark = [pytest.mark.process, pytest.mark.slow]

SIGN = "/cds-services/coverage-order-sign"
LIVE = b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n"
POST = f"POST {SIGN} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n".encode()
BODY = json.dumps(call(prefetch={"patient": PATIENT, "coverage": None})).encode()
CLIENTS = 200
SOON = 5

IMPATIENT = """
import sys
sys.path.insert(0, {root!r})
from cds_service.wiring import buffering_worker
from cds_service.cli.main import main
for name, value in {limits!r}.items():
    setattr(buffering_worker, name, value)
main(sys.argv[1:])
"""


class ImpatientService(ServedProcess):
    """A service with other limits of the event loop than those that it has."""

    def __init__(self, folder: Path, limits: dict[str, float], **settings: str) -> None:
        root = str(Path(__file__).parents[3])
        super().__init__(folder, program=IMPATIENT.format(root=root, limits=limits), CDS_WORKERS="1", **settings)


def received(connection: socket.socket) -> bytes:
    """Everything until the service closes the connection."""
    got = b""
    while part := connection.recv(65536):
        got += part
    return got


def status_of(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


@pytest.fixture(scope="module", name="served")
def _served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedProcess]:
    made = ServedProcess(tmp_path_factory.mktemp("served"), CDS_WORKERS="1").until_ready()
    yield made
    made.stop()


@pytest.fixture(scope="module", name="impatient")
def _impatient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedProcess]:
    limits = {"HEAD_SECONDS": 1.5, "BODY_SECONDS": 1.5, "RESPONSE_SECONDS": 1.5, "_MIN_HELD_BYTES": 2_000_000}
    made = ImpatientService(tmp_path_factory.mktemp("impatient"), limits, CDS_MAX_BODY_BYTES="200000").until_ready()
    yield made
    made.stop()


def connected(served: ServedProcess, first: bytes) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", served.port), timeout=30)
    connection.sendall(first)
    return connection


@pytest.mark.parametrize("kind", KINDS)
def test_slow_clients_stop_neither_health_checks_nor_calls(served: ServedProcess, kind: str) -> None:
    body = call(prefetch={"patient": PATIENT, "coverage": None})
    with SlowClients(served.port, kind, CLIENTS):
        # Those that do not read ask for hundreds of documents at first, which takes one process a few seconds.
        assert requests.get(f"{served.address}/health/live", timeout=30).status_code == 200
        for _ in range(5):
            assert requests.get(f"{served.address}/health/live", timeout=SOON).status_code == 200
            assert requests.post(served.address + SIGN, json=body, timeout=SOON).status_code == 200


@pytest.mark.parametrize(
    ("first", "piece"),
    [(b"G", b""), (POST, b"A: b\r\n"), (POST + b"Content-Length: 9000\r\n\r\n{", b" ")],
    ids=["one byte", "headers", "body"],
)
def test_a_request_that_does_not_arrive_in_time_is_answered_408(
    impatient: ServedProcess, first: bytes, piece: bytes
) -> None:
    start = time.monotonic()
    with connected(impatient, first) as connection:
        connection.settimeout(0.2)
        answer = b""
        while not answer:
            connection.send(piece)
            try:
                answer = connection.recv(65536)
            except TimeoutError:
                assert time.monotonic() - start < 20
        assert time.monotonic() - start > 1.4
    assert status_of(answer) == 408
    outcome = json.loads(answer.partition(b"\r\n\r\n")[2])
    assert outcome["issue"][0]["code"] == "timeout"
    assert impatient.lines("request refused")[-1]["reason"] == "SlowRequestError"


def test_a_connection_without_a_request_is_closed(impatient: ServedProcess) -> None:
    with connected(impatient, b"") as connection:
        assert received(connection) == b""


def test_a_client_that_does_not_read_is_disconnected(impatient: ServedProcess) -> None:
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(("127.0.0.1", impatient.port))
        connection.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 200)
        time.sleep(4)
        connection.settimeout(30)
        answers = 0
        with pytest.raises((ConnectionResetError, EOFError)):  # noqa: PT012
            while part := connection.recv(65536):
                answers += part.count(b"HTTP/1.1 200")
            raise EOFError
        assert answers < 200


def test_the_request_with_the_most_bytes_makes_room(impatient: ServedProcess) -> None:
    head = POST + b"Content-Length: 199999\r\n\r\n"
    held = [connected(impatient, head + b" " * 190_000) for _ in range(11)]
    try:
        answered, _, _ = select.select(held, [], [], 1.2)
        assert [status_of(each.recv(65536)) for each in answered] == [408]
        assert requests.get(f"{impatient.address}/health/live", timeout=SOON).status_code == 200
    finally:
        for connection in held:
            connection.close()


def test_the_memory_of_connections_has_a_floor_and_grows_with_the_largest_body() -> None:
    assert max_held_bytes(1) == 64 * 1024 * 1024
    assert max_held_bytes(10_000_000) == 80_000_000


def test_requests_sent_at_once_are_answered_in_order(served: ServedProcess) -> None:
    post = POST + f"Content-Length: {len(BODY)}\r\n\r\n".encode() + BODY
    last = b"GET /cds-services HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    with connected(served, LIVE + post + LIVE + last) as connection:
        answer = received(connection)
    assert answer.count(b"HTTP/1.1 200") == 4
    assert answer.index(b'"ok"') < answer.index(b'"cards"') < answer.rindex(b'"ok"') < answer.index(b'"services"')


def test_a_client_that_asks_first_gets_one_continue(served: ServedProcess) -> None:
    head = POST + f"Connection: close\r\nExpect: 100-continue\r\nContent-Length: {len(BODY)}\r\n\r\n".encode()
    with connected(served, head) as connection:
        assert connection.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(BODY)
        answer = received(connection)
    assert status_of(answer) == 200
    assert b"100 Continue" not in answer


def test_a_body_that_is_refused_early_is_not_read_as_the_next_request(impatient: ServedProcess) -> None:
    with connected(impatient, POST + b"Content-Length: 200001\r\n\r\n" + LIVE) as connection:
        answer = received(connection)
    assert status_of(answer) == 413
    assert b"Connection: close" in answer
    assert answer.count(b"HTTP/1.1") == 1


@pytest.mark.parametrize("size", [199_999, 200_001])
def test_chunks_are_limited_like_other_bodies(impatient: ServedProcess, size: int) -> None:
    chunks = f"{size:x}\r\n".encode() + b" " * size + b"\r\n0\r\n\r\n"
    with connected(impatient, POST + b"Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks) as connection:
        assert status_of(received(connection)) == (400 if size < 200_000 else 413)


def test_a_large_response_reaches_a_slow_reader(served: ServedProcess) -> None:
    expected = requests.get(f"{served.address}/openapi.json", timeout=SOON).content
    with connected(served, b"GET /openapi.json HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n") as connection:
        time.sleep(1)
        got = b""
        while part := connection.recv(2_000):
            got += part
    assert got.partition(b"\r\n\r\n")[2] == expected


def test_slow_clients_do_not_hold_up_a_stop(tmp_path: Path) -> None:
    served = ServedProcess(tmp_path).until_ready()
    connections = [connected(served, first) for first in (b"", b"G", POST + b"Content-Length: 9\r\n\r\n{", LIVE)]
    start = time.monotonic()
    try:
        assert served.stop() == 0
        assert time.monotonic() - start < 15
    finally:
        for connection in connections:
            connection.close()
