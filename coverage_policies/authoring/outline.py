"""The outline of a policy: everything a reader is shown of it, in order, for whatever prints it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from coverage_policies.authoring.description import (
    DescriptionLine,
    choice_lines,
    criterion_lines,
    entry_lines,
    head_lines,
    row_cells,
    section_lines,
    value_set_names,
)
from coverage_policies.format.model import Criterion, Policy, Section
from coverage_policies.format.value_sets import ValueSet

_HASH_DIGITS = 12


@dataclass(frozen=True, slots=True)
class OutlineItem:
    """A section, a criterion, an entry of the orders, or a pathway, with what is below it."""

    name: str
    says: str
    lines: tuple[DescriptionLine, ...]
    items: tuple["OutlineItem", ...] = ()


@dataclass(frozen=True, slots=True)
class CodeTable:
    """A value set; the cells of its rows are under `description.ROW_HEADINGS`."""

    name: str
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Outline:
    """A policy, or one section of it. `pathways` is None where it has none."""

    name: str
    title: str
    head: tuple[DescriptionLine, ...]
    notes: tuple[str, ...]
    orders: tuple[OutlineItem, ...]
    pathways: OutlineItem | None
    sections: tuple[OutlineItem, ...]
    value_sets: tuple[CodeTable, ...]
    history: tuple[str, ...]


def outline_of(policy: Policy, sets: Mapping[str, ValueSet], section: str | None = None) -> Outline:
    """Return the outline of a policy, or of one section with its own orders and value sets."""
    used = sorted(value_set_names(policy, section) & sets.keys())
    return Outline(
        name=policy.full_name,
        title=policy.title,
        head=tuple(head_lines(policy)),
        notes=policy.notes,
        orders=tuple(
            OutlineItem(entry.codes.name, "", tuple(entry_lines(entry)))
            for entry in policy.orders
            if section is None or section in entry.sections
        ),
        pathways=_pathways(policy) if section is None else None,
        sections=tuple(_section(each) for name, each in policy.sections.items() if section in (None, name)),
        value_sets=tuple(CodeTable(name, tuple(map(row_cells, sets[name].rows))) for name in used),
        history=tuple(_history(policy)),
    )


def _pathways(policy: Policy) -> OutlineItem | None:
    if policy.pathway is None:
        return None
    choices = (OutlineItem(each.name, each.says, tuple(choice_lines(each))) for each in policy.pathway.choices)
    return OutlineItem("", policy.pathway.ask, (), tuple(choices))


def _section(section: Section) -> OutlineItem:
    return _item(section.root, section_lines(section))


def _item(criterion: Criterion, lines: Iterable[DescriptionLine]) -> OutlineItem:
    children = tuple(_item(child, criterion_lines(child)) for child in criterion.children)
    return OutlineItem(criterion.id, criterion.says, tuple(lines), children)


def _history(policy: Policy) -> Iterator[str]:
    yield from (f"revision {month}" for month in policy.history)
    for edition in policy.editions:
        released = f"released {edition.released}" if edition.released else "not released"
        yield f"edition {edition.number}, {released}, content {edition.content[:_HASH_DIGITS]}"
    if policy.edition_numbered(policy.edition) is None:
        yield f"edition {policy.edition}" + (", not in the lock" if policy.editions else "")
