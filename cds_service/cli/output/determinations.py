"""Determinations: every criterion with its status, reason, and evidence."""

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
_EVIDENCE_SHOWN = 3


def print_determination(console: Console, determination: Determination) -> None:
    """Print the outcome of a determination, every criterion with its reason and evidence, and the notes."""
    color = _COLOR.get(determination.outcome, "yellow")
    title = f"{determination.full_name}  {determination.order}  [{color}]{determination.outcome.value}[/]"
    table = Table(title=title, title_justify="left", expand=True)
    table.add_column("", width=1)
    table.add_column("criterion", no_wrap=True)
    table.add_column("says", ratio=1, overflow="fold")
    table.add_column("reason and evidence", ratio=1, overflow="fold")
    for result in determination.criteria:
        table.add_row(*_row(result))
    console.print(table)
    if determination.presumed:
        console.print(f"Assumed: {escape(determination.presumed.says)}")
    for note in determination.notes:
        console.print(f"[dim]{escape(note)}[/]")
    console.print()


def _row(result: CriterionResult) -> tuple[Text, Text, Text, Text]:
    sign, color = _SIGN[result.status]
    reason = Text(result.reason.value if result.reason else "", style=color)
    evidence = [" ".join(filter(None, (e.label, e.date, e.value))) for e in result.evidence[:_EVIDENCE_SHOWN]]
    return (
        Text(sign, style=color),
        Text("  " * result.depth + result.id, style="bold" if result.is_group else ""),
        Text(result.says),
        Text("\n").join([*([reason] if reason else []), *map(Text, (*result.notes, *evidence))]),
    )
