"""Traces: a span of each call with those of its searches, judging, and writes inside; nothing at all while off."""

from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest
from flask import Flask, Response, request
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from cds_service.hooks.turns import Turns
from cds_service.observability.open_telemetry import OpenTelemetryTracing, sending_to
from cds_service.observability.tracing import TracedOpener
from cds_service.records.smart_sessions import SmartSessions
from cds_service.settings import Settings
from cds_service.wiring.app import create_app
from cds_service.wiring.records import NotReadyError, prepare, prepared_database
from cds_service.wiring.serving import on_loopback
from cds_service.wiring.tracing import check_tracing, tracing_of
from tests.support.hook_fakes import LOOPBACK, NOW, FakeEhr, WatchingAssessor, authorization, call

SIGN = "/cds-services/coverage-order-sign"
URL = "http://127.0.0.1:4318/v1/traces"


class Traced:
    """A service with traces, and the spans that it made."""

    def __init__(self, judge: WatchingAssessor, folder: Path) -> None:
        settings = Settings(**LOOPBACK, data_folder=folder)
        self.exported = InMemorySpanExporter()
        tracing = OpenTelemetryTracing(SimpleSpanProcessor(self.exported), "1.2")
        prepare(settings)
        self.database = prepared_database(settings, Turns(), tracing)
        app = create_app(
            settings=settings,
            assessor=judge,
            clock=lambda: NOW,
            new_id=lambda: "8f6ef0f5-6d0a-4d0f-8a6b-0d6f3cf6f001",
            tracing=tracing,
        )
        sessions = SmartSessions(self.database, lambda: NOW)
        app.add_url_rule("/stores", view_func=lambda: {"changed": sessions.remove("none")})
        self.client = app.test_client()

    def spans(self, name: str) -> list[ReadableSpan]:
        """The spans of a name."""
        return [each for each in self.exported.get_finished_spans() if each.name == name]


@pytest.fixture(name="traced")
def _traced(tmp_path: Path, judge: WatchingAssessor) -> Iterator[Traced]:
    made = Traced(judge, tmp_path)
    yield made
    made.database.close()


def attributes(span: ReadableSpan) -> dict[str, object]:
    return dict(span.attributes or {})


def test_the_spans_of_a_call_stand_inside_that_of_the_call(traced: Traced, ehr: FakeEhr) -> None:
    answer = traced.client.post(SIGN, json=call(fhirServer=ehr.base, fhirAuthorization=authorization()))
    assert answer.status_code == 200
    (of_call,) = traced.spans("POST /cds-services/<service_id>")
    assert attributes(of_call) == {
        "cds.request_id": answer.headers["X-Request-Id"],
        "cds.status": 200,
        "cds.orders": 1,
        "cds.cards": 1,
        "cds.hook": "order-sign",
        "cds.client": "",
    }
    searches, (judged,) = traced.spans("search"), traced.spans("judge")
    assert {attributes(each)["cds.resource_type"] for each in searches} >= {"Condition", "Procedure", "Coverage"}
    assert attributes(judged)["cds.outcomes"] == "documentation-needed"
    for inner in (*searches, judged):
        assert inner.parent is not None
        assert inner.parent.span_id == of_call.context.span_id
        assert of_call.start_time <= inner.start_time <= inner.end_time <= of_call.end_time
    assert of_call.resource.attributes["service.name"] == "cds-service"
    assert of_call.resource.attributes["service.version"] == "1.2"


def test_a_write_has_a_span_inside_that_of_its_call(traced: Traced) -> None:
    assert traced.client.get("/stores").json == {"changed": False}
    (of_call,), (stored,) = traced.spans("GET /stores"), traced.spans("store")
    assert stored.parent is not None
    assert stored.parent.span_id == of_call.context.span_id


def test_a_call_names_no_parent_and_a_fhir_server_gets_none(traced: Traced, ehr: FakeEhr) -> None:
    parent = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
    body = call(fhirServer=ehr.base, fhirAuthorization=authorization())
    traced.client.post(SIGN, json=body, headers=parent)
    assert ehr.headers
    assert not any(name.lower() == "traceparent" for sent in ehr.headers for name in sent)
    (of_call,) = traced.spans("POST /cds-services/<service_id>")
    assert of_call.parent is None
    assert f"{of_call.context.trace_id:032x}" != "0af7651916cd43dd8448eb211c80319c"


def test_an_address_that_is_no_route_is_not_in_the_name_of_its_span(traced: Traced) -> None:
    assert traced.client.get("/Patient/xanthippe").status_code == 404
    (span,) = traced.exported.get_finished_spans()
    assert span.name == "GET unknown"
    assert "xanthippe" not in span.to_json()


def test_a_failure_marks_its_spans_and_leaves_no_message_in_them(
    traced: Traced, judge: WatchingAssessor, ehr: FakeEhr, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: object, **__: object) -> None:
        raise ValueError("xanthippe")

    monkeypatch.setattr(judge, "assess", failing)
    body = call(fhirServer=ehr.base, fhirAuthorization=authorization())
    assert traced.client.post(SIGN, json=body).status_code == 500
    failed = [each for each in traced.exported.get_finished_spans() if not each.status.is_ok]
    assert {each.name for each in failed} == {"judge", "POST /cds-services/<service_id>"}
    assert not any(each.events or each.status.description for each in failed)


def test_without_the_setting_nothing_is_wrapped(judge: WatchingAssessor) -> None:
    def made(tracing: OpenTelemetryTracing | None) -> Flask:
        return create_app(settings=Settings(), assessor=judge, clock=lambda: NOW, new_id=lambda: "1", tracing=tracing)

    assert tracing_of(Settings()) is None
    off, on = made(None), made(OpenTelemetryTracing(SimpleSpanProcessor(InMemorySpanExporter()), "1"))
    assert off.extensions["cds_service"].assessor is judge
    assert not isinstance(off.extensions["cds_service"].open_fhir_server, TracedOpener)
    assert on.extensions["cds_service"].assessor is not judge
    assert isinstance(on.extensions["cds_service"].open_fhir_server, TracedOpener)
    for handlers in ("before_request_funcs", "after_request_funcs", "teardown_request_funcs"):
        assert len(getattr(on, handlers)[None]) - len(getattr(off, handlers)[None]) == 1


def test_spans_are_sent_to_the_address_of_the_setting() -> None:
    app, got = Flask("collector"), []

    @app.post("/v1/traces")
    def take() -> Response:
        got.append(request.get_data())
        return Response(b"", mimetype="application/x-protobuf")

    with on_loopback(app) as address:
        processor = sending_to(f"{address}/v1/traces")
        with OpenTelemetryTracing(processor, "1").span("judge"):
            pass
        processor.shutdown()
    assert len(got) == 1
    assert b"judge" in got[0]


def test_the_setting_without_the_packages_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(traces_url=URL)
    check_tracing(settings)
    check_tracing(Settings())

    def lacks(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr("cds_service.wiring.tracing.version", lacks)
    check_tracing(Settings())
    with pytest.raises(NotReadyError, match=r"pip install cds-coverage-policies\[tracing\]"):
        check_tracing(settings)
