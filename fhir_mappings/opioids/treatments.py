"""Resources that belong together, such as an order and its dispenses, read together so that they count once."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import reduce

from msgspec import Struct
from msgspec.structs import replace

from fhir_mappings.codings import items
from fhir_mappings.dates import CalendarPeriod, DateInterval, plus
from fhir_mappings.opioids.denials import Denial, applies, read_denial
from fhir_mappings.opioids.orders import read_dispense, read_order
from fhir_mappings.opioids.prescriptions import (
    Prescription,
    read_administration,
    read_excluded,
    read_statement,
)
from fhir_mappings.opioids.quantities import Interval
from fhir_mappings.opioids.sources import (
    OpioidResource,
    exclusion_reason,
    handed_over_on,
    identifier_names,
    is_taken_as_needed,
    reference_name,
)
from fhir_mappings.record import PatientRecord

STALE_AFTER = CalendarPeriod(-12, "months")
"""An active order that is older than this and was never dispensed may no longer be in use."""


class Treatment(Struct, frozen=True, eq=False):
    """An order with its dispenses, or dispenses or reports without an order; the highest dose counts on any day.

    `leading` is the order, else the first dispense or report. `supply` are the last days of its last supply, None if it
    goes on without a stated end.
    """

    prescriptions: tuple[Prescription, ...]
    leading: Prescription
    supply: DateInterval | None
    is_acute: bool = False

    @property
    def is_dispense(self) -> bool:
        """Return whether it is known by its dispenses only."""
        return self.leading.kind == "MedicationDispense"


@dataclass(frozen=True, slots=True)
class OpioidChart:
    """Every opioid of a chart: treatments at home, hospital orders, what is denied, and all of them as lines."""

    treatments: tuple[Treatment, ...]
    in_hospital: tuple[Prescription, ...]
    denials: tuple[Denial, ...]
    lines: tuple[Prescription, ...]


def read_opioids(record: PatientRecord, found: Sequence[OpioidResource], as_of: date) -> OpioidChart:
    """Read the resources about a medication that is or may be an opioid, as known on `as_of`."""
    stale_before = plus(as_of, STALE_AFTER)
    treatments: list[Treatment] = []
    in_hospital: list[Prescription] = []
    denials: list[Denial] = []
    lines: list[Prescription] = []
    for group in _groups(record, found):
        counted, excluded = _read_together(record, group, stale_before)
        denials += [denial for one in group if (denial := read_denial(record, one, counted)) is not None]
        if counted and counted[0].in_hospital:
            in_hospital += counted
        elif counted:
            treatments.append(Treatment(counted, counted[0], last_supply(counted)))
        lines += [*_as_lines(counted), *excluded]
    denied = _denied(treatments, denials)
    return OpioidChart(
        tuple([treatment for treatment in treatments if treatment.leading.reference not in denied]),
        tuple(in_hospital),
        tuple(denials),
        tuple([_counted_with(one, denied[one.reference]) if one.reference in denied else one for one in lines]),
    )


def _denied(treatments: Sequence[Treatment], denials: Sequence[Denial]) -> dict[str, str]:
    """Return the order or dispense that each denial is about: a stop is no intake beside that which it ends."""
    if not denials:
        return {}
    taken = [one.leading for one in treatments if one.leading.kind in ("MedicationRequest", "MedicationDispense")]
    found = {}
    for denial in denials:
        about = next((one.reference for one in taken if applies(denial, one)), None)
        if about is not None:
            found[denial.reference] = about
    return found


def _counted_with(one: Prescription, reference: str) -> Prescription:
    return replace(one, counted=False, problem=f"counted with {reference}")


def last_supply(prescriptions: Sequence[Prescription]) -> DateInterval | None:
    """Return the last days of the last supply: of the last dispense, with the refills still allowed; None if open."""
    if len(prescriptions) == 1:
        return prescriptions[0].supply
    dispensed = [one.supply for one in prescriptions if one.kind == "MedicationDispense" and one.supply]
    ordered = [one.supply for one in prescriptions if one.kind != "MedicationDispense"]
    known = [supply for supply in ordered if supply is not None]
    if dispensed:
        return DateInterval(
            max(supply.earliest for supply in dispensed), max(supply.latest for supply in (*dispensed, *known))
        )
    if len(known) != len(ordered) or not known:
        return None
    return DateInterval(max(supply.earliest for supply in known), max(supply.latest for supply in known))


def _as_lines(counted: Sequence[Prescription]) -> Iterable[Prescription]:
    """Yield the lines of a treatment; only its leading line, and others without an upper bound, count."""
    for position, one in enumerate(counted):
        if position and not one.problem:
            yield _counted_with(one, counted[0].reference)
        else:
            yield one


def _read_together(
    record: PatientRecord, group: Sequence[OpioidResource], stale_before: date
) -> tuple[tuple[Prescription, ...], tuple[Prescription, ...]]:
    """Return the prescriptions of a group that count, the leading one first, and the excluded ones.

    The order determines the dose of its dispenses. Dispenses determine when it began, and its dose if the order states
    none. A report counts only if nothing was ordered or dispensed.
    """
    if len(group) == 1 and group[0].kind == "MedicationRequest":
        return _read_alone(record, group[0], stale_before)
    dispensed = [
        one for one in group if one.kind == "MedicationDispense" and not exclusion_reason(one, dispensed=False)
    ]
    reasons = [(one, exclusion_reason(one, dispensed=bool(dispensed))) for one in group]
    excluded = [read_excluded(record, one, reason) for one, reason in reasons if reason]
    rest = [one for one, reason in reasons if not reason]
    handed_over = [when for one in dispensed if (when := handed_over_on(record, one)) is not None]

    requests = [one for one in rest if one.kind == "MedicationRequest"]
    orders = [read_order(record, one, handed_over, stale_before) for one in requests]
    dose_order = next((order for order in orders if not order.problem and not order.reported), None)
    as_needed = any(map(is_taken_as_needed, requests))
    # Nothing is dispensed on a stopped order, so it was not stopped before its last dispense.
    ended = any(order.status not in ("active", "completed") for order in orders)
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
    excluded += [_counted_with(one, taken[0].reference) for one in reports]
    for one in taken:
        one.in_hospital = taken[0].in_hospital
    return tuple(taken), tuple(excluded)


def _read_alone(
    record: PatientRecord, source: OpioidResource, stale_before: date
) -> tuple[tuple[Prescription, ...], tuple[Prescription, ...]]:
    """Read an order without dispenses and reports, as most are."""
    if reason := exclusion_reason(source, dispensed=False):
        return (), (read_excluded(record, source, reason),)
    return (read_order(record, source, (), stale_before),), ()


def _with_dose(order: Prescription, dose: Interval) -> Prescription:
    if not order.may_be_dispensed:
        return order
    stretches = tuple(stretch._replace(dose=dose) for stretch in order.stretches)
    return replace(order, dose=dose, stretches=stretches, problem="")


# --- grouping --------------------------------------------------------------------------------------------------------

_BELONGS_TO = {
    "MedicationRequest": ("basedOn",),
    "MedicationDispense": ("authorizingPrescription",),
    "MedicationStatement": ("basedOn", "derivedFrom", "partOf"),
    "MedicationAdministration": ("request",),
}


def _names(record: PatientRecord, source: OpioidResource) -> Iterable[str]:
    """Yield the references to a resource and to what it belongs to, and their identifiers."""
    if source.reference != source.kind:
        yield source.reference
    yield from identifier_names(source.resource)
    for member in _BELONGS_TO[source.kind]:
        for reference in items(source.resource.get(member)):
            yield from identifier_names(reference)
            if str(reference.get("reference")).startswith("#"):
                # The id of a contained resource is its own within this resource only.
                yield from identifier_names(record.resolve(reference, source.resource))
            elif name := reference_name(record, reference, source.resource):
                yield name


class _Group(Struct):
    """The positions of resources that belong together, and the ingredient of those that say of which they are."""

    positions: list[int]
    ingredient: str | None


def _groups(record: PatientRecord, found: Sequence[OpioidResource]) -> list[list[OpioidResource]]:
    """Return groups of resources that share a name, if they are of one opioid or one of them does not say of which."""
    group_of = [_Group([position], _ingredient(source)) for position, source in enumerate(found)]
    positions_of: dict[str, list[int]] = {}
    for position, source in enumerate(found):
        for name in _names(record, source):
            positions_of.setdefault(name, []).append(position)
    for name in sorted([name for name, positions in positions_of.items() if len(positions) > 1]):
        first, *others = positions_of[name]
        for other in others:
            small, large = sorted((group_of[first], group_of[other]), key=lambda group: len(group.positions))
            if small is not large and (small.ingredient or large.ingredient) == (large.ingredient or small.ingredient):
                large.positions += small.positions
                large.ingredient = large.ingredient or small.ingredient
                for position in small.positions:
                    group_of[position] = large
    groups = {id(group): sorted(group.positions) for group in group_of}
    return [[found[position] for position in group] for group in sorted(groups.values())]


def _ingredient(source: OpioidResource) -> str | None:
    product = source.medication.product
    return product.ingredient_rxcui if product is not None else None
