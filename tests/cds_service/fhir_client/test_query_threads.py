"""The threads that queries run in."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextvars import ContextVar

import pytest

from cds_service.fhir_client.memory import ChartInMemory, Store
from cds_service.fhir_client.query_threads import QueryThreads
from cds_service.fhir_client.source import UnreadableSource
from cds_service.observability.counted_source import CountedSource
from cds_service.observability.metrics import Metrics

CALL: ContextVar[str] = ContextVar("CALL", default="")


def run(threads: QueryThreads, count: int) -> set[int]:
    """Run as many queries at the same time; return the threads that they ran in."""
    together = threading.Barrier(count)

    def query() -> int:
        together.wait(10)
        return threading.get_ident()

    return {future.result() for future in [threads.start(query) for _ in range(count)]}


def test_queries_run_at_the_same_time_and_later_ones_in_the_same_threads() -> None:
    threads = QueryThreads(10)
    first = run(threads, 5)
    assert len(first) == 5
    assert len(first | run(threads, 4) | run(threads, 5)) <= 6  # a thread may end its query just too late for the next


def test_a_query_has_the_context_of_its_call_and_leaves_none_to_the_next() -> None:
    threads = QueryThreads(1)
    token = CALL.set("call-1")
    assert threads.start(CALL.get).result() == "call-1"
    CALL.reset(token)
    assert threads.start(CALL.get).result() == ""


def test_the_name_of_a_thread_tells_whether_it_runs_a_query() -> None:
    thread = QueryThreads(1).start(threading.current_thread).result()
    assert thread.name == "idle"


def test_a_thread_is_idle_after_a_query_that_fails() -> None:
    threads = QueryThreads(1)
    thread = threads.start(threading.current_thread).result()

    def query() -> None:
        names.append(thread.name)
        raise ValueError

    names: list[str] = []
    with pytest.raises(ValueError):  # noqa: PT011
        threads.start(query).result()
    assert [*names, thread.name] == ["fhir query", "idle"]


@pytest.mark.parametrize(
    "start",
    [
        UnreadableSource("", ()).start,
        ChartInMemory(Store([])).start,
        CountedSource(ChartInMemory(Store([])), Metrics()).start,
    ],
)
def test_every_source_runs_queries(start: Callable[[Callable[[], int]], "Future[int]"]) -> None:
    assert start(lambda: 5).result() == 5
