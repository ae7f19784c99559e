"""Validation reports the faults of any resource and never raises."""

from typing import Any

import pytest

from fhir_mappings.validity import Fault, faults

REQUEST: dict[str, Any] = {
    "resourceType": "ServiceRequest",
    "status": "draft",
    "intent": "order",
    "subject": {"reference": "Patient/1"},
}
JUNK: list[Any] = [None, 7, [], {}, "", "Nothing", "Bundle", "serviceRequest", ["Patient"], {"a": 1}, True]


def test_a_sound_resource_has_no_fault() -> None:
    assert faults(REQUEST) == ()


@pytest.mark.parametrize("kind", JUNK, ids=str)
def test_a_contained_resource_of_no_known_type_is_a_fault_there(kind: Any) -> None:
    found = faults({**REQUEST, "contained": [{"resourceType": kind, "id": "m"}]})
    assert [fault.element for fault in found] in ([], ["contained"], ["contained", "contained"])
    assert found or kind == "Bundle"


@pytest.mark.parametrize("contained", [None, 7, "x", {}, [None], [7], ["x"], [[]], [{}]], ids=str)
def test_contained_of_any_shape_raises_nothing(contained: Any) -> None:
    assert {fault.element for fault in faults({**REQUEST, "contained": contained})} <= {"contained"}


def test_what_the_library_fails_on_does_not_hide_another_fault() -> None:
    found = faults({**REQUEST, "contained": [{"resourceType": ["x"]}], "intent": 7})
    assert {fault.element for fault in found} == {"contained", "intent"}


@pytest.mark.parametrize("kind", [*JUNK[:6], "x" * 100], ids=str)
def test_a_resource_of_no_known_type_is_one_fault_at_its_root(kind: Any) -> None:
    (fault,) = faults({"resourceType": kind})
    assert (fault.element, fault.what) == ("", "unknown resource type")


@pytest.mark.parametrize("name", ["", "x", "_status", "ünï", "resource_type", "model_config", "__class__"])
def test_members_of_any_name_raise_nothing(name: str) -> None:
    assert all(isinstance(fault, Fault) for fault in faults({**REQUEST, name: {"a": [1]}}))
