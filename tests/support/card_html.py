"""Cards as a page, in the style of a CDS Hooks client that shows HTML found in Markdown, as some do."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader
from markdown_it import MarkdownIt
from markupsafe import Markup

_MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
"""GitHub-flavored Markdown (CDS Hooks 2.0.1, card detail), with HTML left as it is: the worst client for chart text."""


def _rendered(markdown: str) -> Markup:
    return Markup(_MARKDOWN.render(markdown))  # noqa: S704 (what cards must be safe for)


_PAGES = Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=True)
_PAGES.filters["markdown"] = _rendered


def card_page(cards: Sequence[dict[str, Any]]) -> str:
    """Return an HTML page with these cards. Its body has its height in CSS pixels as `data-height`, set by a script."""
    return _PAGES.get_template("card.html.j2").render(cards=cards)
