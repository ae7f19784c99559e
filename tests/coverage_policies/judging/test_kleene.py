"""Group logic against an independent truth table, and the laws it must obey."""

from itertools import permutations, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coverage_policies.format.terms import Status
from coverage_policies.judging.kleene import roll_up
from tests.support.policy_fakes import MET, NOT_MET, UNKNOWN

STATUSES = st.lists(st.sampled_from([MET, NOT_MET, UNKNOWN]), min_size=1, max_size=7)

ALL = [
    ("M", "M"),
    ("N", "N"),
    ("U", "U"),
    ("MM", "M"),
    ("MU", "U"),
    ("MN", "N"),
    ("UU", "U"),
    ("UN", "N"),
    ("NN", "N"),
    ("MMU", "U"),
    ("MUN", "N"),
]
ANY = [
    ("M", "M"),
    ("N", "N"),
    ("U", "U"),
    ("MM", "M"),
    ("MU", "M"),
    ("MN", "M"),
    ("UU", "U"),
    ("UN", "U"),
    ("NN", "N"),
    ("NNU", "U"),
    ("NNM", "M"),
]
THREE_OF_SIX = [
    ("MMMUUU", "M"),
    ("MMMNNN", "M"),
    ("MMMMMM", "M"),
    ("MMUNNN", "U"),
    ("MMUUUU", "U"),
    ("UUUNNN", "U"),
    ("UUUUUU", "U"),
    ("MMNNNN", "N"),
    ("UUNNNN", "N"),
    ("NNNNNN", "N"),
]
LETTERS = {"M": MET, "N": NOT_MET, "U": UNKNOWN}


def read(letters: str) -> list[Status]:
    return [LETTERS[letter] for letter in letters]


@pytest.mark.parametrize(("parts", "group"), ALL)
def test_all_takes_the_worst_of_its_parts_in_any_order(parts: str, group: str) -> None:
    assert {roll_up(each, None) for each in permutations(read(parts))} == {LETTERS[group]}


@pytest.mark.parametrize(("parts", "group"), ANY)
def test_any_takes_the_best_of_its_parts_in_any_order(parts: str, group: str) -> None:
    assert {roll_up(each, 1) for each in permutations(read(parts))} == {LETTERS[group]}


@pytest.mark.parametrize(("parts", "group"), THREE_OF_SIX)
def test_three_of_six_counts_what_is_met_and_what_still_could_be(parts: str, group: str) -> None:
    assert {roll_up(each, 3) for each in permutations(read(parts))} == {LETTERS[group]}


def settled_in_every_way(parts: list[Status]) -> list[list[Status]]:
    """Every chart these parts could turn out to be: each unknown one met or not met."""
    return [list(each) for each in product(*([MET, NOT_MET] if part is UNKNOWN else [part] for part in parts))]


@pytest.mark.parametrize("size", range(1, 6))
def test_a_group_is_settled_exactly_where_every_way_to_settle_its_parts_agrees(size: int) -> None:
    """Supervaluation, written independently: counting over all completions."""
    for parts in product([MET, NOT_MET, UNKNOWN], repeat=size):
        for required in range(1, size + 1):
            outcomes = {
                MET if sum(part is MET for part in way) >= required else NOT_MET
                for way in settled_in_every_way(list(parts))
            }
            expected = outcomes.pop() if len(outcomes) == 1 else UNKNOWN
            assert roll_up(parts, required) is expected, (parts, required)


def test_a_group_of_which_nothing_counts_is_unknown() -> None:
    assert [roll_up([], required) for required in (None, 1, 2)] == [UNKNOWN] * 3


def test_more_than_there_are_cannot_be_met() -> None:
    assert roll_up([MET, UNKNOWN], 3) is NOT_MET


@given(STATUSES)
def test_all_is_as_many_as_there_are(parts: list[Status]) -> None:
    assert roll_up(parts, None) is roll_up(parts, len(parts))


FLIPPED = {MET: NOT_MET, NOT_MET: MET, UNKNOWN: UNKNOWN}


@given(STATUSES)
def test_not_all_is_any_not(parts: list[Status]) -> None:
    """De Morgan."""
    assert FLIPPED[roll_up(parts, None)] is roll_up([FLIPPED[part] for part in parts], 1)


@given(STATUSES, st.integers(1, 6))
def test_asking_for_more_never_makes_a_group_better(parts: list[Status], required: int) -> None:
    rank = {NOT_MET: 0, UNKNOWN: 1, MET: 2}
    assert rank[roll_up(parts, required + 1)] <= rank[roll_up(parts, required)]


@given(STATUSES, st.integers(1, 6), st.data())
def test_more_knowledge_never_unsettles_a_group(parts: list[Status], required: int, data: st.DataObject) -> None:
    before = roll_up(parts, required)
    after = roll_up([data.draw(st.sampled_from([MET, NOT_MET])) if p is UNKNOWN else p for p in parts], required)
    assert before in (UNKNOWN, after)


def test_a_status_is_never_taken_for_true_or_false() -> None:
    for status in Status:
        with pytest.raises(TypeError, match="three values"):
            bool(status)
