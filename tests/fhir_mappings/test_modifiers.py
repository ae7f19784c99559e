"""Modifiers that may change what a resource or an element means."""

from typing import Any

import pytest

from fhir_mappings.modifiers import modified_elements, modifier_in

UNKNOWN = [{"url": "http://example.org/absent", "valueBoolean": True}]
RULES = "http://example.org/rules"


@pytest.mark.parametrize(
    ("members", "found"),
    [
        ({"modifierExtension": UNKNOWN}, [("", "modifierExtension")]),
        ({"implicitRules": RULES}, [("", "implicitRules")]),
        ({"reaction": [{"modifierExtension": UNKNOWN}]}, [("reaction", "modifierExtension")]),
        ({"item": [{"item": [{"modifierExtension": UNKNOWN}]}]}, [("item", "modifierExtension")]),
        ({"dose": {"timing": {"modifierExtension": UNKNOWN}}}, [("dose", "modifierExtension")]),
        ({"modifierExtension": []}, []),
        ({"modifierExtension": None, "implicitRules": None}, []),
        ({"extension": UNKNOWN}, []),
        ({"note": [{"text": "modifierExtension"}]}, []),
        ({"contained": [{"modifierExtension": UNKNOWN}]}, []),
    ],
    ids=str,
)
def test_a_modifier_is_found_with_the_element_that_it_is_in(members: dict[str, Any], found: list[Any]) -> None:
    assert list(modified_elements({"resourceType": "Condition", **members})) == found


@pytest.mark.parametrize(
    ("members", "modifier"),
    [
        ({}, ""),
        ({"implicitRules": RULES}, "implicitRules"),
        ({"contained": [{"id": "a"}, {"reaction": [{"modifierExtension": UNKNOWN}]}]}, "modifierExtension"),
        ({"contained": [{"implicitRules": RULES}]}, "implicitRules"),
    ],
)
def test_a_modifier_counts_wherever_it_is_contained_resources_included(members: dict[str, Any], modifier: str) -> None:
    assert modifier_in({"resourceType": "Condition", **members}) == modifier
