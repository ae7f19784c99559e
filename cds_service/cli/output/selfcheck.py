"""The report of a self-check in the terminal."""

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from cds_service.selfcheck.outcomes import AreaResult, Level, Result, Status
from cds_service.selfcheck.report import counted, failures

_STYLES = {Status.PASSED: "green", Status.FAILED: "bold red", Status.NOT_TRIED: "yellow"}


def print_report(console: Console, url: str, areas: Sequence[AreaResult], *, verbose: bool) -> None:
    """Print the checks by area, and what the whole comes to.

    Without `verbose`, of an area only the checks that failed or were not tried, and how many passed. Checks that were
    not tried for the same reason stand together.
    """
    for area in areas:
        _print_area(console, area, verbose)
    count = counted(areas)
    broken = failures(areas, Level.SHALL)
    others = len(failures(areas)) - len(broken)
    console.rule(style="dim")
    console.print(f"[bold]{escape(url)}[/]", soft_wrap=True, highlight=False)
    said = f"{count['passed']} passed, {count['failed']} failed, {count['not tried']} not tried."
    console.print(said, highlight=False)
    if broken:
        words = "one SHALL" if len(broken) == 1 else f"{len(broken)} SHALLs"
        console.print(
            f"[bold red]The server breaks {words}:[/] {', '.join(each.id for each in broken)}", highlight=False
        )
    else:
        console.print("[green]The server breaks no SHALL that was tried.[/]", highlight=False)
    if others:
        console.print(f"Of the failures, {others} {'is' if others == 1 else 'are'} no SHALL.", highlight=False)


def _print_area(console: Console, area: AreaResult, verbose: bool) -> None:
    console.rule(style="dim")
    passed = [each for each in area.results if each.status is Status.PASSED]
    told = f"{len(passed)} of {len(area.results)} passed"
    console.print(f"[bold]{escape(area.title)}[/] ({area.name})  {'' if area.not_offered else told}", highlight=False)
    if area.not_offered:
        console.print(f"[dim]not offered: {escape(area.not_offered)}[/]", highlight=False)
        return
    shown = [
        each for each in area.results if each.status is Status.FAILED or (verbose and each.status is Status.PASSED)
    ]
    untried: dict[str, list[str]] = {}
    for each in area.results:
        if each.status is Status.NOT_TRIED:
            untried.setdefault(each.seen, []).append(each.id)
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold", ratio=1)
    for each in shown:
        status = f"[{_STYLES[each.status]}]{each.status.value}[/]"
        table.add_row(status, each.level.value, _told(each))
    for why, ids in untried.items():
        table.add_row(
            f"[{_STYLES[Status.NOT_TRIED]}]{Status.NOT_TRIED.value}[/]", "", f"[bold]{', '.join(ids)}[/]  {escape(why)}"
        )
    if table.row_count:
        console.print(table)


def _told(result: Result) -> str:
    head = f"[bold]{escape(result.id)}[/]"
    if result.status is Status.PASSED:
        return f"{head}  [dim]{escape(result.seen)}[/]"
    return f"{head}  {escape(result.seen)}\n[dim]right: {escape(result.right)} ({escape(result.source)})[/]"
