"""What libraries log, gunicorn first: JSON lines like those of calls, without anything that may quote a request.

A message of a library may hold an address, a header or a value of a chart, ready worked in. So only messages that are
known to hold nothing of the kind are written out; of others the line has the logger, the level and where it happened.
"""

import json
import logging
import threading
from datetime import UTC, datetime
from typing import Any, TextIO

from gunicorn.glogging import Logger  # type: ignore[import-untyped]

from cds_service.hooks.errors import where

REDACTED = "a message that may quote a request"
"""Stands for a message that is not written out."""

_SAFE_MESSAGES = frozenset(
    {
        "Starting gunicorn %s",
        "Listening at: %s (%s)",
        "Using worker: %s",
        "Booting worker with pid: %s",
        "Worker exiting (pid: %s)",
        "Handling signal: %s",
        "Shutting down: %s",
        "Reason: %s",
        "Hang up: %s",
        "Connection in use: %s",
        "Invalid address: %s",
        "Can't connect to %s",
        "WORKER TIMEOUT (pid:%s)",
        "Worker (pid:%s) was sent %s!",
        "Worker (pid:%s) was sent %s! Perhaps out of memory?",
        "Worker (pid:%s) exited with code %s",
        "Worker (pid:%s) exited with code %s.",
        "Worker failed to boot.",
        "Exception in worker process",
        "Unhandled exception in main loop",
        "Error handling request",
        "Error handling request (no URI read)",
        "Socket error processing request.",
        "Exception in post_request hook",
    }
)
"""Messages of gunicorn as they stand in its code: processes, signals and our own address, nothing of a request."""


class JsonLines(logging.Formatter):
    """Writes a record of the standard library's logging as one JSON line."""

    def format(self, record: logging.LogRecord) -> str:
        """The line; of an exception its type and the code it came through."""
        is_sayable = record.name == "gunicorn.error" and record.msg in _SAFE_MESSAGES
        said: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": record.getMessage() if is_sayable else REDACTED,
            "logger": record.name,
            "process": record.process,
        }
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            said["failure"] = where(error)
        elif not is_sayable:
            said["failure"] = f"{record.filename}:{record.lineno}"
        return json.dumps(said)


class GunicornLog(Logger):  # type: ignore[misc]
    """gunicorn's own log, as JSON lines."""

    def setup(self, cfg: Any) -> None:
        """Set up as gunicorn does, then write JSON."""
        super().setup(cfg)
        for handler in self.error_log.handlers:
            handler.setFormatter(JsonLines())


def log_as_json(stream: TextIO) -> None:
    """From now on write what anything in this process logs, warns of or fails with in a thread, as JSON lines."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.captureWarnings(True)

    def failed(args: threading.ExceptHookArgs) -> None:
        error = args.exc_value
        logging.getLogger("threading").error("a thread failed", exc_info=(type(error), error, None) if error else None)

    threading.excepthook = failed
