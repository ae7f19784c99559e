"""The dose of one FHIR Dosage as its elements state it: doseAndRate, and the maximum per dose and per period."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from fhir_mappings.codings import has_code, items
from fhir_mappings.opioids.content import TABLETS_A_DAY, opioid_in
from fhir_mappings.opioids.quantities import Interval, UnconvertibleError, days, exactly
from fhir_mappings.opioids.table import Product

PATCH_LASTS = (Fraction(2), Fraction(3))
"""Days that a fentanyl patch is worn: usually 72 h, 48 h in some patients."""


def per_administration(dosage: Mapping[str, Any], product: Product) -> Interval:
    """Return the opioid in one dose, in mg, for patches in mcg/h; raise UnconvertibleError if it is unknown."""
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


def has_maximum(dosage: Mapping[str, Any]) -> bool:
    """Return whether a Dosage states a maximum per period, readable or not."""
    return dosage.get("maxDosePerPeriod") is not None


def max_per_day(dosage: Mapping[str, Any], product: Product) -> Interval | None:
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
