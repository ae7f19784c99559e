"""What changed between two revisions, and which stored orders it affects."""

from collections.abc import Sequence
from difflib import SequenceMatcher

from rich.console import Console, Group
from rich.markup import escape
from rich.table import Column, Table
from rich.text import Text

from cds_service.hooks.impact import OrderImpact, Skipped
from coverage_policies.authoring.diff import Change, How, LineChange
from coverage_policies.format.terms import Status

_SIGNS = {
    How.ADDED: ("+", "green"),
    How.REMOVED: ("-", "red"),
    How.CHANGED: ("~", "yellow"),
    How.RENUMBERED: ("→", "cyan"),
}


def print_changes(console: Console, before: str, after: str, changes: Sequence[Change]) -> None:
    """Print each part that changed, with its words before and after."""
    console.print(f"[bold]{escape(before)}[/] → [bold]{escape(after)}[/]")
    for change in changes:
        sign, color = _SIGNS[change.how]
        was = f" (was {change.was})" if change.was else ""
        console.print(Text.assemble((f"{sign} {change.how.value} ", color), (change.id, "bold"), was, " ", change.says))
        for line in change.lines:
            console.print(_line(line))
    counts = {how: sum(change.how is how for change in changes) for how in How}
    said = ", ".join(f"{count} {how.value}" for how, count in counts.items() if count)
    console.print(f"{said or 'Nothing differs'}.")


def _line(line: LineChange) -> Table:
    grid = Table.grid(Column(width=3), Column(no_wrap=True), Column(ratio=1), padding=(0, 1))
    before, after = _marked(line.before, line.after)
    if line.before:
        grid.add_row("", Text(f"- {line.kind}", style="red"), before)
    if line.after:
        grid.add_row("", Text(f"+ {line.kind}", style="green"), after)
    return grid


def _marked(before: str, after: str) -> tuple[Text, Text]:
    """Both sentences, with the words that are not in the other underlined where most of them are."""
    old, new = before.split(), after.split()
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    found = Text(), Text()
    is_alike = bool(old and new)
    for tag, i, j, k, m in matcher.get_opcodes():
        style = "bold underline" if is_alike and tag != "equal" else ""
        for text, words in zip(found, (old[i:j], new[k:m]), strict=True):
            text.append(" ".join(words), style=style)
            text.append(" " if words else "")
    return found


def print_impact(console: Console, orders: Sequence[OrderImpact], skipped: Sequence[Skipped]) -> None:
    """Print the stored orders whose outcome changes, each with its flipped criteria."""
    changed = [each for each in orders if each.is_changed]
    count = f"{len(changed)} of {len(orders)} {'order changes' if len(changed) == 1 else 'orders change'}"
    console.print(f"\n[bold]{count}[/]{':' if changed else '.'}")
    if changed:
        table = Table("request", "order", "before", "after", "criteria")
        for each in changed:
            flips = [f"{flip.criterion} {_status(flip.before)} → {_status(flip.after)}" for flip in each.flips]
            table.add_row(
                escape(each.request),
                escape(each.order),
                each.before.value,
                each.after.value,
                Group(*flips) if flips else "",
            )
        console.print(table)
    quiet = sum(bool(each.flips) and not each.is_changed for each in orders)
    if quiet:
        console.print(f"{quiet} more {'keeps its' if quiet == 1 else 'keep their'} outcome with other criteria.")
    if skipped:
        console.print(f"{len(skipped)} {'file' if len(skipped) == 1 else 'files'} skipped:")
        for file in skipped:
            console.print(f"  {escape(file.request)}: {escape(file.why)}", style="yellow")


def _status(status: Status | None) -> str:
    return status.value if status is not None else "no such criterion"
