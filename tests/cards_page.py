"""Writes docs/cards.md: the cards of every sample order, as text.

`python tests/cards_page.py` writes it, or `make cards`.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from cards.markdown import escaped
from tests.screenshots import DOCUMENTED
from tests.support.sample_cards import SampleCards, sample_cards

PAGE = Path(__file__).parent.parent / "docs" / "cards.md"

_HEAD = """# Cards

Written by `make cards` from the sample orders; do not edit.

What a clinician reads for each order of the sample EHR. The patients are invented. The orders are written on March 2,
2026; the demo moves all dates to today. `make screenshots` draws the same cards as pictures, such as these:

{pictures}

| order | hook | outcome | card |
|---|---|---|---|
"""


def page(answers: Sequence[SampleCards]) -> str:
    """Return the page as it should stand in docs/."""
    rows = [_row(each) for each in answers]
    pictures = "\n\n".join(f"![The card for {name}](images/{name}.png)" for name in DOCUMENTED)
    head = _HEAD.format(pictures=pictures) + "".join(rows)
    return f"{head}\n" + "\n".join(_section(each) for each in answers)


def _row(answer: SampleCards) -> str:
    summaries = "<br>".join(escaped(card["summary"]) for card in answer.cards) or "–"
    name = f"[{answer.name}](#{answer.name})"
    return f"| {name} | {answer.order.hook} | {answer.order.outcome.value} | {summaries} |\n"


def _section(answer: SampleCards) -> str:
    order = answer.order.resource(None)
    code = order.get("code") or order["codeCodeableConcept"]
    ordered = f"{code['text']} ({code['coding'][0]['code']})"
    parts = [f"## {answer.name}\n", f"{answer.sample.shows} Order: {ordered}.\n"]
    parts += [_card(card) for card in answer.cards] or ["*No card.*\n"]
    return "\n".join(parts)


def _card(card: dict[str, Any]) -> str:
    """Return a card as a Markdown quotation, followed by what a client shows as buttons and menus."""
    shown = [f"**{escaped(card['summary'])}**", *(["", *card["detail"].splitlines()] if "detail" in card else [])]
    quoted = [f"> {line}" for line in shown]
    kept = [f"{line.rstrip()}\\" if line.endswith("  ") else line for line in quoted]  # editors trim trailing spaces
    around = [f"- {line}" for line in _around(card)]
    return "".join(f"{line.rstrip()}\n" for line in [*kept, "", *around])


def _around(card: dict[str, Any]) -> Iterator[str]:
    yield f"indicator: {card['indicator']}"
    source = card["source"]
    yield f"source: {_link(source['label'], source.get('url'))}"
    if links := card.get("links"):
        yield f"links: {_listed(_link(link['label'], link['url']) for link in links)}"
    if suggestions := card.get("suggestions"):
        yield f"suggestions ({card['selectionBehavior']}): {_listed(escaped(each['label']) for each in suggestions)}"
    if reasons := card.get("overrideReasons"):
        yield f"override reasons: {_listed(reason['display'] for reason in reasons)}"


def _link(label: str, url: str | None) -> str:
    return f"[{escaped(label)}]({url})" if url else escaped(label)


def _listed(items: Iterable[str]) -> str:
    return "; ".join(items)


if __name__ == "__main__":
    PAGE.write_text(page(list(sample_cards())), encoding="utf-8")
