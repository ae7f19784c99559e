"""HTTP and the command line take the same walk: the same searches, determinations, and refusals."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from cds_service.cli.main import main
from cds_service.fhir_client.memory import ChartInMemory, Store
from cds_service.fhir_client.source import COVERAGE, SearchResult, searches_of_call
from cds_service.hooks.hooks import SERVICE_OF_HOOK
from cds_service.hooks.request import read_request
from cds_service.sample_ehr.hook_client import hook_call
from cds_service.sample_ehr.patients import SAMPLES, STORY_DATE, Sample, SampleOrder
from cds_service.settings import Settings
from cds_service.wiring.app import create_app
from coverage_policies.format.library import load_library
from coverage_policies.format.model import PATHWAY
from coverage_policies.format.searches import PATIENT, Search
from coverage_policies.judging.assessment import Assessor
from coverage_policies.judging.determination import Determination
from coverage_policies.judging.plan_rules import PlanRules
from fhir_mappings import orders
from fhir_mappings.bundle import Entry
from fhir_mappings.fhir_json import Json, dumps
from tests.support.reviews import review_call

CALLS = [(sample, order) for sample in SAMPLES for order in sample.orders]
ASSESSOR = Assessor(load_library(), PlanRules())
NOW = datetime(STORY_DATE.year, STORY_DATE.month, STORY_DATE.day, 17, tzinfo=UTC)
SERVER = "https://ehr.example.org/fhir"
NOTHING_READ = 3
SETTLED_BY_THE_ORDER = {
    "bariatric-all-documented-banded.json",
    "sij-all-documented-posterior.json",
    "sij-open-trauma-open-fusion.json",
    "sij-posterior-fusion.json",
    "sij-rich-chart-not-transfixing.json",
}
"""Orders that state themselves what decides: no chart could change their outcome."""
Fails = Callable[[Search], bool]


class FailingChart(ChartInMemory):
    """A chart in memory of which some searches fail, and which records its searches."""

    def __init__(self, sample: Sample, fails: Fails) -> None:
        super().__init__(Store.from_bundle(sample.bundle(None)))
        self.address = SERVER
        self.asked: set[str] = set()
        self._fails = fails

    def search(self, search: Search, patient_id: str) -> SearchResult:
        self.asked.add(search.key)
        return SearchResult() if self._fails(search) else super().search(search, patient_id)

    def read(self, reference: str) -> Entry | None:  # noqa: ARG002
        return None


def body(sample: Sample, order: SampleOrder) -> dict[str, Json]:
    return dict(hook_call(sample, order, fhir_server=SERVER, token="t", today=STORY_DATE, new_id=lambda: INSTANCE))


INSTANCE = "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea"


class BothWays:
    """One sample order over HTTP and through `evaluate`, each with a chart of its own."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._file = folder / "request.json"
        self._monkeypatch = monkeypatch

    def http(self, sample: Sample, order: SampleOrder, chart: FailingChart) -> tuple[int, list[Any]]:
        app = create_app(
            settings=Settings(),
            assessor=ASSESSOR,
            clock=lambda: NOW,
            new_id=lambda: INSTANCE,
            open_fhir_server=lambda _access, _deadline: chart,
        )
        response = app.test_client().post(
            f"/cds-services/{SERVICE_OF_HOOK[order.hook].id}",
            data=dumps(body(sample, order)),
            content_type="application/json",
        )
        cards = json.loads(response.data).get("cards", [])
        return response.status_code, [card["extension"]["cds-service.determination"] for card in cards]

    def evaluate(self, sample: Sample, order: SampleOrder, chart: FailingChart) -> tuple[int, list[Any]]:
        self._file.write_text(dumps(body(sample, order)), encoding="utf-8")
        self._monkeypatch.setattr(
            "cds_service.cli.evaluate.FhirClients", lambda _settings: lambda _access, _deadline: chart
        )
        at = NOW.astimezone(Settings().time_zone).strftime("%Y-%m-%dT%H:%M")
        found = CliRunner().invoke(main, ["evaluate", str(self._file), "--json", "--at", at])
        return found.exit_code, json.loads(found.stdout)


@pytest.fixture
def both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> BothWays:
    return BothWays(tmp_path, monkeypatch)


def needed_by(sample: Sample, order: SampleOrder) -> set[str]:
    """Return the keys of the searches that an order needs."""
    found = review_call(
        read_request(body(sample, order)), ASSESSOR, Settings(), chart=sample.bundle(None), clock=lambda: NOW
    )
    return {each.search.key for each in found.searches}


def check(both: BothWays, sample: Sample, order: SampleOrder, fails: Fails) -> int:
    """Assert that both ways agree; return the HTTP status."""
    over_http, on_the_command_line = FailingChart(sample, fails), FailingChart(sample, fails)
    status, shown = both.http(sample, order, over_http)
    code, printed = both.evaluate(sample, order, on_the_command_line)
    assert (status == 412) == (code == NOTHING_READ)
    assert status in (200, 412)
    assert over_http.asked == on_the_command_line.asked
    if status == 200:
        flat = [each for one in shown for each in (one if isinstance(one, list) else [one])]
        assert all(each in printed for each in flat)
    return status


@pytest.mark.parametrize(("sample", "order"), CALLS, ids=lambda value: getattr(value, "file", None))
@pytest.mark.slow
def test_http_and_evaluate_agree_whichever_search_fails(both: BothWays, sample: Sample, order: SampleOrder) -> None:
    for failing in [None, *searches_of_call(ASSESSOR.library.searches())]:
        assert check(both, sample, order, lambda search, failing=failing: search == failing) == 200  # type: ignore[misc]


@pytest.mark.parametrize(("sample", "order"), CALLS, ids=lambda value: getattr(value, "file", None))
def test_http_and_evaluate_refuse_if_only_unneeded_searches_succeed(
    both: BothWays, sample: Sample, order: SampleOrder
) -> None:
    needed = needed_by(sample, order)
    status = check(both, sample, order, lambda search: search.key in needed)
    assert (status == 412) == (bool(needed) and order.file not in SETTLED_BY_THE_ORDER)


def test_an_order_without_a_policy_needs_no_query_over_http_and_in_evaluate(both: BothWays) -> None:
    sample, order = next(each for each in CALLS if each[1].file == "epidural-steroid-steroid.json")
    charts = FailingChart(sample, lambda _search: False), FailingChart(sample, lambda _search: False)
    assert both.http(sample, order, charts[0]) == (200, [])
    code, (determination,) = both.evaluate(sample, order, charts[1])
    assert (code, determination["outcome"]) == (0, "not-applicable")
    assert charts[0].asked == charts[1].asked == set()


def test_a_needed_call_reads_the_patient_and_the_coverage_too(both: BothWays) -> None:
    sample, order = CALLS[0]
    chart = FailingChart(sample, lambda _search: False)
    both.http(sample, order, chart)
    assert {PATIENT.key, COVERAGE.key} <= chart.asked


def test_an_order_is_read_and_matched_once_per_call(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    original = orders.read_order

    def counted(resource: Any, *args: Any, **members: Any) -> Any:
        read.append(resource["id"])
        return original(resource, *args, **members)

    monkeypatch.setattr("coverage_policies.judging.order_session.read_order", counted)
    sample, order = next(each for each in CALLS if each[1].outcome.value == "documentation-needed")
    review_call(read_request(body(sample, order)), ASSESSOR, Settings(), chart=sample.bundle(None), clock=lambda: NOW)
    assert len(read) == 1


@pytest.mark.parametrize("own_id", ["trial-two-pathways-cancer-pain", "trial-two-pathways-postlaminectomy"])
def test_a_reason_that_only_the_chart_has_chooses_the_pathway_as_a_stated_one_does(own_id: str) -> None:
    sample, order = next(each for each in CALLS if each[0].id == "trial-two-pathways")
    chart = sample.bundle(None)
    (reason,) = [each["resource"] for each in chart["entry"] if each["resource"]["id"] == own_id]

    def determination(**stated: Json) -> Determination:
        call = body(sample, order)
        call["context"]["draftOrders"]["entry"][0]["resource"] |= stated
        found = review_call(read_request(call), ASSESSOR, Settings(), chart=chart, clock=lambda: NOW)
        (only,) = found.determinations
        return only

    in_the_chart = determination(reasonReference=[{"reference": f"Condition/{own_id}"}])
    assert in_the_chart.criteria == determination(reasonCode=[reason["code"]]).criteria
    assert PATHWAY not in {question.id for question in in_the_chart.questions}
    assert PATHWAY in {question.id for question in determination().questions}
