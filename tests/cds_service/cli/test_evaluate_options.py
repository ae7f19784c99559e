"""`evaluate --at`, `--cards`, and `--trace`, on the sample patients."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cds_service.cli.main import main
from cds_service.sample_ehr.hook_client import hook_call
from cds_service.sample_ehr.patients import SAMPLES, STORY_DATE
from fhir_mappings.fhir_json import dumps, loads

Run = Callable[..., Result]


@pytest.fixture(name="run")
def _run(tmp_path: Path) -> Run:
    def run(sample_id: str, *options: str, order: int = 0) -> Result:
        sample = next(each for each in SAMPLES if each.id == sample_id)
        body = hook_call(
            sample,
            sample.orders[order],
            fhir_server="https://ehr.example.org/fhir",
            token="t",
            today=STORY_DATE,
            new_id=lambda: "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        )
        request, chart = tmp_path / "request.json", tmp_path / "chart.json"
        request.write_text(dumps(body), encoding="utf-8")
        chart.write_text(dumps(sample.bundle(None)), encoding="utf-8")
        arguments = ["evaluate", str(request), "--chart", str(chart), *options]
        return CliRunner().invoke(main, arguments, env={"COLUMNS": "160"})

    return run


def test_at_sets_the_clock_of_the_call(run: Run) -> None:
    on_the_day = loads(run("trial-not-weaned", "--at", "2026-03-02", "--json").stdout)
    years_before = loads(run("trial-not-weaned", "--at", "2024-01-01", "--json").stdout)
    assert [each["outcome"] for each in on_the_day] == ["criteria-not-met"]
    assert [each["outcome"] for each in years_before] == ["documentation-needed"]


@pytest.mark.parametrize("at", ["yesterday", "2026-13-01", "03/02/2026"])
def test_what_is_no_date_is_a_usage_error(run: Run, at: str) -> None:
    assert run("trial-not-weaned", "--at", at).exit_code == 2


def test_cards_are_printed_as_a_client_shows_them(run: Run) -> None:
    found = run("trial-not-weaned", "--at", "2026-03-02", "--cards")
    assert found.exit_code == 0
    assert "120 → 90 MME/day" in found.stdout
    assert "order-sign for Patient/trial-not-weaned" in found.stdout
    assert "I.A.1.b" not in found.stdout


def test_a_trace_tells_each_search_its_hits_and_each_clause_its_result(run: Run) -> None:
    lines = run("trial-not-weaned", "--at", "2026-03-02", "--trace").stdout.splitlines()
    prescriptions = next(line for line in lines if "MedicationRequest?patient={patient}" in line)
    assert [cell.strip() for cell in prescriptions.split("│")][3:6] == ["query", "7", "complete"]
    wean = [cell.strip() for cell in next(line for line in lines if "opioid_reduction" in line).split("│")]
    assert (wean[1], wean[3:5]) == ("I.A.2.h", ["no", "ValueOutOfRange"])
    assert wean[2].startswith("met_when: opioid_reduction by: at least 50 %")


def test_a_trace_of_an_order_that_no_policy_matches_tells_that_nothing_was_searched(run: Run) -> None:
    found = run("epidural-steroid", "--at", "2026-03-02", "--trace")
    assert "No policy matches an order, so nothing was searched." in found.stdout


@pytest.mark.parametrize("option", ["--cards", "--trace"])
def test_json_stands_alone(run: Run, option: str) -> None:
    found = run("trial-not-weaned", "--json", option)
    assert found.exit_code == 2
    assert "leave out --cards and --trace" in found.output
