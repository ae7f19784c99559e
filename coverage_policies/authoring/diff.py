"""What changed between two revisions, criterion by criterion."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from itertools import zip_longest

from coverage_policies.authoring.description import (
    DescriptionLine,
    choice_lines,
    criterion_lines,
    entry_lines,
    head_lines,
    section_lines,
)
from coverage_policies.format.model import Policy


class How(Enum):
    """What became of a part of a policy."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    RENUMBERED = "renumbered"


@dataclass(frozen=True, slots=True)
class LineChange:
    """One changed statement; `before` is empty if it is new, `after` if it is gone."""

    kind: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Change:
    """A part of a policy, by its id, that changed. `was` is its former id, if that is another."""

    id: str
    says: str
    how: How
    lines: tuple[LineChange, ...]
    was: str = ""


@dataclass(frozen=True, slots=True)
class _Part:
    says: str
    lines: tuple[DescriptionLine, ...]


def differences(before: Policy, after: Policy) -> tuple[Change, ...]:
    """Return every part that was added, removed, or changed, in the order of the documents.

    A criterion with another number and the same words counts as renumbered, not as replaced.
    """
    old, new = dict(_parts(before)), dict(_parts(after))
    renumbered = _renumbered(old, new)
    found = []
    for name in _in_order(list(old), list(new)):
        was = renumbered.get(name, name)
        if name in old and name not in new:
            if name not in renumbered.values():
                found.append(Change(name, old[name].says, How.REMOVED, _changed(old[name].lines, ())))
        elif was not in old:
            found.append(Change(name, new[name].says, How.ADDED, _changed((), new[name].lines)))
        elif was != name:
            lines = _changed(old[was].lines, new[name].lines)
            found.append(Change(name, new[name].says, How.RENUMBERED, lines, was))
        elif lines := _changed(old[name].lines, new[name].lines):
            found.append(Change(name, new[name].says, How.CHANGED, lines))
    return tuple(found)


def _parts(policy: Policy) -> Iterator[tuple[str, _Part]]:
    """Yield everything in a policy, in parts that have a name."""
    yield "the head", _Part("", tuple(_head(policy)))
    names: Counter[str] = Counter()
    for entry in policy.orders:
        names[entry.codes.name] += 1
        number = f" ({names[entry.codes.name]})" if names[entry.codes.name] > 1 else ""
        yield f"orders {entry.codes.name}{number}", _Part("", tuple(entry_lines(entry)))
    if policy.pathway:
        yield "pathway", _Part("", (DescriptionLine("asks", policy.pathway.ask),))
        for choice in policy.pathway.choices:
            yield f"pathway {choice.name}", _part(choice.says, choice_lines(choice))
    for name, section in policy.sections.items():
        yield name, _part(section.root.says, section_lines(section))
        for criterion in list(section.root.walk())[1:]:
            yield criterion.id, _part(criterion.says, criterion_lines(criterion))


def _part(says: str, lines: Iterable[DescriptionLine]) -> _Part:
    return _Part(says, (DescriptionLine("says", says), *lines))


def _head(policy: Policy) -> Iterator[DescriptionLine]:
    yield DescriptionLine("title", policy.title)
    yield from head_lines(policy)
    yield from (DescriptionLine("notes", note) for note in policy.notes)


def _renumbered(old: Mapping[str, _Part], new: Mapping[str, _Part]) -> Mapping[str, str]:
    """Return the former id of each renumbered criterion; words that occur twice prove nothing."""
    gone = [(part.says, name) for name, part in old.items() if name not in new and part.says]
    come = [(part.says, name) for name, part in new.items() if name not in old and part.says]
    said = Counter(says for says, _ in gone), Counter(says for says, _ in come)
    former = dict(gone)
    return {name: former[says] for says, name in come if all(count[says] == 1 for count in said)}


def _in_order(old: list[str], new: list[str]) -> list[str]:
    """Return the names of both, in the order of the new document; what is gone keeps its former place."""
    found = list(new)
    for i, name in enumerate(old):
        if name not in new:
            found.insert(found.index(old[i - 1]) + 1 if i else 0, name)
    return found


def _changed(before: tuple[DescriptionLine, ...], after: tuple[DescriptionLine, ...]) -> tuple[LineChange, ...]:
    """Return the statements that differ, kind by kind."""
    found = []
    for kind in dict.fromkeys(line.kind for line in before + after):
        old = [line.words for line in before if line.kind == kind and line not in after]
        new = [line.words for line in after if line.kind == kind and line not in before]
        found += [LineChange(kind, *pair) for pair in zip_longest(old, new, fillvalue="")]
    return tuple(found)
