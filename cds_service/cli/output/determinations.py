"""Determinations: every criterion with its status, reason and evidence."""

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from coverage_policies.format.terms import Outcome, Status
from coverage_policies.judging.determination import CriterionResult, Determination

_SIGN = {
    Status.MET: ("✓", "green"),
    Status.NOT_MET: ("✗", "red"),
    Status.UNKNOWN: ("?", "yellow"),
}
_COLOR = {
    Outcome.NOT_SUPPORTED: "red",
    Outcome.CRITERIA_NOT_MET: "red",
    Outcome.SUPPORTED: "green",
}


def print_determination(console: Console, determination: Determination) -> None:
    """One determination: its outcome, every criterion with reason and evidence, and the notes."""
    color = _COLOR.get(determination.outcome, "yellow")
    title = f"{determination.full_name}  {determination.order}  [{color}]{determination.outcome.value}[/]"
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
    sign, color = _SIGN[result.status]
    evidence = [" ".join(filter(None, (e.label, e.date, e.value))) for e in result.evidence[:3]]
    lines = [*result.notes, *evidence]
    return (
        Text(sign, style=color),
        Text("  " * result.depth + result.id, style="bold" if result.is_group else ""),
        escape(result.says),
        result.reason.value if result.reason else "",
        escape("\n".join(lines)),
    )
