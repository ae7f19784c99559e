"""Spans of OpenTelemetry, sent by OTLP over HTTP. Imported only where traces are on: the packages are optional."""

from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span as OtelSpan
from opentelemetry.trace import Status, StatusCode

_SERVICE = "cds-service"
_PREFIX = "cds."
_EXPORT_SECONDS = 5
"""How long sending may take; a process that stops waits for it."""


class _Noted:
    """A span whose attributes are named `cds.…`."""

    def __init__(self, span: OtelSpan) -> None:
        self._span = span

    def note(self, **attributes: str | int) -> None:
        """Add attributes."""
        self._span.set_attributes({f"{_PREFIX}{name}": value for name, value in attributes.items()})

    def fail(self) -> None:
        """Mark the span as failed."""
        self._span.set_status(Status(StatusCode.ERROR))


class OpenTelemetryTracing:
    """Makes spans that a processor sends. Each process of the service has its own, since threads do not fork.

    The headers of a call name no parent: a trace begins here, and no FHIR server gets a header of it. Which share of
    the calls is traced, and what the collector wants as credentials, is up to the standard variables `OTEL_…`.
    """

    def __init__(self, processor: SpanProcessor, version: str) -> None:
        resource = Resource.create({"service.name": _SERVICE, "service.version": version})
        provider = TracerProvider(resource=resource)
        provider.add_span_processor(processor)
        self._tracer = provider.get_tracer(_SERVICE, version)

    @contextmanager
    def span(self, name: str) -> Iterator[_Noted]:
        """Begin a span inside that of the context, and end it with the `with` block."""
        with self._tracer.start_as_current_span(name, record_exception=False, set_status_on_exception=False) as span:
            noted = _Noted(span)
            try:
                yield noted
            except BaseException:
                noted.fail()
                raise


def sending_to(url: str) -> SpanProcessor:
    """Return the processor that sends spans in batches, in a thread of its own, to an OTLP address."""
    return BatchSpanProcessor(OTLPSpanExporter(endpoint=url, timeout=_EXPORT_SECONDS))
