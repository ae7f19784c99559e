"""Amounts: numbers with a unit, known exactly or as what they lie between, and whether one lies in another.

A measured value is an amount, and so is a threshold: `at most 88 %` is everything up to 88 %.
"""

import csv
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import cache
from pathlib import Path

from fhir_mappings.truth import Truth
from fhir_mappings.units import Unit, unit_named

_FRACTION = ()
"""The kind of unit of a plain fraction: `1`, `%`, or L/L."""
_SCORE_WORDS = (
    *("1", "score", "scores", "point", "points", "pts", "nrs", "nprs", "vas", "scale", "pain score"),
    *("/10", "/ 10", "of 10", "out of 10"),
)


_ANNOTATION = re.compile(r"\{[^{}]*\}?\Z")
"""A unit in braces alone says what is counted; `{events}/h` is a unit."""


@dataclass(frozen=True, slots=True)
class Interval:
    """The numbers between two ends. An end is None if there is none, and open if it does not belong to them."""

    low: Fraction | None = None
    high: Fraction | None = None
    low_is_open: bool = False
    high_is_open: bool = False

    @classmethod
    def point(cls, number: Fraction) -> "Interval":
        """Return the interval of one number."""
        return cls(number, number)

    def lies_in(self, other: "Interval") -> Truth:
        """Return whether every number of this interval is in the other: YES, NO if none is, else UNKNOWN."""
        if self._is_above(other) or other._is_above(self):
            return Truth.NO
        begins_inside = other.low is None or (
            self.low is not None
            and (self.low > other.low or (self.low == other.low and (self.low_is_open or not other.low_is_open)))
        )
        ends_inside = other.high is None or (
            self.high is not None
            and (self.high < other.high or (self.high == other.high and (self.high_is_open or not other.high_is_open)))
        )
        return Truth.YES if begins_inside and ends_inside else Truth.UNKNOWN

    def _is_above(self, other: "Interval") -> bool:
        if self.low is None or other.high is None:
            return False
        return self.low > other.high or (self.low == other.high and (self.low_is_open or other.high_is_open))

    def scaled(self, factor: Fraction, offset: Fraction = Fraction(0)) -> "Interval":
        """Return the interval of each number times a positive factor plus an offset."""
        return Interval(
            None if self.low is None else self.low * factor + offset,
            None if self.high is None else self.high * factor + offset,
            self.low_is_open,
            self.high_is_open,
        )

    def negated(self) -> "Interval":
        """Return the interval of each number times -1."""
        return Interval(
            None if self.high is None else -self.high,
            None if self.low is None else -self.low,
            self.high_is_open,
            self.low_is_open,
        )


def hull(intervals: Iterable[Interval | None]) -> Interval | None:
    """Return the smallest interval around all; None if there are none, or if one of them is not known."""
    found = []
    for each in intervals:
        if each is None:
            return None
        found.append(each)
    if not found:
        return None
    lows = [(each.low, each.low_is_open) for each in found if each.low is not None]
    highs = [(each.high, not each.high_is_open) for each in found if each.high is not None]
    low, low_is_open = min(lows) if len(lows) == len(found) else (None, False)
    high, high_is_closed = max(highs) if len(highs) == len(found) else (None, True)
    return Interval(low, high, low_is_open, not high_is_closed)


@dataclass(frozen=True, slots=True)
class Amount:
    """An interval of numbers in a unit, as it is written; empty if there is none."""

    interval: Interval
    unit: str = ""

    def lies_in(self, limit: "Amount", codes: Iterable[str] = ()) -> Truth | None:
        """Return whether this amount satisfies a limit; None if its unit does not convert to that of the limit."""
        interval = self.in_unit(limit.unit, codes)
        return None if interval is None else interval.lies_in(limit.interval)

    def in_unit(self, unit: str, codes: Iterable[str] = ()) -> Interval | None:
        """Return the numbers in another unit; None if it does not convert.

        `codes` are the LOINC codes of what was measured, for conversions that depend on the substance. Without a unit
        to convert to, only a plain score converts. A number without a unit converts to none. Nor does a fraction above
        1 become a percentage: 88 with the unit `1` is as likely to be 88 % as 8800 %.
        """
        if not unit:
            return self.interval if is_score(self.unit) else None
        if not self.unit:
            return None
        if self.unit == unit:
            return self.interval
        source, target = unit_named(self.unit), unit_named(unit)
        if source is None or target is None:
            return None
        if source.kind != target.kind:
            return _of_substance(self.interval, source, target, codes)
        if source.kind == _FRACTION and source.factor == 1 != target.factor and not self._is_share():
            return None
        return _converted(self.interval, source, target)

    def _is_share(self) -> bool:
        return all(end is None or 0 <= end <= 1 for end in (self.interval.low, self.interval.high))


def printed(amount: Amount | None) -> str:
    """Return an amount in words: `97 %`, `< 70 %`, `88 to 90 %`; empty for none."""
    if amount is None:
        return ""
    low, high = amount.interval.low, amount.interval.high
    if low is None and high is None:
        return ""
    if low is None or high is None:
        sign = "<" if low is None else ">"
        is_open = amount.interval.high_is_open if low is None else amount.interval.low_is_open
        numbers = f"{sign}{'' if is_open else '='} {_decimal(low if high is None else high)}"
    else:
        numbers = " to ".join(dict.fromkeys((_decimal(low), _decimal(high))))
    return f"{numbers} {amount.unit}".strip()


def _decimal(number: Fraction | None) -> str:
    """Return a number of a chart or a document with all its decimals; they are few."""
    exact = Fraction(number or 0)
    return f"{(Decimal(exact.numerator) / Decimal(exact.denominator)).normalize():f}"


def is_score(unit: str) -> bool:
    """Return whether a unit is that of a plain score: none, `1`, an annotation such as `{score}`, or `points`."""
    folded = unit.strip().casefold()
    return not folded or folded in _SCORE_WORDS or _ANNOTATION.match(folded) is not None


def _converted(interval: Interval, source: Unit, target: Unit) -> Interval:
    return interval.scaled(source.factor / target.factor, (source.offset - target.offset) / target.factor)


@dataclass(frozen=True, slots=True)
class _Conversion:
    """A number in `unit`, times `factor`, plus `offset`, is a number in `of`, for one substance."""

    unit: Unit
    factor: Fraction
    offset: Fraction
    of: Unit


def _of_substance(interval: Interval, source: Unit, target: Unit, codes: Iterable[str]) -> Interval | None:
    for code in codes:
        known = _conversions().get(code)
        if known is None:
            continue
        if (source.kind, target.kind) == (known.unit.kind, known.of.kind):
            found = _converted(interval, source, known.unit).scaled(known.factor, known.offset)
            return _converted(found, known.of, target)
        if (source.kind, target.kind) == (known.of.kind, known.unit.kind):
            found = _converted(interval, source, known.of)
            return _converted(found.scaled(1 / known.factor, -known.offset / known.factor), known.unit, target)
    return None


@cache
def _conversions() -> Mapping[str, _Conversion]:
    found: dict[str, _Conversion] = {}
    with (Path(__file__).parent / "analyte_units.csv").open(newline="", encoding="utf-8") as lines:
        for line in csv.DictReader(lines):
            unit, of = unit_named(line["unit"]), unit_named(line["of"])
            if unit is None or of is None:
                raise ValueError(f"analyte_units.csv: the units of {line['analyte']} are not in units.csv")
            conversion = _Conversion(unit, Fraction(line["factor"]), Fraction(line["offset"] or 0), of)
            found |= dict.fromkeys(line["codes"].split("|"), conversion)
    return found
