"""Measure the service and write docs/performance.md: `python -m tests.benchmarks`, or `make bench`.

`--quick` prints the page from a short run instead of writing it. `--database` names a PostgreSQL with a current schema;
by default decisions are stored in an SQLite file in a temporary folder.
"""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from tests.benchmarks import (
    fhir_mode,
    forms,
    levels,
    machine,
    peers,
    ratios,
    scaling,
    stages,
    thousand_policies,
    web_pages,
)
from tests.benchmarks.page import IMAGES, PAGE, Results, lines, page, pictures


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How much a run measures."""

    rounds: int
    """Of calls over one connection."""
    bursts: int
    """Of calls over many connections."""
    stage_calls: int
    growth_rounds: int
    queried_calls: int
    form_rounds: int
    share_of_calls: float
    """Of those that show how memory grows, and of the calls at each number of connections."""
    starts: int
    peer_rounds: int
    page_rounds: int
    decisions: int
    """Which insights count."""

    @property
    def steps(self) -> int:
        """How often a run reports progress."""
        return 2 + self.bursts + scaling.STEPS + levels.STEPS + 7


FULL = Effort(
    rounds=200,
    bursts=8,
    stage_calls=80,
    growth_rounds=4,
    queried_calls=30,
    form_rounds=100,
    share_of_calls=1.0,
    starts=3,
    peer_rounds=150,
    page_rounds=60,
    decisions=3000,
)
QUICK = Effort(
    rounds=30,
    bursts=1,
    stage_calls=20,
    growth_rounds=1,
    queried_calls=5,
    form_rounds=10,
    share_of_calls=0.04,
    starts=1,
    peer_rounds=20,
    page_rounds=8,
    decisions=300,
)


def measure(effort: Effort, database: str, folder: Path, advance: Callable[[], None]) -> Results:
    """Measure everything, one thing after another."""
    settings = {"CDS_DATA_FOLDER": str(folder / "data"), "CDS_ALLOW_UNAUTHENTICATED": "yes"}
    if database:
        settings["CDS_DATABASE_URL"] = database
    ran_on = machine.describe("PostgreSQL" if database else "SQLite, one file")

    found = ratios.measure(folder, settings, effort.rounds, effort.bursts, advance)
    by_stage = stages.measure(effort.stage_calls)
    advance()
    growth = scaling.measure(effort.growth_rounds, advance)
    thousand = thousand_policies.measure(effort.growth_rounds, effort.queried_calls)
    advance()
    queried = fhir_mode.measure(folder, settings, effort.queried_calls)
    advance()
    of_forms = forms.measure(folder, settings, effort.form_rounds)
    advance()
    at_levels = levels.measure(folder, settings, effort.share_of_calls, advance)
    start = levels.seconds_to_first_answer(folder, settings, effort.starts)
    advance()
    beside = peers.measure(folder, settings, effort.peer_rounds)
    advance()
    opened = web_pages.measure(folder, effort.page_rounds, effort.decisions)
    advance()
    return Results(ran_on, found, by_stage, growth, thousand, queried, of_forms, at_levels, start, beside, opened)


@click.command(help=__doc__)
@click.option("--quick", is_flag=True, help="Print the page from a short run, and write nothing.")
@click.option("--database", default="", help="The URL of a PostgreSQL.")
def main(quick: bool, database: str) -> None:
    """Run the benchmarks."""
    effort = QUICK if quick else FULL
    columns = (TextColumn("benchmarks"), BarColumn(), TimeElapsedColumn())
    # Refreshed by hand: a thread that redraws the bar takes time from what is measured.
    with (
        tempfile.TemporaryDirectory() as folder,
        Progress(*columns, console=Console(stderr=True), auto_refresh=False) as progress,
    ):
        task = progress.add_task("", total=effort.steps)

        def advance() -> None:
            progress.advance(task)
            progress.refresh()

        results = measure(effort, database, Path(folder), advance)
    if quick:
        click.echo(page(results))
    else:
        PAGE.write_text(page(results), encoding="utf-8")
        for name, drawn in pictures(results).items():
            (IMAGES / name).write_text(drawn, encoding="utf-8")
        click.echo(f"wrote {PAGE}")
    for line in lines(results.ratios):
        click.echo(line)


if __name__ == "__main__":
    main()
