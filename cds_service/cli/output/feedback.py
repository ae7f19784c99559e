"""Which cards were accepted and overridden, on a terminal."""

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from cds_service.records.report import Acceptance


def print_acceptance(console: Console, lines: Sequence[Acceptance], unknown: int) -> None:
    """Print a row per criterion, and how much feedback is about cards that are not stored."""
    names = [Column(name, overflow="fold") for name in ("policy", "criterion", "overridden because")]
    numbers = [Column(name, justify="right", no_wrap=True) for name in ("shown", "accepted", "overridden")]
    table = Table(*names[:2], *numbers, names[2])
    for line in lines:
        reasons = "\n".join(f"{count} {reason}" for reason, count in line.reasons.most_common())
        accepted = f"{line.accepted}" if line.rate is None else f"{line.accepted} ({line.rate:.0%})"
        table.add_row(
            f"{escape(line.policy)}\n{line.revision}",
            escape(line.criterion) or "–",
            str(line.shown),
            accepted,
            str(line.overridden),
            escape(reasons),
        )
    console.print(table)
    if unknown:
        console.print(f"{unknown} pieces of feedback are about cards that are not stored here.")
