"""One connection of the web server, read and written by the event loop."""

import io
import socket
from collections.abc import Callable
from typing import Any

from gunicorn.http import get_parser  # type: ignore[import-untyped]

from cds_service.wiring.request_buffer import RequestBuffer

_SENT_AT_ONCE = 65_536
_KERNEL_BUFFER_BYTES = 65_536


class BufferedSocket:
    """What gunicorn's parser and response use as their socket, in a thread, without waiting for the client.

    Reading returns the bytes of one request that has arrived. Writing sends what the client takes at once; the event
    loop sends the rest.
    """

    def __init__(self, client: socket.socket) -> None:
        self._client = client
        self._request = io.BytesIO()
        self.unsent = bytearray()

    def start(self, request: bytes) -> None:
        """Start with the bytes of another request."""
        self._request = io.BytesIO(request)

    @property
    def is_read(self) -> bool:
        """Whether every byte of the request has been read."""
        return self._request.tell() == self._request.getbuffer().nbytes

    def recv(self, size: int) -> bytes:
        """Return up to this many bytes of the request, none at its end."""
        return self._request.read(size)

    def send(self, data: bytes) -> int:
        """Drop `100 Continue`, all that gunicorn sends with this method: the event loop has sent it."""
        return len(data)

    def sendall(self, data: bytes) -> None:
        """Send what the client takes now, and keep the rest."""
        self.unsent += data
        self.flush()

    def flush(self) -> None:
        """Send what the client takes now. Raise OSError if the connection is lost."""
        try:
            while self.unsent:
                sent = self._client.send(self.unsent[:_SENT_AT_ONCE])
                del self.unsent[:sent]
        except BlockingIOError:
            pass

    def gettimeout(self) -> float:
        """Return 0: no method waits."""
        return 0.0

    def settimeout(self, timeout: float | None) -> None:
        """Ignore the timeout: no method waits."""

    def setblocking(self, flag: bool) -> None:
        """Ignore the mode: no method waits."""

    def shutdown(self, how: int) -> None:
        """Leave it to the event loop to close the connection."""

    def close(self) -> None:
        """Leave it to the event loop to close the connection."""


class Connection:
    """One client's connection. It has the attributes that gunicorn's `ThreadWorker.handle` reads.

    `deadline` is the `time.monotonic()` at which the event loop gives up waiting for the client, `on_event` what it
    does once the client has sent or taken something, and `fault` an error to answer in place of a request.
    """

    is_http2 = False
    initialized = True

    def __init__(self, cfg: Any, client: socket.socket, address: object, server: object, max_body_bytes: int) -> None:
        client.setblocking(False)
        # By itself the kernel takes megabytes for a client that reads nothing, and we would make the responses.
        client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _KERNEL_BUFFER_BYTES)
        self.cfg = cfg
        self.socket = client
        self.sock = BufferedSocket(client)
        self.client = address
        self.server = server
        self.parser: Any = None
        self.buffer = RequestBuffer(max_body_bytes)
        self.deadline = 0.0
        self.on_event: Callable[[Connection], None] | None = None
        self.fault: Exception | None = None
        self.has_ended = False
        self.must_close = False
        self.request_bytes = 0

    @property
    def held_bytes(self) -> int:
        """The memory that the connection holds: received, in work, and not yet sent."""
        return len(self.buffer) + self.request_bytes + len(self.sock.unsent)

    def start_request(self) -> None:
        """Hand the bytes of the request to gunicorn's parser."""
        self.must_close = self.has_ended or self.buffer.is_cut or not self.buffer.is_complete
        request = self.buffer.take()
        self.request_bytes = len(request)
        self.sock.start(request)

    def end_request(self) -> None:
        """Drop the request that was answered."""
        self.request_bytes = 0
        self.sock.start(b"")
        self.parser = None

    def init(self) -> None:
        """Make a parser for the one request; called by gunicorn in a thread."""
        self.parser = get_parser(self.cfg, self.sock, self.client)
