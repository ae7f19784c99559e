"""The words by which orders state values such as an approach or a purpose: what is compiled of the data.

Which attributes there are, their values, and the words of each are data; this package knows none of them but the sides
of the body (`laterality`), which every order and record may have.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypeAlias, get_args

from fhir_mappings.codings import Coding
from fhir_mappings.short_texts import Kept

Span: TypeAlias = tuple[int, int]
Place: TypeAlias = Literal["code", "reason", "device", "site", "performer"]
PLACES: tuple[Place, ...] = get_args(Place)
"""The elements of an order in which an attribute may be stated, besides its details, in which all are."""

_NEAR = 50
"""The most characters between words that must stand near each other."""
_WORDS_ALONE = 4
"""The most words of a clause that says nothing but the value, as in `For diagnostic purposes`."""
_BREAK = re.compile(r"[;\n]|\.(?!\d)|\bafter\b|\bfollowing\b|\bs/p\b|\bstatus[\s-]post\b", re.IGNORECASE)
"""What ends a clause: punctuation, or a word for what came before."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A value of one attribute in a phrase, and whether the phrase states it or only hints at it."""

    attribute: str
    value: str
    is_stated: bool


@dataclass(frozen=True, slots=True)
class Wording:
    """Words for a value. Those that do not state it only hint.

    With `near`, one of those words must stand in the same clause, at most 50 characters away; both are what names the
    value. With `nouns`, the words count for the noun that follows, else for one before them in the clause, and must be
    of the group `of`; a clause of at most four words without such nouns counts as well. `unless` are words that make it
    something else: in the same clause with `near`, else anywhere.
    """

    words: re.Pattern[str]
    states: bool = True
    near: re.Pattern[str] | None = None
    nouns: re.Pattern[str] | None = None
    unless: re.Pattern[str] | None = None

    @classmethod
    def of(cls, words: str, *, states: bool = True, near: str = "", of: str = "", unless: str = "") -> "Wording":
        """Compile patterns; an empty one is none. With `of`, `unless` are the nouns of something else."""
        if not of:
            return cls(compiled(words), states, near=_optional(near), unless=_optional(unless))
        return cls(compiled(words), states, nouns=compiled(f"(?P<of>{of})" + (f"|(?:{unless})" if unless else "")))

    def find(self, text: str, around: str) -> Iterator[Span]:
        """Yield where a text names the value. `around` is what may make it something else, the text included."""
        if self.near is not None:
            yield from self._find_near(text, self.near)
        elif self.nouns is not None:
            yield from self._find_next_to(text, self.nouns)
        elif self.unless is None or not self.unless.search(around):
            yield from (match.span() for match in self.words.finditer(text))

    def _find_near(self, text: str, near: re.Pattern[str]) -> Iterator[Span]:
        """Yield where both words stand close together in a clause.

        One pattern with both words and anything between them takes quadratic time where one of them is missing.
        """
        for start, end in _clauses(text):
            if self.unless is not None and self.unless.search(text, start, end):
                continue
            named = [match.span() for match in near.finditer(text, start, end)]
            starts = [first for first, _ in named]
            for match in self.words.finditer(text, start, end):
                position = bisect_left(starts, match.start())
                for first, last in named[max(0, position - 1) : position + 1]:
                    if max(match.start() - last, first - match.end()) <= _NEAR:
                        yield min(first, match.start()), max(last, match.end())

    def _find_next_to(self, text: str, nouns: re.Pattern[str]) -> Iterator[Span]:
        found = [(match.start(), match.lastgroup == "of") for match in nouns.finditer(text)]
        starts = [start for start, _ in found]
        for begin, end in _clauses(text):
            first, last = bisect_left(starts, begin), bisect_left(starts, end)
            is_alone = first == last and len(text[begin:end].split()) <= _WORDS_ALONE
            before = any(is_of for _, is_of in found[first:last])
            for match in self.words.finditer(text, begin, end):
                following = bisect_right(starts, match.start())
                if found[following][1] if following < last else before or is_alone:
                    yield match.span()


def compiled(pattern: str) -> re.Pattern[str]:
    """Compile a pattern of the data."""
    return re.compile(pattern, re.IGNORECASE)


def _optional(pattern: str) -> re.Pattern[str] | None:
    return compiled(pattern) if pattern else None


def _clauses(text: str) -> Iterator[Span]:
    begin = 0
    for match in _BREAK.finditer(text):
        yield begin, match.start()
        begin = match.end()
    yield begin, len(text)


@dataclass(frozen=True, slots=True)
class CodePattern:
    """A code that states a value; with `is_prefix`, every code that begins with it."""

    system: str
    code: str
    is_prefix: bool = False

    def matches(self, coding: Coding) -> bool:
        """Return whether a coding is the code, or begins with it."""
        if coding.system != self.system:
            return False
        return coding.code.startswith(self.code) if self.is_prefix else coding.code == self.code


@dataclass(frozen=True, slots=True)
class Value:
    """One value of an attribute and what states it.

    `conflicts` are words beside it with which a phrase only hints. `phrase` is how a suggestion writes it,
    empty if none can. `modifiers` are those of billing codes.
    """

    name: str
    wordings: tuple[Wording, ...] = ()
    conflicts: re.Pattern[str] | None = None
    codes: tuple[CodePattern, ...] = ()
    modifiers: frozenset[str] = frozenset()
    phrase: str = ""

    def find(self, text: str, around: str = "") -> Iterator[Span]:
        """Yield where a text names the value."""
        for wording in self.wordings:
            yield from wording.find(text, around or text)


@dataclass(frozen=True)
class AttributeTerms:
    """One attribute: its values, of which an earlier one counts where two overlap, and where it is read.

    A phrase that tells how something went does not state an attribute that `is_of_event`: that was another time. What
    one order of an operation states of one that `is_shared` counts for the others. `others` are words for a value that
    is not listed, and `cut` the words of all values with what belongs to them, to be taken out of an order that is
    changed; without it, only the words themselves.
    """

    name: str
    values: Mapping[str, Value]
    places: frozenset[Place] = frozenset()
    is_of_event: bool = False
    is_shared: bool = False
    others: re.Pattern[str] | None = None
    cut: re.Pattern[str] | None = None

    def without_others(self, text: str, value: str) -> str:
        """Return a text with the words of the other values blanked."""
        if self.cut is not None:
            return self.cut.sub(" ", text)
        for name, other in self.values.items():
            if name != value:
                for start, end in tuple(other.find(text)):
                    text = text[:start] + " " * (end - start) + text[end:]
        return text


@dataclass(frozen=True, slots=True)
class DrugClass:
    """A class of drugs, as the code of its substance, and the words for it."""

    drug: Coding
    wordings: tuple[Wording, ...]

    def is_named_in(self, text: str) -> bool:
        """Return whether a text names the class."""
        return any(True for wording in self.wordings for _ in wording.find(text, text))


@dataclass(frozen=True)
class OrderTerms:
    """The words of orders: the attributes by name, and the classes of drugs. Immutable, but for readings it keeps.

    `digest` tells them from others: a hash of the data, empty for none.
    """

    attributes: Mapping[str, AttributeTerms]
    drug_classes: tuple[DrugClass, ...] = ()
    digest: str = ""

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Return the names of all attributes."""
        return tuple(self.attributes)

    @cached_property
    def shared(self) -> tuple[str, ...]:
        """Return the attributes that say what an operation is for."""
        return tuple(name for name, each in self.attributes.items() if each.is_shared)

    @cached_property
    def _read_in(self) -> Mapping[Place, tuple[str, ...]]:
        return {
            place: tuple(name for name, each in self.attributes.items() if place in each.places) for place in PLACES
        }

    def read_in(self, place: Place) -> tuple[str, ...]:
        """Return the attributes that an element of an order may state."""
        return self._read_in[place]

    @cached_property
    def readings(self) -> Kept[tuple[Reading, ...]]:
        """Return the readings of short phrases by these words, as far as they are kept."""
        return Kept()

    @cached_property
    def drugs(self) -> Kept[tuple[Coding, ...]]:
        """Return the drugs in short phrases by these words, as far as they are kept."""
        return Kept()

    def coded(self, codings: Iterable[Coding], attributes: tuple[str, ...]) -> Iterator[Reading]:
        """Yield the values of these attributes that codes and their modifiers state."""
        codings = tuple(codings)
        for attribute, value in self._coded if codings else ():
            if attribute in attributes:
                for coding in codings:
                    if not value.modifiers.isdisjoint(coding.modifiers) or any(c.matches(coding) for c in value.codes):
                        yield Reading(attribute, value.name, is_stated=True)

    @cached_property
    def _coded(self) -> tuple[tuple[str, Value], ...]:
        """Return the values that codes or modifiers state, each with its attribute."""
        values = ((name, value) for name, each in self.attributes.items() for value in each.values.values())
        return tuple((name, value) for name, value in values if value.codes or value.modifiers)


NO_TERMS = OrderTerms({})
"""No words at all: for what reads no order."""
