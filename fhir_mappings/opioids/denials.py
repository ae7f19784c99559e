"""Reports that an opioid is no longer taken: a MedicationStatement `stopped` or `not-taken`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from fhir_mappings.dates import CalendarPeriod, DateInterval, parse_period, plus
from fhir_mappings.opioids.endings import Ending, ending_of
from fhir_mappings.opioids.medication import OpioidMedication
from fhir_mappings.opioids.prescriptions import Prescription
from fhir_mappings.opioids.sources import OpioidResource
from fhir_mappings.record import PatientRecord


@dataclass(frozen=True, slots=True)
class Denial:
    """From `since` on, a drug may not have been taken; after `over` it is not, None if that day is not told.

    `known_on` is the last day that the report is about: what is begun after it may be taken all the same.
    """

    reference: str
    medication: OpioidMedication
    about: frozenset[str]
    """The references to the prescriptions that it belongs to."""
    since: date
    over: date | None
    known_on: date


def read_denial(record: PatientRecord, source: OpioidResource, counted: Sequence[Prescription]) -> Denial | None:
    """Return what a report denies; None if it is another kind of report. `counted` belong to the same treatment."""
    resource, status = source.resource, source.resource.get("status")
    if source.kind != "MedicationStatement" or status not in ("stopped", "not-taken"):
        return None
    if status == "stopped" and resource.get("statusReason") and ending_of(resource) is not Ending.STOPPED:
        return None
    first, last = parse_period(resource.get("effectivePeriod"), record.zone)
    meta = resource.get("meta")
    told = record.when(resource.get("dateAsserted"))
    told = told or record.when(meta.get("lastUpdated") if isinstance(meta, dict) else None)
    on = record.when(resource.get("effectiveDateTime"))
    if status == "stopped":
        # Its period is the time in which the drug was taken, its last day included.
        end = last or on or told
        since, over, known_on = _day_after(last) if last else end, end, end
    else:
        since, known_on = first or on or told, last or told or on
        over = since if known_on is not None else None
    about = frozenset(one.reference for one in counted)
    return Denial(
        source.reference,
        source.medication,
        about,
        since.earliest if since else date.min,
        over.latest if over else None,
        known_on.latest if known_on else date.max,
    )


def _day_after(day: DateInterval) -> DateInterval:
    one = CalendarPeriod(1, "days")
    return DateInterval(plus(day.earliest, one), plus(day.latest, one))


def applies(denial: Denial, one: Prescription) -> bool:
    """Return whether a denial is about a prescription: linked to it, or of the same drug, begun before the report."""
    if one.start.latest > denial.known_on:
        return False
    return one.reference in denial.about or _is_of(denial.medication, one.medication)


def _is_of(denied: OpioidMedication, taken: OpioidMedication) -> bool:
    """Return whether a report is about a drug: its ingredient and release form, or the ingredient alone."""
    if denied.product is None and taken.product is not None:
        return taken.product.ingredient in denied.label.casefold()
    if denied.product is not None and not denied.product.form:
        return denied.drug[0] == taken.drug[0]
    return denied.drug == taken.drug
