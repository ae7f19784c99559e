"""How long a drug was taken by mouth, as proven by dispenses, prescriptions with a period, and reports.

A drug that is taken as needed, is not taken by mouth, or has no end date proves no duration; its supply is uncertain.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from fhir_mappings.codings import SNOMED, CodeMatcher, codings, concept_text, items
from fhir_mappings.dates import CalendarPeriod, DateInterval, parse_period, plus
from fhir_mappings.fhir_json import Json, Resource
from fhir_mappings.medications import drug_codings
from fhir_mappings.opioids.dose import is_as_needed
from fhir_mappings.opioids.quantities import number
from fhir_mappings.record import Evidence, PatientRecord

_ORAL = "26643006"
_BY_MOUTH = re.compile(r"\boral(?:ly)?\b|\bby mouth\b|\bp\.?o\b|\btablets?\b|\bcapsules?\b", re.IGNORECASE)
_NOT_BY_MOUTH = re.compile(
    r"\b(?:topical|gel|cream|ointment|patch|transdermal|ophthalmic|eye|drops?|nasal|inject\w*|rectal|suppositor\w*)\b",
    re.IGNORECASE,
)
_NOT_EVERY_DAY = re.compile(
    r"\b(?:bi-?)?weekly\b|\bmonthly\b|\b(?:a|per|each|every) (?:week|month)\b|\bevery (?:other|\d+|two|three) days?\b",
    re.IGNORECASE,
)
_DAYS = ("d", "day", "days")
_UNITS_PER_DAY = {"s": 86_400, "min": 1_440, "h": 24, "d": 1}
"""How many of each unit make a day."""


@dataclass(frozen=True, slots=True)
class Supply:
    """One supply of a drug: its first and last day, both inclusive, or None if it proves none."""

    days: tuple[date, date] | None
    evidence: Evidence


def supplies(record: PatientRecord, codes: CodeMatcher) -> tuple[Supply, ...]:
    """Return every supply of these drugs: dispensed, prescribed for a period, or reported as taken."""
    found = []
    for resource in record.of_type("MedicationDispense", "MedicationRequest", "MedicationStatement"):
        drugs, by_name = drug_codings(record, resource)
        match = codes(drugs) or codes(by_name)
        if match is None or resource.get("status") in _NEVER or resource.get("doNotPerform") is True:
            continue
        first, last = _READERS[resource["resourceType"]](record, resource)
        is_certain = (
            record.is_usable(resource, *_ELEMENTS)
            and resource.get("status") in _TAKEN
            and resource.get("intent") not in ("proposal", "option")
            and match.decides
            and codes(drugs) is not None
            and _is_by_mouth_each_day(record, resource)
        )
        exact = first is not None and last is not None and first.earliest == first.latest and first.latest <= last
        days = (first.latest, last) if is_certain and exact and first and last else None
        shown = f"{first} to {last}" if first and last else str(first or "")
        found.append(Supply(days, Evidence(record.reference(resource), match.label, shown, "" if days else _NO_DAYS)))
    return tuple(found)


_NO_DAYS = "days taken not told"
_NEVER = ("entered-in-error", "draft", "cancelled", "declined", "not-taken")
_TAKEN = ("completed", "active", "stopped")
_ELEMENTS = (
    "medication",
    "status",
    "intent",
    "subject",
    "dosageInstruction",
    "dosage",
    "daysSupply",
    "whenHandedOver",
    "whenPrepared",
    "effective",
    "doNotPerform",
)


def _dispensed(record: PatientRecord, resource: Resource) -> tuple[DateInterval | None, date | None]:
    first = record.when(resource.get("whenHandedOver")) or record.when(resource.get("whenPrepared"))
    supply = resource.get("daysSupply")
    supplied = number(supply.get("value")) if isinstance(supply, dict) else None
    unit = (supply.get("code") or supply.get("unit") or "d") if isinstance(supply, dict) else ""
    if first is None or supplied is None or unit not in _DAYS or supplied < 1 or resource.get("status") == "stopped":
        return first, None
    return first, plus(first.latest, CalendarPeriod(int(supplied) - 1, "days"))


def _prescribed(record: PatientRecord, resource: Resource) -> tuple[DateInterval | None, date | None]:
    """Return the period of a prescription if it has one; several instructions may be alternatives."""
    periods = [
        parse_period(repeat.get("boundsPeriod"), record.zone)
        for dosage in items(resource.get("dosageInstruction"))
        for timing in items(dosage.get("timing"))
        for repeat in items(timing.get("repeat"))
    ]
    first, last = periods[0] if len(periods) == 1 else (record.when(resource.get("authoredOn")), None)
    return first, last.earliest if last and resource.get("status") != "stopped" else None


def _reported(record: PatientRecord, resource: Resource) -> tuple[DateInterval | None, date | None]:
    first, last = parse_period(resource.get("effectivePeriod"), record.zone)
    return first, last.earliest if last else None


_READERS = {"MedicationDispense": _dispensed, "MedicationRequest": _prescribed, "MedicationStatement": _reported}


def _is_by_mouth_each_day(record: PatientRecord, resource: Resource) -> bool:
    dosages = [*items(resource.get("dosageInstruction")), *items(resource.get("dosage"))]
    instructions = " / ".join(text for dosage in dosages if isinstance(text := dosage.get("text"), str))
    routes = [dosage["route"] for dosage in dosages if dosage.get("route")]
    # The order states how often the drug is taken; a dispense need not repeat that.
    targets = [record.resolve(each, within=resource) for each in items(resource.get("authorizingPrescription"))]
    for target in {id(target): target for target in targets if target is not None}.values():
        dosages += items(target.get("dosageInstruction"))
    if any(is_as_needed(dosage) or _skips_days(dosage) for dosage in dosages):
        return False
    if routes:
        return all(_is_oral(route) for route in routes)
    text = " / ".join([instructions, *_names(record, resource)])
    return bool(_BY_MOUTH.search(text)) and not _NOT_BY_MOUTH.search(text)


def _skips_days(dosage: Resource) -> bool:
    """Return whether a drug is, or may be, taken on some days only."""
    if isinstance(text := dosage.get("text"), str) and _NOT_EVERY_DAY.search(text):
        return True
    repeats = [repeat for timing in items(dosage.get("timing")) for repeat in items(timing.get("repeat"))]
    return any(repeat.get("dayOfWeek") or not _is_within_a_day(repeat) for repeat in repeats)


def _is_within_a_day(repeat: Resource) -> bool:
    unit, longest = repeat.get("periodUnit"), repeat.get("periodMax", repeat.get("period", 1))
    if unit is None:
        return True
    period = number(longest)
    return period is not None and isinstance(unit, str) and period <= _UNITS_PER_DAY.get(unit, 0)


def _is_oral(route: Json) -> bool:
    codes = [coding for coding in codings(route) if coding.system == SNOMED]
    return all(coding.code == _ORAL for coding in codes) if codes else bool(_BY_MOUTH.search(concept_text(route)))


def _names(record: PatientRecord, resource: Resource) -> Iterator[str]:
    product = record.resolve(resource.get("medicationReference"), within=resource) or {}
    for concept in (resource.get("medicationCodeableConcept"), product.get("code"), product.get("form")):
        yield concept_text(concept)
        yield from (coding.display for coding in codings(concept))


def longest_stretch(taken: Iterable[tuple[date, date]], until: date) -> tuple[date, date] | None:
    """Return the longest run of days without a gap in these supplies, up to a day; None if there is none."""
    runs: list[tuple[date, date]] = []
    for first, last in sorted((first, min(last, until)) for first, last in taken if first <= until):
        if runs and first <= runs[-1][1] + timedelta(days=1):
            runs[-1] = (runs[-1][0], max(runs[-1][1], last))
        else:
            runs.append((first, last))
    return max(runs, key=lambda run: run[1] - run[0], default=None)
