"""Thresholds: how they are read, and both sides of each."""

from collections.abc import Callable
from datetime import date, timedelta
from fractions import Fraction

import pytest

from coverage_policies.format.phrases import (
    AGO,
    COUNT,
    DURATION,
    PERCENT,
    SPAN,
    Comparison,
    DurationThreshold,
    NumberThreshold,
    count,
    duration,
    following_days,
    hours,
    percent,
    span,
    spelled_right,
)
from fhir_mappings.dates import CalendarPeriod, DateInterval
from fhir_mappings.truth import Truth

JUST_UNDER, EXACTLY, JUST_OVER = Fraction("74.99"), Fraction(75), Fraction("75.01")
SIDES = [
    ("at least", (False, True, True)),
    ("at most", (True, True, False)),
    ("under", (True, False, False)),
    ("over", (False, False, True)),
    ("exactly", (False, True, False)),
]


@pytest.mark.parametrize(("words", "sides"), SIDES)
def test_a_percentage_is_compared_exactly_on_both_sides(words: str, sides: tuple[bool, bool, bool]) -> None:
    test = percent(f"{words} 75 %")
    assert tuple(test.holds(value) for value in (JUST_UNDER, EXACTLY, JUST_OVER)) == sides


@pytest.mark.parametrize(("words", "sides"), SIDES)
def test_a_count_is_compared_on_both_sides(words: str, sides: tuple[bool, bool, bool]) -> None:
    assert tuple(count(f"{words} 2").holds(number) for number in (1, 2, 3)) == sides


def test_two_thirds_are_less_than_sixty_six_point_seven_percent() -> None:
    assert not percent("at least 66.7 %").holds(Fraction(200, 3))


def test_a_decimal_threshold_is_read_exactly() -> None:
    assert percent("at least 33.3 %") == NumberThreshold(Comparison.AT_LEAST, Fraction(333, 10))


def test_a_threshold_is_printed_as_it_is_written() -> None:
    assert str(percent("at least 75 %")) == "at least 75"
    assert str(duration("under 6 months")) == "under 6 months"


@pytest.mark.parametrize(
    ("phrase", "read"),
    [
        ("1 day", CalendarPeriod(1, "days")),
        ("10 days", CalendarPeriod(10, "days")),
        ("2 weeks", CalendarPeriod(2, "weeks")),
        ("1 month", CalendarPeriod(1, "months")),
        ("6 months", CalendarPeriod(6, "months")),
        ("1 year", CalendarPeriod(1, "years")),
    ],
)
def test_a_length_of_time_is_read_in_every_unit(phrase: str, read: CalendarPeriod) -> None:
    assert span(phrase) == read


@pytest.mark.parametrize("phrase", ["under 6 months", "under 6 months ago"])
def test_a_duration_may_end_in_ago(phrase: str) -> None:
    assert duration(phrase) == DurationThreshold(Comparison.UNDER, CalendarPeriod(6, "months"))


def test_hours_are_read() -> None:
    assert (hours("1 hour"), hours("48 hours")) == (timedelta(hours=1), timedelta(days=2))


SIX_MONTHS_TO_THE_DAY = date(2025, 9, 2)
UNTIL = date(2026, 3, 2)
DURATION_SIDES = [
    ("at least", (Truth.NO, Truth.YES, Truth.YES)),
    ("at most", (Truth.YES, Truth.YES, Truth.NO)),
    ("under", (Truth.YES, Truth.NO, Truth.NO)),
    ("over", (Truth.NO, Truth.NO, Truth.YES)),
]


@pytest.mark.parametrize(("words", "sides"), DURATION_SIDES)
def test_a_duration_holds_on_its_side_and_the_boundary_day_completes_it(
    words: str, sides: tuple[Truth, Truth, Truth]
) -> None:
    test = duration(f"{words} 6 months")
    younger, exact, older = (SIX_MONTHS_TO_THE_DAY + timedelta(days=shift) for shift in (1, 0, -1))
    assert tuple(test.holds(DateInterval(day, day), UNTIL) for day in (younger, exact, older)) == sides


@pytest.mark.parametrize("words", [words for words, _ in DURATION_SIDES])
def test_an_imprecise_date_that_straddles_the_threshold_cannot_tell(words: str) -> None:
    september = DateInterval(date(2025, 9, 1), date(2025, 9, 30))
    assert duration(f"{words} 6 months").holds(september, UNTIL) is Truth.UNKNOWN


@pytest.mark.parametrize(
    ("words", "month", "holds"),
    [
        ("at least", 8, Truth.YES),
        ("at least", 10, Truth.NO),
        ("at most", 8, Truth.NO),
        ("at most", 10, Truth.YES),
        ("under", 8, Truth.NO),
        ("under", 10, Truth.YES),
        ("over", 8, Truth.YES),
        ("over", 10, Truth.NO),
    ],
)
def test_an_imprecise_date_on_one_side_of_the_threshold_tells(words: str, month: int, holds: Truth) -> None:
    first = date(2025, month, 1)
    when = DateInterval(first, first + timedelta(days=29))
    assert duration(f"{words} 6 months").holds(when, UNTIL) is holds


def test_six_months_from_the_last_of_august_end_with_february() -> None:
    last_of_august = DateInterval(date(2025, 8, 31), date(2025, 8, 31))
    test = duration("at least 6 months")
    assert [test.holds(last_of_august, day) for day in (date(2026, 2, 27), date(2026, 2, 28))] == [Truth.NO, Truth.YES]


def test_a_duration_is_never_compared_exactly() -> None:
    when = DateInterval(UNTIL, UNTIL)
    with pytest.raises(ValueError, match="never compared exactly"):
        DurationThreshold(Comparison.EXACTLY, CalendarPeriod(1, "days")).holds(when, UNTIL)


WRONG: list[tuple[Callable[[str], object], str, str]] = [
    (percent, "at least 75%", "write it like 'at least 75 %'"),
    (percent, "75 %", "write it like 'at least 75 %'"),
    (percent, "at least -75 %", "write it like 'at least 75 %'"),
    (percent, "at least 75 % of it", "write it like 'at least 75 %'"),
    (percent, "more than 75 %", "write it like 'at least 75 %'"),
    (count, "2", "write it like 'at least 4' or 'exactly 2'"),
    (count, "at least 2.5", "write it like 'at least 4' or 'exactly 2'"),
    (count, "at least 2 ", "write it like 'at least 4' or 'exactly 2'"),
    (span, "six months", "write it like '6 months' or '2 weeks'"),
    (span, "6 quarters", "write it like '6 months' or '2 weeks'"),
    (span, "at least 6 months", "write it like '6 months' or '2 weeks'"),
    (duration, "6 months", "write it like 'under 6 months' or 'at least 2 weeks ago'"),
    (duration, "exactly 6 months", "write it like 'under 6 months' or 'at least 2 weeks ago'"),
    (duration, "under 6 months before", "write it like 'under 6 months' or 'at least 2 weeks ago'"),
    (hours, "2 days", "write it like '24 hours'"),
    (hours, "1.5 hours", "write it like '24 hours'"),
]


@pytest.mark.parametrize(("read", "phrase", "right"), WRONG)
def test_a_phrase_that_cannot_be_read_says_what_was_written_and_how_it_is_written_right(
    read: Callable[[str], object], phrase: str, right: str
) -> None:
    with pytest.raises(ValueError) as raised:  # noqa: PT011 - the message is what is tested
        read(phrase)
    assert repr(phrase) in str(raised.value)
    assert right in str(raised.value)


@pytest.mark.parametrize(
    ("read", "phrase"),
    [
        (percent, "at least {} %"),
        (count, "at least {}"),
        (span, "{} years"),
        (duration, "under {} days"),
        (hours, "{} hours"),
        (following_days, "{} following days"),
    ],
)
def test_a_number_of_a_document_has_six_digits_at_most(read: Callable[[str], object], phrase: str) -> None:
    assert read(phrase.format("9" * 6))
    for number in ("9" * 7, "9" * 5000, "1e99999999"):
        with pytest.raises(ValueError, match="write it like"):
            read(phrase.format(number))


def test_a_percentage_has_six_decimals_at_most() -> None:
    assert percent("at least 0.000001 %").number == Fraction(1, 10**6)
    with pytest.raises(ValueError, match="write it like"):
        percent("at least 0.0000001 %")


@pytest.mark.parametrize(
    ("written", "pattern", "meant"),
    [
        ("6 months", DURATION, ("at least 6 months", "under 6 months")),
        ("6 months", AGO, ()),
        ("6 months ago", AGO, ("at least 6 months ago", "under 6 months ago")),
        ("75%", PERCENT, ("at least 75 %", "under 75 %", "exactly 75 %")),
        (">= 75%", PERCENT, ("at least 75 %",)),
        ("≤75 %", PERCENT, ("at most 75 %",)),
        ("no more than 3", COUNT, ("at most 3",)),
        ("4", COUNT, ("at least 4", "under 4", "exactly 4")),
        ("more than 6  Weeks", DURATION, ("over 6 weeks",)),
        ("minimum 6 weeks", DURATION, ("at least 6 weeks",)),
        ("up to 6 months", SPAN, ("6 months",)),
        ("at most 6 months", SPAN, ("6 months",)),
        ("at least 6 months", SPAN, ()),
        ("6months", SPAN, ("6 months",)),
        ("half a year", DURATION, ()),
        ("minutes", DURATION, ()),
        ("CP.MP.126 ", r"^[A-Z0-9.]+$", ("CP.MP.126",)),
        ("", DURATION, ()),
    ],
)
def test_what_an_author_may_have_meant(written: str, pattern: str, meant: tuple[str, ...]) -> None:
    assert spelled_right(written, pattern, "") == meant


@pytest.mark.parametrize(
    ("example", "meant"),
    [("at most 4 weeks", ("at most 4 weeks",)), ("at least 4 weeks", ("at least 4 weeks", "under 4 weeks"))],
)
def test_a_length_of_time_alone_is_completed_as_the_example_is_written(example: str, meant: tuple[str, ...]) -> None:
    assert spelled_right("4 weeks", DURATION, example) == meant
