"""The log pipeline: every line of a process, whoever writes it, is one JSON object without data of patients.

The code of the service chooses the fields of its own lines: ids, names of clients, counts, places in code. A
library's message may quote an address, a header, or a value of a chart, so the pipeline writes only messages that are
known to quote nothing; for any other the line has the logger, the level, and the place. Messages of exceptions may
quote the same, so an exception is written as `where` describes it.
"""

import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from traceback import extract_tb
from typing import Any, TextIO, TypeAlias

import structlog
from structlog.contextvars import merge_contextvars
from structlog.stdlib import BoundLogger, ProcessorFormatter
from structlog.typing import EventDict, Processor

Log: TypeAlias = BoundLogger
"""The service's own log: `log.info("event", name=value)`, likewise `warning` and `error`."""

REDACTED = "a message that may quote a request"
"""Replaces a library's message that is not known to be safe."""

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
"""Messages in gunicorn's code whose arguments are processes, signals, and our own address."""

_FRAMES = 5


def service_log(stream: TextIO, clock: Callable[[], datetime]) -> Log:
    """Return the service's own log, which writes to a stream. Fields that are empty or None are left out."""
    logger = logging.Logger("cds_service", logging.INFO)
    handler = logging.StreamHandler(stream)
    handler.setFormatter(json_formatter())
    logger.addHandler(handler)

    def add_timestamp(_logger: object, _method: str, line: EventDict) -> EventDict:
        return {"timestamp": _as_text(clock()), **line}

    processors: list[Processor] = [add_timestamp, ProcessorFormatter.wrap_for_formatter]
    log: Log = structlog.wrap_logger(logger, processors=processors, wrapper_class=BoundLogger)
    return log


def capture_process_logs(stream: TextIO, clock: Callable[[], datetime]) -> None:
    """Write the log messages of libraries, warnings, and failures of threads in this process to a stream."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(json_formatter())
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.captureWarnings(True)
    log = service_log(stream, clock)

    def log_failure(failed: threading.ExceptHookArgs) -> None:
        log.error("thread failed", exc_info=failed.exc_value)

    threading.excepthook = log_failure


def json_formatter() -> logging.Formatter:
    """Return the formatter that writes a record as a JSON line; set it on every handler of the process."""
    return ProcessorFormatter(
        foreign_pre_chain=[_redact],
        processors=[
            merge_contextvars,
            structlog.processors.add_log_level,
            _replace_exception,
            _drop_empty,
            ProcessorFormatter.remove_processors_meta,
            structlog.processors.JSONRenderer(),
        ],
        use_get_message=False,  # an unsafe message is never put together with its arguments
        pass_foreign_args=True,
    )


def where(error: BaseException) -> str:
    """Return the type of an exception and the places in code it passed, the innermost first; never its message."""
    frames = extract_tb(error.__traceback__)[-_FRAMES:]
    places = " < ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in reversed(frames))
    return f"{type(error).__name__} at {places}"


def _redact(_logger: object, _method: str, line: EventDict) -> EventDict:
    """Make a line of a library's record, with its message only if that is safe."""
    record: logging.LogRecord = line["_record"]
    arguments = line.pop("positional_args")
    line.pop("stack_info", None)
    is_safe = record.name == "gunicorn.error" and record.msg in _SAFE_MESSAGES
    if is_safe:
        line["event"] = record.msg % arguments if arguments else record.msg
    else:
        line["event"] = REDACTED
        line["failure"] = f"{record.filename}:{record.lineno}"
    timestamp = _as_text(datetime.fromtimestamp(record.created, UTC))
    return {"timestamp": timestamp, **line, "logger": record.name, "process": record.process}


def _replace_exception(_logger: object, _method: str, line: EventDict) -> EventDict:
    """Replace an exception by its type and place."""
    found: Any = line.pop("exc_info", None)
    error = found[1] if isinstance(found, tuple) else found
    if isinstance(error, BaseException):
        line["failure"] = where(error)
    return line


def _drop_empty(_logger: object, _method: str, line: EventDict) -> EventDict:
    return {name: value for name, value in line.items() if value not in ("", None)}


def _as_text(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds")
