"""What was kept of a chart is not read again, what failed is, and without a server there is only what was kept."""

from typing import Any

import pytest

from cds_service.fhir_client.kept_chart import KeptChart, OnlyKept
from cds_service.fhir_client.search_bundle import Page
from cds_service.fhir_client.source import SearchResult, UnreadableSource
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

    def follow(self, first: Page, search: Search, patient_id: str) -> SearchResult:
        found = self.search(search, patient_id)
        return SearchResult(first.entries + found.entries, found.availability, found.servers)

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


FIRST_PAGE = Page((("u/0", {"resourceType": "Condition", "id": "0"}),), next="https://ehr.example/fhir?page=2")


def test_the_pages_after_a_prefetched_one_are_kept_with_it() -> None:
    first = KeptChart(Counting(), {})
    found = first.follow(FIRST_PAGE, CONDITIONS, "p")
    assert [each["id"] for _, each in found.entries] == ["0", "1", "2"]
    source = Counting()
    assert reopened(first.kept, source).follow(FIRST_PAGE, CONDITIONS, "p") == found
    assert source.asked == []


def test_what_was_read_of_a_search_that_failed_is_kept_for_when_it_fails_again() -> None:
    first = KeptChart(Counting(Availability.UNAVAILABLE), {})
    found = first.search(CONDITIONS, "p")
    assert len(found.entries) == 2
    assert OnlyKept(loads(dumps(first.kept)), "https://ehr.example/fhir").search(CONDITIONS, "p") == found


def test_a_search_that_failed_without_any_entry_is_not_kept() -> None:
    chart = KeptChart(UnreadableSource("https://ehr.example/fhir", ()), {})
    chart.search(CONDITIONS, "p")
    chart.read("Practitioner/1")
    assert chart.kept == {"searches": {}, "targets": {}}


def test_what_was_kept_stays_kept_beside_what_is_read_later() -> None:
    first = KeptChart(Counting(), {})
    first.search(CONDITIONS, "p")
    again = reopened(first.kept, Counting())
    again.search(ANSWERS, "p")
    again.read("Practitioner/1")
    last = reopened(again.kept, source := Counting())
    last.search(CONDITIONS, "p"), last.search(ANSWERS, "p"), last.read("Practitioner/1")
    assert source.asked == []


def test_what_is_read_after_a_chart_was_kept_does_not_change_it() -> None:
    chart = KeptChart(Counting(), {})
    kept = chart.kept
    chart.search(CONDITIONS, "p")
    chart.read("Practitioner/1")
    assert kept == {"searches": {}, "targets": {}}


def test_a_chart_can_be_kept_while_a_late_query_ends() -> None:
    class Late(Search):
        """A search with which another one ends as soon as the result is to be kept."""

        __slots__ = ()

        def query(self, patient: str) -> str:
            chart.search(ANSWERS, "p")
            return super().query(patient)

    class Source(Counting):
        """A source that asks for nothing by the address of a search."""

        def search(self, _search: Search, _patient_id: str) -> SearchResult:
            return SearchResult((), Availability.COMPLETE)

    chart = KeptChart(Source(), {})
    chart.search(Late("Procedure", "procedures"), "p")
    assert list(chart.kept["searches"]) == ["procedures Procedure?patient="]


def test_without_a_server_there_is_only_what_was_kept() -> None:
    first = KeptChart(Counting(), {})
    found = first.search(CONDITIONS, "p"), first.read("Practitioner/1")
    chart = OnlyKept(loads(dumps(first.kept)), "https://ehr.example/fhir")
    assert (chart.search(CONDITIONS, "p"), chart.read("Practitioner/1")) == found
    assert (chart.search(ANSWERS, "p"), chart.read("Practitioner/2")) == (SearchResult(), None)
    assert chart.follow(FIRST_PAGE, ANSWERS, "p") == SearchResult(FIRST_PAGE.entries)
    assert (chart.address, chart.notes, dict(chart.answers)) == ("https://ehr.example/fhir", (), {})
