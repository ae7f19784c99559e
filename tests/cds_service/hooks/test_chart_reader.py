"""Reading a chart without HTTP: a chart in memory replaces the FHIR server."""

import threading
import time
from collections.abc import Sequence
from zoneinfo import ZoneInfo

import pytest

from cds_service.fhir_client.deadline import Deadline
from cds_service.fhir_client.memory import ChartInMemory, Store
from cds_service.fhir_client.source import SearchResult
from cds_service.hooks.chart_reader import read_chart
from cds_service.hooks.request import read_request
from coverage_policies.format.searches import CONDITIONS, DEVICES, PRESCRIPTIONS, Search
from fhir_mappings.record import PatientRecord
from tests.support.hook_fakes import NOW, bundle, call, condition
from tests.support.terms import TERMS

READ = (CONDITIONS, PRESCRIPTIONS)


def prescription(own_id: str, intent: str) -> dict[str, object]:
    """A MedicationRequest of the patient."""
    return {
        "resourceType": "MedicationRequest",
        "id": own_id,
        "intent": intent,
        "subject": {"reference": "Patient/p-1"},
    }


def read(store: Store | None, searches: Sequence[Search] = READ, **members: object) -> PatientRecord:
    """Return the chart that is read for a call, from a server with this store or from prefetch alone."""
    return read_chart(
        read_request(call(**members)),
        searches,
        None if store is None else ChartInMemory(store),
        read_at=NOW,
        zone=ZoneInfo("UTC"),
        terms=TERMS,
        deadline=Deadline(5),
        max_prefetched=100,
    ).record


def test_a_chart_in_memory_answers_as_a_server_would() -> None:
    chart = bundle(
        {"resourceType": "Patient", "id": "p-1"},
        {"resourceType": "Patient", "id": "p-2"},
        condition("1"),
        condition("2", "p-2"),
        prescription("a", "order"),
        prescription("b", "proposal"),
    )
    record = read(Store.from_bundle(chart))
    assert [record.reference(one) for one in record.of_type("Patient", "Condition", "MedicationRequest")] == [
        "Patient/p-1",
        "Condition/1",
        "MedicationRequest/a",
    ]
    assert record.unavailable() == ()


def test_prefetch_comes_before_the_chart() -> None:
    record = read(Store.from_bundle(bundle(condition("1"))), prefetch={"conditions": None})
    assert record.of_type("Condition") == ()


def test_a_prefetched_page_is_combined_with_the_chart() -> None:
    first = bundle(condition("1"), link=[{"relation": "next", "url": "http://ehr/2"}])
    record = read(Store.from_bundle(bundle(condition("2"))), prefetch={"conditions": first})
    assert [one["id"] for one in record.of_type("Condition")] == ["1", "2"]
    assert record.unavailable() == ()


@pytest.mark.parametrize(
    ("store", "prefetch", "unasked"),
    [
        (None, {}, {"Device"}),
        (None, {"devices": bundle()}, set()),
        (None, {"conditions": bundle()}, {"Device"}),
        (Store([]), {}, set()),
    ],
)
def test_without_a_server_what_no_template_asks_for_was_asked_of_nobody(
    store: Store | None, prefetch: dict[str, object], unasked: set[str]
) -> None:
    record = read(store, searches=[CONDITIONS, DEVICES], prefetch=prefetch)
    assert record.unasked == unasked


class ChartThatHangs(ChartInMemory):
    """A chart whose search for conditions hangs until it is released."""

    def __init__(self) -> None:
        super().__init__(Store([]))
        self.released = threading.Event()

    def search(self, search: Search, patient_id: str) -> SearchResult:
        if search != CONDITIONS:
            self.released.wait(20)
        return super().search(search, patient_id)


@pytest.mark.requirement("7.130")
def test_a_source_that_ignores_the_deadline_does_not_delay_the_answer() -> None:
    source = ChartThatHangs()
    started = time.monotonic()
    record = read_chart(
        read_request(call()),
        [CONDITIONS, PRESCRIPTIONS],
        source,
        read_at=NOW,
        zone=ZoneInfo("UTC"),
        terms=TERMS,
        deadline=Deadline(0.1),
        max_prefetched=100,
    ).record
    assert time.monotonic() - started < 2
    source.released.set()
    assert record.unavailable() == ("Coverage", "MedicationRequest", "Patient")
