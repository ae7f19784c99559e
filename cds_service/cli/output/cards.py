"""Cards, as a clinician would see them."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.markdown import Markdown
from rich.markup import escape
from rich.panel import Panel


def print_cards(console: Console, title: str, cards: Sequence[Mapping[str, Any]]) -> None:
    """The cards of an answer, as a clinician would see them."""
    console.rule(escape(title), align="left")
    if not cards:
        console.print("[dim]no card[/]\n")
    for card in cards:
        color = "red" if card["indicator"] == "warning" else "cyan"
        actions = [f"**Suggestion:** {suggestion['label']}" for suggestion in card.get("suggestions", ())]
        body = Markdown("\n\n".join([f"**{card['summary']}**", *actions, str(card.get("detail", ""))]))
        label = escape(str(card["source"]["label"]))
        console.print(Panel(body, subtitle=label, subtitle_align="left", border_style=color, padding=(0, 1)))
