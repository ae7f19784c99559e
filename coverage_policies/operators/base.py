"""What several operators share: whether a date is in time, and what an empty chart means."""

from datetime import date

from coverage_policies.format.operator import ClauseResult, Context
from coverage_policies.format.terms import Reason
from fhir_mappings.dates import CalendarPeriod, DateInterval, is_on_or_before, is_within
from fhir_mappings.procedures import Procedure
from fhir_mappings.record import Availability, PatientRecord
from fhir_mappings.truth import Truth


def in_time(when: DateInterval | None, within: CalendarPeriod | None, anchor: date) -> Truth:
    """Return whether it was by the anchor date and, if a period is given, within that period before it."""
    if when is None:
        return Truth.UNKNOWN
    return is_within(when, within, anchor) if within else is_on_or_before(when, anchor)


def done_in_time(when: DateInterval | None, within: CalendarPeriod | None, ctx: Context) -> Truth:
    """Return whether what is recorded as done was done in time. What is dated after today has not been done yet."""
    return in_time(when, None, ctx.record.today) & in_time(when, within, ctx.anchor)


def is_current(since: DateInterval | None, until: DateInterval | None, within: CalendarPeriod, anchor: date) -> Truth:
    """Return whether something that was begun or planned still goes on: YES or UNKNOWN.

    It does if its stated end is not before the anchor date, or, without an end, if it was begun or planned within a
    period before the anchor date, or is to begin after it.
    """
    if until is not None:
        return Truth.YES if until.earliest >= anchor else Truth.UNKNOWN
    if since is None:
        return Truth.UNKNOWN
    return Truth.YES if since.earliest > anchor or is_within(since, within, anchor) is Truth.YES else Truth.UNKNOWN


def goes_on(done: Procedure, within: CalendarPeriod, anchor: date) -> Truth:
    """Return whether a procedure in progress still goes on: YES or UNKNOWN.

    It does if it began, or was last performed, within a period before the anchor date; a course that nobody closed
    proves nothing after that.
    """
    last = done.end or done.start
    if last is None:
        return Truth.UNKNOWN
    begun = DateInterval(last.earliest, min(last.latest, anchor))  # what is in progress has begun
    return is_current(begun, None, within, anchor)


def nothing_found(record: PatientRecord, *kinds: str) -> ClauseResult:
    """Return the result for a chart that has nothing of the kind: NO, or UNKNOWN if a search failed."""
    if record.availability(*kinds) is Availability.UNAVAILABLE:
        return ClauseResult(Truth.UNKNOWN, Reason.DATA_UNAVAILABLE)
    return ClauseResult(Truth.NO, Reason.NOT_FOUND)
