"""Scales, ticks, and paths of the plots."""

from datetime import UTC, date, datetime, timedelta

import pytest

from cds_service.web.svg_plot import (
    LinearScale,
    TimeScale,
    area_path,
    line_path,
    number,
    round_above,
    round_numbers,
    stepped,
)

WEEK = TimeScale(date(2026, 3, 2), date(2026, 3, 8), 0, 70)


def test_a_number_lies_in_proportion() -> None:
    assert LinearScale(0, 200, 100, 0).at(50) == 75


def test_a_number_outside_of_the_scale_lies_at_its_nearer_end() -> None:
    scale = LinearScale(0, 10, 0, 100)
    assert (scale.at(-1), scale.at(11)) == (0, 100)


def test_a_scale_of_one_number_shows_it_in_the_middle() -> None:
    assert LinearScale(5, 5, 0, 100).at(5) == 50


@pytest.mark.parametrize(
    ("first", "last", "most", "expected"),
    [
        (0, 10, 6, (0, 2, 4, 6, 8, 10)),
        (0, 120, 5, (0, 50, 100)),
        (0, 100, 5, (0, 25, 50, 75, 100)),
        (82, 97, 4, (85, 90, 95)),
        (0, 0.3, 4, (0, 0.1, 0.2, 0.3)),
        (7, 7, 5, (7,)),
    ],
)
def test_ticks_are_round_numbers(first: float, last: float, most: int, expected: tuple[float, ...]) -> None:
    assert round_numbers(first, last, most) == pytest.approx(expected)


def test_no_axis_has_more_ticks_than_asked_for() -> None:
    counts = [len(round_numbers(first / 7, last / 3, 5)) for first in range(0, 20, 3) for last in range(10, 900, 7)]
    assert max(counts) == 5


def test_ticks_say_their_number_without_noise() -> None:
    assert [tick.label for tick in LinearScale(0, 0.3, 0, 1).ticks(4)] == ["0", "0.1", "0.2", "0.3"]


@pytest.mark.parametrize(("value", "expected"), [(0, 1), (-3, 1), (120, 125), (90, 100), (10, 10), (1.5, 1.5)])
def test_an_axis_ends_with_a_round_number(value: float, expected: float) -> None:
    assert round_above(value) == pytest.approx(expected)


def test_a_day_begins_and_ends_where_its_share_of_the_time_does() -> None:
    day = date(2026, 3, 3)
    assert (WEEK.at(day), WEEK.middle_of(day), WEEK.after(day)) == (10, 15, 20)


def test_the_last_day_ends_with_the_scale() -> None:
    assert WEEK.after(WEEK.last) == 70


def test_a_moment_lies_within_its_day() -> None:
    assert WEEK.at(datetime(2026, 3, 3, 12, tzinfo=UTC)) == 15


def test_a_day_outside_of_the_scale_lies_at_its_nearer_end() -> None:
    assert (WEEK.at(date(2020, 1, 1)), WEEK.at(date(2030, 1, 1))) == (0, 70)


def test_a_scale_of_one_day_has_room_for_it() -> None:
    scale = TimeScale(date(2026, 3, 2), date(2026, 3, 2), 0, 70)
    assert (scale.at(scale.first), scale.middle_of(scale.first), scale.after(scale.last)) == (0, 35, 70)


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        (0, ["Mar 4"]),
        (3, ["Mar 4", "Mar 5", "Mar 6", "Mar 7"]),
        (30, ["Mar 9", "Mar 16", "Mar 23", "Mar 30"]),
        (90, ["Apr 2026", "May 2026", "Jun 2026"]),
        (365, ["Apr 2026", "Jul 2026", "Oct 2026", "Jan 2027"]),
        (3 * 365, ["2027", "2028", "2029"]),
        (30 * 365, ["2030", "2040", "2050"]),
    ],
)
def test_ticks_of_time_stand_at_calendar_boundaries(days: int, expected: list[str]) -> None:
    first = date(2026, 3, 4)
    assert [tick.label for tick in TimeScale(first, first + timedelta(days=days), 0, 100).ticks(5)] == expected


@pytest.mark.parametrize("ends", [(date.min, date.max), (date.min, date.min), (date.max, date.max)])
def test_the_ends_of_the_calendar_have_ticks(ends: tuple[date, date]) -> None:
    assert 1 <= len(TimeScale(*ends, 0, 100).ticks()) <= 6


def test_coordinates_have_at_most_one_decimal_and_no_negative_zero() -> None:
    assert [number(value) for value in (1.25, 100, -0.01, 1 / 3)] == ["1.2", "100", "0", "0.3"]


def test_a_path_goes_through_its_points() -> None:
    assert (line_path([(0, 1), (2.5, 3)]), line_path([])) == ("M0 1L2.5 3", "")


def test_a_stepped_line_keeps_its_height_until_the_next_point() -> None:
    assert stepped([(0, 1), (5, 2), (9, 2)]) == ((0, 1), (5, 1), (5, 2), (9, 2), (9, 2))


def test_an_area_closes_around_both_lines() -> None:
    assert (area_path([(0, 1), (5, 1)], [(0, 9), (5, 8)]), area_path([], [])) == ("M0 1L5 1L5 8L0 9Z", "")
