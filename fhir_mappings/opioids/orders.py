"""Orders and dispenses of opioids: their doses, and until when their supply lasts."""

from collections.abc import Sequence
from datetime import date
from fractions import Fraction

from msgspec.structs import replace

from fhir_mappings.dates import CalendarPeriod, DateInterval, later, parse_period, plus
from fhir_mappings.opioids.dose import days_of_quantity
from fhir_mappings.opioids.endings import Ending, are_to_stop, instructions_in_words, replaced_in_words
from fhir_mappings.opioids.instructions import as_object
from fhir_mappings.opioids.prescriptions import (
    DAYS_WITHOUT_END,
    ENDED,
    Prescription,
    open_ended,
    prescription_of,
    sig_of,
    start_of,
)
from fhir_mappings.opioids.quantities import Interval, UnconvertibleError, days, exactly, number
from fhir_mappings.opioids.sig import NO_DOSE_KNOWN, Sig, StatedSupply, as_stated, known_sig, last_days
from fhir_mappings.opioids.sources import OpioidResource, is_reported, reference_name
from fhir_mappings.opioids.table import Product
from fhir_mappings.record import PatientRecord
from fhir_mappings.short_texts import Kept

FILLED_WITHIN = CalendarPeriod(6, "months")
"""How long after its date a prescription can be filled at most: schedules III and IV (21 CFR 1306.22)."""

_ORDER_INTENTS = ("order", "original-order", "filler-order", "instance-order", "reflex-order")
_TAKEN = ("active", "completed", "stopped", "cancelled")
_BROKEN_OFF = ("stopped", "cancelled")


def read_order(
    record: PatientRecord, source: OpioidResource, handed_over: Sequence[DateInterval], stale_before: date
) -> Prescription:
    """Read a MedicationRequest. `handed_over` are the days of its dispenses.

    An active one without a dispense that began before `stale_before` may no longer be in use.
    """
    resource, status = source.resource, source.resource.get("status")
    start = start_of(record, source, handed_over)
    request = as_object(resource.get("dispenseRequest"))
    stated = as_stated(request.get("quantity"), request.get("expectedSupplyDuration"), "dispenseRequest")
    sig = sig_of(record, source, start, stated)
    refills = number(request.get("numberOfRepeatsAllowed"))
    fills = 1 + refills if refills else None
    length, full_length = _supply_days(source, sig.dose, stated)
    supplied = _all_fills(start, length, fills)
    supplied_in_full = supplied if full_length is length else _all_fills(start, full_length, fills)
    valid_until = parse_period(request.get("validityPeriod"), record.zone)[1]
    is_over = status in ENDED
    changed = record.when(as_object(resource.get("meta")).get("lastUpdated")) if is_over else None

    def ends(begin: DateInterval, said: DateInterval | None) -> tuple[DateInterval, date]:
        planned = said or supplied
        if said is None and supplied is not None and supplied.latest < begin.latest:
            # The supply does not last until this step, so the duration of the step is unknown.
            from_here = _all_fills(begin, length, fills) or supplied
            planned = DateInterval(supplied.earliest, from_here.latest)
        if planned is None:
            sure = later(begin.earliest, DAYS_WITHOUT_END - 1)
            planned = DateInterval(min(sure, valid_until.earliest) if valid_until else sure, date.max)
        last = _latest_end(planned, changed, start) if is_over else planned.latest
        sure = start.earliest if status in _BROKEN_OFF else planned.earliest
        if status == "completed" and said is None and length is None:
            sure = begin.earliest
        return DateInterval(sure, max(begin.latest, last)), planned.earliest

    found = prescription_of(record, source, sig, start, ends)
    stated_supply = _supply(sig, supplied_in_full)
    supply = stated_supply
    if supply is None and valid_until is not None:
        supply = last_days(start, exactly(DAYS_WITHOUT_END))
        supply = DateInterval(supply.earliest, max(supply.latest, valid_until.latest))
    stale = status == "active" and not handed_over and start.latest < stale_before
    reported = is_reported(resource)
    in_words = instructions_in_words(resource)
    is_mistake = found.ending is Ending.MISTAKE
    was_begun = status in _TAKEN and resource.get("intent") in _ORDER_INTENTS and not reported and not is_mistake
    # A report that was stopped is over; nobody renews it. So is a supply that is to be stopped when it is used up.
    is_stopped = (reported and status == "stopped" and found.ending is Ending.RECORD) or (
        supply is not None and are_to_stop(in_words)
    )
    found.upper_bound_only = not was_begun or stale
    found.was_begun = was_begun
    found.is_stale = stale
    found.reported = reported
    found.stated_supply = stated_supply
    found.supply = _supply_of_ended(found, supply, changed) if is_over else supply
    found.can_be_filled_until = _last_fill(found, supply, reported=reported)
    found.replaces = reference_name(record, resource.get("priorPrescription"), resource)
    found.replaces_words = replaced_in_words(resource, in_words)
    if is_stopped:
        found.ending = Ending.STOPPED
    return found


def read_dispense(
    record: PatientRecord, source: OpioidResource, order: Prescription | None, *, as_needed: bool, sure_until: date
) -> Prescription:
    """Read a MedicationDispense. The dose is that of its `order`, else its own, else its quantity per day.

    The lower bound lasts until the supply runs out, but no longer than `sure_until`.
    """
    resource = source.resource
    handed_over = record.when(resource.get("whenHandedOver"))
    start = start_of(record, source, ())
    stated = as_stated(resource.get("quantity"), resource.get("daysSupply"), "MedicationDispense")
    if order is not None and source.medication.product is None:
        source = replace(source, medication=order.medication)
    sig = sig_of(record, source, start, stated)
    if order is not None and (not sig.problem or sig.may_be_dispensed):
        sig = known_sig(order.dose, start)
    elif as_needed and not sig.problem:
        sig = known_sig(Interval(NO_DOSE_KNOWN.low, sig.dose.high), start)
    length, full_length = _supply_days(source, sig.dose, stated)

    def ends(begin: DateInterval, said: DateInterval | None) -> tuple[DateInterval, date]:
        last = last_days(begin, length) if length is not None else said or open_ended(begin)
        return DateInterval(min(last.earliest, sure_until), last.latest), last.earliest

    supply = last_days(start, full_length) if full_length is not None else _supply(sig, None)
    was_begun = resource.get("status") == "completed" and handed_over is not None
    found = prescription_of(record, source, sig, start, ends)
    found.upper_bound_only = not was_begun
    found.was_begun = was_begun
    found.stated_supply = supply
    found.supply = supply or last_days(start, exactly(DAYS_WITHOUT_END))
    found.can_be_filled_until = supply.latest if supply else plus(start.latest, FILLED_WITHIN)
    return found


# --- supply ----------------------------------------------------------------------------------------------------------


def _supply_days(
    source: OpioidResource, dose: Interval, supply: StatedSupply
) -> tuple[Interval | None, Interval | None]:
    """Return how many days the supply lasts, and how many if it is taken as often as the instructions allow."""
    if not supply.content:
        return None, None
    product = source.medication.product
    return _SUPPLY_DAYS.of(supply.content, (product, dose), lambda: _read_supply_days(product, dose, supply))


_SUPPLY_DAYS: Kept[tuple[Interval | None, Interval | None]] = Kept()


def _read_supply_days(
    product: Product | None, dose: Interval, supply: StatedSupply
) -> tuple[Interval | None, Interval | None]:
    length = _lasting(product, dose, supply)
    if supply.duration is not None or dose.is_exact or dose.high is None:
        return length, length
    return length, _lasting(product, exactly(dose.high), supply)


def _all_fills(start: DateInterval, length: Interval | None, fills: Fraction | None) -> DateInterval | None:
    """Return the last days of a supply that begins on `start`, filled once or up to `fills` times; None if unknown."""
    if length is None:
        return None
    if fills is not None:
        length = Interval(length.low, None if length.high is None else length.high * fills)
    return last_days(start, length)


def _lasting(product: Product | None, dose: Interval, supply: StatedSupply) -> Interval | None:
    """Return how many days the supply lasts: as stated, else quantity by dose; None if unknown."""
    try:
        if supply.duration is not None:
            return exactly(days(supply.duration, supply.element))
        if product is not None and supply.quantity is not None:
            return days_of_quantity(supply.quantity, product, dose, supply.element)
    except UnconvertibleError:
        return None
    return None


def _supply(sig: Sig, supplied: DateInterval | None) -> DateInterval | None:
    """Return the last days by the instructions or by the supply, whichever is later; None if neither states any."""
    if supplied is None and len(sig.steps) == 1:
        return sig.steps[0].end
    ends = [step.end for step in sig.steps if step.end is not None]
    if len(ends) < len(sig.steps):
        return supplied
    found = [*ends, supplied] if supplied is not None else ends
    return (
        found[0]
        if len(found) == 1
        else DateInterval(max(end.earliest for end in found), max(end.latest for end in found))
    )


def _latest_end(planned: DateInterval, changed: DateInterval | None, start: DateInterval) -> date:
    """Return the last possible day of an order that has ended: as planned, or before its last change."""
    last = planned.latest if planned.latest != date.max else plus(start.latest, FILLED_WITHIN)
    return min(last, changed.latest) if changed else last


def _last_fill(found: Prescription, supply: DateInterval | None, *, reported: bool) -> date:
    """Return the last day of any supply; what is only reported has no prescription that expires."""
    if supply is not None:
        return supply.latest
    return found.last_day if reported else plus(found.start.latest, FILLED_WITHIN)


def _supply_of_ended(found: Prescription, supply: DateInterval | None, changed: DateInterval | None) -> DateInterval:
    """Return the last days of the supply of an order that has ended: from its first day on, if nothing tells."""
    if found.status == "completed" and supply is not None:
        return supply
    last = found.last_day
    if changed is not None or found.ending is Ending.STOPPED:
        return DateInterval(last, last)
    if supply is None:
        last = min(last, last_days(found.start, exactly(DAYS_WITHOUT_END)).latest)
    return DateInterval(min(found.start.earliest, last), last)
