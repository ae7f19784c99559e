"""Related prescriptions, grouped to regimens that count once."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import reduce

from fhir_mappings.codings import items
from fhir_mappings.opioids.prescriptions import (
    OpioidResource,
    Prescription,
    exclusion_reason,
    handed_over_on,
    is_taken_as_needed,
    read_administration,
    read_dispense,
    read_excluded,
    read_prescription,
    read_statement,
    reference_name,
)
from fhir_mappings.opioids.quantities import Interval
from fhir_mappings.record import PatientRecord


@dataclass(frozen=True, slots=True)
class Regimen:
    """One course of treatment: an order with its dispenses, of which the highest dose counts on any day."""

    prescriptions: tuple[Prescription, ...]

    @property
    def leading(self) -> Prescription:
        """Return the order, else the first dispense or statement."""
        return self.prescriptions[0]

    @property
    def fills(self) -> tuple[Prescription, ...]:
        """Return the dispenses, else the order."""
        dispensed = tuple(one for one in self.prescriptions if one.kind == "MedicationDispense")
        return dispensed or self.prescriptions


@dataclass(frozen=True, slots=True)
class OpioidChart:
    """Every opioid of a chart: the outpatient regimens, the hospital orders, and all of them as lines."""

    regimens: tuple[Regimen, ...]
    in_hospital: tuple[Prescription, ...]
    lines: tuple[Prescription, ...]


def read_opioids(record: PatientRecord, found: Sequence[OpioidResource], as_of: date) -> OpioidChart:
    """Read the resources about a medication that is or may be an opioid, as known on `as_of`."""
    regimens: list[Regimen] = []
    in_hospital: list[Prescription] = []
    lines: list[Prescription] = []
    for group in _groups(record, found):
        counted, excluded = _read_together(record, group, as_of)
        if counted and counted[0].in_hospital:
            in_hospital += counted
        elif counted:
            regimens.append(Regimen(counted))
        lines += [*_as_lines(counted), *excluded]
    return OpioidChart(tuple(regimens), tuple(in_hospital), tuple(lines))


def _as_lines(counted: Sequence[Prescription]) -> Iterable[Prescription]:
    """Yield the lines of a regimen; only its leading line, and others without an upper bound, count."""
    for position, one in enumerate(counted):
        if position and not one.problem:
            yield replace(one, counted=False, problem=f"counted with {counted[0].reference}")
        else:
            yield one


def _read_together(
    record: PatientRecord, group: Sequence[OpioidResource], as_of: date
) -> tuple[tuple[Prescription, ...], tuple[Prescription, ...]]:
    """Return the prescriptions of a group that count, the leading one first, and the excluded ones.

    The order determines the dose of its dispenses. Dispenses determine when it began, and its dose if the order states
    none. A report counts only if nothing was ordered or dispensed.
    """
    dispensed = [
        one for one in group if one.kind == "MedicationDispense" and not exclusion_reason(one, dispensed=False)
    ]
    reasons = [(one, exclusion_reason(one, dispensed=bool(dispensed))) for one in group]
    excluded = [read_excluded(record, one, reason) for one, reason in reasons if reason]
    rest = [one for one, reason in reasons if not reason]
    handed_over = [when for one in dispensed if (when := handed_over_on(record, one)) is not None]

    requests = [one for one in rest if one.kind == "MedicationRequest"]
    orders = [read_prescription(record, one, handed_over, as_of) for one in requests]
    dose_order = next((order for order in orders if not order.problem and not order.reported), None)
    as_needed = any(map(is_taken_as_needed, requests))
    # Nothing is dispensed on a stopped order, so it was not stopped before its last dispense.
    ended = any(order.may_have_ended for order in orders)
    sure_until = max((when.earliest for when in handed_over), default=date.min) if ended else date.max
    dispenses = [
        read_dispense(record, one, dose_order, as_needed=as_needed, sure_until=sure_until) for one in dispensed
    ]
    dispensed_doses = [one.dose for one in dispenses if not one.problem]
    if dose_order is None and dispensed_doses:
        orders = [_with_dose(order, reduce(Interval.hull, dispensed_doses)) for order in orders]

    reports = [order for order in orders if order.reported]
    reports += [read_statement(record, one) for one in rest if one.kind == "MedicationStatement"]
    reports += [read_administration(record, one) for one in rest if one.kind == "MedicationAdministration"]
    taken = [order for order in orders if not order.reported] + dispenses
    if not taken:
        return tuple(reports), tuple(excluded)
    excluded += [replace(one, counted=False, problem=f"counted with {taken[0].reference}") for one in reports]
    denied = any(one.resource.get("status") == "not-taken" for one in group)
    return tuple(
        replace(one, in_hospital=taken[0].in_hospital, upper_bound_only=one.upper_bound_only or denied) for one in taken
    ), tuple(excluded)


def _with_dose(order: Prescription, dose: Interval) -> Prescription:
    if not order.may_be_dispensed:
        return order
    stretches = tuple(replace(stretch, dose=dose) for stretch in order.stretches)
    return replace(order, dose=dose, stretches=stretches, problem="")


# --- grouping --------------------------------------------------------------------------------------------------------

_BELONGS_TO = {
    "MedicationRequest": ("basedOn",),
    "MedicationDispense": ("authorizingPrescription",),
    "MedicationStatement": ("basedOn", "derivedFrom", "partOf"),
    "MedicationAdministration": ("request",),
}


def _names(record: PatientRecord, source: OpioidResource) -> Iterable[str]:
    """Yield the references to a resource and to what it belongs to, and its identifiers."""
    if source.reference != source.kind:
        yield source.reference
    for member in _BELONGS_TO[source.kind]:
        for reference in items(source.resource.get(member)):
            if name := reference_name(record, reference, source.resource):
                yield name
    for identifier in items(source.resource.get("identifier")):
        system, value = identifier.get("system"), identifier.get("value")
        if isinstance(system, str) and isinstance(value, str):
            yield f"{system}|{value}"


def _groups(record: PatientRecord, found: Sequence[OpioidResource]) -> list[list[OpioidResource]]:
    """Return groups of resources that share a name, if they are of one opioid or one of them does not say of which."""
    group_of = [[position] for position in range(len(found))]
    positions_of: dict[str, list[int]] = {}
    for position, source in enumerate(found):
        for name in _names(record, source):
            positions_of.setdefault(name, []).append(position)
    for name in sorted(positions_of):
        first, *others = positions_of[name]
        for other in others:
            mine, its = group_of[first], group_of[other]
            if mine is not its and all(_same_opioid(found[a], found[b]) for a in mine for b in its):
                joined = sorted(mine + its)
                for position in joined:
                    group_of[position] = joined
    return [[found[position] for position in group] for group in sorted({tuple(group) for group in group_of})]


def _same_opioid(one: OpioidResource, other: OpioidResource) -> bool:
    mine, its = one.medication.product, other.medication.product
    return mine is None or its is None or mine.ingredient_rxcui == its.ingredient_rxcui
