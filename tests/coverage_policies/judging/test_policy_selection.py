"""Which policies judge an order on a service date, for a patient's plan."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date

import pytest

from coverage_policies.format.library import Library
from coverage_policies.format.loader import parse_policy
from coverage_policies.format.model import Policy
from coverage_policies.format.terms import LineOfBusiness, PolicyKind
from coverage_policies.format.value_sets import Row, ValueSet
from coverage_policies.judging.plan import Plan
from coverage_policies.judging.plan_rules import Effective, PlanRules
from coverage_policies.judging.policy_selection import Selection, candidates, select
from fhir_mappings.codings import CPT
from fhir_mappings.orders import Order
from tests.support.policy_fakes import ENTRY, HEAD, SETS, order, row, text

ANY_LINE = frozenset(LineOfBusiness)
MEDICARE_LINES = frozenset({LineOfBusiness.MEDICARE, LineOfBusiness.MEDICARE_ADVANTAGE})
OTHER_LINES = ANY_LINE - MEDICARE_LINES
UNKNOWN_PLAN = Plan(ANY_LINE)
MEDICARE = Plan(MEDICARE_LINES, frozenset({"Test Plan"}), knows_all=True)
NO_RULES = PlanRules()


def revision(month: str, name: str = "CP.TEST", head: str = "", orders: str = ENTRY) -> Policy:
    written = HEAD.replace("2025-01", month).replace("CP.TEST", name) + head
    return parse_policy(text("I: {says: s, ask: q}", head=written, orders=orders), f"{name}-{month}", SETS)


def held(*policies: Policy) -> Library:
    return Library({policy.full_name: policy for policy in policies}, dict[str, ValueSet](SETS))


def choose(library: Library, of: Order, day: date, plan: Plan, rules: PlanRules) -> tuple[Selection, ...]:
    return select(candidates(library, of, (), day, rules), plan)


def concerned(library: Library, of: Order, day: date, rules: PlanRules) -> tuple[Policy, ...]:
    """The revisions whose data the order needs."""
    found = candidates(library, of, (), day, rules)
    return tuple(policy for each in found if each.concerns for policy in each.in_force.policies)


def chosen(library: Library, day: date, rules: PlanRules = NO_RULES, plan: Plan = MEDICARE) -> tuple[Selection, ...]:
    return choose(library, order(), day, plan, rules)


def texts(library: Library, day: date, rules: PlanRules = NO_RULES) -> list[list[str]]:
    return [[policy.revision for policy in each.policies] for each in chosen(library, day, rules)]


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
    assert [policy.revision for policy in concerned(THREE, order(), day, NO_RULES)] == [month]


def test_before_the_oldest_text_none_is_held_and_it_is_told() -> None:
    (found,) = chosen(THREE, date(2022, 5, 31))
    assert (found.available, [policy.revision for policy in found.policies]) == (False, ["2022-06"])
    assert found.reasons == ("No revision of CP.TEST is installed for 2022-05-31; the oldest installed is 2022-06.",)


def test_a_newest_text_that_no_longer_speaks_of_the_order_ends_it() -> None:
    newer = revision("2025-04", orders="- {codes: another-order, sections: [I]}")
    library = held(revision("2022-06"), newer)
    assert texts(library, date(2025, 3, 31)) == [["2022-06"]]
    assert texts(library, date(2025, 4, 1)) == []


def test_two_policies_may_judge_one_order() -> None:
    library = held(revision("2025-04"), revision("2024-01", "CP.OTHER"))
    found = chosen(library, date(2026, 3, 2))
    assert sorted(each.policies[0].name for each in found) == ["CP.OTHER", "CP.TEST"]


def test_an_order_that_no_text_names_is_judged_by_none() -> None:
    assert choose(THREE, order("99999"), date(2026, 3, 2), MEDICARE, NO_RULES) == ()
    assert concerned(THREE, order("99999"), date(2026, 3, 2), NO_RULES) == ()


# --- the operator's table of effective dates -------------------------------------------------------------------------


def effective(month: str, since: date, until: date | None = None, name: str = "CP.TEST") -> Effective:
    return Effective(f"{name}@{month}", since, until, "bulletin")


def table(*entries: Effective) -> PlanRules:
    return PlanRules(effective=entries)


def test_a_stated_effective_date_wins_over_the_month() -> None:
    rules = table(effective("2025-04", date(2025, 7, 1)))
    assert texts(THREE, date(2025, 6, 30), rules) == [["2024-06"]]
    assert texts(THREE, date(2025, 7, 1), rules) == [["2025-04"]]


def test_it_is_said_since_when_a_text_is_in_force_and_who_said_so() -> None:
    (found,) = chosen(THREE, date(2025, 7, 1), table(effective("2025-04", date(2025, 7, 1))))
    assert "In effect for the plan since 2025-07-01 (bulletin)." in found.reasons


def test_a_text_may_take_effect_before_the_month_it_is_dated() -> None:
    rules = table(effective("2025-04", date(2025, 3, 15)))
    assert texts(THREE, date(2025, 3, 14), rules) == [["2024-06"]]
    assert texts(THREE, date(2025, 3, 15), rules) == [["2025-04"]]


def test_an_older_text_that_the_plan_still_applies_stands_against_a_newer_one() -> None:
    rules = table(effective("2022-06", date(2022, 8, 1)))
    assert texts(THREE, date(2026, 3, 2), rules) == [["2022-06"]]


def test_a_text_is_in_force_up_to_and_on_its_last_day() -> None:
    rules = table(effective("2022-06", date(2022, 8, 1), date(2025, 12, 31)))
    assert texts(THREE, date(2025, 12, 31), rules) == [["2022-06"]]
    assert texts(THREE, date(2026, 1, 1), rules) == [["2025-04"]]


def test_of_two_texts_in_force_the_one_that_came_last_judges() -> None:
    entries = effective("2025-04", date(2025, 7, 1)), effective("2022-06", date(2022, 8, 1))
    for each in (entries, entries[::-1]):
        assert texts(THREE, date(2025, 6, 30), table(*each)) == [["2022-06"]]
        assert texts(THREE, date(2025, 7, 1), table(*each)) == [["2025-04"]]


def test_the_table_of_one_policy_says_nothing_of_another() -> None:
    rules = table(effective("2022-06", date(2022, 8, 1), name="CP.OTHER"))
    assert texts(THREE, date(2026, 3, 2), rules) == [["2025-04"]]


def test_before_the_first_text_takes_effect_none_is_held() -> None:
    found = chosen(held(revision("2025-04")), date(2025, 6, 30), table(effective("2025-04", date(2025, 7, 1))))
    assert [each.available for each in found] == [False]


def test_after_the_last_text_ended_none_is_held_and_it_is_told() -> None:
    rules = table(effective("2025-04", date(2025, 7, 1), date(2025, 12, 31)))
    (found,) = chosen(THREE, date(2026, 1, 1), rules)
    assert found.available is False
    assert found.reasons == ("No revision of CP.TEST is installed for 2026-01-01; the plan no longer uses 2025-04.",)


def test_a_text_known_and_not_held_after_the_end_of_the_last_one_is_not_judged_by_that_one() -> None:
    library = held(revision("2019-08", head="history: [2020-02]\n"))
    rules = table(effective("2019-08", date(2019, 10, 1), date(2020, 1, 31)))
    assert [each.available for each in chosen(library, date(2020, 1, 31), rules)] == [True]
    assert [each.available for each in chosen(library, date(2020, 3, 1), rules)] == [False]


def test_a_text_that_is_still_to_come_is_a_neighbor_of_the_one_before_it() -> None:
    rules = table(effective("2025-04", date(2025, 7, 1)))
    assert texts(NEIGHBORS, date(2025, 6, 30), rules) == [["2022-06", "2025-04"]]
    assert texts(NEIGHBORS, date(2025, 7, 1), rules) == [["2025-04"]]


def test_a_text_that_ended_is_a_neighbor_of_the_one_after_it() -> None:
    rules = table(effective("2022-06", date(2022, 8, 1), date(2024, 8, 31)))
    assert texts(NEIGHBORS, date(2024, 8, 31), rules) == [["2022-06"]]
    assert texts(NEIGHBORS, date(2024, 9, 1), rules) == [["2022-06", "2025-04"]]


def test_a_text_that_ended_is_followed_by_one_that_is_not_known() -> None:
    library = held(revision("2022-06"), revision("2025-04"))
    rules = table(effective("2022-06", date(2022, 8, 1), date(2023, 5, 31)))
    (found,) = chosen(library, date(2023, 9, 1), rules)
    assert [policy.revision for policy in found.policies] == ["2022-06", "2025-04"]
    assert found.reasons[-1] == (
        "The revision of CP.TEST after 2022-06 is not installed. Checked against the revisions before and after it."
    )


def test_a_text_that_is_still_to_come_is_no_neighbor_of_a_later_one() -> None:
    library = held(revision("2022-06"), revision("2025-04", head="history: [2024-06]\n"))
    rules = table(effective("2022-06", date(2025, 1, 1), date(2025, 2, 1)))
    assert [each.available for each in chosen(library, date(2024, 9, 1), rules)] == [False]


# --- months of other revisions ---------------------------------------------------------------------------------------


def test_an_order_without_a_code_is_found_by_its_words() -> None:
    words = {"named": ValueSet("named", [Row("text", "test fusion", "Test fusion", "", None, None, False)])}
    orders = f"{ENTRY}\n- {{codes: named, sections: [], ask: Which code}}"
    by_words = parse_policy(text("I: {says: s, ask: q}", orders=orders), "t", dict(SETS) | words)
    named = replace(order("none"), codes=(), words=("Test fusion",))
    assert concerned(held(by_words), named, date(2026, 3, 2), NO_RULES) == (by_words,)
    assert [each.policies for each in choose(held(by_words), named, date(2026, 3, 2), MEDICARE, NO_RULES)] == [
        (by_words,)
    ]


NEIGHBORS = held(
    revision("2022-06", head="history: [2016-09, 2024-06, 2025-04]\n"),
    revision("2025-04", head="history: [2016-09, 2022-06, 2024-06]\n"),
)


@pytest.mark.parametrize(
    ("day", "months"),
    [
        (date(2022, 6, 1), ["2022-06"]),
        (date(2024, 5, 31), ["2022-06"]),
        (date(2024, 6, 1), ["2022-06", "2025-04"]),
        (date(2025, 3, 31), ["2022-06", "2025-04"]),
        (date(2025, 4, 1), ["2025-04"]),
    ],
)
def test_a_known_text_that_is_not_held_is_judged_by_its_neighbors_from_its_month_on(
    day: date, months: list[str]
) -> None:
    assert texts(NEIGHBORS, day) == [months]
    assert [policy.revision for policy in concerned(NEIGHBORS, order(), day, NO_RULES)] == months


def test_of_many_texts_only_the_nearest_before_and_after_are_neighbors() -> None:
    library = held(
        revision("2020-01"),
        revision("2022-06"),
        revision("2025-04", head="history: [2024-06]\n"),
        revision("2026-01"),
    )
    assert texts(library, date(2024, 9, 1)) == [["2022-06", "2025-04"]]


def test_it_is_said_which_text_is_not_held() -> None:
    (found,) = chosen(NEIGHBORS, date(2024, 6, 1))
    assert found.reasons[-1] == (
        "The revision of CP.TEST dated 2024-06 is not installed. Checked against the revisions before and after it."
    )


@pytest.mark.parametrize("day", [date(2016, 8, 31), date(2016, 9, 1), date(2022, 5, 31)])
def test_a_known_text_older_than_all_that_are_held_is_judged_by_none(day: date) -> None:
    (found,) = chosen(NEIGHBORS, day)
    assert (found.available, found.policies[0].revision) == (False, "2022-06")


def test_a_newer_text_that_is_known_and_not_held_is_told_and_the_last_one_judges() -> None:
    library = held(revision("2019-08", head="history: [2018-08, 2020-02]\n"))
    (before,), (after,) = (chosen(library, day) for day in (date(2020, 1, 31), date(2020, 2, 1)))
    assert [policy.revision for policy in before.policies + after.policies] == ["2019-08", "2019-08"]
    assert "A later revision of CP.TEST, dated 2020-02, is not installed." not in before.reasons
    assert "A later revision of CP.TEST, dated 2020-02, is not installed." in after.reasons


def test_where_the_newest_by_month_is_taken_it_is_said_that_the_plan_sets_the_day() -> None:
    (found,) = chosen(THREE, date(2026, 3, 2))
    assert found.reasons[-1] == (
        "Policy revision: newest as of the service month; the plan may use another effective date."
    )


def test_a_text_that_speaks_of_the_order_beside_one_that_does_not_stands_with_it() -> None:
    silent = revision("2025-04", head="history: [2024-06]\n", orders="- {codes: another-order, sections: [I]}")
    assert texts(held(revision("2022-06"), silent), date(2024, 6, 1)) == [["2022-06", "2025-04"]]


# --- codes and their days --------------------------------------------------------------------------------------------


def in_2023(name: str = "CP.TEST") -> Policy:
    """A text of 2022 whose code stood in 2023 only."""
    sets = dict(SETS) | {
        "the-order": ValueSet("the-order", [row(CPT, "10001", since=date(2023, 1, 1), until=date(2023, 12, 31))])
    }
    written = text("I: {says: s, ask: q}", head=HEAD.replace("2025-01", "2022-06").replace("CP.TEST", name))
    return parse_policy(written, name, sets)


@pytest.mark.parametrize(
    ("day", "wanted"),
    [
        (date(2022, 12, 31), []),
        (date(2023, 1, 1), ["2022-06"]),
        (date(2023, 12, 31), ["2022-06"]),
        (date(2024, 1, 1), []),
    ],
)
def test_data_are_wanted_only_on_days_on_which_the_code_stood(day: date, wanted: list[str]) -> None:
    found = concerned(held(in_2023()), order(), day, NO_RULES)
    assert [policy.revision for policy in found] == wanted


def test_a_code_outside_its_days_finds_the_text_that_says_so() -> None:
    assert texts(held(in_2023()), date(2024, 1, 1)) == [["2022-06"]]


def test_where_no_text_is_held_an_order_is_wanted_and_told_of_alike() -> None:
    day = date(2022, 5, 31)
    assert [each.available for each in chosen(held(in_2023()), day)] == [False]
    assert len(concerned(held(in_2023()), order(), day, NO_RULES)) == 1


def test_where_no_text_is_held_an_order_that_only_a_later_text_judges_is_told_of_as_well() -> None:
    silent = revision("2022-06", orders="- {codes: another-order, sections: [I]}")
    library = held(silent, revision("2025-04"))
    assert [each.available for each in chosen(library, date(2022, 5, 31))] == [False]
    assert len(concerned(library, order(), date(2022, 5, 31), NO_RULES)) == 1


def test_where_no_text_is_held_an_order_that_none_would_judge_is_not_told_of() -> None:
    library = held(revision("2025-04", orders=f"{ENTRY}\n- {{codes: another-order, sections: []}}"))
    of = order("10002")
    assert choose(library, of, date(2022, 1, 1), MEDICARE, NO_RULES) == ()
    assert concerned(library, of, date(2022, 1, 1), NO_RULES) == ()


# --- payers ----------------------------------------------------------------------------------------------------------


def test_a_plan_that_follows_others_is_not_judged() -> None:
    (found,) = chosen(THREE, date(2026, 3, 2), plan=Plan(MEDICARE_LINES, frozenset({"Other"}), knows_all=True))
    assert found.other_payer


def test_a_text_for_another_line_of_business_is_left_out() -> None:
    assert chosen(THREE, date(2026, 3, 2), plan=Plan(OTHER_LINES, frozenset({"Test Plan"}))) == ()


def test_before_anything_is_known_of_the_plan_the_texts_for_every_line_are_wanted() -> None:
    found = concerned(BOTH_LINES, order(), DAY, NO_RULES)
    assert sorted(policy.name for policy in found) == ["CP.TEST", "MC.TEST"]


def test_a_foreign_payer_is_told_with_the_newest_text() -> None:
    (found,) = chosen(NEIGHBORS, date(2024, 6, 1), plan=FOREIGN)
    assert (found.other_payer, [policy.revision for policy in found.policies]) == (True, ["2025-04"])
    assert found.reasons == ("The payer on file does not use Test Plan policies.",)


def test_a_foreign_payer_comes_before_a_text_that_is_not_held() -> None:
    (found,) = chosen(THREE, date(2020, 1, 1), plan=FOREIGN)
    assert (found.other_payer, found.available) == (True, True)


# --- coverage determinations of Medicare -----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["ncd", "lcd"])
def test_a_coverage_determination_judges_a_medicare_plan_whatever_policies_its_payer_uses(kind: str) -> None:
    library = held(revision("2025-04", head=f"kind: {kind}\n"))
    (found,) = chosen(library, DAY, plan=FOREIGN)
    assert (found.other_payer, [policy.revision for policy in found.policies]) == (False, ["2025-04"])


@pytest.mark.parametrize("state", ["", "TX"])
@pytest.mark.parametrize("owners", [frozenset[str](), frozenset({"Test Plan"})])
def test_nothing_takes_precedence_over_a_coverage_determination(owners: frozenset[str], state: str) -> None:
    library = held(revision("2025-04", head="kind: ncd\n"))
    (found,) = chosen(library, DAY, plan=Plan(MEDICARE_LINES, owners, medicaid_state=state))
    assert found.caveats == ()
    assert not [said for said in found.reasons if "precedence" in said or "Payer" in said]


def test_a_coverage_determination_judges_no_commercial_plan() -> None:
    library = held(revision("2025-04", head="kind: ncd\n"))
    assert chosen(library, DAY, plan=Plan(OTHER_LINES)) == ()


def test_a_coverage_determination_says_so_if_the_line_of_business_is_not_known() -> None:
    library = held(revision("2025-04", head="kind: ncd\n"))
    (found,) = chosen(library, DAY, plan=UNKNOWN_PLAN)
    assert (found.is_for_some_lines, found.lacks_lines) == (True, True)
    assert found.caveats == ("Line of business not known",)


# --- lines of business -----------------------------------------------------------------------------------------------

DAY = date(2026, 3, 2)
FOREIGN = Plan(MEDICARE_LINES, frozenset({"Other"}), knows_all=True)


def for_lines(
    lines: Iterable[LineOfBusiness], name: str, month: str = "2025-01", owner: str = "Test Plan", head: str = ""
) -> Policy:
    return replace(revision(month, name, head), lines_of_business=tuple(sorted(lines)), owner=owner)


BOTH_LINES = held(for_lines(OTHER_LINES, "CP.TEST"), for_lines(MEDICARE_LINES, "MC.TEST"))
OURS = frozenset({"Test Plan"})


def side_by_side(library: Library, plan: Plan, day: date = DAY) -> list[list[str]]:
    return [sorted(policy.full_name for policy in each.policies) for each in chosen(library, day, plan=plan)]


@pytest.mark.parametrize(
    ("lines", "together"),
    [
        (MEDICARE_LINES, [["MC.TEST@2025-01"]]),
        (OTHER_LINES, [["CP.TEST@2025-01"]]),
        (ANY_LINE, [["CP.TEST@2025-01", "MC.TEST@2025-01"]]),
    ],
)
def test_the_line_of_business_chooses_among_texts_and_unknown_takes_both(
    lines: frozenset[LineOfBusiness], together: list[list[str]]
) -> None:
    assert side_by_side(BOTH_LINES, Plan(lines, OURS)) == together


def test_a_text_for_both_lines_stands_alone_on_any() -> None:
    library = held(replace(revision("2025-01"), lines_of_business=tuple(LineOfBusiness)))
    for lines in (ANY_LINE, MEDICARE_LINES, OTHER_LINES, *({line} for line in LineOfBusiness)):
        assert side_by_side(library, Plan(frozenset(lines), OURS)) == [["CP.TEST@2025-01"]]


def test_texts_of_different_owners_do_not_stand_together() -> None:
    library = held(for_lines(OTHER_LINES, "CP.TEST"), for_lines(MEDICARE_LINES, "MC.TEST", owner="Other Plan"))
    assert sorted(side_by_side(library, Plan(ANY_LINE))) == [["CP.TEST@2025-01"], ["MC.TEST@2025-01"]]


def test_neighbors_of_one_line_stand_with_the_text_of_the_other() -> None:
    gap = "history: [2024-06]\n"
    library = held(
        for_lines(OTHER_LINES, "CP.TEST", "2022-06"),
        for_lines(OTHER_LINES, "CP.TEST", "2025-04", head=gap),
        for_lines(MEDICARE_LINES, "MC.TEST", "2023-01"),
    )
    assert side_by_side(library, Plan(ANY_LINE), date(2024, 9, 1)) == [
        ["CP.TEST@2022-06", "CP.TEST@2025-04", "MC.TEST@2023-01"]
    ]


def test_it_is_said_which_texts_stand_side_by_side_and_for_whom() -> None:
    (found,) = chosen(BOTH_LINES, DAY, plan=Plan(ANY_LINE, OURS))
    assert found.reasons[0] == (
        "Line of business not known. "
        "Checked against CP.TEST (commercial, medicaid) and MC.TEST (medicare, medicare-advantage)."
    )


@pytest.mark.parametrize(
    ("lines", "named", "missing"),
    [
        (MEDICARE_LINES, "medicare, medicare-advantage", "medicaid or commercial"),
        (OTHER_LINES, "commercial, medicaid", "medicare or medicare-advantage"),
        ({LineOfBusiness.MEDICARE_ADVANTAGE}, "medicare-advantage", "medicaid or commercial"),
        (ANY_LINE - {LineOfBusiness.MEDICAID}, "commercial, medicare, medicare-advantage", "medicaid"),
    ],
)
def test_it_is_said_which_lines_no_policy_covers(lines: set[LineOfBusiness], named: str, missing: str) -> None:
    (found,) = chosen(held(for_lines(lines, "CP.TEST")), DAY, plan=Plan(ANY_LINE, OURS))
    assert found.reasons[0] == (
        f"Line of business not known. Checked against CP.TEST ({named}). "
        f"No {missing} policy installed for that date covers this order."
    )


@pytest.mark.parametrize(
    ("plan", "caveats"),
    [
        (Plan(OTHER_LINES, OURS), ()),
        (Plan(OTHER_LINES), ("Payer not identified",)),
        (Plan(MEDICARE_LINES, OURS), ("Medicare determinations take precedence",)),
        (Plan(OTHER_LINES, OURS, medicaid_state="TX"), ("State Medicaid rules take precedence",)),
        (Plan(ANY_LINE, OURS), ("Line of business not known",)),
    ],
)
def test_a_card_is_told_in_a_few_words_whose_plan_and_rules_limit_the_answer(
    plan: Plan, caveats: tuple[str, ...]
) -> None:
    (found,) = chosen(BOTH_LINES, DAY, plan=plan)
    assert found.caveats == caveats


@pytest.mark.parametrize(
    ("day", "caveats"), [(date(2024, 5, 31), ()), (date(2024, 6, 1), ("Revision in force not installed",))]
)
def test_a_card_is_told_that_the_revision_in_force_is_not_installed(day: date, caveats: tuple[str, ...]) -> None:
    (found,) = chosen(NEIGHBORS, day, plan=Plan(MEDICARE_LINES, OURS))
    assert found.caveats == ("Medicare determinations take precedence", *caveats)


def test_a_card_is_told_that_a_later_revision_is_not_installed() -> None:
    library = held(revision("2019-08", head="history: [2020-02]\n"))
    (found,) = chosen(library, date(2020, 2, 1), plan=Plan(MEDICARE_LINES, OURS))
    assert found.caveats[-1] == "Revision in force not installed"


ADVANTAGE = for_lines({LineOfBusiness.MEDICARE_ADVANTAGE}, "MC.TEST")
AS_WELL = "MC.TEST is for Medicare Advantage; it is applied to original Medicare as well."


@pytest.mark.parametrize(
    ("lines", "is_said"),
    [
        ({LineOfBusiness.MEDICARE}, True),
        (MEDICARE_LINES, True),
        (ANY_LINE, True),
        ({LineOfBusiness.MEDICARE_ADVANTAGE}, False),
    ],
)
def test_a_policy_for_medicare_advantage_judges_original_medicare_and_says_so(
    lines: set[LineOfBusiness], is_said: bool
) -> None:
    (found,) = chosen(held(ADVANTAGE), DAY, plan=Plan(frozenset(lines), OURS))
    assert found.policies == (ADVANTAGE,)
    assert (AS_WELL in found.reasons) is is_said


def test_a_policy_for_original_medicare_judges_no_medicare_advantage() -> None:
    library = held(for_lines({LineOfBusiness.MEDICARE}, "MC.TEST"))
    assert chosen(library, DAY, plan=Plan(frozenset({LineOfBusiness.MEDICARE_ADVANTAGE}), OURS)) == ()


def test_what_is_said_of_either_text_is_said_once() -> None:
    (found,) = chosen(BOTH_LINES, DAY, plan=Plan(ANY_LINE, OURS))
    assert len(set(found.reasons)) == len(found.reasons)


# --- what comes first ------------------------------------------------------------------------------------------------

LCD = "Medicare national and local coverage determinations take precedence."
STATE = "Medicaid rules of TX take precedence."
ANY_STATE = "Medicaid rules of the state take precedence."
EITHER = "Medicare coverage determinations and state Medicaid rules take precedence where they apply."
IF_IT_FOLLOWS = "Payer not identified. Applies only if the plan uses Test Plan policies."


@pytest.mark.parametrize(
    ("plan", "said"),
    [
        (Plan(MEDICARE_LINES, OURS), {LCD}),
        (Plan(MEDICARE_LINES, OURS, medicaid_state="TX"), {LCD, STATE}),
        (Plan(OTHER_LINES, OURS, medicaid_state="TX"), {STATE}),
        (Plan(OTHER_LINES, OURS, medicaid_state="?"), {ANY_STATE}),
        (Plan(OTHER_LINES, OURS), set()),
        (Plan(ANY_LINE, OURS), {EITHER}),
        (Plan(ANY_LINE, OURS, medicaid_state="TX"), {STATE}),
        (Plan(OTHER_LINES), {IF_IT_FOLLOWS}),
        (Plan(ANY_LINE), {IF_IT_FOLLOWS, EITHER}),
    ],
)
def test_whose_rules_come_first_and_whether_the_text_counts_is_said(plan: Plan, said: set[str]) -> None:
    library = held(replace(revision("2025-01"), lines_of_business=tuple(LineOfBusiness)))
    for of in (library, BOTH_LINES):
        (found,) = chosen(of, DAY, plan=plan)
        assert said == {LCD, STATE, ANY_STATE, EITHER, IF_IT_FOLLOWS} & set(found.reasons)


NATIONAL = "Medicare national coverage determinations take precedence."


@pytest.mark.parametrize(
    ("kind", "plan", "said"),
    [
        (PolicyKind.PLAN, Plan(MEDICARE_LINES, OURS), {LCD}),
        (PolicyKind.LCD, Plan(MEDICARE_LINES, OURS), {NATIONAL}),
        (PolicyKind.NCD, Plan(MEDICARE_LINES, OURS), set()),
        (PolicyKind.PLAN, Plan(ANY_LINE, OURS), {EITHER}),
        (PolicyKind.LCD, Plan(ANY_LINE, OURS), {EITHER}),
        (PolicyKind.NCD, Plan(ANY_LINE, OURS), set()),
    ],
)
def test_a_determination_of_medicare_does_not_come_after_itself(kind: PolicyKind, plan: Plan, said: set[str]) -> None:
    library = held(replace(revision("2025-01"), kind=kind, lines_of_business=tuple(LineOfBusiness)))
    (found,) = chosen(library, DAY, plan=plan)
    assert said == {LCD, NATIONAL, EITHER} & set(found.reasons)


@pytest.mark.parametrize(
    ("plan", "is_said"),
    [
        (Plan(ANY_LINE, unknown_payers=frozenset({"test plan"})), True),
        (Plan(ANY_LINE, unknown_payers=frozenset({"test plan of texas"})), False),
        (Plan(ANY_LINE, OURS, unknown_payers=frozenset({"test plan"})), False),
        (Plan(ANY_LINE), False),
    ],
)
def test_a_payer_with_the_name_of_the_owner_is_pointed_out(plan: Plan, is_said: bool) -> None:
    (found,) = chosen(held(revision("2025-01")), DAY, plan=plan)
    hint = "The only payer on file is named Test Plan, too; to identify it, add it to the plan rules."
    assert (hint in found.reasons) is is_said
    assert hint not in found.caveats


def test_what_is_to_be_noted_of_the_plan_is_said() -> None:
    (found,) = chosen(BOTH_LINES, DAY, plan=Plan(ANY_LINE, OURS, notes=("No coverage on file for that date.",)))
    assert "No coverage on file for that date." in found.reasons
