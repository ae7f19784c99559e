"""The list of policies."""

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from coverage_policies.authoring.cases import read_cases
from coverage_policies.format.model import Policy
from coverage_policies.judging.plan_rules import Effective, PlanRules


def print_policies(console: Console, policies: Sequence[Policy], rules: PlanRules) -> None:
    """Print a line per revision."""
    columns = [
        Column("title", overflow="fold", min_width=13),
        Column("owner", overflow="fold", min_width=13),
        Column("lines of business", no_wrap=True),
    ]
    table = Table(Column("policy, effective", no_wrap=True), *columns, show_lines=True)
    for policy in policies:
        days = [
            f"{each.since} to {each.until}" if each.until else f"from {each.since}"
            for each in _effective(policy, rules)
        ]
        table.add_row(
            "\n".join([f"[bold]{escape(policy.full_name)}[/]", *(days or [f"from {policy.revision}"])]),
            escape(policy.title),
            escape(policy.owner),
            "\n".join(policy.lines_of_business),
        )
    console.print(table)


def as_json(policy: Policy, rules: PlanRules) -> dict[str, object]:
    """Return what is listed of a revision; `effective` are days of the plan rules, without `to` where they go on."""
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
            {"from": str(each.since)} | ({"to": str(each.until)} if each.until else {})
            for each in _effective(policy, rules)
        ],
        "criteria": len(criteria) - parts,
        "parts": parts,
        "questions": sum(bool(criterion.ask) for criterion in criteria),
        "cases": len(read_cases(policy).cases),
        "file": policy.source,
    }


def _effective(policy: Policy, rules: PlanRules) -> list[Effective]:
    found = (each for each in rules.effective if each.policy == policy.full_name)
    return sorted(found, key=lambda each: each.since)
