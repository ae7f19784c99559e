"""One request judged from the command line: the same walk as a call over HTTP, answered with determinations."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from cds_service.fhir_client.deadline import Deadline
from cds_service.fhir_client.memory import Store
from cds_service.fhir_client.server import FhirClients
from cds_service.fhir_client.source import ChartInMemory, FhirSource
from cds_service.hooks.chart_reader import gather, resolve_ordered_items
from cds_service.hooks.request import DraftOrders, HookRequest
from cds_service.settings import Settings
from coverage_policies.format.model import Policy
from coverage_policies.judging.assessment import Assessor
from coverage_policies.judging.determination import Determination
from coverage_policies.judging.order_session import read_session
from fhir_mappings.fhir_json import Json
from fhir_mappings.record import PatientRecord


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The determinations of one request, one per order and text, and whether anything at all could be read."""

    determinations: tuple[Determination, ...]
    is_unread: bool


def evaluate_request(
    request: HookRequest,
    assessor: Assessor,
    settings: Settings,
    *,
    chart: Json | None = None,
    text: Policy | None = None,
    clock: Callable[[], datetime],
) -> Evaluation:
    """Judge the orders of a request.

    `chart` is a Bundle that stands in for the FHIR server. `text` is the one text to judge by, whatever its date;
    without it each order is judged by the texts that speak about it.
    """
    deadline = Deadline(settings.call_timeout_seconds)
    source: FhirSource | None = None
    if chart is not None:
        source = ChartInMemory(Store.from_bundle(chart))
    elif request.fhir is not None:
        source = FhirClients(settings)(request.fhir, deadline)
    orders = resolve_ordered_items(request, source, deadline, settings.query_threads)
    record = gather(
        request,
        assessor.library.searches([text] if text else None),
        source,
        read_at=clock(),
        zone=settings.time_zone,
        deadline=deadline,
        threads=settings.query_threads,
    )
    return Evaluation(_determinations(request.hook, orders, assessor, record, text), record.is_empty)


def _determinations(
    hook: str, orders: DraftOrders, assessor: Assessor, record: PatientRecord, text: Policy | None
) -> tuple[Determination, ...]:
    session = read_session(orders.judged, orders.others, record, assessor.rules, orders.referenced)
    if text is not None:
        return assessor.judge_by(text, session, record)
    return tuple(d for each in assessor.assess(session, record, hook) for d in each.determinations)
