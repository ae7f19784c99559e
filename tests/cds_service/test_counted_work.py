"""One order-sign call with 100 prefetched resources does no more work than it needs, counted rather than timed."""

import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sized
from contextlib import ExitStack, contextmanager
from functools import partial, wraps
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from sqlalchemy import event

import cds_service
from cds_service.fhir_client.deadline import Deadline
from cds_service.fhir_client.memory import ChartInMemory
from cds_service.fhir_client.source import FhirAccess, FhirSource, SearchResult
from cds_service.sample_ehr.patients import sample_store
from coverage_policies.format.searches import Search
from fhir_mappings.bundle import Entry
from tests.benchmarks.calls import order_sign, without_prefetch
from tests.benchmarks.in_process import InProcess
from tests.support.seams import wrapped

MOST = {
    "FHIR queries": 20,
    "orders read": 1,
    "resources taken from the record": 231,
    "resources checked": 13,
    "models of fhir.resources validated": 0,
    "concepts matched with value sets": 120,
    "searches of patterns": 250,
    "function calls": 12_600,
    "SQL statements": 5,
    "commits": 1,
}
"""The most of each kind of work that the call may do; the large numbers are rounded up.

If a test fails because the call does more, find out why, and take it back or raise the number here and say in the
commit what is worth it. If a change makes the call do less, lower the number here, so that it stays so.
"""

_PRODUCT = str(Path(cds_service.__file__).parents[1])
_PACKAGES = tuple(f"{_PRODUCT}/{name}/" for name in ("cds_service", "cards", "coverage_policies", "fhir_mappings"))


@pytest.fixture(scope="module")
def work() -> Counter[str]:
    """What the third call does: the first ones fill the caches."""
    counts: Counter[str] = Counter()
    with InProcess() as service:
        answer = service.answering(order_sign())
        answer()
        answer()
        with _counting_statements(service, counts), _counting_functions(counts), _counting_calls(counts):
            answer()
    return counts


@contextmanager
def _counting_statements(service: InProcess, counts: Counter[str]) -> Iterator[None]:
    def executed(sql: str) -> None:
        counts["commits" if sql == "COMMIT" else "SQL statements"] += 1

    service.database.engine.dispose()  # the next connection reports what SQLite executes, whatever library asks for it
    event.listen(service.database.engine, "connect", lambda connection, _: connection.set_trace_callback(executed))
    yield


@contextmanager
def _counting_functions(counts: Counter[str]) -> Iterator[None]:
    def counting(name: str, how_many: Callable[[Any, Any], int], function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def counted(first: Any, *args: Any, **named: Any) -> Any:
            result = function(first, *args, **named)
            counts[name] += how_many(first, result)
            return result

        return counted

    def one(_first: object, _result: object) -> int:
        return 1

    def of_fhir(model: type, _result: object) -> int:
        return model.__module__.startswith("fhir.resources.")

    def all_of_them(_first: object, result: Sized) -> int:
        return len(result)

    with ExitStack() as stack:
        for function, name, how_many in (
            ("fhir_mappings.orders:read_order", "orders read", one),
            ("fhir_mappings.record:PatientRecord.of_type", "resources taken from the record", all_of_them),
            ("fhir_mappings.validity:faults", "resources checked", one),
            ("pydantic:BaseModel.model_validate", "models of fhir.resources validated", of_fhir),
            ("coverage_policies.format.value_sets:ValueSet.match", "concepts matched with value sets", one),
        ):
            stack.enter_context(wrapped(function, partial(counting, name, how_many)))
        yield


@contextmanager
def _counting_calls(counts: Counter[str]) -> Iterator[None]:
    """Count the calls of our functions, and the pattern searches that they make, through `re` or not."""

    def is_ours(frame: FrameType | None) -> bool:
        return frame is not None and frame.f_code.co_filename.startswith(_PACKAGES)

    def called(frame: FrameType, kind: str, function: Any) -> None:
        if kind == "call" and is_ours(frame):
            counts["function calls"] += 1
        elif kind == "c_call" and isinstance(getattr(function, "__self__", None), re.Pattern):
            counts["searches of patterns"] += is_ours(frame) or (
                frame.f_globals.get("__name__") == "re" and is_ours(frame.f_back)
            )

    sys.setprofile(called)
    try:
        yield
    finally:
        sys.setprofile(None)


class _AskedChart(ChartInMemory):
    """The sample charts as a FHIR server, with what it was asked."""

    def __init__(self) -> None:
        super().__init__(sample_store(None))
        self.asked: list[object] = []

    def search(self, search: Search, patient_id: str) -> SearchResult:
        self.asked.append(search)
        return super().search(search, patient_id)

    def read(self, reference: str) -> Entry | None:
        self.asked.append(reference)
        return super().read(reference)


def test_a_call_without_prefetch_asks_the_fhir_server_for_nothing_twice() -> None:
    chart = _AskedChart()

    def open_chart(access: FhirAccess, deadline: Deadline) -> FhirSource:
        return chart

    with InProcess(open_fhir_server=open_chart) as service:
        service.answering(without_prefetch("https://ehr.example.org/fhir"))()
    assert 0 < len(chart.asked) <= MOST["FHIR queries"]


def test_an_order_is_read_once(work: Counter[str]) -> None:
    assert 0 < work["orders read"] <= MOST["orders read"]


def test_resources_are_taken_from_the_record_once_for_each_reading(work: Counter[str]) -> None:
    assert 0 < work["resources taken from the record"] <= MOST["resources taken from the record"]


def test_only_resources_that_may_decide_are_checked(work: Counter[str]) -> None:
    assert 0 < work["resources checked"] <= MOST["resources checked"]


def test_a_concept_is_not_matched_with_the_same_value_set_again(work: Counter[str]) -> None:
    assert 0 < work["concepts matched with value sets"] <= MOST["concepts matched with value sets"]


def test_words_are_not_searched_again(work: Counter[str]) -> None:
    assert 0 < work["searches of patterns"] <= MOST["searches of patterns"]


def test_the_call_takes_no_more_function_calls_than_it_did(work: Counter[str]) -> None:
    assert 0 < work["function calls"] <= MOST["function calls"]


def test_a_decision_is_stored_in_few_statements(work: Counter[str]) -> None:
    assert 0 < work["SQL statements"] <= MOST["SQL statements"]


def test_a_decision_is_stored_in_one_transaction(work: Counter[str]) -> None:
    assert 0 < work["commits"] <= MOST["commits"]


def test_no_part_of_a_resource_is_validated_again(work: Counter[str]) -> None:
    assert work["models of fhir.resources validated"] <= MOST["models of fhir.resources validated"]
