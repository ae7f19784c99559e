"""Drugs that are known to be no opioid by the words of their labels.

`known_drugs.txt` has one name a line: ingredients, brands, and what else stands on US medication lists (supplements,
vaccines, diabetes supplies), without any opioid. The names come from the package drug-named-entity-recognition 2.0.9
(released 2025-07, MIT license), which compiles MedlinePlus, MeSH, the DrugBank open vocabulary (CC0), and NHS pages;
from the name list of guardrails-ai-mentions-drugs 0.1.0 (MIT license); and from a supplement of common US names written
for this product on 2026-06-01. Opioids were taken out by ingredient and by brand, their abbreviations too. A name is
written as `_words` returns it, without joints: lower case, letters and numbers apart, no punctuation.

Only a label that is known whole is a known drug: a cut or abbreviated name is not on the list, so it may be anything.
"""

import re
from functools import cache
from pathlib import Path

_WORD = re.compile(r"[a-z]+|\d+(?:[.,]\d+)*|[^\s\w]")
_LONGEST_LABEL = 300
"""How many characters of a label are read; a longer one is not understood."""

_UNITS = frozenset(
    [
        "mg",
        "mcg",
        "g",
        "gm",
        "gram",
        "grams",
        "ml",
        "unit",
        "units",
        "iu",
        "meq",
        "mmol",
        "hr",
        "hrs",
        "hour",
        "hours",
        "h",
        "day",
        "%",
    ]
)
_JOINTS = frozenset(
    ["-", "/", "+", ",", ";", "&", "(", ")", "[", "]", ":", ".", "'", "*", "|", "and", "with", "w", "plus"]
)
_OPEN_END = frozenset(["-", "/", "+", "&", "and", "with", "w", "plus"])
_PARTNERS = frozenset(
    [
        "acetaminophen",
        "apap",
        "paracetamol",
        "tylenol",
        "aspirin",
        "asa",
        "ibuprofen",
        "motrin",
        "advil",
        "butalbital",
        "fioricet",
        "fiorinal",
        "carisoprodol",
        "soma",
        "promethazine",
        "phenergan",
        "guaifenesin",
        "robitussin",
        "chlorpheniramine",
        "pseudoephedrine",
        "homatropine",
        "celecoxib",
        "naloxone",
        "naltrexone",
        "caffeine",
    ]
)
"""Ingredients, and their brands, that US products combine with an opioid."""

_NUMBERED = ("1", "2", "3", "4")
"""Acetaminophen and aspirin with codeine are labeled by these numbers, as in Tylenol 3."""


def is_known_non_opioid(label: str) -> bool:
    """Return whether every part of a medication's label names a known drug, none of which is an opioid.

    Strength, form, route, release, and salt are disregarded. False for a label that is cut short, and for one with more
    strengths than names, whose missing name may be the opioid of a combination product.
    """
    words = _words(label)
    if not words or words[-1] in _OPEN_END:
        return False
    found: list[str] = []
    position = 0
    while position < len(words):
        length = _name_at(words, position)
        if length:
            found.append(" ".join(words[position : position + length]))
        elif not _is_no_name(words, position):
            return False
        position += length or 1
    return bool(found) and not _may_lack_a_name(words, found)


def _words(label: str) -> list[str]:
    """Return the words, numbers, and punctuation marks of a label in lower case; none if it is too long."""
    if len(label) > _LONGEST_LABEL:
        return []
    lower = label.lower().replace("\N{REGISTERED SIGN}", " ").replace("\N{TRADE MARK SIGN}", " ")
    lower = lower.replace("'", "").replace("\N{RIGHT SINGLE QUOTATION MARK}", "")
    return _WORD.findall(lower) if lower.isascii() else []


@cache
def _names() -> frozenset[tuple[str, ...]]:
    lines = Path(__file__).with_name("known_drugs.txt").read_text(encoding="utf-8").splitlines()
    return frozenset(tuple(line.split()) for line in lines)


@cache
def _other_words() -> frozenset[str]:
    """Return the words of form, route, release, strength, and salt, which name no drug."""
    return frozenset(Path(__file__).with_name("drug_label_words.txt").read_text(encoding="utf-8").split())


@cache
def _longest_name() -> int:
    return max(map(len, _names()))


def _name_at(words: list[str], start: int) -> int:
    """Return how many words from `start` the longest known name covers, joints between its words included; else 0."""
    name: list[str] = []
    covered = 0
    for end in range(start, min(len(words), start + 2 * _longest_name())):
        if words[end] in _JOINTS and name:
            continue
        name.append(words[end])
        if tuple(name) in _names():
            covered = end + 1 - start
    return covered


def _is_no_name(words: list[str], position: int) -> bool:
    """Return whether a word is a joint, a form, or a number that is no part of a name."""
    word = words[position]
    if word in _JOINTS or word in _other_words() or word == "%":
        return True
    following = words[position + 1] if position + 1 < len(words) else ""
    return word[0].isdigit() and (word not in _NUMBERED or following in _UNITS)


def _may_lack_a_name(words: list[str], names: list[str]) -> bool:
    """Return whether a label with a partner of opioids has more strengths, joined as in 300-30, than names."""
    if _PARTNERS.isdisjoint(names):
        return False
    strengths = 0
    for position, word in enumerate(words):
        if word[0].isdigit():
            strengths += not _is_volume(words, position)
    return strengths > len(names)


def _is_volume(words: list[str], position: int) -> bool:
    """Return whether a number is that of milliliters or hours, not of a strength."""
    return position + 1 < len(words) and words[position + 1] in ("ml", "hr", "hrs", "hour", "hours", "h")
