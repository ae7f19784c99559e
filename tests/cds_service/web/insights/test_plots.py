"""The geometry of plots: sizes follow the numbers, and nothing is outside of the drawing."""

from itertools import pairwise

import pytest

from cds_service.web.insights.plots import Plot, Series, columns, lines, rows

LABELS = ["Mar 01", "Mar 02", "Mar 03"]
TWO = [Series("plot-good", "met", [1, 0, 30]), Series("plot-bad", "not met", [3, 0, 10])]


def drawn(plot: Plot) -> list[tuple[float, float, float, float]]:
    """The bars of a plot."""
    return [(each.x, each.y, each.width, each.height) for each in plot.bars]


def test_columns_stand_on_each_other_and_are_as_high_as_their_numbers() -> None:
    first, second, third, fourth = columns("n", "t", "s", LABELS, TWO).bars
    assert first.y == pytest.approx(second.y + second.height)
    assert second.height == pytest.approx(3 * first.height)
    assert third.height == pytest.approx(30 * first.height)
    assert fourth.y + fourth.height == pytest.approx(third.y)
    assert [first.says, fourth.says] == ["Mar 01, met: 1", "Mar 03, not met: 10"]


def test_rows_lie_beside_each_other_and_the_longest_takes_the_whole_width() -> None:
    plot = rows("n", "t", "s", LABELS, TWO)
    (_, _, third, fourth) = plot.bars
    assert fourth.x == pytest.approx(third.width)
    assert third.width + fourth.width == pytest.approx(100)
    assert [each.says for each in plot.words] == LABELS


def test_a_line_has_a_gap_where_nothing_was_measured() -> None:
    plot = lines("n", "t", "s", ["a", "b", "c", "d"], [Series("plot-1", "median", [5, 6, 0, 7])])
    assert [path.count("L") for _, path in plot.paths] == [1, 0]
    assert len(plot.bars) == 3


@pytest.mark.parametrize("make", [columns, lines, rows])
@pytest.mark.parametrize("number", [0, 1, 7, 10**9])
def test_nothing_is_outside_of_the_drawing(make: object, number: int) -> None:
    plot = make("n", "t", "s", LABELS, [Series("k", "l", [number, 0, number // 2])])  # type: ignore[operator]
    for x, y, width, height in drawn(plot):
        assert -1 < x <= x + width < 101
        assert -4 < y <= y + height <= plot.height + 4
    assert plot.is_empty is (number == 0)
    assert all(one.at > other.at for one, other in pairwise(plot.y_ticks))


def test_a_plot_without_periods_or_rows_is_empty() -> None:
    for make in (columns, lines, rows):
        assert make("n", "t", "s", [], []).is_empty


def test_there_are_few_enough_labels_to_read() -> None:
    days = [str(number) for number in range(120)]
    assert len(columns("n", "t", "s", days, []).x_ticks) == 8
