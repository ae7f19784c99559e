"""The reference of case files and determinations has every word of the code, and each has a meaning."""

import inspect
import re

import pytest

from coverage_policies.authoring import cases, fact_builder, facts, reference
from coverage_policies.format.terms import Outcome, Reason, Status

_ASKS = re.compile(r'words\.(?:text|texts|needed|take|pairs)\(\s*"(\w+)"')


def names(entries: tuple[reference.Entry, ...]) -> list[str]:
    return [each.name for each in entries]


def test_every_key_of_a_case_has_a_meaning() -> None:
    assert names(reference.case_keys()) == list(cases.CASE_KEYS)
    assert names(reference.expected_keys()) == list(cases.EXPECTED_OF_THE_WHOLE)


def test_every_status_reason_and_outcome_has_a_meaning() -> None:
    assert names(reference.statuses()) == [each.value for each in Status]
    assert names(reference.reasons()) == [each.value for each in Reason]
    assert names(reference.outcomes()) == [each.value for each in Outcome]


def test_every_kind_of_fact_is_in_the_reference() -> None:
    assert [each.name for each in reference.fact_kinds()] == sorted(facts.KINDS)


def test_the_examples_reach_every_word_that_a_fact_may_have() -> None:
    known = {key.name for kind in reference.fact_kinds() for key in kind.keys}
    assert set(_ASKS.findall(inspect.getsource(facts))) - known == set()


def test_the_examples_reach_every_word_that_an_order_may_have() -> None:
    known = set(names(reference.order_keys().keys))
    assert set(_ASKS.findall(inspect.getsource(fact_builder))) - known - {"patient"} == set()


def test_a_key_means_what_its_fact_says_of_it_and_else_what_it_means_everywhere() -> None:
    by_kind = {kind.name: {key.name: key.says for key in kind.keys} for kind in reference.fact_kinds()}
    assert by_kind["visit"]["as"] == "`encounter` (the default), `charge`, or `claim`"
    assert by_kind["visit"]["code"] == by_kind["procedure"]["code"]


@pytest.mark.parametrize("kind", ["injection", "imaging", "prescription"])
def test_a_key_of_a_branch_or_of_a_shared_part_is_found(kind: str) -> None:
    found = {each.name: set(names(each.keys)) for each in reference.fact_kinds()}
    expected = {"injection": {"pain", "side", "reason"}, "imaging": {"side", "issued"}, "prescription": {"refills"}}
    assert expected[kind] <= found[kind]


def test_no_key_is_listed_twice() -> None:
    for kind in (reference.order_keys(), *reference.fact_kinds()):
        assert len(set(names(kind.keys))) == len(kind.keys)
