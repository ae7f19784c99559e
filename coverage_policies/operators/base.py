"""What several operators share: whether a date is in time, and what an empty chart means."""

from datetime import date

from coverage_policies.format.operator import ClauseResult
from coverage_policies.format.terms import Reason
from fhir_mappings.dates import CalendarPeriod, DateInterval, is_on_or_before, is_within
from fhir_mappings.record import Availability, PatientRecord
from fhir_mappings.truth import Truth


def in_time(when: DateInterval | None, within: CalendarPeriod | None, anchor: date) -> Truth:
    """Return whether it was by the anchor date and, if a period is given, within that period before it."""
    if when is None:
        return Truth.UNKNOWN
    return is_within(when, within, anchor) if within else is_on_or_before(when, anchor)


def nothing_found(record: PatientRecord, *kinds: str) -> ClauseResult:
    """Return the result for a chart that has nothing of the kind: NO, or UNKNOWN if a search failed."""
    if record.availability(*kinds) is Availability.UNAVAILABLE:
        return ClauseResult(Truth.UNKNOWN, Reason.DATA_UNAVAILABLE)
    return ClauseResult(Truth.NO, Reason.NOT_FOUND)
