"""Morphine milligram equivalents (MME) per day of one FHIR Dosage, as an interval.

All values are per day: a drug taken every other day counts half. `table` has the factors.
"""

import re
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from fhir_mappings.codings import concept_text
from fhir_mappings.fhir_json import Json
from fhir_mappings.opioids.content import factor_of, opioid_in
from fhir_mappings.opioids.dosage_structure import PATCH_LASTS, has_maximum, max_per_day, per_administration
from fhir_mappings.opioids.dosage_words import (
    Words,
    agreed,
    doses_in_words,
    max_in_words,
    totals_in_words,
    words_of,
)
from fhir_mappings.opioids.quantities import ContradictionError, Interval, UnconvertibleError, days, exactly
from fhir_mappings.opioids.routes import check_route
from fhir_mappings.opioids.sig_words import Directions
from fhir_mappings.opioids.single_dose import is_single_dose
from fhir_mappings.opioids.table import Product
from fhir_mappings.opioids.timing import Frequency, frequency


def daily_mme(
    dosage: Mapping[str, Any], product: Product, supplied: Interval | None = None, words: Words | None = None
) -> Interval:
    """Return the MME per day of one Dosage while it is in force, by its structure and its words.

    Words that are understood whole complete the structure and widen what it says; where the two contradict each other,
    the dose is unknown. `supplied` is the dispensed quantity per day in MME; it replaces a missing dose or frequency.
    A dose that is as needed or is to decrease has the lower bound 0, and a stated maximum caps both bounds. `words` are
    those of the Dosage, if already read. Raise UnconvertibleError if there is no upper bound.
    """
    words = words or words_of(dosage)
    check_factor(dosage, product, words)
    factor = exactly(factor_of(product))
    cap = max_per_day(dosage, product) or max_in_words(words.directions, product)
    try:
        mme = _taken(dosage, product, words) * factor
    except ContradictionError:
        raise
    except UnconvertibleError:
        if supplied is not None and not words.may_decline:
            mme = supplied
        elif cap is not None:
            mme = Interval(Fraction(0), None)
        elif words.may_decline:
            raise ContradictionError("text: the dose is to decrease, so the supply does not tell it") from None
        else:
            raise
    if cap is not None:
        mme = mme.at_most(cap * factor)
    elif has_maximum(dosage):
        # A maximum that cannot be read can only decrease the dose.
        mme = Interval(Fraction(0), mme.high)
    return Interval(Fraction(0), mme.high) if is_as_needed(dosage) or words.may_decline else mme


def supplied_per_day(quantity: Json, supply: Json, product: Product, element: str) -> Interval:
    """Return the MME per day if `quantity` lasts for the Duration `supply`: strength x quantity / days x factor.

    For patches, the number worn at once counts, each for two to three days. Raise UnconvertibleError if that is
    unknown.
    """
    factor = factor_of(product)
    length = days(supply, f"{element}: days of supply")
    if length == 0:
        raise UnconvertibleError(f"{element}: the days of supply are zero")
    content = opioid_in(quantity, product, f"{element}: quantity", tablets=frozenset())
    lasting = Interval(*PATCH_LASTS) if product.is_patch else exactly(1)
    return content * lasting * exactly(factor / length)


def days_of_quantity(quantity: Json, product: Product, mme: Interval, element: str) -> Interval:
    """Return how many days a dispensed quantity lasts at `mme` per day; raise UnconvertibleError if that is unknown."""
    content = opioid_in(quantity, product, element, tablets=frozenset()) * exactly(factor_of(product))
    if product.is_patch:
        content = content * Interval(*PATCH_LASTS)
    if content.high is None or mme.high is None or mme.high == 0:
        raise UnconvertibleError(f"{element}: its duration is unknown")
    return Interval(content.low / mme.high, content.high / mme.low if mme.low else None)


def single_dose_mme(dosage: Mapping[str, Any], product: Product) -> Interval:
    """Return the MME of one administration (MedicationAdministration.dosage); raise UnconvertibleError if unknown."""
    check_factor(dosage, product, words_of(dosage))
    return opioid_in(dosage.get("dose"), product, "dosage.dose") * exactly(factor_of(product))


def is_as_needed(dosage: Mapping[str, Any]) -> bool:
    """Return whether a dose is taken as needed: by asNeeded[x] or by the text."""
    if dosage.get("asNeededBoolean") is True or dosage.get("asNeededCodeableConcept"):
        return True
    timing = dosage.get("timing")
    words = [dosage.get("text"), dosage.get("patientInstruction"), concept_text(dosage.get("additionalInstruction"))]
    words.append(concept_text(timing.get("code")) if isinstance(timing, Mapping) else "")
    return any(isinstance(text, str) and _AS_NEEDED.search(text) for text in words)


_AS_NEEDED = re.compile(
    r"\bprn\b|\bp\.r\.n|\b(?:as|if|when)[ -](?:needed|required|necessary)\b|\bmay take\b|\bbreakthrough\b"
    # A condition: "only if pain is severe", "only for severe pain", "for severe pain (7-10) only".
    r"|(?<!fill )(?<!call )\bonly\s+(?:if|when)\b"
    r"|\bonly\s+for\s+(?!chronic\b|cancer\b)(?:[a-z]+[ -]+){0,3}(?:pains?|flares?|flare-?ups?)\b"
    r"|(?<!\bchronic )(?<!\bcancer )\bpains?(?:\s*\([^()]{1,20}\))?\s+only\b",
    re.IGNORECASE,
)
"""Words of a dose that is taken as needed. "For severe pain" by itself is what a scheduled dose is for."""


def check_factor(dosage: Mapping[str, Any], product: Product, words: Words) -> None:
    """Raise UnconvertibleError if CDC 2022 has no factor for the product, or none for the route of this Dosage."""
    factor_of(product)
    check_route(dosage, product, [one.route for one in words.directions if one.route])


def _taken(dosage: Mapping[str, Any], product: Product, words: Words) -> Interval:
    """Return the opioid per day in mg, for patches the mcg/h on the skin."""
    if words.may_exceed:
        raise UnconvertibleError("text: more may be taken than the structure says")
    said = words.directions
    totals = totals_in_words(said, product)
    try:
        dose = _dose(dosage, product, said)
        often = _often(dosage, said)
    except ContradictionError:
        raise
    except UnconvertibleError:
        if totals:
            return agreed(totals, "text and additional instructions")
        raise
    if not all(mentioned.overlaps(often.per_day) for mentioned in words.mentioned):
        raise ContradictionError("text and timing differ")
    daily = dose * (_worn(often) if product.is_patch else often.per_day)
    return agreed([daily, *totals], "text and doseAndRate")


def _dose(dosage: Mapping[str, Any], product: Product, said: Sequence[Directions]) -> Interval:
    in_words = doses_in_words(said, product)
    try:
        return agreed([per_administration(dosage, product), *in_words], "text and doseAndRate")
    except ContradictionError:
        raise
    except UnconvertibleError:
        if not in_words:
            raise
        return agreed(in_words, "text and additional instructions")


def _often(dosage: Mapping[str, Any], said: Sequence[Directions]) -> Frequency:
    in_words = [one.only.times for one in said if one.only is not None and one.only.times is not None]
    if is_single_dose(dosage):
        return Frequency(exactly(1), Fraction(1))
    try:
        stated = frequency(dosage.get("timing"))
    except ContradictionError:
        raise
    except UnconvertibleError:
        if not in_words:
            raise
        return Frequency(agreed(in_words, "text and additional instructions"), Fraction(1))
    return Frequency(agreed([stated.per_day, *in_words], "text and timing"), stated.at_once)


def _worn(often: Frequency) -> Interval:
    """Return how many patches are worn: the interval between changes does not alter it, a gap or a second one does."""
    shortest, longest = PATCH_LASTS
    low = min(Fraction(1), often.per_day.low * longest)
    most = None if often.per_day.high is None else max(Fraction(1), often.at_once, often.per_day.high * shortest)
    return Interval(low, most)
