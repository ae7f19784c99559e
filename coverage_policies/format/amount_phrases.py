"""The limits of measured values as policies write them: `at most 88 %`, `56 to 59 mm[Hg]`, `fell by at least 5 %`.

A limit is an amount: everything that satisfies it. Units are UCUM or a usual spelling of it.
"""

import re
from dataclasses import dataclass
from fractions import Fraction

from coverage_policies.format.phrases import Comparison
from fhir_mappings.amounts import Amount, Interval
from fhir_mappings.units import unit_named

_DECIMAL = r"-?\d{1,6}(?:\.\d{1,6})?"
_UNIT = r"[^\s\d-].{0,39}|1|10\*.{1,30}"
_COMPARED = r"at least|at most|under|over|exactly"

VALUE = rf"^(?:(?:{_COMPARED}) {_DECIMAL}|{_DECIMAL} to {_DECIMAL})(?: (?:{_UNIT}))?$"
CHANGE = rf"^(?:fell|rose) by (?:at least|at most|under|over) \d{{1,6}}(?:\.\d{{1,6}})?(?: (?:{_UNIT}))?$"
"""The same phrases as patterns for a document's JSON Schema."""

PERCENTAGE_POINTS = "percentage points"


@dataclass(frozen=True, slots=True)
class ChangeLimit:
    """A limit of a change. `amount` limits the fall, or the rise; in percent of the earlier value if `is_relative`."""

    is_fall: bool
    is_relative: bool
    amount: Amount


def value_limit(phrase: str) -> Amount:
    """Read `at most 88 %`, `56 to 59 mm[Hg]`, or, of a score without a unit, `at least 40`."""
    compared = re.fullmatch(rf"({_COMPARED}) ({_DECIMAL})(?: ({_UNIT}))?", phrase)
    if compared:
        interval = _interval(Comparison(compared[1]), Fraction(compared[2]))
        return Amount(interval, _known_unit(compared[3]))
    between = re.fullmatch(rf"({_DECIMAL}) to ({_DECIMAL})(?: ({_UNIT}))?", phrase)
    if not between:
        raise ValueError(f"{phrase!r} is no limit of a value; write it like 'at most 88 %' or '56 to 59 mm[Hg]'")
    low, high = Fraction(between[1]), Fraction(between[2])
    if low >= high:
        raise ValueError(f"{phrase!r} has no room between its ends; the lower one comes first")
    return Amount(Interval(low, high), _known_unit(between[3]))


def change_limit(phrase: str) -> ChangeLimit:
    """Read `fell by at least 5 %`, `rose by over 10 mm[Hg]`, or `fell by over 5 percentage points`.

    Percent is of the earlier value. Percentage points are the unit of a change of values in percent.
    """
    found = re.fullmatch(rf"(fell|rose) by ({_COMPARED}) (\d.*)", phrase)
    if not found or found[2] == "exactly":
        raise ValueError(
            f"{phrase!r} is no change; write it like 'fell by at least 5 %', 'rose by over 10 mm[Hg]', "
            f"or 'fell by over 5 {PERCENTAGE_POINTS}'"
        )
    amount = found[3]
    is_relative = amount.endswith(" %")
    limit = value_limit(f"{found[2]} {amount.replace(PERCENTAGE_POINTS, '%')}")
    return ChangeLimit(found[1] == "fell", is_relative, limit)


def _interval(comparison: Comparison, number: Fraction) -> Interval:
    match comparison:
        case Comparison.AT_LEAST:
            return Interval(low=number)
        case Comparison.OVER:
            return Interval(low=number, low_is_open=True)
        case Comparison.AT_MOST:
            return Interval(high=number)
        case Comparison.UNDER:
            return Interval(high=number, high_is_open=True)
        case Comparison.EXACTLY:
            return Interval(number, number)


def _known_unit(unit: str | None) -> str:
    if unit is None:
        return ""
    if unit_named(unit) is None:
        raise ValueError(
            f"{unit!r} is no unit that is known here; write it in UCUM, like %, mm[Hg], kg/m2, /h, or mg/dL, and put "
            "quotation marks around a phrase with brackets or braces: 'at most 55 mm[Hg]'"
        )
    return unit
