"""Devices of the patient."""

import pytest

from fhir_mappings.devices import devices
from tests.support.fhir_builders import KNOWN, PATIENT, concept, record


def device(**members):
    made = {"resourceType": "Device", "id": "x", "patient": PATIENT, "status": "active", "type": concept(), **members}
    return {name: value for name, value in made.items() if value is not None}


def read(**members):
    return [(each.reference, each.value) for each in devices(record(device(**members)), KNOWN)]


@pytest.mark.parametrize("status", ["active", "unknown", None])
def test_a_device_of_the_type_is_found(status):
    assert read(status=status) == [("Device/x", "")]


@pytest.mark.parametrize("status", ["inactive", "entered-in-error"])
def test_an_inactive_or_mistaken_device_is_left_out(status):
    assert read(status=status) == []


@pytest.mark.parametrize("kind", [concept("other"), {"text": "Pump"}, None])
def test_another_device_is_left_out(kind):
    assert read(type=kind) == []


@pytest.mark.parametrize("patient", [{"reference": "Patient/other"}, None])
def test_the_device_of_another_patient_or_of_none_is_left_out(patient):
    assert read(patient=patient) == []


@pytest.mark.parametrize("fault", [{"manufactureDate": "then"}, {"status": []}])
def test_a_faulty_device_is_shown_as_set_aside(fault):
    assert read(**fault) == [("Device/x", "set aside")]


@pytest.mark.parametrize("fault", [{"note": "x"}, {"statusReason": "x"}])
def test_a_fault_elsewhere_changes_nothing(fault):
    assert read(**fault) == [("Device/x", "")]
