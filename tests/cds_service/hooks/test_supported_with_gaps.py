"""A card that says an order is documented hides nothing that was not read."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from cards.style import CardStyle
from cds_service.fhir_client.source import searches_of_call
from cds_service.hooks.request import read_request
from cds_service.hooks.response import respond
from cds_service.sample_ehr.hook_client import hook_call
from cds_service.sample_ehr.patients import SAMPLES, STORY_DATE, Sample, SampleOrder
from cds_service.settings import Settings
from coverage_policies.format.library import load_library
from coverage_policies.format.terms import Outcome
from coverage_policies.judging.assessment import Assessor
from coverage_policies.judging.plan_rules import PlanRules
from fhir_mappings.fhir_json import Json
from tests.support.hook_fakes import outcome
from tests.support.reviews import review_call
from tests.support.sample_prefetch import prefetch_of

ASSESSOR = Assessor(load_library(), PlanRules())
SUPPORTED = [(each, order) for each in SAMPLES for order in each.orders if order.outcome is Outcome.SUPPORTED]
SEARCHES = searches_of_call(ASSESSOR.library.searches())
_PREFETCH: dict[str, dict[str, Json]] = {}


def card(sample: Sample, order: SampleOrder, **prefetch: Json) -> dict[str, Any]:
    """Return the card of signing an order with the prefetch of the sample patient, some of it replaced."""
    complete = _PREFETCH.setdefault(sample.id, prefetch_of(sample, ASSESSOR))
    body = hook_call(
        sample,
        order,
        fhir_server="https://ehr.example/fhir",
        token="token-1",
        today=STORY_DATE,
        new_id=lambda: "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
    )
    without_server = {name: value for name, value in body.items() if not name.startswith("fhir")}
    found = review_call(
        read_request(without_server | {"prefetch": complete | prefetch}),
        ASSESSOR,
        Settings(),
        clock=lambda: datetime(STORY_DATE.year, STORY_DATE.month, STORY_DATE.day, 17, tzinfo=UTC),
    )
    (made,) = respond(found, ASSESSOR.rules, "order-sign", CardStyle(), lambda _: UUID(int=1)).cards
    return dict(made.card)


def outcome_of(found: dict[str, Any]) -> Any:
    return found["extension"]["cds-service.determination"]["outcome"]


def needed(order: SampleOrder) -> set[str]:
    """Return the prefetch keys that an order's revision or every call reads."""
    return {search.key for search in ASSESSOR.library.policies[order.policy].searches()} | {"coverage", "patient"}


@pytest.mark.parametrize(("sample", "order"), SUPPORTED, ids=lambda value: getattr(value, "file", None))
def test_a_supported_order_whose_data_were_all_read_gets_one_line(sample: Sample, order: SampleOrder) -> None:
    found = card(sample, order)
    assert (outcome_of(found), "detail" in found) == ("supported", False)


@pytest.mark.parametrize("search", SEARCHES, ids=lambda search: search.key)
@pytest.mark.parametrize(("sample", "order"), SUPPORTED, ids=lambda value: getattr(value, "file", None))
def test_a_supported_order_says_what_was_not_read_or_is_supported_no_more(
    sample: Sample, order: SampleOrder, search: Any
) -> None:
    found = card(sample, order, **{search.key: outcome()})
    if search.key in needed(order) and outcome_of(found) == "supported":
        assert "Not read completely: " in found["detail"]
        assert found["summary"].endswith("Not all data could be used.")


@pytest.mark.parametrize(
    ("name", "key"),
    [("sij-all-documented", "conditions"), ("trial-weaned", "allergies"), ("trial-weaned", "medicationRequests")],
)
def test_an_answer_does_not_outrank_a_list_that_was_not_read(name: str, key: str) -> None:
    sample, order = next(each for each in SUPPORTED if each[0].id == name)
    assert outcome_of(card(sample, order, **{key: outcome()})) == "documentation-needed"
