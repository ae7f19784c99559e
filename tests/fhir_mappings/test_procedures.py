"""Procedures and planned care."""

from datetime import date

import pytest

from fhir_mappings.procedures import Progress, is_active_order, latest_on_or_before, plans, procedures
from tests.support.fhir_builders import ASKED, KNOWN, concept, procedure, record, resource


def only(given, codes=KNOWN, reading=procedures):
    (found,) = reading(record(given), codes)
    return found


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("completed", Progress.DONE),
        ("in-progress", Progress.UNDER_WAY),
        ("preparation", Progress.UNCLEAR),
        ("on-hold", Progress.UNCLEAR),
        ("stopped", Progress.UNCLEAR),
        ("unknown", Progress.UNCLEAR),
        ("final", Progress.UNCLEAR),
        (None, Progress.UNCLEAR),
        (5, Progress.UNCLEAR),
        (["completed"], Progress.UNCLEAR),
        ({}, Progress.UNCLEAR),
    ],
)
def test_the_status_of_a_procedure_tells_how_far_it_got(status, expected):
    assert only(procedure(status=status)).progress is expected


@pytest.mark.parametrize("status", ["not-done", "entered-in-error"])
def test_a_procedure_that_never_happened_is_left_out(status):
    assert procedures(record(procedure(status=status)), KNOWN) == ()


def test_a_code_that_only_asks_leaves_it_unclear():
    assert only(procedure(), ASKED).progress is Progress.UNCLEAR


def test_another_procedure_is_left_out():
    assert procedures(record(procedure(code=concept("other"))), KNOWN) == ()


def days(found):
    start = found.start and (found.start.earliest, found.start.latest)
    return start, found.end and (found.end.earliest, found.end.latest)


FIFTH, SIXTH = (date(2026, 1, 5),) * 2, (date(2026, 1, 6),) * 2


@pytest.mark.parametrize(
    ("performed", "expected"),
    [
        ({"performedDateTime": "2026-01-05"}, (FIFTH, FIFTH)),
        ({"performedDateTime": "2026-01"}, ((date(2026, 1, 1), date(2026, 1, 31)),) * 2),
        ({"performedPeriod": {"start": "2026-01-05", "end": "2026-01-06"}}, (FIFTH, SIXTH)),
        ({"performedPeriod": {"start": "2026-01-05", "end": "2026-01-05"}}, (FIFTH, FIFTH)),
        ({"performedPeriod": {"start": "2026-01-05"}}, (FIFTH, None)),
        ({"performedPeriod": {"end": "2026-01-06"}}, (None, SIXTH)),
        ({"performedPeriod": {"start": "2026-01-06", "end": "2026-01-05"}}, (None, None)),
        (
            {"performedPeriod": {"start": "2026-01-05T11:00:00-05:00", "end": "2026-01-05T10:00:00-05:00"}},
            (None, None),
        ),
        (
            {"performedPeriod": {"start": "2026-01-05T11:00:00-05:00", "end": "2026-01-05T11:00:00-05:00"}},
            (FIFTH, FIFTH),
        ),
        ({"performedString": "in spring"}, (None, None)),
        ({}, (None, None)),
    ],
)
def test_it_was_done_from_its_start_to_its_end(performed, expected):
    assert days(only(procedure(None, **performed))) == expected


@pytest.mark.parametrize(
    ("performed", "shown"),
    [
        ({"performedPeriod": {"start": "2026-01-05", "end": "2026-02-10"}}, "2026-01-05 to 2026-02-10"),
        ({"performedPeriod": {"start": "2026-01-05", "end": "2026-01-05"}}, "2026-01-05"),
        ({"performedPeriod": {"start": "2026-01-05"}}, "2026-01-05"),
        ({}, ""),
    ],
)
def test_the_evidence_shows_its_days(performed, shown):
    assert only(procedure(None, **performed)).evidence.date == shown


@pytest.mark.parametrize(
    ("status", "value"), [("completed", ""), ("in-progress", "under way"), ("stopped", "to be confirmed")]
)
def test_the_evidence_says_how_far_it_got(status, value):
    assert only(procedure(status=status)).evidence.value == value


@pytest.mark.parametrize(
    "fault",
    [{"performedDateTime": "then"}, {"performedString": "x"}, {"code": {**concept(), "text": []}}, {"status": None}],
)
def test_a_fault_in_an_element_in_use_leaves_it_unclear_and_undated(fault):
    found = only(procedure(**fault))
    assert (found.progress, found.start, found.end, found.evidence.value) == (
        Progress.UNCLEAR,
        None,
        None,
        "set aside",
    )


@pytest.mark.parametrize("fault", [{"outcome": "x"}, {"statusReason": "x"}, {"performer": "x"}])
def test_a_fault_elsewhere_changes_nothing(fault):
    assert only(procedure(**fault)).progress is Progress.DONE


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
    assert is_active_order(order(**members)) is expected


def care_plan(*details, **members):
    activity = [{"detail": {"status": "in-progress", "code": concept(), **detail}} for detail in details]
    made = {"status": "active", "intent": "plan", "period": {"start": "2026-02-01"}, "activity": activity, **members}
    return resource("CarePlan", **made)


def planned(*resources, codes=KNOWN):
    return [(each.reference, each.date) for each in plans(record(*resources), codes)]


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


def test_a_procedure_under_way_is_planned():
    assert planned(procedure(status="in-progress")) == [("Procedure/x", "2026-01-05")]


def test_a_procedure_that_is_done_is_not_planned():
    assert planned(procedure()) == []


@pytest.mark.parametrize("given", [care_plan({}), order(), procedure(status="in-progress")])
def test_a_code_that_only_asks_plans_nothing(given):
    assert planned(given, codes=ASKED) == []


@pytest.mark.parametrize("given", [care_plan({}, period="x"), order(authoredOn="then")])
def test_a_faulty_plan_is_set_aside_by_name(given):
    chart = record(given)
    assert (plans(chart, KNOWN), list(chart.quarantined)) == ((), [f"{given['resourceType']}/x"])


def test_a_fault_elsewhere_in_an_order_is_tolerated():
    assert planned(order(priority=[])) != []


def last(*given, day="2026-02-10"):
    found = latest_on_or_before(procedures(record(*given), KNOWN), date.fromisoformat(day))
    return found and found.reference


def test_the_last_thing_done_is_the_one_nearest_before_the_day():
    given = [procedure("2026-01-05", id="a"), procedure("2026-02-05", id="b"), procedure("2026-02-20", id="c")]
    assert last(*given) == "Procedure/b"


@pytest.mark.parametrize(("day", "expected"), [("2026-01-04", None), ("2026-01-05", "Procedure/x")])
def test_the_day_itself_counts(day, expected):
    assert last(procedure("2026-01-05"), day=day) == expected


def test_what_is_under_way_is_not_the_last():
    assert last(procedure(status="in-progress")) is None


@pytest.mark.parametrize("given", [procedure(None, id="b"), procedure("2026-02", id="b")])
def test_what_is_undated_or_of_an_imprecise_day_may_be_the_last_and_is_taken_for_it(given):
    assert last(procedure("2026-01-05", id="a"), given) == "Procedure/b"


def test_an_imprecise_day_that_surely_lies_earlier_is_not_the_last():
    assert last(procedure("2026-01-05", id="a"), procedure("2025-12", id="b")) == "Procedure/a"
