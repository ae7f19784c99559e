"""The open questions of a determination, in the order in which they are to be asked."""

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape

from coverage_policies.judging.determination import Question


def print_questions(console: Console, questions: Sequence[Question]) -> None:
    """Print each question with the `linkId` of its answer and what the chart has, and its parts below it."""
    if not questions:
        console.print("No questions.\n")
        return
    console.print("Questions:")
    for question in questions:
        _print(console, question, "  ")
    console.print()


def _print(console: Console, question: Question, indent: str) -> None:
    console.print(f"{indent}[bold]{escape(question.id)}[/] {escape(question.text)}", soft_wrap=True, highlight=False)
    for each in question.evidence:
        shown = " ".join(filter(None, (each.label, each.date, each.value)))
        console.print(f"{indent}  [dim]chart: {escape(shown)}[/]", soft_wrap=True, highlight=False)
    for part in question.parts:
        _print(console, part, f"{indent}  ")
