"""Observations: scores and measurements with their time (Observation)."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from fhir_mappings.codings import CodeMatcher, codings
from fhir_mappings.dates import DateInterval, parse_period
from fhir_mappings.fhir_json import Json, Resource
from fhir_mappings.record import Evidence, PatientRecord

_DIGITS = 40
"""The most digits of a measurement; exact arithmetic with 1e999999999 would never end."""


@dataclass(frozen=True, slots=True)
class Observation:
    """One measurement. `code` (`system|code`) identifies the scale.

    `number` is None if there is none or if it may not decide. `when` has no instant if the measurement covers a period.
    """

    reference: str
    label: str
    code: str
    when: DateInterval | None
    number: Decimal | None
    unit: str
    evidence: Evidence


def observations(record: PatientRecord, codes: CodeMatcher) -> tuple[Observation, ...]:
    """Return the observations with one of these codes, without erroneous and canceled ones."""
    return record.cached(("observations", codes), lambda: _observations(record, codes))


def _observations(record: PatientRecord, codes: CodeMatcher) -> tuple[Observation, ...]:
    found = []
    for resource in record.of_type("Observation"):
        known = codings(resource.get("code"))
        match = codes(known)
        if match is None or resource.get("status") in ("entered-in-error", "cancelled"):
            continue
        code = next(f"{each.system}|{each.code}" for each in known if codes([each]))
        when = _when(record, resource)
        reference = record.reference(resource)
        usable = record.is_usable(resource, "code", "status", "effective", "value", "subject")
        number, unit = _number(resource)
        final = resource.get("status") in ("final", "amended", "corrected")
        value = f"{number}{unit and ' ' + unit}" if number is not None else ""
        note = "set aside" if not usable else value if final else f"{value} (not final)".strip()
        found.append(
            Observation(
                reference,
                match.label,
                code,
                when,
                number if usable and final and match.decides else None,
                unit,
                Evidence(reference, match.label, _printed(when), note),
            )
        )
    return tuple(found)


def _printed(when: DateInterval | None) -> str:
    if when is None:
        return ""
    return when.instant.isoformat(timespec="minutes") if when.instant else str(when)


def _when(record: PatientRecord, resource: Resource) -> DateInterval | None:
    return (
        record.when(resource.get("effectiveDateTime"))
        or record.when(resource.get("effectiveInstant"))
        or _over(*parse_period(resource.get("effectivePeriod"), record.zone))
    )


def _over(start: DateInterval | None, end: DateInterval | None) -> DateInterval | None:
    """Return the days of a measured period, open-ended if it is; its instant if start and end are the same."""
    if start is None and end is None:
        return None
    if start == end:
        return start
    return DateInterval(start.earliest if start else date.min, end.latest if end else date.max)


def _number(resource: Resource) -> tuple[Decimal | None, str]:
    quantity = resource.get("valueQuantity")
    value: Json = quantity.get("value") if isinstance(quantity, dict) else resource.get("valueInteger")
    units = [quantity.get("unit"), quantity.get("code")] if isinstance(quantity, dict) else []
    unit = next((each for each in units if isinstance(each, str)), "")
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return None, ""
    if isinstance(quantity, dict) and quantity.get("comparator"):
        return None, ""
    number = Decimal(value)
    if len(number.as_tuple().digits) > _DIGITS or abs(int(number.as_tuple().exponent)) > _DIGITS:
        return None, ""
    return number, "" if unit.startswith("{") else unit
