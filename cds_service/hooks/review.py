"""The one walk: from a checked request and a FHIR source to what the policies say about the orders.

HTTP, the command line, impact analysis, and replay all call `review` and add only their own ends. The same request
and the same answers of the FHIR source give the same searches, determinations, time limit, and refusal everywhere.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, tzinfo

from cds_service.fhir_client.deadline import Deadline
from cds_service.fhir_client.source import FhirSource
from cds_service.hooks.chart_reader import SearchReport, read_chart, resolve_ordered_items
from cds_service.hooks.errors import OF_STATUS, Issue, RefusedError
from cds_service.hooks.request import DraftOrders, HookRequest
from cds_service.settings import Settings
from coverage_policies.judging.assessment import Assessment, Assessor
from coverage_policies.judging.determination import Determination
from coverage_policies.judging.order_session import Session, read_session
from fhir_mappings.record import PatientRecord, unread_record

_SHARE_OF_READING = 0.85
"""Of the time a call may take; the rest is for queries that end a little late, for judging, and for storing."""


@dataclass(frozen=True, slots=True)
class ReviewLimits:
    """What bounds a review: the seconds one call may take, how many FHIR queries run at a time, and the time zone."""

    call_timeout_seconds: float
    query_threads: int
    time_zone: tzinfo

    @classmethod
    def of(cls, settings: Settings) -> "ReviewLimits":
        """Return the limits that the settings name."""
        return cls(settings.call_timeout_seconds, settings.query_threads, settings.time_zone)


@dataclass(frozen=True, slots=True)
class Review:
    """What a review found: the orders, the chart they were judged by, and one assessment per order and policy.

    `at` is the moment the chart was read. Where no policy matches any order, nothing is queried: `searches` is empty
    and `record` is an unread one. `read_seconds` and `judge_seconds` are how long reading and judging took.
    """

    orders: DraftOrders
    session: Session
    record: PatientRecord
    assessments: tuple[Assessment, ...]
    at: datetime
    searches: tuple[SearchReport, ...] = ()
    read_seconds: float = 0.0
    judge_seconds: float = 0.0

    @property
    def determinations(self) -> tuple[Determination, ...]:
        """Every determination, in the order of the assessments."""
        return tuple(each for assessment in self.assessments for each in assessment.determinations)

    @property
    def refusal(self) -> RefusedError | None:
        """The error (412) of a call for which nothing could be read although an order needed it; None for any other."""
        if not self.searches or not self.record.is_empty:
            return None
        if any(each.is_settled for each in self.determinations):
            return None
        return RefusedError(
            412, OF_STATUS[412], *(Issue("forbidden", note, "fhirServer") for note in self.record.notes)
        )


def review(
    request: HookRequest,
    assessor: Assessor,
    limits: ReviewLimits,
    *,
    open_source: Callable[[Deadline], FhirSource | None] | None,
    clock: Callable[[], datetime],
    monotonic: Callable[[], float],
) -> Review:
    """Read the orders, select the policies, read what those need, and judge.

    `open_source` opens what holds the chart beside the prefetch, to be read until a deadline; None where there is only
    prefetch. `clock` gives the moment of the call with its zone. Never raises for what the source does.
    """
    seconds = limits.call_timeout_seconds * _SHARE_OF_READING
    if request.fhir is not None:
        seconds = min(seconds, request.fhir.expires_in)
    deadline = Deadline(seconds, monotonic)
    source = open_source(deadline) if open_source is not None else None
    orders = resolve_ordered_items(request, source, deadline, limits.query_threads)
    at = clock()
    record = unread_record(at, limits.time_zone)
    session = read_session(orders.judged, orders.others, record, assessor.rules, orders.referenced)
    candidates = assessor.candidates(session, record.today)
    needed = assessor.searches(candidates, request.hook)
    reports: tuple[SearchReport, ...] = ()
    begun = monotonic()
    if needed is not None:
        chart = read_chart(
            request, needed, source, read_at=at, zone=limits.time_zone, deadline=deadline, threads=limits.query_threads
        )
        record, reports = chart.record, chart.searches
        if session.has_unresolved_references:
            session = read_session(orders.judged, orders.others, record, assessor.rules, orders.referenced)
            candidates = assessor.candidates(session, record.today)
    read = monotonic()
    assessments = assessor.assess(session, candidates, record, request.hook)
    return Review(
        orders=orders,
        session=session,
        record=record,
        assessments=assessments,
        at=at,
        searches=reports,
        read_seconds=read - begun,
        judge_seconds=monotonic() - read,
    )
