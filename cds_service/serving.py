"""Runs the service: gunicorn for real use, a thread on the loopback interface for demonstrations and tests."""

import errno
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from flask import Flask
from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]
from werkzeug.serving import WSGIRequestHandler, make_server

from cds_service.settings import Settings

_LOOPBACK = "127.0.0.1"
_PORTS_TRIED = 50


class GunicornService(BaseApplication):  # type: ignore[misc]
    """The service under gunicorn, threads in a few processes; each process makes its own application.

    On SIGHUP gunicorn starts new processes, and the old ones end when they have answered what they were asked; what
    applications are made of is read again before, once.
    """

    def __init__(
        self, make_app: Callable[[], Flask], reload: Callable[[], None], settings: Settings, *, host: str, port: int
    ) -> None:
        self._make_app = make_app
        self._reload = reload
        self._options = {
            "bind": f"{host}:{port}",
            "worker_class": "gthread",
            "workers": settings.workers,
            "threads": settings.threads,
            "control_socket_disable": True,
        }
        super().__init__()

    def load_config(self) -> None:
        """Hand gunicorn our options, leaving out those that its version does not have."""
        for name, value in self._options.items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def reload(self) -> None:
        """Read again what applications are made of; called before processes are replaced."""
        self._reload()
        super().reload()

    def load(self) -> Flask:
        """The application of one process."""
        return self._make_app()


def serve(
    make_app: Callable[[], Flask], reload: Callable[[], None], settings: Settings, *, host: str, port: int
) -> None:
    """Serve until told to stop by a signal.

    `make_app` is called once in each worker process; `reload` on SIGHUP, before new worker processes are started.
    """
    GunicornService(make_app, reload, settings, host=host, port=port).run()


class _Quiet(WSGIRequestHandler):
    """Writes no line per request: an address may hold the id of a patient."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Nothing."""


@contextmanager
def on_loopback(app: Flask, first_port: int = 0) -> Iterator[str]:
    """The base address of an application served in this process for as long as the context lasts.

    It listens on 127.0.0.1, on the first free port from `first_port` on; 0 is any free one. Raises OSError where
    none of fifty ports is free.
    """
    with _listening(first_port) as listener:
        server = make_server(
            _LOOPBACK,
            listener.getsockname()[1],
            app,
            threaded=True,
            request_handler=_Quiet,
            fd=listener.fileno(),
        )
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield f"http://{_LOOPBACK}:{server.port}"
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


def _listening(first_port: int) -> socket.socket:
    for port in range(first_port, first_port + _PORTS_TRIED):
        try:
            return socket.create_server((_LOOPBACK, port))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
    raise OSError(errno.EADDRINUSE, f"none of the {_PORTS_TRIED} ports from {first_port} on is free")
