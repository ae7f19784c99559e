"""What was supplied within a month before or after something else."""

import pytest

from fhir_mappings.opioids.nearby import ALONE_FOR_DAYS, with_nearby

LATER = 10 + ALONE_FOR_DAYS


def nearby(*found, wanted=None):
    """The others that are nearby, by each of the wanted, which are all by default."""
    return {
        one: sorted(others)
        for one, others in with_nearby(sorted(found), lambda days: days, lambda one: wanted in (None, one))
    }


@pytest.mark.parametrize(("first", "is_near"), [(LATER, True), (LATER + 1, False)])
def test_what_begins_a_month_after_the_last_day_of_another_is_nearby(first, is_near):
    one, other = (1, 10), (first, first + 5)
    assert nearby(one, other) == {one: [other] * is_near, other: [one] * is_near}


def test_what_is_supplied_for_long_is_nearby_all_that_begins_meanwhile():
    long, first, second = (1, 500), (100, 105), (300, 305)
    assert nearby(long, first, second) == {long: [first, second], first: [long], second: [long]}


def test_only_what_is_wanted_is_looked_at():
    one, other = (1, 10), (5, 8)
    assert nearby(one, other, wanted=other) == {other: [one]}


@pytest.mark.parametrize(("last", "is_near"), [(100 - ALONE_FOR_DAYS, True), (99 - ALONE_FOR_DAYS, False)])
def test_a_supply_that_ends_before_it_begins_is_nearby_what_both_days_are_near(last, is_near):
    backward, other = (120, last), (100, 200)
    assert nearby(other, backward) == {other: [backward] * is_near, backward: [other] * is_near}


def test_what_began_before_several_that_are_wanted_is_nearby_each_of_them():
    long, first, second = (1, 500), (100, 105), (300, 305)
    found = with_nearby([long, first, second], lambda days: days, lambda one: one != long)
    assert list(found) == [(first, [long]), (second, [long])]
