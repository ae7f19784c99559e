"""A FHIR server that misbehaves, in every way there is a test for, on the loopback interface."""

import gzip
import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tests.support.hook_fakes import bundle, condition, outcome

Fault = Callable[["Hostile", socket.socket, str], None]
_MEGABYTE = b" " * 1_000_000


class Hostile:
    """The server: what it was asked, with which tokens, and where else it would like to be asked."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self.stopped = threading.Event()
        self.paths: list[str] = []
        self.tokens: set[str] = set()
        self.base = ""
        self.elsewhere = ""

    def handle(self, connection: socket.socket) -> None:
        """One connection: every request on it gets the fault."""
        with connection:
            connection.settimeout(5)
            try:
                while path := self._request(connection):
                    self.paths.append(path)
                    self.fault(self, connection, path)
            except OSError:
                return

    def _request(self, connection: socket.socket) -> str:
        head = b""
        while b"\r\n\r\n" not in head:
            got = connection.recv(65_536)
            if not got:
                return ""
            head += got
        lines = head.decode("latin-1").split("\r\n")
        self.tokens |= {line.split(": ", 1)[1] for line in lines if line.lower().startswith("authorization: ")}
        return lines[0].split(" ")[1]


@contextmanager
def serving(fault: Fault) -> Iterator[Hostile]:
    """The server with one fault, for as long as the context lasts."""
    server = Hostile(fault)
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        listener.settimeout(0.05)
        server.base = f"http://127.0.0.1:{listener.getsockname()[1]}/fhir"

        def accept() -> None:
            while not server.stopped.is_set():
                try:
                    connection, _ = listener.accept()
                except TimeoutError:
                    continue
                threading.Thread(target=server.handle, args=(connection,), daemon=True).start()

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.stopped.set()
            thread.join()


def answer(body: Any = b"", status: str = "200 OK", *, length: int | None = None, **headers: str) -> bytes:
    """An answer as it goes over the wire."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    said = {"Content-Type": "application/fhir+json", "Content-Length": str(len(content) if length is None else length)}
    said |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in said.items() if value)]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + content


def says(body: Any = b"", status: str = "200 OK", **more: Any) -> Fault:
    """Always the same answer."""
    whole = answer(body, status, **more)

    def fault(server: Hostile, connection: socket.socket, path: str) -> None:
        connection.sendall(whole)

    return fault


def drips(before: bytes, drop: bytes = b" ") -> Fault:
    """A beginning, and then a little at a time for ever."""

    def fault(server: Hostile, connection: socket.socket, path: str) -> None:
        connection.sendall(before)
        while not server.stopped.wait(0.02):
            connection.sendall(drop)

    return fault


def floods(before: bytes, flood: bytes, count: int) -> Fault:
    """A beginning, and then a great deal as fast as it is taken."""

    def fault(server: Hostile, connection: socket.socket, path: str) -> None:
        connection.sendall(before)
        for _ in range(count):
            if server.stopped.is_set():
                return
            connection.sendall(flood)

    return fault


def _hangs(server: Hostile, connection: socket.socket, path: str) -> None:
    server.stopped.wait(20)


def _resets(server: Hostile, connection: socket.socket, path: str) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def _resets_within(server: Hostile, connection: socket.socket, path: str) -> None:
    connection.sendall(answer(b'{"resourceType": "Bundle"', length=1000))
    _resets(server, connection, path)


def _closes(server: Hostile, connection: socket.socket, path: str) -> None:
    connection.close()


def _pages(server: Hostile, connection: socket.socket, path: str) -> None:
    """Another page after every page, each with the same condition of ours."""
    number = len(server.paths)
    link = [{"relation": "next", "url": f"{server.base}/Condition?page={number}"}]
    connection.sendall(answer(bundle(condition(f"c{number}"), link=link)))


def _pages_elsewhere(server: Hostile, connection: socket.socket, path: str) -> None:
    link = [{"relation": "next", "url": f"{server.elsewhere}/Condition?page=2"}]
    connection.sendall(answer(bundle(link=link)))


def _redirects(server: Hostile, connection: socket.socket, path: str) -> None:
    connection.sendall(answer(b"", "302 Found", Location=server.elsewhere))


def _redirects_to_itself(server: Hostile, connection: socket.socket, path: str) -> None:
    connection.sendall(answer(b"", "307 Temporary Redirect", Location=f"{server.base}/x{len(server.paths)}"))


def _signs_out(server: Hostile, connection: socket.socket, path: str) -> None:
    """The first answer is in order, the token is refused afterwards."""
    if len(server.paths) == 1:
        connection.sendall(answer(bundle(link=[{"relation": "next", "url": f"{server.base}/Condition?page=2"}])))
    else:
        connection.sendall(answer(outcome("login"), "401 Unauthorized", WWW_Authenticate="Bearer"))


def _others(server: Hostile, connection: socket.socket, path: str) -> None:
    """Everything there is, about somebody else."""
    kind = path.split("/fhir/")[1].split("?")[0].split("/")[0]
    other = {"resourceType": kind, "id": "other", "subject": {"reference": "Patient/somebody"}}
    connection.sendall(answer(bundle({**other, "patient": other["subject"], "beneficiary": other["subject"]})))


_WHOLE = json.dumps(bundle(condition("1"))).encode()
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/fhir+json\r\n"
_JUNK = {"resourceType": "Bundle", "type": 7, "entry": [None, 5, [], {"resource": None}, {"resource": {"id": []}}]}

FAULTS: dict[str, Fault] = {
    "hangs": _hangs,
    "hangs after the headers": drips(_HEAD + b"Content-Length: 1000\r\n\r\n", b""),
    "drips headers": drips(b"HTTP/1.1 200 OK\r\nX: ", b"y"),
    "drips the status line": drips(b"HTTP/1.1 ", b"2"),
    "drips a body": drips(_HEAD + b"Content-Length: 1000000\r\n\r\n", b" "),
    "drips chunks": drips(_HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    "drips the length of a chunk": drips(_HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"0"),
    "says continue for ever": drips(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "floods with headers": floods(b"HTTP/1.1 200 OK\r\n", b"X-Y: z\r\n" * 1000, 10_000),
    "sends one header without end": floods(b"HTTP/1.1 200 OK\r\nX: ", b"y" * 100_000, 10_000),
    "resets": _resets,
    "resets within a body": _resets_within,
    "closes": _closes,
    "500": says(outcome(), "500 Internal Server Error"),
    "503": says(b"", "503 Service Unavailable"),
    "503 for an hour": says(b"", "503 Service Unavailable", Retry_After="3600"),
    "429 again and again": says(b"", "429 Too Many Requests", Retry_After="0"),
    "a page for people": says(b"<html>Please sign in</html>", Content_Type="text/html"),
    "nothing": says(b""),
    "no content": says(b"", "204 No Content"),
    "cut off": says(_WHOLE[:-20]),
    "shorter than it says": drips(answer(_WHOLE, length=len(_WHOLE) + 10), b""),
    "NaN": says(b'{"resourceType": "Bundle", "total": NaN}'),
    "nested deeply": says(b'{"a":' * 50_000),
    "a number without end": says(b'{"resourceType": "Bundle", "total": ' + b"9" * 100_000 + b"}"),
    "junk entries": says(_JUNK),
    "another resource": says({"resourceType": "Practitioner", "id": "1"}),
    "another token's patient": _others,
    "pages without end": _pages,
    "a next page elsewhere": _pages_elsewhere,
    "50 MB": floods(_HEAD + b"Content-Length: 50000000\r\n\r\n", _MEGABYTE, 50),
    "50 MB in chunks": floods(_HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"f4240\r\n" + _MEGABYTE + b"\r\n", 50),
    "a bomb": says(gzip.compress(_MEGABYTE * 100), Content_Encoding="gzip"),
    "a bomb in a bomb": says(gzip.compress(gzip.compress(_MEGABYTE * 100)), Content_Encoding="gzip, gzip"),
    "gzip that is none": says(b"\x1f\x8b\x08 no", Content_Encoding="gzip"),
    "redirects elsewhere": _redirects,
    "redirects to itself": _redirects_to_itself,
    "refuses the token mid-way": _signs_out,
    "speaks another protocol": says(b""),
}


def _not_http(server: Hostile, connection: socket.socket, path: str) -> None:
    connection.sendall(b"220 smtp.example.org ESMTP\r\n" * 10)
    connection.close()


FAULTS["speaks another protocol"] = _not_http
