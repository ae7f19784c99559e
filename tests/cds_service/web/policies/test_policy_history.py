"""The history of a policy: revisions with the days on which they apply, what replaced what, and the editions."""

from datetime import date

from cds_service.web.policies.history_view import months
from coverage_policies.judging.plan_rules import Effective, PlanRules, Visibility, VisibilityRule
from tests.support.policy_fakes import HEAD
from tests.support.policy_pages import assessor_of, page, service, shipped

OLD, NEW = HEAD, HEAD.replace("2025-01", "2025-04") + "history: [2025-02]\n"
TODAY = date(2026, 3, 2)


def listed(*heads: str, today: date = TODAY, rules: PlanRules | None = None) -> dict[str, tuple[str, str, bool]]:
    """The days, where they are stated, and whether it is in force, by revision."""
    rules = rules or PlanRules()
    installed = assessor_of(*heads).library.revisions_of("CP.TEST")
    found = months(installed, installed, rules, today)
    return {each.revision: (each.days, each.why, each.is_in_force) for each in found}


def test_revisions_are_listed_the_newest_first_also_those_that_are_not_installed() -> None:
    by_months = "by the months of the revisions"
    found = listed(OLD, NEW)
    assert list(found) == ["2025-04", "2025-02", "2025-01"]
    assert found == {
        "2025-04": ("from 2025-04", by_months, True),
        "2025-02": ("from 2025-02 until 2025-04", by_months, False),
        "2025-01": ("from 2025-01 until 2025-02", by_months, False),
    }


def test_each_revision_names_the_one_before_and_the_one_after() -> None:
    installed = assessor_of(OLD, NEW).library.revisions_of("CP.TEST")
    found = months(installed, installed, PlanRules(), TODAY)
    assert [(each.replaces, each.replaced_by) for each in found] == [
        ("2025-02", ""),
        ("2025-01", "2025-04"),
        ("", "2025-02"),
    ]


def test_the_days_of_the_plan_rules_come_first() -> None:
    rules = PlanRules(effective=(Effective("CP.TEST@2025-01", date(2025, 3, 1), None, "bulletin 7"),))
    found = listed(OLD, NEW, rules=rules)
    assert found["2025-01"] == ("from 2025-03-01", "plan rules: bulletin 7", True)
    assert found["2025-04"][2] is False


def test_the_days_of_one_revision_in_the_plan_rules_bound_those_of_the_others() -> None:
    newer, newest = (HEAD.replace("2025-01", each) for each in ("2025-04", "2025-08"))
    late = Effective("CP.TEST@2025-08", date(2025, 10, 15), None, "bulletin 8")
    found = listed(HEAD, newer, newest, today=date(2025, 9, 1), rules=PlanRules(effective=(late,)))
    by_months = "by the months of the revisions and the plan rules"
    assert found == {
        "2025-08": ("from 2025-10-15", "plan rules: bulletin 8", False),
        "2025-04": ("2025-04-01 to 2025-10-14", by_months, True),
        "2025-01": ("2025-01-01 to 2025-03-31", by_months, False),
    }


def test_a_later_entry_of_the_plan_rules_ends_an_earlier_one_and_a_pause_parts_the_days() -> None:
    first = Effective("CP.TEST@2025-01", date(2025, 2, 1), None, "bulletin 1")
    paused = Effective("CP.TEST@2025-04", date(2025, 4, 10), date(2025, 5, 9), "bulletin 2")
    again = Effective("CP.TEST@2025-04", date(2025, 5, 10), date(2025, 6, 30), "bulletin 3")
    found = listed(HEAD, HEAD.replace("2025-01", "2025-04"), rules=PlanRules(effective=(first, paused, again)))
    assert found["2025-04"][:2] == ("2025-04-10 to 2025-06-30", "plan rules: bulletin 2; bulletin 3")
    assert found["2025-01"][:2] == ("2025-02-01 to 2025-04-09; from 2025-07-01", "plan rules: bulletin 1")


def test_a_revision_that_the_plan_rules_leave_no_day_says_so() -> None:
    rules = PlanRules(effective=(Effective("CP.TEST@2025-01", date(2025, 3, 1), None, "bulletin 7"),))
    assert listed(OLD, NEW, rules=rules)["2025-04"][0] == "on no day"


def test_the_days_of_the_owner_come_next() -> None:
    found = listed(HEAD + "effective: 2025-01-15\nuntil: 2025-12-31\n")
    assert found["2025-01"][:2] == ("2025-01-15 to 2025-12-31", "stated by the owner")


def test_the_revision_in_force_changes_with_the_month() -> None:
    newer = HEAD.replace("2025-01", "2025-02")
    assert [each[2] for each in listed(OLD, newer, today=date(2025, 1, 31)).values()] == [False, True]
    assert [each[2] for each in listed(OLD, newer, today=date(2025, 2, 1)).values()] == [True, False]


def test_no_revision_is_in_force_before_the_first() -> None:
    assert listed(OLD, today=date(2024, 12, 31))["2025-01"][2] is False


def test_a_revision_in_place_of_one_that_is_not_installed_says_so() -> None:
    installed = assessor_of(OLD, NEW).library.revisions_of("CP.TEST")
    found = months(installed, installed, PlanRules(), date(2025, 3, 1))
    assert {each.revision: (each.is_in_force, each.is_substitute) for each in found} == {
        "2025-04": (True, True),
        "2025-02": (False, False),
        "2025-01": (True, True),
    }


def test_a_revision_is_not_in_force_where_a_newer_one_is_that_the_reader_may_not_see() -> None:
    rules = PlanRules(visibility_rules=(VisibilityRule("CP.TEST@2025-02", Visibility.SHADOW, frozenset()),))
    assessor = assessor_of(OLD, HEAD.replace("2025-01", "2025-02"), rules=rules)
    assert "In force today" not in page(service(assessor), "/policies/CP.TEST").text
    assert "In force today" in page(service(assessor, signs_in=True), "/policies/CP.TEST").text


def test_the_page_lists_the_editions_of_the_lock_and_offers_to_compare() -> None:
    found = page(service(shipped()), "/policies/CP.MP.126")
    words = " ".join(found.text.split())
    assert "Editions of 2025-04 in the lock" in words
    assert shipped().library.policies["CP.MP.126@2025-04"].editions[0].content[:12] in words
    assert [each["action"] for each in found.named("form")] == ["../policies/CP.MP.126/diff"]


def test_a_policy_with_one_revision_offers_no_comparison() -> None:
    assert page(service(shipped()), "/policies/CP.MP.173").named("form") == []
