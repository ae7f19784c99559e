"""Opioid orders, dispenses, statements, and administrations as doses over time.

Each becomes stretches: a dose per day, the days on which it may have begun, and the days on which it may have ended. If
in doubt, the lower bound decreases and the upper bound increases. What a record says about the time after it is for
`ends` to judge.
"""

from collections.abc import Callable, Sequence
from datetime import date
from functools import partial
from typing import NamedTuple, TypeAlias

from msgspec import Struct

from fhir_mappings.codings import codings, concept_text, has_code, plain_codes
from fhir_mappings.dates import DateInterval, parse_period
from fhir_mappings.fhir_json import Json
from fhir_mappings.opioids.dose import single_dose_mme
from fhir_mappings.opioids.endings import Ending, ending_of
from fhir_mappings.opioids.instructions import as_object
from fhir_mappings.opioids.medication import OpioidMedication
from fhir_mappings.opioids.procedure_pain import is_for_procedure
from fhir_mappings.opioids.quantities import Interval, UnconvertibleError
from fhir_mappings.opioids.sig import (
    NO_SUPPLY,
    Sig,
    StatedSupply,
    known_sig,
    read_sig,
    stated_start,
    unknown_sig,
)
from fhir_mappings.opioids.sources import (
    DECISIVE_ELEMENTS,
    OpioidResource,
    outlasts_a_day,
    prescriber_names,
)
from fhir_mappings.record import PatientRecord

DAYS_WITHOUT_END = 30
"""How many days an active order without an end is certain to last, and how long a supply of unknown length lasts."""

UNKNOWN_DAY = DateInterval(date.min, date.max)

ENDED = ("completed", "stopped", "cancelled")
"""The statuses of what is over."""

_IN_HOSPITAL = ("inpatient", "perioperative", "anesthesia", "intraoperative")
_OUTPATIENT = ("outpatient", "community", "discharge")


class Stretch(NamedTuple):
    """One dose in MME per day, the days on which it may have begun, and those on which it may have ended.

    `planned` is the earliest last day had nothing stopped it.
    """

    dose: Interval
    start: DateInterval
    end: DateInterval
    planned: date


class Prescription(Struct, eq=False):
    """One resource as doses over time, which never changes once it is read.

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
    is_short_term: Callable[[], bool] = bool
    """Read whether it was written at discharge or for a procedure, which matters for few prescriptions."""
    ending: Ending = Ending.NONE
    is_change_dated: bool = False
    """Whether the day of its last change is known, which is that of its end if it has ended."""
    prescribers: Callable[[], frozenset[str]] = frozenset
    """Read who prescribed it, which matters for few prescriptions."""
    replaces: str = ""
    """The reference to the order that it replaces."""
    replaces_words: str = ""
    """The words, in lower case, by which it names a drug that it replaces."""

    last_day: date = date.max
    """The last day on which any of it may have been taken, by this record alone."""

    def __post_init__(self) -> None:
        self.last_day = max([stretch.end.latest for stretch in self.stretches])

    @property
    def signature(self) -> tuple[object, ...]:
        """Return what a prescription and its renewal share: the content of the product and the dose."""
        return *self.medication.content, *self.dose.ratios


_End: TypeAlias = Callable[[DateInterval, DateInterval | None], tuple[DateInterval, date]]
"""Returns when a step ends, and the earliest planned last day, from its beginning and its own stated end, if any."""


def read_excluded(record: PatientRecord, source: OpioidResource, reason: str) -> Prescription:
    """Read a resource that is excluded for this reason."""
    start = start_of(record, source, ())
    still = source.resource.get("status") == "active"
    found = prescription_of(
        record,
        source,
        unknown_sig(record, source.instructions, start, reason),
        start,
        lambda begin, _: (open_ended(begin) if still else begin, begin.earliest),
    )
    found.counted = False
    return found


def read_statement(record: PatientRecord, source: OpioidResource) -> Prescription:
    """Read a MedicationStatement: a report of what is or was taken."""
    resource = source.resource
    start = start_of(record, source, ())
    last = parse_period(resource.get("effectivePeriod"), record.zone)[1]
    changed = record.when(as_object(resource.get("meta")).get("lastUpdated"))
    over = resource.get("status") in ENDED

    def ends(begin: DateInterval, said: DateInterval | None) -> tuple[DateInterval, date]:
        found = last or said
        if found is None and over and changed:
            found = DateInterval(begin.earliest, max(begin.latest, changed.latest))
        found = found or open_ended(begin)
        return found, found.earliest

    found = prescription_of(record, source, sig_of(record, source, start, NO_SUPPLY), start, ends)
    found.upper_bound_only = found.reported = True
    found.stated_supply = last
    found.supply = None if found.last_day == date.max else DateInterval(found.last_day, found.last_day)
    found.can_be_filled_until = found.last_day
    return found


def read_administration(record: PatientRecord, source: OpioidResource) -> Prescription:
    """Read a MedicationAdministration: one dose, given in a facility unless its category says otherwise."""
    start = start_of(record, source, ())
    last = parse_period(source.resource.get("effectivePeriod"), record.zone)[1]
    sig = sig_of(record, source, start, NO_SUPPLY)
    product = source.medication.product
    if product is not None and (not sig.problem or sig.may_be_dispensed):
        try:
            dosage = source.instructions[0].dosage if source.instructions else {}
            sig = known_sig(single_dose_mme(dosage, product), start)
        except UnconvertibleError as error:
            sig = unknown_sig(record, (), start, str(error))

    def ends(begin: DateInterval, _: DateInterval | None) -> tuple[DateInterval, date]:
        return DateInterval(begin.earliest, (last or begin).latest), begin.earliest

    found = prescription_of(record, source, sig, start, ends)
    outside = has_code(source.resource.get("category"), *_OUTPATIENT)
    found.in_hospital = not outside and not outlasts_a_day(source.medication)
    found.upper_bound_only = found.is_single_dose = True
    found.stated_supply = found.supply = DateInterval(found.last_day, found.last_day)
    found.can_be_filled_until = found.last_day
    return found


def sig_of(record: PatientRecord, source: OpioidResource, start: DateInterval, supply: StatedSupply) -> Sig:
    """Return the doses that a resource states; unknown ones if it does not follow FHIR, or names no product."""
    if not record.is_usable(source.resource, *DECISIVE_ELEMENTS[source.kind]):
        return unknown_sig(record, source.instructions, start, record.quarantined[source.reference])
    product = source.medication.product
    if product is None:
        return unknown_sig(record, source.instructions, start, source.medication.problem, may_be_dispensed=True)
    return read_sig(record, source.instructions, product, start, supply)


def prescription_of(
    record: PatientRecord, source: OpioidResource, sig: Sig, start: DateInterval, ends: _End
) -> Prescription:
    """Return a resource with its doses, each with the end that `ends` gives it."""
    resource = source.resource
    category = resource.get("category")
    codes = plain_codes(category)
    return Prescription(
        source.reference,
        source.kind,
        source.medication,
        sig.dose,
        start,
        tuple([Stretch(step.dose, step.start, *ends(step.start, step.end)) for step in sig.steps]),
        status=str(resource.get("status")),
        problem=sig.problem,
        in_hospital=codes.isdisjoint(_OUTPATIENT) and _is_in_hospital(category),
        may_be_dispensed=sig.may_be_dispensed,
        is_single_dose=bool(source.instructions) and all(one.said.is_single_dose for one in source.instructions),
        is_short_term=lambda: "discharge" in codes or is_for_procedure(record, resource),
        ending=ending_of(resource),
        is_change_dated=bool(as_object(resource.get("meta")).get("lastUpdated")),
        prescribers=partial(prescriber_names, record, source),
    )


def _is_in_hospital(category: Json) -> bool:
    if not category:
        return False
    text = " ".join((concept_text(category), *(coding.code for coding in codings(category)))).lower()
    return any(word in text for word in _IN_HOSPITAL)


def start_of(record: PatientRecord, source: OpioidResource, handed_over: Sequence[DateInterval]) -> DateInterval:
    """Return the start by the first element that states one."""
    resource = source.resource
    if source.kind == "MedicationDispense":
        return record.when(resource.get("whenHandedOver")) or record.when(resource.get("whenPrepared")) or UNKNOWN_DAY
    if source.kind != "MedicationRequest":
        begun = parse_period(resource.get("effectivePeriod"), record.zone)[0]
        return begun or record.when(resource.get("effectiveDateTime")) or UNKNOWN_DAY
    valid = as_object(resource.get("dispenseRequest")).get("validityPeriod")
    stated = stated_start(source.instructions) or parse_period(valid, record.zone)[0]
    if stated is not None:
        return stated
    written = record.when(resource.get("authoredOn"))
    if handed_over:
        # Earlier dispenses may be missing, so for the upper bound it may have begun when it was written.
        first = min(handed_over, key=lambda when: (when.earliest, when.latest))
        return DateInterval(min(first.earliest, written.earliest), first.latest) if written else first
    fillable = max((day for one in source.instructions if (day := one.said.fill_date) is not None), default=None)
    if written and fillable and fillable > written.latest:
        # Such a prescription is often one of several for the coming months.
        return DateInterval(written.earliest, fillable)
    return written or UNKNOWN_DAY


def open_ended(begin: DateInterval) -> DateInterval:
    """Return the last days of what has no stated end."""
    return DateInterval(begin.earliest, date.max)
