"""Directions and supply of a drug in words."""

from collections.abc import Mapping

from fhir_mappings.codings import concept_text, items
from fhir_mappings.fhir_json import Json, Resource


def directions(dosage: Resource) -> str:
    """Return a dosage instruction in words: its own, else the dose and how often, else nothing."""
    for element in ("text", "patientInstruction"):
        words = dosage.get(element)
        if isinstance(words, str) and words.strip():
            return words.strip()
    doses = (quantity(each.get("doseQuantity")) for each in items(dosage.get("doseAndRate")))
    dose = next(filter(None, doses), "")
    words = [f"dose {dose}" if dose.isdecimal() else dose, *map(_often, items(dosage.get("timing")))]
    return " ".join(filter(None, words))


_UNITS = {"s": "second", "min": "minute", "h": "hour", "d": "day", "wk": "week", "mo": "month", "a": "year"}


def _often(timing: Resource) -> str:
    repeat = timing.get("repeat")
    if not isinstance(repeat, Mapping):
        return concept_text(timing.get("code"))
    unit = _UNITS.get(str(repeat.get("periodUnit")), "")
    period, frequency = _number(repeat.get("period")), _number(repeat.get("frequency")) or "1"
    if not (unit and period):
        return concept_text(timing.get("code"))
    times = "once" if frequency == "1" else f"{frequency} times"
    return f"{times} every {unit}" if period == "1" else f"{times} every {period} {unit}s"


def supply(resource: Resource) -> str:
    """Return what was prescribed or dispensed in words: quantity, days, and refills."""
    request = resource.get("dispenseRequest")
    held: Mapping[str, Json] = request if isinstance(request, Mapping) else resource
    refills = _number(held.get("numberOfRepeatsAllowed"))
    days = _number(member(held.get("expectedSupplyDuration") or held.get("daysSupply"), "value"))
    return ", ".join(
        filter(
            None,
            (
                quantity(held.get("quantity")),
                f"for {days} {'day' if days == '1' else 'days'}" if days else "",
                f"{refills} {'refill' if refills == '1' else 'refills'}" if refills and refills != "0" else "",
            ),
        )
    )


def quantity(value: Json) -> str:
    """Return a Quantity as `2 tablet`, without its comparator if it has none; empty if it has no number."""
    number = _number(member(value, "value"))
    comparator = member(value, "comparator")
    unit = member(value, "unit") or member(value, "code")
    words = (comparator, number, unit)
    return " ".join(each for each in words if isinstance(each, str) and each) if number else ""


def member(value: Json, name: str) -> Json:
    """Return a member of an object; None for anything else."""
    return value.get(name) if isinstance(value, Mapping) else None


def _number(value: Json) -> str:
    is_number = not isinstance(value, (bool, str, list, Mapping)) and value is not None
    return f"{value}"[:20] if is_number else ""
