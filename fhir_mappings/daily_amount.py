"""The most of a drug that one FHIR Dosage lets take a day, by its elements and by its words."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from fhir_mappings.codings import items
from fhir_mappings.fhir_json import Resource
from fhir_mappings.opioids.quantities import Amount, AmountKind, Interval, UnconvertibleError, amount
from fhir_mappings.opioids.sig_items import Unit
from fhir_mappings.opioids.sig_words import Directions, Part, frequencies_mentioned, read_directions
from fhir_mappings.opioids.timing import frequency

_KINDS = {
    Unit.EACH: AmountKind.UNITS,
    Unit.MILLIGRAMS: AmountKind.MILLIGRAMS,
    Unit.MILLILITERS: AmountKind.MILLILITERS,
}


@dataclass(frozen=True, slots=True)
class Strength:
    """How many milligrams are in one of `per`, tablets or milliliters."""

    milligrams: Fraction
    per: AmountKind


def directions_of(dosage: Resource) -> Directions | None:
    """Return what the text of a Dosage says; None if there is none or it is not understood whole."""
    text = dosage.get("text")
    return read_directions(text) if isinstance(text, str) else None


def counted(given: Amount, strength: Strength | None) -> Amount:
    """Return an amount as tablets or milliliters: a bare number is one of tablets, a mass is converted.

    Raise UnconvertibleError for a mass if the strength is not known.
    """
    if given.kind is AmountKind.BARE:
        return Amount(given.value, AmountKind.UNITS)
    if given.kind is not AmountKind.MILLIGRAMS:
        return given
    if strength is None or not strength.milligrams:
        raise UnconvertibleError("the strength is not known")
    return Amount(given.value / strength.milligrams, strength.per)


def most_a_day(dosage: Resource, strength: Strength | None) -> Amount:
    """Return the most that a Dosage lets take a day, in tablets or milliliters.

    Words complete what its elements lack. Raise UnconvertibleError if that does not tell, or if the two differ.
    """
    said = directions_of(dosage)
    dose, per_day = _dose(dosage, strength), _times(dosage)
    if said is not None:
        parts = said.parts
        worded = _sum([_part(part, strength, dose, per_day) for part in parts])
    else:
        text = dosage.get("text")
        mentioned = frequencies_mentioned(text) if isinstance(text, str) else ()
        if per_day is not None and mentioned and not any(per_day.overlaps(other) for other in mentioned):
            raise UnconvertibleError("text: the frequency differs from the timing")
        worded = None
    if dose is None or per_day is None:
        found = worded
    else:
        found = _product(dose, per_day)
        if worded is not None and worded != found:
            raise UnconvertibleError("text: the amount differs from that of the elements")
    if found is None or not found.value:
        raise UnconvertibleError("the amount per day is not stated")
    return found


def _dose(dosage: Resource, strength: Strength | None) -> Amount | None:
    """Return the dose of the elements, the high end of a range; None if there is none, or if there are several."""
    doses = list(items(dosage.get("doseAndRate")))
    if len(doses) != 1:
        return None
    in_range = next(iter(items(doses[0].get("doseRange"))), {})
    stated = doses[0].get("doseQuantity") or in_range.get("high")
    return counted(amount(stated, "dose"), strength) if stated is not None else None


def _times(dosage: Resource) -> Interval | None:
    try:
        return frequency(dosage.get("timing")).per_day
    except UnconvertibleError:
        return None


def _part(part: Part, strength: Strength | None, dose: Amount | None, per_day: Interval | None) -> Amount | None:
    """Return the most a day of one part of directions; what it leaves out is taken from the elements."""
    if part.amount is not None:
        high = part.amount.value.high
        dose = counted(Amount(high, _KINDS[part.amount.unit]), strength) if high is not None else None
    times = part.times or per_day
    return _product(dose, times) if dose is not None and times is not None else None


def _product(dose: Amount, per_day: Interval) -> Amount | None:
    return Amount(dose.value * per_day.high, dose.kind) if per_day.high is not None else None


def _sum(parts: Sequence[Amount | None]) -> Amount | None:
    """Return the sum of amounts of one kind; None if one is not known or another kind."""
    known = [part for part in parts if part is not None]
    kinds = {part.kind for part in known}
    if len(known) != len(parts) or len(kinds) != 1:
        return None
    return Amount(sum((part.value for part in known), Fraction(0)), kinds.pop())
