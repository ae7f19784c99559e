"""Coverages: kind of plan, payer, and period (Coverage, Organization)."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import Enum

from fhir_mappings.codings import codings, items
from fhir_mappings.dates import parse_period
from fhir_mappings.fhir_json import Resource
from fhir_mappings.modifiers import modifier_in
from fhir_mappings.record import PatientRecord


class CoverageKind(Enum):
    """The kind of plan, by the Source of Payment Typology."""

    MEDICARE = "Medicare"
    DUAL = "Medicare and Medicaid"
    MEDICAID = "Medicaid"
    GOVERNMENT = "other government"
    COMMERCIAL = "commercial"
    SUPPLEMENT = "Medicare supplement"
    """Pays after Medicare, which the patient must then have, whether or not it is on file."""
    DRUG_ONLY = "drugs only"
    DENTAL_OR_VISION = "dental or vision only"
    UNSPECIFIED = "not stated"


_TYPOLOGY = {
    "https://nahdo.org/sopt",
    "http://nahdo.org/sopt",
    "urn:oid:2.16.840.1.113883.3.221.5",
}
_KINDS = {
    **dict.fromkeys(("122", "191", "291", "516"), CoverageKind.DRUG_ONLY),
    **dict.fromkeys(("299", "313", "517", "524", "561", "562", "614", "629"), CoverageKind.DENTAL_OR_VISION),
    "14": CoverageKind.DUAL,
    "1": CoverageKind.MEDICARE,
    "2": CoverageKind.MEDICAID,
    "3123": CoverageKind.SUPPLEMENT,
    "3114": CoverageKind.SUPPLEMENT,
    "3": CoverageKind.GOVERNMENT,
    "523": CoverageKind.SUPPLEMENT,
    "623": CoverageKind.SUPPLEMENT,
    "5": CoverageKind.COMMERCIAL,
    "6": CoverageKind.COMMERCIAL,
}
_LONGEST_KIND = max(map(len, _KINDS))
"""Kinds by prefix of the typology code; the longest prefix counts (1 is Medicare, 14 is dual)."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """One coverage in force on a day.

    `identifiers` are those of the payers (`system|value`), `names` their case-folded names, `classes` the groups and
    plans (`group|value`). `rank` is 1 for the primary coverage, None if no order is stated. `state` is the state in the
    payer's address, empty if unknown. `is_readable` is False if an element that is used here does not follow FHIR.
    """

    reference: str
    kind: CoverageKind
    identifiers: frozenset[str]
    names: frozenset[str]
    classes: frozenset[str]
    rank: int | None
    state: str
    is_readable: bool
    is_certain: bool
    """Whether it is certainly in force on the day: active, and from no day to no day of a month or a year only."""


def coverages(record: PatientRecord, on: date) -> tuple[Coverage, ...]:
    """Return the patient's coverages whose period includes a service date; a period may be open-ended.

    Include active coverages, and a cancelled one if its period has an end. Exclude drafts and those entered in error.
    Include one without a valid status, or with a modifier, as not readable, since it may be any of these.
    """
    found = []
    for resource in record.of_type("Coverage"):
        start, end = parse_period(resource.get("period"), record.zone)
        status = resource.get("status")
        over = (start is not None and start.earliest > on) or (end is not None and end.latest < on)
        is_out = over or status in ("draft", "entered-in-error") or (status == "cancelled" and end is None)
        if is_out and not modifier_in(resource):
            continue
        payers = list(_payers(record, resource))
        rank = resource.get("order")
        found.append(
            Coverage(
                reference=record.reference(resource),
                kind=kind_of(resource),
                identifiers=frozenset(one for payer in payers for one in payer_identifiers(payer)),
                names=frozenset(one.casefold() for payer in payers for one in _names(payer)),
                classes=frozenset(_classes(resource)),
                rank=rank if isinstance(rank, int) and not isinstance(rank, bool) else None,
                state=next((state for payer in payers for state in _states(payer)), ""),
                is_readable=_is_readable(record, resource),
                is_certain=status == "active"
                and (start is None or start.latest <= on)
                and (end is None or on <= end.earliest),
            )
        )
    return tuple(found)


def home_state(record: PatientRecord) -> str:
    """Return the state of the patient's address; empty if it is not on file."""
    patients = (each for each in record.of_type("Patient") if record.is_usable(each, "address"))
    return next((state for patient in patients for state in _states(patient)), "")


def _is_readable(record: PatientRecord, resource: Resource) -> bool:
    usable = record.is_usable(resource, "status", "type", "period", "payor", "order", "class")
    if usable and resource["status"] not in ("active", "cancelled"):
        record.quarantined[record.reference(resource)] = "Coverage.status does not follow FHIR R4"
        return False
    return usable


def kind_of(resource: Resource) -> CoverageKind:
    """Return the kind of plan of a Coverage resource."""
    for coding in codings(resource.get("type")):
        if coding.system in _TYPOLOGY:
            for length in range(_LONGEST_KIND, 0, -1):
                if coding.code[:length] in _KINDS:
                    return _KINDS[coding.code[:length]]
    return CoverageKind.UNSPECIFIED


def _payers(record: PatientRecord, resource: Resource) -> Iterator[Resource]:
    """Yield each `payor` reference, which may have an identifier and a display, and the Organization it points at."""
    for reference in items(resource.get("payor")):
        yield reference
        target = record.resolve(reference, within=resource)
        if target is not None and target.get("resourceType") == "Organization" and not modifier_in(target):
            yield target


def payer_identifiers(payer: Resource) -> Iterator[str]:
    """Yield the identifiers of an Organization, or of a reference to it, as `system|value`."""
    for identifier in items(payer.get("identifier")):
        system, value = identifier.get("system"), identifier.get("value")
        if isinstance(system, str) and isinstance(value, str) and value:
            yield f"{system}|{value}"


def _names(payer: Resource) -> Iterator[str]:
    aliases = payer.get("alias")
    for name in (payer.get("name"), payer.get("display"), *(aliases if isinstance(aliases, list) else ())):
        if isinstance(name, str) and name.strip():
            yield name.strip()


def _classes(resource: Resource) -> Iterator[str]:
    for each in items(resource.get("class")):
        value = each.get("value")
        for coding in codings(each.get("type")):
            if isinstance(value, str) and value:
                yield f"{coding.code}|{value}"


def _states(holder: Resource) -> Iterator[str]:
    for address in items(holder.get("address")):
        if isinstance(address.get("state"), str) and address["state"].strip():
            yield address["state"].strip()
