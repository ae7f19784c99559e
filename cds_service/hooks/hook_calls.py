"""One call from checked request to judgement: which data, where from, and what the judge says of it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from cds_service.fhir_client.deadline import Deadline
from cds_service.fhir_client.source import FhirOpener
from cds_service.hooks.chart_reader import gather, resolve_ordered_items
from cds_service.hooks.errors import OF_STATUS, Issue, RefusedError
from cds_service.hooks.judge import Judge, Judgement
from cds_service.hooks.request import DraftOrders, HookRequest
from cds_service.settings import Settings
from fhir_mappings.record import PatientRecord

_SHARE_OF_READING = 0.85
"""Of a call's budget; the rest is for queries that end a little late, for judging and for keeping the decision."""


@dataclass(frozen=True, slots=True)
class Answered:
    """What a call came to, and from what: the orders, the chart as it was read `at` a moment (None where it was not).

    `read_seconds` and `judge_seconds` are how long reading and judging took.
    """

    judgement: Judgement
    orders: DraftOrders
    record: PatientRecord | None
    at: datetime
    read_seconds: float = 0.0
    judge_seconds: float = 0.0


class HookCalls:
    """Answers checked calls, many at a time."""

    def __init__(
        self,
        settings: Settings,
        judge: Judge,
        clock: Callable[[], datetime],
        opener: FhirOpener,
        monotonic: Callable[[], float],
    ) -> None:
        self._settings = settings
        self._judge = judge
        self._clock = clock
        self._opener = opener
        self._monotonic = monotonic

    def answer(self, request: HookRequest, servers: tuple[str, ...] | None = None) -> Answered:
        """The judgement on the orders of a call; no card and no query where no policy speaks about any of them.

        `servers` are the FHIR servers that its client registered, None where the client is not known. Raises
        RefusedError (412) where nothing at all could be read and some order needed it.
        """
        access = replace(request.fhir, registered=servers) if request.fhir else None
        reading = self._settings.call_timeout_seconds * _SHARE_OF_READING
        seconds = reading if access is None else min(reading, access.expires_in)
        deadline = Deadline(seconds, self._monotonic)
        source = self._opener(access, deadline) if access else None
        orders = resolve_ordered_items(request, source, deadline, self._settings.query_threads)
        searches = self._judge.searches(request.hook, orders)
        at = self._clock()
        if searches is None:
            return Answered(Judgement(()), orders, None, at)
        begun = self._monotonic()
        record = gather(
            request,
            searches,
            source,
            read_at=at,
            zone=self._settings.time_zone,
            deadline=deadline,
            threads=self._settings.query_threads,
        )
        read = self._monotonic()
        judgement = self._judge.answer(request.hook, orders, record)
        if record.is_empty and not judgement.settled:
            refused = (Issue("forbidden", note, "fhirServer") for note in record.notes)
            raise RefusedError(412, OF_STATUS[412], *refused)
        return Answered(judgement, orders, record, at, read - begun, self._monotonic() - read)
