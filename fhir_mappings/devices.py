"""Devices of the patient (Device)."""

from fhir_mappings.codings import CodeMatcher, codings
from fhir_mappings.record import Evidence, PatientRecord


def devices(record: PatientRecord, codes: CodeMatcher) -> tuple[Evidence, ...]:
    """Return the devices of these types, without erroneous and inactive ones."""
    found = []
    for resource in record.of_type("Device"):
        match = codes(codings(resource.get("type")))
        if match and resource.get("status") not in ("entered-in-error", "inactive"):
            usable = record.is_usable(resource, "type", "status", "manufactureDate", "patient")
            reference = record.reference(resource)
            found.append(Evidence(reference, match.label, value="" if usable else "set aside"))
    return tuple(found)
