"""The cases of policies, run."""

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from coverage_policies.authoring.case_runs import CaseRun


def print_case_runs(console: Console, runs: Sequence[CaseRun]) -> None:
    """Print a line per revision, then each case that failed: what was expected, what came, and why."""
    table = Table(Column("policy", no_wrap=True), Column("cases", justify="right"), Column("failures", justify="right"))
    for run in runs:
        failed = len(run.failures) + len(run.problems)
        color = "red" if failed else "green" if run.cases else "yellow"
        table.add_row(escape(run.policy.full_name), str(run.cases), f"[{color}]{failed}[/]")
    console.print(table)
    for run in runs:
        for problem in run.problems:
            console.print(escape(str(problem)), style="red", soft_wrap=True)
        for failure in run.failures:
            console.print(f"[bold]{escape(failure.case.name)}[/]")
            console.print(f"  {escape(failure.case.file)}:{failure.case.line}", style="dim", soft_wrap=True)
            for mismatch in failure.mismatches:
                console.print(f"  [bold]{escape(mismatch.criterion)}[/]", highlight=False)
                console.print(f"    expected {escape(mismatch.expected)}", style="green", soft_wrap=True)
                console.print(f"    got      {escape(mismatch.got)}", style="red", soft_wrap=True)
                if mismatch.why:
                    console.print(f"    because  {escape(mismatch.why)}", style="dim", soft_wrap=True)
