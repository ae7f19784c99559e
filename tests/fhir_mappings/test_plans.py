"""Planned care: care plans and orders, since when, until when, and for what."""

import pytest

from fhir_mappings.plans import plans
from tests.support.fhir_builders import ASKED, KNOWN, codes_of, concept, condition, record, resource


def order(**members):
    made = {"status": "active", "intent": "order", "code": concept(), "authoredOn": "2026-02-01", **members}
    return resource("ServiceRequest", **made)


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({}, True),
        ({"intent": "plan"}, True),
        ({"doNotPerform": False}, True),
        ({"status": "draft"}, False),
        ({"status": "on-hold"}, False),
        ({"status": "completed"}, False),
        ({"status": "revoked"}, False),
        ({"status": None}, False),
        ({"intent": "proposal"}, False),
        ({"intent": "option"}, False),
        ({"doNotPerform": True}, False),
    ],
)
def test_an_order_stands_if_it_is_active_asked_for_and_to_be_done(members, expected):
    assert bool(planned(order(**members))) is expected


def care_plan(*details, **members):
    activity = [{"detail": {"status": "in-progress", "code": concept(), **detail}} for detail in details]
    made = {"status": "active", "intent": "plan", "period": {"start": "2026-02-01"}, "activity": activity, **members}
    return resource("CarePlan", **made)


def planned(*resources, codes=KNOWN):
    return [(each.evidence.reference, each.evidence.date) for each in plans(record(*resources), codes)]


def test_an_activity_of_an_active_care_plan_is_planned():
    assert planned(care_plan({})) == [("CarePlan/x", "2026-02-01")]


@pytest.mark.parametrize("status", ["not-started", "scheduled", "in-progress", "on-hold", "unknown"])
def test_an_activity_that_is_not_over_is_planned(status):
    assert planned(care_plan({"status": status})) != []


@pytest.mark.parametrize("status", ["completed", "cancelled", "stopped", "entered-in-error"])
def test_an_activity_that_is_over_is_not_planned(status):
    assert planned(care_plan({"status": status})) == []


def test_an_activity_to_be_left_is_not_planned():
    assert planned(care_plan({"doNotPerform": True})) == []


def test_an_activity_not_to_be_left_is_planned():
    assert planned(care_plan({"doNotPerform": False})) != []


def test_of_several_activities_one_that_goes_on_is_enough():
    assert planned(care_plan({"status": "completed"}, {"status": "in-progress"})) != []


@pytest.mark.parametrize(
    "members", [{"status": "completed"}, {"status": "draft"}, {"intent": "proposal"}, {"intent": "option"}]
)
def test_a_care_plan_that_does_not_stand_plans_nothing(members):
    assert planned(care_plan({}, **members)) == []


def test_a_care_plan_is_found_by_its_category():
    assert planned(care_plan({"code": concept("other")}, category=[concept()])) != []


def test_a_care_plan_for_something_else_is_left_out():
    assert planned(care_plan({"code": concept("other")})) == []


def test_an_active_order_is_planned():
    assert planned(order()) == [("ServiceRequest/x", "2026-02-01")]


def test_an_order_to_leave_something_is_not_planned():
    assert planned(order(doNotPerform=True)) == []


@pytest.mark.parametrize("given", [care_plan({}), order()])
def test_a_code_that_only_asks_plans_nothing(given):
    assert planned(given, codes=ASKED) == []


@pytest.mark.parametrize("given", [care_plan({}, period="x"), order(authoredOn="then")])
def test_a_faulty_plan_is_set_aside_by_name(given):
    chart = record(given)
    assert (plans(chart, KNOWN), list(chart.quarantined)) == ((), [f"{given['resourceType']}/x"])


def test_a_fault_elsewhere_in_an_order_is_tolerated():
    assert planned(order(priority=[])) != []


def only(*given):
    (found,) = plans(record(*given), KNOWN)
    return str(found.since or ""), str(found.until or "")


@pytest.mark.parametrize(
    ("members", "since", "until"),
    [
        ({}, "2026-02-01", ""),
        ({"authoredOn": None}, "", ""),
        ({"occurrenceDateTime": "2026-04-01"}, "2026-04-01", ""),
        ({"occurrenceDateTime": "2025-04-01"}, "2026-02-01", ""),
        ({"occurrencePeriod": {"start": "2026-03-01", "end": "2026-05-01"}}, "2026-03-01", "2026-05-01"),
        ({"occurrenceTiming": {"repeat": {"boundsPeriod": {"end": "2026-05-01"}}}}, "2026-02-01", "2026-05-01"),
    ],
)
def test_an_order_runs_from_its_latest_day_to_its_stated_end(members, since, until):
    assert only(order(**members)) == (since, until)


@pytest.mark.parametrize(
    ("detail", "members", "since", "until"),
    [
        ({}, {}, "2026-02-01", ""),
        ({}, {"period": None}, "", ""),
        ({}, {"period": None, "created": "2026-01-10"}, "2026-01-10", ""),
        ({}, {"period": {"start": "2019-01-01", "end": "2026-12-31"}}, "2019-01-01", "2026-12-31"),
        ({"scheduledPeriod": {"start": "2026-03-01", "end": "2026-06-01"}}, {}, "2026-03-01", "2026-06-01"),
    ],
)
def test_a_care_plan_runs_from_its_latest_day_to_its_stated_end(detail, members, since, until):
    assert only(care_plan(detail, **members)) == (since, until)


def about(given, *others):
    (found,) = plans(record(given, *others), KNOWN)
    return [codes_of(each) for each in found.about]


def test_a_plan_is_about_its_body_site_its_reasons_and_its_words():
    of = order(
        bodySite=[concept("16982005")],
        reasonCode=[concept("M75.101")],
        reasonReference=[{"reference": "Condition/c"}],
        code=concept() | {"text": "Therapy of the shoulder"},
    )
    assert about(of, condition(id="c", code=concept("M54.50"))) == [["16982005"], ["M75.101"], ["M54.50"], [""]]


def test_a_plan_about_nothing_in_particular_says_nothing():
    assert about(order()) == []
    assert about(care_plan({})) == []


def test_an_activity_is_about_its_own_reason():
    assert about(care_plan({"reasonCode": [concept("M75.101")]})) == [["M75.101"]]


@pytest.mark.parametrize("side", [{"text": "Left"}, concept("24028007", "http://snomed.info/sct", display="Right")])
def test_a_side_alone_is_no_part_of_the_body(side):
    assert about(order(bodySite=[side])) == []


def test_the_label_of_a_billing_code_is_its_definition_and_no_word_of_the_order():
    code = concept("known", "http://www.ama-assn.org/go/cpt", display="Manual therapy, neck or back")
    assert about(order(code=code | {"text": "manual therapy, neck or back"})) == []
