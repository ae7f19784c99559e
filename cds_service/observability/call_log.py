"""One JSON line per hook call: what an operator needs, and nothing about a patient."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TextIO

import structlog
from structlog.contextvars import bind_contextvars, clear_contextvars, merge_contextvars


@dataclass(slots=True)
class Call:
    """What the log says of one call. `hook_instance` is set once it is known to be a UUID.

    `client` is the name it is registered by, `tenant` and `jti` are what its token said.
    """

    id: str
    started: float
    hook: str = ""
    hook_instance: str = ""
    orders: int = 0
    cards: int = 0
    failure: str = ""
    client: str = ""
    tenant: str = ""
    jti: str = ""


def bind_call(call: str = "") -> None:
    """What this thread writes from now on belongs to a call, or to none; so in threads that take its context over."""
    clear_contextvars()
    if call:
        bind_contextvars(call=call)


def bind_hook_instance(hook_instance: str) -> None:
    """What this thread writes of its call from now on names its hookInstance too."""
    bind_contextvars(hookInstance=hook_instance)


class CallLog:
    """Writes the lines to a stream; each holds the time of writing in UTC, and which call it belongs to."""

    def __init__(self, stream: TextIO, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._logger = structlog.wrap_logger(
            structlog.WriteLogger(stream),
            processors=[merge_contextvars, structlog.processors.add_log_level, structlog.processors.JSONRenderer()],
        )

    def write(self, call: Call, *, status: int, seconds: float) -> None:
        """One line for a call that was answered with this HTTP status after so many seconds."""
        said = {
            "at": self._clock().isoformat(timespec="milliseconds"),
            "call": call.id,
            "client": call.client,
            "tenant": call.tenant,
            "jti": call.jti,
            "hook": call.hook,
            "hookInstance": call.hook_instance,
            "status": status,
            "orders": call.orders,
            "cards": call.cards,
            "ms": round(seconds * 1000),
            "failure": call.failure,
        }
        kept = {name: value for name, value in said.items() if value != ""}
        if call.failure:
            self._logger.error("hook call", **kept)
        else:
            self._logger.info("hook call", **kept)

    def tell(self, event: str, **said: str) -> None:
        """One line for what an operator should know, and is no fault."""
        self._logger.info(event, at=self._clock().isoformat(timespec="milliseconds"), **said)

    def warn(self, event: str, **said: str) -> None:
        """One line for what no call ends with: an event, and what is known of it."""
        kept = {name: value for name, value in said.items() if value}
        self._logger.warning(event, at=self._clock().isoformat(timespec="milliseconds"), **kept)
