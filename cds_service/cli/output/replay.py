"""Whether a recorded decision can be made again, on a terminal."""

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from cds_service.records.verify import Check


def print_checks(console: Console, checks: Sequence[Check]) -> None:
    """Print a row per check, with hashes cut short, and how many differ."""
    table = Table(Column("", overflow="fold"), Column("recorded", overflow="fold"), Column("now", overflow="fold"), "")
    for check in checks:
        recorded, now = (escape(text) for text in check.values_in_short)
        table.add_row(escape(check.what), recorded, now, "[green]same[/]" if check.is_same else "[red]differs[/]")
    console.print(table)
    differing = sum(not check.is_same for check in checks)
    console.print(f"{differing} of {len(checks)} differ." if differing else "Input, policy, and answer are the same.")
