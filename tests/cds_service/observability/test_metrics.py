"""Metrics: what is counted, under which labels, in one process and in several."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from cds_service.fhir_client.circuit_breaker import CircuitBreakers
from cds_service.observability.counting import counting_of
from cds_service.observability.metrics import NoMetrics, outcome_of
from cds_service.observability.prometheus import PrometheusMetrics, expose
from cds_service.settings import Settings
from cds_service.wiring.app import create_app
from fhir_mappings.record import Availability
from tests.support.hook_fakes import NOW, PATIENT_ID, FakeEhr, Service, WatchingAssessor, authorization, call, condition

READ = {"patient": {"resourceType": "Patient", "id": PATIENT_ID}}
README = (Path(__file__).parents[3] / "docs" / "running.md").read_text(encoding="utf-8")


class Measured(Service):
    """A service that counts."""

    def __init__(self, judge: Any, **members: Any) -> None:
        self.metrics = PrometheusMetrics()
        super().__init__(judge, metrics=self.metrics, **members)

    def counted(self, name: str) -> dict[tuple[str, ...], float]:
        """What a metric came to, by the values of its labels in the order of their names."""
        return samples(self.metrics.exposition(), name)


def samples(exposition: bytes, name: str) -> dict[tuple[str, ...], float]:
    """What the samples of this name came to."""
    return {
        tuple(value for _, value in sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(exposition.decode())
        for sample in family.samples
        if sample.name == name
    }


def test_calls_are_counted_by_hook_and_outcome(judge: WatchingAssessor) -> None:
    service = Measured(judge)
    assert service.post(call(prefetch=READ)).status_code == 200
    assert service.post(call()).status_code == 412
    assert service.post({}).status_code == 400
    assert service.post(call(), "coverage-order-select").status_code == 400
    assert service.client.post("/cds-services/coverage-order-sign/feedback", json={}).status_code == 400
    assert service.client.get("/cds-services/unheard-of").status_code == 405
    assert service.counted("cds_call_seconds_count") == {
        ("order-sign", "cards"): 1,
        ("order-sign", "unread"): 1,
        ("order-sign", "refused"): 1,
        ("order-select", "refused"): 1,
        ("feedback", "refused"): 1,
    }


@pytest.mark.parametrize(
    ("status", "cards", "outcome"),
    [(200, 2, "cards"), (200, 0, "no-cards"), (400, 0, "refused"), (401, 0, "not-admitted"), (412, 0, "unread"),
     (413, 0, "refused"), (500, 0, "failed"), (502, 0, "failed"), (503, 0, "unavailable")],
)  # fmt: skip
def test_an_outcome_is_one_of_few(status: int, cards: int, outcome: str) -> None:
    assert outcome_of(status, cards) == outcome
    assert f"`{outcome}`" in README


def test_fhir_queries_are_counted_by_type_and_result(judge: WatchingAssessor, ehr: FakeEhr) -> None:
    ehr.answers["Condition"] = (200, {"resourceType": "Bundle", "entry": [{"resource": condition("c-1")}]})
    ehr.answers["Procedure"] = (500, {})
    ehr.answers["ImagingStudy"] = (404, {})
    ehr.answers["Coverage"] = (200, {
        "resourceType": "Bundle",
        "entry": [{"resource": {"resourceType": "Coverage", "id": "c", "payor": [{"reference": "Madeup/x"}]}}],
    })  # fmt: skip
    service = Measured(judge)
    service.post(call(fhirServer=ehr.base, fhirAuthorization=authorization()))
    assert service.counted("cds_fhir_queries_total") == {
        ("Patient", "complete"): 1,
        ("Coverage", "complete"): 1,
        ("Condition", "complete"): 1,
        ("Observation", "complete"): 1,
        ("Procedure", "unavailable"): 1,
        ("ImagingStudy", "not offered"): 1,
        ("references", "unavailable"): 1,
    }


def test_a_card_that_comes_of_no_finding_is_of_an_unknown_policy(judge: WatchingAssessor) -> None:
    service = Measured(judge)
    service.post(call(prefetch=READ))
    assert service.counted("cds_cards_total") == {("info", "unknown"): 1}


def test_servers_left_alone_are_counted_until_they_answer() -> None:
    metrics = PrometheusMetrics()
    circuits = CircuitBreakers(failures=2, seconds=30, monotonic=lambda: 0.0, on_change=metrics.circuits_open)
    seen = []
    for happens in (
        lambda: circuits.failed("a"), lambda: circuits.failed("a"), lambda: circuits.retry_after("b", 5),
        lambda: circuits.failed("c"), lambda: circuits.answered("a"), lambda: circuits.answered("b"),
    ):  # fmt: skip
        happens()
        seen.append(samples(metrics.exposition(), "cds_fhir_circuits_open")[()])
    assert seen == [0, 1, 2, 2, 1, 0]


def test_every_metric_is_documented_with_its_labels() -> None:
    metrics = PrometheusMetrics()
    metrics.shown("p", "i")
    metrics.answered("h", "o", 1)
    metrics.searched("Condition", Availability.COMPLETE)
    metrics.overridden("p", "r")
    metrics.refused("r")
    for family in text_string_to_metric_families(metrics.exposition().decode()):
        if family.name.endswith("_created"):
            continue
        name = family.name if family.type != "counter" else f"{family.name}_total"
        (row,) = re.findall(rf"^\| `{name}` \|.*$", README, re.MULTILINE)
        labels = {label for sample in family.samples for label in sample.labels} - {"le"}
        assert all(f"`{label}`" in row for label in labels)


def test_each_service_counts_for_itself(judge: WatchingAssessor) -> None:
    first, second = Measured(judge), Measured(judge)
    first.post({})
    assert first.counted("cds_call_seconds_count") != {}
    assert second.counted("cds_call_seconds_count") == {}


def test_they_are_served_as_text_and_not_unless_asked_for(judge: WatchingAssessor) -> None:
    service = Measured(judge)
    assert service.client.get("/metrics").status_code == 404
    app = create_app(
        settings=Settings(), assessor=judge, clock=lambda: NOW, new_id=lambda: "1", metrics=service.metrics
    )
    expose(app, service.metrics.exposition)
    response = app.test_client().get("/metrics")
    assert response.status_code == 200
    assert response.content_type.startswith("text/plain")
    assert b"cds_fhir_circuits_open" in response.data


def test_by_default_nothing_is_counted() -> None:
    with counting_of(Settings()) as counting:
        assert isinstance(counting.metrics(), NoMetrics)
        counting.process_ended(1)


COUNTED = """
import os, sys
from flask import Flask
from cds_service.observability.counting import counting_of
from cds_service.settings import Settings

with counting_of(Settings(metrics=True)) as counting:
    folder = os.environ["PROMETHEUS_MULTIPROC_DIR"]
    for n in range(2):
        child = os.fork()
        if not child:
            metrics = counting.metrics()
            metrics.shown("P", "info")
            metrics.circuits_open(n + 1)
            sys.exit()
        os.waitpid(child, 0)
        if n:
            counting.process_ended(child)
    assert os.path.isdir(folder), "a process that ended removed the folder of all"
    app = Flask("shown")
    counting.expose(app)
    print(app.test_client().get("/metrics").text)
assert not os.path.exists(folder), "the folder was left behind"
assert "PROMETHEUS_MULTIPROC_DIR" not in os.environ
"""


@pytest.fixture
def folder_of_others(tmp_path: Path) -> Iterator[Path]:
    """A folder that the environment names, with what another service left there."""
    (tmp_path / "counter_1.db").write_bytes(b"left")
    yield tmp_path
    assert (tmp_path / "counter_1.db").read_bytes() == b"left"


@pytest.mark.process
def test_processes_count_together_and_those_that_are_gone_hold_nothing(folder_of_others: Path) -> None:
    env = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(folder_of_others)}
    shown = subprocess.check_output([sys.executable, "-c", COUNTED], env=env)  # noqa: S603
    assert samples(shown, "cds_cards_total") == {("info", "P"): 2}
    assert samples(shown, "cds_fhir_circuits_open") == {(): 1}
