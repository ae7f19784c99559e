"""A policy in lines of plain words, to read and to compare one revision with another."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from coverage_policies.format.model import Choice, Clause, Criterion, OrderEntry, Policy, Section
from coverage_policies.format.operator import as_list, written_values
from coverage_policies.format.registry import operators
from coverage_policies.format.value_sets import Row
from fhir_mappings.codings import SYSTEMS


@dataclass(frozen=True, slots=True)
class DescriptionLine:
    """One statement: its kind, such as `met` or `asks`, and its words."""

    kind: str
    words: str


def head_lines(policy: Policy) -> Iterator[DescriptionLine]:
    """Yield what a policy is, whose, and where and when it applies; what it does not state is left out."""
    yield DescriptionLine("owner", policy.owner)
    yield DescriptionLine("kind", policy.kind)
    yield DescriptionLine("lines of business", ", ".join(policy.lines_of_business))
    if policy.states:
        yield DescriptionLine("states", ", ".join(policy.states))
    since = f"from {policy.effective}" if policy.effective else ""
    until = f"until {policy.until}" if policy.until else ""
    if since or until:
        yield DescriptionLine("effective", " ".join(filter(None, (since, until))))
    if policy.prior_authorization:
        yield DescriptionLine("prior authorization", policy.prior_authorization)
    if policy.url:
        yield DescriptionLine("url", policy.url)


def criterion_lines(c: Criterion) -> Iterator[DescriptionLine]:
    """Yield how a criterion is met and not met, what it asks, and what follows."""
    yield from _settled(c)
    yield from (DescriptionLine("shows", clause_words(clause)) for clause in c.show)
    if c.ask:
        yield DescriptionLine("asks", c.ask)
    if c.says_when_not_met:
        yield DescriptionLine("card says", c.says_when_not_met)
    if c.override:
        yield DescriptionLine("override", c.override)
    if c.suggest:
        yield DescriptionLine("suggests", f"{c.suggest.says} ({c.suggest.change})")
    if c.pathways:
        yield DescriptionLine("counts", f"only on the pathway {' or '.join(sorted(c.pathways))}")
    if c.rules_out:
        yield DescriptionLine("counts", f"only if it is not met on the pathway {' or '.join(sorted(c.rules_out))}")
    if c.role:
        yield DescriptionLine("counts", f"never; it is reported as {c.role.value}")
    if c.case_review_if_met:
        yield DescriptionLine("follows", "a reviewer decides even if it is met")
    if c.case_review_if_not_met:
        yield DescriptionLine("follows", "a reviewer decides if it is not met")
    if c.interpretation:
        yield DescriptionLine("interpretation", c.interpretation)
    if c.note:
        yield DescriptionLine("note", c.note)


def _settled(c: Criterion) -> Iterator[DescriptionLine]:
    if c.is_never_met:
        yield DescriptionLine("not met", "always")
    if c.children:
        parts = [child.id for child in c.children if child.role is None]
        needed = len(parts) if c.required is None else c.required
        yield DescriptionLine("met", f"when {_of(needed, len(parts))} met: {', '.join(parts)}")
        yield DescriptionLine("not met", f"when {_of(len(parts) - needed + 1, len(parts))} not met")
    if c.needs:
        day = f", on the day of the last {c.on_date_of.name}" if c.on_date_of else ""
        yield DescriptionLine("met", f"as {' and '.join(c.needs)}{day}")
    yield from (DescriptionLine("met", f"by data: {clause_words(clause)}") for clause in c.met_when)
    if c.ask:
        yield DescriptionLine("met", f"by the answer {c.met_by}")
    yield from (DescriptionLine("not met", f"by data: {clause_words(clause)}") for clause in c.not_met_when)
    if c.ask:
        yield DescriptionLine("not met", f"by the answer {'no' if c.met_by == 'yes' else 'yes'}")


def _of(some: int, parts: int) -> str:
    if some == parts:
        return "its only part is" if parts == 1 else f"all of its {parts} parts are"
    return f"at least {some} of its {parts} parts {'is' if some == 1 else 'are'}"


def clause_words(clause: Clause) -> str:
    """Return a clause in words: its operator, its arguments, and the defaults of those it leaves out."""
    operator = operators()[clause.operator]
    written = {
        name: _value_words(value, " or " if operator.takes_any(name) else ", ")
        for name, value in clause.arguments.items()
    }
    defaults = operator.defaults
    assumed = {name: f"{value} (default)" for name, value in defaults.items() if name not in written}
    return f"{clause.operator} {', '.join(f'{name}: {value}' for name, value in {**written, **assumed}.items())}"


def _value_words(value: Any, between: str) -> str:
    """Return an argument in words; one with arguments of its own as `(count: at least 6, gap: at most 4 weeks)`."""
    if isinstance(value, Mapping):
        return f"({', '.join(f'{name}: {_value_words(each, between)}' for name, each in value.items())})"
    return between.join(as_list(value))


def section_lines(section: Section) -> Iterator[DescriptionLine]:
    """Yield the lines of a section's criterion, and the outcome if it is not met."""
    yield from criterion_lines(section.root)
    yield DescriptionLine("follows", f"{section.if_not_met.value} if it is not met")


def entry_lines(entry: OrderEntry) -> Iterator[DescriptionLine]:
    """Yield which orders an entry selects, and what judges them."""
    yield DescriptionLine("codes", ", ".join(map(_code, entry.codes.rows)))
    judged_by = (
        f"section {' and '.join(entry.sections)}" if entry.sections else "none: the policy judges nothing about it"
    )
    yield DescriptionLine("judged by", judged_by)
    yield from (DescriptionLine("only if", clause_words(clause)) for clause in entry.only_if)
    yield from (DescriptionLine("unless", clause_words(clause)) for clause in entry.unless)
    yield from (DescriptionLine("never if", clause_words(clause)) for clause in entry.never_if)
    yield from (DescriptionLine("asks if", clause_words(clause)) for clause in entry.ask_if)
    yield from (
        DescriptionLine("adds", f"{each.add.label} ({each.add.code}): {each.says}") for each in entry.companions
    )
    if entry.ask:
        yield DescriptionLine("asks", entry.ask)


def _code(row: Row) -> str:
    days = validity(row)
    return f"{row.code} ({days})" if days else row.code


def row_cells(row: Row) -> tuple[str, str, str, str, str]:
    """Return the cells of a code in a table: short name of its system, code, label, use, and service dates."""
    system = next((name for name, address in SYSTEMS.items() if address == row.system), row.system)
    return system, row.code, row.label, "decides" if row.decides else "asks", validity(row)


ROW_HEADINGS = ("system", "code", "label", "use", "service dates")
"""The columns of a table of codes."""


def validity(row: Row) -> str:
    """Return the service dates on which a code is valid; empty if it is not bounded."""
    since = f"from {row.valid_from}" if row.valid_from else ""
    until = f"to {row.valid_to}" if row.valid_to else ""
    return " ".join(filter(None, (since, until)))


def choice_lines(choice: Choice) -> Iterator[DescriptionLine]:
    """Yield what chooses a pathway, keeps it open, rules it out, or makes it likely."""
    yield from (DescriptionLine("chosen when", clause_words(clause)) for clause in choice.chosen_when)
    yield from (DescriptionLine("kept open when", clause_words(clause)) for clause in choice.keep_when)
    yield from (DescriptionLine("ruled out when", clause_words(clause)) for clause in choice.exclude_when)
    yield from (DescriptionLine("likely when", clause_words(clause)) for clause in choice.presume_when)


def value_set_names(policy: Policy, section: str | None = None) -> set[str]:
    """Return every name in a policy, or one section of it, that may be a value set, defaults of operators included."""
    if section is None:
        criteria, entries, clauses = list(policy.walk()), policy.orders, list(policy.clauses())
    else:
        criteria = list(policy.sections[section].root.walk())
        entries = tuple(entry for entry in policy.orders if section in entry.sections)
        clauses = [clause for each in criteria for clause in each.clauses]
        clauses += [clause for entry in entries for clause in entry.clauses]
    found = {name for entry in entries for name in entry.codes.names}
    found |= {each.on_date_of.name for each in criteria if each.on_date_of}
    return found | names_in(clauses)


def names_in(clauses: Iterable[Clause]) -> set[str]:
    """Return every word in clauses that may name a value set, defaults of operators included."""
    found: set[str] = set()
    for clause in clauses:
        for _, value in written_values({**operators()[clause.operator].defaults, **clause.arguments}):
            found |= set(as_list(value))
    return found
