"""What the words of one FHIR Dosage say about its dose: `text`, `patientInstruction`, and `additionalInstruction`."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce
from typing import Any

from fhir_mappings.codings import concept_text, items
from fhir_mappings.opioids.content import content
from fhir_mappings.opioids.dosage_structure import PATCH_LASTS
from fhir_mappings.opioids.quantities import (
    Amount,
    AmountKind,
    ContradictionError,
    Interval,
    UnconvertibleError,
    exactly,
)
from fhir_mappings.opioids.sig_items import Amount as Said
from fhir_mappings.opioids.sig_items import Unit
from fhir_mappings.opioids.sig_words import Directions, frequencies_mentioned, read_directions
from fhir_mappings.opioids.table import Product
from fhir_mappings.opioids.timing import moments_of_day


@dataclass(frozen=True, slots=True)
class Words:
    """The words of a Dosage: the directions that are understood whole, and the frequencies in texts that are not.

    `may_exceed` is whether a text that is not understood whole allows more than the structure says, `may_decline`
    whether such a text says that the dose is to decrease.
    """

    directions: tuple[Directions, ...]
    mentioned: tuple[Interval, ...]
    may_exceed: bool = False
    may_decline: bool = False


_THEN = r"\bthen\b(?!\W*(?:stop|discontinue|d/?c)\b)"
"""A word between the doses of different days."""

_MORE = re.compile(
    r"\b(?:extra|additional)\s+(?:dose|tab|cap|pill|one|half|\d)|\b(?:may|can)\s+(?:repeat|increase|double)\b"
    r"|\brepeat\s+(?:dose\b|once\b|every\b|in\b|x\d)|\bincrease\s+(?:to|by|dose)\b|\btitrat\w*"
    rf"|{_THEN}",
    re.IGNORECASE,
)
"""Words of a dose beyond the regular one."""

_LESS = re.compile(
    r"\b(?:taper|wean)(?:ing)?\b|\b(?:decreas|reduc)(?:e|ing)\s+(?:by|to|(?:the )?dose|as|every|each|weekly|daily|\d)"
    rf"|{_THEN}",
    re.IGNORECASE,
)
"""Words of a dose that is to decrease."""


def words_of(dosage: Mapping[str, Any]) -> Words:
    """Return what the words of a Dosage say."""
    text, timing = dosage.get("text"), dosage.get("timing")
    others = [dosage.get("patientInstruction"), *map(concept_text, items(dosage.get("additionalInstruction")))]
    texts = [one for one in (text, *others) if isinstance(one, str) and one]
    often = concept_text(timing.get("code")) if isinstance(timing, Mapping) else ""
    read = {one: read_directions(one) for one in (*texts, often) if one}
    unread = [one for one in (text, often) if isinstance(one, str) and one and read[one] is None]
    mentioned = tuple(times for one in unread for times in frequencies_mentioned(one))
    understood = tuple(words for one in texts if (words := read[one]) is not None)
    may_exceed, may_decline = (
        any(read[one] is None and pattern.search(one) for one in texts) for pattern in (_MORE, _LESS)
    )
    return Words(understood, mentioned, may_exceed, may_decline)


def agreed(found: Sequence[Interval], elements: str) -> Interval:
    """Return what the statements allow; raise ContradictionError, naming the `elements`, if two exclude each other."""
    if any(not one.overlaps(other) for one in found for other in found):
        raise ContradictionError(f"{elements} differ")
    return reduce(Interval.hull, found)


def doses_in_words(said: Sequence[Directions], product: Product) -> list[Interval]:
    """Return the opioid in one dose by each of the directions that state one dose."""
    amounts = [one.only.amount for one in said if one.only is not None and one.only.amount is not None]
    return [found for amount in amounts if (found := _content(amount, product)) is not None]


def totals_in_words(said: Sequence[Directions], product: Product) -> list[Interval]:
    """Return the opioid per day by each of the directions with several doses a day, or with a maximum only."""
    totals: list[Interval] = []
    for one in said:
        if one.only is None:
            total: Interval | None = Interval(Fraction(0), Fraction(0))
            for part in one.parts:
                dose = _content(part.amount, product) if part.amount is not None else None
                total = total + dose * part.times if total and dose and part.times else None
            if total is not None:
                totals.append(total)
        elif one.as_needed and one.only.times is None and (most := max_in_words([one], product)) is not None:
            totals.append(Interval(Fraction(0), most.high))
    return totals


def max_in_words(said: Sequence[Directions], product: Product) -> Interval | None:
    """Return the maximum per day that directions state, in mg, for patches in mcg/h; None if there is none."""
    found: list[Interval] = []
    for one in said:
        if one.most is None:
            continue
        dose = _content(one.most.amount, product) if one.most.amount is not None else None
        if dose is not None:
            found.append(dose * exactly(PATCH_LASTS[1] if product.is_patch else 1))
        elif one.most.times is not None:
            found += [dose * one.most.times for dose in doses_in_words([one], product)]
    return reduce(Interval.at_most, found) if found else None


LONGEST_COURSE = 14
"""Days that directions end after. "For 30 days" is how long the supply lasts; a refill may follow."""


def days_in_words(said: Sequence[Directions]) -> Interval | None:
    """Return how many days the directions last; None if they do not say, or differ."""
    found = {one.days for one in said if one.days is not None}
    if len(found) != 1:
        return None
    days = found.pop()
    is_course = days.high is not None and days.high <= LONGEST_COURSE
    return Interval(days.low, days.high if is_course else None)


def times_of_day(dosage: Mapping[str, Any], words: Words) -> frozenset[str]:
    """Return the times of day that a Dosage names, by its timing or its `words`; empty if it names none."""
    found = moments_of_day(dosage.get("timing"))
    return found or next((one.moments for one in words.directions if one.moments), frozenset())


_KINDS = {
    Unit.EACH: AmountKind.UNITS,
    Unit.MILLIGRAMS: AmountKind.MILLIGRAMS,
    Unit.MILLILITERS: AmountKind.MILLILITERS,
}


def _content(said: Said, product: Product) -> Interval | None:
    """Return the opioid in an amount; None if it is not known. Raise ContradictionError for two that differ."""
    value, other = _in_unit(said, product), _in_unit(said.other, product) if said.other is not None else None
    if other is None:
        return value
    # "2 tablets (5 mg)" may be the mass of each.
    each = other * said.value if said.unit is Unit.EACH and said.value.low else other
    if value is None:
        return other.hull(each)
    if not value.overlaps(other) and not value.overlaps(each):
        raise ContradictionError("text: two amounts differ")
    return value


def _in_unit(said: Said, product: Product) -> Interval | None:
    try:
        high = said.value.high
        least = content(Amount(said.value.low, _KINDS[said.unit]), product, "text") if said.value.low else exactly(0)
        return least if high is None else least.hull(content(Amount(high, _KINDS[said.unit]), product, "text"))
    except UnconvertibleError:
        return None
