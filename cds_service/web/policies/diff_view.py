"""What changed between two revisions, with the changed words of each sentence marked."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum
from itertools import groupby

from cds_service.web.policies.revision_view import HEADINGS
from coverage_policies.authoring.diff import Change, How, LineChange, differences
from coverage_policies.format.model import Policy

_TOKENS = re.compile(r"\s+|[\w.%-]+|.", re.DOTALL)
_MOST_TOKENS = 1_000
"""A longer sentence is marked as a whole: the comparison of words takes time that grows with the square."""
_LEAST_ALIKE = 0.3
"""Of sentences that share less than this, every word is marked: scattered common words help no reader."""
_KINDS = {How.ADDED: "good", How.REMOVED: "bad", How.CHANGED: "open", How.RENUMBERED: "plain"}
_MORE_HEADINGS = {"says": "Says", "title": "Title", "notes": "Note", "url": "Published at"}


class Mark(StrEnum):
    """What became of a stretch of words."""

    SAME = "same"
    DELETED = "deleted"
    INSERTED = "inserted"


Words = tuple[tuple[Mark, str], ...]


@dataclass(frozen=True, slots=True)
class ChangedLine:
    """A statement before and after; either is empty if it was added or removed."""

    heading: str
    before: Words
    after: Words


@dataclass(frozen=True, slots=True)
class ChangedPart:
    """A criterion, or another part of a policy. `badge` is the kind of its badge, `before_id` its id before."""

    name: str
    says: str
    what: str
    badge: str
    before_id: str
    is_before: bool
    is_after: bool
    is_criterion: bool
    lines: tuple[ChangedLine, ...]


def changed_parts(before: Policy, after: Policy) -> tuple[ChangedPart, ...]:
    """Return every part that differs, in the order of the documents."""
    return tuple(_part(each, before, after) for each in differences(before, after))


def _part(change: Change, before: Policy, after: Policy) -> ChangedPart:
    before_id = change.was or change.id
    return ChangedPart(
        name=change.id if change.id in before.index or change.id in after.index else change.id.capitalize(),
        says=change.says,
        what=f"Renumbered, was {change.was}" if change.was else change.how.value.capitalize(),
        badge=_KINDS[change.how],
        before_id=before_id,
        is_before=before_id in before.index,
        is_after=change.id in after.index,
        is_criterion=change.id in before.index or change.id in after.index,
        lines=tuple(map(_line, change.lines)),
    )


def _line(change: LineChange) -> ChangedLine:
    heading = HEADINGS.get(change.kind) or _MORE_HEADINGS.get(change.kind, change.kind.capitalize())
    return ChangedLine(heading, *marked(change.before, change.after))


def marked(before: str, after: str) -> tuple[Words, Words]:
    """Return both texts with what was deleted from the first and inserted in the second marked, word by word."""
    old, new = _TOKENS.findall(before), _TOKENS.findall(after)
    whole = _merged([(Mark.DELETED, before)]), _merged([(Mark.INSERTED, after)])
    if not before or not after or len(old) + len(new) > _MOST_TOKENS:
        return whole
    blocks = SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    in_both = sum(_words(old[i:j]) for tag, i, j, _, _ in blocks if tag == "equal")
    if 2 * in_both < _LEAST_ALIKE * (_words(old) + _words(new)):
        return whole
    deleted, inserted = [], []
    for tag, i, j, k, m in blocks:
        is_same = tag == "equal" and _words(old[i:j]) > 0  # a space between two changed words reads as changed, too
        deleted.append((Mark.SAME if is_same else Mark.DELETED, "".join(old[i:j])))
        inserted.append((Mark.SAME if is_same else Mark.INSERTED, "".join(new[k:m])))
    return _merged(deleted), _merged(inserted)


def _words(tokens: Sequence[str]) -> int:
    return sum(not token.isspace() for token in tokens)


def _merged(stretches: Iterable[tuple[Mark, str]]) -> Words:
    """Return stretches with neighbors of one mark joined, without empty ones."""
    filled = [each for each in stretches if each[1]]
    return tuple((mark, "".join(text for _, text in same)) for mark, same in groupby(filled, lambda each: each[0]))
