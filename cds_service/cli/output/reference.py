"""The words of case files and determinations, for authors of policies."""

from collections.abc import Iterable, Mapping
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from coverage_policies.authoring.reference import Entry, Kind


def print_entries(console: Console, title: str, entries: Iterable[Entry]) -> None:
    """Print a table of words and what they mean, under a title for the words."""
    table = Table(Column(title, no_wrap=True), "what it means")
    for entry in entries:
        table.add_row(escape(entry.name), escape(entry.says))
    console.print(table)


def print_kinds(console: Console, kinds: Iterable[Kind]) -> None:
    """Print a row per kind of fact with its first example."""
    table = Table(Column("fact", no_wrap=True), "what it is", "example")
    for kind in kinds:
        table.add_row(kind.name, escape(kind.says), escape(_written(kind.examples[0])))
    console.print(table)


def print_kind(console: Console, kind: Kind) -> None:
    """Print a kind of fact with its keys and examples, as they stand in a case file."""
    console.print(f"[bold]{kind.name}[/] {escape(kind.says)}\n")
    print_entries(console, "key", kind.keys)
    console.print("\nExamples, which are tested:\n")
    dash = "" if kind.name == "order" else "- "
    for example in kind.examples:
        console.print(escape(f"{dash}{kind.name}: {_written(example)}"), highlight=False, soft_wrap=True)


def _written(value: Any) -> str:
    """Return a value as it is written in a case file, in one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_written(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_written, value)) + "]"
    return f'"{value}"' if set(value) & set("%[]{}|:,#") and not value[0].isalnum() else str(value)
