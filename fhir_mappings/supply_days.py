"""The days that one supply of a drug covers, as stated or by its quantity and dose."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from fhir_mappings.codings import items
from fhir_mappings.dates import CalendarPeriod, DateInterval, parse_period, plus
from fhir_mappings.fhir_json import Json, Resource
from fhir_mappings.nsaids import NsaidProduct
from fhir_mappings.opioids.quantities import Amount, AmountKind, UnconvertibleError, amount, days
from fhir_mappings.opioids.timing import frequency
from fhir_mappings.record import PatientRecord

_INTERRUPTED = {"stopped": "stopped early, last day not on record", "on-hold": "on hold"}
"""Why the days of a supply are not known by its status."""

_NOT_STATED = "days of supply not stated"
_LONGEST = 366
"""How many days one supply covers at most; a larger number is a mistake."""


@dataclass(frozen=True, slots=True)
class SupplyDays:
    """The first day of a supply, and its last one, inclusive, or why that is not known."""

    first: DateInterval | None
    last: date | None
    problem: str = ""


def supply_days(
    record: PatientRecord, resource: Resource, dosages: Sequence[Resource], product: NsaidProduct | None
) -> SupplyDays:
    """Return the days of a request, dispense, or statement; `dosages` are its own or those of the prescription."""
    if resource["resourceType"] == "MedicationStatement":
        return _reported(record, resource)
    if resource["resourceType"] == "MedicationDispense":
        first = record.when(resource.get("whenHandedOver")) or record.when(resource.get("whenPrepared"))
        stated, supplied = resource.get("daysSupply"), resource.get("quantity")
    else:
        first, last, bounds = _bounds(record, resource)
        if last is not None and resource.get("status") not in _INTERRUPTED:
            return SupplyDays(first, last.earliest)
        dispensing = next(items(resource.get("dispenseRequest")), {})
        stated = bounds or dispensing.get("expectedSupplyDuration")
        supplied = dispensing.get("quantity")
    if interrupted := _INTERRUPTED.get(str(resource.get("status"))):
        return SupplyDays(first, None, interrupted)
    count = _stated_days(stated) if stated is not None else _days_of_quantity(supplied, dosages, product)
    if first is None or count is None:
        return SupplyDays(first, None, _NOT_STATED if count is None else "first day not stated")
    return SupplyDays(first, plus(first.latest, CalendarPeriod(count - 1, "days")))


def _bounds(record: PatientRecord, resource: Resource) -> tuple[DateInterval | None, DateInterval | None, Json]:
    """Return start, end, and Duration of a prescription's only instruction; several may be alternatives."""
    repeats = [
        repeat
        for dosage in items(resource.get("dosageInstruction"))
        for timing in items(dosage.get("timing"))
        for repeat in items(timing.get("repeat"))
    ]
    written = record.when(resource.get("authoredOn"))
    if len(repeats) != 1:
        return written, None, None
    start, end = parse_period(repeats[0].get("boundsPeriod"), record.zone)
    return start or written, end, repeats[0].get("boundsDuration")


def _reported(record: PatientRecord, resource: Resource) -> SupplyDays:
    """Return the days of a statement: its period, up to the day it was made if it has no end."""
    first, last = parse_period(resource.get("effectivePeriod"), record.zone)
    if first is None:
        return SupplyDays(record.when(resource.get("effectiveDateTime")), None, "days taken not stated")
    if last is None and resource.get("status") == "active":
        last = record.when(resource.get("dateAsserted"))
    return SupplyDays(first, last.earliest) if last else SupplyDays(first, None, "last day not stated")


def _stated_days(duration: Json) -> int | None:
    """Return the whole days of a Duration, which are days if it has no unit; None if it cannot be read."""
    if isinstance(duration, dict) and not (duration.get("code") or duration.get("unit")):
        duration = {**duration, "unit": "d"}
    try:
        return _sensible(days(duration, "duration"))
    except UnconvertibleError:
        return None


def _days_of_quantity(quantity: Json, dosages: Sequence[Resource], product: NsaidProduct | None) -> int | None:
    """Return for how many days a quantity lasts at least at its only dose; None if that cannot be told."""
    if len(dosages) != 1:
        return None
    try:
        supplied = _counted(amount(quantity, "quantity"), product)
        per_day = frequency(dosages[0].get("timing")).per_day.high
        dose = _largest_dose(dosages[0], product)
    except UnconvertibleError:
        return None
    if per_day is None or not per_day or not dose.value or dose.kind is not supplied.kind:
        return None
    return _sensible(supplied.value / (dose.value * per_day))


def _largest_dose(dosage: Resource, product: NsaidProduct | None) -> Amount:
    doses = list(items(dosage.get("doseAndRate")))
    if len(doses) != 1:
        raise UnconvertibleError("doseAndRate is missing, or there are several")
    in_range = next(items(doses[0].get("doseRange")), {})
    return _counted(amount(doses[0].get("doseQuantity") or in_range.get("high"), "dose"), product)


def _counted(given: Amount, product: NsaidProduct | None) -> Amount:
    """Return an amount as tablets or milliliters: a bare number is one of tablets, a mass is converted by strength."""
    if given.kind is AmountKind.BARE:
        return Amount(given.value, AmountKind.UNITS)
    if given.kind is not AmountKind.MILLIGRAMS:
        return given
    kind = {"MG": AmountKind.UNITS, "MG/ML": AmountKind.MILLILITERS}.get(product.unit if product else "")
    if product is None or kind is None:
        raise UnconvertibleError("the strength is not known")
    return Amount(given.value / product.strength, kind)


def _sensible(count: Fraction) -> int | None:
    whole = math.floor(count)
    return whole if 1 <= whole <= _LONGEST else None
