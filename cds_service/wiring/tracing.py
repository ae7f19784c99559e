"""Traces as the settings want them, and the parts of the service that make spans."""

from collections.abc import Sequence
from copy import copy
from importlib.metadata import PackageNotFoundError, version

from cds_service.observability.tracing import Tracing
from cds_service.settings import Settings
from cds_service.wiring.records import NotReadyError
from coverage_policies.judging.assessment import Assessment, Assessor, OrderCandidates
from coverage_policies.judging.order_session import Session
from coverage_policies.judging.stopping import ShouldStop, never
from fhir_mappings.record import PatientRecord


def traced(assessor: Assessor, tracing: Tracing) -> Assessor:
    """Return an assessor that judges as this one does, in a span."""

    def assess(
        session: Session,
        orders: Sequence[OrderCandidates],
        record: PatientRecord,
        hook: str,
        should_stop: ShouldStop = never,
    ) -> tuple[Assessment, ...]:
        with tracing.span("judge") as span:
            found = assessor.assess(session, orders, record, hook, should_stop)
            judged = [each for one in found for each in one.determinations]
            span.note(
                orders=len(session.judged),
                policies=" ".join(sorted({each.full_name for each in judged})),
                outcomes=" ".join(sorted({each.outcome.value for each in judged})),
            )
            return found

    made = copy(assessor)
    vars(made)["assess"] = assess  # in place of the method, of whichever class it is
    return made


def check_tracing(settings: Settings) -> None:
    """Raise NotReadyError if the settings want traces and the packages of OpenTelemetry are not installed."""
    if settings.traces_url is None:
        return
    try:
        version("opentelemetry-exporter-otlp-proto-http")
    except PackageNotFoundError:
        raise NotReadyError("CDS_TRACES_URL needs OpenTelemetry: pip install cds-coverage-policies[tracing]") from None


def tracing_of(settings: Settings) -> Tracing | None:
    """Return what makes the spans of this process; None if the settings name no address for them."""
    if settings.traces_url is None:
        return None
    # Only now: the packages are optional, and take a while to import.
    from cds_service.observability.open_telemetry import OpenTelemetryTracing, sending_to

    return OpenTelemetryTracing(sending_to(settings.traces_url), version("cds-coverage-policies"))
