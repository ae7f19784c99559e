"""Three-valued logic: the whole truth tables, and that a Truth is never a boolean."""

from itertools import permutations, product

import pytest

from fhir_mappings.truth import Truth, agreed, all_of, any_of

YES, NO, UNKNOWN = Truth.YES, Truth.NO, Truth.UNKNOWN


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        (YES, YES, YES),
        (YES, NO, NO),
        (YES, UNKNOWN, UNKNOWN),
        (NO, YES, NO),
        (NO, NO, NO),
        (NO, UNKNOWN, NO),
        (UNKNOWN, YES, UNKNOWN),
        (UNKNOWN, NO, NO),
        (UNKNOWN, UNKNOWN, UNKNOWN),
    ],
)
def test_and_is_no_as_soon_as_one_is_no(one: Truth, other: Truth, both: Truth) -> None:
    assert (one & other) is both


@pytest.mark.parametrize(
    ("one", "other", "either"),
    [
        (YES, YES, YES),
        (YES, NO, YES),
        (YES, UNKNOWN, YES),
        (NO, YES, YES),
        (NO, NO, NO),
        (NO, UNKNOWN, UNKNOWN),
        (UNKNOWN, YES, YES),
        (UNKNOWN, NO, UNKNOWN),
        (UNKNOWN, UNKNOWN, UNKNOWN),
    ],
)
def test_or_is_yes_as_soon_as_one_is_yes(one: Truth, other: Truth, either: Truth) -> None:
    assert (one | other) is either


@pytest.mark.parametrize(("one", "opposite"), [(YES, NO), (NO, YES), (UNKNOWN, UNKNOWN)])
def test_not_swaps_yes_and_no_and_leaves_unknown(one: Truth, opposite: Truth) -> None:
    assert ~one is opposite


@pytest.mark.parametrize(("known", "truth"), [(True, YES), (False, NO)])
def test_what_is_known_either_way_is_yes_or_no(known: bool, truth: Truth) -> None:
    assert Truth.of(known) is truth


@pytest.mark.parametrize("one", Truth)
def test_a_truth_is_never_a_boolean(one: Truth) -> None:
    with pytest.raises(TypeError, match="three values"):
        bool(one)


def test_all_of_nothing_is_yes_and_any_of_nothing_is_no() -> None:
    assert (all_of([]), any_of([])) == (YES, NO)


@pytest.mark.parametrize("truths", list(product(Truth, repeat=3)))
def test_all_of_and_any_of_many_are_the_connectives_in_any_order(truths: tuple[Truth, ...]) -> None:
    one, two, three = truths
    for order in permutations(truths):
        assert all_of(order) is (one & two & three)
        assert any_of(order) is (one | two | three)


@pytest.mark.parametrize(
    ("truths", "common"),
    [([YES, YES], YES), ([NO], NO), ([UNKNOWN, UNKNOWN], UNKNOWN), ([YES, NO], UNKNOWN), ([NO, UNKNOWN], UNKNOWN)],
)
def test_possible_cases_agree_only_where_all_say_the_same(truths: list[Truth], common: Truth) -> None:
    assert agreed(truths) is common


def test_no_case_at_all_agrees_on_nothing() -> None:
    assert agreed([]) is UNKNOWN
