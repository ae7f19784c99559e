"""Which revision judges an order on a service date, where nothing is known of the patient's plan."""

from dataclasses import replace
from datetime import date

import pytest
from coverage_fakes import ENTRY, HEAD, SETS, order, text

from coverage_policies.applicable import Chosen, candidates, choose
from coverage_policies.library import Library
from coverage_policies.loader import parse_policy
from coverage_policies.model import Policy
from coverage_policies.plan import Plan
from coverage_policies.plan_rules import Effective, Line, PlanRules
from coverage_policies.value_sets import ValueSet

UNKNOWN_PLAN = Plan(Line.UNKNOWN)
MEDICARE = Plan(Line.MEDICARE, frozenset({"Test Plan"}), knows_all=True)
NO_RULES = PlanRules()


def revision(month: str, name: str = "CP.TEST", head: str = "", orders: str = ENTRY) -> Policy:
    written = HEAD.replace("2025-01", month).replace("CP.TEST", name) + head
    return parse_policy(text("I: {says: s, ask: q}", head=written, orders=orders), f"{name}-{month}", SETS)


def held(*policies: Policy) -> Library:
    return Library({policy.text: policy for policy in policies}, dict[str, ValueSet](SETS))


def chosen(library: Library, day: date, rules: PlanRules = NO_RULES, plan: Plan = MEDICARE) -> tuple[Chosen, ...]:
    return choose(library, order(), day, plan, rules)


def texts(library: Library, day: date, rules: PlanRules = NO_RULES) -> list[list[str]]:
    return [[text.revision for text in each.texts] for each in chosen(library, day, rules)]


THREE = held(revision("2024-06"), revision("2022-06"), revision("2025-04"))


@pytest.mark.parametrize(
    ("day", "month"),
    [
        (date(2022, 6, 1), "2022-06"),
        (date(2024, 5, 31), "2022-06"),
        (date(2024, 6, 1), "2024-06"),
        (date(2025, 3, 31), "2024-06"),
        (date(2025, 4, 1), "2025-04"),
        (date(2030, 1, 1), "2025-04"),
    ],
)
def test_the_newest_text_dated_on_or_before_the_month_of_service_judges(day: date, month: str) -> None:
    assert texts(THREE, day) == [[month]]
    assert [policy.revision for policy in candidates(THREE, order(), day, NO_RULES)] == [month]


def test_before_the_oldest_text_none_is_held_and_it_is_told() -> None:
    (found,) = chosen(THREE, date(2022, 5, 31))
    assert (found.is_held, [text.revision for text in found.texts]) == (False, ["2022-06"])
    assert found.because == ("No text of CP.TEST is held for 2022-05-31; the oldest is dated 2022-06.",)


def test_a_newest_text_that_no_longer_speaks_of_the_order_ends_it() -> None:
    newer = revision("2025-04", orders="- {codes: another-order, sections: [I]}")
    library = held(revision("2022-06"), newer)
    assert texts(library, date(2025, 3, 31)) == [["2022-06"]]
    assert texts(library, date(2025, 4, 1)) == []


def test_two_policies_may_judge_one_order() -> None:
    library = held(revision("2025-04"), revision("2024-01", "CP.OTHER"))
    found = chosen(library, date(2026, 3, 2))
    assert sorted(each.texts[0].name for each in found) == ["CP.OTHER", "CP.TEST"]


def test_an_order_that_no_text_names_is_judged_by_none() -> None:
    assert choose(THREE, order("99999"), date(2026, 3, 2), MEDICARE, NO_RULES) == ()
    assert candidates(THREE, order("99999"), date(2026, 3, 2), NO_RULES) == ()


def test_a_known_text_that_is_not_held_is_judged_by_its_neighbours() -> None:
    library = held(revision("2022-06"), revision("2025-04", head="history: [2022-06, 2024-06]\n"))
    assert texts(library, date(2024, 5, 31)) == [["2022-06"]]
    assert texts(library, date(2024, 6, 1)) == [["2022-06", "2025-04"]]
    assert texts(library, date(2025, 4, 1)) == [["2025-04"]]


def test_a_stated_effective_date_wins_over_the_month() -> None:
    rules = PlanRules(effective=(Effective("CP.TEST@2025-04", date(2025, 7, 1), None, "bulletin"),))
    assert texts(THREE, date(2025, 6, 30), rules) == [["2024-06"]]
    (found,) = chosen(THREE, date(2025, 7, 1), rules)
    assert [text.revision for text in found.texts] == ["2025-04"]
    assert "In force for the plan since 2025-07-01 (bulletin)." in found.because


def test_a_plan_that_follows_others_is_not_judged() -> None:
    (found,) = chosen(THREE, date(2026, 3, 2), plan=Plan(Line.MEDICARE, frozenset({"Other"}), knows_all=True))
    assert found.is_foreign


def test_a_text_for_another_line_of_business_is_left_out() -> None:
    assert chosen(THREE, date(2026, 3, 2), plan=Plan(Line.NON_MEDICARE, frozenset({"Test Plan"}))) == ()


def test_where_the_line_is_not_known_texts_for_each_stand_side_by_side() -> None:
    other = replace(revision("2025-01", "CP.OTHER"), lines_of_business=("non-medicare",))
    (found,) = chosen(held(revision("2025-04"), other), date(2026, 3, 2), plan=UNKNOWN_PLAN)
    assert sorted(text.name for text in found.texts) == ["CP.OTHER", "CP.TEST"]
