"""Policy texts: the list of them, and one as it is judged."""

from collections.abc import Iterable, Mapping, Sequence

from rich.console import Console, Group
from rich.markup import escape
from rich.table import Column, Table
from rich.text import Text
from rich.tree import Tree

from coverage_policies.authoring.description import (
    ROW_HEADINGS,
    DescriptionLine,
    choice_lines,
    criterion_lines,
    entry_lines,
    row_cells,
    section_lines,
    value_set_names,
)
from coverage_policies.format.model import Criterion, Policy
from coverage_policies.format.value_sets import ValueSet

_COLOURS = {"met": "green", "not met": "red", "asks": "cyan"}


def print_policies(console: Console, policies: Sequence[Policy]) -> None:
    """One line per text: how many criteria, parts and questions it has."""
    table = Table(Column("text", no_wrap=True), "edition", "title", "criteria", "parts", "questions")
    for policy in policies:
        criteria = list(policy.walk())
        parts = sum(criterion.is_part for criterion in criteria)
        questions = sum(bool(criterion.ask) for criterion in criteria)
        table.add_row(
            policy.full_name, str(policy.edition), policy.title, str(len(criteria) - parts), str(parts), str(questions)
        )
    console.print(table)


def print_policy(
    console: Console,
    policy: Policy,
    sets: Mapping[str, ValueSet],
    editions: Mapping[str, str],
    section: str | None = None,
) -> None:
    """A text, or one section of it: how each criterion is settled, the value sets, and the editions in the lock."""
    console.print(f"[bold]{escape(policy.full_name)}[/] {escape(policy.title)}")
    console.print(f"{escape(policy.owner)}; {', '.join(policy.lines_of_business)}", style="dim")
    for note in policy.notes:
        console.print(escape(note), style="dim")
    console.print(_orders(policy, section))
    if policy.pathway and section is None:
        console.print(_pathways(policy))
    for name, each in policy.sections.items():
        if section in (None, name):
            console.print(_criterion(each.root, section_lines(each)))
    for name in sorted(value_set_names(policy, section) & sets.keys()):
        console.print(_codes(sets[name]))
    console.print(_history(policy, editions))


def _orders(policy: Policy, section: str | None) -> Tree:
    tree = Tree("[bold]Orders[/]")
    for entry in policy.orders:
        if section is None or section in entry.sections:
            tree.add(Group(Text(entry.codes.name, style="bold"), _lines(entry_lines(entry))))
    return tree


def _pathways(policy: Policy) -> Tree:
    tree = Tree("[bold]Pathways[/]")
    if policy.pathway:
        tree.add(_lines([DescriptionLine("asks", policy.pathway.ask)]))
        for choice in policy.pathway.choices:
            tree.add(Group(_title(choice.name, choice.says), _lines(choice_lines(choice))))
    return tree


def _criterion(c: Criterion, lines: Iterable[DescriptionLine]) -> Tree:
    tree = Tree(Group(_title(c.id, c.says), _lines(lines)))
    for child in c.children:
        tree.add(_criterion(child, criterion_lines(child)))
    return tree


def _title(name: str, says: str) -> Text:
    return Text.assemble((name, "bold"), " ", says)


def _lines(lines: Iterable[DescriptionLine]) -> Table:
    grid = Table.grid(Column(no_wrap=True), Column(ratio=1), padding=(0, 1))
    for line in lines:
        grid.add_row(Text(line.kind, style=_COLOURS.get(line.kind, "dim")), Text(line.words))
    return grid


def _codes(each: ValueSet) -> Table:
    table = Table(*ROW_HEADINGS, title=f"value set [bold]{escape(each.name)}[/]", title_justify="left")
    for row in each.rows:
        table.add_row(*map(escape, row_cells(row)))
    return table


def _history(policy: Policy, editions: Mapping[str, str]) -> Tree:
    tree = Tree("[bold]History[/]")
    for month in policy.history:
        tree.add(f"revision {month}")
    for edition, content in editions.items():
        tree.add(f"edition {edition}, content {content[:12]}")
    if str(policy.edition) not in editions:
        tree.add(f"edition {policy.edition}, not in the lock")
    return tree
