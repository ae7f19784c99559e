"""`condition` of the past: within a time, ever or over, and when it began."""

from dataclasses import replace
from typing import Any

import pytest

from coverage_policies.format.operator import ClauseResult
from coverage_policies.format.registry import operators
from coverage_policies.format.terms import Reason
from coverage_policies.format.value_sets import ValueSet, ValueSets
from fhir_mappings.codings import Course
from fhir_mappings.fhir_json import Resource
from fhir_mappings.truth import Truth
from tests.support.policy_fakes import SETS, UNAVAILABLE, available, clause, concept, condition, order, run

PRESENT = clause("condition", in_="alpha")
RECENT = clause("condition", in_="alpha", within="12 months")
EVER = clause("condition", in_="alpha", status="any")
OVER = clause("condition", in_="alpha", status="past")
NEW = clause("condition", in_="alpha", onset="under 12 months ago")
OLD = clause("condition", in_="alpha", onset="at least 6 months ago")
ATTACK = clause("condition", in_="acute", status="any", onset="under 4 weeks ago")
VERIFICATION = "http://terminology.hl7.org/CodeSystem/condition-ver-status"


def named(found: ClauseResult) -> list[str]:
    return [item.reference for item in found.evidence]


def verified(word: str) -> dict[str, Any]:
    return {"verificationStatus": concept(word, system=VERIFICATION)}


def ended(code: str, onset: str, end: str, **more: Any) -> Resource:
    return condition(code, onset, "resolved", abatementDateTime=end, **more)


@pytest.mark.parametrize(
    ("resource", "holds", "reason"),
    [
        (condition("alpha", "2010-01-01"), Truth.YES, Reason.PRESENT),
        (ended("alpha", "2010-01-01", "2025-03-02"), Truth.YES, Reason.PRESENT),
        (ended("alpha", "2010-01-01", "2025-03"), Truth.UNKNOWN, Reason.DATE_OUT_OF_RANGE),
        (ended("alpha", "2010-01-01", "2025-03-01"), Truth.NO, Reason.DATE_OUT_OF_RANGE),
        (
            ended("alpha", "2010-01-01", "2025-06-01", **verified("provisional")),
            Truth.UNKNOWN,
            Reason.INVALID_ATTRIBUTE,
        ),
        (condition("alpha", "2010-01-01", **verified("refuted")), Truth.NO, Reason.NOT_FOUND),
        (condition("alpha-asks"), Truth.UNKNOWN, Reason.INVALID_ATTRIBUTE),
        (condition("beta"), Truth.NO, Reason.NOT_FOUND),
    ],
)
def test_within_a_time_counts_what_was_there_at_some_time_in_it(
    resource: Resource, holds: Truth, reason: Reason
) -> None:
    found = run(RECENT, resource)
    assert (found.holds, found.reason) == (holds, reason)


def test_what_is_too_old_is_open_where_the_list_was_not_read_or_not_understood() -> None:
    old = ended("alpha", "2010-01-01", "2020-01-01")
    unread = run(RECENT, old, availability=available(Condition=UNAVAILABLE))
    unclear = run(RECENT, old, condition("strange", id="strange"))
    assert (unread.holds, unread.reason) == (Truth.UNKNOWN, Reason.DATA_UNAVAILABLE)
    assert (unclear.holds, unclear.reason) == (Truth.UNKNOWN, Reason.INVALID_ATTRIBUTE)


@pytest.mark.parametrize(
    ("resource", "ever", "over"),
    [
        (condition("alpha"), Truth.YES, Truth.NO),
        (condition("alpha", status="resolved"), Truth.YES, Truth.YES),
        (condition("alpha", status="inactive"), Truth.YES, Truth.YES),
        (condition("alpha", status="resolved", **verified("refuted")), Truth.NO, Truth.NO),
        (condition("alpha", status="resolved", **verified("entered-in-error")), Truth.NO, Truth.NO),
        (condition("alpha", status="resolved", **verified("provisional")), Truth.UNKNOWN, Truth.UNKNOWN),
        (condition("alpha-asks", status="resolved"), Truth.UNKNOWN, Truth.UNKNOWN),
        (condition("alpha", "2026-12-01"), Truth.UNKNOWN, Truth.UNKNOWN),
    ],
)
def test_a_status_of_any_counts_the_past_and_a_past_one_nothing_else(
    resource: Resource, ever: Truth, over: Truth
) -> None:
    assert (run(EVER, resource).holds, run(OVER, resource).holds) == (ever, over)


def test_what_is_over_and_present_is_a_conflict() -> None:
    found = run(OVER, ended("alpha", "2010-01-01", "2015-01-01"), condition("alpha", "2025-01-01", id="again"))
    assert (found.holds, found.reason) == (Truth.UNKNOWN, Reason.CONFLICT)


def test_what_is_over_counts_beside_another_condition_that_is_present() -> None:
    check = clause("condition", in_=["alpha", "beta"], status="past")
    found = run(check, ended("alpha", "2010-01-01", "2015-01-01"), condition("beta"))
    assert (found.holds, named(found)) == (Truth.YES, ["Condition/alpha-1"])


def test_the_finding_tells_when_it_ended() -> None:
    found = run(OVER, ended("alpha", "2010-01-01", "2015-01-01"))
    assert found.headline == "Label of alpha 2010-01-01, ended 2015-01-01"


@pytest.mark.parametrize(
    ("onset", "new", "old"),
    [
        ("2025-03-03", Truth.YES, Truth.YES),
        ("2025-03-02", Truth.UNKNOWN, Truth.YES),
        ("2025-09-02", Truth.YES, Truth.YES),
        ("2025-09-03", Truth.YES, Truth.UNKNOWN),
        ("2025-09", Truth.YES, Truth.UNKNOWN),
        ("2025-03", Truth.UNKNOWN, Truth.YES),
        (None, Truth.UNKNOWN, Truth.UNKNOWN),
    ],
)
def test_an_onset_is_compared_with_the_anchor_date(onset: str | None, new: Truth, old: Truth) -> None:
    found = run(NEW, condition("alpha", onset)).holds, run(OLD, condition("alpha", onset)).holds
    assert tuple(each if each is Truth.YES else Truth.UNKNOWN for each in found) == (new, old)


@pytest.mark.parametrize(
    ("other", "holds"),
    [
        (condition("alpha", "2026-01-01", id="other"), Truth.YES),
        (condition("alpha", "2015-01-01", id="other"), Truth.UNKNOWN),
        (ended("alpha", "2015-01-01", "2016-01-01", id="other"), Truth.UNKNOWN),
        (condition("alpha", None, id="other"), Truth.UNKNOWN),
        (condition("alpha-asks", "2015-01-01", id="other"), Truth.UNKNOWN),
        (condition("strange", "2015-01-01", id="other"), Truth.UNKNOWN),
        (condition("beta", "2015-01-01", id="other"), Truth.YES),
    ],
)
def test_a_chronic_condition_began_with_its_oldest_record(other: Resource, holds: Truth) -> None:
    assert run(NEW, condition("alpha", "2025-12-01"), other).holds is holds


def test_a_list_cut_short_may_lack_the_oldest_record() -> None:
    found = run(NEW, condition("alpha", "2025-12-01"), availability=available(Condition=UNAVAILABLE))
    assert (found.holds, found.reason) == (Truth.UNKNOWN, Reason.DATA_UNAVAILABLE)


def test_an_onset_is_that_of_a_condition_that_is_present() -> None:
    assert run(OLD, condition("alpha", "2015-01-01", "resolved")).holds is Truth.UNKNOWN


@pytest.mark.parametrize(
    ("onset", "holds"), [("2026-02-03", Truth.YES), ("2026-02-02", Truth.NO), ("2026-02", Truth.UNKNOWN)]
)
def test_each_acute_attack_has_an_onset_of_its_own(onset: str, holds: Truth) -> None:
    before = condition("acute", "2015-01-01", id="before")
    assert run(ATTACK, condition("acute", onset, id="now"), before).holds is holds


@pytest.mark.parametrize(("side", "holds"), [("left", Truth.YES), ("right", Truth.NO), (None, Truth.UNKNOWN)])
def test_the_past_has_a_side_too(side: str | None, holds: Truth) -> None:
    check = clause("condition", in_="alpha", status="past", side="same")
    sites = {"bodySite": [{"text": f"{side} knee"}]} if side else {}
    found = run(check, ended("alpha", "2010-01-01", "2015-01-01", **sites), of=order(bodySite=[{"text": "left knee"}]))
    assert found.holds is holds


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"within": "12 months", "lasting": "at least 6 months"}, "'within' about the past"),
        ({"status": "past", "lasting": "at least 6 months"}, "'status' about the past"),
        ({"within": "12 months", "status": "active"}, "leave out 'status: active'"),
        ({"status": "any", "encounter_diagnosis": "90 days"}, "leave out 'encounter_diagnosis'"),
        ({"in": "acute", "onset": "under 4 weeks ago"}, "write 'status: any' beside 'onset'"),
        ({"in": "permanent", "status": "past"}, "a permanent condition never ends"),
        ({"status": "any", "unless_older": "beta"}, "'unless_older' needs an upper bound"),
    ],
)
def test_arguments_that_do_not_go_together_are_refused(arguments: dict[str, str], told: str) -> None:
    permanent = [replace(each, course=Course.PERMANENT) for each in SETS["alpha"].rows]
    sets = ValueSets(SETS | {"permanent": ValueSet("permanent", permanent)})
    with pytest.raises(ValueError, match=told):
        operators()["condition"].parse({"in": "alpha"} | arguments, sets)


def test_an_active_status_is_what_counts_without_one() -> None:
    over = condition("alpha", status="resolved")
    assert run(clause("condition", in_="alpha", status="active"), over) == run(PRESENT, over)
