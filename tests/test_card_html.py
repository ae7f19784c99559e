"""What a chart says stays text in a client that shows Markdown and the HTML in it."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from cds_service.sample_ehr.patients import SAMPLES
from fhir_mappings.fhir_json import Json
from tests.support.card_html import card_page
from tests.support.chromium import NEEDED, PROGRAM, dom
from tests.support.sample_cards import cards_for

HOSTILE = (
    '<img src="x" onerror="document.title=1">',
    "<script>document.title=1</script>",
    "[name](javascript:alert)",
    "![name](https://evil.example/p.png)",
    "<https://evil.example>",
    "&lt;b&gt;",
    "<!-- name -->",
    "**name** | `name` _name_ ~~name~~",
)
OURS = {"html", "meta", "title", "style", "main", "article", "h2", "p", "footer", "span", "script", "a"}
MARKDOWN = {"p", "ul", "li", "strong", "em", "br", "table", "thead", "tbody", "tr", "th", "td"}


class Elements(HTMLParser):
    """The elements of a page, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.text = ""
        self.comments = 0
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        self.found.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_comment(self, data: str) -> None:  # noqa: ARG002
        self.comments += 1


def renamed(node: Json, name: str) -> Json:
    """A chart in which every name that a person may have typed is another."""
    if isinstance(node, list):
        return [renamed(each, name) for each in node]
    if not isinstance(node, dict):
        return node
    return {
        key: name if key in ("text", "display") and isinstance(value, str) else renamed(value, name)
        for key, value in node.items()
    }


def pages(name: str) -> Iterator[str]:
    """The pages of the sample orders that have cards, for charts in which everything has this name."""
    for sample in SAMPLES:
        chart = renamed(sample.bundle(None), name)
        assert isinstance(chart, dict)
        for order in sample.orders:
            if cards := cards_for(sample, order, chart).cards:
                yield card_page(cards)


@pytest.mark.slow
@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_in_a_chart_makes_no_element_and_is_shown_as_it_is(name: str) -> None:
    shown = False
    for page in pages(name):
        elements = Elements(page)
        assert set(elements.found) <= OURS | MARKDOWN
        assert (elements.found.count("script"), elements.comments) == (1, 0)
        assert "evil.example" not in "".join(re.findall(r"<[^>]*>", page.partition("</style>")[2]))
        shown |= name in " ".join(elements.text.split())
    assert shown, "no card shows the name"


def test_a_summary_and_labels_are_text() -> None:
    card: dict[str, Any] = {
        "summary": "<b>1</b>",
        "indicator": "info",
        "source": {"label": "<b>2</b>"},
        "links": [{"label": "<b>3</b>"}],
        "suggestions": [{"label": "<b>4</b>"}],
    }
    elements = Elements(card_page([card]))
    assert "b" not in elements.found
    assert all(f"<b>{number}</b>" in elements.text for number in range(1, 5))


def test_this_client_shows_html_that_is_not_escaped() -> None:
    card = {
        "summary": "s",
        "indicator": "info",
        "source": {"label": "l"},
        "detail": "**a** <img src='x'>\n\n|b|\n|-|\n|c|",
    }
    assert {"strong", "img", "table"} <= set(Elements(card_page([card])).found)


@pytest.mark.slow
@pytest.mark.process
@pytest.mark.skipif(PROGRAM is None and not NEEDED, reason="needs Chromium")
def test_no_name_in_a_chart_runs_a_script_in_a_browser(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    for name in HOSTILE[:2]:
        page.write_text(next(each for each in pages(name) if "document.title=1" in each), encoding="utf-8")
        assert "<title>Cards</title>" in dom(page.as_uri())

    card = {"summary": "s", "indicator": "info", "source": {"label": "l"}, "detail": " ".join(HOSTILE[:2])}
    page.write_text(card_page([card]), encoding="utf-8")
    assert "<title>1</title>" in dom(page.as_uri()), "the names would run, were they not escaped"
