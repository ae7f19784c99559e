"""Searches of a chart in memory that stands in for a FHIR server."""

from typing import Any

import pytest

from cds_service.fhir_client.memory import ChartInMemory, Store
from cds_service.fhir_client.search_bundle import Page
from coverage_policies.format.searches import CONDITIONS
from fhir_mappings.bundle import Entry
from fhir_mappings.fhir_json import Resource
from fhir_mappings.record import Availability

COMPLETE, UNAVAILABLE = Availability.COMPLETE, Availability.UNAVAILABLE


def condition(own_id: str, subject: Any = None) -> Resource:
    return {"resourceType": "Condition", "id": own_id} | ({"subject": subject} if subject else {})


def chart(*resources: Resource) -> ChartInMemory:
    entries: list[Entry] = [("", resource) for resource in resources]
    return ChartInMemory(Store(entries))


def test_a_resource_whose_patient_is_not_certain_is_found_and_another_patients_is_not() -> None:
    strangers = [
        condition("by-identifier", {"identifier": {"value": "p-1"}}),
        condition("of-nobody"),
        condition("of-a-group", {"reference": "Group/g"}),
    ]
    patient = {"resourceType": "Patient", "id": "p-1"}
    found = chart(patient, *strangers, condition("other", {"reference": "Patient/p-2"})).search(CONDITIONS, "p-1")
    assert [resource["id"] for _, resource in found.entries] == [each["id"] for each in strangers]
    assert found.availability is COMPLETE


def test_in_a_chart_without_the_patient_the_resources_of_others_are_found() -> None:
    assert len(chart(condition("c", {"reference": "Patient/p-2"})).search(CONDITIONS, "p-1").entries) == 1


def test_a_search_of_a_chart_that_is_not_whole_is_not_complete() -> None:
    entry = [{"resource": condition("c", {"reference": "Patient/p-1"})}, None]
    torn = ChartInMemory(Store.from_bundle({"resourceType": "Bundle", "entry": entry}))
    found = torn.search(CONDITIONS, "p-1")
    assert (len(found.entries), found.availability) == (1, UNAVAILABLE)


@pytest.mark.parametrize(("is_whole", "availability"), [(True, COMPLETE), (False, UNAVAILABLE)])
def test_a_prefetched_page_that_is_not_whole_is_not_completed_by_the_chart(
    is_whole: bool, availability: Availability
) -> None:
    first = Page(is_whole=is_whole, next="https://ehr.example/2", servers=("https://ehr.example/fhir",))
    found = chart().follow(first, CONDITIONS, "p-1")
    assert (found.availability, found.servers) == (availability, ("https://ehr.example/fhir",))


def test_one_id_on_two_servers_is_stored_twice() -> None:
    entries = [(f"https://{name}.example/Condition/c", condition("c")) for name in ("a", "b")]
    assert len(Store(entries).search("Condition", [])) == 2
    assert len(Store([*entries, ("", condition("c"))]).search("Condition", [])) == 2


def test_a_bundle_in_an_entry_is_a_part_of_the_chart() -> None:
    inner = {"resourceType": "Bundle", "entry": [{"resource": condition("c")}]}
    store = Store.from_bundle({"resourceType": "Bundle", "entry": [{"resource": inner}]})
    assert (store.is_whole, store.search("Condition", [])) == (True, [("", condition("c"))])
