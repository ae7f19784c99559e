from datetime import date, timedelta
from fractions import Fraction
from random import Random

import pytest

from fhir_mappings.opioids.series import Piece, earlier, highest, highest_mean, series, total, window

FIRST, LAST = date(2026, 1, 1), date(2026, 2, 9)


def pieces(*found):
    return [Piece(*each) for each in found]


def test_overlapping_pieces_add_up_and_gaps_stay_gaps():
    found = total(pieces((1, 4, 10), (3, 6, 5), (9, 9, 1)))
    assert found == pieces((1, 2, 10), (3, 4, 15), (5, 6, 5), (9, 9, 1))


def test_the_highest_of_overlapping_pieces_counts():
    found = highest(pieces((1, 4, 10), (3, 6, 5), (3, 3, 12), (9, 9, 1)))
    assert found == pieces((1, 2, 10), (3, 3, 12), (4, 4, 10), (5, 6, 5), (9, 9, 1))


@pytest.mark.parametrize("combined", [total, highest])
def test_what_has_no_upper_bound_has_none_with_others(combined):
    assert combined(pieces((1, 4, 10), (3, 3, None))) == pieces((1, 2, 10), (3, 3, None), (4, 4, 10))


@pytest.mark.parametrize("combined", [total, highest])
def test_pieces_that_only_touch_stay_as_they_are(combined):
    found = pieces((1, 2, 10), (3, 4, 10), (5, 6, None), (9, 9, 1))
    assert combined(found) == found


@pytest.mark.parametrize(("combined", "value"), [(total, 15), (highest, 10)])
def test_pieces_that_share_one_day_are_combined_on_it(combined, value):
    assert combined(pieces((1, 3, 10), (3, 4, 5))) == pieces((1, 2, 10), (3, 3, value), (4, 4, 5))


@pytest.mark.parametrize("combined", [total, highest])
def test_nothing_is_nothing(combined):
    assert combined([]) == []


def by_hand(found, days, last):
    """The highest mean of every window that ends on any day up to the last one."""
    value = {day: sum(p.value for p in found if p.first <= day <= p.last) for day in range(-40, last + 1)}
    return max(sum(value.get(end - n, 0) for n in range(days)) for end in range(-20, last + 1)) / Fraction(days)


@pytest.mark.parametrize(
    "found",
    [
        pieces((1, 5, 10)),
        pieces((1, 30, 10)),
        pieces((1, 7, 8), (15, 21, 8), (29, 35, 8)),
        pieces((1, 10, 3), (5, 40, 4), (20, 22, 50)),
        pieces((1, 10, 5), (18, 25, 9), (26, 60, 1)),
        pieces((50, 60, 5)),
    ],
)
@pytest.mark.parametrize(("days", "last"), [(14, 40), (14, 22), (3, 40), (30, 40), (1, 5)])
def test_the_highest_mean_is_that_of_the_best_window(found, days, last):
    assert highest_mean(found, days, last) == by_hand(found, days, last)


def test_a_mean_over_a_day_without_an_upper_bound_has_none():
    assert highest_mean(pieces((1, 30, 10), (5, 5, None)), 14, 40) is None
    assert highest_mean(pieces((1, 30, 10), (50, 50, None)), 14, 40) == 10


def test_without_a_piece_the_mean_is_zero():
    assert highest_mean([], 14, 40) == 0


def test_a_series_has_the_mean_of_any_window():
    first = date(2026, 1, 1)
    begin = first.toordinal()
    found = series(pieces((begin, begin + 4, 3)), pieces((begin, begin + 9, 7)), first, date(2026, 1, 10))
    mean = found.mean(first, date(2026, 1, 10))
    assert (mean.low, mean.high) == (Fraction(3, 2), Fraction(7))


def test_windows_end_with_their_last_day_and_never_before_the_first_of_all():
    assert window(date(2026, 3, 1), 14) == (date(2026, 2, 16), date(2026, 3, 1))
    assert earlier(date(2024, 3, 1), 1) == date(2024, 2, 29)
    assert earlier(date(1, 1, 5), 14) == date.min


def random_pieces(chance, values):
    begins = [FIRST.toordinal() + chance.randrange(-10, 45) for _ in range(chance.randrange(1, 6))]
    return [Piece(begin, begin + chance.randrange(0, 20), chance.choice(values)) for begin in begins]


@pytest.mark.parametrize("seed", range(200))
def test_no_other_window_is_higher_or_as_high_and_later(seed):
    chance = Random(seed)
    found = series(random_pieces(chance, [0, 1, 2]), random_pieces(chance, [0, 2, 4, None]), FIRST, LAST)
    days, first = chance.choice([1, 3, 14]), FIRST + timedelta(chance.choice([0, 0, 5]))

    def best(windows):
        lows, highs, unbounded = found.sums(windows, days)
        ranked = [0 if is_open else high for high, is_open in zip(highs, unbounded, strict=True)]
        return max(zip(lows, ranked, windows, strict=True)), max(highs), any(unbounded)

    every = range((first - FIRST).days, (LAST - FIRST).days + 2 - days)
    assert best(found.windows(days, first, LAST)) == best(every)
