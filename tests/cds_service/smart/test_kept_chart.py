"""The chart of a session is read once, and what failed is read again."""

from typing import Any

import pytest

from cds_service.fhir_client.source import SearchResult, UnreadableSource
from cds_service.smart.kept_chart import KeptChart
from coverage_policies.format.searches import ANSWERS, CONDITIONS, Search, observation_search
from fhir_mappings.bundle import Entry
from fhir_mappings.fhir_json import dumps, loads
from fhir_mappings.record import Availability


class Counting(UnreadableSource):
    """A source that counts what it is asked."""

    def __init__(self, availability: Availability = Availability.COMPLETE) -> None:
        super().__init__("https://ehr.example/fhir", ())
        self.asked: list[str] = []
        self.availability = availability

    def search(self, search: Search, patient_id: str) -> SearchResult:
        self.asked.append(search.query(patient_id))
        kind = search.resource_type
        entries: tuple[Entry, ...] = tuple((f"u/{n}", {"resourceType": kind, "id": str(n)}) for n in (1, 2))
        return SearchResult(entries, self.availability, ("https://ehr.example/fhir",))

    def read(self, reference: str) -> Entry | None:
        self.asked.append(reference)
        return ("", {"resourceType": "Practitioner", "id": "1"}) if reference == "Practitioner/1" else None


def reopened(kept: Any, source: Counting, without: str = "") -> KeptChart:
    """The chart of the next screen, after the session was stored."""
    return KeptChart(source, loads(dumps(kept)), without)


@pytest.mark.parametrize("availability", [Availability.COMPLETE, Availability.NOT_OFFERED])
def test_the_next_screen_asks_the_ehr_for_nothing_again(availability: Availability) -> None:
    first = KeptChart(Counting(availability), {})
    found = first.search(CONDITIONS, "p"), first.read("Practitioner/1")
    source = Counting()
    again = reopened(first.kept, source)
    assert (again.search(CONDITIONS, "p"), again.read("Practitioner/1")) == found
    assert source.asked == []


def test_what_could_not_be_read_is_read_again() -> None:
    first = KeptChart(Counting(Availability.UNAVAILABLE), {})
    first.search(CONDITIONS, "p")
    first.read("Practitioner/2")
    source = Counting()
    again = reopened(first.kept, source)
    assert again.search(CONDITIONS, "p").availability is Availability.COMPLETE
    again.read("Practitioner/2")
    assert source.asked == ["Condition?patient=p", "Practitioner/2"]


def test_another_search_of_a_type_is_another() -> None:
    first = KeptChart(Counting(), {})
    first.search(observation_search(["http://loinc.org|1"]), "p")
    source = Counting()
    reopened(first.kept, source).search(observation_search(["http://loinc.org|2"]), "p")
    assert len(source.asked) == 1


def test_the_response_of_the_session_is_left_out_and_others_are_not() -> None:
    chart = KeptChart(Counting(), {}, without="1")
    assert [each["id"] for _, each in chart.search(ANSWERS, "p").entries] == ["2"]
    assert [each["id"] for _, each in chart.search(CONDITIONS, "p").entries] == ["1", "2"]
    everything = reopened(chart.kept, Counting())
    assert [each["id"] for _, each in everything.search(ANSWERS, "p").entries] == ["1", "2"]
