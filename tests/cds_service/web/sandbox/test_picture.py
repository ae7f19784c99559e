"""What the pictures of the timeline share: the days shown, axes, uncertain dates, and ids."""

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest

from cds_service.web.sandbox.picture import (
    LEFT,
    RIGHT,
    WIDTH,
    Bar,
    Mark,
    Picture,
    Table,
    anchor_at,
    axes,
    days_shown,
    drawable,
    middle,
    today_line,
    uncertainty,
    with_ids_once,
)
from cds_service.web.svg_plot import LinearScale, TimeScale
from fhir_mappings.dates import DateInterval

TODAY = date(2026, 3, 2)
TIME = TimeScale(date(2026, 1, 1), date(2026, 1, 10), 0, 100)


def ago(days: int) -> date:
    return TODAY - timedelta(days=days)


def ids_in(picture: Picture) -> list[str]:
    return [each.html_id for each in picture.marks] + [each.html_id for each in picture.bars]


def interval(first: str, last: str) -> DateInterval:
    return DateInterval(date.fromisoformat(first), date.fromisoformat(last))


@pytest.mark.parametrize(
    ("found", "first"),
    [
        ([], ago(30)),
        ([TODAY], ago(30)),
        ([ago(10)], ago(30)),
        ([ago(100)], ago(104)),
        ([ago(1098), TODAY], ago(1141)),
        ([ago(1099), TODAY], ago(30)),
        ([ago(9000), ago(8000)], ago(9360)),
    ],
)
def test_a_picture_begins_with_the_first_fact_of_the_three_years_before_the_last(
    found: list[date], first: date
) -> None:
    assert days_shown(found, TODAY)[0] == first


def test_a_future_fact_changes_nothing() -> None:
    assert days_shown([date(2030, 1, 1)], TODAY) == days_shown([], TODAY)


def test_a_picture_ends_a_little_after_today() -> None:
    assert days_shown([ago(100)], TODAY)[1] == TODAY + timedelta(days=4)


@pytest.mark.parametrize("today", [date.min, date.max])
def test_the_ends_of_the_calendar_are_no_problem(today: date) -> None:
    first, last = days_shown([today], today)
    assert first <= last


@pytest.mark.parametrize(
    ("when", "day"),
    [
        (interval("2026-01-05", "2026-01-05"), "2026-01-05"),
        (interval("2026-01-01", "2026-01-31"), "2026-01-16"),
        (DateInterval(date.min, date(2026, 1, 5)), "2026-01-05"),
        (DateInterval(date(2026, 1, 5), date.max), "2026-01-05"),
    ],
)
def test_an_uncertain_day_stands_in_its_middle_or_at_its_only_end(when: DateInterval, day: str) -> None:
    assert middle(when).isoformat() == day


def test_a_whole_day_has_no_whisker() -> None:
    assert uncertainty(interval("2026-01-05", "2026-01-05"), TIME, 5) == ()


def test_a_month_that_straddles_the_end_of_the_picture_has_a_whisker_up_to_it() -> None:
    (found,) = uncertainty(interval("2026-01-06", "2026-02-15"), TIME, 5)
    assert found.d == "M50 5L100 5"


def test_axes_have_labels_for_both_scales() -> None:
    _, texts = axes(TIME, LinearScale(0, 10, 190, 34), "pain")
    words = [each.words for each in texts]
    assert words[:4] == ["pain", "0", "2", "4"]
    assert "Jan 5" in words


def test_today_is_marked_in_words() -> None:
    path, text = today_line(TIME, date(2026, 1, 5), 190)
    assert (text.words, path.title, path.d) == ("today", "Today, 2026-01-05", "M45 22L45 190")


@pytest.mark.parametrize(("x", "anchor"), [(9, "start"), (10, "middle"), (WIDTH - 10, "middle"), (WIDTH - 9, "end")])
def test_words_near_an_edge_stay_in_the_drawing(x: float, anchor: str) -> None:
    assert anchor_at(x, 10) == anchor


@pytest.mark.parametrize("value", [Decimal("1E+400"), Fraction(10) ** 400])
def test_an_absurd_number_can_be_drawn(value: Decimal | Fraction) -> None:
    assert (drawable(value), drawable(-value)) == (1e6, -1e6)


def test_a_resource_has_its_id_in_the_first_picture_only() -> None:
    mark, bar = Mark("score", 1, 1, "A", "Observation/a"), Bar(1, 1, 1, "B", "B", "MedicationRequest/b")
    nameless = Mark("score", 1, 1, "A")
    pictures = [Picture(name, "", "", 1, Table((), ()), marks=(mark, nameless), bars=(bar,)) for name in "ab"]
    first, second = with_ids_once(pictures)
    assert ids_in(first) == [
        "timeline-Observation-a",
        "",
        "timeline-MedicationRequest-b",
    ]
    assert ids_in(second) == ["", "", ""]


def test_the_plot_lies_within_the_drawing() -> None:
    assert 0 < LEFT < RIGHT < WIDTH
