"""A load generator that costs little: prepared bytes over connections that stay open, in one thread."""

import math
import re
import selectors
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import TracebackType

TIMEOUT_SECONDS = 60.0
_CHUNK = 262_144
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)
_CLOSES = re.compile(rb"\r\nconnection: *close\r\n", re.IGNORECASE)
_HEAD_END = b"\r\n\r\n"


@dataclass(slots=True)
class Load:
    """The durations of the calls that were answered 200, how many were not, and how long all took together."""

    seconds: list[float] = field(default_factory=list)
    errors: int = 0
    elapsed: float = 0.0

    @property
    def calls_per_second(self) -> float:
        """How many calls were answered in a second."""
        return len(self.seconds) / self.elapsed

    def ms(self, percent: float) -> float:
        """A percentile of the durations, in milliseconds."""
        return percentile(self.seconds, percent) * 1000

    def add(self, other: "Load") -> None:
        """Count another load in."""
        self.seconds += other.seconds
        self.errors += other.errors
        self.elapsed += other.elapsed


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that so many percent of the values do not exceed; NaN of none."""
    if not values:
        return math.nan
    return sorted(values)[max(math.ceil(len(values) * percent / 100), 1) - 1]


class _Connection:
    """One connection with at most one call on it."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self.begun = 0.0
        self._unsent = memoryview(b"")
        self._answer = bytearray()
        self._end = -1

    def begin(self, request: bytes) -> None:
        """Begin a call; the caller sends the request when the server takes it."""
        self._unsent, self._answer, self._end = memoryview(request), bytearray(), -1
        self.begun = time.perf_counter()

    def send(self) -> bool:
        """Send what the server takes now; return whether all is sent."""
        try:
            while self._unsent:
                self._unsent = self._unsent[self.socket.send(self._unsent) :]
        except BlockingIOError:
            pass
        return not self._unsent

    def receive(self) -> bool:
        """Receive what is there; return whether that is the whole answer. Raise OSError if it will not come."""
        chunk = self.socket.recv(_CHUNK)
        if not chunk:
            raise ConnectionResetError
        self._answer += chunk
        if self._end < 0 and (head := self._answer.find(_HEAD_END)) >= 0:
            length = _LENGTH.search(self._answer, 0, head + 2)
            if length is None:
                raise ConnectionError("an answer without Content-Length")
            self._end = head + len(_HEAD_END) + int(length[1])
        return 0 <= self._end <= len(self._answer)

    @property
    def is_answered_200(self) -> bool:
        """Whether the status of the answer is 200."""
        return self._answer.startswith(b"HTTP/1.1 200 ")

    @property
    def is_last_answer(self) -> bool:
        """Whether the server closes the connection after this answer."""
        return _CLOSES.search(self._answer, 0, self._end) is not None

    @property
    def answer(self) -> bytes:
        """The body of the answer."""
        return bytes(self._answer.partition(_HEAD_END)[2])


class Clients:
    """So many connections to a server on this machine, to be used as a context."""

    def __init__(self, port: int, request: bytes, connections: int = 1) -> None:
        self._port = port
        self._request = request
        self._selector = selectors.DefaultSelector()
        self._open = [self._connect() for _ in range(connections)]
        self.answer = b""
        """The body of the last answer."""

    def __enter__(self) -> "Clients":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for each in self._open:
            each.socket.close()
        self._selector.close()

    def run(self, calls: int) -> Load:
        """Make so many calls; each connection begins its next one when it has its answer."""
        load = Load()
        begun, left = time.perf_counter(), calls
        running = set()
        for connection in self._open[:calls]:
            self._begin(connection)
            running.add(connection)
            left -= 1
        while running:
            ready = self._selector.select(TIMEOUT_SECONDS)
            if not ready:
                load.errors += len(running)
                break
            for key, events in ready:
                connection = key.data
                if connection not in running or not self._is_over(connection, events, load):
                    continue
                running.remove(connection)
                if connection not in self._open:
                    self._open.append(connection := self._connect())
                if left:
                    left -= 1
                    self._begin(connection)
                    running.add(connection)
        load.elapsed = time.perf_counter() - begun
        return load

    def _connect(self) -> _Connection:
        made = _Connection(self._port)
        self._selector.register(made.socket, selectors.EVENT_READ, made)
        return made

    def _close(self, connection: _Connection) -> None:
        self._selector.unregister(connection.socket)
        connection.socket.close()
        self._open.remove(connection)

    def _begin(self, connection: _Connection) -> None:
        connection.begin(self._request)
        self._selector.modify(connection.socket, selectors.EVENT_READ | selectors.EVENT_WRITE, connection)

    def _is_over(self, connection: _Connection, events: int, load: Load) -> bool:
        """Go on with a call; return whether it is over, and count it then. A connection that ends is closed."""
        try:
            if events & selectors.EVENT_WRITE and connection.send():
                self._selector.modify(connection.socket, selectors.EVENT_READ, connection)
            if not events & selectors.EVENT_READ or not connection.receive():
                return False
        except OSError:
            load.errors += 1
            self._close(connection)
            return True
        if connection.is_last_answer:
            self._close(connection)
        if connection.is_answered_200:
            load.seconds.append(time.perf_counter() - connection.begun)
            self.answer = connection.answer
        else:
            load.errors += 1
        return True


def one_call(port: int, request: bytes) -> bytes:
    """The body of the answer to one call. Raise OSError if there is none, or if it is an error."""
    with Clients(port, request) as clients:
        load = clients.run(1)
        if load.errors:
            raise ConnectionError("the call was not answered with 200")
        return clients.answer
