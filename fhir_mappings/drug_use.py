"""Whether a drug is taken on a day, and where its end is on record.

A record shows use if it is in force: an active prescription whose supply, with its refills, has not run out or that
states no end; a dispense whose days of supply have not run out; a report of what is taken. FHIR R4 has no day on which
a prescription ended, so one that is `completed` or `stopped` shows no use from then on, and only a stated stop is an
end: see `endings`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from fhir_mappings.codings import CodeMatcher, items
from fhir_mappings.dates import CalendarPeriod, DateInterval, is_within, later, parse_period
from fhir_mappings.days_covered import carried_over
from fhir_mappings.drug_exposure import supplies
from fhir_mappings.fhir_json import Resource
from fhir_mappings.medications import ELEMENTS, KINDS, date_of, is_left_out, took_effect
from fhir_mappings.opioids.endings import Ending, ending_of
from fhir_mappings.opioids.quantities import number
from fhir_mappings.prescribed_drugs import Drug, drug_of
from fhir_mappings.record import Evidence, PatientRecord
from fhir_mappings.supply_days import supply_days
from fhir_mappings.truth import Truth

_ELEMENTS = ("statusReason", "meta", "dosageInstruction", "dosage", "daysSupply", "quantity", "dispenseRequest")


@dataclass(frozen=True, slots=True)
class Use:
    """Whether a record shows that a drug is taken on a day; `since` is the day of the record.

    `ingredient` is the drug as the value set calls it, empty if it is not known what the drug is.
    """

    ingredient: str
    taken: Truth
    since: DateInterval | None
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Stop:
    """A stated end of a drug: when it was, and whether it is certain. A drug may be taken again after it."""

    ingredient: str
    when: DateInterval | None
    is_certain: bool
    evidence: Evidence


def uses(record: PatientRecord, codes: CodeMatcher, day: date, open_for: CalendarPeriod) -> tuple[Use, ...]:
    """Return the records of these drugs, and of drugs that cannot be identified, with whether they show use on a day.

    `open_for` is how long a prescription or report without a stated end shows use, from its own day on.
    """
    found = []
    dispensed = [each for each in supplies(record, codes) if each.kind == "MedicationDispense"]
    used_up = {each.evidence.reference: days[1] for each, days in carried_over(dispensed)}
    ends = _ends(stops(record, codes), day)
    for resource in record.of_type(*KINDS):
        drug = drug_of(record, resource)
        match = drug.match(codes)
        if is_left_out(resource) or (match is None and drug.is_identified):
            continue
        reference = record.reference(resource)
        taken, why = _in_force(record, resource, drug, day, open_for, used_up.get(reference))
        usable = record.is_usable(resource, *ELEMENTS, *_ELEMENTS)
        if taken is Truth.YES and not (usable and match is not None and match.decides and took_effect(resource)):
            taken = Truth.UNKNOWN
            why = "set aside" if not usable else "cannot be identified" if match is None else "to be confirmed"
        ingredient, since = match.label if match else "", date_of(record, resource)
        if taken is not Truth.NO and ingredient in ends and (ended := ends[ingredient].of(since)) is not Truth.NO:
            taken, why = (Truth.NO, "stopped") if ended is Truth.YES else (Truth.UNKNOWN, "stopped, perhaps before")
        label = drug.label or ingredient or next((coding.code for coding in drug.codes), "Medication")
        found.append(Use(ingredient, taken, since, Evidence(reference, label, str(since or ""), why)))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _Ends:
    """The stated ends of one drug by a day: what began before `certain` is over, what began by `possible` may be."""

    certain: date
    possible: date

    def of(self, since: DateInterval | None) -> Truth:
        """Return whether a use since then has ended."""
        if since is not None and since.latest < self.certain:
            return Truth.YES
        return Truth.UNKNOWN if since is None or since.earliest <= self.possible else Truth.NO


def _ends(found: Iterable[Stop], day: date) -> Mapping[str, _Ends]:
    ends: dict[str, _Ends] = {}
    for stop in found:
        if stop.when is None or stop.when.earliest > day:
            continue
        known = ends.get(stop.ingredient, _Ends(date.min, date.min))
        over = stop.when.earliest if stop.is_certain and stop.when.latest <= day else date.min
        ends[stop.ingredient] = _Ends(max(known.certain, over), max(known.possible, min(stop.when.latest, day)))
    return ends


def stops(record: PatientRecord, codes: CodeMatcher) -> tuple[Stop, ...]:
    """Return the stated ends of these drugs: prescriptions stopped for a reason, and reports that it is not taken."""
    found = []
    for resource in record.of_type("MedicationRequest", "MedicationStatement"):
        if not _is_stop(resource) or resource.get("doNotPerform") is True:
            continue
        drug = drug_of(record, resource)
        if (match := drug.match(codes)) is None:
            continue
        certain = record.is_usable(resource, *ELEMENTS, *_ELEMENTS) and match.decides
        when = _stopped_on(record, resource)
        evidence = Evidence(record.reference(resource), drug.label or match.label, str(when or ""), "stopped")
        found.append(Stop(match.label, when, certain, evidence))
    return tuple(found)


def _is_stop(resource: Resource) -> bool:
    status = resource.get("status")
    if resource["resourceType"] == "MedicationStatement":
        return status in ("stopped", "not-taken")
    return status == "stopped" and ending_of(resource) is Ending.STOPPED


def _stopped_on(record: PatientRecord, resource: Resource) -> DateInterval | None:
    """Return when a drug was stopped: the end that is stated, else between its own day and the last change of it."""
    _, end = parse_period(resource.get("effectivePeriod"), record.zone)
    if end is not None:
        return end
    if (said := record.when(resource.get("dateAsserted"))) is not None:
        return said
    begun = date_of(record, resource)
    meta = resource.get("meta")
    changed = record.when(meta.get("lastUpdated")) if isinstance(meta, Mapping) else None
    if begun is None or resource["resourceType"] == "MedicationStatement":
        return begun
    return DateInterval(begun.earliest, max(begun.latest, changed.latest if changed else record.today))


def _in_force(
    record: PatientRecord,
    resource: Resource,
    drug: Drug,
    day: date,
    open_for: CalendarPeriod,
    used_up: date | None,
) -> tuple[Truth, str]:
    """Return whether a record is in force on a day, and what it says.

    `used_up` is the last day of what was dispensed, None if that is not known.
    """
    since, status = date_of(record, resource), str(resource.get("status") or "")
    if since is not None and since.earliest > day:
        return Truth.NO, "later"
    if resource["resourceType"] == "MedicationDispense":
        return _dispensed(status, since, used_up, day, open_for)
    last, is_end = _last_day(record, resource, drug)
    if status in ("completed", "stopped"):
        is_left = status == "completed" and last is not None and last >= day
        return Truth.UNKNOWN if is_left else Truth.NO, status
    if status != "active":
        return Truth.UNKNOWN, status
    if last is None:
        confirmed = record.when(resource.get("dateAsserted")) or since
        is_recent = confirmed is not None and is_within(confirmed, open_for, day) is Truth.YES
        return (Truth.YES, "active") if is_recent else (Truth.UNKNOWN, "active, not confirmed since")
    if last >= day:
        return Truth.YES, "active"
    return (Truth.NO, f"until {last}") if is_end else (Truth.UNKNOWN, "active, supply used up")


def _dispensed(
    status: str, since: DateInterval | None, used_up: date | None, day: date, open_for: CalendarPeriod
) -> tuple[Truth, str]:
    if status == "completed" and used_up is not None:
        return Truth.of(used_up >= day), f"supply until {used_up}"
    is_recent = since is None or is_within(since, open_for, day) is not Truth.NO
    return Truth.UNKNOWN if is_recent else Truth.NO, "dispensed, days of supply not known"


def _last_day(record: PatientRecord, resource: Resource, drug: Drug) -> tuple[date | None, bool]:
    """Return the last day that an active record states, and whether that is its end rather than that of its supply.

    The supply of a prescription is that of all its refills.
    """
    if resource["resourceType"] == "MedicationStatement":
        _, end = parse_period(resource.get("effectivePeriod"), record.zone)
        return (end.latest if end else None), True
    dosages = list(items(resource.get("dosageInstruction")))
    bounds = [parse_period(repeat.get("boundsPeriod"), record.zone)[1] for repeat in _repeats(dosages)]
    if bounds and all(bounds):
        return max(end.latest for end in bounds if end), True
    supply = supply_days(record, resource, dosages, drug.strength)
    if supply.first is None or supply.last is None:
        return None, False
    refills = number(next(iter(items(resource.get("dispenseRequest"))), {}).get("numberOfRepeatsAllowed")) or 0
    length = (supply.last - supply.first.latest).days + 1
    return later(supply.last, length * int(min(refills, _MOST_REFILLS))), False


_MOST_REFILLS = 99


def _repeats(dosages: Sequence[Resource]) -> list[Resource]:
    return [
        each for dosage in dosages for timing in items(dosage.get("timing")) for each in items(timing.get("repeat"))
    ]
