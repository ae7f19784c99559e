"""Names of drugs in labels as charts and pharmacies write them.

A label has names and what is said about them: strength, form, route, release, and salt, as in `amlodipine-benazepril
5-10 MG CAP`. Work is linear in the length of a text.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from functools import cache
from itertools import pairwise
from pathlib import Path

_WORD = re.compile(r"[a-z]+|\d+(?:[.,]\d+)*|[^\s\w]")
_LONGEST_LABEL = 300
"""How many characters a label has at most; a longer text is none."""

_MASSES = ("mg", "mcg", "ug", "g", "gm", "gram", "grams", "unit", "units", "iu", "meq", "mmol", "%")
_VOLUMES_AND_TIMES = ("ml", "hr", "hrs", "hour", "hours", "h", "day")
_JOINTS = frozenset([*'-/+,;&()[]:.*|"', "and", "with", "w", "plus"])
_OPEN_ENDS = frozenset([*"-/+&", "and", "with", "w", "plus"])

_NUMBERED = ("1", "2", "3", "4")
"""Acetaminophen and aspirin with codeine are labeled by these numbers, as in Tylenol 3."""


def label_words(text: str) -> list[str]:
    """Return the words, numbers, and punctuation marks of a text in lower case; none if it is not in ASCII."""
    lower = text.lower().replace("'", "")
    for mark in "\N{REGISTERED SIGN}\N{TRADE MARK SIGN}\N{RIGHT SINGLE QUOTATION MARK}":
        lower = lower.replace(mark, "")
    return _WORD.findall(lower) if lower.isascii() else []


def strengths(words: list[str]) -> int:
    """Return how many numbers of a label's words may be strengths: all but those of a volume or a time."""
    return sum(word[0].isdigit() and after not in _VOLUMES_AND_TIMES for word, after in _with_next(words))


def has_strength(words: list[str]) -> bool:
    """Return whether a label's words state a strength with its unit, such as `10 mg` or `1 %`."""
    return any(word[0].isdigit() and after in _MASSES for word, after in _with_next(words))


def only_milligrams(words: list[str]) -> Fraction | None:
    """Return the milligrams of a label's words if that is the only strength, of a tablet and not of a volume."""
    if strengths(words) != 1 or "ml" in words:
        return None
    stated = (word for word, after in _with_next(words) if word[0].isdigit() and after == "mg")
    number = next(stated, "").replace(",", "")
    return Fraction(number) if re.fullmatch(r"\d+(?:\.\d+)?", number) else None


def _with_next(words: list[str]) -> Iterator[tuple[str, str]]:
    """Yield each word with the one after it, the last with an empty one; a label may have no word at all."""
    return pairwise([*words, ""])


class Names:
    """Names to look for; each is a sequence of words, and the longest that fits counts."""

    def __init__(self, names: Iterable[str]) -> None:
        written = (without_joints(label_words(name)) for name in names)
        self._names: Mapping[tuple[str, ...], str] = {words: " ".join(words) for words in written if words}
        self._longest = max(map(len, self._names), default=0)

    def within(self, text: str) -> tuple[str, ...]:
        """Return the names that occur in a text, in order of occurrence."""
        words, found, position = label_words(text), [], 0
        while position < len(words):
            name, length = self._at(words, position)
            found += [name] if name else []
            position += length or 1
        return tuple(found)

    def whole(self, label: str, also: frozenset[str] = frozenset()) -> tuple[str, ...]:
        """Return the names of a label that has nothing else but strength, form, route, release, salt, and words `also`.

        Empty for a label that has another word, that is too long, or that ends in the middle: a word cut short, or left
        out after a hyphen, may be anything.
        """
        words = label_words(label) if len(label) <= _LONGEST_LABEL else []
        if not words or words[-1] in _OPEN_ENDS:
            return ()
        found, position = [], 0
        while position < len(words):
            name, length = self._at(words, position)
            if name:
                found.append(name)
            elif words[position] not in also and not _names_nothing(words, position):
                return ()
            position += length or 1
        return tuple(found)

    def _at(self, words: list[str], start: int) -> tuple[str, int]:
        """Return the longest name that begins at `start` and how many words it covers, its joints included."""
        name: tuple[str, ...] = ()
        found, covered = "", 0
        for end in range(start, min(len(words), start + 2 * self._longest)):
            if words[end] in _JOINTS and name:
                continue
            name += (words[end],)
            if name in self._names:
                found, covered = self._names[name], end + 1 - start
        return found, covered


def without_joints(words: list[str]) -> tuple[str, ...]:
    return tuple(word for word in words if word not in _JOINTS)


@cache
def _other_words() -> frozenset[str]:
    """Return the words of form, route, release, strength, and salt, which name no drug."""
    return frozenset(Path(__file__).with_name("drug_label_words.txt").read_text(encoding="utf-8").split())


def _names_nothing(words: list[str], position: int) -> bool:
    """Return whether a word is a joint, a form, a unit, or a number that is no part of a name."""
    word = words[position]
    if word in _JOINTS or word in _other_words() or word == "%":
        return True
    following = words[position + 1] if position + 1 < len(words) else ""
    is_numbered = word in _NUMBERED and following not in (*_MASSES, *_VOLUMES_AND_TIMES)
    return word[0].isdigit() and not is_numbered
