"""A DNS server on the loopback interface whose answers change from query to query, and a resolver that queries it."""

import secrets
import socket
import struct
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from ipaddress import ip_address
from typing import TypeAlias

_A, _CNAME, _AAAA = 1, 5, 28
_IN = 1
_RESPONSE = 0x8180  # a response, recursion desired and available, no error
_LONGEST_CHAIN = 8

Answer: TypeAlias = Sequence[str]
"""The records of one answer: addresses, or the one name that is the target of a CNAME."""


class DnsServer:
    """Answers A and AAAA queries over UDP with TTL 0 (RFC 1035).

    `answers` holds the successive answers for each name; the last one is given again. `queries` lists the names asked
    for, once per query for an IPv4 address.
    """

    def __init__(self, **answers: Sequence[Answer]) -> None:
        self.answers = {name.replace("_", "."): list(each) for name, each in answers.items()}
        self.queries: list[str] = []
        self._current: dict[str, Answer] = {}
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._address = self._socket.getsockname()

    @contextmanager
    def running(self) -> Iterator["DnsServer"]:
        """Answer queries while the context lasts."""
        thread = threading.Thread(target=self._serve, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._socket.sendto(b"", self._address)  # an empty datagram ends the thread
            thread.join()
            self._socket.close()

    def resolve(self, host: str, port: int) -> Sequence[str]:  # noqa: ARG002
        """Return the addresses of a host, IPv4 first; follow CNAMEs. Raises OSError if there are none."""
        return tuple(self._lookup(host, _A) + self._lookup(host, _AAAA))

    def _lookup(self, name: str, kind: int) -> list[str]:
        for _ in range(_LONGEST_CHAIN):
            addresses, target = self._query(name, kind)
            if target is None:
                return addresses
            name = target
        raise OSError("the chain of CNAMEs is too long")

    def _query(self, name: str, kind: int) -> tuple[list[str], str | None]:
        number = secrets.randbelow(2**16)
        question = _encoded(name) + struct.pack("!HH", kind, _IN)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.settimeout(5)
            sock.sendto(struct.pack("!HHHHHH", number, 0x0100, 1, 0, 0, 0) + question, self._address)
            data, _ = sock.recvfrom(4096)
        answered, _, _, count, _, _ = struct.unpack_from("!HHHHHH", data)
        assert answered == number
        position = 12 + len(question)
        addresses: list[str] = []
        target = None
        for _ in range(count):
            _, found, _, ttl, length = struct.unpack_from("!HHHIH", data, position)
            assert ttl == 0
            content = data[position + 12 : position + 12 + length]
            if found == _CNAME:
                target = _decoded(content)
            else:
                addresses.append(str(ip_address(content)))
            position += 12 + length
        return addresses, target

    def _serve(self) -> None:
        while True:
            data, sender = self._socket.recvfrom(4096)
            if not data:
                return
            name = _decoded(data[12:])
            (kind,) = struct.unpack_from("!H", data, len(data) - 4)
            records = _records(self._answer(name, kind), kind)
            header = data[:2] + struct.pack("!HHHHH", _RESPONSE, 1, len(records), 0, 0)
            self._socket.sendto(header + data[12:] + b"".join(records), sender)

    def _answer(self, name: str, kind: int) -> Answer:
        """Return the next answer of a name for an A query, and the same one for the AAAA query that follows."""
        if kind == _A:
            self.queries.append(name)
            given = self.answers[name]
            self._current[name] = given.pop(0) if len(given) > 1 else given[0]
        return self._current[name]


def _records(answer: Answer, kind: int) -> list[bytes]:
    found: list[bytes] = []
    for each in answer:
        try:
            address = ip_address(each)
        except ValueError:
            found.append(_record(_CNAME, _encoded(each)))
            continue
        if kind == (_A if address.version == 4 else _AAAA):
            found.append(_record(kind, address.packed))
    return found


def _record(kind: int, content: bytes) -> bytes:
    return struct.pack("!HHHIH", 0xC00C, kind, _IN, 0, len(content)) + content


def _encoded(name: str) -> bytes:
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"


def _decoded(data: bytes) -> str:
    labels = []
    while data[0]:
        labels.append(data[1 : data[0] + 1].decode())
        data = data[data[0] + 1 :]
    return ".".join(labels)
