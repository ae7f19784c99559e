"""Requests that gunicorn itself refuses, or that are malformed below the routes: answered like any other error."""

import json
import socket
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from tests.support.hook_fakes import PATIENT, call
from tests.support.served_process import ServedProcess

pytestmark = [pytest.mark.process, pytest.mark.slow]

MARK = "Xanthippe"
POST = "POST /cds-services/coverage-order-sign HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
CHUNKED = POST + "Transfer-Encoding: chunked\r\n\r\n"
BODY = json.dumps(call(prefetch={"patient": PATIENT, "coverage": None}))


class Answer(NamedTuple):
    """What came back on a connection; `whole` is all of it."""

    status: int
    headers: dict[str, str]
    body: str
    whole: str


@pytest.fixture(scope="module", name="served")
def _served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedProcess]:
    made = ServedProcess(tmp_path_factory.mktemp("served"), CDS_METRICS="yes", CDS_WORKERS="1").until_ready()
    yield made
    made.stop()


def sent(served: ServedProcess, text: str) -> Answer:
    """The answer to these characters, after which the client sends no more."""
    with socket.create_connection(("127.0.0.1", served.port), timeout=30) as connection:
        connection.sendall(text.encode("latin-1"))
        connection.shutdown(socket.SHUT_WR)
        got = b""
        while part := connection.recv(65536):
            got += part
    whole = got.decode("utf-8")
    head, _, body = whole.partition("\r\n\r\n")
    first, *lines = head.split("\r\n")
    return Answer(int(first.split(" ")[1]), dict(line.split(": ", 1) for line in lines), body, whole)


def get(served: ServedProcess, target: str, headers: str = "") -> Answer:
    return sent(served, f"GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\r\n")


BAD_REQUESTS = {
    "method": (f"{MARK.lower()} / HTTP/1.1\r\n\r\n", 400),
    "request line": (f"GET /{MARK}\r\n\r\n", 400),
    "version": (f"GET / HTTP/{MARK}\r\n\r\n", 400),
    "header name": (f"GET / HTTP/1.1\r\nHost: x\r\n{MARK} x: 1\r\n\r\n", 400),
    "header without a colon": (f"GET / HTTP/1.1\r\nHost: x\r\n{MARK}\r\n\r\n", 400),
    "folded header": (f"GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n {MARK}\r\n\r\n", 400),
    "length": (f"{POST}Content-Length: {MARK}\r\n\r\n", 400),
    "two lengths": (f"{POST}Content-Length: 1\r\nContent-Length: 2\r\n\r\n{MARK}", 400),
    "length and chunks": (f"{POST}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n{MARK}", 400),
    "long address": (f"GET /{MARK}{'x' * 9000} HTTP/1.1\r\nHost: x\r\n\r\n", 414),
    "long header": (f"GET / HTTP/1.1\r\nHost: x\r\nA: {MARK}{'x' * 9000}\r\n\r\n", 431),
    "many headers": ("GET / HTTP/1.1\r\nHost: x\r\n" + f"{MARK}: 1\r\n" * 200 + "\r\n", 431),
    "unknown coding": (f"{POST}Transfer-Encoding: {MARK}\r\n\r\n", 501),
    "expectation": (f"{POST}Expect: {MARK}\r\nContent-Length: 2\r\n\r\n{{}}", 417),
}

BAD_BODIES = {
    "no hexadecimal size": f"{CHUNKED}{MARK}\r\n",
    "ZZ": f"{CHUNKED}ZZ\r\n",
    "negative size": f"{CHUNKED}-1\r\nx\r\n0\r\n\r\n",
    "empty size": f"{CHUNKED}\r\n\r\n",
    "longer than its size": f"{CHUNKED}2\r\n{BODY}\r\n0\r\n\r\n",
    "bad extension": f"{CHUNKED}2;{MARK} =\r\n{{}}\r\n0\r\n\r\n",
    "no last chunk": f"{CHUNKED}{len(BODY):x}\r\n{BODY}\r\n",
    "cut off in a chunk": f"{CHUNKED}{len(BODY):x}\r\n{BODY[:-5]}",
    "cut off in a size": f"{CHUNKED}{len(BODY):x}",
    "bad trailer": f"{CHUNKED}{len(BODY):x}\r\n{BODY}\r\n0\r\n{MARK}\r\n\r\n",
    "shorter than its length": f"{POST}Content-Length: {len(BODY) + 1}\r\n\r\n{BODY}",
    "much shorter than its length": f"{POST}Content-Length: {len(BODY) + 100_000}\r\n\r\n{BODY}",
    "without any of its length": f"{POST}Content-Length: 20\r\n\r\n",
}


def is_refused_like_any_other(answer: Answer, status: int) -> None:
    assert answer.status == status
    outcome = json.loads(answer.body)
    assert outcome["resourceType"] == "OperationOutcome"
    assert outcome["issue"][0]["diagnostics"]
    assert len(answer.headers["X-Request-Id"]) == 36
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Content-Length"] == str(len(answer.body.encode()))
    assert MARK.lower() not in answer.whole.lower()


@pytest.mark.parametrize(("text", "status"), BAD_REQUESTS.values(), ids=BAD_REQUESTS)
def test_what_gunicorn_refuses_is_an_operation_outcome(served: ServedProcess, text: str, status: int) -> None:
    answer = sent(served, text)
    is_refused_like_any_other(answer, status)
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Connection"] == "close"
    (line,) = [each for each in served.lines() if each.get("request_id") == answer.headers["X-Request-Id"]]
    assert (line["event"], line["level"], line["status"]) == ("request refused", "warning", status)
    assert MARK.lower() not in served.written.lower()


@pytest.mark.parametrize("text", BAD_BODIES.values(), ids=BAD_BODIES)
def test_a_body_that_is_not_whole_is_refused(served: ServedProcess, text: str) -> None:
    is_refused_like_any_other(sent(served, text), 400)
    assert not [line for line in served.lines() if line["level"] == "error"]


def test_a_whole_body_is_read_either_way(served: ServedProcess) -> None:
    closing = POST + "Connection: close\r\n"
    as_one = sent(served, f"{closing}Content-Length: {len(BODY)}\r\n\r\n{BODY}")
    chunks = f"{len(BODY):x};a=b\r\n{BODY}\r\n0\r\nA: b\r\n\r\n"
    in_chunks = sent(served, f"{closing}Transfer-Encoding: chunked\r\n\r\n{chunks}")
    assert (as_one.status, in_chunks.status) == (200, 200)


@pytest.mark.parametrize("name", ["SCRIPT_NAME", "Script_Name", "PATH_INFO", "REMOTE_USER"])
def test_a_peer_cannot_move_the_routes(served: ServedProcess, name: str) -> None:
    assert get(served, "/x/health/live", f"{name}: /x\r\n").status == 404
    assert get(served, "/health/live", f"{name}: /metrics\r\n").status == 200


@pytest.mark.parametrize(
    "target",
    [
        *("//metrics", "///metrics", "/%2Fmetrics", "//%6detrics", "/metrics/", "/metrics//", "//metrics/"),
        *("/./metrics", "/x/../metrics", "/%2e/metrics", "/metrics/.", "//x/metrics", "/metrics;x", "/metrics%00"),
        *("//cds-services", "/cds-services//coverage-order-sign", "//health/ready", "/health//ready"),
    ],
)
def test_no_other_spelling_reaches_a_route(served: ServedProcess, target: str) -> None:
    answer = get(served, target)
    assert answer.status == 404
    assert json.loads(answer.body)["resourceType"] == "OperationOutcome"
    assert get(served, "/metrics").status == 200
