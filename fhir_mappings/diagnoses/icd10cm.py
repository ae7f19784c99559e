"""The codes and titles of ICD-10-CM, loaded when they are first needed, and the words that name a code."""

import csv
import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache, lru_cache
from pathlib import Path

_FOLDER = Path(__file__).parent
_WITHOUT_DOT = 3
_STEM = 6
"""How many characters, the dot not counted, come before the seventh, which tells the encounter or the fetus."""
_SHORT = 3
"""A word of so few letters has no plural s: gas."""
MAX_WORDS_LENGTH = 300
"""How many characters a diagnosis in words may have; longer text is a narrative."""

LIST_VERSION = "2026"
"""The version of the list as FHIR names it (HL7 Terminology, ICD-10-CM: the year); that of its update of April 1."""
_SEVENTH = re.compile(
    r"S|T(?!3[0-2]|8[67])|[VWX]|Y0[0-68]|Y2|Y3[0-8]|H34\.8[13]|H35\.3[12]|H40\.(?:1[0-4]|20|22|[3-6])|M1A|M48\.[45]"
    r"|M80|M84\.(?:[3-6]|75)|M97|O3[1256]|O33\.[3-7]|O4[01]|O60\.[12]|O64|O69|R40\.2[1-4]|E(?:0[89]|1[013])\.3[2-57]"
)
"""How the codes begin that have a seventh character: injuries and their causes, fetuses, and others."""

_WORD = re.compile(r"[a-z0-9]+")
_POSSESSIVE = re.compile(r"['’]s\b")
_ASIDE = re.compile(r"\([^()]*\)")
_TAG = re.compile(r"\((?:disorder|finding|situation|event|morphologic abnormality|observable entity)\)\s*\Z")
_BETWEEN_PARTS = re.compile(
    r"[,;:/()\[\]+&?]| - |\b(?:with|due to|secondary to|associated with|caused by|following|complicated by|from|and)\b"
)
_PAST = re.compile(r"\A(?:(?:personal )?history of|hx of|h/o|s/p|status post)\b")
_FAMILY_HISTORY = re.compile(r"\A(?:family history|fh|fhx)\b")
_OTHER_FAMILY_HISTORY = "Z84.89"
_ROMAN = {"i": "1", "ii": "2", "iii": "3", "iv": "4"}
_SILENT = frozenset(
    (
        *("a", "an", "and", "at", "by", "classified", "elsewhere", "for", "in", "nec", "nos", "not", "of", "on", "or"),
        *("other", "specified", "the", "to", "unspecified", "with"),
    )
)
"""Words of a title that name nothing."""
_QUALIFIERS = frozenset(
    (
        *("acute", "chronic", "current", "longstanding", "new", "ongoing", "persistent", "recurrent", "subacute"),
        *("long", "standing", "term", "intermittent", "year", "month", "week", "initial", "subsequent", "encounter"),
        *("mild", "moderate", "severe", "stable", "worsening", "controlled", "uncontrolled", "well", "poorly"),
        *("left", "right", "lt", "rt", "bilateral", "both", "side", "sided"),
    )
)
"""Words that say how bad a condition is, how long it has lasted, or on which side, and not which one it is."""
_CIRCUMSTANCE = frozenset(("after", "as", "before", "during", "for", "since", "until", "when", "while", "x"))
"""Words after the name of a condition that begin to tell its circumstances."""


def is_code(code: str) -> bool:
    """Return whether ICD-10-CM has this code or heading, with or without its dot and its seventh character."""
    return any(form in _titles() for form in _forms(code))


def has_codes_below(beginning: str) -> bool:
    """Return whether ICD-10-CM has a longer code that begins so, with its dot: `M17` and `M17.`, but not `M17.11`.

    The list has no seventh characters; the X that fills the place before one counts as the code above it.
    """
    listed = beginning.rstrip("X") if len(beginning) > _STEM else beginning
    first = bisect_left(_sorted_codes(), listed)
    return any(code.startswith(listed) and code != beginning for code in _sorted_codes()[first : first + 2])


def first_code_below(beginning: str) -> str:
    """Return the first code that begins so and has none below it, as a claim has it; empty if there is none.

    The list has no seventh characters, which some codes need besides.
    """
    return next(codes_below(beginning), "")


def codes_below(beginning: str) -> Iterator[str]:
    """Yield the codes that begin so and have none below them; a code that is the beginning itself is one of them."""
    codes = _sorted_codes()
    for position in range(bisect_left(codes, beginning), len(codes)):
        if not codes[position].startswith(beginning):
            break
        if position + 1 == len(codes) or not codes[position + 1].startswith(codes[position]):
            yield codes[position]


def needs_seventh_character(code: str) -> bool:
    """Return whether a code without one below it needs a seventh character that it does not have."""
    return len(code.replace(".", "")) <= _STEM and bool(_SEVENTH.match(code))


def is_complete(code: str) -> bool:
    """Return whether ICD-10-CM has this code as a claim has it: with its dot, its seventh character, and none below."""
    return is_code(code) and not has_codes_below(code) and not needs_seventh_character(code)


def titles(code: str) -> tuple[str, ...]:
    """Return the title of a code and its inclusion terms; none if the list does not have the code or its words."""
    return next((_titles()[form] for form in _forms(code) if form in _titles()), ())


def side_in_title(code: str) -> str:
    """Return the side that the title of a code names: `left`, `right`, or `bilateral`; empty if it names none."""
    return next((_sides()[form] for form in _forms(code) if form in _sides()), "")


def codes_titled(words: str) -> tuple[str, ...]:
    """Return the codes of which words are the title, an inclusion term, or a common name, in any order."""
    text = _folded(words)
    if _FAMILY_HISTORY.match(text):
        return _by_words().get(_tokens(text), (_OTHER_FAMILY_HISTORY,))
    return _by_words().get(_tokens(text), ())


def codes_named(words: str) -> tuple[str, ...]:
    """Return the codes that a diagnosis in words may have; none if it is not understood.

    It is understood by its head: the longest beginning that is a title, apart from severity, duration, and side, and
    before words such as "since" ("Severe asthma since childhood", but not "Fracture of the pelvis", which is no
    "Fracture"). Between separators such as a comma or "due to" each part needs a head.
    """
    if found := codes_titled(words):
        return found
    text = _PAST.sub("", _folded(words))
    if found := _named(_words(text)):
        return found
    parts = [each for each in map(_words, _BETWEEN_PARTS.split(text)) if set(each) - _QUALIFIERS - _SILENT]
    named = [_headed(part) for part in parts]
    return tuple(dict.fromkeys(code for codes in named for code in codes)) if named and all(named) else ()


def _headed(words: Sequence[str]) -> tuple[str, ...]:
    """Return the codes that the longest beginning names; what follows it must begin with a word of circumstance."""
    ends = (end for end in range(len(words), 0, -1) if end == len(words) or _opens_circumstance(words[end]))
    return next((found for end in ends if (found := _named(words[:end]))), ())


def _opens_circumstance(word: str) -> bool:
    return word in _CIRCUMSTANCE or word.isdigit()


def _named(words: Iterable[str]) -> tuple[str, ...]:
    tokens = frozenset(words) - _SILENT
    return _by_words().get(tokens, ()) or _by_words().get(tokens - _QUALIFIERS, ())


def _folded(words: str) -> str:
    """Return words in lower case and without the tag of SNOMED CT; nothing of a narrative."""
    return _TAG.sub("", words.casefold().strip()) if len(words) <= MAX_WORDS_LENGTH else ""


def _tokens(text: str) -> frozenset[str]:
    return frozenset(_words(text)) - _SILENT


def _words(text: str) -> list[str]:
    """Return the words of a text in one spelling: without the s of a plural, and American."""
    return [_spelling(word) for word in _WORD.findall(_POSSESSIVE.sub("", text))]


@lru_cache(maxsize=65_536)
def _spelling(word: str) -> str:
    word = _ROMAN.get(word, word)
    singular = word[:-1] if len(word) > _SHORT and word.endswith("s") else word
    return singular.replace("ae", "e").replace("oe", "e").replace("our", "or")


@cache
def _titles() -> Mapping[str, tuple[str, ...]]:
    lines = (_FOLDER / "icd10cm.tsv").read_text(encoding="utf-8").splitlines()
    return {code: tuple(terms) for code, *terms in (line.split("\t") for line in lines)}


@cache
def _sides() -> Mapping[str, str]:
    with (_FOLDER / "icd10cm_sides.csv").open(encoding="utf-8", newline="") as rows:
        return {code: row["side"] for row in csv.DictReader(rows) for code in row["codes"].split()}


@cache
def _sorted_codes() -> Sequence[str]:
    return sorted(_titles())


@cache
def _by_words() -> Mapping[frozenset[str], tuple[str, ...]]:
    found: dict[frozenset[str], list[str]] = {}
    for code, name in _names():
        found.setdefault(_tokens(_ASIDE.sub(" ", name.casefold())), []).append(code)
    found.pop(frozenset(), None)  # what is left of "Not otherwise specified"
    return {words: tuple(dict.fromkeys(codes)) for words, codes in found.items()}


def _names() -> Iterator[tuple[str, str]]:
    for code, terms in _titles().items():
        yield from ((code, term) for term in terms)
    with (_FOLDER / "names.csv").open(encoding="utf-8", newline="") as rows:
        yield from ((row["code"], row["name"]) for row in csv.DictReader(rows))


def _forms(code: str) -> Iterator[str]:
    """Yield a code with its dot as the list may have it: a seventh character, and the X before it, are left out."""
    plain = code.replace(".", "").upper()
    for form in (plain, plain[:_STEM], plain[:_STEM].rstrip("X")) if len(plain) == _STEM + 1 else (plain,):
        yield form if len(form) <= _WITHOUT_DOT else f"{form[:_WITHOUT_DOT]}.{form[_WITHOUT_DOT:]}"
