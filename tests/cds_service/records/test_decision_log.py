"""The decision log: a row for every call, determination and card (checklist L)."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from cds_service.records.database import Database
from cds_service.records.decision_log import decision, decisions
from coverage_policies.format.lock import content_hash
from coverage_policies.format.searches import CONDITIONS
from coverage_policies.judging.assessment import Assessment, OrderCandidates
from coverage_policies.judging.order_session import Session
from coverage_policies.judging.stopping import ShouldStop, never
from fhir_mappings.record import PatientRecord
from tests.support.hook_fakes import PATIENT, WatchingAssessor, call
from tests.support.record_fakes import KEY, RecordedService, overridden, sample_call, shipped


class FailingAssessor(WatchingAssessor):
    """Fails with a message that quotes the chart."""

    def assess(
        self,
        session: Session,
        orders: Sequence[OrderCandidates],
        record: PatientRecord,
        hook: str,
        should_stop: ShouldStop = never,
    ) -> tuple[Assessment, ...]:
        raise KeyError(f"Xanthippe {super().assess(session, orders, record, hook, should_stop)}")


@pytest.mark.requirement("7.136")
def test_a_call_is_recorded_in_the_shape_of_opas_decision_log(recorded: RecordedService) -> None:
    body, recorded.chart = sample_call("sij-fibromyalgia")
    response = recorded.call(body)
    found = decision(recorded.database, response.headers["X-Request-Id"])
    assert found is not None
    said: Any = found.as_json()
    assert said["decision_id"] == response.headers["X-Request-Id"]
    assert said["timestamp"] == recorded.clock().isoformat()
    assert said["path"] == "cds-services/coverage-order-select"
    assert said["labels"] == {"app": "cds-coverage-policies", "version": "0.1.0", "key": KEY.name}
    text = shipped().library.policy("CP.MP.126@2025-04")
    content = content_hash(text, shipped().library)
    assert said["bundles"] == {text.full_name: {"revision": f"edition {text.edition}, sha256 {content}"}}
    assert said["input"]["hookInstance"] == body["hookInstance"]
    assert {len(said["input"][name]) for name in ("patient", "user", "orders", "chart")} == {64}
    (card,) = said["result"]["cards"]
    (determination,) = said["result"]["determinations"]
    assert said["result"]["status"] == 200
    assert card["card"] == determination["card"] == response.json["cards"][0]["uuid"]
    assert determination["outcome"] == card["outcome"] == "criteria-not-met"
    assert (determination["content_hash"], determination["criteria_targeted"]) == (content, ["II.E"])
    answered = response.json["cards"][0]["extension"]["cds-service.determination"]["criteria"]
    assert [(each["id"], each["status"]) for each in determination["criteria"]] == [
        (each["id"], each["status"]) for each in answered
    ]
    assert set(said["metrics"]) == {"timer_read_ns", "timer_judge_ns", "timer_call_ns"}


@pytest.mark.requirement("7.136")
def test_a_decision_is_found_by_its_hook_instance_the_newest_first(recorded: RecordedService) -> None:
    body, recorded.chart = sample_call("sij-fibromyalgia")
    recorded.call(body)
    recorded.clock.pass_days(1)
    newest = recorded.call(body).headers["X-Request-Id"]
    found = decision(recorded.database, body["hookInstance"])
    assert found is not None
    assert found.row["decision"] == newest
    assert decision(recorded.database, "nothing") is None


@pytest.mark.requirement("7.136")
def test_a_call_that_no_policy_speaks_about_is_recorded_too(recorded: RecordedService) -> None:
    body = call()
    body["context"]["draftOrders"]["entry"][0]["resource"]["code"]["coding"][0]["code"] = "99213"
    assert recorded.cards(body) == []
    (row,) = recorded.rows("decisions")
    assert (row["status"], row["hook_instance"]) == (200, body["hookInstance"])
    assert recorded.rows("determinations") == []


@pytest.mark.requirement("7.136")
def test_calls_that_fail_are_recorded_with_their_status(database: Database) -> None:
    service = RecordedService(database, assessor=WatchingAssessor(CONDITIONS))
    assert service.call(call()).status_code == 412
    service = RecordedService(database, assessor=FailingAssessor(CONDITIONS))
    assert service.call(call(prefetch={"patient": PATIENT, "conditions": None})).status_code == 500
    assert service.call({"hook": "order-sign"}).status_code == 400
    found = [(row["status"], row["hook_instance"]) for row in service.rows("decisions")]
    assert sorted(found) == [(400, ""), (412, call()["hookInstance"]), (500, call()["hookInstance"])]
    failures = [row["failure"] for row in service.rows("decisions") if row["failure"]]
    assert len(failures) == 1
    assert failures[0].startswith("KeyError at test_decision_log.py:")


def test_what_is_no_call_is_not_recorded(recorded: RecordedService) -> None:
    recorded.client.get("/cds-services")
    recorded.client.get("/health/live")
    recorded.client.post("/cds-services/other", json=call())
    recorded.client.options("/cds-services/coverage-order-sign")
    recorded.send_feedback({})
    assert recorded.rows("decisions") == []


def test_what_could_not_be_read_is_named(database: Database) -> None:
    service = RecordedService(database)
    body, _ = sample_call("sij-posterior")
    del body["fhirServer"], body["fhirAuthorization"]
    service.cards(body | {"prefetch": {"patient": PATIENT}})
    (row,) = service.rows("decisions")
    assert "Condition" in row["input"]["unavailable"]


def test_hashes_are_the_same_for_the_same_and_others_for_others(recorded: RecordedService) -> None:
    for name in ("sij-fibromyalgia", "sij-fibromyalgia", "sij-rich-chart"):
        body, recorded.chart = sample_call(name)
        recorded.cards(body)
    first, second, third = (row["input"] for row in recorded.rows("decisions"))
    assert first == second
    assert {name for name in first if first[name] == third[name]} == {"user", "unavailable", "not_offered"}


def test_every_decision_is_exported_once_the_oldest_first(
    recorded: RecordedService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cds_service.records.decision_log._PAGE", 2)
    body, recorded.chart = sample_call("sij-fibromyalgia")
    begun = recorded.clock()
    made = []
    for n in range(5):
        made.append(recorded.call(body).headers["X-Request-Id"])
        recorded.clock.pass_days(n % 2)
    found = [each.row for each in decisions(recorded.database, begun)]
    assert sorted(row["decision"] for row in found) == sorted(made)
    assert all(one["at"] <= other["at"] for one, other in pairwise(found))
    assert [row["decision"] for row in (each.row for each in decisions(recorded.database, recorded.clock()))] == made[
        -1:
    ]


def test_a_card_suppressed_is_exported_with_the_reason(recorded: RecordedService) -> None:
    body, recorded.chart = sample_call("sij-fibromyalgia")
    (card,) = recorded.cards(body)
    recorded.send_feedback(overridden(card["uuid"]))
    found = decision(recorded.database, recorded.call(body).headers["X-Request-Id"])
    assert found is not None
    said: Any = found.as_json()
    assert said["result"]["cards"][0]["suppressed"].startswith("overridden by this user")


def test_a_shadowed_policy_is_recorded_without_a_card(database: Database, tmp_path: Path) -> None:
    rules = tmp_path / "rules.yaml"
    rules.write_text("policies:\n  - {policy: CP.MP.126, show: shadow}\n")
    service = RecordedService(database, plan_rules=rules)
    body, service.chart = sample_call("sij-fibromyalgia")
    assert service.cards(body) == []
    assert [(row["card"], row["outcome"]) for row in service.rows("determinations")] == [(None, "criteria-not-met")]
    assert service.rows("cards") == []


def test_a_shadowed_policy_beside_a_shown_one_is_recorded_without_a_card(database: Database, tmp_path: Path) -> None:
    rules = tmp_path / "rules.yaml"
    rules.write_text("policies:\n  - {policy: CP.MP.166, show: shadow}\n")
    service = RecordedService(database, plan_rules=rules)
    body, service.chart = sample_call("sij-fibromyalgia")
    service.chart["entry"] = [e for e in service.chart["entry"] if e["resource"]["resourceType"] != "Coverage"]
    order = body["context"]["draftOrders"]["entry"][0]["resource"]
    order["code"] = {"coding": [{"system": "http://www.ama-assn.org/go/cpt", "code": "27096"}]}
    (card,) = service.cards(body)
    found = {row["policy"]: row["card"] for row in service.rows("determinations")}
    assert found == {"MC.CP.MP.166": card["uuid"], "CP.MP.166": None}
