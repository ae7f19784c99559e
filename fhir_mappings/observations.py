"""Observations: scores and measurements with the moment they were taken."""

from dataclasses import dataclass
from decimal import Decimal

from fhir_mappings.codings import CodeTest, codings
from fhir_mappings.dates import When, parse_period
from fhir_mappings.fhir_json import Json, Resource
from fhir_mappings.record import Evidence, PatientRecord


@dataclass(frozen=True, slots=True)
class Observation:
    """One measurement. `code` tells scales apart; `number` is None where there is none, or it may not decide."""

    reference: str
    label: str
    code: str
    when: When | None
    number: Decimal | None
    unit: str
    evidence: Evidence


def observations(record: PatientRecord, codes: CodeTest) -> tuple[Observation, ...]:
    """The observations with one of these codes, mistaken and cancelled ones left out."""
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
        note = value if usable and final else "set aside" if not usable else f"{value} (not final)".strip()
        found.append(
            Observation(
                reference,
                match.label,
                code,
                when,
                number if usable and final else None,
                unit,
                Evidence(reference, match.label, _printed(when), note),
            )
        )
    return tuple(found)


def _printed(when: When | None) -> str:
    if when is None:
        return ""
    return when.instant.isoformat(timespec="minutes") if when.instant else str(when)


def _when(record: PatientRecord, resource: Resource) -> When | None:
    return (
        record.when(resource.get("effectiveDateTime"))
        or record.when(resource.get("effectiveInstant"))
        or parse_period(resource.get("effectivePeriod"), record.zone)[0]
    )


def _number(resource: Resource) -> tuple[Decimal | None, str]:
    quantity = resource.get("valueQuantity")
    value: Json = quantity.get("value") if isinstance(quantity, dict) else resource.get("valueInteger")
    unit = quantity.get("unit") if isinstance(quantity, dict) else None
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return None, ""
    if isinstance(quantity, dict) and quantity.get("comparator"):
        return None, ""
    return Decimal(value), unit if isinstance(unit, str) and not unit.startswith("{") else ""
