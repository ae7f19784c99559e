"""Opioid orders, dispenses, statements, and administrations as doses over time.

Each becomes stretches: a dose per day, the days on which it may have begun, and the days on which it may have ended. If
in doubt, the lower bound decreases and the upper bound increases. What a record says about the time after it is for
`ends` to judge.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, TypeAlias

from fhir_mappings.codings import codings, concept_text, has_code
from fhir_mappings.dates import CalendarPeriod, DateInterval, parse_period, plus
from fhir_mappings.fhir_json import Json, Resource
from fhir_mappings.opioids.dose import days_of_quantity, single_dose_mme
from fhir_mappings.opioids.endings import Ending, ending_of, is_to_stop, replaced_in_words
from fhir_mappings.opioids.medication import OpioidMedication
from fhir_mappings.opioids.procedure_pain import is_for_procedure
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
from fhir_mappings.opioids.single_dose import is_single_dose
from fhir_mappings.opioids.sources import (
    DECISIVE_ELEMENTS,
    OpioidResource,
    is_reported,
    prescriber_names,
    reference_name,
)
from fhir_mappings.record import PatientRecord

DAYS_WITHOUT_END = 30
"""How many days an active order without an end is certain to last, and how long a supply of unknown length lasts."""

STALE_AFTER = CalendarPeriod(-12, "months")
"""An active order that is older than this and was never dispensed may no longer be in use."""

FILLED_WITHIN = CalendarPeriod(6, "months")
"""How long after its date a prescription can be filled at most: schedules III and IV (21 CFR 1306.22)."""

UNKNOWN_DAY = DateInterval(date.min, date.max)

_ORDER_INTENTS = ("order", "original-order", "filler-order", "instance-order", "reflex-order")
_TAKEN = ("active", "completed", "stopped", "cancelled")
_ENDED = ("completed", "stopped", "cancelled")
_BROKEN_OFF = ("stopped", "cancelled")
_IN_HOSPITAL = ("inpatient", "perioperative", "anesthesia", "intraoperative")
_OUTPATIENT = ("outpatient", "community", "discharge")


@dataclass(frozen=True, slots=True)
class Stretch:
    """One dose in MME per day, the days on which it may have begun, and those on which it may have ended.

    `planned` is the earliest last day had nothing stopped it.
    """

    dose: Interval
    start: DateInterval
    end: DateInterval
    planned: date


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
    status: str = ""
    problem: str = ""
    counted: bool = True
    in_hospital: bool = False
    upper_bound_only: bool = False
    reported: bool = False
    was_begun: bool = False
    """Whether it is certain to have been begun."""
    is_stale: bool = False
    """Whether it is so old, without a dispense, that it may not be in use any more."""
    may_be_dispensed: bool = False
    """Whether the dispenses may determine the dose instead."""
    stated_supply: DateInterval | None = None
    """The last days of its supply as stated, taken as often as the instructions allow: without any refill, and with
    all."""
    supply: DateInterval | None = None
    """The same, but ended where the record has, and estimated where nothing is stated; None if it goes on."""
    can_be_filled_until: date = date.max
    """The last day of any supply, by what is stated, else by law."""
    is_single_dose: bool = False
    is_short_term: bool = False
    """Whether it was written at discharge or for a procedure."""
    ending: Ending = Ending.NONE
    is_change_dated: bool = False
    """Whether the day of its last change is known, which is that of its end if it has ended."""
    prescribers: frozenset[str] = frozenset()
    replaces: str = ""
    """The reference to the order that it replaces."""
    replaces_words: str = ""
    """The words, in lower case, by which it names a drug that it replaces."""

    @property
    def last_day(self) -> date:
        """Return the last day on which any of it may have been taken, by this record alone."""
        return max(stretch.end.latest for stretch in self.stretches)

    @property
    def signature(self) -> tuple[object, ...]:
        """Return what a prescription and its renewal share: the content of the product and the dose."""
        product = self.medication.product
        return (*self.medication.drug, *((product.strength, product.unit) if product else ()), self.dose)


_End: TypeAlias = Callable[[DateInterval, DateInterval | None], tuple[DateInterval, date]]
"""Returns when a step ends, and the earliest planned last day, from its beginning and its own stated end, if any."""


def read_excluded(record: PatientRecord, source: OpioidResource, reason: str) -> Prescription:
    """Read a resource that is excluded for this reason."""
    start = _start(record, source, ())
    still = source.resource.get("status") == "active"
    taken = _prescription(
        record,
        source,
        unknown_sig(record, source.dosages, start, reason),
        start,
        lambda begin, _: (_open_ended(begin) if still else begin, begin.earliest),
    )
    return replace(taken, counted=False)


def read_order(
    record: PatientRecord, source: OpioidResource, handed_over: Sequence[DateInterval], as_of: date
) -> Prescription:
    """Read a MedicationRequest. `handed_over` are the days of its dispenses."""
    resource, status = source.resource, source.resource.get("status")
    start = _start(record, source, handed_over)
    request = _as_object(resource.get("dispenseRequest"))
    stated = StatedSupply(request.get("quantity"), request.get("expectedSupplyDuration"), "dispenseRequest")
    sig = _sig(record, source, start, stated)
    fills = Interval(exactly(1).low, exactly(1 + (number(request.get("numberOfRepeatsAllowed")) or 0)).high)
    length, full_length = _supply_days(source, sig.dose, stated), _supply_days(source, _full(sig.dose), stated)
    valid_until = parse_period(request.get("validityPeriod"), record.zone)[1]
    changed = record.when(_as_object(resource.get("meta")).get("lastUpdated"))
    can_be_filled_until = plus(start.latest, FILLED_WITHIN)

    def ends(begin: DateInterval, said: DateInterval | None) -> tuple[DateInterval, date]:
        planned = said
        if planned is None and length is not None:
            planned = last_days(start, length * fills)
            if planned.latest < begin.latest:
                # The supply does not last until this step, so the duration of the step is unknown.
                planned = DateInterval(planned.earliest, last_days(begin, length * fills).latest)
        if planned is None:
            sure = plus(begin.earliest, CalendarPeriod(DAYS_WITHOUT_END - 1, "days"))
            planned = DateInterval(min(sure, valid_until.earliest) if valid_until else sure, date.max)
        last = _latest_end(planned, changed, can_be_filled_until) if status in _ENDED else planned.latest
        sure = start.earliest if status in _BROKEN_OFF else planned.earliest
        if status == "completed" and said is None and length is None:
            sure = begin.earliest
        return DateInterval(sure, max(begin.latest, last)), planned.earliest

    found = _prescription(record, source, sig, start, ends)
    stated_supply = _supply(sig, last_days(start, full_length * fills) if full_length is not None else None)
    supply = stated_supply
    if supply is None and valid_until is not None:
        supply = last_days(start, exactly(DAYS_WITHOUT_END))
        supply = DateInterval(supply.earliest, max(supply.latest, valid_until.latest))
    stale = status == "active" and not handed_over and start.latest < plus(as_of, STALE_AFTER)
    reported = is_reported(resource)
    was_begun = status in _TAKEN and resource.get("intent") in _ORDER_INTENTS and not reported
    return replace(
        found,
        upper_bound_only=not was_begun or stale,
        was_begun=was_begun,
        is_stale=stale,
        reported=reported,
        stated_supply=stated_supply,
        supply=_supply_of_ended(found, supply, changed) if status in _ENDED else supply,
        can_be_filled_until=supply.latest if supply else date.max if reported else can_be_filled_until,
        replaces=reference_name(record, resource.get("priorPrescription"), resource),
        replaces_words=replaced_in_words(resource),
        ending=Ending.STOPPED if supply is not None and is_to_stop(resource) else found.ending,
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
    stated = StatedSupply(resource.get("quantity"), resource.get("daysSupply"), "MedicationDispense")
    if order is not None and source.medication.product is None:
        source = replace(source, medication=order.medication)
    sig = _sig(record, source, start, stated)
    if order is not None and (not sig.problem or sig.may_be_dispensed):
        sig = known_sig(order.dose, start)
    elif as_needed and not sig.problem:
        sig = known_sig(Interval(NO_DOSE_KNOWN.low, sig.dose.high), start)
    length, full_length = _supply_days(source, sig.dose, stated), _supply_days(source, _full(sig.dose), stated)

    def ends(begin: DateInterval, said: DateInterval | None) -> tuple[DateInterval, date]:
        last = last_days(begin, length) if length is not None else said or _open_ended(begin)
        return DateInterval(min(last.earliest, sure_until), last.latest), last.earliest

    supply = last_days(start, full_length) if full_length is not None else _supply(sig, None)
    was_begun = resource.get("status") == "completed" and handed_over is not None
    return replace(
        _prescription(record, source, sig, start, ends),
        upper_bound_only=not was_begun,
        was_begun=was_begun,
        stated_supply=supply,
        supply=supply or last_days(start, exactly(DAYS_WITHOUT_END)),
        can_be_filled_until=supply.latest if supply else plus(start.latest, FILLED_WITHIN),
    )


def read_statement(record: PatientRecord, source: OpioidResource) -> Prescription:
    """Read a MedicationStatement: a report of what is or was taken."""
    resource = source.resource
    start = _start(record, source, ())
    last = parse_period(resource.get("effectivePeriod"), record.zone)[1]
    changed = record.when(_as_object(resource.get("meta")).get("lastUpdated"))
    over = resource.get("status") in _ENDED

    def ends(begin: DateInterval, said: DateInterval | None) -> tuple[DateInterval, date]:
        found = last or said
        if found is None and over and changed:
            found = DateInterval(begin.earliest, max(begin.latest, changed.latest))
        found = found or _open_ended(begin)
        return found, found.earliest

    found = _prescription(record, source, _sig(record, source, start, StatedSupply(None, None, "")), start, ends)
    ended = None if found.last_day == date.max else DateInterval(found.last_day, found.last_day)
    return replace(
        found,
        upper_bound_only=True,
        reported=True,
        stated_supply=last,
        supply=ended,
        can_be_filled_until=found.last_day,
    )


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

    def ends(begin: DateInterval, _: DateInterval | None) -> tuple[DateInterval, date]:
        return DateInterval(begin.earliest, (last or begin).latest), begin.earliest

    taken = _prescription(record, source, sig, start, ends)
    outside = has_code(source.resource.get("category"), *_OUTPATIENT)
    day = DateInterval(taken.last_day, taken.last_day)
    return replace(
        taken,
        upper_bound_only=True,
        in_hospital=not outside,
        is_single_dose=True,
        stated_supply=day,
        supply=day,
        can_be_filled_until=taken.last_day,
    )


def _sig(record: PatientRecord, source: OpioidResource, start: DateInterval, supply: StatedSupply) -> Sig:
    if not record.is_usable(source.resource, *DECISIVE_ELEMENTS[source.kind]):
        return unknown_sig(record, source.dosages, start, record.quarantined[source.reference])
    product = source.medication.product
    if product is None:
        return unknown_sig(record, source.dosages, start, source.medication.problem, may_be_dispensed=True)
    return read_sig(record, source.dosages, product, start, supply)


def _prescription(
    record: PatientRecord, source: OpioidResource, sig: Sig, start: DateInterval, ends: _End
) -> Prescription:
    resource = source.resource
    return Prescription(
        source.reference,
        source.kind,
        source.medication,
        sig.dose,
        start,
        tuple(Stretch(step.dose, step.start, *ends(step.start, step.end)) for step in sig.steps),
        status=str(resource.get("status")),
        problem=sig.problem,
        in_hospital=_is_in_hospital(resource),
        may_be_dispensed=sig.may_be_dispensed,
        is_single_dose=bool(source.dosages) and all(map(is_single_dose, source.dosages)),
        is_short_term=has_code(resource.get("category"), "discharge") or is_for_procedure(record, resource),
        ending=ending_of(resource),
        is_change_dated=bool(_as_object(resource.get("meta")).get("lastUpdated")),
        prescribers=prescriber_names(record, source),
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


# --- supply ----------------------------------------------------------------------------------------------------------


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


def _full(dose: Interval) -> Interval:
    """Return the highest dose that the instructions allow."""
    return dose if dose.high is None else Interval(dose.high, dose.high)


def _supply(sig: Sig, supplied: DateInterval | None) -> DateInterval | None:
    """Return the last days by the instructions or by the supply, whichever is later; None if neither states any."""
    ends = [step.end for step in sig.steps]
    found = [end for end in (*ends, supplied) if end is not None] if all(ends) else [supplied] if supplied else []
    if not found:
        return None
    return DateInterval(max(end.earliest for end in found), max(end.latest for end in found))


def _latest_end(planned: DateInterval, changed: DateInterval | None, can_be_filled_until: date) -> date:
    """Return the last possible day of an order that has ended: as planned, or before its last change."""
    last = planned.latest if planned.latest != date.max else can_be_filled_until
    return min(last, changed.latest) if changed else last


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


def _open_ended(begin: DateInterval) -> DateInterval:
    return DateInterval(begin.earliest, date.max)


def _as_object(value: Json) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
