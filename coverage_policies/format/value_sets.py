"""Named sets of codes, one CSV file each: `system, code, label, source, from, to, use`, and a column for their kind.

A trailing `*` makes a code a prefix. `from` and `to` are service dates, both included. `use` is `decides` or
`asks`: a row that asks is shown to the clinician and never settles a criterion. `course` says how long a condition
lasts: `permanent`, `chronic`, or `acute`; a file may leave the column out, and then each condition is chronic. `scale`
is the range of a score, such as `0 to 10`. `value` is what the number under a code has to be, such as `exactly 21 %`,
for a set of states of a measurement.

The system `text` means words: such a row finds a concept by its label, and is used only if the concept has no row by
code and no ICD-10-CM code, which would be more reliable. It may decide for names out of a catalog, such as those of
tests; for families of diagnoses, such as cancers, that no list of SNOMED CT codes covers completely, it only asks.

The system `unless` means words that contradict a code: a concept with such words in its label only asks.

A row with an RxNorm code whose label is the name of an ingredient or brand also finds the drugs that contain it. Beside
a set of ingredients, `<set>.products.csv` lists products by their codes: `system, code, label, ingredient, source`.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from functools import cached_property, lru_cache
from operator import attrgetter
from pathlib import Path

from coverage_policies.format.amount_phrases import value_limit
from coverage_policies.format.problems import DocumentError, Problem
from coverage_policies.format.strict_csv import iso_day, read_csv
from fhir_mappings.amounts import Amount
from fhir_mappings.codings import CPT, HCPCS, ICD10CM, RXNORM, Coding, Course, Match
from fhir_mappings.drug_ingredients import INGREDIENT, name_of_ingredient
from fhir_mappings.order_terms import NO_TERMS, OrderTerms

TEXT = "text"
UNLESS = "unless"
COLUMNS = ["system", "code", "label", "source", "from", "to", "use"]
COURSE = "course"
SCALE = "scale"
VALUE = "value"
"""The columns that only sets of conditions, of scores, and of states of a measurement have, at the end; a file may
leave them out."""
PRODUCT_COLUMNS = ["system", "code", "label", "ingredient", "source"]
PRODUCTS = ".products"
"""The end of the name of a file with the products of a set of ingredients."""
_RULE = "value-set"
"""The lint rule of a fault in these files."""
_RANGE = re.compile(r"(\d{1,4}) to (\d{1,4})\Z")


@dataclass(frozen=True, slots=True)
class Row:
    """One code of a set. `valid_from` and `valid_to` are None if the code is not bounded in time.

    `line` is its line in the file, which is that of its set unless `file` names another. `course`, `scale`, and `value`
    are None where the file does not state them.
    """

    system: str
    code: str
    label: str
    source: str
    valid_from: date | None
    valid_to: date | None
    decides: bool
    line: int = 0
    course: Course | None = None
    scale: tuple[Decimal, Decimal] | None = None
    value: Amount | None = None
    file: str = ""

    def found_by(self) -> Iterator[tuple[str, str]]:
        """Yield the system and code by which it is found: its own, and the name of an ingredient.

        None for words, which are found in labels.
        """
        if self.system not in (TEXT, UNLESS):
            yield self.system, self.code
        if self.system == RXNORM and (name := name_of_ingredient(self.label)):
            yield INGREDIENT, name

    def is_valid(self, on: date | None) -> bool:
        """Return whether the code is valid on a service date; always True without a date."""
        if on is None:
            return True
        return (self.valid_from is None or self.valid_from <= on) and (self.valid_to is None or on <= self.valid_to)


class ValueSet:
    """A set of codes with our labels, or the union of several, which has no `source` and their `names`."""

    def __init__(self, name: str, rows: Iterable[Row], source: str = "", names: Iterable[str] = ()) -> None:
        self.name = name
        self.names = tuple(names) or (name,)
        self.source = source
        self.rows = tuple(rows)
        self._exact: dict[tuple[str, str], list[Row]] = {}
        self._prefixes: dict[tuple[str, str], list[Row]] = {}
        for row in self.rows:
            for system, code in row.found_by():
                if code.endswith("*"):
                    self._prefixes.setdefault((system, code[:-1]), []).append(row)
                else:
                    self._exact.setdefault((system, code), []).append(row)
        for same in (*self._exact.values(), *self._prefixes.values()):
            same.sort(key=lambda row: row.decides)
        self._known_match = lru_cache(maxsize=500)(self._match)
        """Charts have the same codes again and again."""
        lengths: dict[str, set[int]] = {}
        for system, prefix in self._prefixes:
            lengths.setdefault(system, set()).add(len(prefix))
        self._lengths = {system: sorted(found, reverse=True) for system, found in lengths.items()}

    @cached_property
    def has_cpt(self) -> bool:
        """Return whether it has a row of CPT, which the American Medical Association licenses, by either address.

        CPT is level I of HCPCS; codes of level II begin with a letter.
        """
        return any(row.system == CPT or (row.system == HCPCS and row.code[0].isdigit()) for row in self.rows)

    @cached_property
    def _words(self) -> list[tuple[re.Pattern[str], Row]]:
        return self._patterns(TEXT)

    @cached_property
    def _contradictions(self) -> list[tuple[re.Pattern[str], Row]]:
        return self._patterns(UNLESS)

    def _patterns(self, system: str) -> list[tuple[re.Pattern[str], Row]]:
        """Return the words of the rows of a system as patterns. Few sets of a large library ever need theirs."""
        found = []
        for row in self.rows:
            if row.system == system:
                end = r"" if row.code.endswith("*") else r"\b"
                found.append((re.compile(rf"\b{re.escape(row.code.rstrip('*'))}{end}", re.IGNORECASE), row))
        return found

    def row(self, coding: Coding, on: date | None = None) -> Row | None:
        """Return the row of a code: an exact match, else the longest prefix; of two equal ones, the one that asks."""
        for row in self._exact.get((coding.system, coding.code), ()):
            if row.is_valid(on):
                return row
        for length in self._lengths.get(coding.system, ()):
            for row in self._prefixes.get((coding.system, coding.code[:length]), ()):
                if row.is_valid(on):
                    return row
        return None

    def match(self, codings: Iterable[Coding], on: date | None = None) -> Match | None:
        """Return the match of a concept's codes, None without one.

        A code that asks makes the whole concept ask, and so do words that contradict it. Of several courses the
        shortest counts.
        """
        codings = tuple(codings)
        if sum(map(len, map(_DISPLAY, codings))) > _LONGEST_KNOWN:
            return self._match(codings, on)
        return self._known_match(codings, on)

    def match_once(self, codings: Iterable[Coding], on: date | None = None) -> Match | None:
        """Return the match as `match` does, and remember nothing: for words of notes, which are about a patient."""
        return self._match(tuple(codings), on)

    def _match(self, codings: tuple[Coding, ...], on: date | None) -> Match | None:
        found = [row for coding in codings if (row := self.row(coding, on))] or self._named(codings, on)
        if not found:
            return None
        found += _in_labels(self._contradictions, codings, on)
        asking = [row for row in found if not row.decides]
        course = max((row.course or Course.CHRONIC for row in found if row.system != UNLESS), key=_FROM_LONGEST.index)
        return Match((asking or found)[0].label, not asking, course, found[0].scale, found[0].value)

    def _named(self, codings: tuple[Coding, ...], on: date | None) -> list[Row]:
        """Return the rows whose words occur in a concept's labels; none if the concept has an ICD-10-CM code."""
        if not self._words or any(coding.system == ICD10CM for coding in codings):
            return []
        return _in_labels(self._words, codings, on)

    def codes(self, system: str) -> tuple[str, ...]:
        """Return the codes of one system that a FHIR search can name, as `system|code`; it cannot search prefixes."""
        return tuple(
            sorted(
                f"{row.system}|{row.code}" for row in self.rows if row.system == system and not row.code.endswith("*")
            )
        )


def _in_labels(named: Iterable[tuple[re.Pattern[str], Row]], codings: Iterable[Coding], on: date | None) -> list[Row]:
    labels = " / ".join(coding.display for coding in codings)
    return [row for words, row in named if words.search(labels) and row.is_valid(on)]


_FROM_LONGEST = list(Course)

_DISPLAY = attrgetter("display")
_LONGEST_KNOWN = 300
"""How many characters of labels a concept has of which the match is remembered."""

_LONGEST_PREFIX = 40
"""How many characters of a code are compared with the prefixes of value sets, which are shorter."""


def keys(coding: Coding) -> Iterator[tuple[str, str]]:
    """Yield the system and code of every row that may match this code: the code itself, and each prefix of it."""
    system, code = coding.system, coding.code
    yield system, code
    yield from ((system, f"{code[:end]}*") for end in range(1, min(len(code), _LONGEST_PREFIX) + 1))


class ValueSets(Mapping[str, ValueSet]):
    """Value sets by name, and the words of orders: all that clauses may name.

    The union of the same sets is one object, so that what is found with it is found once.
    """

    def __init__(self, by_name: Mapping[str, ValueSet], order_terms: OrderTerms = NO_TERMS) -> None:
        self._by_name = dict(by_name)
        self.order_terms = order_terms
        self._unions: dict[tuple[str, ...], ValueSet] = {}

    def __getitem__(self, name: str) -> ValueSet:
        return self._by_name[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_name)

    def __len__(self) -> int:
        return len(self._by_name)

    def union(self, names: Sequence[str]) -> ValueSet:
        """Return several sets as one. Raises KeyError for a name that there is not."""
        if len(names) == 1:
            return self[names[0]]
        key = tuple(names)
        if key not in self._unions:
            sets = [self[name] for name in key]
            self._unions[key] = ValueSet(" or ".join(key), (row for each in sets for row in each.rows), names=key)
        return self._unions[key]

    @cached_property
    def _keys(self) -> frozenset[tuple[str, str]]:
        return frozenset((row.system, row.code) for each in self.values() for row in each.rows)

    def label(self, coding: Coding) -> str:
        """Return our label of a code: that of the first set that has the code itself; empty if none has."""
        rows = (row for each in self.values() for row in each.rows)
        return next((row.label for row in rows if (row.system, row.code) == (coding.system, coding.code)), "")

    def know(self, coding: Coding) -> bool:
        """Return whether some set has a code."""
        return not self._keys.isdisjoint(keys(coding))


def load_value_sets(folders: Iterable[Path], order_terms: OrderTerms = NO_TERMS) -> ValueSets:
    """Read every `*.csv` of these folders, by name. Raises DocumentError with everything that is wrong."""
    found: dict[str, ValueSet] = {}
    problems: list[Problem] = []
    for folder in folders:
        paths = {path.stem: path for path in sorted(folder.glob("*.csv"))}
        for name, path in paths.items():
            if name.endswith(PRODUCTS):
                if name.removesuffix(PRODUCTS) not in paths:
                    what = f"there is no {name.removesuffix(PRODUCTS)}.csv beside it, whose products these would be"
                    problems.append(_problem(path, 1, what))
            elif name in found:
                problems.append(_problem(path, 1, f"a value set named {name} already exists; choose another name"))
            else:
                rows = _rows(path, problems)
                if products := paths.get(name + PRODUCTS):
                    rows += _product_rows(products, rows, problems)
                found[name] = ValueSet(name, rows, str(path))
    if problems:
        raise DocumentError(problems)
    return ValueSets(found, order_terms)


def _rows(path: Path, problems: list[Problem]) -> list[Row]:
    """Return the rows of a file that can be used; what is wrong with the others goes to `problems`."""
    headers = [COLUMNS, *([*COLUMNS, more] for more in (COURSE, SCALE, VALUE))]
    what = (
        f"the header must be {','.join(COLUMNS)}, with {COURSE} for conditions, {SCALE} for scores, or {VALUE} for "
        "states of a measurement at its end"
    )
    return _read(path, headers, what, _row, problems)


def _product_rows(path: Path, ingredients: Iterable[Row], problems: list[Problem]) -> list[Row]:
    """Return the products of a file as rows that count like that of their ingredient."""
    by_code = {row.code: row for row in ingredients}

    def product(cells: Mapping[str, str], line: int) -> Row:
        system, code, label, ingredient, source = cells.values()
        if not (system and code and label):
            raise ValueError("system, code, and label must not be empty")
        if ingredient not in by_code:
            raise ValueError(f"the ingredient {ingredient!r} is no code of the value set; add it there")
        return replace(
            by_code[ingredient], system=system, code=code, label=label, source=source, line=line, file=str(path)
        )

    what = f"the header must be {','.join(PRODUCT_COLUMNS)}"
    return _read(path, [PRODUCT_COLUMNS], what, product, problems)


def _read(
    path: Path,
    headers: Sequence[list[str]],
    wrong_header: str,
    read: Callable[[Mapping[str, str], int], Row],
    problems: list[Problem],
) -> list[Row]:
    """Return what `read` makes of the cells by column and the number of each line; it raises ValueError."""
    rows: list[Row] = []
    read_csv(path, headers, wrong_header, lambda cells, line: rows.append(read(cells, line)), problems, _RULE)
    return rows


def _row(cells: Mapping[str, str], line: int) -> Row:
    """Return the row of a line. Raises ValueError with what is wrong."""
    system, code, label, source, valid_from, valid_to, use = (cells[column] for column in COLUMNS)
    course = cells.get(COURSE, "")
    if not (system and code.strip("*") and label):
        raise ValueError("system, code, and label must not be empty")
    if code.endswith("*") and len(code) > _LONGEST_PREFIX + 1:
        raise ValueError(f"a prefix has at most {_LONGEST_PREFIX} characters")
    if system == UNLESS and use != "asks":
        raise ValueError("words that contradict a code never decide; use must be 'asks'")
    if use not in ("decides", "asks"):
        raise ValueError("use must be 'decides' or 'asks'")
    if course and course not in [each.value for each in Course]:
        raise ValueError(f"course must be {', '.join(each.value for each in Course)}, or empty")
    lasts = Course(course) if course else None
    valid = _day(valid_from), _day(valid_to)
    scale, value = _scale(cells.get(SCALE, "")), cells.get(VALUE, "")
    limit = value_limit(value) if value else None
    return Row(system, code, label, source, *valid, use == "decides", line, lasts, scale, limit)


def _scale(text: str) -> tuple[Decimal, Decimal] | None:
    if not text:
        return None
    found = _RANGE.match(text)
    if not found or int(found[1]) >= int(found[2]):
        raise ValueError("a scale is written like 0 to 10")
    return Decimal(found[1]), Decimal(found[2])


def _day(text: str) -> date | None:
    return iso_day(text) if text else None


def _problem(path: Path, line: int, what: str) -> Problem:
    return Problem(str(path), line, what, rule=_RULE)
