"""One policy as it is judged, from its outline: on a terminal, and as a Markdown document."""

from collections.abc import Iterable
from dataclasses import fields
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from rich.console import Console, Group
from rich.markup import escape
from rich.table import Column, Table
from rich.text import Text
from rich.tree import Tree

from cards.markdown import escaped
from coverage_policies.authoring.description import ROW_HEADINGS, DescriptionLine
from coverage_policies.authoring.outline import CodeTable, Outline, OutlineItem

_COLORS = {"met": "green", "not met": "red", "asks": "cyan"}
_TEMPLATE = "policy.md.j2"


def policy_markdown(outline: Outline) -> str:
    """Return the document, to be pasted where colleagues read it."""
    environment = Environment(  # noqa: S701 (no HTML: the filter `md` escapes for Markdown)
        loader=FileSystemLoader(Path(__file__).parent),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["md"] = escaped
    values = {each.name: getattr(outline, each.name) for each in fields(outline)}
    return environment.get_template(_TEMPLATE).render(values, headings=ROW_HEADINGS)


def print_policy(console: Console, outline: Outline) -> None:
    """Print how each criterion is settled, the value sets, and the history."""
    console.print(f"[bold]{escape(outline.name)}[/] {escape(outline.title)}")
    console.print(_lines(outline.head))
    for note in outline.notes:
        console.print(escape(note), style="dim")
    console.print(_tree(OutlineItem("Orders", "", (), outline.orders)))
    if outline.pathways:
        asks = (DescriptionLine("asks", outline.pathways.says),)
        console.print(_tree(OutlineItem("Pathways", "", asks, outline.pathways.items)))
    for section in outline.sections:
        console.print(_tree(section))
    for each in outline.value_sets:
        console.print(_codes(each))
    console.print(_tree(OutlineItem("History", "", (), tuple(OutlineItem("", each, ()) for each in outline.history))))


def _tree(item: OutlineItem) -> Tree:
    title = Text.assemble((item.name, "bold"), " " if item.name and item.says else "", item.says)
    tree = Tree(Group(title, _lines(item.lines)) if item.lines else title)
    for each in item.items:
        tree.add(_tree(each))
    return tree


def _lines(lines: Iterable[DescriptionLine]) -> Table:
    grid = Table.grid(Column(no_wrap=True), Column(ratio=1, overflow="fold"), padding=(0, 1))
    for line in lines:
        grid.add_row(Text(line.kind, style=_COLORS.get(line.kind, "dim")), Text(line.words))
    return grid


def _codes(each: CodeTable) -> Table:
    columns = [Column(heading, overflow="fold") for heading in ROW_HEADINGS]
    table = Table(*columns, title=f"value set [bold]{escape(each.name)}[/]", title_justify="left")
    for row in each.rows:
        table.add_row(*map(escape, row))
    return table
