"""docs/cards.md is what the service answers to the sample orders now, and shows all of each card."""

from typing import Any

import pytest

from tests.cards_page import PAGE, page
from tests.support.sample_cards import SampleCards, sample_cards


@pytest.fixture(scope="module")
def answers() -> list[SampleCards]:
    return list(sample_cards())


def test_the_page_is_current(answers: list[SampleCards]) -> None:
    assert PAGE.read_text(encoding="utf-8") == page(answers), "run `make cards` and commit docs/cards.md"


def test_the_page_has_every_sample_order(answers: list[SampleCards]) -> None:
    assert all(f"\n## {answer.name}\n" in PAGE.read_text(encoding="utf-8") for answer in answers)
    assert len(answers) == 39


def test_the_cards_are_those_of_the_outcome(answers: list[SampleCards]) -> None:
    for answer in answers:
        determinations = [card["extension"]["cds-service.determination"] for card in answer.cards]
        first = [each[0] if isinstance(each, list) else each for each in determinations]
        assert {each["outcome"] for each in first} <= {answer.order.outcome.value}, answer.name


CARD: dict[str, Any] = {
    "summary": "Two tests to go",
    "indicator": "info",
    "detail": "One line.  \nThe next.\n\n- a bullet",
    "source": {"label": "Sample Plan", "url": "https://plan.example/policy"},
    "links": [{"label": "Checklist", "url": "https://cds.example/checklist", "type": "absolute"}],
    "suggestions": [{"label": "Change the approach"}, {"label": "Cancel"}],
    "selectionBehavior": "at-most-one",
    "overrideReasons": [{"code": "urgent", "display": "Urgent"}, {"code": "other", "display": "Other"}],
}


def shown(answers: list[SampleCards], card: dict[str, Any]) -> str:
    """The part of a page about one card."""
    answer = SampleCards(answers[0].sample, answers[0].order, (card,))
    return page([answer]).partition(" Order: ")[2].partition("\n\n")[2]


def test_a_card_is_quoted_and_its_buttons_are_listed(answers: list[SampleCards]) -> None:
    assert shown(answers, CARD) == (
        "> **Two tests to go**\n>\n> One line.\\\n> The next.\n>\n> - a bullet\n\n"
        "- indicator: info\n- source: [Sample Plan](https://plan.example/policy)\n"
        "- links: [Checklist](https://cds.example/checklist)\n"
        "- suggestions (at-most-one): Change the approach; Cancel\n- override reasons: Urgent; Other\n"
    )


def test_a_card_with_nothing_but_a_summary_has_no_empty_lists(answers: list[SampleCards]) -> None:
    only = {name: CARD[name] for name in ("summary", "indicator")} | {"source": {"label": "Sample Plan"}}
    assert shown(answers, only) == "> **Two tests to go**\n\n- indicator: info\n- source: Sample Plan\n"


def test_an_order_without_a_card_says_so(answers: list[SampleCards]) -> None:
    answer = SampleCards(answers[0].sample, answers[0].order, ())
    assert page([answer]).endswith("\n\n*No card.*\n")
    assert "| – |\n" in page([answer])
