"""The walk for tests: one request, against a chart in memory or the FHIR server that it names."""

import time
from collections.abc import Callable
from contextlib import nullcontext
from datetime import datetime

from cds_service.fhir_client.deadline import Deadline
from cds_service.fhir_client.memory import ChartInMemory, Store
from cds_service.fhir_client.opener import FhirClients
from cds_service.fhir_client.source import FhirSource
from cds_service.hooks.chart_reader import Waiting
from cds_service.hooks.request import HookRequest
from cds_service.hooks.review import Review, ReviewLimits, review
from cds_service.settings import Settings
from coverage_policies.format.model import Policy
from coverage_policies.judging.assessment import Assessor
from fhir_mappings.fhir_json import Json


def review_call(
    request: HookRequest,
    assessor: Assessor,
    settings: Settings,
    *,
    chart: Json | None = None,
    policy: Policy | None = None,
    clock: Callable[[], datetime],
    waiting: Waiting = nullcontext,
) -> Review:
    """Return the review of a request; `chart` is a Bundle that stands in for the FHIR server."""
    in_memory = ChartInMemory(Store.from_bundle(chart)) if chart is not None else None

    def open_source(deadline: Deadline) -> FhirSource | None:
        if in_memory is not None or request.fhir is None:
            return in_memory
        return FhirClients(settings)(request.fhir, deadline)

    return review(
        request,
        assessor.limited_to(policy) if policy else assessor,
        ReviewLimits.of(settings),
        open_source=open_source,
        clock=clock,
        monotonic=time.monotonic,
        waiting=waiting,
    )
