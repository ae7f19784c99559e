"""Acute courses: a few days of an immediate-release opioid, after which nobody expects another prescription.

Everything else is a regimen, which goes on until a record ends it.
"""

from collections.abc import Sequence, Set
from datetime import date

from msgspec.structs import replace

from fhir_mappings.opioids.nearby import with_nearby
from fhir_mappings.opioids.prescriptions import Prescription
from fhir_mappings.opioids.sources import outlasts_a_day
from fhir_mappings.opioids.treatments import Treatment

ACUTE_DAYS = 7
"""The longest acute course, taken as often as its instructions allow."""

SHORT_TERM_DAYS = 14
"""The same at discharge or for a procedure."""

PAIRED_WITHIN_DAYS = 7
"""How far apart an order and its dispense may begin if nothing links them."""

_LONG_ACTING = ("buprenorphine", "methadone")


def with_acute_courses(treatments: Sequence[Treatment]) -> tuple[Treatment, ...]:
    """Return the treatments, with acute courses marked."""
    by_ingredient: dict[str, list[Treatment]] = {}
    for treatment in sorted(treatments, key=lambda one: one.leading.start.earliest):
        if is_immediate_release(treatment.leading):
            by_ingredient.setdefault(treatment.leading.medication.drug[0], []).append(treatment)
    alone = {
        id(one)
        for of_ingredient in by_ingredient.values()
        for one, nearby in with_nearby(of_ingredient, _days, is_short)
        if all(is_pair(one, other) for other in nearby)
    }
    return tuple(replace(one, is_acute=True) if _is_acute(one, alone) else one for one in treatments)


def _days(one: Treatment) -> tuple[int, int]:
    last = one.supply.latest if one.supply is not None else date.max
    return one.leading.start.earliest.toordinal(), last.toordinal()


def is_immediate_release(one: Prescription) -> bool:
    """Return whether a product is for the hours after a dose: no patch, no extended release, no depot, no methadone."""
    product = one.medication.product
    return product is not None and product.release == "immediate" and product.ingredient not in _LONG_ACTING


def is_pair(one: Treatment, other: Treatment) -> bool:
    """Return whether an order and a dispense that nothing links may be the same supply, by their dose and their day."""
    return (
        one.is_dispense is not other.is_dispense
        and one.leading.dose.high == other.leading.dose.high
        and begins_about_when(one, other)
    )


def begins_about_when(one: Treatment, other: Treatment) -> bool:
    """Return whether two treatments begin within days of each other."""
    between = one.leading.start.latest.toordinal() - other.leading.start.latest.toordinal()
    return abs(between) <= PAIRED_WITHIN_DAYS


def _is_acute(one: Treatment, alone: Set[int]) -> bool:
    """Return whether a treatment is over when it is used up; `alone` are the ids of the short ones that stand alone.

    One dose always is, unless the product is long-acting.
    """
    if all(part.is_single_dose for part in one.prescriptions):
        return not outlasts_a_day(one.leading.medication)
    return id(one) in alone


def is_short(one: Treatment) -> bool:
    """Return whether a treatment is for a few days, and not in force any more."""
    return is_for_days(one) and not any(part.status == "active" for part in one.prescriptions)


def is_for_days(one: Treatment) -> bool:
    """Return whether a treatment is for a few days by its stated supply, of an immediate-release product."""
    if not is_immediate_release(one.leading):
        return False
    supplied_until = _supplied_until(one)
    if supplied_until is None:
        return False
    days = (supplied_until - one.leading.start.latest).days
    return days < ACUTE_DAYS or (days < SHORT_TERM_DAYS and any(part.is_short_term() for part in one.prescriptions))


def _supplied_until(one: Treatment) -> date | None:
    """Return the last day of all that was ordered or dispensed, refills included; None if that is not stated."""
    stated = [part.stated_supply for part in one.prescriptions]
    dispensed = [part.stated_supply for part in one.prescriptions if part.kind == "MedicationDispense"]
    if None in (dispensed or stated):
        return None
    return max(supply.latest for supply in stated if supply is not None)
