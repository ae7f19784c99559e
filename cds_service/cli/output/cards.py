"""Cards, as a clinician sees them."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console, Group
from rich.markdown import Markdown
from rich.markup import escape
from rich.panel import Panel
from rich.text import Text


def print_cards(console: Console, title: str, cards: Sequence[Mapping[str, Any]]) -> None:
    """Print the cards of an answer below a title."""
    console.rule(style="dim")
    console.print(f"[bold]{escape(title)}[/]")
    if not cards:
        console.print("[dim]no card[/]\n")
    for card in cards:
        color = "red" if card["indicator"] == "warning" else "cyan"
        actions = [f"**Suggestion:** {suggestion['label']}" for suggestion in card.get("suggestions", ())]
        links = [f"**Link:** {each['label']}" for each in card.get("links", ()) if each["type"] == "smart"]
        body = Markdown("\n\n".join([f"**{card['summary']}**", *actions, str(card.get("detail", "")), *links]))
        source = Text(f"Source: {card['source']['label']}", style="dim")
        console.print(Panel(Group(body, source), border_style=color, padding=(0, 1)))
