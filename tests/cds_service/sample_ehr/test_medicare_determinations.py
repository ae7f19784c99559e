"""The coverage determinations of Medicare judge the orders of every Medicare plan, and of no other plan."""

import json
from datetime import UTC, datetime, time

import pytest

from cds_service.hooks.request import read_request
from cds_service.hooks.review import Review
from cds_service.sample_ehr.hook_client import hook_call
from cds_service.sample_ehr.patients import BARIATRIC_SURGERY, CPAP, HOME_OXYGEN, SAMPLES, STORY_DATE
from cds_service.settings import Settings
from coverage_policies.format.library import load_library
from coverage_policies.format.terms import Outcome
from coverage_policies.judging.assessment import Assessor
from coverage_policies.judging.plan_rules import Payer, PlanRules
from fhir_mappings.fhir_json import dumps
from tests.support.reviews import review_call

LIBRARY = load_library()
ONE_EACH = {
    HOME_OXYGEN: "oxygen-normal-at-rest-concentrator.json",
    CPAP: "cpap-mild-apnea-cpap.json",
    BARIATRIC_SURGERY: "bariatric-weight-lost-bypass.json",
}
EACH_POLICY = pytest.mark.parametrize(("policy", "file"), ONE_EACH.items())
NO_RULES = PlanRules()
ANOTHER_OWNER = PlanRules(payers=(Payer("Sample", ("Centene Corporation",), names=frozenset({"sample health plan"})),))


def reviewed(file: str, coverage_type: str | None, rules: PlanRules = NO_RULES) -> Review:
    """What comes of a sample order if the patient's coverage is of a type of the payment typology, or not on file."""
    sample, order = next((s, o) for s in SAMPLES for o in s.orders if o.file == file)
    chart = json.loads(dumps(sample.bundle(None)))
    for entry in chart["entry"]:
        if entry["resource"]["resourceType"] == "Coverage":
            entry["resource"]["type"] = {"coding": [{"system": "https://nahdo.org/sopt", "code": coverage_type}]}
            entry["resource"]["payor"] = [{"display": "Sample Health Plan"}]
    if coverage_type is None:
        chart["entry"] = [each for each in chart["entry"] if each["resource"]["resourceType"] != "Coverage"]
    call = hook_call(
        sample,
        order,
        fhir_server="https://ehr.example/fhir",
        token="none",
        today=STORY_DATE,
        new_id=lambda: "6b5f0c1a-5200-4000-8000-000000000001",
    )
    return review_call(
        read_request(call),
        Assessor(LIBRARY, rules),
        Settings(),
        chart=chart,
        clock=lambda: datetime.combine(STORY_DATE, time(17), UTC),
    )


@EACH_POLICY
@pytest.mark.parametrize("rules", [NO_RULES, ANOTHER_OWNER], ids=["no payer is known", "the payer uses other policies"])
@pytest.mark.parametrize("coverage_type", ["111", "121"], ids=["Medicare Advantage", "original Medicare"])
def test_a_medicare_plan_follows_them_and_nothing_limits_that(
    policy: str, file: str, coverage_type: str, rules: PlanRules
) -> None:
    (found,) = reviewed(file, coverage_type, rules).determinations
    assert (found.full_name, found.caveats) == (policy, ())
    assert found.outcome is not Outcome.NOT_APPLICABLE


@EACH_POLICY
def test_no_commercial_plan_is_judged_by_them(policy: str, file: str) -> None:
    assert reviewed(file, "5").determinations == (), policy


@EACH_POLICY
def test_a_card_says_so_if_the_line_of_business_is_not_known(policy: str, file: str) -> None:
    (found,) = reviewed(file, None).determinations
    assert (found.full_name, found.caveats) == (policy, ("Line of business not known",))
    assert set(found.lines) == {"medicare", "medicare-advantage"}
