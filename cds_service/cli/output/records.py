"""What was recorded, on a terminal: what became of cards, and whether a decision can be made again."""

import re
from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from cds_service.records.report import Acceptance
from cds_service.records.verify import Check

_HASH = re.compile(r"\b([0-9a-f]{12})[0-9a-f]{52}\b")


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


def print_checks(console: Console, checks: Sequence[Check]) -> None:
    """A line per check, hashes cut short, and what it comes to."""
    table = Table("", Column("recorded", overflow="fold"), Column("now", overflow="fold"), "")
    for check in checks:
        recorded, now = (escape(_HASH.sub(r"\1…", text)) for text in (check.recorded, check.now))
        table.add_row(escape(check.what), recorded, now, "[green]same[/]" if check.is_same else "[red]differs[/]")
    console.print(table)
    differing = sum(not check.is_same for check in checks)
    console.print(f"{differing} of {len(checks)} differ." if differing else "Input, policy and answer are the same.")
