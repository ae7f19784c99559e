"""Encounters: when the visit or stay of a record was, and whether it is over."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from fhir_mappings.dates import DateInterval, parse_period
from fhir_mappings.fhir_json import Json
from fhir_mappings.record import PatientRecord

_VOID = ("cancelled", "entered-in-error")
_OVER = ("finished", *_VOID)


@dataclass(frozen=True, slots=True)
class Encounter:
    """One visit or stay. `start` and `end` are None if they are not stated; `is_finished` is what its status says.

    `is_void` is whether it was cancelled or is an error, so that it never took place.
    """

    start: DateInterval | None
    end: DateInterval | None
    is_finished: bool
    is_void: bool = False

    @property
    def day(self) -> DateInterval | None:
        """Return the last day that is stated."""
        return self.end or self.start

    def is_over(self, today: date) -> bool:
        """Return whether it is finished or ended by a day."""
        return self.is_finished or (self.end is not None and self.end.latest <= today)


def encounter_reference(reference: Json) -> str:
    """Return the target of a Reference to an encounter without server and version, `Encounter/1`; empty without one."""
    target = reference.get("reference") if isinstance(reference, Mapping) else None
    return "/".join(target.split("/_history/")[0].split("/")[-2:]) if isinstance(target, str) else ""


def encounter(record: PatientRecord, reference: str) -> Encounter | None:
    """Return an encounter of this record by its reference; None if it was not read or is faulty."""
    found = record.resolve(reference) if reference else None
    if found is None or found.get("resourceType") != "Encounter" or not record.is_usable(found, "status", "period"):
        return None
    start, end = parse_period(found.get("period"), record.zone)
    return Encounter(start, end, found.get("status") in _OVER, found.get("status") in _VOID)
