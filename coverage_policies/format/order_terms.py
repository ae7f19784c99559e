"""The words of orders, one CSV file per attribute: `value, kind, pattern, near, of, unless, wording, source`.

`order_terms/approach.csv` makes `approach` an attribute that orders may state, that the operator `order` asks for, and
that a suggestion may change. A folder of an operator adds attributes, and rows to attributes that exist; its rows stand
behind those of the folders before it. A row is of one of these kinds:

    states     words that state the value
    hints      words that only hint at it
    code       a code that states it: `system|code`; a trailing `*` makes a prefix
    modifier   a modifier of a billing code that states it
    conflicts  words beside the value with which a phrase only hints at it
    read       of the whole attribute (`*`): where it is read, besides the details of an order, and how
    other      of the whole attribute: words for a value that is not listed
    cut        of the whole attribute: its words with what belongs to them, which a suggestion takes out of an order
    part       a piece of patterns, which stands for `{value}` in the patterns below it

The file `drug.csv` has the words for classes of drugs, each with the code of its substance.
"""

import csv
import hashlib
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import get_args

from coverage_policies.format.pattern_check import PatternError, check_part, check_pattern
from coverage_policies.format.problems import DocumentError, Problem, read_text
from fhir_mappings.codings import Coding
from fhir_mappings.order_terms import (
    AttributeTerms,
    CodePattern,
    DrugClass,
    OrderTerms,
    Place,
    Value,
    Wording,
    compiled,
)
from fhir_mappings.order_text import read_phrase

COLUMNS = ["value", "kind", "pattern", "near", "of", "unless", "wording", "source"]
DRUG = "drug"
"""The file with the classes of drugs."""
WHOLE = "*"
"""The value of a row about the whole attribute."""
_OF_EVENT, _SHARED = "event", "shared"
_READ = (*get_args(Place), _OF_EVENT, _SHARED)
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}\Z")
_PART = re.compile(r"\{([a-z][a-z0-9_-]*)\}")
_SIDES = {"left", "right", "bilateral"}


class Kind(Enum):
    """What a row is."""

    STATES = "states"
    HINTS = "hints"
    CODE = "code"
    MODIFIER = "modifier"
    CONFLICTS = "conflicts"
    READ = "read"
    OTHER = "other"
    CUT = "cut"
    PART = "part"

    @property
    def is_of_the_whole(self) -> bool:
        """Return whether it is about the whole attribute."""
        return self in (Kind.READ, Kind.OTHER, Kind.CUT)

    @property
    def has_words(self) -> bool:
        """Return whether its pattern is one of words that name the value."""
        return self in (Kind.STATES, Kind.HINTS)


@dataclass(slots=True)
class _Rows:
    """What the files of one attribute say: by value the patterns of each kind; the parts are those of one file."""

    words: dict[str, dict[tuple[bool, str, str, str], list[str]]] = field(default_factory=dict)
    """The patterns of a value by what they have in common: whether they state it, `near`, `of`, and `unless`."""
    conflicts: dict[str, list[str]] = field(default_factory=dict)
    codes: dict[str, list[CodePattern]] = field(default_factory=dict)
    modifiers: dict[str, list[str]] = field(default_factory=dict)
    phrases: dict[str, tuple[str, Path, int]] = field(default_factory=dict)
    whole: dict[Kind, list[str]] = field(default_factory=dict)
    parts: dict[str, str] = field(default_factory=dict)
    written: list[list[str]] = field(default_factory=list)
    """Every row as it is written, without its source."""


def load_order_terms(folders: Iterable[Path]) -> OrderTerms:
    """Read every `*.csv` of these folders. Raises DocumentError with everything that is wrong."""
    found: dict[str, _Rows] = {}
    problems: list[Problem] = []
    for folder in folders:
        for path in sorted(folder.glob("*.csv")):
            if not _NAME.match(path.stem):
                problems.append(
                    _problem(path, 1, f"{path.stem!r} is no name of an attribute; write it like 'approach'")
                )
                continue
            rows = found.setdefault(path.stem, _Rows())
            rows.parts = {}
            _read(path, rows, problems)
    if problems:
        raise DocumentError(problems)
    written = json.dumps({name: rows.written for name, rows in found.items()}, sort_keys=True)
    drugs = found.pop(DRUG, _Rows())
    attributes = {name: _attribute(name, rows) for name, rows in found.items()}
    terms = OrderTerms(attributes, tuple(_drug_classes(drugs)), hashlib.sha256(written.encode()).hexdigest())
    if problems := [*_wrong_phrases(terms, found)]:
        raise DocumentError(problems)
    return terms


def _read(path: Path, rows: _Rows, problems: list[Problem]) -> None:
    """Add the rows of a file; what is wrong with it goes to `problems`."""
    try:
        text = read_text(path)
    except DocumentError as error:
        problems += error.problems
        return
    lines = text.splitlines()
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        if next(reader, []) != COLUMNS:
            problems.append(_problem(path, 1, f"the header must be {','.join(COLUMNS)}"))
            return
        for cells in reader:
            try:
                _add(path, reader.line_num, cells, rows)
            except _CellError as error:
                column = _column(lines[reader.line_num - 1], error.cell) + error.position
                problems.append(_problem(path, reader.line_num, str(error), column))
    except csv.Error:
        problems.append(_problem(path, reader.line_num, "a quotation mark is not closed or has no partner"))


class _CellError(ValueError):
    """What is wrong with a cell of a row, and at which character of it."""

    def __init__(self, what: str, cell: str = "", position: int = 0) -> None:
        super().__init__(what)
        self.cell = cell
        self.position = position


def _column(line: str, cell: str) -> int:
    """Return where a cell begins in its line, from 1; 1 if that cannot be told."""
    return max(line.find(cell.replace('"', '""')), 0) + 1 if cell else 1


def _add(path: Path, line: int, cells: list[str], rows: _Rows) -> None:
    if len(cells) != len(COLUMNS):
        raise _CellError(f"{len(cells)} columns instead of {len(COLUMNS)}")
    rows.written.append(cells[:-1])
    value, named, pattern, near, of, unless, wording, _source = cells
    try:
        kind = Kind(named)
    except ValueError:
        raise _CellError(f"there is no kind {named!r}; write {', '.join(each.value for each in Kind)}", named) from None
    if (value == WHOLE) != kind.is_of_the_whole:
        wanted = "'*', the whole attribute" if kind.is_of_the_whole else "a value, such as 'posterior'"
        raise _CellError(f"a row of the kind {kind.value!r} is about {wanted}", value)
    if value != WHOLE and not _NAME.match(value):
        raise _CellError(f"{value!r} is no name of a value; write it like 'posterior-oblique'", value)
    if path.stem == "side" and kind is not Kind.PART and value not in (*_SIDES, WHOLE):
        raise _CellError(f"{value!r} is no side; write {', '.join(sorted(_SIDES))}", value)
    if (near or of or unless) and not kind.has_words:
        raise _CellError(
            f"only words of a value have `near`, `of`, and `unless`, not {kind.value!r}", near or of or unless
        )
    if near and of:
        raise _CellError("give either `near` or `of`", near)
    if wording:
        if kind is not Kind.STATES:
            raise _CellError("only a row of the kind 'states' has a wording", wording)
        rows.phrases[value] = wording, path, line
    match kind:
        case Kind.PART:
            rows.parts[value] = _pattern(pattern, rows, check_part)
        case Kind.READ:
            rows.whole.setdefault(kind, []).extend(_places(pattern))
        case Kind.OTHER | Kind.CUT:
            rows.whole.setdefault(kind, []).append(_pattern(pattern, rows))
        case Kind.CONFLICTS:
            rows.conflicts.setdefault(value, []).append(_pattern(pattern, rows))
        case Kind.MODIFIER:
            rows.modifiers.setdefault(value, []).append(_modifier(pattern))
        case Kind.CODE:
            rows.codes.setdefault(value, []).append(_code(pattern))
        case _:
            beside = [_pattern(each, rows) if each else "" for each in (near, of, unless)]
            key = kind is Kind.STATES, beside[0], beside[1], beside[2]
            rows.words.setdefault(value, {}).setdefault(key, []).append(_pattern(pattern, rows))


def _pattern(written: str, rows: _Rows, check: Callable[[str], None] = check_pattern) -> str:
    """Return a pattern with its parts written out. Raises _CellError for one that cannot be used."""

    def part(match: re.Match[str]) -> str:
        if match[1] not in rows.parts:
            known = f"; known here: {', '.join(rows.parts)}" if rows.parts else ""
            raise _CellError(f"there is no part {match[0]} above this row{known}", written, match.start())
        return f"(?:{rows.parts[match[1]]})"

    found = _PART.sub(part, written)
    try:
        check(found)
    except PatternError as error:
        raise _CellError(str(error), written, error.position if found == written else 0) from None
    return found


def _places(written: str) -> list[str]:
    for each in written.split():
        if each not in _READ:
            raise _CellError(f"nothing is read {each!r}; write one or more of {', '.join(_READ)}", written)
    return written.split()


def _modifier(written: str) -> str:
    if not re.fullmatch(r"[A-Z0-9]{2}", written):
        raise _CellError(f"{written!r} is no modifier of a billing code; write it like 'RR'", written)
    return written


def _code(written: str) -> CodePattern:
    system, _, code = written.partition("|")
    if not system or not code.rstrip("*"):
        raise _CellError(f"{written!r} is no code; write it like 'http://snomed.info/sct|7771000'", written)
    return CodePattern(system, code.rstrip("*"), code.endswith("*"))


def _attribute(name: str, rows: _Rows) -> AttributeTerms:
    read = rows.whole.get(Kind.READ, [])
    names = dict.fromkeys((*rows.words, *rows.codes, *rows.modifiers))
    return AttributeTerms(
        name,
        {value: _value(value, rows) for value in names},
        frozenset(place for place in get_args(Place) if place in read),
        is_of_event=_OF_EVENT in read,
        is_shared=_SHARED in read,
        others=_any_of(rows.whole.get(Kind.OTHER)),
        cut=_any_of(rows.whole.get(Kind.CUT)),
    )


def _value(name: str, rows: _Rows) -> Value:
    return Value(
        name,
        tuple(
            Wording.of("|".join(patterns), states=states, near=near, of=of, unless=unless)
            for (states, near, of, unless), patterns in rows.words.get(name, {}).items()
        ),
        _any_of(rows.conflicts.get(name)),
        tuple(rows.codes.get(name, ())),
        frozenset(rows.modifiers.get(name, ())),
        rows.phrases[name][0] if name in rows.phrases else "",
    )


def _any_of(patterns: list[str] | None) -> re.Pattern[str] | None:
    return compiled("|".join(patterns)) if patterns else None


def _drug_classes(rows: _Rows) -> Iterator[DrugClass]:
    for name in rows.words:
        for code in rows.codes.get(name, ()):
            yield DrugClass(Coding(code.system, code.code, name.replace("-", " ")), _value(name, rows).wordings)


def _wrong_phrases(terms: OrderTerms, found: Mapping[str, _Rows]) -> Iterator[Problem]:
    """Yield each wording of a suggestion that does not state its own value when it is read."""
    for name, rows in found.items():
        for value, (phrase, path, line) in rows.phrases.items():
            stated = {each.value for each in read_phrase(phrase, terms, (name,)) if each.is_stated}
            if stated != {value}:
                what = f"the wording {phrase!r} does not state {value!r} by the patterns of this file"
                yield _problem(path, line, what)


def _problem(path: Path, line: int, what: str, column: int = 1) -> Problem:
    return Problem(str(path), line, what, column, rule="order-terms")
