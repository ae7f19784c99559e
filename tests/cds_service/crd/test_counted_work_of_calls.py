"""A CRD signing does no more work than it needs, counted rather than timed, and so much more for each further order."""

from collections import Counter
from typing import Any

import pytest

from cds_service.fhir_client.memory import ChartInMemory, Store
from cds_service.sample_ehr.payers import SAMPLE_PAYERS
from coverage_policies.format.searches import Search
from fhir_mappings.codings import HCPCS
from fhir_mappings.fhir_json import Json, dumps, loads
from tests.benchmarks.crd import CRD_PATH, signing
from tests.benchmarks.in_process import InProcess
from tests.support.counted_work import work_of

ONE = {
    "orders read": 1,
    "resources taken from the record": 8,
    "resources checked": 2,
    "models of fhir.resources validated": 0,
    "concepts matched with value sets": 0,
    "searches of patterns": 68,
    "function calls": 1_900,
    "SQL statements": 5,
    "commits": 2,
}
"""The most of each kind of work for the signing of one order that no policy concerns.

Two transactions: the decision, and the exchange with its assertions. As in the table for plain calls: find out why a
call does more before raising a number.
"""
EACH_FURTHER = {
    "orders read": 1,
    "resources taken from the record": 3,
    "searches of patterns": 38,
    "function calls": 1_020,
    "SQL statements": 1,
}
"""The most that each further order of the signing adds."""
JUDGED = {
    "resources checked": 14,
    "concepts matched with value sets": 120,
    "searches of patterns": 310,
    "function calls": 12_600,
    "SQL statements": 9,
    "commits": 2,
}
"""The most for the signing that tests/cds_service/test_counted_work.py counts for the plain service."""


def of_plain_orders(count: int) -> tuple[bytes, Store]:
    """A signing of so many orders that no policy concerns, and the chart."""
    written, chart = signing()
    body = loads(written)
    (entry,) = body["context"]["draftOrders"]["entry"]
    body["context"]["draftOrders"]["entry"] = [
        {"fullUrl": f"{entry['fullUrl']}-{n}", "resource": plain(entry["resource"], n)} for n in range(count)
    ]
    return dumps(body).encode(), chart


def plain(order: Any, number: int) -> Json:
    code = {"coding": [{"system": HCPCS, "code": f"L19{number:02}"}]}
    return {**order, "id": f"{order['id']}-{number}", "code": code}


class AskedChart(ChartInMemory):
    """A chart that remembers what it was asked."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.asked: list[object] = []

    def search(self, search: Search, patient_id: str) -> Any:
        self.asked.append(search)
        return super().search(search, patient_id)

    def read(self, reference: str) -> Any:
        self.asked.append(reference)
        return super().read(reference)


def work(body: bytes, chart: Store) -> Counter[str]:
    with InProcess(rules=SAMPLE_PAYERS, open_fhir_server=lambda *_: ChartInMemory(chart)) as service:
        return work_of(service, service.answering(body, CRD_PATH))


def test_the_signing_of_an_order_without_a_policy_does_little() -> None:
    found = work(*of_plain_orders(1))
    assert found["SQL statements"] > 0
    assert {name: found[name] for name in ONE if found[name] > ONE[name]} == {}


def test_each_further_order_adds_as_much_as_the_first() -> None:
    found = {count: work(*of_plain_orders(count)) for count in (5, 10)}
    for name in ONE:
        most = 5 * EACH_FURTHER.get(name, 0)
        assert found[10][name] - found[5][name] <= most, name


def test_a_signing_with_a_policy_does_hardly_more_than_the_plain_one() -> None:
    found = work(*signing())
    assert {name: found[name] for name in JUDGED if found[name] > JUDGED[name]} == {}


@pytest.mark.parametrize("count", [1, 10])
def test_orders_without_a_policy_ask_the_server_for_no_chart(count: int) -> None:
    body, store = of_plain_orders(count)
    chart = AskedChart(store)
    with InProcess(rules=SAMPLE_PAYERS, open_fhir_server=lambda *_: chart) as service:
        service.answering(body, CRD_PATH)()
    assert len(chart.asked) == 2  # the patient, and the payer of the Coverage
