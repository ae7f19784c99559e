"""Clients that keep connections of the service open and send, or read, as little as they can."""

import socket
import threading
import time
from collections.abc import Callable

_POST = b"POST /cds-services/coverage-order-sign HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
_LIVE = b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n"
_DOCUMENT = b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n"
_PAUSE_SECONDS = 0.3
_UNREAD = "not reading the response"

KINDS: dict[str, tuple[bytes, bytes]] = {
    "half-open, one byte": (b"P", b""),
    "slow headers": (_POST, b"X-A: b\r\n"),
    "slow body": (_POST + b"Content-Length: 100000\r\n\r\n{", b" " * 10),
    "idle keep-alive": (_LIVE, b""),
    _UNREAD: (_DOCUMENT * 100, b""),
}
"""What each kind of client sends first, and again after every pause."""


class SlowClients:
    """Many connections of one kind while the context lasts; one that the service closes is opened again."""

    def __init__(self, port: int, kind: str, count: int) -> None:
        self._port = port
        self._first, self._again = KINDS[kind]
        self._reads = kind != _UNREAD
        self._clients: list[socket.socket | None] = [None] * count
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._keep_open, daemon=True)

    def __enter__(self) -> "SlowClients":
        self._each(self._open_again)
        self._thread.start()
        time.sleep(2 * _PAUSE_SECONDS)
        return self

    def __exit__(self, *exception: object) -> None:
        self._stopped.set()
        self._thread.join()
        for client in self._clients:
            if client is not None:
                client.close()

    def _keep_open(self) -> None:
        while not self._stopped.wait(_PAUSE_SECONDS):
            self._each(self._go_on)

    def _each(self, do: Callable[[socket.socket | None], socket.socket | None]) -> None:
        for place, client in enumerate(self._clients):
            if self._stopped.is_set():
                return
            self._clients[place] = do(client)

    def _go_on(self, client: socket.socket | None) -> socket.socket | None:
        if client is None:
            return self._open_again(client)
        try:
            if self._reads and client.recv(65536) == b"":
                return self._open_again(client)
        except BlockingIOError:
            pass
        except OSError:
            return self._open_again(client)
        try:
            client.send(self._again)
        except BlockingIOError:
            pass
        except OSError:
            return self._open_again(client)
        return client

    def _open_again(self, client: socket.socket | None) -> socket.socket | None:
        if client is not None:
            client.close()
        opened = socket.socket()
        try:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            opened.settimeout(0.5)
            opened.connect(("127.0.0.1", self._port))
            opened.setblocking(False)
            opened.send(self._first)
        except OSError:
            opened.close()
            return None
        return opened
