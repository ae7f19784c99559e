"""Opioid orders, dispenses, statements, and administrations as doses over time.

Each becomes stretches: a dose per day, the days on which it may have begun, and the days on which it may have ended. If
in doubt, the lower bound decreases and the upper bound increases. FHIR R4 has no date on which a prescription was
stopped: that was between its start and the last change of the resource.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, TypeAlias

from fhir_mappings.codings import codings, concept_text, has_code, items
from fhir_mappings.dates import CalendarPeriod, DateInterval, parse_period, plus
from fhir_mappings.fhir_json import Json, Resource
from fhir_mappings.opioids.dose import days_of_quantity, is_as_needed, is_spinal, single_dose_mme
from fhir_mappings.opioids.medication import OpioidMedication, medication_of
from fhir_mappings.opioids.quantities import Interval, UnconvertibleError, days, exactly, number
from fhir_mappings.opioids.sig import (
    NO_DOSE_KNOWN,
    Sig,
    StatedSupply,
    known_sig,
    last_days,
    read_sig,
    stated_start,
    unknown_sig,
)
from fhir_mappings.record import PatientRecord

DAYS_WITHOUT_END = 30
"""How many days an active order without an end is certain to last."""

STALE_AFTER = CalendarPeriod(-12, "months")
"""An active order that is older than this and was never dispensed may no longer be in use."""

UNKNOWN_DAY = DateInterval(date.min, date.max)

KINDS = ("MedicationRequest", "MedicationDispense", "MedicationStatement", "MedicationAdministration")
"""The resource types to read; the first one in a regimen leads it."""

_NON_ORDER_INTENTS = ("proposal", "option")
_ORDER_INTENTS = ("order", "original-order", "filler-order", "instance-order", "reflex-order")
_TAKEN = ("active", "completed", "stopped", "cancelled")
_RUNS_OUT = ("active", "completed")
_IN_HOSPITAL = ("inpatient", "perioperative")
_OUTPATIENT = ("outpatient", "community", "discharge")

_COMMON_ELEMENTS = ("status", "category", "medication", "contained", "meta", "dosage", "dosageInstruction")
_DECISIVE_ELEMENTS = {
    "MedicationRequest": (*_COMMON_ELEMENTS, "intent", "doNotPerform", "reported", "authoredOn", "dispenseRequest"),
    "MedicationDispense": (*_COMMON_ELEMENTS, "quantity", "daysSupply", "whenHandedOver", "whenPrepared"),
    "MedicationStatement": (*_COMMON_ELEMENTS, "effective"),
    "MedicationAdministration": (*_COMMON_ELEMENTS, "effective"),
}
"""The elements that must follow FHIR R4 for a resource to decide."""


@dataclass(frozen=True, slots=True)
class OpioidResource:
    """A resource about a medication that is or may be an opioid, not yet converted to doses."""

    resource: Resource
    kind: str
    reference: str
    medication: OpioidMedication

    @property
    def dosages(self) -> tuple[Mapping[str, Any], ...]:
        """Return all its dosage instructions."""
        member = "dosageInstruction" if self.kind in ("MedicationRequest", "MedicationDispense") else "dosage"
        return tuple(items(self.resource.get(member)))


@dataclass(frozen=True, slots=True)
class Stretch:
    """One dose in MME per day, the days on which it may have begun, and those on which it may have ended."""

    dose: Interval
    start: DateInterval
    end: DateInterval


@dataclass(frozen=True, slots=True)
class Prescription:
    """One resource as doses over time.

    `problem` says why it is excluded (`counted` is False) or has no upper bound. `upper_bound_only` means that it may
    not have been taken at all, so it adds to the upper bound only.
    """

    reference: str
    kind: str
    medication: OpioidMedication
    dose: Interval
    start: DateInterval
    stretches: tuple[Stretch, ...]
    problem: str = ""
    counted: bool = True
    in_hospital: bool = False
    upper_bound_only: bool = False
    reported: bool = False
    may_be_dispensed: bool = False
    """Whether the dispenses may determine the dose instead."""
    by_supply: bool = False
    """Whether its end follows from the supply, so that leftovers may be taken later."""
    may_have_ended: bool = False
    """Whether it was stopped or put on hold at an unknown time."""
    replaces: str = ""

    @property
    def end(self) -> DateInterval:
        """Return the last days on which any of it may have been taken."""
        return DateInterval(
            max(stretch.end.earliest for stretch in self.stretches),
            max(stretch.end.latest for stretch in self.stretches),
        )

    @property
    def signature(self) -> tuple[object, ...]:
        """Return what a prescription and its renewal share: the content of the product and the dose."""
        product = self.medication.product
        return (*self.medication.drug, *((product.strength, product.unit) if product else ()), self.dose)


_End: TypeAlias = Callable[[DateInterval, DateInterval | None], DateInterval]
"""A function that returns when a step ends, from its beginning and its own stated end, if any."""


def sources(record: PatientRecord) -> tuple[OpioidResource, ...]:
    """Return every resource about a medication that is or may be an opioid, without those entered in error."""
    return tuple(
        OpioidResource(resource, kind, record.reference(resource), medication)
        for kind in KINDS
        for resource in record.of_type(kind)
        if resource.get("status") != "entered-in-error" and (medication := medication_of(record, resource))
    )


def exclusion_reason(source: OpioidResource, *, dispensed: bool) -> str:
    """Return why a resource is no evidence of systemic intake, naming the element; empty if it is evidence."""
    resource, status = source.resource, source.resource.get("status")
    if source.dosages and all(map(is_spinal, source.dosages)):
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
    return {
        ("MedicationDispense", "cancelled"): "status: never handed over",
        ("MedicationDispense", "declined"): "status: never handed over",
        ("MedicationStatement", "not-taken"): "status: not taken",
        ("MedicationAdministration", "not-done"): "status: not given",
    }.get((source.kind, str(status)), "")


def read_excluded(record: PatientRecord, source: OpioidResource, reason: str) -> Prescription:
    """Read a resource that is excluded for this reason."""
    start = _start(record, source, ())
    still = source.resource.get("status") == "active"
    taken = _prescription(
        source,
        unknown_sig(record, source.dosages, start, reason),
        start,
        lambda begin, _: _open_ended(begin) if still else begin,
    )
    return replace(taken, counted=False)


def read_prescription(
    record: PatientRecord, source: OpioidResource, handed_over: Sequence[DateInterval], as_of: date
) -> Prescription:
    """Read a MedicationRequest. `handed_over` are the days of its dispenses."""
    resource, status = source.resource, source.resource.get("status")
    start = _start(record, source, handed_over)
    request = _as_object(resource.get("dispenseRequest"))
    supply = StatedSupply(request.get("quantity"), request.get("expectedSupplyDuration"), "dispenseRequest")
    sig = _sig(record, source, start, supply)
    refills = number(request.get("numberOfRepeatsAllowed")) or 0
    length = _supply_days(source, sig.dose, supply)
    if length is not None:
        length = length * Interval(exactly(1).low, exactly(1 + refills).high)
    valid_until = parse_period(request.get("validityPeriod"), record.zone)[1]
    updated = record.when(_as_object(resource.get("meta")).get("lastUpdated"))

    def ends(begin: DateInterval, stated: DateInterval | None) -> DateInterval:
        planned = stated
        if planned is None and length is not None:
            planned = last_days(start, length)
            if planned.latest < begin.latest:
                # The supply does not last until this step, so the duration of the step is unknown.
                planned = DateInterval(planned.earliest, last_days(begin, length).latest)
        if planned is None and valid_until is not None:
            # It may be dispensed until then; how long that supply lasts is unknown.
            sure = plus(begin.earliest, CalendarPeriod(DAYS_WITHOUT_END - 1, "days"))
            planned = DateInterval(min(sure, valid_until.earliest), valid_until.latest)
        return _order_end(status, start, begin, planned, updated)

    stale = status == "active" and not handed_over and start.latest < plus(as_of, STALE_AFTER)
    reported = is_reported(resource)
    sure = status in _TAKEN and resource.get("intent") in _ORDER_INTENTS and not stale and not reported
    return replace(
        _prescription(source, sig, start, ends),
        upper_bound_only=not sure,
        reported=reported,
        by_supply=length is not None and status in _RUNS_OUT and all(step.end is None for step in sig.steps),
        may_have_ended=status not in _RUNS_OUT,
        replaces=reference_name(record, resource.get("priorPrescription"), resource),
    )


def read_dispense(
    record: PatientRecord, source: OpioidResource, order: Prescription | None, *, as_needed: bool, sure_until: date
) -> Prescription:
    """Read a MedicationDispense. The dose is that of its `order`, else its own, else its quantity per day.

    The lower bound lasts until the supply runs out, but no longer than `sure_until`.
    """
    resource = source.resource
    handed_over = record.when(resource.get("whenHandedOver"))
    start = _start(record, source, ())
    supply = StatedSupply(resource.get("quantity"), resource.get("daysSupply"), "MedicationDispense")
    if order is not None and source.medication.product is None:
        source = replace(source, medication=order.medication)
    sig = _sig(record, source, start, supply)
    if order is not None and (not sig.problem or sig.may_be_dispensed):
        sig = known_sig(order.dose, start)
    elif as_needed and not sig.problem:
        sig = known_sig(Interval(NO_DOSE_KNOWN.low, sig.dose.high), start)
    length = _supply_days(source, sig.dose, supply)

    def ends(begin: DateInterval, stated: DateInterval | None) -> DateInterval:
        last = last_days(begin, length) if length is not None else stated or _open_ended(begin)
        return DateInterval(min(last.earliest, sure_until), last.latest)

    return replace(
        _prescription(source, sig, start, ends),
        upper_bound_only=resource.get("status") != "completed" or handed_over is None,
        by_supply=length is not None,
    )


def read_statement(record: PatientRecord, source: OpioidResource) -> Prescription:
    """Read a MedicationStatement: a report of what is or was taken."""
    resource = source.resource
    start = _start(record, source, ())
    last = parse_period(resource.get("effectivePeriod"), record.zone)[1]
    updated = record.when(_as_object(resource.get("meta")).get("lastUpdated"))
    over = resource.get("status") in ("completed", "stopped")

    def ends(begin: DateInterval, stated: DateInterval | None) -> DateInterval:
        if found := last or stated:
            return found
        return (
            DateInterval(begin.earliest, max(begin.latest, updated.latest)) if over and updated else _open_ended(begin)
        )

    sig = _sig(record, source, start, StatedSupply(None, None, ""))
    return replace(_prescription(source, sig, start, ends), upper_bound_only=True)


def read_administration(record: PatientRecord, source: OpioidResource) -> Prescription:
    """Read a MedicationAdministration: one dose, given in a facility unless its category says otherwise."""
    start = _start(record, source, ())
    last = parse_period(source.resource.get("effectivePeriod"), record.zone)[1]
    sig = _sig(record, source, start, StatedSupply(None, None, ""))
    product = source.medication.product
    if product is not None and (not sig.problem or sig.may_be_dispensed):
        try:
            dosage = source.dosages[0] if source.dosages else {}
            sig = known_sig(single_dose_mme(dosage, product), start)
        except UnconvertibleError as error:
            sig = unknown_sig(record, (), start, str(error))
    taken = _prescription(source, sig, start, lambda begin, _: DateInterval(begin.earliest, (last or begin).latest))
    outside = has_code(source.resource.get("category"), *_OUTPATIENT)
    return replace(taken, upper_bound_only=True, in_hospital=not outside)


def is_reported(resource: Resource) -> bool:
    """Return whether a MedicationRequest is what the patient is said to take, and not an order.

    US Core lists home medication with the intent `plan`, with or without `reported[x]`.
    """
    said = resource.get("reportedBoolean") is True or bool(resource.get("reportedReference"))
    return said or resource.get("intent") == "plan"


def handed_over_on(record: PatientRecord, source: OpioidResource) -> DateInterval | None:
    """Return the day on which a dispense reached the patient."""
    return record.when(source.resource.get("whenHandedOver"))


def is_taken_as_needed(source: OpioidResource) -> bool:
    """Return whether any of its instructions is as needed."""
    return any(map(is_as_needed, source.dosages))


def reference_name(record: PatientRecord, reference: Json, within: Resource) -> str:
    """Return the reference to the target of a Reference, whether or not it is in the chart; empty if there is none."""
    target = record.resolve(reference, within)
    if target is not None:
        return record.reference(target)
    name = _as_object(reference).get("reference")
    return name if isinstance(name, str) else ""


def _sig(record: PatientRecord, source: OpioidResource, start: DateInterval, supply: StatedSupply) -> Sig:
    if not record.is_usable(source.resource, *_DECISIVE_ELEMENTS[source.kind]):
        return unknown_sig(record, source.dosages, start, record.quarantined[source.reference])
    product = source.medication.product
    if product is None:
        return unknown_sig(record, source.dosages, start, source.medication.problem, may_be_dispensed=True)
    return read_sig(record, source.dosages, product, start, supply)


def _prescription(source: OpioidResource, sig: Sig, start: DateInterval, ends: _End) -> Prescription:
    return Prescription(
        source.reference,
        source.kind,
        source.medication,
        sig.dose,
        start,
        tuple(Stretch(step.dose, step.start, ends(step.start, step.end)) for step in sig.steps),
        problem=sig.problem,
        in_hospital=_is_in_hospital(source.resource),
        may_be_dispensed=sig.may_be_dispensed,
    )


def _is_in_hospital(resource: Resource) -> bool:
    category = resource.get("category")
    if has_code(category, *_OUTPATIENT):
        return False
    text = " ".join((concept_text(category), *(coding.code for coding in codings(category)))).lower()
    return any(word in text for word in _IN_HOSPITAL)


def _start(record: PatientRecord, source: OpioidResource, handed_over: Sequence[DateInterval]) -> DateInterval:
    """Return the start by the first element that states one."""
    resource = source.resource
    if source.kind == "MedicationDispense":
        return record.when(resource.get("whenHandedOver")) or record.when(resource.get("whenPrepared")) or UNKNOWN_DAY
    if source.kind != "MedicationRequest":
        begun = parse_period(resource.get("effectivePeriod"), record.zone)[0]
        return begun or record.when(resource.get("effectiveDateTime")) or UNKNOWN_DAY
    valid = _as_object(resource.get("dispenseRequest")).get("validityPeriod")
    stated = stated_start(record, source.dosages) or parse_period(valid, record.zone)[0]
    if stated is not None:
        return stated
    written = record.when(resource.get("authoredOn"))
    if handed_over:
        # Earlier dispenses may be missing, so for the upper bound it may have begun when it was written.
        first = min(handed_over, key=lambda when: (when.earliest, when.latest))
        return DateInterval(min(first.earliest, written.earliest), first.latest) if written else first
    return written or UNKNOWN_DAY


def _supply_days(source: OpioidResource, dose: Interval, supply: StatedSupply) -> Interval | None:
    """Return how many days the supply lasts: as stated, else quantity by dose; None if unknown."""
    try:
        if supply.duration is not None:
            return exactly(days(supply.duration, supply.element))
        if source.medication.product is not None and supply.quantity is not None:
            return days_of_quantity(supply.quantity, source.medication.product, dose, supply.element)
    except UnconvertibleError:
        return None
    return None


def _order_end(
    status: Json, start: DateInterval, begin: DateInterval, planned: DateInterval | None, updated: DateInterval | None
) -> DateInterval:
    """Return the last days of a step that begins on `begin` in an order that begins on `start`.

    They depend on the order's status, its planned end, and its last change.
    """
    changed = updated.latest if updated else date.max
    if status in ("stopped", "cancelled"):
        latest = min(planned.latest if planned else date.max, changed)
        return DateInterval(start.earliest, max(begin.latest, latest))
    if status == "completed" and (planned is None or planned.latest == date.max):
        return DateInterval(planned.earliest if planned else begin.earliest, max(begin.latest, changed))
    if planned is not None:
        return planned
    return DateInterval(plus(begin.earliest, CalendarPeriod(DAYS_WITHOUT_END - 1, "days")), date.max)


def _open_ended(begin: DateInterval) -> DateInterval:
    return DateInterval(begin.earliest, date.max)


def _as_object(value: Json) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
