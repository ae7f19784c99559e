"""Whether a member has a plan on a day, by the payer's file, and every mistake in that file."""

import tracemalloc
from collections.abc import Collection
from datetime import date, timedelta
from pathlib import Path

import pytest

from coverage_policies.format.problems import Problem
from coverage_policies.judging.member_list import MemberList, Membership, read_members
from coverage_policies.judging.payer_terms import Standing
from tests.support.growth import Work, is_linear

HEADER = "member_id,active_from,active_to,plan"
DAY = date(2026, 3, 2)
ONE_DAY = timedelta(days=1)


def written(tmp_path: Path, *rows: str) -> Path:
    path = tmp_path / "members.csv"
    path.write_text("\n".join([HEADER, *rows, ""]), encoding="utf-8")
    return path


def standing(
    tmp_path: Path, *rows: str, ids: Collection[str] = ("M-1",), plans: Collection[str] = (), on: date = DAY
) -> Standing:
    problems: list[Problem] = []
    members = read_members(written(tmp_path, *rows), problems)
    assert problems == []
    return members.standing(ids, plans, on)


# --- days ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        ("2025-12-31", Standing.NOT_ACTIVE),
        ("2026-01-01", Standing.ACTIVE),
        ("2026-06-30", Standing.ACTIVE),
        ("2026-07-01", Standing.NOT_ACTIVE),
    ],
)
def test_the_first_and_the_last_day_count(tmp_path: Path, day: str, expected: Standing) -> None:
    assert standing(tmp_path, "M-1,2026-01-01,2026-06-30,GOLD", on=date.fromisoformat(day)) is expected


def test_a_membership_may_be_for_one_day(tmp_path: Path) -> None:
    assert standing(tmp_path, "M-1,2026-03-02,2026-03-02,") is Standing.ACTIVE


@pytest.mark.parametrize(("day", "expected"), [("2025-12-31", Standing.NOT_ACTIVE), ("2999-01-01", Standing.ACTIVE)])
def test_a_membership_without_an_end_goes_on(tmp_path: Path, day: str, expected: Standing) -> None:
    assert standing(tmp_path, "M-1,2026-01-01,,GOLD", on=date.fromisoformat(day)) is expected


@pytest.mark.parametrize(("day", "expected"), [("2025-12-31", Standing.ACTIVE), ("2026-01-15", Standing.NOT_ACTIVE)])
def test_a_member_may_have_several_periods_with_a_gap(tmp_path: Path, day: str, expected: Standing) -> None:
    rows = ("M-1,2025-01-01,2025-12-31,GOLD", "M-1,2026-02-01,,GOLD")
    assert standing(tmp_path, *rows, on=date.fromisoformat(day)) is expected


# --- ids -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ids", [(), ("M-2",), ("m-1",), ("M-1x", "M-"), ("",)])
def test_a_member_that_has_no_row_is_none(tmp_path: Path, ids: Collection[str]) -> None:
    assert standing(tmp_path, "M-1,2026-01-01,,GOLD", ids=ids) is Standing.NO_MEMBER


def test_white_space_around_an_id_makes_no_difference(tmp_path: Path) -> None:
    assert standing(tmp_path, " M-1 ,2026-01-01,,GOLD", ids=["M-1\t"]) is Standing.ACTIVE


def test_leading_zeros_of_an_id_count(tmp_path: Path) -> None:
    assert standing(tmp_path, "0012,2026-01-01,,GOLD", ids=["12"]) is Standing.NO_MEMBER


def test_one_of_the_ids_of_a_coverage_is_enough(tmp_path: Path) -> None:
    assert standing(tmp_path, "M-1,2026-01-01,,GOLD", ids=["other", "M-1"]) is Standing.ACTIVE


def test_the_rows_of_an_old_and_a_new_id_count_together(tmp_path: Path) -> None:
    rows = ("OLD,2024-01-01,2025-12-31,GOLD", "NEW,2026-01-01,,GOLD")
    assert standing(tmp_path, *rows, ids=["OLD", "NEW"]) is Standing.ACTIVE
    assert standing(tmp_path, *rows, ids=["OLD"]) is Standing.NOT_ACTIVE


# --- plans -----------------------------------------------------------------------------------------------------------

TWO_PLANS = ("M-1,2026-01-01,,GOLD", "M-1,2026-01-01,,DENTAL")


@pytest.mark.parametrize(
    ("plans", "expected"),
    [
        ([], Standing.AMBIGUOUS),
        (["SILVER"], Standing.AMBIGUOUS),
        (["gold"], Standing.AMBIGUOUS),
        (["GOLD", "DENTAL"], Standing.AMBIGUOUS),
        (["GOLD"], Standing.ACTIVE),
        (["GROUP-7", " DENTAL "], Standing.ACTIVE),
    ],
)
def test_of_several_plans_the_coverage_must_name_exactly_one(
    tmp_path: Path, plans: Collection[str], expected: Standing
) -> None:
    assert standing(tmp_path, *TWO_PLANS, plans=plans) is expected


@pytest.mark.parametrize("plans", [[], ["GROUP-7"], ["SILVER"]])
def test_the_only_plan_of_a_member_is_meant_whatever_the_coverage_names(tmp_path: Path, plans: Collection[str]) -> None:
    rows = ("M-1,2026-01-01,,GOLD", "M-1,2024-01-01,2025-12-31,SILVER")
    assert standing(tmp_path, *rows, plans=plans) is Standing.ACTIVE


@pytest.mark.parametrize("second", ["M-1,2025-01-01,,GOLD", "M-1,2025-01-01,,"])
def test_rows_that_name_no_second_plan_are_not_ambiguous(tmp_path: Path, second: str) -> None:
    assert standing(tmp_path, "M-1,2026-01-01,,GOLD", second) is Standing.ACTIVE


def test_a_plan_that_has_ended_makes_nothing_ambiguous(tmp_path: Path) -> None:
    rows = ("M-1,2026-01-01,,GOLD", f"M-1,2025-01-01,{DAY - ONE_DAY},SILVER")
    assert standing(tmp_path, *rows) is Standing.ACTIVE
    assert standing(tmp_path, rows[0], f"M-1,2025-01-01,{DAY},SILVER") is Standing.AMBIGUOUS


# --- mistakes --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "what"),
    [
        (",2026-01-01,,GOLD", "member_id and active_from must not be empty"),
        ("SECRET,,2026-01-01,GOLD", "member_id and active_from must not be empty"),
        ("SECRET,1/2/2026,,GOLD", "a date is written like 2024-01-01"),
        ("SECRET,2026-01-01,2026-02-30,GOLD", "a date is written like 2024-01-01"),
        (
            "SECRET,2026-01-02,2026-01-01,GOLD",
            "active_to is before active_from; write the last day, or leave it empty if there is none",
        ),
        ("SECRET,2026-01-01,", "3 columns instead of 4"),
    ],
)
def test_a_mistake_has_its_line_and_quotes_nothing(tmp_path: Path, row: str, what: str) -> None:
    problems: list[Problem] = []
    path = written(tmp_path, "M-1,2026-01-01,,GOLD", row)
    read_members(path, problems)
    assert problems == [Problem(str(path), 3, what)]


def test_another_header_is_told_what_it_must_be(tmp_path: Path) -> None:
    problems: list[Problem] = []
    (tmp_path / "members.csv").write_text("member_id,plan\n", encoding="utf-8")
    read_members(tmp_path / "members.csv", problems)
    assert [(each.line, each.what) for each in problems] == [(1, f"the header must be {HEADER}")]


def test_a_file_without_members_is_a_mistake(tmp_path: Path) -> None:
    problems: list[Problem] = []
    read_members(written(tmp_path), problems)
    (only,) = problems
    assert only.line == 1
    assert only.what.startswith("the file has no members; add them, or leave `members` out of the plan rules")


# --- many members ----------------------------------------------------------------------------------------------------


def rows_of_many(count: int) -> list[str]:
    return [f"M-{n:07},2026-01-{n % 28 + 1:02},,PLAN-{n % 5}" for n in range(count)]


def test_a_file_of_many_members_is_read_in_linear_time(tmp_path: Path) -> None:
    def reading(count: int) -> Work:
        path = tmp_path / f"{count}.csv"
        path.write_text("\n".join([HEADER, *rows_of_many(count)]), encoding="utf-8")
        return lambda: read_members(path, [])

    assert is_linear(reading, 5_000)


def test_many_rows_of_one_member_are_read_in_linear_time() -> None:
    def reading(count: int) -> Work:
        rows = [("M-1", Membership(DAY + n * ONE_DAY, DAY + n * ONE_DAY)) for n in range(count)]
        return lambda: MemberList(rows)

    assert is_linear(reading, 10_000)


def test_a_member_takes_little_more_memory_than_its_id(tmp_path: Path) -> None:
    path = written(tmp_path, *rows_of_many(20_000))
    tracemalloc.start()
    try:
        members = read_members(path, [])
        size, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert members.standing(["M-0019999"], [], DAY) is Standing.ACTIVE
    assert size / 20_000 < 200
