"""On which days a drug was taken, as proven by dispenses, prescriptions, and reports.

A drug that is taken as needed, or whose days are not stated, proves no duration; its supply is shown with the reason.
So is one that is not taken by mouth every day where the question is about that.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from fhir_mappings.codings import SNOMED, CodeMatcher, codings, concept_text, items
from fhir_mappings.daily_amount import directions_of
from fhir_mappings.dates import DateInterval, later
from fhir_mappings.fhir_json import Json, Resource
from fhir_mappings.medications import is_left_out, took_effect
from fhir_mappings.opioids.dose import is_as_needed
from fhir_mappings.opioids.endings import may_not_have_been_taken
from fhir_mappings.opioids.quantities import number
from fhir_mappings.opioids.sig_words import Directions
from fhir_mappings.prescribed_drugs import Drug, drug_of
from fhir_mappings.record import Evidence, PatientRecord
from fhir_mappings.supply_days import supply_days

_ORAL = "26643006"
_BY_MOUTH = re.compile(r"\boral(?:ly)?\b|\bby mouth\b|\bp\.?o\b|\btab(?:let)?s?\b|\bcap(?:sule)?s?\b", re.IGNORECASE)
_NOT_BY_MOUTH = re.compile(
    r"\b(?:topical|gel|cream|ointment|patch|transdermal|ophthalmic|eye|drops?|nasal|inject\w*|rectal|suppositor\w*)\b",
    re.IGNORECASE,
)
_NOT_EVERY_DAY = re.compile(
    r"\b(?:bi-?)?weekly\b|\bmonthly\b|\b(?:a|per|each|every) (?:week|month)\b|\bevery (?:other|\d+|two|three) days?\b",
    re.IGNORECASE,
)
_UNITS_PER_DAY = {"s": 86_400, "min": 1_440, "h": 24, "d": 1}
"""How many of each unit make a day."""


@dataclass(frozen=True, slots=True)
class Supply:
    """One supply of a drug: its first and last day, both inclusive, or None if it proves none.

    `ingredient` is the drug as the value set calls it, `kind` the resource type, `since` the first day if it is known.
    """

    ingredient: str
    kind: str
    since: DateInterval | None
    days: tuple[date, date] | None
    evidence: Evidence


def supplies(record: PatientRecord, codes: CodeMatcher, *, by_mouth: bool = False) -> tuple[Supply, ...]:
    """Return every supply of these drugs: dispensed, prescribed for some days, or reported as taken.

    With `by_mouth` only what is taken by mouth every day proves its days.
    """
    found = []
    for resource in record.of_type("MedicationDispense", "MedicationRequest", "MedicationStatement"):
        drug = drug_of(record, resource)
        match = drug.match(codes)
        if match is None or is_left_out(resource):
            continue
        dosages = [*items(resource.get("dosageInstruction")), *items(resource.get("dosage"))]
        ordered = [*dosages, *_ordered_dosages(record, resource)]
        covered = supply_days(record, resource, dosages or ordered, drug.strength)
        first, last = covered.first, covered.last
        problem = (
            _doubt(record, resource, drug, codes, decides=match.decides)
            or _as_needed(ordered)
            or (_not_by_mouth_each_day(record, resource, drug, dosages, ordered) if by_mouth else "")
            or covered.problem
        )
        is_exact = first is not None and last is not None and first.earliest == first.latest and first.latest <= last
        if not problem and not is_exact:
            problem = "first day not exact"
        days = (first.latest, last) if first and last and not problem else None
        shown = f"{first} to {last}" if first and last else str(first or "")
        evidence = Evidence(record.reference(resource), drug.label or match.label, shown, problem)
        found.append(Supply(match.label, resource["resourceType"], first, days, evidence))
    return tuple(found)


_ELEMENTS = (
    "medication",
    "status",
    "intent",
    "subject",
    "dosageInstruction",
    "dosage",
    "daysSupply",
    "quantity",
    "dispenseRequest",
    "whenHandedOver",
    "whenPrepared",
    "effective",
    "dateAsserted",
    "doNotPerform",
)


def _doubt(record: PatientRecord, resource: Resource, drug: Drug, codes: CodeMatcher, *, decides: bool) -> str:
    """Return why it is not certain that this drug was taken, an empty string if it is."""
    if not record.is_usable(resource, *_ELEMENTS):
        return "set aside"
    if drug.is_contradictory:
        return "code and words differ"
    if drug.is_known_by_name_only(codes):
        return "known by name only"
    if may_not_have_been_taken(resource):
        return "perhaps not taken"
    return "" if decides and took_effect(resource) else "to be confirmed"


def _ordered_dosages(record: PatientRecord, resource: Resource) -> list[Resource]:
    """Return the dosages of the orders that a dispense fills; how often a drug is taken need not be repeated in it."""
    targets = [record.resolve(each, within=resource) for each in items(resource.get("authorizingPrescription"))]
    orders = {id(target): target for target in targets if target is not None}.values()
    return [dosage for order in orders for dosage in items(order.get("dosageInstruction"))]


def _as_needed(ordered: Sequence[Resource]) -> str:
    """Return that a drug is taken as needed; an empty string if nothing says so."""
    needed = any(is_as_needed(dosage) for dosage in ordered)
    needed = needed or any(said.as_needed for dosage in ordered if (said := directions_of(dosage)))
    return "taken as needed" if needed else ""


def _not_by_mouth_each_day(
    record: PatientRecord, resource: Resource, drug: Drug, dosages: Sequence[Resource], ordered: Sequence[Resource]
) -> str:
    """Return why a drug is not, or may not be, taken by mouth every day; an empty string if it is."""
    directions = [said for dosage in ordered if (said := directions_of(dosage))]
    if any(_skips_days(dosage) for dosage in ordered) or any(map(_are_not_daily, directions)):
        return "not taken every day"
    instructions = [text for dosage in dosages if isinstance(text := dosage.get("text"), str)]
    labels = " / ".join([*drug.labels, *_forms(record, resource)])
    text = " / ".join([*instructions, labels])
    stated = [_is_oral(dosage["route"]) for dosage in dosages if dosage.get("route")]
    stated += [said.route == "oral" for dosage in dosages if (said := directions_of(dosage)) and said.route]
    if drug.product_code:
        stated.append(drug.product_code.route == "oral")
    elif _NOT_BY_MOUTH.search(labels) and not _BY_MOUTH.search(labels):
        stated.append(False)
    if stated:
        return "" if all(stated) else "not taken by mouth"
    if _NOT_BY_MOUTH.search(text):
        return "not taken by mouth"
    return "" if _BY_MOUTH.search(text) else "route not stated"


def _skips_days(dosage: Resource) -> bool:
    """Return whether a drug is, or may be, taken on some days only."""
    if isinstance(text := dosage.get("text"), str) and _NOT_EVERY_DAY.search(text):
        return True
    repeats = [repeat for timing in items(dosage.get("timing")) for repeat in items(timing.get("repeat"))]
    return any(repeat.get("dayOfWeek") or not _is_within_a_day(repeat) for repeat in repeats)


def _are_not_daily(said: Directions) -> bool:
    """Return whether directions have a dose that is taken less than once a day."""
    return any(part.times is not None and part.times.low < 1 for part in said.parts)


def _is_within_a_day(repeat: Resource) -> bool:
    unit, longest = repeat.get("periodUnit"), repeat.get("periodMax", repeat.get("period", 1))
    if unit is None:
        return True
    period = number(longest)
    return period is not None and isinstance(unit, str) and period <= _UNITS_PER_DAY.get(unit, 0)


def _is_oral(route: Json) -> bool:
    codes = [coding for coding in codings(route) if coding.system == SNOMED]
    return all(coding.code == _ORAL for coding in codes) if codes else bool(_BY_MOUTH.search(concept_text(route)))


def _forms(record: PatientRecord, resource: Resource) -> Iterator[str]:
    """Return the words of the dose form of a referenced product."""
    product = record.resolve(resource.get("medicationReference"), within=resource) or {}
    yield concept_text(product.get("form"))
    yield from (coding.display for coding in codings(product.get("form")))


def stretches(taken: Iterable[tuple[date, date]], until: date, pause: int = 0) -> tuple[tuple[date, date], ...]:
    """Return the runs of days of these supplies, up to a day; a day of two supplies counts once.

    `pause` is how many days without a supply do not end a run.
    """
    runs: list[tuple[date, date]] = []
    for first, last in sorted((first, min(last, until)) for first, last in taken if first <= until):
        if runs and first <= later(runs[-1][1], pause + 1):
            runs[-1] = (runs[-1][0], max(runs[-1][1], last))
        else:
            runs.append((first, last))
    return tuple(runs)
