"""Drugs that were prescribed, dispensed, or reported (MedicationRequest, MedicationDispense, MedicationStatement)."""

from datetime import date

from msgspec import Struct

from fhir_mappings.codings import CodeMatcher, Match
from fhir_mappings.dates import DateInterval, is_on_or_before, parse_period
from fhir_mappings.fhir_json import Resource
from fhir_mappings.prescribed_drugs import Drug, drug_of
from fhir_mappings.record import Evidence, PatientRecord
from fhir_mappings.truth import Truth

NEVER_TAKEN = ("entered-in-error", "draft", "cancelled", "declined", "not-taken")
"""The statuses of what was not prescribed, dispensed, or taken at all."""

_STOOD = {
    "MedicationRequest": ("active", "completed", "stopped", "on-hold"),
    "MedicationDispense": ("completed", "stopped"),
    "MedicationStatement": ("active", "completed", "stopped", "on-hold"),
}
"""The statuses of what took effect."""

KINDS = tuple(_STOOD)
"""The types of resources that tell of a drug."""

ELEMENTS = (
    "medication",
    "status",
    "intent",
    "subject",
    "doNotPerform",
    "reported",
    "authoredOn",
    "whenHandedOver",
    "whenPrepared",
    "effective",
    "dateAsserted",
)


class Medication(Struct, frozen=True):
    """One prescription, dispense, or report. `is_certain` means that it decides and took effect by today.

    `ingredient` is the drug as the value set calls it.
    """

    reference: str
    ingredient: str
    label: str
    is_certain: bool
    evidence: Evidence
    when: DateInterval | None


def medications(record: PatientRecord, codes: CodeMatcher) -> tuple[Medication, ...]:
    """Return the prescriptions, dispenses, and reports of these drugs; leave out what was canceled or never taken."""
    found = []
    today = record.today
    matches: dict[int, Match | None] = {}
    for resource, drug in record.cached("drugs of medications", lambda: _with_drugs(record)):
        if id(drug) not in matches:
            # Most prescriptions of a chart are of few drugs, and the record keeps them while it lives.
            matches[id(drug)] = drug.match(codes)
        match = matches[id(drug)]
        if match is None or is_left_out(resource):
            continue
        usable = record.is_usable(resource, *ELEMENTS)
        when = date_of(record, resource)
        certain = usable and match.decides and took_effect(resource) and _is_past(when, today)
        value = _value(resource) if usable else "set aside"
        reference = record.reference(resource)
        evidence = Evidence(reference, drug.label or match.label, str(when or ""), value)
        found.append(Medication(reference, match.label, evidence.label, certain, evidence, when))
    return tuple(found)


def _with_drugs(record: PatientRecord) -> list[tuple[Resource, Drug]]:
    return [(resource, drug_of(record, resource)) for resource in record.of_type(*KINDS)]


def is_left_out(resource: Resource) -> bool:
    """Return whether a resource says that the drug was not given: canceled, not taken, or an order to leave it."""
    return resource.get("status") in NEVER_TAKEN or resource.get("doNotPerform") is True


def took_effect(resource: Resource) -> bool:
    """Return whether a prescription, dispense, or report took effect, by its status and intent.

    A plan did if it is a reported medication, as home medication is written in US Core.
    """
    if resource.get("status") not in _STOOD[resource["resourceType"]]:
        return False
    return resource.get("intent") not in ("proposal", "option", "plan") or is_reported(resource)


def is_reported(resource: Resource) -> bool:
    """Return whether a prescription is one that somebody reported instead of writing it."""
    return resource.get("reportedBoolean") is True or bool(resource.get("reportedReference"))


def date_of(record: PatientRecord, resource: Resource) -> DateInterval | None:
    """Return the day of a prescription or dispense, or the first day of what was reported."""
    start, _ = parse_period(resource.get("effectivePeriod"), record.zone)
    if start is not None:
        return start
    for name in ("authoredOn", "whenHandedOver", "whenPrepared", "effectiveDateTime", "dateAsserted"):
        if name in resource and (when := record.when(resource[name])) is not None:
            return when
    return None


def _is_past(when: DateInterval | None, today: date) -> bool:
    return when is None or is_on_or_before(when, today) is Truth.YES


def _value(resource: Resource) -> str:
    kind, status = resource["resourceType"], resource.get("status")
    if kind == "MedicationDispense":
        return "dispensed" if status in _STOOD[kind] else ""
    if kind == "MedicationStatement" or is_reported(resource):
        return "reported"
    return str(status) if status in _STOOD[kind] else ""
