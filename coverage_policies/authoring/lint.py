"""What is wrong with policies that load; the rules are in lint_rules.py."""

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from pathlib import Path

from coverage_policies.authoring.cases import case_file
from coverage_policies.authoring.description import value_set_names
from coverage_policies.authoring.value_set_lint import headings, label_problems, unlike_labels, value_set_problems
from coverage_policies.format.library import BUILT_IN, Library
from coverage_policies.format.model import Choice, Clause, Criterion, OrderEntry, Policy
from coverage_policies.format.operator import as_list, written_values
from coverage_policies.format.problems import Problem
from coverage_policies.format.value_sets import ValueSet
from coverage_policies.judging.plan_rules import Effective, Payer

_DAY = timedelta(days=1)


def lint(library: Library) -> tuple[Problem, ...]:
    """Return the errors of a library that loaded: what spoils answers, and how to write it right."""
    return (
        *(problem for policy in library.policies.values() for problem in _policy_problems(policy, library)),
        *_histories(library.policies.values()),
        *value_set_problems(library.value_sets.values()),
    )


def remarks(library: Library) -> tuple[Problem, ...]:
    """Return what spoils no answer and still looks like a mistake, such as labels that differ."""
    sets = library.value_sets.values()
    own, built_in = [each for each in sets if not _is_built_in(each)], [each for each in sets if _is_built_in(each)]
    return (
        *label_problems(sets),
        *unlike_labels(own, built_in),
        *headings(own),
        *_unused(library),
        *_cases_of_nothing(library),
    )


def _policy_problems(policy: Policy, library: Library) -> Iterator[Problem]:
    yield from _sections_and_pathways(policy)
    yield from _entries(policy)
    for section in policy.sections.values():
        for criterion, pathways in _walk(section.root, frozenset()):
            for rule, what in _criterion_problems(criterion, pathways, library):
                yield _at(policy, criterion, rule, f"{criterion.id}: {what}")


def _at(policy: Policy, place: Criterion | OrderEntry | Choice, rule: str, what: str) -> Problem:
    return Problem(policy.source, place.line, what, place.column, rule)


def _sections_and_pathways(policy: Policy) -> Iterator[Problem]:
    reached = {name for entry in policy.orders for name in entry.sections}
    needed = {name.split(".")[0] for criterion in policy.walk() for name in criterion.needs}
    for name, section in policy.sections.items():
        if name not in reached | needed:
            what = f"no order reaches section {name}; name it under `orders`"
            yield _at(policy, section.root, "unreached-section", what)
    if policy.pathway:
        used = {name for criterion in policy.walk() for name in criterion.pathways}
        for choice in policy.pathway.choices:
            if choice.name not in used:
                what = f"no criterion is `for: {choice.name}`; the pathway changes nothing"
                yield _at(policy, choice, "unused-pathway", what)


def _entries(policy: Policy) -> Iterator[Problem]:
    seen: dict[str, str] = {}
    for entry in policy.orders:
        for row in entry.codes.rows:
            other = seen.setdefault(f"{row.system}|{row.code}", entry.codes.name)
            if other != entry.codes.name:
                what = f"{row.code} ({row.label}) is selected by {other} and by {entry.codes.name}; keep one"
                yield _at(policy, entry, "double-order-code", what)
        if _is_over(entry, policy.dated):
            what = f"no code of {entry.codes.name} is valid from {policy.revision} on; leave the entry out"
            yield _at(policy, entry, "ended-order-codes", what)


def _is_over(entry: OrderEntry, dated: date) -> bool:
    """Return whether every code ended before the revision began."""
    return all(row.valid_to is not None and row.valid_to < dated for row in entry.codes.rows)


def _histories(policies: Iterable[Policy]) -> Iterator[Problem]:
    """Yield a problem for each earlier, installed revision that a `history` leaves out."""
    earlier: dict[str, list[Policy]] = {}
    for policy in sorted(policies, key=lambda policy: policy.revision):
        for other in earlier.setdefault(policy.name, []):
            if policy.history and other.revision not in policy.history:
                what = f"`history` leaves out {other.revision}, which is installed ({other.source}); add it"
                yield Problem(policy.source, 1, what, rule="incomplete-history")
        earlier[policy.name].append(policy)


def _walk(c: Criterion, above: frozenset[str]) -> Iterator[tuple[Criterion, frozenset[str]]]:
    """Yield every criterion with the pathways on which the groups around it count; none means all."""
    yield c, above
    for child in c.children:
        yield from _walk(child, c.pathways or above)


def _criterion_problems(c: Criterion, above: frozenset[str], library: Library) -> Iterator[tuple[str, str]]:
    """Yield the rule that a criterion breaks, and how."""
    if above and c.pathways and not c.pathways & above:
        what = f"it is for {_names(c.pathways)} inside of what is for {_names(above)}; it never counts"
        yield "impossible-pathway", what
    for key, clauses in (("met_when", c.met_when), ("not_met_when", c.not_met_when)):
        for clause in clauses:
            for name in _only_asking(clause, library):
                what = f"{key}: every code of {name} only asks, so it never holds; write it under `show`"
                yield "never-decides", what
            if _strings_visits_together(clause):
                what = f"{key}: two visits months apart would be a course; add `gap: at most 4 weeks` to `lasting`"
                yield "course-without-gap", what
    if c.suggest and not any(
        _reads(clause, name) for name in c.suggest.change.arguments for clause in c.met_when + c.not_met_when
    ):
        read = " or ".join(c.suggest.change.arguments)
        what = f"suggest: no clause here reads the order's {read}; suggest what a clause looks for"
        yield "unrelated-suggestion", what
    if c.override and (c.role or c.case_review_if_not_met):
        yield "unused-override", "override: it never keeps an order from coverage; leave it out"


def _names(pathways: frozenset[str]) -> str:
    return " and ".join(sorted(pathways))


def _only_asking(clause: Clause, library: Library) -> Iterator[str]:
    """Yield the value sets of a clause that have no code that decides."""
    for _, value in written_values(clause.arguments):
        sets = [library.value_sets[name] for name in as_list(value) if name in library.value_sets]
        rows = [row for each in sets for row in each.rows]
        if rows and not any(row.decides for row in rows):
            yield " or ".join(each.name for each in sets)


def _strings_visits_together(clause: Clause) -> bool:
    """Return whether any two visits that are far enough apart prove how long a treatment lasted."""
    return clause.operator == "procedure" and "lasting" in clause.arguments and "gap" not in clause.arguments


def _reads(clause: Clause, attribute: str) -> bool:
    return clause.operator == "order" and attribute in clause.arguments


def _unused(library: Library) -> Iterator[Problem]:
    """Yield a problem for each value set that no policy names; those that ship with the service are exempt."""
    used = {name for policy in library.policies.values() for name in value_set_names(policy)}
    for name, each in library.value_sets.items():
        if name not in used and not _is_built_in(each):
            what = "no policy uses this value set; name it in one, or remove the file"
            yield Problem(each.source, 1, what, rule="unused-value-set")


def _is_built_in(each: ValueSet) -> bool:
    return Path(each.source).is_relative_to(BUILT_IN)


def _cases_of_nothing(library: Library) -> Iterator[Problem]:
    """Yield case files without a policy document: they would never run."""
    policies = list(library.policies.values())
    expected = {case_file(policy) for policy in policies}
    for folder in sorted({Path(policy.source).parent for policy in policies}):
        for path in sorted(folder.glob("*.cases.yaml")):
            if path not in expected:
                what = "these cases have no policy document; name the file after one"
                yield Problem(str(path), 1, what, rule="stray-cases")


def effective_gaps(rules: Iterable[Effective]) -> Iterator[str]:
    """Yield the days between two revisions of a policy on which, by the plan rules, none is in force."""
    ended: dict[str, Effective] = {}
    for each in sorted(rules, key=lambda rule: rule.since):
        policy = each.policy.partition("@")[0]
        before = ended.get(policy)
        if before and before.until and each.since - before.until > _DAY:
            first, last = before.until + _DAY, each.since - _DAY
            advice = f"let {before.policy} end or {each.policy} begin on another day"
            yield f"no revision of {policy} is in force from {first} to {last}; {advice}"
        if not before or (before.until and (each.until is None or each.until > before.until)):
            ended[policy] = each


def owners_without_policy(payers: Iterable[Payer], library: Library) -> Iterator[str]:
    """Yield the owners that these payers follow and that have no policy in a library: a slip, or not installed yet."""
    owners = sorted({policy.owner for policy in library.policies.values()})
    for payer in payers:
        for owner in payer.owners:
            if owner not in owners:
                yield f"{payer.name} follows {owner}, which has no policy here; the owners are {', '.join(owners)}"
