"""The words of directions for use, as US pharmacies, EHRs, and physicians write them.

`sig_vocabulary.tsv` has them by kind, some with a value. Only words that say nothing about how much is taken, and when,
may be skipped; a word that is on no list leaves the directions not understood.
"""

import csv
from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import TypeAlias

from fhir_mappings.opioids.sig_tokens import Token, tokens

Tokens: TypeAlias = Sequence[Token]
_Phrases: TypeAlias = Mapping[Token, Sequence[tuple[tuple[Token, ...], str]]]


@cache
def _kinds() -> Mapping[str, _Phrases]:
    """Return the phrases of each kind by their first token, the longest first, with their values."""
    found: dict[str, dict[Token, list[tuple[tuple[Token, ...], str]]]] = {}
    with Path(__file__).with_name("sig_vocabulary.tsv").open(encoding="utf-8", newline="") as lines:
        for line in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE):
            for phrase in map(tokens, line["phrases"].split(" | ")):
                found.setdefault(line["kind"], {}).setdefault(phrase[0], []).append((phrase, line["value"]))
    for kind in found.values():
        for phrases in kind.values():
            phrases.sort(key=lambda phrase: -len(phrase[0]))
    return found


def phrase_at(kind: str, found: Tokens, at: int) -> tuple[str, int] | None:
    """Return the value of the phrase of a kind at a position, and the position after it; None if there is none."""
    if at < 0 or at >= len(found):
        return None
    for phrase, value in _kinds()[kind].get(found[at], ()):
        if tuple(found[at : at + len(phrase)]) == phrase:
            return value, at + len(phrase)
    return None


def is_at(kind: str, found: Tokens, at: int) -> bool:
    """Return whether a phrase of a kind is at a position."""
    return phrase_at(kind, found, at) is not None


def number_at(kind: str, found: Tokens, at: int) -> Fraction | None:
    """Return the value of a word of a kind at a position as a number; None if there is none."""
    read = phrase_at(kind, found, at)
    return Fraction(read[0]) if read is not None else None
