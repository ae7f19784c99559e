"""What a run over a population found, on a terminal, and how far it is."""

from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Column, Table

from cds_service.population.folder import Description
from cds_service.population.picture import MOST_MISSING
from cds_service.population.rows import Written
from cds_service.population.summary import Summary

_MOST_NAMED = 10


class RunProgress:
    """A progress bar on standard error if that is a terminal: bytes of the export, then buckets."""

    def __init__(self) -> None:
        console = Console(stderr=True)
        self._rows = 0
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def splitting(self, size: int) -> Callable[[int], None]:
        """Begin with the bytes of the export."""
        task = self._progress.add_task("splitting the export", total=size)
        return lambda read: self._progress.advance(task, read)

    def judging(self, buckets: int, done: int) -> Callable[[Written], None]:
        """Begin with the buckets; some may be done."""
        task = self._progress.add_task("judging", total=buckets, completed=done)

        def advance(written: Written) -> None:
            self._rows += written.rows
            self._progress.update(task, advance=1, description=f"judging, {self._rows:,} orders")

        return advance


def print_summary(console: Console, description: Description, summary: Summary) -> None:
    """Print the counts of a run: outcomes, criteria, what is missing most, what changes, and what could not be used."""
    identity = description.identity
    console.print(
        f"[bold]{escape(identity.policy)}[/], {escape(identity.order or 'orders of a file')}, as of {identity.at}: "
        f"{_counted(summary.orders, 'order')} of {_counted(summary.patients, 'patient')}"
    )
    outcomes = Table("outcome", Column("orders", justify="right"), Column("share", justify="right"))
    for outcome, count in summary.outcomes.most_common():
        outcomes.add_row(outcome, f"{count:,}", f"{count / summary.orders:.1%}")
    if summary.failed:
        outcomes.add_row("could not be judged", f"{summary.failed:,}", f"{summary.failed / summary.orders:.1%}")
    console.print(outcomes)
    _print_criteria(console, description.criteria, summary)
    _print_missing(console, description.questions, summary)
    if summary.compared:
        _print_changes(console, identity.compare, identity.policy, summary)
    _print_unused(console, description, summary)


def _print_criteria(console: Console, words: Mapping[str, str], summary: Summary) -> None:
    if not summary.criteria:
        return
    numbers = [Column(name, justify="right", no_wrap=True) for name in ("met", "not met", "unknown", "does not count")]
    table = Table(Column("criterion", overflow="fold"), *numbers)
    for name, says in words.items():
        if (found := summary.criteria.get(name)) is not None:
            counts = (found.met, found.not_met, found.unknown, found.not_counted)
            table.add_row(escape(f"{name} {says}"), *(f"{each:,}" if each else "–" for each in counts))
    console.print(table)


def _print_missing(console: Console, words: Mapping[str, str], summary: Summary) -> None:
    if not summary.missing:
        return
    table = Table(Column("missing most", overflow="fold"), Column("orders", justify="right"))
    for name, count in summary.missing.most_common(MOST_MISSING):
        table.add_row(escape(f"{name} {words.get(name, '')}"), f"{count:,}")
    console.print(table)


def _print_changes(console: Console, before: str, after: str, summary: Summary) -> None:
    changed = summary.changes.total()
    console.print(
        f"[bold]{escape(before)} → {escape(after)}[/]: another outcome for {changed:,} of {summary.compared:,} orders"
    )
    if not changed:
        return
    orders = Column("orders", justify="right")
    table = Table("before", "after", orders)
    for (old, new), count in summary.changes.most_common():
        table.add_row(old, new, f"{count:,}")
    console.print(table)
    table = Table("by criterion", "before", "after", orders.copy())
    for (name, old, new), count in summary.flips.most_common():
        table.add_row(escape(name), old or "no such criterion", new or "no such criterion", f"{count:,}")
    console.print(table)


def _print_unused(console: Console, description: Description, summary: Summary) -> None:
    for reason, count in summary.failures.most_common():
        console.print(f"{_counted(count, 'order')} not judged: {escape(reason)}", style="yellow")
    split = description.split
    if split is None:
        return
    if description.lacking:
        kinds = ", ".join(description.lacking)
        console.print(f"The export has no {kinds}: not offered, so that nothing is proven by it.", style="yellow")
    for kind, count in split.of_nobody.items():
        console.print(
            f"{escape(kind)}: {count:,} reference no patient and may be anybody's, so this type proves no absence.",
            style="yellow",
        )
    named = (*split.named, *summary.malformed)
    if count := split.malformed + len(summary.malformed):
        console.print(f"{_counted(count, 'line')} could not be used:", style="yellow")
        for each in named[:_MOST_NAMED]:
            console.print(f"  {escape(each)}", style="yellow")
        if count > _MOST_NAMED:
            console.print(f"  and {count - _MOST_NAMED:,} more; run.json names the first thousand.", style="yellow")
    for kind, count in summary.unread.most_common():
        console.print(f"{escape(kind)} was not read completely for {_counted(count, 'order')}.", style="yellow")


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
