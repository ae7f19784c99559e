"""Coverage information of Da Vinci CRD, as a table."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

_HIDDEN = ("coverage", "date")
_VALUE = "value"


def print_coverage(console: Console, title: str, extensions: Sequence[Mapping[str, Any]]) -> None:
    """Print each coverage-information extension of an order below a title."""
    console.rule(style="dim")
    console.print(f"[bold]{escape(title)}[/]")
    if not extensions:
        console.print("[dim]nothing new[/]\n")
    for extension in extensions:
        table = Table(show_header=False, border_style="cyan", expand=True)
        table.add_column(style="bold", no_wrap=True)
        table.add_column(overflow="fold")
        for name, said in _rows(extension["extension"]):
            table.add_row(name, escape(said))
        console.print(table)


def _rows(parts: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    for part in parts:
        if part["url"] == "detail":
            named = {each["url"]: each for each in part["extension"]}
            yield _in_words(named["code"]), _in_words(named[_VALUE])
        elif part["url"] not in _HIDDEN:
            yield part["url"], _in_words(part)


def _in_words(part: Mapping[str, Any]) -> str:
    """Return the value of a part: its text, its code, or the value itself."""
    value = next(each for name, each in part.items() if name.startswith(_VALUE))
    if not isinstance(value, Mapping):
        return str(value)
    coding = next(iter(value.get("coding", ())), value)
    return str(value.get("text") or coding.get("code") or value.get("name") or value.get("value"))
