"""Morphine milligram equivalents (MME) per day of one FHIR Dosage, as an interval.

All values are per day: a drug taken every other day counts half. `table` has the factors.
"""

import re
from collections.abc import Mapping, Set
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NoReturn

from fhir_mappings.codings import codings, concept_text, has_code, items
from fhir_mappings.fhir_json import Json
from fhir_mappings.opioids.quantities import (
    AmountKind,
    Interval,
    UnconvertibleError,
    amount,
    days,
    days_of_unit,
    exactly,
    number,
)
from fhir_mappings.opioids.single_dose import is_single_dose
from fhir_mappings.opioids.table import Product

TABLETS_AT_ONCE = frozenset(Fraction(halves, 2) for halves in (1, 2, 3, 4, 6, 8))
"""How many tablets of a combination product a dose in mg may be; more than four is likely the other drug's strength."""

TABLETS_A_DAY = frozenset(Fraction(tablets) for tablets in range(1, 25))
"""The same for a maximum per day in mg."""

PATCH_LASTS = (Fraction(2), Fraction(3))
"""Days that a fentanyl patch is worn: usually 72 h, 48 h in some patients."""

MCG_PER_MG = 1000


@dataclass(frozen=True, slots=True)
class Frequency:
    """How many times a day, and how many doses on one occasion if occasions are two or more days apart."""

    per_day: Interval
    at_once: Fraction


def daily_mme(dosage: Mapping[str, Any], product: Product, supplied: Interval | None = None) -> Interval:
    """Return the MME per day of one Dosage while it is in force.

    `supplied` is the dispensed quantity per day in MME; it replaces a missing dose or frequency. An as-needed dose has
    the lower bound 0, and a stated maximum caps both bounds. Raise UnconvertibleError if there is no upper bound.
    """
    check_factor(dosage, product)
    factor = exactly(_factor(product))
    cap = _max_per_day(dosage, product)
    try:
        taken = _while_worn(dosage, product) if product.is_patch else _per_day(dosage, product)
        mme = taken * factor
    except UnconvertibleError:
        if supplied is not None:
            mme = supplied
        elif cap is not None:
            mme = Interval(Fraction(0), None)
        else:
            raise
    if cap is not None:
        mme = mme.at_most(cap * factor)
    elif _has_cap(dosage):
        # A maximum that cannot be read can only decrease the dose.
        mme = Interval(Fraction(0), mme.high)
    return Interval(Fraction(0), mme.high) if is_as_needed(dosage) else mme


def supplied_per_day(quantity: Json, supply: Json, product: Product, element: str) -> Interval:
    """Return the MME per day if `quantity` lasts for the Duration `supply`: strength x quantity / days x factor.

    For patches, the number worn at once counts, each for two to three days. Raise UnconvertibleError if that is
    unknown.
    """
    factor = _factor(product)
    length = days(supply, f"{element}: days of supply")
    if length == 0:
        raise UnconvertibleError(f"{element}: the days of supply are zero")
    content = opioid_in(quantity, product, f"{element}: quantity", tablets=frozenset())
    lasting = Interval(*PATCH_LASTS) if product.is_patch else exactly(1)
    return content * lasting * exactly(factor / length)


def days_of_quantity(quantity: Json, product: Product, mme: Interval, element: str) -> Interval:
    """Return how many days a dispensed quantity lasts at `mme` per day; raise UnconvertibleError if that is unknown."""
    content = opioid_in(quantity, product, element, tablets=frozenset()) * exactly(_factor(product))
    if product.is_patch:
        content = content * Interval(*PATCH_LASTS)
    if content.high is None or mme.high is None or mme.high == 0:
        raise UnconvertibleError(f"{element}: its duration is unknown")
    return Interval(content.low / mme.high, content.high / mme.low if mme.low else None)


def opioid_in(quantity: Json, product: Product, element: str, tablets: Set[Fraction] = TABLETS_AT_ONCE) -> Interval:
    """Return the opioid in a Quantity of a product: in mg, for patches in mcg/h.

    A mass of a combination product counts as the opioid's own only if it equals one of these numbers of `tablets`.
    Raise UnconvertibleError if the opioid content is unknown.
    """
    measured = amount(quantity, element)
    unit_strength = product.strength * (MCG_PER_MG if product.is_patch else 1)
    if measured.kind is AmountKind.BARE and not product.is_liquid:
        return _without_unit(measured.value, unit_strength)
    if product.is_patch:
        if measured.kind is AmountKind.MICROGRAMS_PER_HOUR:
            return exactly(measured.value)
        if measured.kind is AmountKind.UNITS:
            return exactly(measured.value * unit_strength)
    elif measured.kind is AmountKind.MILLIGRAMS:
        return exactly(_opioid_mass(measured.value, product, element, tablets))
    elif measured.kind is (AmountKind.MILLILITERS if product.is_liquid else AmountKind.UNITS):
        return exactly(measured.value * unit_strength)
    raise UnconvertibleError(f"{element}: the unit does not fit the product")


def single_dose_mme(dosage: Mapping[str, Any], product: Product) -> Interval:
    """Return the MME of one administration (MedicationAdministration.dosage); raise UnconvertibleError if unknown."""
    check_factor(dosage, product)
    return opioid_in(dosage.get("dose"), product, "dosage.dose") * exactly(_factor(product))


def is_as_needed(dosage: Mapping[str, Any]) -> bool:
    """Return whether a dose is taken as needed: by asNeeded[x] or by the text."""
    if dosage.get("asNeededBoolean") is True or dosage.get("asNeededCodeableConcept"):
        return True
    timing = dosage.get("timing")
    words = [dosage.get("text"), dosage.get("patientInstruction"), concept_text(dosage.get("additionalInstruction"))]
    words.append(concept_text(timing.get("code")) if isinstance(timing, Mapping) else "")
    return any(isinstance(text, str) and _AS_NEEDED.search(text) for text in words)


_AS_NEEDED = re.compile(r"\bprn\b|\bp\.r\.n|\bas[ -]needed\b|\bif[ -]needed\b|\bwhen needed\b", re.IGNORECASE)


# --- route -----------------------------------------------------------------------------------------------------------

_SPINAL_CODES = ("72607000", "404820008")
_SPINAL_WORDS = re.compile(r"intrathecal|epidural|intraspinal|caudal", re.IGNORECASE)
_PARENTERAL_CODES = ("47625008", "78421000", "34206005", "IV", "IVPUSH", "IVP", "IVPB", "IM", "SC", "SQ", "SUBQ")
_PARENTERAL_WORDS = re.compile(
    r"intravenous|intramuscular|subcutaneous|injection|\b(iv|im|sc|sq|subq)\b", re.IGNORECASE
)
_ORAL_CODES = ("26643006", "PO", "SWALLOW")
_ORAL_WORDS = re.compile(r"\boral(ly)?\b|by mouth|\bpo\b|\bper os\b", re.IGNORECASE)
_SKIN_CODES = ("45890007", "TRNSDERM", "TRANSDERM")
_SKIN_WORDS = re.compile(r"transdermal|percutaneous|cutaneous|topical|skin", re.IGNORECASE)


def _is_route(route: Json, codes: tuple[str, ...], words: re.Pattern[str]) -> bool:
    texts = [concept_text(route), *(coding.display for coding in codings(route))]
    return has_code(route, *codes) or any(words.search(text) for text in texts)


def is_spinal(dosage: Mapping[str, Any]) -> bool:
    """Return whether a dose goes into the spinal canal, which is not systemic treatment."""
    return _is_route(dosage.get("route"), _SPINAL_CODES, _SPINAL_WORDS)


def check_factor(dosage: Mapping[str, Any], product: Product) -> None:
    """Raise UnconvertibleError if CDC 2022 has no factor for the product, or none for the route of this Dosage."""
    _factor(product)
    route = dosage.get("route")
    if not route:
        return
    if _is_route(route, _PARENTERAL_CODES, _PARENTERAL_WORDS):
        # "subcutaneous" also reads as "cutaneous".
        raise UnconvertibleError("route: CDC 2022 has no factor for injections")
    expected = (_SKIN_CODES, _SKIN_WORDS) if product.is_patch else (_ORAL_CODES, _ORAL_WORDS)
    if not _is_route(route, *expected):
        raise UnconvertibleError("route: CDC 2022 has no factor for it with this product")


# --- dose ------------------------------------------------------------------------------------------------------------


def _factor(product: Product) -> Fraction:
    if product.factor is None:
        raise UnconvertibleError("medication: CDC 2022 has no factor for it")
    return product.factor


def _per_day(dosage: Mapping[str, Any], product: Product) -> Interval:
    often = exactly(1) if is_single_dose(dosage) else frequency(dosage.get("timing")).per_day
    return _per_administration(dosage, product) * often


def _while_worn(dosage: Mapping[str, Any], product: Product) -> Interval:
    """Return mcg/h on the skin. The interval between changes does not alter it; a gap or a second patch does."""
    often = frequency(dosage.get("timing"))
    shortest, longest = PATCH_LASTS
    low = min(Fraction(1), often.per_day.low * longest)
    most = None if often.per_day.high is None else max(Fraction(1), often.at_once, often.per_day.high * shortest)
    return _per_administration(dosage, product) * Interval(low, most)


def _per_administration(dosage: Mapping[str, Any], product: Product) -> Interval:
    dose = _ordered_dose(dosage)
    if isinstance(dose.get("doseRange"), Mapping):
        found = _range(dose["doseRange"], product)
    elif dose.get("doseQuantity") is None and product.is_patch and dose.get("rateQuantity") is not None:
        found = opioid_in(dose["rateQuantity"], product, "doseAndRate.rateQuantity")
    else:
        found = opioid_in(dose.get("doseQuantity"), product, "doseAndRate.doseQuantity")
    if dosage.get("maxDosePerAdministration") is None:
        return found
    try:
        return found.at_most(opioid_in(dosage["maxDosePerAdministration"], product, "maxDosePerAdministration"))
    except UnconvertibleError:
        return Interval(Fraction(0), found.high)


def _ordered_dose(dosage: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the doseAndRate of type `ordered`, else `calculated`, else the only one."""
    doses = list(items(dosage.get("doseAndRate")))
    for kind in ("ordered", "calculated"):
        typed = [dose for dose in doses if has_code(dose.get("type"), kind)]
        if typed:
            doses = typed
            break
    if not doses:
        raise UnconvertibleError("doseAndRate is missing")
    if len(doses) > 1:
        raise UnconvertibleError("doseAndRate has several doses")
    return doses[0]


def _range(bounds: Mapping[str, Any], product: Product) -> Interval:
    low, high = bounds.get("low"), bounds.get("high")
    if high is None:
        raise UnconvertibleError("doseAndRate.doseRange has no high end")
    most = opioid_in(high, product, "doseAndRate.doseRange.high")
    least = exactly(0) if low is None else opioid_in(low, product, "doseAndRate.doseRange.low")
    if most.high is not None and least.low > most.high:
        raise UnconvertibleError("doseAndRate.doseRange: low is above high")
    return least.hull(most)


def _without_unit(value: Fraction, strength: Fraction) -> Interval:
    """Return the content for a number without a unit: a count of tablets or patches, or a mass of whole tablets."""
    units = value * strength
    may_be_content = value > 0 and (value / strength).denominator == 1
    return Interval(min(units, value), max(units, value)) if may_be_content else exactly(units)


def _opioid_mass(mass: Fraction, product: Product, element: str, tablets: Set[Fraction]) -> Fraction:
    """Return a dose in mg if it is certainly the opioid's; in a combination it may be the other drug's."""
    if product.single:
        return mass
    if product.is_liquid or mass / product.strength not in tablets:
        raise UnconvertibleError(f"{element}: a mass of a combination product, possibly the other drug's")
    return mass


def _has_cap(dosage: Mapping[str, Any]) -> bool:
    return dosage.get("maxDosePerPeriod") is not None


def _max_per_day(dosage: Mapping[str, Any], product: Product) -> Interval | None:
    """Return maxDosePerPeriod per day, in mg or for patches in mcg/h; None if it is missing or unreadable."""
    ratio = dosage.get("maxDosePerPeriod")
    if not isinstance(ratio, Mapping):
        return None
    try:
        length = days(ratio.get("denominator"), "maxDosePerPeriod.denominator")
        most = opioid_in(ratio.get("numerator"), product, "maxDosePerPeriod.numerator", tablets=TABLETS_A_DAY)
    except UnconvertibleError:
        return None
    if length == 0:
        return None
    # A patch is worn for up to three days, so one per three days is one at a time.
    return most * exactly((PATCH_LASTS[1] if product.is_patch else 1) / length)


# --- frequency -------------------------------------------------------------------------------------------------------

_TIMES_PER_DAY = {
    "QD": Fraction(1),
    "DAILY": Fraction(1),
    "AM": Fraction(1),
    "PM": Fraction(1),
    "BED": Fraction(1),
    "HS": Fraction(1),
    "QHS": Fraction(1),
    "BID": Fraction(2),
    "TID": Fraction(3),
    "QID": Fraction(4),
    "QOD": Fraction(1, 2),
    "WK": Fraction(1, 7),
    "MO": Fraction(1, 30),
}
_EVERY_HOURS = re.compile(r"Q(\d{1,3})(?:-(\d{1,3}))?H(?:RS?)?\Z")
_MEALS = {"C", "AC", "PC"}


def frequency(timing: Json) -> Frequency:
    """Return how many times a day a Timing requires the dose; raise UnconvertibleError if it does not say."""
    if not isinstance(timing, Mapping):
        raise UnconvertibleError("timing is missing")
    repeat = timing.get("repeat")
    found = _repeated(repeat) if isinstance(repeat, Mapping) else None
    if found is None:
        found = _coded(timing.get("code"))
    if found is None:
        raise UnconvertibleError("timing does not say how often")
    return found


def _repeated(repeat: Mapping[str, Any]) -> Frequency | None:
    on_days = {day for day in _as_list(repeat.get("dayOfWeek")) if isinstance(day, str)}
    times = _times_of_day(repeat)
    stated, period, unit = repeat.get("frequency"), repeat.get("period"), repeat.get("periodUnit")
    if stated is None and period is None and times is None and not on_days:
        return None
    # In FHIR R4, a missing frequency means once per period.
    least = number(stated) if stated is not None else (times.low if times else Fraction(1))
    most = number(repeat["frequencyMax"]) if repeat.get("frequencyMax") is not None else least
    if least is None or most is None or most < least or least <= 0:
        _unclear("timing.repeat.frequency")
    if times is not None and times.high is not None:
        most = max(most, times.high)
    if period is None and unit is None and (stated is None or on_days):
        shortest = longest = Fraction(1)
    else:
        shortest, longest = _period(repeat)
    if on_days and shortest >= 7:
        # Once a week on two days: the frequency says once, the days say twice.
        most = max(most, Fraction(len(on_days)))
    elif on_days:
        share = Fraction(len(on_days), 7)
        least, most = least * share, most * share
    at_once = most if shortest >= 2 and not on_days else Fraction(1)
    return Frequency(Interval(least / longest, most / shortest), at_once)


def _period(repeat: Mapping[str, Any]) -> tuple[Fraction, Fraction]:
    unit = days_of_unit(repeat.get("periodUnit"))
    shortest = number(repeat.get("period"))
    longest = number(repeat["periodMax"]) if repeat.get("periodMax") is not None else shortest
    if unit is None or shortest is None or longest is None or shortest <= 0 or longest < shortest:
        _unclear("timing.repeat.period")
    return shortest * unit, longest * unit


def _unclear(element: str) -> NoReturn:
    raise UnconvertibleError(f"{element} is missing or not a sensible number")


def _times_of_day(repeat: Mapping[str, Any]) -> Interval | None:
    clock, events = _as_list(repeat.get("timeOfDay")), _as_list(repeat.get("when"))
    if clock:
        return exactly(len(clock))
    if events:
        # "At meals" means three times a day, but a sender may mean once.
        most = sum(3 if event in _MEALS else 1 for event in events)
        return Interval(Fraction(len(events)), Fraction(most))
    return None


def _coded(concept: Json) -> Frequency | None:
    words = [coding.code for coding in codings(concept)] + [concept_text(concept)]
    found = set()
    for word in words:
        code = re.sub(r"[\s.]", "", word).upper()
        if code in _TIMES_PER_DAY:
            found.add((_TIMES_PER_DAY[code], _TIMES_PER_DAY[code]))
        elif matched := _EVERY_HOURS.match(code):
            shortest, longest = int(matched[1]), int(matched[2] or matched[1])
            if 0 < shortest <= longest:
                found.add((Fraction(24, longest), Fraction(24, shortest)))
    if len(found) != 1:
        return None
    low, high = found.pop()
    return Frequency(Interval(low, high), Fraction(1))


def _as_list(value: Json) -> list[Any]:
    return value if isinstance(value, list) else []
