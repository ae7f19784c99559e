"""The list of policies."""

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from coverage_policies.authoring.cases import read_cases
from coverage_policies.format.model import Policy
from coverage_policies.judging.plan_rules import PlanRules
from coverage_policies.judging.policy_selection import stated_days


def print_policies(console: Console, policies: Sequence[Policy], rules: PlanRules) -> None:
    """Print a line per revision."""
    columns = [
        Column("title", overflow="fold", min_width=13),
        Column("owner", overflow="fold", min_width=13),
        Column("lines of business", no_wrap=True),
    ]
    table = Table(Column("policy, effective", no_wrap=True), *columns, show_lines=True)
    for policy in policies:
        days = [f"{since} to {until}" if until else f"from {since}" for since, until in stated_days(policy, rules)]
        table.add_row(
            "\n".join([f"[bold]{escape(policy.full_name)}[/]", *(days or [f"from {policy.revision}"])]),
            escape(policy.title),
            escape(policy.owner),
            "\n".join(policy.lines_of_business),
        )
    console.print(table)


def as_json(policy: Policy, rules: PlanRules) -> dict[str, object]:
    """Return what is listed of a revision.

    `effective` are the days on which it applies, without `to` if they go on; it is empty if neither the plan rules nor
    the document state any, and the revision then applies from its month on.
    """
    criteria = list(policy.walk())
    parts = sum(criterion.is_part for criterion in criteria)
    return {
        "policy": policy.name,
        "revision": policy.revision,
        "edition": policy.edition,
        "title": policy.title,
        "owner": policy.owner,
        "lines_of_business": list(policy.lines_of_business),
        "effective": [
            {"from": str(since)} | ({"to": str(until)} if until else {}) for since, until in stated_days(policy, rules)
        ],
        "criteria": len(criteria) - parts,
        "parts": parts,
        "questions": sum(bool(criterion.ask) for criterion in criteria),
        "cases": len(read_cases(policy).cases),
        "file": policy.source,
    }
