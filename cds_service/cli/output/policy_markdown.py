"""A policy text as a Markdown document, to be pasted where colleagues read it."""

from collections.abc import Iterable, Iterator, Mapping

from cards.markdown import escaped
from coverage_policies.authoring.description import (
    ROW_HEADINGS,
    DescriptionLine,
    choice_lines,
    criterion_lines,
    entry_lines,
    row_cells,
    section_lines,
    value_set_names,
)
from coverage_policies.format.model import Criterion, Policy
from coverage_policies.format.value_sets import ValueSet


def policy_markdown(
    policy: Policy, sets: Mapping[str, ValueSet], editions: Mapping[str, str], section: str | None = None
) -> str:
    """The document: orders, pathways, sections, value sets and history; or what is about one section."""
    return "\n".join(_document(policy, sets, editions, section)) + "\n"


def _document(
    policy: Policy, sets: Mapping[str, ValueSet], editions: Mapping[str, str], section: str | None
) -> Iterator[str]:
    yield f"# {escaped(policy.full_name)}: {escaped(policy.title)}"
    yield ""
    yield f"{escaped(policy.owner)}; {', '.join(policy.lines_of_business)}; edition {policy.edition}."
    for note in policy.notes:
        yield f"\n> {escaped(note)}"
    yield "\n## Orders\n"
    for entry in policy.orders:
        if section is None or section in entry.sections:
            yield f"- **{escaped(entry.codes.name)}**"
            yield from _lines(entry_lines(entry), "  ")
    if policy.pathway and section is None:
        yield f"\n## Pathways\n\n{escaped(policy.pathway.ask)}\n"
        for choice in policy.pathway.choices:
            yield f"- **{choice.name}** {escaped(choice.says)}"
            yield from _lines(choice_lines(choice), "  ")
    for name, each in policy.sections.items():
        if section in (None, name):
            yield f"\n## {name}: {escaped(each.root.says)}\n"
            yield from _lines(section_lines(each), "")
            for child in each.root.children:
                yield from _criterion(child, "")
    yield "\n## Value sets"
    for name in sorted(value_set_names(policy, section) & sets.keys()):
        yield from _codes(sets[name])
    yield "\n## History\n"
    yield from (f"- revision {month}" for month in policy.history)
    yield from (f"- edition {edition}, content `{content}`" for edition, content in editions.items())
    if str(policy.edition) not in editions:
        yield f"- edition {policy.edition}, not in the lock"


def _criterion(c: Criterion, indent: str) -> Iterator[str]:
    yield f"{indent}- **{escaped(c.id)}** {escaped(c.says)}"
    yield from _lines(criterion_lines(c), indent + "  ")
    for child in c.children:
        yield from _criterion(child, indent + "  ")


def _lines(lines: Iterable[DescriptionLine], indent: str) -> Iterator[str]:
    for line in lines:
        yield f"{indent}- *{line.kind}:* {escaped(line.words)}"


def _codes(each: ValueSet) -> Iterator[str]:
    yield f"\n### {escaped(each.name)}\n"
    yield f"| {' | '.join(ROW_HEADINGS)} |"
    yield "|---" * len(ROW_HEADINGS) + "|"
    for row in each.rows:
        yield f"| {' | '.join(map(escaped, row_cells(row)))} |"
