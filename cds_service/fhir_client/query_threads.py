"""The threads that run queries, shared by all calls."""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import Context, copy_context
from typing import TypeVar

T = TypeVar("T")

_BUSY, _IDLE = "fhir query", "idle"


class QueryThreads:
    """Threads that are kept between calls, since it takes longer to start twenty of them than to send twenty queries.

    A thread is started when a query finds none idle, up to `most`. A query must not wait for another one.
    """

    def __init__(self, most: int) -> None:
        self._pool = ThreadPoolExecutor(most, thread_name_prefix=_IDLE)

    def start(self, query: Callable[[], T]) -> "Future[T]":
        """Run a query in a thread, with the context variables of the caller, such as those of its log lines."""
        return self._pool.submit(_run, query, copy_context())


def _run(query: Callable[[], T], context: Context) -> T:
    """Run a query; the name of a thread tells whether it runs one."""
    thread = threading.current_thread()
    thread.name = _BUSY
    try:
        return context.run(query)
    finally:
        thread.name = _IDLE
