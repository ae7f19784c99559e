"""Amounts: intervals of numbers in a unit, and whether one lies in another."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_mappings.amounts import Amount, Interval, hull, printed
from fhir_mappings.truth import Truth


def amount(number: str, unit: str = "") -> Amount:
    return Amount(Interval.point(Fraction(number)), unit)


def at_most(number: str, unit: str = "") -> Amount:
    return Amount(Interval(high=Fraction(number)), unit)


def under(number: str) -> Interval:
    return Interval(high=Fraction(number), high_is_open=True)


ENDS = st.none() | st.integers(-5, 5).map(Fraction)


@st.composite
def intervals(draw: st.DrawFn) -> Interval:
    low, high = draw(ENDS), draw(ENDS)
    if low is not None and high is not None and low > high:
        low, high = high, low
    is_point = low is not None and low == high
    return Interval(low, high, not is_point and draw(st.booleans()), not is_point and draw(st.booleans()))


def has(interval: Interval, number: Fraction) -> bool:
    above = interval.low is None or number > interval.low or (number == interval.low and not interval.low_is_open)
    below = interval.high is None or number < interval.high or (number == interval.high and not interval.high_is_open)
    return above and below


NUMBERS = [Fraction(each, 4) for each in range(-40, 41)]
"""Finer than the ends of the intervals, and reaching beyond them."""


@given(intervals(), intervals())
def test_an_interval_lies_in_another_if_each_of_its_numbers_does(one: Interval, other: Interval) -> None:
    inside = {has(other, number) for number in NUMBERS if has(one, number)}
    expected = Truth.UNKNOWN if len(inside) == 2 else Truth.of(True in inside)
    assert one.lies_in(other) is expected


@given(intervals(), intervals())
def test_a_hull_has_every_number_of_both(one: Interval, other: Interval) -> None:
    found = hull([one, other])
    assert found
    assert all(has(found, number) for number in NUMBERS if has(one, number) or has(other, number))


def test_a_hull_of_none_or_of_an_unknown_one_is_unknown() -> None:
    assert hull([]) is None
    assert hull([Interval(), None]) is None


@given(intervals())
def test_an_interval_turned_twice_is_itself(interval: Interval) -> None:
    assert interval.negated().negated() == interval


@pytest.mark.parametrize(
    ("measured", "limit", "holds"),
    [
        (amount("88", "%"), at_most("88", "%"), Truth.YES),
        (amount("88.1", "%"), at_most("88", "%"), Truth.NO),
        (amount("0.88", "1"), at_most("88", "%"), Truth.YES),
        (amount("0.881", "1"), at_most("88", "%"), Truth.NO),
        (amount("1", "1"), at_most("88", "%"), Truth.NO),
        (amount("88", "1"), at_most("88", "%"), None),
        (amount("-0.1", "1"), at_most("88", "%"), None),
        (amount("0.57", "L/L"), at_most("57", "%"), Truth.YES),
        (amount("57", "L/L"), at_most("57", "%"), None),
        (amount("88"), at_most("88", "%"), None),
        (amount("88", "{score}"), at_most("88", "%"), None),
        (amount("88", "foo"), at_most("88", "%"), None),
        (amount("88", "mmol/mol"), at_most("88", "%"), None),
        (amount("7.33", "kPa"), at_most("55", "mm[Hg]"), Truth.YES),
        (amount("7.34", "kPa"), at_most("55", "mm[Hg]"), Truth.NO),
        (amount("98.6", "[degF]"), at_most("37", "Cel"), Truth.YES),
        (amount("98.7", "[degF]"), at_most("37", "Cel"), Truth.NO),
        (amount("37", "Cel"), at_most("98.6", "[degF]"), Truth.YES),
        (amount("6"), at_most("6"), Truth.YES),
        (amount("6", "1"), at_most("6"), Truth.YES),
        (amount("6", "{score}"), at_most("6"), Truth.YES),
        (amount("6", "points"), at_most("6"), Truth.YES),
        (amount("6", "/10"), at_most("6"), Truth.YES),
        (amount("6", "%"), at_most("6"), None),
        (amount("6", "{events}/h"), at_most("6"), None),
        (Amount(under("88"), "%"), at_most("88", "%"), Truth.YES),
        (Amount(under("88.1"), "%"), at_most("88", "%"), Truth.UNKNOWN),
        (Amount(under("0.88"), "1"), at_most("88", "%"), Truth.YES),
    ],
)
def test_a_measured_amount_satisfies_a_limit_in_another_unit(
    measured: Amount, limit: Amount, holds: Truth | None
) -> None:
    assert measured.lies_in(limit) is holds


@pytest.mark.parametrize(
    ("code", "number", "unit", "in_unit", "expected"),
    [
        ("4548-4", "48", "mmol/mol", "%", "6.54304"),
        ("4548-4", "0.065", "1", "mmol/mol", "47.529515"),
        ("2345-7", "126", "mg/dL", "mmol/L", "6.99426"),
        ("14749-6", "7", "mmol/L", "mg/dL", "126.103405"),
        ("2160-0", "2", "mg/dL", "umol/L", "176.8"),
        ("2160-0", "0.1768", "mmol/L", "mg/dL", "2"),
        ("2571-8", "500", "mg/dL", "mmol/L", "5.645"),
        ("2823-3", "5", "meq/L", "mmol/L", "5"),
    ],
)
def test_a_conversion_that_depends_on_the_substance_goes_by_its_code(
    code: str, number: str, unit: str, in_unit: str, expected: str
) -> None:
    found = amount(number, unit).in_unit(in_unit, [code])
    assert found
    assert found.low is not None
    assert round(float(found.low), 6) == float(expected)
    assert amount(number, unit).in_unit(in_unit, ["8480-6"]) is None


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (None, ""),
        (Amount(Interval(), "%"), ""),
        (amount("97", "%"), "97 %"),
        (amount("7.50", "kPa"), "7.5 kPa"),
        (amount("100"), "100"),
        (Amount(under("70"), "%"), "< 70 %"),
        (at_most("70", "%"), "<= 70 %"),
        (Amount(Interval(low=Fraction(70))), ">= 70"),
        (Amount(Interval(Fraction(88), Fraction(90)), "%"), "88 to 90 %"),
    ],
)
def test_an_amount_is_printed_as_a_chart_would(given: Amount | None, words: str) -> None:
    assert printed(given) == words
