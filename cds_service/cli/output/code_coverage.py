"""Which codes the policies answer."""

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from coverage_policies.authoring.code_coverage import CodeAnswer


def print_code_coverage(console: Console, answers: Sequence[CodeAnswer]) -> None:
    """Print a line per code and policy; codes that no policy answers come first."""
    table = Table(Column("code", no_wrap=True), Column("policy", no_wrap=True), "sections", "label")
    for answer in sorted(answers, key=lambda answer: answer.is_answered):
        if not answer.policies:
            table.add_row(escape(answer.coding.code), "[yellow]none[/]", "", "")
        for each in answer.policies:
            sections = ", ".join(each.sections) or "[yellow]named, not judged[/]"
            table.add_row(escape(answer.coding.code), escape(each.policy.full_name), sections, escape(each.label))
    console.print(table)
    unanswered = sum(not answer.is_answered for answer in answers)
    console.print(f"{unanswered} of {len(answers)} codes are answered by no policy.")
