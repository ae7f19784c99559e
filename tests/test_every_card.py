"""What holds for the card of every sample order: short enough to read in five seconds, in the words of a chart."""

import re
from typing import Any

import pytest

from cards.layout import LINES, WORDS
from coverage_policies.format.library import load_library
from tests.support.sample_cards import SampleCards, sample_cards

ANSWERS = [answer for answer in sample_cards() if answer.cards]
LIBRARY = load_library()
CRITERIA = {name for policy in LIBRARY.policies.values() for name in policy.index}
PATHWAYS = {choice.name for policy in LIBRARY.policies.values() if policy.pathway for choice in policy.pathway.choices}
SECTIONS = {name for policy in LIBRARY.policies.values() for name in policy.sections}
EVERY_CARD = pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: answer.name)


def text(card: dict[str, Any]) -> str:
    return f"{card['summary']}\n{card.get('detail', '')}"


def words(card: dict[str, Any]) -> set[str]:
    """The words of a card, without the signs around them and the section that the fine print names."""
    return {word.strip("*().,:;") for word in text(card).split()} - SECTIONS


def test_thirty_four_of_the_sample_orders_get_a_card() -> None:
    assert len(ANSWERS) == 34


@EVERY_CARD
def test_a_detail_keeps_to_its_words_and_lines(answer: SampleCards) -> None:
    for card in answer.cards:
        detail = card.get("detail", "")
        assert len(detail.split()) <= WORDS
        assert len([line for line in detail.splitlines() if line.strip()]) <= LINES


@EVERY_CARD
def test_a_card_has_no_fhir_id(answer: SampleCards) -> None:
    for card in answer.cards:
        assert not re.search(r"\b[A-Z][a-z][A-Za-z]+/[A-Za-z0-9.-]+", text(card))


@EVERY_CARD
def test_a_card_has_no_iso_date(answer: SampleCards) -> None:
    for card in answer.cards:
        assert not re.search(r"\d{4}-\d{2}-\d{2}|T\d{2}:\d{2}", text(card))


@EVERY_CARD
def test_a_card_has_no_criterion_number_and_no_internal_name(answer: SampleCards) -> None:
    for card in answer.cards:
        assert not words(card) & (CRITERIA | PATHWAYS)


@EVERY_CARD
def test_a_summary_does_not_begin_with_the_name_of_the_order(answer: SampleCards) -> None:
    for card in answer.cards:
        label = re.match(r"\*\*(.*)\*\*", card.get("detail", ""))
        assert label is None or not card["summary"].casefold().startswith(label[1].casefold())


@EVERY_CARD
def test_the_last_line_says_that_the_card_is_no_decision(answer: SampleCards) -> None:
    for card in answer.cards:
        assert "Not a coverage decision." in text(card).splitlines()[-1] or "detail" not in card
        assert "Not a coverage decision" in text(card)
