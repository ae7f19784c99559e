"""How many days of a period the supplies of a drug cover.

This is the numerator of the proportion of days covered (PDC) of the Pharmacy Quality Alliance: each day on which one of
the drugs is at hand counts once, and a refill of one drug that comes early is used after the supply before it. Unlike
there, the period is given, and does not begin with the first fill; supply from before it that lasts into it counts.
Only dispenses count. Two of one drug on one day may be one dispense that two systems recorded, so the longer one is
certain. One whose days are not known may cover any day of the year from its first one on.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from fhir_mappings.codings import CodeMatcher
from fhir_mappings.dates import DateInterval, later
from fhir_mappings.drug_exposure import Supply, supplies
from fhir_mappings.record import Evidence, PatientRecord
from fhir_mappings.supply_days import LONGEST


@dataclass(frozen=True, slots=True)
class DaysCovered:
    """The least and the most days covered of a number of days, and the dispenses behind it."""

    least: int
    most: int
    of: int
    evidence: tuple[Evidence, ...]


def days_covered(record: PatientRecord, codes: CodeMatcher, first: date, last: date) -> DaysCovered:
    """Return how many days from `first` to `last`, both inclusive, the dispenses of these drugs cover."""
    dispensed = [each for each in supplies(record, codes) if each.kind == "MedicationDispense"]
    least = _count((days for _, days in carried_over(_once_a_day(dispensed))), first, last)
    used = [
        *carried_over(dispensed),
        *((each, _possible_days(each.since, first, last)) for each in dispensed if each.days is None),
    ]
    most = _count((days for _, days in used), first, last)
    evidence = tuple(each.evidence for each, (begin, end) in used if begin <= last and end >= first)
    return DaysCovered(least, most, (last - first).days + 1, evidence)


def _possible_days(since: DateInterval | None, first: date, last: date) -> tuple[date, date]:
    return (since.earliest, later(since.latest, LONGEST - 1)) if since else (first, last)


def _once_a_day(known: Iterable[Supply]) -> Iterable[Supply]:
    """Return one supply for each drug and first day, the longest."""
    return {(each.ingredient, each.days[0]): each for each in sorted(known, key=_days) if each.days}.values()


def carried_over(known: Iterable[Supply]) -> list[tuple[Supply, tuple[date, date]]]:
    """Return supplies with the days on which each is used: after what is left of the same drug."""
    used_until: dict[str, date] = {}
    found = []
    for supply in sorted(known, key=_days):
        if supply.days is None:
            continue
        first, last = supply.days
        length = (last - first).days
        first = max(first, later(used_until.get(supply.ingredient, date.min), 1))
        used_until[supply.ingredient] = later(first, length)
        found.append((supply, (first, used_until[supply.ingredient])))
    return found


def _days(supply: Supply) -> tuple[date, date]:
    return supply.days or (date.max, date.max)


def _count(taken: Iterable[tuple[date, date]], first: date, last: date) -> int:
    """Return how many days of a period are in one of these stretches."""
    covered, next_day = 0, first
    for begin, end in sorted(taken):
        begin, end = max(begin, next_day), min(end, last)
        if begin <= end:
            covered += (end - begin).days + 1
            next_day = end + timedelta(days=1)
    return covered
