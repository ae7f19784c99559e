"""Runs the service: gunicorn for real use, a thread on the loopback interface for demonstrations and tests."""

import errno
import math
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]
from gunicorn.glogging import Logger  # type: ignore[import-untyped]
from gunicorn.workers.gthread import ThreadWorker  # type: ignore[import-untyped]
from werkzeug.serving import WSGIRequestHandler, make_server

from cds_service.observability.logging import capture_process_logs, json_formatter
from cds_service.settings import Settings
from cds_service.wiring.system import now

_LOOPBACK = "127.0.0.1"
_PORTS_TRIED = 50
_SECONDS_TO_JUDGE = 20
_WHY_NOT = {
    errno.EADDRINUSE: "Port {port} is in use. Choose another one with --port.",
    errno.EADDRNOTAVAIL: "{host} is not an address of this machine. Choose another one with --host.",
    errno.EACCES: "This user may not listen on port {port}. Choose another one with --port, 1024 or above.",
}


class ClosingWorker(ThreadWorker):  # type: ignore[misc]
    """A process of gunicorn with threads, which closes its door when it is told to stop.

    gunicorn's own merely stops listening: until its last call is answered, connections would be taken by the system and
    then dropped. On a reload other processes hold the same door open, and nobody notices.
    """

    def set_accept_enabled(self, enabled: bool) -> None:
        """Take connections or not; once stopping, refuse them."""
        super().set_accept_enabled(enabled)
        if not enabled and not self.alive:
            for listener in self.sockets:
                listener.close()


class GunicornLog(Logger):  # type: ignore[misc]
    """gunicorn's own log, written by our log pipeline."""

    def setup(self, cfg: Any) -> None:
        """Set up the handlers as gunicorn does, and give each our formatter."""
        super().setup(cfg)
        for handler in self.error_log.handlers:
            handler.setFormatter(json_formatter())


class GunicornService(BaseApplication):  # type: ignore[misc]
    """The service under gunicorn, threads in a few processes; each process makes its own application.

    On SIGHUP gunicorn starts new processes, and the old ones end when they have answered what they were asked; what
    applications are made of is read again before, once. On SIGTERM it takes no more connections and ends when the calls
    that it holds are answered. `process_ended` is told the number of each process that is gone.
    """

    def __init__(
        self,
        make_app: Callable[[], Flask],
        reload: Callable[[], None],
        settings: Settings,
        *,
        host: str,
        port: int,
        process_ended: Callable[[int], None] = lambda _: None,
    ) -> None:
        def child_exit(_server: object, worker: Any) -> None:
            process_ended(worker.pid)

        self._make_app = make_app
        self._reload = reload
        self._options = {
            "bind": f"{host}:{port}",
            "worker_class": ClosingWorker,
            "workers": settings.workers,
            "threads": settings.threads,
            "graceful_timeout": seconds_to_finish(settings),
            "logger_class": GunicornLog,
            "accesslog": None,  # addresses may hold ids; the line per call says what there is to say
            "child_exit": child_exit,
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


def seconds_to_finish(settings: Settings) -> int:
    """How long calls may take that are held when the service is told to stop: more than any of them can."""
    reading = settings.call_timeout_seconds + 2 * settings.query_timeout_seconds
    return math.ceil(reading + 2 * settings.database_wait_seconds + _SECONDS_TO_JUDGE)


def serve(
    make_app: Callable[[], Flask],
    reload: Callable[[], None],
    settings: Settings,
    *,
    host: str,
    port: int,
    process_ended: Callable[[int], None] = lambda _: None,
) -> None:
    """Serve until a signal stops the service. Every line that any code of the process logs meanwhile is JSON.

    `make_app` is called once in each worker process; `reload` on SIGHUP, before new worker processes are started;
    `process_ended` in the main process with the number of a worker process that is gone.
    """
    capture_process_logs(sys.stderr, now)
    GunicornService(make_app, reload, settings, host=host, port=port, process_ended=process_ended).run()


class _Quiet(WSGIRequestHandler):
    """Writes no line per request: an address may hold the id of a patient."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Nothing."""


def check_address(host: str, port: int) -> None:
    """Raise OSError, with a sentence that says what to do, unless the service can listen on this address."""
    try:
        found = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = found[0]
        with socket.socket(family, kind, protocol) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
    except socket.gaierror:
        raise OSError(f"{host} is not the name or address of a host. Choose another one with --host.") from None
    except OSError as error:
        raise OSError(
            _WHY_NOT.get(error.errno or 0, "{host}:{port}: {why}").format(host=host, port=port, why=error.strerror)
        ) from None


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
