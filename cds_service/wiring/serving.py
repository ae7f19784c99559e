"""Servers for the service: gunicorn for production, a thread on the loopback interface for demos and tests."""

import errno
import gc
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
from werkzeug.serving import WSGIRequestHandler, make_server

from cds_service.observability.logging import capture_process_logs, json_formatter
from cds_service.settings import Settings
from cds_service.wiring.buffering_worker import MAX_CONNECTIONS, BufferingWorker
from cds_service.wiring.system import now

_LOOPBACK = "127.0.0.1"
_MAX_PORTS = 50
_EVALUATION_SECONDS = 20
_COLLECT_AFTER = 10_000
"""How many new objects make Python look for cycles: a call makes thousands, and hardly any is part of a cycle."""
_PORT_ERRORS = {
    errno.EADDRINUSE: "Port {port} is in use. Choose another one with --port.",
    errno.EADDRNOTAVAIL: "{host} is not an address of this machine. Choose another one with --host.",
    errno.EACCES: "This user may not listen on port {port}. Choose another one with --port, 1024 or above.",
}


class GunicornLog(Logger):  # type: ignore[misc]
    """gunicorn's own log, in the format of our log pipeline."""

    def setup(self, cfg: Any) -> None:
        """Set up the handlers as gunicorn does, and give each our formatter."""
        super().setup(cfg)
        for handler in self.error_log.handlers:
            handler.setFormatter(json_formatter())


class GunicornService(BaseApplication):  # type: ignore[misc]
    """The service under gunicorn: a few worker processes with threads, each with its own application.

    On SIGHUP the service reloads its policies once, starts new workers, and lets the old ones finish their calls. On
    SIGTERM it refuses new connections and ends when all calls are answered. `process_ended` receives the process id of
    each worker that ended.
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

        self.settings = settings
        self._make_app = make_app
        self._reload = reload
        self._options = {
            "bind": f"{host}:{port}",
            "worker_class": BufferingWorker,
            "worker_connections": MAX_CONNECTIONS,
            "sendfile": False,  # responses go through the buffer of their connection
            "workers": settings.workers,
            "threads": settings.threads,
            "graceful_timeout": seconds_to_finish(settings),
            "logger_class": GunicornLog,
            "accesslog": None,  # URLs may contain ids; each call has its own log line
            "child_exit": child_exit,
            "control_socket_disable": True,
            "forwarder_headers": "",  # by default a local peer's SCRIPT_NAME header moves the routes
        }
        super().__init__()

    def load_config(self) -> None:
        """Pass our options to gunicorn, without those that its version does not have."""
        for name, value in self._options.items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def reload(self) -> None:
        """Reload the policies before gunicorn replaces the workers."""
        self._reload()
        settle_memory()
        super().reload()

    def load(self) -> Flask:
        """Return the application of one worker."""
        return self._make_app()


def settle_memory() -> None:
    """Leave what is loaded by now out of later collections, here and in new workers, but not what a reload replaced."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()
    gc.set_threshold(_COLLECT_AFTER)


def seconds_to_finish(settings: Settings) -> int:
    """Return how many seconds open calls may take when the service stops: more than any of them can."""
    reading = settings.call_timeout_seconds + 2 * settings.query_timeout_seconds
    return math.ceil(reading + 2 * settings.database_wait_seconds + _EVALUATION_SECONDS)


def serve(
    make_app: Callable[[], Flask],
    reload: Callable[[], None],
    settings: Settings,
    *,
    host: str,
    port: int,
    process_ended: Callable[[int], None] = lambda _: None,
) -> None:
    """Serve until a signal stops the service. Meanwhile every log line of the process is JSON.

    `make_app` is called once in each worker, `reload` on SIGHUP before new workers start, and `process_ended` in the
    main process with the process id of a worker that ended.
    """
    capture_process_logs(sys.stderr, now)
    settle_memory()
    GunicornService(make_app, reload, settings, host=host, port=port, process_ended=process_ended).run()


class _SilentRequestHandler(WSGIRequestHandler):
    """A request handler without access log lines, since an address may contain a patient id."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Log nothing."""


def check_address(host: str, port: int) -> None:
    """Raise OSError, with a message that says what to do, unless the service can listen on this address."""
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
            _PORT_ERRORS.get(error.errno or 0, "{host}:{port}: {why}").format(host=host, port=port, why=error.strerror)
        ) from None


@contextmanager
def on_loopback(app: Flask, first_port: int = 0) -> Iterator[str]:
    """Serve an application in this process, and yield its base address, while the context lasts.

    Listen on 127.0.0.1 on the first free port from `first_port` on; 0 means any free port. Raise OSError if none of
    fifty ports is free.
    """
    with _listening(first_port) as listener:
        server = make_server(
            _LOOPBACK,
            listener.getsockname()[1],
            app,
            threaded=True,
            request_handler=_SilentRequestHandler,
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


def free_port(first_port: int) -> int:
    """Return the port that `on_loopback` would listen on, for an application that must know its own address."""
    with _listening(first_port) as listener:
        port: int = listener.getsockname()[1]
    return port


def _listening(first_port: int) -> socket.socket:
    for port in range(first_port, first_port + _MAX_PORTS):
        try:
            return socket.create_server((_LOOPBACK, port))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
    raise OSError(errno.EADDRINUSE, f"none of the {_MAX_PORTS} ports from {first_port} on is free")
