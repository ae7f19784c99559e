"""FHIR quantities of medication and time as exact numbers in a few units."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from typing import TypeAlias

from msgspec import Struct

from fhir_mappings.fhir_json import Json


class UnconvertibleError(Exception):
    """A dose or quantity that cannot be converted. The message names the element, never its value."""


class ContradictionError(UnconvertibleError):
    """Two statements of one dose contradict each other, so that neither counts."""


class AmountKind(Enum):
    """The unit of an amount."""

    MILLIGRAMS = "milligrams"
    MILLILITERS = "milliliters"
    UNITS = "tablets, capsules, patches"
    MICROGRAMS_PER_HOUR = "micrograms per hour"
    BARE = "a number without a unit"


class Interval(Struct, frozen=True):
    """The bounds of a number, both inclusive; `high` is None if there is no upper bound."""

    low: Fraction
    high: Fraction | None

    def __hash__(self) -> int:
        # Fractions take long to hash, and intervals with one lower bound differ in little else.
        return hash(self.low.as_integer_ratio())

    def __add__(self, other: "Interval") -> "Interval":
        low = self.low + other.low
        if self.is_exact and other.is_exact:
            return Interval(low, low)
        return Interval(low, None if self.high is None or other.high is None else self.high + other.high)

    def __mul__(self, other: "Interval") -> "Interval":
        low = self.low * other.low
        if self.is_exact and other.is_exact:
            return Interval(low, low)
        return Interval(low, None if self.high is None or other.high is None else self.high * other.high)

    @property
    def ratios(self) -> tuple[tuple[int, int], tuple[int, int] | None]:
        """Return both bounds as numerator and denominator, which are compared and hashed faster than fractions."""
        return self.low.as_integer_ratio(), None if self.high is None else self.high.as_integer_ratio()

    @property
    def is_exact(self) -> bool:
        """Return whether it was made from one number; two equal bounds may be two numbers."""
        return self.low is self.high

    def hull(self, other: "Interval") -> "Interval":
        """Return the smallest interval that includes both."""
        high = None if self.high is None or other.high is None else max(self.high, other.high)
        return Interval(min(self.low, other.low), high)

    def overlaps(self, other: "Interval") -> bool:
        """Return whether a number may lie in both."""
        return (other.high is None or self.low <= other.high) and (self.high is None or other.low <= self.high)

    def at_most(self, cap: "Interval") -> "Interval":
        """Return the interval capped by `cap`, which is itself an interval."""
        ends = [end for end in (self.high, cap.high) if end is not None]
        return Interval(min(self.low, cap.low), min(ends, default=None))


def exactly(value: Fraction | int) -> Interval:
    """Return the interval of one number."""
    number = value if isinstance(value, Fraction) else Fraction(value)
    return Interval(number, number)


Scale: TypeAlias = Mapping[str, Fraction]

_ONE = Fraction(1)


def _named(*groups: tuple[str, Fraction | int]) -> Scale:
    return {name: _ONE if factor == 1 else Fraction(factor) for names, factor in groups for name in names.split()}


_UNITS: Mapping[AmountKind, Scale] = {
    AmountKind.MILLIGRAMS: _named(
        ("g gm gram grams", 1000),
        ("mg mgs milligram milligrams", 1),
        # The micro sign and the Greek mu are two characters.
        ("ug mcg mcgs \u00b5g \u03bcg microgram micrograms", Fraction(1, 1000)),
        ("ng nanogram nanograms", Fraction(1, 1_000_000)),
    ),
    AmountKind.MILLILITERS: _named(
        ("l liter liters litre litres", 1000),  # codespell:ignore litre,litres
        ("dl", 100),
        ("cl", 10),
        ("ml mls cc milliliter milliliters millilitre millilitres", 1),  # codespell:ignore millilitre,millilitres
    ),
    AmountKind.UNITS: _named(
        ("1 {tbl} {tab} {tablet} {tablets} {cap} {capsule} {capsules} {each} {pill}", 1),
        ("tbl tab tabs tab(s) tablet tablets tablet(s) cap caps cap(s) capsule capsules capsule(s) caplet caplets", 1),
        ("caplet(s) pill pills pill(s) each ea film films", 1),
        # HL7 v3 orderable drug forms
        ("ortab oraltab chewtab disintab drtab ectab entcap ertab ertab12 ertab24 orcap ercap ercap12 ercap24", 1),
        ("{patch} {patches} patch patches patch(es) tpatch tpath16 tpath24 tpath72 tpath2wk tpathwk medpad", 1),
    ),
    AmountKind.MICROGRAMS_PER_HOUR: _named(
        ("ug/h ug/hr mcg/h mcg/hr mcg/hour \u00b5g/h \u00b5g/hr \u03bcg/h \u03bcg/hr", 1),
        ("mg/h mg/hr mg/hour", 1000),
    ),
}
"""The factor to milligrams, milliliters, and so on, by UCUM code or common unit word, in lower case."""

_MEANING = {word: (kind, factor) for kind, scale in _UNITS.items() for word, factor in scale.items()}

_DAYS = _named(
    ("s sec second seconds", Fraction(1, 86400)),
    ("min minute minutes", Fraction(1, 1440)),
    ("h hr hrs hour hours", Fraction(1, 24)),
    ("d day days", 1),
    ("wk week weeks", 7),
    ("mo month months", 30),
    ("a y yr year years", 365),
)
"""Units of time in days; a month of supply is 30 of them."""


LARGEST_EXPONENT = 12
"""The largest power of ten in quantities of medication and time."""


_WHOLE = tuple(map(Fraction, range(1_001)))
"""The whole numbers that most quantities are: to make a fraction takes longer than to look it up."""


@dataclass(frozen=True, slots=True)
class Amount:
    """A number and its unit."""

    value: Fraction
    kind: AmountKind


def number(value: Json) -> Fraction | None:
    """Return a JSON number exactly as written; None for anything else, and for numbers too large for any quantity."""
    if type(value) is int and 0 <= value < len(_WHOLE):
        return _WHOLE[value]
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    written = Decimal(str(value))
    # 1e999999999 is short as text, but fills the memory as a number.
    if not written.is_finite() or abs(written.adjusted()) > LARGEST_EXPONENT:
        return None
    return Fraction(written)


def amount(quantity: Json, element: str) -> Amount:
    """Read a Quantity of medication; raise UnconvertibleError, naming `element`, if that fails."""
    value = _value(quantity, element)
    words = _unit_words(quantity)
    found = [_MEANING[word] for word in words if word in _MEANING]
    if not found:
        if words:
            raise UnconvertibleError(f"{element}: the unit is not known")
        return Amount(value, AmountKind.BARE)
    kind, factor = found[0]
    if found[-1] != (kind, factor):
        raise UnconvertibleError(f"{element}: code and unit differ")
    return Amount(value if factor is _ONE else value * factor, kind)


def days(duration: Json, element: str) -> Fraction:
    """Read a Duration in days; raise UnconvertibleError, naming `element`, if that fails."""
    value = _value(duration, element)
    found = [_DAYS[word] for word in _unit_words(duration) if word in _DAYS]
    if not found or found[-1] != found[0]:
        raise UnconvertibleError(f"{element}: the unit is not known")
    return value if found[0] is _ONE else value * found[0]


def days_of_unit(unit: Json) -> Fraction | None:
    """Return the days in a UCUM unit of time, such as `periodUnit`; None for anything else."""
    return _DAYS.get(unit.strip().lower()) if isinstance(unit, str) else None


def _value(quantity: Json, element: str) -> Fraction:
    if not isinstance(quantity, (dict, Mapping)):
        raise UnconvertibleError(f"{element} is missing")
    value = number(quantity.get("value"))
    if value is None or value < 0:
        raise UnconvertibleError(f"{element}: the value is missing or not an amount")
    if quantity.get("comparator"):
        raise UnconvertibleError(f"{element}: the value is only a bound")
    return value


def _unit_words(quantity: Json) -> list[str]:
    found = (quantity.get("code"), quantity.get("unit"))
    return [word for said in found if isinstance(said, str) and (word := said.strip().lower())]
