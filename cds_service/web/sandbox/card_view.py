"""A card as an EHR shows it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

from cds_service.web.form_view import Badge

_INDICATORS = {
    "info": Badge("Information", "plain"),
    "warning": Badge("Warning", "open"),
    "critical": Badge("Critical", "bad"),
}
_WEB = ("http", "https")


def _markdown() -> MarkdownIt:
    """Return the renderer of details: GitHub-flavored Markdown without HTML, and without images, which load files."""
    made = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"]).disable("image")
    made.add_render_rule("link_open", _open_link)
    return made


def _open_link(self: Any, tokens: list[Token], index: int, options: Any, _env: Any) -> str:
    tokens[index].attrSet("rel", "noreferrer")
    return str(self.renderToken(tokens, index, options, _env))


_MARKDOWN = _markdown()

Launch = Callable[[str, str], str]
"""Returns the address that launches an app from the EHR, from the app's launch address and its `appContext`."""


@dataclass(frozen=True, slots=True)
class LinkView:
    """A link of a card. `address` is empty where nothing is to be opened from here; then `says` tells why."""

    label: str
    address: str
    says: str = ""


@dataclass(frozen=True, slots=True)
class SuggestionView:
    """A suggestion, and the value of the button that accepts it."""

    label: str
    button: str


@dataclass(frozen=True, slots=True)
class ReasonView:
    """An override reason: its code, and its words."""

    code: str
    words: str


@dataclass(frozen=True, slots=True)
class CardView:
    """What a page shows of a card. `source_address` is empty without one."""

    uuid: str
    indicator: Badge
    summary: str
    detail: Markup
    source: str
    source_address: str
    links: tuple[LinkView, ...]
    suggestions: tuple[SuggestionView, ...]
    reasons: tuple[ReasonView, ...]


def card_view(card: Mapping[str, Any], launch: Launch | None = None) -> CardView:
    """Return a card of a response (CDS Hooks 2.0.1, Card). Without `launch`, the EHR here launches no app."""
    uuid = str(card["uuid"])
    source = card["source"]
    return CardView(
        uuid=uuid,
        indicator=_INDICATORS.get(card["indicator"], _INDICATORS["info"]),
        summary=card["summary"],
        detail=rendered(card.get("detail", "")),
        source=source["label"],
        source_address=_web(source.get("url", "")),
        links=tuple(_links(card, launch)),
        suggestions=tuple(
            SuggestionView(each["label"], f"suggest:{uuid}:{number}")
            for number, each in enumerate(card.get("suggestions", ()))
        ),
        reasons=tuple(ReasonView(each["code"], each["display"]) for each in card.get("overrideReasons", ())),
    )


def rendered(markdown: str) -> Markup:
    """Return the HTML of a detail; HTML in it stays text."""
    return Markup(_MARKDOWN.render(markdown))  # noqa: S704 (markdown-it escapes all HTML)


def _links(card: Mapping[str, Any], launch: Launch | None) -> Iterator[LinkView]:
    for each in card.get("links", ()):
        label, url = each["label"], each["url"]
        if each["type"] != "smart":
            yield LinkView(label, _web(url), "" if _web(url) else url)
        elif launch is not None:
            yield LinkView(label, launch(url, each.get("appContext", "")))
        else:
            yield LinkView(label, "", f"An EHR would launch the app at {url}.")


def _web(url: str) -> str:
    """Return an address that a browser may open from a page; empty for any other, such as a script."""
    try:
        return url if urlsplit(url).scheme in _WEB else ""
    except ValueError:
        return ""
