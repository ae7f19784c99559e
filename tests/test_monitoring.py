"""The alert rules and the dashboard ask for metrics and labels that exist, and docs/operate.md explains each alert."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from cds_service.observability.metrics import Metrics, outcome_of
from fhir_mappings.record import Availability
from tests.manifests import ALERTS, DOCKER
from tests.support import deploy_tools

ROOT = DOCKER.parent
RULES = [rule for group in yaml.safe_load(ALERTS.read_text(encoding="utf-8"))["groups"] for rule in group["rules"]]
DASHBOARD = json.loads((DOCKER / "monitoring" / "dashboard.json").read_text(encoding="utf-8"))
OPERATE = (ROOT / "docs" / "operate.md").read_text(encoding="utf-8")
OF_PROMETHEUS = {"up": {"job", "instance"}}
"""What Prometheus itself adds."""
ADDED = {"instance", "job", "le"}

_METRIC = re.compile(r"\b(cds_\w+|up)\b(?:\{([^}]*)\})?")
_GROUPED = re.compile(r"\bby \(([^)]*)\)")
_VALUE = re.compile(r'(\w+)(!?=)"([^"]*)"')


def expressions() -> Iterator[tuple[str, str]]:
    """Each expression with the name of what asks it."""
    for rule in RULES:
        yield rule["alert"], rule["expr"]
    for panel in DASHBOARD["panels"]:
        for target in panel["targets"]:
            yield panel["title"], target["expr"]


def served() -> dict[str, set[str]]:
    """The labels of each metric that the service has once everything was counted."""
    metrics = Metrics()
    metrics.count_call("order-sign", "cards", 1.0)
    metrics.count_query("Condition", Availability.COMPLETE)
    metrics.count_card("CP.MP.126", "info")
    metrics.count_override("CP.MP.126", "other")
    metrics.count_rejected_token("expired")
    metrics.count_unavailable()
    metrics.set_open_circuits(1)
    found: dict[str, set[str]] = {}
    for name, labels in re.findall(r"^(\w+)(?:\{(.*)\})? ", metrics.exposition().decode(), re.MULTILINE):
        found.setdefault(name, set()).update(label for label, _, _ in _VALUE.findall(labels))
    return found


METRICS = served() | OF_PROMETHEUS


@pytest.mark.parametrize(("name", "expression"), list(expressions()))
def test_every_expression_asks_for_metrics_and_labels_that_exist(name: str, expression: str) -> None:
    asked = _METRIC.findall(expression)
    assert asked, name
    for metric, labels in asked:
        assert metric in METRICS
        assert {label for label, _, _ in _VALUE.findall(labels)} <= METRICS[metric] | ADDED
    grouped = {label.strip() for labels in _GROUPED.findall(expression) for label in labels.split(",")}
    assert grouped <= set().union(*(METRICS[metric] for metric, _ in asked)) | ADDED


def test_every_value_that_an_expression_names_occurs() -> None:
    outcomes = {outcome_of(status, 0) for status in (200, 400, 412, 500, 503)}
    known = {
        "outcome": outcomes,
        "result": {each.value for each in Availability},
        "hook": {"feedback"},
        "resource_type": {"references"},
        "job": {"cds-service"},
    }
    named = {(label, value) for _, expression in expressions() for label, _, value in _VALUE.findall(expression)}
    assert named
    assert {(label, value) for label, value in named if value not in known[label]} == set()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_every_alert_has_a_summary_and_is_explained(rule: Any) -> None:
    assert rule["annotations"]["summary"]
    assert rule["labels"]["severity"] in ("critical", "warning", "info")
    assert f"`{rule['alert']}`" in OPERATE


def test_the_dashboard_has_no_panel_over_another_one() -> None:
    places = [tuple(panel["gridPos"].values()) for panel in DASHBOARD["panels"]]
    assert len({(x, y) for _, _, x, y in places}) == len(places)
    assert all(x + width <= 24 and x % width == 0 and y % height == 0 for height, width, x, y in places)
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(places)


@pytest.mark.process
def test_promtool_finds_the_rules_valid_and_they_fire_where_they_should(tmp_path: Path) -> None:
    checked = deploy_tools.run("promtool", "check", "rules", "--lint-fatal", str(ALERTS), folder=tmp_path)
    assert checked.returncode == 0, checked.stdout
    shutil.copy(ALERTS, tmp_path)
    shutil.copy(ROOT / "tests" / "alerts.test.yaml", tmp_path)
    tried = deploy_tools.run("promtool", "test", "rules", "alerts.test.yaml", folder=tmp_path)
    assert tried.returncode == 0, tried.stdout
