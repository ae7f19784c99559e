"""One order-sign call with 100 prefetched resources does no more work than it needs, counted rather than timed."""

from collections import Counter

import pytest

from cds_service.fhir_client.deadline import Deadline
from cds_service.fhir_client.memory import ChartInMemory
from cds_service.fhir_client.source import FhirAccess, FhirSource, SearchResult
from cds_service.sample_ehr.patients import sample_store
from coverage_policies.format.searches import Search
from fhir_mappings.bundle import Entry
from tests.benchmarks.calls import order_sign, without_prefetch
from tests.benchmarks.in_process import InProcess
from tests.support.counted_work import work_of

MOST = {
    "FHIR queries": 20,
    "orders read": 1,
    "resources taken from the record": 208,
    "resources checked": 13,
    "models of fhir.resources validated": 0,
    "concepts matched with value sets": 90,
    "searches of patterns": 165,
    "function calls": 7_950,
    "SQL statements": 5,
    "commits": 1,
}
"""The most of each kind of work that the call may do; the large numbers are rounded up.

If a test fails because the call does more, find out why, and take it back or raise the number here and say in the
commit what is worth it. If a change makes the call do less, lower the number here, so that it stays so.
"""


@pytest.fixture(scope="module")
def work() -> Counter[str]:
    """What the third call does: the first ones fill the caches."""
    with InProcess() as service:
        return work_of(service, service.answering(order_sign()))


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
