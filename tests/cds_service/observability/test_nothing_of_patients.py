"""All sample orders over HTTP, with tokens, keys, FHIR server, database and metrics as they really are.

Nothing of a patient is in a log line, a metric, a trace or an error; what is answered keeps to the rules for cards.
"""

import io
import re
import uuid
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from cds_service.clients.registry import Client
from cds_service.hooks.hooks import SERVICE_OF_HOOK
from cds_service.hooks.turns import Turns
from cds_service.http.readiness import DatabaseReady, KeysReady, PoliciesReady
from cds_service.observability.logging import service_log
from cds_service.observability.open_telemetry import OpenTelemetryTracing
from cds_service.records.policy_snapshot import PolicySnapshot
from cds_service.records.pseudonyms import Pseudonymizer, random_key
from cds_service.sample_ehr.hook_client import hook_call
from cds_service.sample_ehr.patients import SAMPLES, STORY_DATE, sample_store
from cds_service.sample_ehr.server import create_sample_ehr
from cds_service.settings import Settings
from cds_service.wiring.app import create_app
from cds_service.wiring.clients import authenticator_of
from cds_service.wiring.loading import load_assessor
from cds_service.wiring.records import prepare, prepared_database, records_in
from cds_service.wiring.serving import on_loopback
from coverage_policies.judging.assessment import Assessment, Assessor, OrderCandidates
from coverage_policies.judging.order_session import Session
from coverage_policies.judging.stopping import ShouldStop, never
from fhir_mappings.fhir_json import Json, dumps, loads
from fhir_mappings.record import PatientRecord
from tests.support.client_fakes import ISSUER, InMemoryReplayGuard, KeyServer, bearer, claims, jwk, token
from tests.support.hook_fakes import LOOPBACK, NOW
from tests.support.patient_data import broken_calls, leaks, secrets_of

PUBLIC = "https://cds.example.org"
ACCESS = "access-of-the-sample-ehr"
LOGGED_AT = datetime(1999, 12, 31, tzinfo=UTC)
"""A day on which nothing happens in any chart."""


class FailingAssessor(Assessor):
    """Fails, with the chart in its message, for one patient's orders."""

    failing_for = ""

    def assess(
        self,
        session: Session,
        orders: Sequence[OrderCandidates],
        record: PatientRecord,
        hook: str,
        should_stop: ShouldStop = never,
    ) -> tuple[Assessment, ...]:
        if self.failing_for and self.failing_for in str([each.order.resource for each in orders]):
            raise ValueError(str(record.resources))
        return super().assess(session, orders, record, hook, should_stop)


class Everything:
    """The service with every part that it has in use, its client's EHR, and what came of a run of all samples."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        settings = Settings(
            **LOOPBACK, data_folder=folder, public_url=PUBLIC, time_zone="UTC", call_timeout_seconds=60, metrics=True
        )
        self.written = io.StringIO()
        self.spans = InMemorySpanExporter()
        tracing = OpenTelemetryTracing(SimpleSpanProcessor(self.spans), "1.0")
        log = service_log(self.written, lambda: LOGGED_AT)
        loaded = load_assessor(settings)
        assessor = self.assessor = FailingAssessor(loaded.library, loaded.rules)
        prepare(settings)
        database = prepared_database(settings, Turns(), tracing)
        snapshot = PolicySnapshot.of(assessor, settings.time_zone, settings.answers_valid_days)
        keys = stack.enter_context(on_loopback(KeyServer(jwk()).app))
        ehr = create_sample_ehr(sample_store(STORY_DATE), token=ACCESS)
        self.fhir = f"{stack.enter_context(on_loopback(ehr))}/fhir"
        client = Client("ehr", ISSUER, f"{keys}/jwks.json", fhir_servers=(self.fhir,))
        authenticator = authenticator_of([client], settings, replay_guard=InMemoryReplayGuard(now), clock=now, log=log)
        app = create_app(
            settings=settings,
            assessor=assessor,
            clock=now,
            new_id=new_id,
            authenticator=authenticator,
            records=records_in(database, Pseudonymizer(random_key()), settings, snapshot, now),
            log=log,
            checks=[DatabaseReady(database), KeysReady(authenticator), PoliciesReady(5, LOGGED_AT)],
            tracing=tracing,
        )
        self.address = stack.enter_context(on_loopback(app))
        self.forbidden = {ACCESS, "Practitioner/sample-surgeon", "sample-surgeon"}
        self.errors: list[requests.Response] = []
        self.answers: list[tuple[Json, Json]] = []

    def run(self) -> None:
        """Every sample order: answered, overridden, and refused in every way there is."""
        for sample in SAMPLES:
            self.forbidden |= secrets_of(sample.bundle(STORY_DATE))
            for order in sample.orders:
                body = hook_call(sample, order, fhir_server=self.fhir, token=ACCESS, today=STORY_DATE, new_id=new_id)
                self.forbidden |= secrets_of(body["context"])
                answer = self.post(body)
                assert answer.status_code == 200, answer.text
                self.answers.append((body, loads(answer.content)))
                for card in self.answers[-1][1]["cards"]:
                    assert self.send_feedback(card["uuid"], sample.id).status_code == 200
                # An order that settles itself is answered although nothing could be read.
                self.errors += [found for found in self.refused(body, sample.id) if found.status_code != 200]

    def refused(self, body: Json, patient: str) -> Iterator[requests.Response]:
        """The answers to what is wrong with a call, or around it."""
        for broken in broken_calls(body):
            yield self.post(broken)
        yield self.post(body | {"fhirAuthorization": body["fhirAuthorization"] | {"access_token": patient}})
        yield self.post(body | {"fhirServer": f"https://other.example.org/{patient}"})
        yield self.post(body, path=f"/cds-services/{patient}")
        yield self.post(body, authorization=patient)
        yield self.post(body, audience=f"{PUBLIC}/{patient}")
        yield self.post(body, mimetype=f"text/{patient}")
        yield self.send_feedback(patient, patient)
        path = f"/Patient/{patient}"
        yield requests.get(f"{self.address}{path}?name={patient}", headers=bearer(good(path)), timeout=120)
        self.assessor.failing_for = patient
        yield self.post(body)
        self.assessor.failing_for = ""

    def post(
        self,
        body: Json,
        *,
        path: str = "",
        audience: str = "",
        authorization: str = "",
        mimetype: str = "application/json",
    ) -> requests.Response:
        """The answer to a call with a token, which may be wrong somewhere."""
        path = path or f"/cds-services/{SERVICE_OF_HOOK[body['hook']].id}"
        headers = bearer(authorization or good(path, aud=audience or PUBLIC + path)) | {"Content-Type": mimetype}
        return requests.post(self.address + path, data=dumps(body).encode(), headers=headers, timeout=120)

    def send_feedback(self, card: str, patient: str) -> requests.Response:
        """The answer to feedback that says more than it should."""
        path = "/cds-services/coverage-order-sign/feedback"
        said = {"reason": {"code": patient, "system": patient, "display": patient}, "userComment": patient}
        entry = {"card": card, "outcome": "overridden", "outcomeTimestamp": NOW.isoformat(), "overrideReason": said}
        return requests.post(self.address + path, json={"feedback": [entry]}, headers=bearer(good(path)), timeout=120)


def now() -> datetime:
    return NOW


def new_id() -> str:
    return str(uuid.uuid4())


def good(path: str, **others: Any) -> str:
    return token(claims(NOW, **{"aud": PUBLIC + path, **others}))


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Everything]:
    with ExitStack() as stack:
        made = Everything(tmp_path_factory.mktemp("data"), stack)
        made.run()
        yield made


@pytest.mark.requirement("7.124")
def test_the_log_holds_nothing_of_a_patient(everything: Everything) -> None:
    written = everything.written.getvalue()
    assert {loads(line)["level"] for line in written.splitlines()} == {"info", "warning", "error"}
    assert "ValueError at " in written
    assert "token refused" in written
    assert len(everything.forbidden) > 500
    assert leaks(written, everything.forbidden) == set()


@pytest.mark.requirement("7.124")
def test_metrics_hold_nothing_of_a_patient_and_few_values(everything: Everything) -> None:
    shown = requests.get(f"{everything.address}/metrics", timeout=60).text
    assert 'cds_cards_total{indicator="warning",policy="CP.MP.126"}' in shown
    assert 'cds_overrides_total{policy="CP.MP.173",reason="unlisted"}' in shown
    assert 'cds_fhir_queries_total{resource_type="Condition",result="complete"}' in shown
    assert 'cds_clients_refused_total{reason="aud is not the address that was called"}' in shown
    assert leaks(shown, everything.forbidden) == set()
    series = [line for line in shown.splitlines() if not line.startswith("#") and "_bucket" not in line]
    assert len(series) < 160


@pytest.mark.requirement("7.124")
def test_traces_hold_nothing_of_a_patient(everything: Everything) -> None:
    spans = everything.spans.get_finished_spans()
    assert {"search", "read", "judge", "store", "POST /cds-services/<service_id>"} <= {each.name for each in spans}
    assert sum(not each.status.is_ok for each in spans if each.name == "judge") >= len(SAMPLES)
    written = "\n".join(each.to_json(indent=None) for each in spans)
    # When a span began is its time and not a chart's.
    written = re.sub(r'"(start|end)_time": "[^"]*"', "", written)
    assert '"cds.resource_type": "Condition"' in written
    assert leaks(written, everything.forbidden) == set()


@pytest.mark.requirement("7.113", "7.115")
def test_errors_hold_nothing_of_a_patient(everything: Everything) -> None:
    assert {answer.status_code for answer in everything.errors} == {400, 401, 404, 412, 415, 500}
    assert len(everything.errors) > 10 * len(everything.answers)
    for answer in everything.errors:
        said = answer.text + str(answer.headers)
        assert leaks(said, everything.forbidden) == set()
        assert answer.status_code == 401 or loads(answer.content)["resourceType"] == "OperationOutcome"


def test_health_holds_nothing_of_a_patient_and_no_client(everything: Everything) -> None:
    answer = requests.get(f"{everything.address}/health/ready", timeout=60)
    assert (answer.status_code, answer.json()["status"]) == (200, "ready")
    assert leaks(answer.text, everything.forbidden | {ISSUER, "ehr"}) == set()


def test_the_search_would_find_a_leak(everything: Everything) -> None:
    assert all(leaks(dumps(answer), everything.forbidden) for _, answer in everything.answers if answer["cards"])


# --- what is answered to all of them ---------------------------------------------------------------------------------

_CARD = {
    "uuid", "summary", "detail", "indicator", "source", "suggestions", "selectionBehavior", "overrideReasons", "links",
    "extension",
}  # fmt: skip
_SUGGESTION = {"label", "uuid", "isRecommended", "actions"}
_ACTION = {"type", "description", "resource", "resourceId", "extension"}


def cards(everything: Everything) -> list[tuple[Json, Json]]:
    """Each card with the call it answers."""
    return [(body, card) for body, answer in everything.answers for card in answer["cards"]]


def suggestions(everything: Everything) -> list[tuple[Json, Json]]:
    """Each suggestion with the call it answers."""
    return [(body, each) for body, card in cards(everything) for each in card.get("suggestions", ())]


@pytest.mark.requirement("7.58", "7.59", "7.71")
def test_cards_have_the_members_of_the_standard_and_are_never_critical(everything: Everything) -> None:
    found = [card for _, card in cards(everything)]
    assert len(found) > 10
    for card in found:
        assert set(card) <= _CARD
        assert card["indicator"] in ("info", "warning")
        assert 0 < len(card["summary"]) < 140
        assert not any(set(reason) - {"code", "system", "display"} for reason in card.get("overrideReasons", ()))
    assert {len(card.get("overrideReasons", ())) for card in found} == {0, 6, 7}


@pytest.mark.requirement("7.64", "7.65", "7.66", "7.71")
def test_suggestions_have_labels_and_uuids_and_one_is_recommended_at_most(everything: Everything) -> None:
    found = [each for _, each in suggestions(everything)]
    assert found
    assert len({each["uuid"] for each in found}) == len(found)
    assert all(each["label"] and set(each) <= _SUGGESTION for each in found)
    for _, card in cards(everything):
        if card.get("selectionBehavior") == "at-most-one":
            assert sum(each.get("isRecommended", False) for each in card["suggestions"]) <= 1


@pytest.mark.requirement("7.67", "7.68", "7.71")
def test_actions_are_updates_of_orders_of_the_call(everything: Everything) -> None:
    for body, suggestion in suggestions(everything):
        sent = [entry["resource"] for entry in body["context"]["draftOrders"]["entry"]]
        for action in suggestion["actions"]:
            assert set(action) <= _ACTION
            assert action["description"]
            assert action["type"] in ("create", "update", "delete")
            if action["type"] == "update":
                (order,) = [each for each in sent if each["id"] == action["resource"]["id"]]
                assert order.keys() <= action["resource"].keys()
                assert action["resource"]["resourceType"] == order["resourceType"]


@pytest.mark.requirement("7.60", "7.69")
def test_links_have_a_label_a_type_and_an_absolute_address(everything: Everything) -> None:
    for _, card in cards(everything):
        assert card["source"]["label"]
        assert re.match(r"https?://", card["source"].get("url", "https://"))
        for link in card.get("links", ()):
            assert link["label"]
            assert link["type"] in ("absolute", "smart")
            assert link["url"].startswith("https://")
