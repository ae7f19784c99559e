"""The days that one supply of a drug covers, as stated or by its quantity and dose."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from fhir_mappings.codings import items
from fhir_mappings.daily_amount import Strength, counted, directions_of, most_a_day
from fhir_mappings.dates import CalendarPeriod, DateInterval, parse_period, plus
from fhir_mappings.fhir_json import Json, Resource
from fhir_mappings.opioids.quantities import UnconvertibleError, amount, days
from fhir_mappings.record import PatientRecord

_INTERRUPTED = {"stopped": "stopped early, last day not on record", "on-hold": "on hold"}
"""Why the days of a supply are not known by its status."""

_NOT_STATED = "days of supply not stated"
LONGEST = 366
"""How many days one supply covers at most; a larger number is a mistake."""


@dataclass(frozen=True, slots=True)
class SupplyDays:
    """The first day of a supply, and its last one, inclusive, or why that is not known."""

    first: DateInterval | None
    last: date | None
    problem: str = ""


def supply_days(
    record: PatientRecord, resource: Resource, dosages: Sequence[Resource], strength: Strength | None
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
        dispensing = next(iter(items(resource.get("dispenseRequest"))), {})
        stated = bounds or dispensing.get("expectedSupplyDuration")
        supplied = dispensing.get("quantity")
    if interrupted := _INTERRUPTED.get(str(resource.get("status"))):
        return SupplyDays(first, None, interrupted)
    count = _stated_days(stated) if stated is not None else _days_of_use(supplied, dosages, strength)
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
    """Return the days of a statement: its period, up to the day it was made if it has no end.

    How much of the period was taken is not known of what is on hold.
    """
    first, last = parse_period(resource.get("effectivePeriod"), record.zone)
    if resource.get("status") == "on-hold":
        return SupplyDays(first, None, _INTERRUPTED["on-hold"])
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
        return _sensible(math.floor(days(duration, "duration")))
    except UnconvertibleError:
        return None


def _days_of_use(quantity: Json, dosages: Sequence[Resource], strength: Strength | None) -> int | None:
    """Return for how many days the only dosage is at least followed, by the quantity or by words; None if untold."""
    if len(dosages) != 1:
        return None
    said = directions_of(dosages[0])
    found = [math.floor(said.days.low)] if said is not None and said.days is not None else []
    try:
        supplied, a_day = counted(amount(quantity, "quantity"), strength), most_a_day(dosages[0], strength)
        if supplied.kind is a_day.kind:
            found.append(math.floor(supplied.value / a_day.value))
    except UnconvertibleError:
        pass
    return _sensible(min(found)) if found else None


def _sensible(count: int) -> int | None:
    return count if 1 <= count <= LONGEST else None
