"""The entries of a Bundle, those of Bundles in it included, and the names of resources."""

from typing import Any

import pytest

from fhir_mappings.bundle import MAX_NESTING, contained_by_id, entries, reference_of


def nested(depth: int) -> dict[str, Any]:
    """Return a resource in this many Bundles."""
    found: dict[str, Any] = {"resourceType": "Condition", "id": "c"}
    for _ in range(depth):
        found = {"resourceType": "Bundle", "entry": [{"fullUrl": "urn:uuid:1", "resource": found}]}
    return found


def test_the_entries_of_a_bundle_are_read_with_their_urls() -> None:
    bundle = {"entry": [{"fullUrl": "urn:uuid:1", "resource": {"id": "1"}}, {"resource": {"id": "2"}, "fullUrl": 5}]}
    assert list(entries(bundle)) == [("urn:uuid:1", {"id": "1"}), ("", {"id": "2"})]


@pytest.mark.parametrize("depth", range(1, MAX_NESTING + 1))
def test_a_bundle_in_an_entry_is_read_as_a_part_of_the_bundle(depth: int) -> None:
    assert list(entries(nested(depth))) == [("urn:uuid:1", {"resourceType": "Condition", "id": "c"})]


def test_bundles_in_one_another_are_read_to_a_depth_only() -> None:
    ((_, found),) = entries(nested(MAX_NESTING + 1))
    assert found["resourceType"] == "Bundle"


@pytest.mark.parametrize(
    "bundle", [None, "x", [], {}, {"entry": None}, {"entry": {}}, {"entry": [None, "x", {}, {"resource": []}]}]
)
def test_a_malformed_bundle_has_no_entries(bundle: Any) -> None:
    assert list(entries(bundle)) == []


@pytest.mark.parametrize(
    ("own_id", "url", "name"),
    [
        ("1", "urn:uuid:1", "Condition/1"),
        ("", "urn:uuid:1", "urn:uuid:1"),
        (5, "urn:uuid:1", "urn:uuid:1"),
        (None, "", "Condition"),
    ],
)
def test_a_name_is_type_and_id_else_the_full_url_else_the_type(own_id: Any, url: str, name: str) -> None:
    assert reference_of({"resourceType": "Condition", "id": own_id}, url) == name


@pytest.mark.parametrize("written", ["m", "#m"])
def test_a_contained_resource_is_found_by_its_id_with_or_without_a_number_sign(written: str) -> None:
    held = {"resourceType": "Medication", "id": written}
    assert contained_by_id({"contained": [held, {"resourceType": "Medication", "id": "m"}]}) == {"m": held}
