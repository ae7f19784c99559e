"""What checking told: the cases of texts, and the codes that texts answer."""

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from coverage_policies.authoring.case_runs import CaseRun
from coverage_policies.authoring.code_coverage import CodeAnswer


def print_case_runs(console: Console, runs: Sequence[CaseRun]) -> None:
    """A line per text; below it each case that failed, with what was expected, what came, and on what it rests."""
    table = Table(Column("text", no_wrap=True), Column("cases", justify="right"), Column("failures", justify="right"))
    for run in runs:
        failed = len(run.failures) + len(run.problems)
        colour = "red" if failed else "green" if run.cases else "yellow"
        table.add_row(escape(run.policy.full_name), str(run.cases), f"[{colour}]{failed}[/]")
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


def print_code_coverage(console: Console, answers: Sequence[CodeAnswer]) -> None:
    """A line per code and text; codes that nothing answers first."""
    table = Table(Column("code", no_wrap=True), Column("text", no_wrap=True), "sections", "label")
    for answer in sorted(answers, key=lambda answer: answer.is_answered):
        if not answer.policies:
            table.add_row(escape(answer.coding.code), "[yellow]none[/]", "", "")
        for each in answer.policies:
            sections = ", ".join(each.sections) or "[yellow]named, not judged[/]"
            table.add_row(escape(answer.coding.code), escape(each.policy.full_name), sections, escape(each.label))
    console.print(table)
    unanswered = sum(not answer.is_answered for answer in answers)
    console.print(f"{unanswered} of {len(answers)} codes are answered by no policy.")
