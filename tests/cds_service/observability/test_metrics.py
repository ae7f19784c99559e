"""Metrics: what is counted, under which labels, in one process and in several."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

from cds_service.clients.authenticator import Authenticator, Principal
from cds_service.clients.registry import Client
from cds_service.fhir_client.circuit_breaker import CircuitBreakers
from cds_service.observability.metrics import Metrics, outcome_of
from cds_service.records.database import UnavailableError
from coverage_policies.judging.plan_rules import Payer, PlanRules
from fhir_mappings.record import Availability
from tests.support.hook_fakes import PATIENT_ID, FakeEhr, Service, WatchingAssessor, authorization, call, condition
from tests.support.served_process import ServedProcess

READ = {"patient": {"resourceType": "Patient", "id": PATIENT_ID}}
OPERATE = (Path(__file__).parents[3] / "docs" / "operate.md").read_text(encoding="utf-8")


class Measured(Service):
    """A service whose counts a test can read."""

    def __init__(self, judge: Any, **members: Any) -> None:
        self.metrics = Metrics()
        super().__init__(judge, counting=self.metrics, **members)

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
        ("order-sign", "no-data"): 1,
        ("order-sign", "refused"): 1,
        ("order-select", "refused"): 1,
        ("feedback", "refused"): 1,
    }


class Forgetful(Authenticator):
    """Cannot remember which tokens were used."""

    def __init__(self) -> None:
        pass

    @property
    def clients(self) -> tuple[Client, ...]:
        return ()

    def authenticate(self, header: str, audiences: Any) -> Principal:  # noqa: ARG002
        raise UnavailableError("the database failed (OperationalError)")


def test_a_call_whose_token_cannot_be_checked_counts_as_unavailable(judge: WatchingAssessor) -> None:
    service = Measured(judge, authenticator=Forgetful())
    assert service.post(call(prefetch=READ), Authorization="Bearer x").status_code == 503
    assert service.counted("cds_unavailable_total") == {(): 1}
    fine = Measured(judge)
    assert fine.post(call()).status_code == 412
    assert fine.counted("cds_unavailable_total") == {(): 0}


@pytest.mark.parametrize(
    ("status", "cards", "outcome"),
    [(200, 2, "cards"), (200, 0, "no-cards"), (400, 0, "refused"), (401, 0, "unauthenticated"), (412, 0, "no-data"),
     (413, 0, "refused"), (500, 0, "failed"), (502, 0, "failed"), (503, 0, "unavailable")],
)  # fmt: skip
def test_an_outcome_is_one_of_few(status: int, cards: int, outcome: str) -> None:
    assert outcome_of(status, cards) == outcome
    assert f"`{outcome}`" in OPERATE


def test_fhir_queries_are_counted_by_type_and_result(judge: WatchingAssessor, ehr: FakeEhr) -> None:
    ehr.answers["Condition"] = (200, {"resourceType": "Bundle", "entry": [{"resource": condition("c-1")}]})
    ehr.answers["Procedure"] = (500, {})
    ehr.answers["ImagingStudy"] = (404, {})
    ehr.answers["Coverage"] = (200, {
        "resourceType": "Bundle",
        "entry": [{"resource": {"resourceType": "Coverage", "id": "c", "payor": [{"reference": "Madeup/x"}]}}],
    })  # fmt: skip
    judge.rules = PlanRules(payers=(Payer("Ours", ("Owner",)),))
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


def test_cards_are_counted_by_policy_and_indicator(judge: WatchingAssessor) -> None:
    service = Measured(judge)
    service.post(call(prefetch=READ))
    assert service.counted("cds_cards_total") == {("info", "TEST"): 1}


def test_servers_count_as_open_circuits_until_they_answer() -> None:
    metrics = Metrics()
    circuits = CircuitBreakers(failures=2, seconds=30, monotonic=lambda: 0.0, on_change=metrics.set_open_circuits)
    seen = []
    for happens in (
        lambda: circuits.failed("a"), lambda: circuits.failed("a"), lambda: circuits.retry_after("b", 5),
        lambda: circuits.failed("c"), lambda: circuits.answered("a"), lambda: circuits.answered("b"),
    ):  # fmt: skip
        happens()
        seen.append(samples(metrics.exposition(), "cds_fhir_circuits_open")[()])
    assert seen == [0, 1, 2, 2, 1, 0]


def test_every_metric_is_documented_with_its_labels() -> None:
    metrics = Metrics()
    metrics.count_card("p", "i")
    metrics.count_call("h", "o", 1)
    metrics.count_query("Condition", Availability.COMPLETE)
    metrics.count_override("p", "r")
    metrics.count_rejected_token("r")
    for family in text_string_to_metric_families(metrics.exposition().decode()):
        if family.name.endswith("_created"):
            continue
        name = family.name if family.type != "counter" else f"{family.name}_total"
        (row,) = re.findall(rf"^\| `{name}` \|.*$", OPERATE, re.MULTILINE)
        labels = {label for sample in family.samples for label in sample.labels} - {"le"}
        assert all(f"`{label}`" in row for label in labels)


def test_each_service_counts_for_itself(judge: WatchingAssessor) -> None:
    first, second = Measured(judge), Measured(judge)
    first.post({})
    assert first.counted("cds_call_seconds_count") != {}
    assert second.counted("cds_call_seconds_count") == {}


def test_they_are_served_as_text_if_the_setting_says_so(judge: WatchingAssessor) -> None:
    response = Service(judge, metrics=True).client.get("/metrics")
    assert response.status_code == 200
    assert response.content_type.startswith("text/plain")
    assert b"cds_fhir_circuits_open" in response.data


def test_by_default_they_are_counted_and_not_served(judge: WatchingAssessor) -> None:
    service = Measured(judge)
    service.post({})
    assert service.counted("cds_call_seconds_count") == {("order-sign", "refused"): 1}
    assert service.client.get("/metrics").status_code == 404


def test_a_folder_that_was_entered_too_late_is_an_error_and_not_a_wrong_count(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="shared_folder"):
        Metrics(tmp_path)


@pytest.mark.process
def test_the_workers_of_a_served_process_count_together(tmp_path: Path) -> None:
    served = ServedProcess(tmp_path, CDS_METRICS="yes", CDS_WORKERS="2").until_ready()
    try:
        for _ in range(20):
            requests.post(f"{served.address}/cds-services/coverage-order-sign", json={}, timeout=60)
        shown = [requests.get(f"{served.address}/metrics", timeout=60).content for _ in range(4)]
    finally:
        assert served.stop() == 0
    counts = [samples(each, "cds_call_seconds_count") for each in shown]
    assert counts == [{("order-sign", "refused"): 20}] * 4


COUNTED = """
import os, sys
from cds_service.observability.shared_folder import shared_folder

with shared_folder() as folder:
    from cds_service.observability.metrics import Metrics, forget_process
    for n in range(2):
        child = os.fork()
        if not child:
            metrics = Metrics(folder)
            metrics.count_card("P", "info")
            metrics.set_open_circuits(n + 1)
            sys.exit()
        os.waitpid(child, 0)
        if n:
            forget_process(folder, child)
    assert folder.is_dir(), "a process that ended removed the folder of all"
    print(Metrics(folder).exposition().decode())
assert not folder.exists(), "the folder was left behind"
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
