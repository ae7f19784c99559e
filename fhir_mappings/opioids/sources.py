"""The resources of a chart about medications that are or may be opioids, and what is no evidence of intake."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import tzinfo
from typing import Any

from msgspec import Struct

from fhir_mappings.codings import items
from fhir_mappings.dates import DateInterval
from fhir_mappings.fhir_json import Json, Resource
from fhir_mappings.opioids.instructions import Instruction, as_object, instruction_of
from fhir_mappings.opioids.medication import OpioidMedication, medication_of
from fhir_mappings.record import PatientRecord

KINDS = ("MedicationRequest", "MedicationDispense", "MedicationStatement", "MedicationAdministration")
"""The resource types to read; the first one in a treatment leads it."""

_NON_ORDER_INTENTS = ("proposal", "option")

_COMMON_ELEMENTS = ("status", "category", "medication", "contained", "meta", "dosage", "dosageInstruction")
DECISIVE_ELEMENTS = {
    "MedicationRequest": (
        *_COMMON_ELEMENTS,
        *("intent", "doNotPerform", "reported", "authoredOn", "dispenseRequest", "statusReason", "priorPrescription"),
    ),
    "MedicationDispense": (*_COMMON_ELEMENTS, "quantity", "daysSupply", "whenHandedOver", "whenPrepared"),
    "MedicationStatement": (*_COMMON_ELEMENTS, "effective", "statusReason", "dateAsserted"),
    "MedicationAdministration": (*_COMMON_ELEMENTS, "effective"),
}
"""The elements that must follow FHIR R4 for a resource to decide."""


class OpioidResource(Struct, eq=False):
    """A resource about a medication that is or may be an opioid, not yet converted to doses."""

    resource: Resource
    kind: str
    reference: str
    medication: OpioidMedication
    zone: tzinfo
    """The local time zone of its dates."""
    _instructions: tuple[Instruction, ...] | None = None

    @property
    def dosages(self) -> Sequence[Mapping[str, Any]]:
        """Return all its dosage instructions as sent."""
        member = "dosageInstruction" if self.kind in ("MedicationRequest", "MedicationDispense") else "dosage"
        return items(self.resource.get(member))

    @property
    def instructions(self) -> tuple[Instruction, ...]:
        """Return all its dosage instructions with what they say, read when first asked."""
        if self._instructions is None:
            self._instructions = tuple([instruction_of(one, self.zone) for one in self.dosages])
        return self._instructions


def sources(record: PatientRecord) -> tuple[OpioidResource, ...]:
    """Return every resource about a medication that is or may be an opioid, without those entered in error."""
    return tuple(
        OpioidResource(resource, kind, record.reference(resource), medication, record.zone)
        for kind in KINDS
        for resource in record.of_type(kind)
        if resource.get("status") != "entered-in-error" and (medication := medication_of(record, resource))
    )


def exclusion_reason(source: OpioidResource, *, dispensed: bool) -> str:
    """Return why a resource is no evidence of systemic intake, naming the element; empty if it is evidence."""
    resource, status = source.resource, source.resource.get("status")
    is_spinal = [one.said.is_spinal for one in source.instructions]
    if is_spinal and all(is_spinal):
        return "route: into the spinal canal, not systemic"
    if source.kind == "MedicationRequest":
        if resource.get("doNotPerform") is True:
            return "doNotPerform: an order not to give the drug"
        if resource.get("intent") in _NON_ORDER_INTENTS:
            return "intent: not an order"
        if status == "draft":
            return "status: a draft"
        if status == "cancelled" and not dispensed:
            return "status: cancelled and never dispensed"
    return _NOT_TAKEN.get((source.kind, str(status)), "")


_NOT_TAKEN = {
    ("MedicationDispense", "cancelled"): "status: never handed over",
    ("MedicationDispense", "declined"): "status: never handed over",
    ("MedicationStatement", "not-taken"): "status: not taken",
    ("MedicationAdministration", "not-done"): "status: not given",
}


def is_reported(resource: Resource) -> bool:
    """Return whether a MedicationRequest is what the patient is said to take, and not an order.

    US Core lists home medication with the intent `plan`, with or without `reported[x]`.
    """
    said = resource.get("reportedBoolean") is True or bool(resource.get("reportedReference"))
    return said or resource.get("intent") == "plan"


def is_taken_as_needed(source: OpioidResource) -> bool:
    """Return whether any of its instructions is as needed."""
    return any(one.said.is_as_needed for one in source.instructions)


_LASTS = re.compile(r"buprenorphin|sublocade|brixadi|probuphine|patch|transderm|implant|depot", re.IGNORECASE)


_DEPOT_STRENGTH = 1
"""The least mg per mL of buprenorphine for weeks; that for hours has 0.3."""


def outlasts_a_day(medication: OpioidMedication) -> bool:
    """Return whether one dose of a product lasts for days or weeks: a patch, or buprenorphine as a depot or implant."""
    product = medication.product
    if product is None:
        return _LASTS.search(medication.label) is not None
    may_be_depot = product.ingredient == "buprenorphine" and product.route != "transmucosal"
    return product.is_patch or (may_be_depot and (product.strength is None or product.strength >= _DEPOT_STRENGTH))


def handed_over_on(record: PatientRecord, source: OpioidResource) -> DateInterval | None:
    """Return the day on which a dispense reached the patient."""
    return record.when(source.resource.get("whenHandedOver"))


# --- references ------------------------------------------------------------------------------------------------------


def reference_name(record: PatientRecord, reference: Json, within: Resource) -> str:
    """Return the reference to the target of a Reference, whether or not it is in the chart; empty if there is none."""
    if not reference:
        return ""
    target = record.resolve(reference, within)
    if target is not None:
        return record.reference(target)
    name = as_object(reference).get("reference")
    return name if isinstance(name, str) else ""


def identifier_names(holder: Json) -> Iterator[str]:
    """Yield the identifiers of a resource or of a Reference, as `system|value`."""
    for identifier in items(as_object(holder).get("identifier")):
        system, value = identifier.get("system"), identifier.get("value")
        if isinstance(system, str) and isinstance(value, str):
            yield f"{system}|{value}"


def prescriber_names(record: PatientRecord, source: OpioidResource) -> frozenset[str]:
    """Return the references, identifiers, and names of who prescribed an order, or what was dispensed."""
    if source.kind == "MedicationRequest":
        holders = [source.resource]
    else:
        ordered = items(source.resource.get("authorizingPrescription"))
        holders = [order for each in ordered if (order := record.resolve(each, source.resource)) is not None]
    found: set[str] = set()
    for holder in holders:
        for requester in items(holder.get("requester")):
            found.add(reference_name(record, requester, holder))
            found.update(identifier_names(requester))
            if isinstance(requester.get("display"), str):
                found.add(requester["display"].casefold().strip())
    return frozenset(found - {""})
