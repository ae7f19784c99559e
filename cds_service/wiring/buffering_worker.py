"""A gunicorn worker that reads requests and writes responses in its event loop, and uses threads only in between.

gunicorn's own threaded worker reads in a thread of its pool, without a time limit: as many slow clients as threads
stop the service. Here a slow client occupies a connection and what it has sent, never a thread.
"""

import errno
import selectors
import socket
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import Any

from gunicorn.workers.gthread import ThreadWorker  # type: ignore[import-untyped]

from cds_service.http.malformed import BodyTooLargeError, SlowRequestError, server_error_response
from cds_service.wiring.connection import Connection
from cds_service.wiring.request_buffer import RequestBuffer

HEAD_SECONDS = 10.0
"""How long the first byte, and then the request line and headers together, may take."""
BODY_SECONDS = 30.0
"""How long the whole body may take after the headers."""
RESPONSE_SECONDS = 30.0
"""How long a client may take to read the response."""
MAX_CONNECTIONS = 500
"""The most connections of one process; further ones wait in the queue of the system."""
_MIN_HELD_BYTES = 64 * 1024 * 1024
_HELD_BODIES = 8
_CLOSING_SECONDS = 2.0
_STOPPING_SECONDS = 2.0
_CHECK_SECONDS = 0.25
_ACCEPT_PAUSE_SECONDS = 0.001
_READ_AT_ONCE = 65_536
_NO_CONNECTION = frozenset({errno.EAGAIN, errno.ECONNABORTED, errno.EMFILE, errno.ENFILE})


def max_held_bytes(max_body_bytes: int) -> int:
    """Return how many bytes of requests and responses the connections of one process may hold together."""
    return max(_MIN_HELD_BYTES, _HELD_BODIES * max_body_bytes)


class BufferingWorker(ThreadWorker):  # type: ignore[misc]
    """A gunicorn worker with threads, each of which gets a whole request and never waits for a client.

    When it stops, it closes its listening sockets at once: the base class only stops accepting, so until the last call
    is answered the kernel would accept connections and then drop them. On a reload, other workers have the same
    sockets open, so clients notice nothing.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Start without connections."""
        super().__init__(*args, **kwargs)
        self._connections: set[Connection] = set()
        self._next_check = 0.0
        self._is_stopping = False

    @property
    def _max_body(self) -> int:
        return int(self.app.settings.max_body_bytes)

    def set_accept_enabled(self, enabled: bool) -> None:
        """Start or stop accepting connections; refuse them once the worker is stopping."""
        super().set_accept_enabled(enabled)
        if not enabled and not self.alive:
            for listener in self.sockets:
                listener.close()

    def accept(self, listener: socket.socket) -> None:
        """Accept a connection and wait for its first request.

        All processes wait for connections on one socket. Without a pause the first one to run would accept all of a
        burst, and the others would have nothing to do.
        """
        if self._connections:
            time.sleep(_ACCEPT_PAUSE_SECONDS)
        try:
            client, address = listener.accept()
        except OSError as error:
            if error.errno not in _NO_CONNECTION:
                raise
            return
        self.nr_conns += 1
        connection = Connection(self.cfg, client, address, listener.getsockname(), self._max_body)
        self._connections.add(connection)
        self._wait_for_request(connection, HEAD_SECONDS)

    def handle(self, conn: Connection) -> bool:
        """Answer the request of a connection, in a thread. Return whether the connection stays open."""
        if conn.fault is not None:
            self.handle_error(None, conn.sock, conn.client, conn.fault)
            return False
        stays_open = bool(super().handle(conn))
        return stays_open and not conn.must_close and conn.sock.is_read and not conn.parser.unreader.take_buffered()

    def handle_request(self, req: Any, conn: Connection) -> Any:
        """Answer a parsed request; announce it if the connection closes."""
        if conn.must_close:
            req.force_close()
        return super().handle_request(req, conn)

    def handle_error(self, req: object, client: Any, addr: object, exc: Exception) -> None:  # noqa: ARG002
        """Answer a request that gunicorn cannot read, or whose answer failed, as the application answers errors."""
        try:
            client.sendall(server_error_response(self.wsgi, self.app.settings, exc))
        except Exception:
            self.log.debug("Failed to send error message.")

    def finish_request(self, conn: Connection, fs: "Future[bool]") -> None:
        """Send the rest of the response, then wait for the next request or close; runs in the event loop."""
        conn.must_close = fs.cancelled() or fs.exception() is not None or not fs.result()
        conn.end_request()
        conn.deadline = time.monotonic() + RESPONSE_SECONDS
        self._send(conn)

    def murder_pending(self) -> None:
        """Give up on clients that are too slow; gunicorn calls this after every round of its event loop."""
        now = time.monotonic()
        if now < self._next_check:
            return
        self._next_check = now + _CHECK_SECONDS
        waiting = [each for each in self._connections if each.on_event is not None]
        if not self.alive and not self._is_stopping:
            self._is_stopping = True
            for connection in waiting:
                connection.deadline = min(connection.deadline, now + _STOPPING_SECONDS)
        for connection in waiting:
            if connection.deadline < now:
                self._give_up(connection)

    def _wait(self, connection: Connection, event: int, on_event: Callable[[Connection], None]) -> None:
        def call(_: object) -> None:
            if connection.on_event == on_event:  # another connection's event may have ended the wait
                on_event(connection)

        connection.on_event = on_event
        self.poller.register(connection.socket, event, call)

    def _stop_waiting(self, connection: Connection) -> None:
        if connection.on_event is not None:
            connection.on_event = None
            self.poller.unregister(connection.socket)

    def _wait_for_request(self, connection: Connection, seconds: float) -> None:
        connection.deadline = time.monotonic() + (seconds if self.alive else min(seconds, _STOPPING_SECONDS))
        self._wait(connection, selectors.EVENT_READ, self._read)

    def _read(self, connection: Connection) -> None:
        data = _received(connection)
        if data is None:
            return
        if data:
            self._receive(connection, data)
            self._limit_held_bytes()
        elif len(connection.buffer):
            connection.has_ended = True
            self._submit(connection)
        else:
            self._drop(connection)

    def _receive(self, connection: Connection, data: bytes) -> None:
        buffer = connection.buffer
        was_empty, had_head = not len(buffer), buffer.has_head
        try:
            buffer.feed(data)
        except BodyTooLargeError as error:
            self._refuse(connection, error)
            return
        if buffer.is_complete:
            self._submit(connection)
        elif buffer.has_head and not had_head:
            connection.deadline = time.monotonic() + BODY_SECONDS
            if buffer.expects_continue:
                with suppress(OSError):
                    connection.socket.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        elif was_empty:
            connection.deadline = time.monotonic() + HEAD_SECONDS

    def _submit(self, connection: Connection) -> None:
        self._stop_waiting(connection)
        connection.start_request()
        self.enqueue_req(connection)

    def _refuse(self, connection: Connection, fault: Exception) -> None:
        connection.fault = fault
        connection.buffer = RequestBuffer(self._max_body)
        self._submit(connection)

    def _limit_held_bytes(self) -> None:
        excess = sum(each.held_bytes for each in self._connections) - max_held_bytes(self._max_body)
        while excess > 0:
            waiting = [each for each in self._connections if each.on_event is not None]
            largest = max(waiting, key=lambda each: each.held_bytes, default=None)
            if largest is None or not largest.held_bytes:
                return
            excess -= largest.held_bytes
            self._give_up(largest)

    def _give_up(self, connection: Connection) -> None:
        if len(connection.buffer) and connection.on_event == self._read:
            self._refuse(connection, SlowRequestError())
        else:
            self._drop(connection)

    def _send(self, connection: Connection) -> None:
        self._stop_waiting(connection)
        try:
            connection.sock.flush()
        except OSError:
            self._drop(connection)
            return
        if connection.sock.unsent:
            self._wait(connection, selectors.EVENT_WRITE, self._send)
        elif connection.must_close:
            self._close(connection)
        else:
            has_more = len(connection.buffer) > 0  # sent without waiting for this response
            self._wait_for_request(connection, HEAD_SECONDS if has_more else self.cfg.keepalive)
            if has_more:
                self._receive(connection, b"")

    def _close(self, connection: Connection) -> None:
        """Close after the client has, or soon: closing while it sends would take the response away from it."""
        with suppress(OSError):
            connection.socket.shutdown(socket.SHUT_WR)
        connection.deadline = time.monotonic() + _CLOSING_SECONDS
        self._wait(connection, selectors.EVENT_READ, self._discard)

    def _discard(self, connection: Connection) -> None:
        if _received(connection) == b"":
            self._drop(connection)

    def _drop(self, connection: Connection) -> None:
        self._stop_waiting(connection)
        self._connections.discard(connection)
        self.nr_conns -= 1
        connection.socket.close()


def _received(connection: Connection) -> bytes | None:
    """Return what a client has sent, nothing if it will send no more, None if there is nothing yet."""
    try:
        return connection.socket.recv(_READ_AT_ONCE)
    except BlockingIOError:
        return None
    except OSError:
        connection.buffer = RequestBuffer(0)
        return b""
