"""The one walk: from a validated request and a FHIR source to determinations for its orders.

HTTP, the command line, impact analysis, and replay all call `review` and add only their own ends. The same request and
the same responses of the FHIR source give the same searches, determinations, time limit, and refusal everywhere.
"""

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from functools import partial

from cds_service.fhir_client.allowlist import origin_of
from cds_service.fhir_client.deadline import Deadline
from cds_service.fhir_client.read_once import ReadOnce
from cds_service.fhir_client.source import FhirSource
from cds_service.hooks.chart_reader import SearchReport, Waiting, read_chart, read_ordered_items, resolve_ordered_items
from cds_service.hooks.draft_orders import DraftOrders
from cds_service.hooks.errors import STATUS_ISSUES, Issue, RefusedError
from cds_service.hooks.named_orders import with_named_orders
from cds_service.hooks.reading_report import nothing_read
from cds_service.hooks.request import HookRequest
from cds_service.settings import Settings
from coverage_policies.format.searches import Search
from coverage_policies.judging.assessment import Assessment, Assessor, OrderCandidates
from coverage_policies.judging.determination import Determination
from coverage_policies.judging.order_session import Session, read_session
from fhir_mappings.orders import Order
from fhir_mappings.record import PatientRecord, unread_record

_READING_SHARE = 0.85
"""The share of a call's time for reading; the rest is for late queries, evaluation, and storage."""


@dataclass(frozen=True, slots=True)
class ReviewLimits:
    """The limits of a review: seconds per call, and prefetched resources.

    `time_zone` is that of local days.
    """

    call_timeout_seconds: float
    max_prefetched: int
    time_zone: tzinfo

    @classmethod
    def of(cls, settings: Settings) -> "ReviewLimits":
        """Return the limits that the settings name."""
        return cls(settings.call_timeout_seconds, settings.max_call_resources, settings.time_zone)


@dataclass(frozen=True, slots=True)
class Review:
    """The result of a review: the orders, the chart, and one assessment per order and policy.

    `at` is the time of reading the chart. If no policy matches any order, nothing is queried: `searches` is empty and
    `record` is unread. `server` is the origin of the FHIR server, empty without one, and `answers` what it answered, by
    the key of the search. `unread_orders` are the references of orders that the context names and nobody has.
    `read_seconds` and `judge_seconds` are the durations of reading and of evaluation.
    """

    orders: DraftOrders
    session: Session
    record: PatientRecord
    assessments: tuple[Assessment, ...]
    at: datetime
    searches: tuple[SearchReport, ...] = ()
    server: str = ""
    answers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    unread_orders: tuple[str, ...] = ()
    read_seconds: float = 0.0
    judge_seconds: float = 0.0

    @property
    def determinations(self) -> tuple[Determination, ...]:
        """Return every determination, in the order of the assessments."""
        return tuple(each for assessment in self.assessments for each in assessment.determinations)

    @property
    def refusal(self) -> RefusedError | None:
        """Return the 412 error if nothing could be read although an order needed it; None for any other call."""
        if not self.searches or not self.record.is_empty:
            return None
        if any(each.is_settled for each in self.determinations):
            return None
        answered = nothing_read(self.server, self.searches, self.answers)
        notes = (Issue("forbidden", note, "fhirServer") for note in self.record.notes)
        return RefusedError(412, STATUS_ISSUES[412], *((answered,) if answered else ()), *notes)


def review(
    request: HookRequest,
    assessor: Assessor,
    limits: ReviewLimits,
    *,
    open_source: Callable[[Deadline], FhirSource | None] | None,
    clock: Callable[[], datetime],
    monotonic: Callable[[], float],
    waiting: Waiting = nullcontext,
    order_key: Callable[[Order], str] = lambda _: "",
    always_reads: bool = False,
    narrow: Callable[[PatientRecord], None] = lambda _: None,
) -> Review:
    """Read the orders, select the policies, read the data that they need, and evaluate.

    The patient and the coverages are read with them, and with `always_reads` even if no policy concerns any order.
    `open_source` opens the source of the chart until a deadline; it is None if there is only prefetch. `clock` gives
    the time of the call with its zone. `waiting` makes a context around each wait for the source. `order_key` gives
    the identifier by which answers may name an order. `narrow` leaves what is not to decide out of the chart, once it
    was read. Never raises for anything that the source does.
    What is not evaluated at the end of the call timeout, or in its last share after a long reading, stays unknown.
    """
    call_ends = Deadline(limits.call_timeout_seconds, monotonic)
    seconds = limits.call_timeout_seconds * _READING_SHARE
    if request.fhir is not None:
        seconds = min(seconds, max(0, request.fhir.expires_in))
    deadline = Deadline(seconds, monotonic)
    opened = open_source(deadline) if open_source is not None else None
    source = ReadOnce(opened) if opened is not None else None
    at = clock()
    record = unread_record(at, limits.time_zone, assessor.order_terms)
    reports: tuple[SearchReport, ...] = ()
    request, unread_orders = with_named_orders(request, source, deadline, waiting)
    orders, unsent = resolve_ordered_items(request)
    select = partial(_select, assessor=assessor, request=request, order_key=order_key, always_reads=always_reads)
    selection = select(orders, record)
    begun = monotonic()
    if source is not None and unsent and selection.searches is None:  # these items may still select a policy
        orders, unsent = read_ordered_items(orders, unsent, source, deadline, waiting), ()
        selection = select(orders, record)
    if selection.searches is not None:
        read_for = partial(
            read_chart,
            request,
            source=source,
            read_at=at,
            zone=limits.time_zone,
            terms=record.terms,
            deadline=deadline,
            max_prefetched=limits.max_prefetched,
            needs_payer=assessor.needs_payer,
            waiting=waiting,
        )
        chart = read_for(selection.searches, ordered_items=unsent)
        if source is not None and unsent:
            orders = read_ordered_items(orders, unsent, source, deadline, waiting)
            searched, selection = selection.searches, select(orders, record)
            if selection.searches is not None and not set(selection.searches) <= set(searched):
                chart = read_for(selection.searches)
        record, reports = chart.record, chart.searches
        narrow(record)
        if selection.session.has_unresolved_references:
            selection = select(orders, record)
    read = monotonic()
    judging_ends = Deadline(max(call_ends.remaining(), limits.call_timeout_seconds * (1 - _READING_SHARE)), monotonic)
    assessments = assessor.assess(
        selection.session, selection.candidates, record, request.hook, should_stop=lambda: judging_ends.remaining() <= 0
    )
    return Review(
        orders=orders,
        session=selection.session,
        record=record,
        assessments=assessments,
        at=at,
        searches=reports,
        server=origin_of(source.address) if source is not None else "",
        answers=source.answers if source is not None else {},
        unread_orders=unread_orders,
        read_seconds=read - begun,
        judge_seconds=monotonic() - read,
    )


@dataclass(frozen=True, slots=True)
class _Selection:
    """The orders of a call, the policies that may judge them, and the searches those need; None if there is none."""

    session: Session
    candidates: tuple[OrderCandidates, ...]
    searches: tuple[Search, ...] | None


def _select(
    orders: DraftOrders,
    record: PatientRecord,
    *,
    assessor: Assessor,
    request: HookRequest,
    order_key: Callable[[Order], str],
    always_reads: bool,
) -> _Selection:
    session = read_session(
        orders.judged,
        orders.others,
        record,
        assessor.rules,
        orders.referenced,
        request.encounter_id,
        for_others=orders.for_others,
        order_key=order_key,
        booked=request.booked,
    )
    candidates = assessor.candidates(session, record.today)
    needed = assessor.searches(candidates, request.hook)
    if needed is None and always_reads:
        needed = ()
    if needed is not None:
        first_day = min([record.today, *(each.anchor.day for each in candidates)])
        needed = tuple(search.bounded(first_day) for search in needed)
    return _Selection(session, candidates, needed)
