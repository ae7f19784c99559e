"""The same patient gets the same determination from prefetch, queries, and a chart."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from cds_service.hooks.hooks import SERVICE_OF_HOOK
from cds_service.hooks.request import read_request
from cds_service.sample_ehr.hook_client import hook_call
from cds_service.sample_ehr.patients import SAMPLES, STORY_DATE, Sample, SampleOrder, sample_store
from cds_service.sample_ehr.server import create_sample_ehr
from cds_service.settings import Settings
from cds_service.wiring.app import create_app
from cds_service.wiring.serving import on_loopback
from coverage_policies.format.library import load_library
from coverage_policies.judging.assessment import Assessor
from coverage_policies.judging.plan_rules import PlanRules
from fhir_mappings.fhir_json import dumps, loads
from tests.support.hook_fakes import LOOPBACK
from tests.support.reviews import review_call
from tests.support.sample_prefetch import prefetch_of

TOKEN = "sample-token"
PAGE_SIZE = 3
CALLS = [(sample, order) for sample in SAMPLES for order in sample.orders]
INSTANCE = "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea"


def clock() -> datetime:
    return datetime(STORY_DATE.year, STORY_DATE.month, STORY_DATE.day, 17, tzinfo=UTC)


@pytest.fixture(name="assessor", scope="module")
def _assessor() -> Assessor:
    return Assessor(load_library(), PlanRules())


@pytest.fixture(name="fhir_server", scope="module")
def _fhir_server() -> Iterator[str]:
    ehr = create_sample_ehr(sample_store(None), token=TOKEN, page_size=PAGE_SIZE)
    with on_loopback(ehr) as address:
        yield f"{address}/fhir"


def call(sample: Sample, order: SampleOrder, fhir_server: str = "https://ehr.example/fhir") -> dict[str, Any]:
    body = hook_call(sample, order, fhir_server=fhir_server, token=TOKEN, today=STORY_DATE, new_id=lambda: INSTANCE)
    return dict(body)


def without_server(body: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if not name.startswith("fhir")}


@pytest.mark.parametrize(("sample", "order"), CALLS, ids=lambda value: getattr(value, "file", None))
def test_prefetch_query_and_chart_give_the_same_determination(
    sample: Sample, order: SampleOrder, assessor: Assessor, fhir_server: str
) -> None:
    settings = Settings(**LOOPBACK)
    queried = review_call(read_request(call(sample, order, fhir_server)), assessor, settings, clock=clock)
    request = without_server(call(sample, order))
    by_chart = review_call(read_request(request), assessor, settings, chart=sample.bundle(None), clock=clock)
    with_prefetch = request | {"prefetch": prefetch_of(sample, assessor)}
    prefetched = review_call(read_request(with_prefetch), assessor, settings, clock=clock)
    answers = [[each.as_json() for each in found.determinations] for found in (queried, by_chart, prefetched)]
    assert answers[0] == answers[1]
    assert answers[0] == answers[2]
    assert [each["outcome"] for each in answers[0]] == [order.outcome.value]


@pytest.mark.parametrize(("sample", "order"), CALLS, ids=lambda value: getattr(value, "file", None))
def test_half_a_prefetch_is_completed_by_queries(
    sample: Sample, order: SampleOrder, assessor: Assessor, fhir_server: str
) -> None:
    half = dict(list(prefetch_of(sample, assessor).items())[::2])
    request = read_request(call(sample, order, fhir_server) | {"prefetch": half})
    found = review_call(request, assessor, Settings(**LOOPBACK), clock=clock)
    assert [each.outcome for each in found.determinations] == [order.outcome]


@pytest.mark.parametrize(("sample", "order"), CALLS, ids=lambda value: getattr(value, "file", None))
def test_the_cards_of_a_call_carry_the_determination_that_the_command_line_prints(
    sample: Sample, order: SampleOrder, assessor: Assessor, fhir_server: str
) -> None:
    base = "https://policies.example.org"
    settings = Settings(**LOOPBACK, canonical_base=base)
    app = create_app(settings=settings, assessor=assessor, clock=clock, new_id=lambda: INSTANCE)
    body = call(sample, order, fhir_server)
    response = app.test_client().post(
        f"/cds-services/{SERVICE_OF_HOOK[order.hook].id}", data=dumps(body), content_type="application/json"
    )
    printed = review_call(read_request(body), assessor, settings, clock=clock).determinations
    shown = [card["extension"]["cds-service.determination"] for card in loads(response.data)["cards"]]
    assert response.status_code == 200
    assert shown == [each.as_json(base) for each in printed if each.outcome.value in _shown_on(order.hook)]


def _shown_on(hook: str) -> set[str]:
    always = {"not-supported", "criteria-not-met", "not-evaluated", "documentation-needed", "case-review"}
    return always | ({"supported"} if hook == "order-sign" else set())
