"""An order touches only the texts that its codes select, however many are held."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from coverage_policies.format.library import Library
from coverage_policies.format.model import OrderEntry, Policy
from coverage_policies.format.value_sets import Row, ValueSet
from coverage_policies.judging import policy_selection
from coverage_policies.judging.order_matching import OrderMatch, match_order
from coverage_policies.judging.plan_rules import PlanRules
from coverage_policies.judging.policy_selection import candidates
from fhir_mappings.codings import CPT, HCPCS, ICD10CM, Coding
from fhir_mappings.orders import Order, read_order
from tests.support.policy_fakes import ZONE, draft, order, policy, row
from tests.support.terms import TERMS

ON = date(2026, 3, 2)
PLAIN = policy("I: {says: s, ask: q}")


class WatchedSet(ValueSet):
    """A value set that tells when it is asked about an order."""

    def __init__(self, name: str, rows: Iterable[Row], asked: list[str]) -> None:
        super().__init__(name, rows)
        self._asked = asked

    def match(self, *arguments: Any) -> Any:
        self._asked.append(self.name)
        return super().match(*arguments)


def library(rows: dict[str, list[Row]], asked: list[str]) -> Library:
    """One text per name, about orders with these rows."""
    texts = [
        replace(PLAIN, name=name, orders=(OrderEntry(WatchedSet(name, codes, asked), ("I",)),))
        for name, codes in rows.items()
    ]
    return Library({text.full_name: text for text in texts}, {})


def test_of_a_thousand_texts_an_order_touches_the_one_that_names_its_code() -> None:
    asked: list[str] = []
    held = library({f"P.{n}": [row(CPT, str(10000 + n))] for n in range(1000)}, asked)
    ((found,),) = held.revisions_about((Coding(CPT, "10007"),))
    assert found.entries((Coding(CPT, "10007"),), ON)
    assert found.name == "P.7"
    assert set(asked) == {"P.7"}


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        (row(CPT, "10007"), Coding(CPT, "10007")),
        (row(CPT, "100*"), Coding(CPT, "10007")),
        (row(CPT, "10007*"), Coding(CPT, "10007")),
        (row(ICD10CM, "M53.*"), Coding(ICD10CM, "M53.30")),
        (row("text", "fusion", asks=True), Coding("", "x", "SI fusion")),
    ],
)
def test_a_text_is_found_however_its_codes_are_written(written: Row, sent: Coding) -> None:
    held = library({"P": [row(CPT, "99999"), written]}, [])
    assert [text.name for (text,) in held.revisions_about((sent,))] == ["P"]


@pytest.mark.parametrize("sent", [Coding(CPT, "1000"), Coding(HCPCS, "10007"), Coding(CPT, "20007"), Coding("", "")])
def test_another_code_touches_nothing(sent: Coding) -> None:
    asked: list[str] = []
    held = library({"P": [row(CPT, "10007")], "Q": [row(CPT, "1001*")]}, asked)
    assert held.revisions_about((sent,)) == ()
    assert asked == []


def test_all_revisions_of_a_policy_are_given_the_oldest_first() -> None:
    newer, older = (replace(PLAIN, revision=revision) for revision in ("2025-01", "2022-06"))
    held = Library({text.full_name: text for text in (newer, older)}, {})
    assert held.revisions_about((Coding(CPT, "10001"),)) == ([older, newer],)


@pytest.mark.parametrize("words", [("Fusion of the SI joint",), ("", "no", "fusion of the si joint, left")])
def test_a_text_is_found_by_the_words_of_an_order(words: tuple[str, ...]) -> None:
    held = library({"P": [row("text", "fusion of the si joint*", asks=True)]}, [])
    assert [text.name for (text,) in held.revisions_about((), words)] == ["P"]


@pytest.mark.parametrize("words", [(), ("",), ("Trial of an infusion",), ("confusion", "si joint")])
def test_other_words_touch_nothing(words: tuple[str, ...]) -> None:
    asked: list[str] = []
    held = library({"P": [row("text", "fusion of the si joint*", asks=True)]}, asked)
    assert held.revisions_about((Coding(CPT, "10007", "SI joint"),), words) == ()
    assert asked == []


IN_WORDS = read_order(draft() | {"code": {"text": "Operation3 of a joint, left"}}, zone=ZONE, terms=TERMS)


@pytest.mark.parametrize(
    ("sent", "names"),
    [(order("10003"), ["P.3"]), (order("99213"), []), (IN_WORDS, ["P.3"])],
    ids=["its code", "a code that no text knows", "its words"],
)
def test_an_order_is_matched_with_as_many_texts_among_two_hundred_as_among_five(
    sent: Order, names: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    matched: list[str] = []

    def watched(by: Policy, *arguments: Any, **more: Any) -> OrderMatch:
        matched.append(by.name)
        return match_order(by, *arguments, **more)

    monkeypatch.setattr(policy_selection, "match_order", watched)
    assert [matches_of(sent, number, matched) for number in (5, 200)] == [names, names]


def matches_of(sent: Order, number: int, matched: list[str]) -> list[str]:
    """The names of the texts that an order was matched with among so many; each has a code and words of its own."""
    rows = {
        f"P.{n}": [row(CPT, str(10000 + n)), row("text", f"operation{n} of a joint*", asks=True)] for n in range(number)
    }
    matched.clear()
    candidates(library(rows, []), sent, (), ON, PlanRules())
    return list(matched)
