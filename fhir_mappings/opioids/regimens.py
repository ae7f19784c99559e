"""Prescriptions that belong together, as regimens that are counted once."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import reduce

from fhir_mappings.codings import items
from fhir_mappings.opioids.prescriptions import (
    OpioidResource,
    Prescription,
    handed_over_on,
    read_administration,
    read_dispense,
    read_left_out,
    read_prescription,
    read_statement,
    reference_name,
    says_as_needed,
    sources,
    why_left_out,
)
from fhir_mappings.opioids.quantities import Interval
from fhir_mappings.record import PatientRecord


@dataclass(frozen=True, slots=True)
class Regimen:
    """One course of treatment: an order with its dispenses, of which the highest counts on any day."""

    prescriptions: tuple[Prescription, ...]

    @property
    def leading(self) -> Prescription:
        """Return the order, else the first dispense or statement."""
        return self.prescriptions[0]

    @property
    def fills(self) -> tuple[Prescription, ...]:
        """Return what was handed over, else what was ordered."""
        dispensed = tuple(one for one in self.prescriptions if one.kind == "MedicationDispense")
        return dispensed or self.prescriptions


@dataclass(frozen=True, slots=True)
class OpioidChart:
    """Every opioid of a chart: the regimens outside hospital, what was ordered in hospital, and each as a line."""

    regimens: tuple[Regimen, ...]
    in_hospital: tuple[Prescription, ...]
    lines: tuple[Prescription, ...]


def read_opioids(record: PatientRecord, as_of: date) -> OpioidChart:
    """Read every resource that is or may be about an opioid, as known on `as_of`."""
    regimens: list[Regimen] = []
    in_hospital: list[Prescription] = []
    lines: list[Prescription] = []
    for group in _groups(record, sources(record)):
        counted, left_out = _read_together(record, group, as_of)
        if counted and counted[0].in_hospital:
            in_hospital += counted
        elif counted:
            regimens.append(Regimen(counted))
        lines += [*_as_lines(counted), *left_out]
    return OpioidChart(tuple(regimens), tuple(in_hospital), tuple(lines))


def _as_lines(counted: Sequence[Prescription]) -> Iterable[Prescription]:
    """A regimen as shown: its leading line counts, and any other that has no upper bound."""
    for position, one in enumerate(counted):
        if position and not one.problem:
            yield replace(one, counted=False, problem=f"counted with {counted[0].reference}")
        else:
            yield one


def _read_together(
    record: PatientRecord, group: Sequence[OpioidResource], as_of: date
) -> tuple[tuple[Prescription, ...], tuple[Prescription, ...]]:
    """The prescriptions of a group that count, the leading one first, and those left out.

    An order tells the dose of its dispenses; they tell when it began, and its dose where it does not say. What
    somebody reports counts only where nothing was ordered or dispensed.
    """
    dispensed = [one for one in group if one.kind == "MedicationDispense" and not why_left_out(one, dispensed=False)]
    reasons = [(one, why_left_out(one, dispensed=bool(dispensed))) for one in group]
    left_out = [read_left_out(record, one, reason) for one, reason in reasons if reason]
    rest = [one for one, reason in reasons if not reason]
    handed_over = [when for one in dispensed if (when := handed_over_on(record, one)) is not None]

    requests = [one for one in rest if one.kind == "MedicationRequest"]
    orders = [read_prescription(record, one, handed_over, as_of) for one in requests]
    telling = next((order for order in orders if not order.problem and not order.reported), None)
    as_needed = any(map(says_as_needed, requests))
    # Nothing is dispensed on an order that was stopped: up to its last dispense it was not.
    ended = any(order.may_have_ended for order in orders)
    sure_until = max((when.earliest for when in handed_over), default=date.min) if ended else date.max
    dispenses = [read_dispense(record, one, telling, as_needed=as_needed, sure_until=sure_until) for one in dispensed]
    told = [one.dose for one in dispenses if not one.problem]
    if telling is None and told:
        orders = [_with_dose(order, reduce(Interval.hull, told)) for order in orders]

    said = [order for order in orders if order.reported]
    said += [read_statement(record, one) for one in rest if one.kind == "MedicationStatement"]
    said += [read_administration(record, one) for one in rest if one.kind == "MedicationAdministration"]
    taken = [order for order in orders if not order.reported] + dispenses
    if not taken:
        return tuple(said), tuple(left_out)
    left_out += [replace(one, counted=False, problem=f"counted with {taken[0].reference}") for one in said]
    denied = any(one.resource.get("status") == "not-taken" for one in group)
    return tuple(
        replace(one, in_hospital=taken[0].in_hospital, upper_bound_only=one.upper_bound_only or denied) for one in taken
    ), tuple(left_out)


def _with_dose(order: Prescription, dose: Interval) -> Prescription:
    if not order.may_be_dispensed:
        return order
    stretches = tuple(replace(stretch, dose=dose) for stretch in order.stretches)
    return replace(order, dose=dose, stretches=stretches, problem="")


# --- what belongs together -------------------------------------------------------------------------------------------

_BELONGS_TO = {
    "MedicationRequest": ("basedOn",),
    "MedicationDispense": ("authorizingPrescription",),
    "MedicationStatement": ("basedOn", "derivedFrom", "partOf"),
    "MedicationAdministration": ("request",),
}


def _names(record: PatientRecord, source: OpioidResource) -> Iterable[str]:
    """The names of a resource, of what it belongs to, and its identifiers."""
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
    """Resources that share a name, where they are of one opioid or one of them does not say of which."""
    group_of = [[position] for position in range(len(found))]
    bearers: dict[str, list[int]] = {}
    for position, source in enumerate(found):
        for name in _names(record, source):
            bearers.setdefault(name, []).append(position)
    for name in sorted(bearers):
        first, *others = bearers[name]
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
