"""What is wrong with a set of policy texts although each of them loads."""

from collections.abc import Iterator

from coverage_policies.library import Library
from coverage_policies.model import Policy
from coverage_policies.yaml_source import Problem


def lint(library: Library) -> tuple[Problem, ...]:
    """Every problem of a library that loaded: sections no order reaches, conditions that never matter."""
    return tuple(problem for policy in library.policies.values() for problem in _policy_problems(policy))


def _policy_problems(policy: Policy) -> Iterator[Problem]:
    reached = {name for entry in policy.orders for name in entry.sections}
    needed = {name.split(".")[0] for criterion in policy.walk() for name in criterion.needs}
    for name, section in policy.sections.items():
        if name not in reached | needed:
            yield Problem(policy.source, section.root.line, f"no order reaches section {name}; name it under `orders`")
    if policy.pathway:
        used = {name for criterion in policy.walk() for name in criterion.pathways}
        for choice in policy.pathway.choices:
            if choice.name not in used:
                yield Problem(policy.source, 1, f"no criterion is `for: {choice.name}`; the pathway changes nothing")
    seen: dict[str, str] = {}
    for entry in policy.orders:
        for row in entry.codes.rows:
            other = seen.setdefault(f"{row.system}|{row.code}", entry.codes.name)
            if other != entry.codes.name:
                what = f"{row.code} ({row.label}) is selected by {other} and by {entry.codes.name}; keep one"
                yield Problem(policy.source, 1, what)
