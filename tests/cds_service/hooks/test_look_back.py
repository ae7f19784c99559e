"""The date bound of a query: the look-back before the first day that any order of the call is judged by."""

from typing import Any

import pytest

from coverage_policies.format.searches import Search
from fhir_mappings.dates import CalendarPeriod
from tests.support.hook_fakes import FakeEhr, Service, WatchingAssessor, call

VISITS = Search("Encounter", "encounters", in_prefetch=False, look_back=CalendarPeriod(2, "years"))


def planned(*days: str) -> dict[str, Any]:
    """Return a call with one order planned for each of these days."""
    found = call()
    (entry,) = found["context"]["draftOrders"]["entry"]
    found["context"]["draftOrders"]["entry"] = [
        {"resource": entry["resource"] | {"id": f"sr-{number}", "occurrenceDateTime": day}}
        for number, day in enumerate(days)
    ]
    return found


@pytest.mark.parametrize(
    ("days", "oldest"),
    [
        (["2026-05-20"], "2024-03-02"),
        (["2025-12-24"], "2023-12-24"),
        (["2026-05-20", "2025-12-24"], "2023-12-24"),
    ],
    ids=["today, for a service in future", "the day of a service in the past", "the earliest day of several orders"],
)
def test_a_look_back_is_counted_from_the_first_day(ehr: FakeEhr, days: list[str], oldest: str) -> None:
    Service(WatchingAssessor(VISITS)).post(planned(*days) | {"fhirServer": ehr.base})
    assert f"fhir/Encounter?patient=p-1&date=ge{oldest}&_count=200" in ehr.asked


def test_prefetch_of_a_bounded_search_is_taken_as_it_is(ehr: FakeEhr) -> None:
    Service(WatchingAssessor(VISITS)).post(call(fhirServer=ehr.base, prefetch={"encounters": None}))
    assert not ehr.asked_for("Encounter")
