"""How a review came to its answer: what was searched and found, and what each clause gave."""

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from cds_service.hooks.review import Review
from coverage_policies.authoring.trace import clause_traces
from coverage_policies.judging.assessment import Assessor


def print_trace(console: Console, review: Review, assessor: Assessor) -> None:
    """Print the searches of a review, then every clause of every determination with its result and evidence."""
    _print_searches(console, review)
    for determination in review.determinations:
        policy = assessor.library.policies.get(determination.full_name)
        if policy is None or not determination.criteria:
            continue
        table = Table(title=f"{determination.full_name}  {determination.order}", title_justify="left", expand=True)
        table.add_column("criterion", no_wrap=True)
        table.add_column("clause", ratio=3)
        table.add_column("result", no_wrap=True)
        table.add_column("reason", no_wrap=True)
        table.add_column("evidence", ratio=2, overflow="fold")
        for each in clause_traces(policy, determination, review.session, review.record):
            evidence = "\n".join([*each.result.notes, *(item.reference for item in each.result.evidence)])
            table.add_row(
                each.criterion,
                escape(f"{each.keyword}: {each.clause}"),
                each.result.holds.value,
                each.result.reason.value,
                escape(evidence),
            )
        console.print(table)


def _print_searches(console: Console, review: Review) -> None:
    if not review.searches:
        console.print("No policy matches an order, so nothing was searched.\n")
        return
    table = Table(title=f"Searches ({review.read_seconds:.2f} s)", title_justify="left")
    for column in ("prefetch key", "search", "from", "found", "result"):
        table.add_column(column, overflow="fold", justify="right" if column == "found" else "left")
    for each in review.searches:
        query = each.search.query("{patient}")
        table.add_row(each.search.key, escape(query), each.origin, str(each.found), each.availability.value)
    console.print(table)
