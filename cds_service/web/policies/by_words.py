"""Search the policies by words: titles, criteria, our readings, questions, and labels of codes."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from cds_service.web.policies.visibility import order_sets
from coverage_policies.authoring.description import value_set_names
from coverage_policies.format.library import Library
from coverage_policies.format.model import Criterion, Policy
from coverage_policies.format.questions import applies_question

MOST_HITS = 100
"""How many passages a page shows; what is left over is counted."""
_MOST_WORDS = 10
"""How many words of a query count."""
_MOST_LABELS = 3
"""How many labels of a value set a hit shows."""
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage with all the words. `where` says what it is; `anchor` is its place on the page of its revision."""

    policy: Policy
    where: str
    anchor: str
    text: str


@dataclass(frozen=True, slots=True)
class _Passage:
    hit: Hit
    folded: str
    labels: tuple[str, ...] = ()
    """The labels of a value set, of which a hit shows those with the words."""
    needs_sign_in: bool = False


class WordIndex:
    """Every passage of a library that a search reads. The search is linear in their length."""

    def __init__(self, library: Library) -> None:
        self._passages = tuple(_passages(library))

    def find(self, query: str, readable: Collection[str], *, is_operator: bool) -> tuple[list[Hit], int]:
        """Return the first hits, those of the newest revisions first, and how many there are in all.

        `readable` are the full names of the revisions to search. Only an operator finds labels of sets with CPT codes.
        """
        words = words_of(query)
        if not words:
            return [], 0
        found = [
            _hit(each, words)
            for each in self._passages
            if each.hit.policy.full_name in readable
            and (is_operator or not each.needs_sign_in)
            and all(word in each.folded for word in words)
        ]
        return found[:MOST_HITS], len(found)


def words_of(query: str) -> tuple[str, ...]:
    """Return the words of a query that count, in lower case, each once."""
    return tuple(dict.fromkeys(_WORD.findall(query.casefold())))[:_MOST_WORDS]


_known: tuple[Library, WordIndex] | None = None


def index_of(library: Library) -> WordIndex:
    """Return the index of a library, made once: a reload brings another library, and another index."""
    global _known
    known = _known
    if known is None or known[0] is not library:
        _known = known = (library, WordIndex(library))
    return known[1]


def _hit(passage: _Passage, words: Iterable[str]) -> Hit:
    hit = passage.hit
    if not passage.labels:
        return hit
    some = [label for label in passage.labels if any(word in label.casefold() for word in words)]
    return Hit(
        hit.policy, hit.where, hit.anchor, "; ".join(some[:_MOST_LABELS]) + ("; …" if some[_MOST_LABELS:] else "")
    )


def _passages(library: Library) -> Iterator[_Passage]:
    in_order = sorted(library.policies.values(), key=lambda each: each.name)
    in_order.sort(key=lambda each: each.revision, reverse=True)
    for policy in in_order:
        yield _passage(policy, "Title", "", f"{policy.name} {policy.title}")
        for note in policy.notes:
            yield _passage(policy, "Note", "", note)
        for criterion in policy.walk():
            yield from (_passage(policy, where, criterion.id, text) for where, text in _texts(criterion) if text)
        if (applies := applies_question(policy)) is not None:
            yield _passage(policy, "Question about the order", "h-questions", applies.text)
        yield from _choices(policy)
        yield from _labels(policy, library)


def _passage(policy: Policy, where: str, anchor: str, text: str) -> _Passage:
    return _Passage(Hit(policy, where, anchor, text), text.casefold())


def _texts(criterion: Criterion) -> Iterator[tuple[str, str]]:
    name = criterion.id
    kind = "Criterion" if "." in name else "Section"
    yield f"{kind} {name}", criterion.says
    yield f"{kind} {name}, if it is not met", criterion.says_when_not_met
    yield f"Question of {name}", criterion.ask
    yield f"Our reading of {name}", criterion.interpretation
    yield f"Note on {name}", criterion.note


def _choices(policy: Policy) -> Iterator[_Passage]:
    if policy.pathway is not None:
        for choice in policy.pathway.choices:
            yield _passage(policy, "Pathway", "h-pathways", choice.says)


def _labels(policy: Policy, library: Library) -> Iterator[_Passage]:
    sets: Mapping[str, object] = library.value_sets
    ordered = order_sets([policy])
    for name in sorted(value_set_names(policy) & sets.keys()):
        codes = library.value_sets[name]
        labels = tuple(dict.fromkeys(row.label for row in codes.rows))
        needs_sign_in = name not in ordered and codes.has_cpt
        text = "\n".join(labels).casefold()
        yield _Passage(Hit(policy, f"Codes {name}", f"set-{name}", ""), text, labels, needs_sign_in)
