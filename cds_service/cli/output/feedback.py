"""Which cards were accepted and overridden, on a terminal."""

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from cds_service.records.report import Acceptance


def print_acceptance(console: Console, lines: Sequence[Acceptance], unknown: int) -> None:
    """A line per criterion, and what could not be told."""
    numbers = [Column(name, justify="right") for name in ("shown", "accepted", "overridden", "accepted %")]
    table = Table(Column("policy", no_wrap=True), Column("criterion", no_wrap=True), *numbers, "overridden because")
    for line in lines:
        reasons = ", ".join(f"{reason} {count}" for reason, count in line.reasons.most_common())
        rate = "" if line.rate is None else f"{line.rate:.0%}"
        counts = (str(line.shown), str(line.accepted), str(line.overridden))
        table.add_row(f"{line.policy}@{line.revision}", escape(line.criterion) or "–", *counts, rate, escape(reasons))
    console.print(table)
    if unknown:
        console.print(f"{unknown} pieces of feedback are about cards that are not known here.")
