"""Validation against FHIR R4, element by element."""

from typing import Any

import pytest

from fhir_mappings.validity import Fault, codes_of, element_names, faults, is_resource_type, warm
from tests.support.fhir_builders import condition, procedure


def elements(resource):
    return sorted(fault.element for fault in faults(resource))


def test_a_valid_resource_has_no_fault():
    assert faults(condition(onsetDateTime="2025-06-01")) == ()


def test_a_fault_names_its_element():
    assert elements(condition(onsetDateTime="yesterday")) == ["onsetDateTime"]


def test_one_fault_does_not_hide_another():
    assert elements(condition(onsetDateTime="yesterday", note="x", bogus=1)) == ["bogus", "note", "onsetDateTime"]


def test_a_fault_that_is_found_only_after_another_is_found():
    assert elements(procedure("yesterday", status=None)) == ["performedDateTime", "status"]


def test_a_fault_deep_inside_belongs_to_its_top_element():
    assert elements(condition(code={"coding": [{"code": 5, "system": []}]})) == ["code", "code"]


def test_an_object_of_the_wrong_shape_is_the_fault():
    assert [fault.path for fault in faults(condition(code=5))] == ["Condition.code"]
    assert [fault.path for fault in faults(condition(category=[["x"]]))] == ["Condition.category.0"]


def test_a_missing_required_element_is_a_fault():
    assert elements(procedure(status=None)) == ["status"]


def test_two_choices_of_one_element_are_a_fault_of_the_whole():
    assert elements(procedure(performedString="in spring")) == [""]


@pytest.mark.parametrize("kind", [None, 5, [], "Bogus", "../etc"])
def test_an_unknown_type_is_one_fault_at_the_root(kind):
    assert [fault.element for fault in faults({"resourceType": kind})] == [""]


def test_a_fault_never_quotes_a_value():
    found = faults(condition(onsetDateTime="Jane Doe", recordedDate={"secret": "Jane Doe"}))
    assert not [fault for fault in found if "Jane" in fault.path + fault.what]


def test_nesting_too_deep_to_check_is_a_fault_and_no_crash():
    deep: dict[str, Any] = {"url": "http://example.org/x", "valueString": "x"}
    for _ in range(2000):
        deep = {"url": "http://example.org/x", "extension": [deep]}
    assert elements(condition(extension=[deep])) == [""]


def test_checking_changes_nothing():
    given = condition(onsetDateTime="yesterday")
    faults(given)
    assert given["onsetDateTime"] == "yesterday"


def test_a_fault_at_the_root_lies_in_no_element():
    assert Fault("Condition", "x").element == ""


def test_models_can_be_built_ahead():
    warm("Condition", "Bogus")
    assert faults(condition()) == ()


def test_the_elements_of_a_resource_type_are_named_as_fhir_names_them():
    assert {"status", "for", "basedOn"} <= element_names("Task")


@pytest.mark.parametrize("kind", ["Vaccination", "task", ""])
def test_a_type_that_r4_does_not_know_has_no_elements(kind):
    assert element_names(kind) == frozenset()


@pytest.mark.parametrize("kind", ["Patient", "ServiceRequest", "VisionPrescription"])
def test_the_resource_types_of_r4_are_known(kind):
    assert is_resource_type(kind)


@pytest.mark.parametrize("kind", ["HumanName", "Bogus", "patient", "", None, 5, ["Patient"], "\ud800"])
def test_what_r4_does_not_define_is_no_resource_type(kind):
    assert not is_resource_type(kind)


def test_the_codes_of_an_element_are_those_that_r4_binds_it_to():
    assert codes_of("VisionPrescription", "status") == {"active", "cancelled", "draft", "entered-in-error"}


@pytest.mark.parametrize(
    ("kind", "element"), [("Encounter", "status"), ("ServiceRequest", "code"), ("ServiceRequest", "x"), ("Bogus", "x")]
)
def test_an_element_whose_codes_are_not_all_listed_has_none(kind, element):
    assert codes_of(kind, element) == frozenset()
