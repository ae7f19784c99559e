"""Determinations, cards and policy texts for people who read a terminal."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.markdown import Markdown
from rich.markup import escape
from rich.panel import Panel
from rich.table import Column, Table
from rich.text import Text

from coverage_policies.determination import CriterionResult, Determination, Outcome, Status
from coverage_policies.model import Clause, Criterion, Policy
from coverage_policies.operators.pain_relief import DEFAULTS
from coverage_policies.value_sets import ValueSet

_SIGN = {
    Status.MET: ("✓", "green"),
    Status.NOT_MET: ("✗", "red"),
    Status.UNKNOWN: ("?", "yellow"),
}
_COLOUR = {
    Outcome.NOT_SUPPORTED: "red",
    Outcome.CRITERIA_NOT_MET: "red",
    Outcome.SUPPORTED: "green",
}


def print_determination(console: Console, determination: Determination) -> None:
    """One determination: its outcome, every criterion with reason and evidence, and the notes."""
    colour = _COLOUR.get(determination.outcome, "yellow")
    title = f"{determination.text}  {determination.order}  [{colour}]{determination.outcome.value}[/]"
    table = Table(title=title, title_justify="left", expand=True, show_lines=False)
    table.add_column("", width=1)
    table.add_column("criterion", no_wrap=True)
    table.add_column("says", ratio=3)
    table.add_column("reason", no_wrap=True)
    table.add_column("evidence", ratio=2)
    for result in determination.criteria:
        table.add_row(*_row(result))
    console.print(table)
    if determination.presumed:
        console.print(f"Assessed as: {escape(determination.presumed.says)} (presumed)")
    for note in determination.notes:
        console.print(f"[dim]{escape(note)}[/]")
    console.print()


def _row(result: CriterionResult) -> tuple[Text, Text, str, str, str]:
    sign, colour = _SIGN[result.status]
    evidence = [" ".join(filter(None, (e.label, e.date, e.value))) for e in result.evidence[:3]]
    lines = [*result.notes, *evidence]
    return (
        Text(sign, style=colour),
        Text("  " * result.depth + result.id, style="bold" if result.is_group else ""),
        escape(result.says),
        result.reason.value if result.reason else "",
        escape("\n".join(lines)),
    )


def print_cards(console: Console, title: str, cards: Sequence[Mapping[str, Any]]) -> None:
    """The cards of an answer, as a clinician would see them."""
    console.rule(escape(title), align="left")
    if not cards:
        console.print("[dim]no card[/]\n")
    for card in cards:
        colour = "red" if card["indicator"] == "warning" else "cyan"
        actions = [f"**Suggestion:** {suggestion['label']}" for suggestion in card.get("suggestions", ())]
        body = Markdown("\n\n".join([f"**{card['summary']}**", *actions, str(card.get("detail", ""))]))
        label = escape(str(card["source"]["label"]))
        console.print(Panel(body, subtitle=label, subtitle_align="left", border_style=colour, padding=(0, 1)))


def print_policies(console: Console, policies: Sequence[Policy]) -> None:
    """One line per text: how many criteria, parts and questions it has."""
    table = Table(Column("text", no_wrap=True), "edition", "title", "criteria", "parts", "questions")
    for policy in policies:
        criteria = list(policy.walk())
        parts = sum(criterion.is_part for criterion in criteria)
        questions = sum(bool(criterion.ask) for criterion in criteria)
        table.add_row(
            policy.text, str(policy.edition), policy.title, str(len(criteria) - parts), str(parts), str(questions)
        )
    console.print(table)


def print_policy(console: Console, policy: Policy, section: str | None) -> None:
    """A text as it is judged: each criterion, how it is settled, its arguments with their defaults, its question."""
    console.print(
        f"[bold]{escape(policy.text)}[/] {escape(policy.title)}, edition {policy.edition}, {escape(policy.owner)}"
    )
    for note in policy.notes:
        console.print(f"[dim]{escape(note)}[/]")
    for entry in policy.orders:
        console.print(
            f"order [cyan]{entry.codes.name}[/] ({_codes(entry.codes)}) → {', '.join(entry.sections) or 'not judged'}"
        )
        _print_clauses(console, "  only if", entry.only_if)
        _print_clauses(console, "  unless", entry.unless)
    if policy.pathway:
        console.print(f"pathway: {escape(policy.pathway.ask)}")
        for choice in policy.pathway.choices:
            console.print(f"  [cyan]{choice.name}[/] {escape(choice.says)}")
            _print_clauses(console, "    chosen when", choice.chosen_when)
            _print_clauses(console, "    not when", choice.not_when)
            _print_clauses(console, "    likely when", choice.likely_when)
    for name, each in policy.sections.items():
        if section in (None, name):
            console.print()
            console.print(f"[dim]not met → {each.if_not_met.value}[/]")
            _print_criterion(console, each.root, 0)


def _print_criterion(console: Console, c: Criterion, depth: int) -> None:
    indent = "  " * depth
    need = (
        f" [dim]({'all' if c.required is None else f'at least {c.required}'} of {len(c.children)})[/]"
        if c.children
        else ""
    )
    pathway = f" [dim]for {', '.join(sorted(c.pathways))}[/]" if c.pathways else ""
    console.print(f"{indent}[bold]{escape(c.id)}[/] {escape(c.says)}{need}{pathway}")
    indent += "    "
    _print_clauses(console, f"{indent}[green]met when[/]", c.met_when)
    _print_clauses(console, f"{indent}[red]not met when[/]", c.not_met_when)
    _print_clauses(console, f"{indent}shows", c.show)
    if c.needs:
        on = f" on the day of the last {c.as_of.name}" if c.as_of else ""
        console.print(f"{indent}as {', '.join(c.needs)}{on}")
    if c.is_never_met:
        console.print(f"{indent}never met")
    if c.ask:
        console.print(f"{indent}asks: {escape(c.ask)} [dim](met by {c.met_by})[/]")
    if c.role:
        console.print(f"{indent}[dim]{c.role.value}: not counted[/]")
    if c.case_review_if_met or c.case_review_if_not_met:
        console.print(f"{indent}[dim]{'met' if c.case_review_if_met else 'not met'} → a reviewer decides[/]")
    for text in filter(None, (c.reads, c.note)):
        console.print(f"{indent}[dim]{escape(text)}[/]")
    for child in c.children:
        _print_criterion(console, child, depth + 1)


def _print_clauses(console: Console, words: str, clauses: Sequence[Clause]) -> None:
    for clause in clauses:
        defaults = DEFAULTS if clause.operator == "pain_relief" else {}
        arguments = {
            **clause.arguments,
            **{k: f"{v} (default)" for k, v in defaults.items() if k not in clause.arguments},
        }
        said = ", ".join(
            f"{name}: {value if isinstance(value, str) else ' or '.join(value)}" for name, value in arguments.items()
        )
        console.print(f"{words} [cyan]{clause.operator}[/] {escape(said)}")


def _codes(codes: ValueSet) -> str:
    return ", ".join(row.code for row in codes.rows)
