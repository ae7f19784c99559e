"""Every sample order has its expected outcome, on any day."""

from datetime import UTC, date, datetime, time
from functools import cache

import pytest

from cds_service.hooks.request import read_request
from cds_service.sample_ehr.hook_client import hook_call
from cds_service.sample_ehr.patients import SAMPLES, STORY_DATE
from cds_service.settings import Settings
from coverage_policies.format.library import load_library
from coverage_policies.judging.assessment import Assessor
from coverage_policies.judging.plan_rules import PlanRules
from tests.support.reviews import review_call

ORDERS = [(sample, order) for sample in SAMPLES for order in sample.orders]
DAYS = [STORY_DATE, date(2026, 9, 29), date(2027, 3, 1), date(2028, 2, 29)]
"""The day of the story, and days that turn month lengths and the leap day against the windows of the policies."""

CALL_ID = "6b5f0c1a-5200-4000-8000-000000000001"


@cache
def assessor() -> Assessor:
    return Assessor(load_library(), PlanRules())


@pytest.mark.parametrize("today", DAYS, ids=str)
@pytest.mark.parametrize(("sample", "order"), ORDERS, ids=[order.file for _, order in ORDERS])
def test_a_sample_order_has_its_expected_outcome(sample, order, today):
    call = hook_call(
        sample, order, fhir_server="https://ehr.example/fhir", token="none", today=today, new_id=lambda: CALL_ID
    )
    found = review_call(
        read_request(call),
        assessor(),
        Settings(),
        chart=sample.bundle(today),
        clock=lambda: datetime.combine(today, time(17), UTC),
    )
    assert [(each.full_name, each.outcome) for each in found.determinations] == [(order.policy, order.outcome)]
