"""Units of measurement: UCUM codes and the spellings that charts have instead, and conversion between them.

`units.csv` lists the units: how many of another unit one is, whether it takes metric prefixes, and its spellings. A row
without a factor lists the spellings of a combination. `analyte_units.csv` lists the conversions that depend on the
substance, by LOINC code. All arithmetic is exact.
"""

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, lru_cache
from pathlib import Path
from typing import TypeAlias

Kind: TypeAlias = tuple[tuple[str, int], ...]
"""What a unit measures: the powers of base units."""

_PREFIXES = {
    "k": Fraction(1000),
    "h": Fraction(100),
    "d": Fraction(1, 10),
    "c": Fraction(1, 100),
    "m": Fraction(1, 1000),
    "u": Fraction(1, 10**6),
    "n": Fraction(1, 10**9),
    "p": Fraction(1, 10**12),
    "f": Fraction(1, 10**15),
}
"""The metric prefixes of clinical units. `M` for mega is left out: charts write `Mg/dL` and mean milligrams."""
_LONGEST = 40
"""The most characters of a unit; a longer text is none."""
_COMPONENT = re.compile(
    r"(?P<atom>10\*|(?:[^\d{}\[\]]|\[[^\[\]]*\])+?|\d+)??(?P<power>-?\d{1,2})?(?P<note>\{[^{}]*\})?\Z"
)
_NOTE = re.compile(r"\{[^{}]*\}\Z")
_SUBSTANCE = ("g", "mol")
"""Base units of amounts: a ratio of two of them, such as mg/g or mmol/mol, is no percentage."""
_RATIO_PREFIX = "share of "


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit: a number of it, times `factor`, plus `offset`, is a number of the base units of its `kind`."""

    factor: Fraction
    kind: Kind
    offset: Fraction = Fraction(0)


@dataclass(frozen=True, slots=True)
class _Row:
    factor: Fraction
    of: str
    offset: Fraction
    takes_prefixes: bool


def read_unit(text: str) -> Unit | None:
    """Return the unit that a text names, in UCUM or in a usual spelling; None if it names none that is known.

    An annotation alone, such as `{score}`, counts things: it is a unit of its own kind and no fraction.
    """
    if len(text) > _LONGEST:
        return None
    written = _tidied(text)
    whole = _table()[1].get(written.casefold())
    for spelling in (whole, written, _respelled(written), _respelled(written.casefold())):
        if spelling and (found := _parsed(spelling)):
            return found
    return None


unit_named = lru_cache(maxsize=1_000)(read_unit)
"""`read_unit` for units of quantities, which come again in chart after chart and say nothing of a patient."""


def _tidied(text: str) -> str:
    """Return a unit without spaces and typographic signs: `kg/m²` is kg/m2, `x10^3/µL` is 10*3/uL."""
    found = re.sub(r"\bper\b", "/", text.strip(), flags=re.IGNORECASE)
    found = "".join(found.split()).translate(_SIGNS)
    found = re.sub(r"^[x×](?=10)", "", found, flags=re.IGNORECASE)
    return found.replace("10^", "10*").replace("^", "")


_SIGNS = str.maketrans({"µ": "u", "μ": "u", "²": "2", "³": "3", "·": "."})


def _respelled(text: str) -> str:
    """Return a unit with the usual spellings of its parts replaced by UCUM."""
    _, spellings = _table()
    parts = re.split(r"([/.])", text)
    return "".join(spellings.get(part.casefold(), part) if i % 2 == 0 else part for i, part in enumerate(parts))


def _parsed(text: str) -> Unit | None:
    """Return the unit of a UCUM code without parentheses."""
    rows, _ = _table()
    if _NOTE.match(text):
        return Unit(Fraction(1), (("count", 1),))
    if text in rows and rows[text].offset:
        return Unit(rows[text].factor, ((rows[text].of, 1),), rows[text].offset)
    factor, above, below = Fraction(1), dict[str, int](), dict[str, int]()
    for i, part in enumerate(re.split(r"(?=[/.](?!\d*_))", text)):
        sign = -1 if part[:1] == "/" else 1
        if not (part := part.lstrip("/.")):
            if i == 0:
                continue
            return None
        found = _component(part)
        if found is None:
            return None
        number, power, bases = found
        factor *= number ** (sign * power)
        for base, exponent in bases:
            total = exponent * power * sign
            side = above if total > 0 else below
            side[base] = side.get(base, 0) + abs(total)
    kind = {base: above.get(base, 0) - below.get(base, 0) for base in {*above, *below}}
    shares = {f"{_RATIO_PREFIX}{base}": 1 for base in _SUBSTANCE if base in above and base in below}
    return Unit(factor, tuple(sorted((base, power) for base, power in {**kind, **shares}.items() if power)))


def _component(part: str) -> tuple[Fraction, int, Kind] | None:
    """Return the factor, the power, and the base units of one part, such as `m2`, `10*3`, `dL`, or `{events}`."""
    found = _COMPONENT.match(part)
    if not found:
        return None
    power = int(found["power"]) if found["power"] else 1
    atom = found["atom"] or ""
    if not atom:
        return (Fraction(1), 1, ()) if found["power"] in (None, "1") else None
    known = _atom(atom)
    return (known.factor, power, known.kind) if known and not known.offset else None


def _atom(name: str) -> Unit | None:
    rows, _ = _table()
    row = rows.get(name)
    if row is None:
        prefix, rest = _PREFIXES.get(name[:1]), rows.get(name[1:])
        if prefix is None or rest is None or not rest.takes_prefixes:
            return None
        base = _atom(name[1:])
        return Unit(prefix * base.factor, base.kind) if base else None
    if row.of == "1":
        return Unit(row.factor, ())
    if not row.of:
        return Unit(Fraction(1), ((name, 1),) if name != "1" else ())
    base = _parsed(row.of)
    return Unit(row.factor * base.factor, base.kind, row.offset) if base else None


@cache
def _table() -> tuple[Mapping[str, _Row], Mapping[str, str]]:
    """Return the units that stand alone, and the UCUM code of each spelling."""
    rows, spellings = {}, {}
    with (Path(__file__).parent / "units.csv").open(newline="", encoding="utf-8") as lines:
        for line in csv.DictReader(lines):
            if line["factor"]:
                offset = Fraction(line["offset"] or 0)
                rows[line["unit"]] = _Row(Fraction(line["factor"]), line["of"], offset, line["prefixes"] == "yes")
            for spelling in filter(None, line["spellings"].split("|")):
                spellings[spelling] = line["unit"]
    return rows, spellings
