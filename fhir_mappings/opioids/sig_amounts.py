"""How much at a time directions for use say: `1-2 tablets`, `5 mL`, `650 mg = 2 caps`, `up to 2`."""

from fractions import Fraction

from fhir_mappings.opioids.quantities import Interval, exactly
from fhir_mappings.opioids.sig_items import Amount, Found, Unit
from fhir_mappings.opioids.sig_tokens import Token
from fhir_mappings.opioids.sig_vocabulary import Tokens, is_at, number_at

_MOST_WITHOUT_UNIT = 20
"""The largest number of tablets that is written without a unit."""


def word_at(tokens: Tokens, at: int) -> str:
    """Return the word at a position; empty if there is none."""
    token = token_at(tokens, at)
    return token if isinstance(token, str) else ""


def token_at(tokens: Tokens, at: int) -> Token:
    """Return the token at a position; empty if there is none."""
    return tokens[at] if 0 <= at < len(tokens) else ""


def after_up_to(tokens: Tokens, at: int) -> int:
    """Return the position after `up to`; the position itself if it is not there."""
    return at + 2 if tuple(tokens[at : at + 2]) == ("up", "to") else at


def range_at(tokens: Tokens, at: int) -> tuple[Interval, int] | None:
    """Read `2`, `1-2`, `1 to 2`, or `1 or 2`."""
    low = token_at(tokens, at)
    if not isinstance(low, Fraction) or low <= 0:
        return None
    high = token_at(tokens, at + 2)
    if word_at(tokens, at + 1) in ("-", "to", "or") and isinstance(high, Fraction) and high > low:
        return Interval(low, high), at + 3
    return exactly(low), at + 1


def amount_at(tokens: Tokens, at: int) -> Found:
    """Read an amount, perhaps with the same amount in another unit behind it: `1 tablet (5 mg)`, `650 mg = 2 cap`."""
    start = after_up_to(tokens, at)
    read = measured_at(tokens, start) or bare_at(tokens, start)
    if read is None or (read[0].bare and _may_be_something_else(tokens, read[1])) or _is_combination(read[0]):
        return None
    amount, after = read
    opened = word_at(tokens, after) == "("
    if opened or word_at(tokens, after) in ("=", "equals"):
        second = measured_at(tokens, after + 1 + (opened and word_at(tokens, after + 1) in ("=", "equals", "total")))
        if second is not None:
            other, after = second
            while word_at(tokens, after) in ("total", "dose", "each"):
                after += 1
            if opened and word_at(tokens, after) != ")":
                return None
            return _bounded(amount, start > at, other), after + opened
    return _bounded(amount, start > at), after


_WIDEST_RANGE = 4
"""How many times the lower dose a higher one may be, as in 5 to 20 mg."""


def _is_combination(amount: Amount) -> bool:
    """Return whether a range of masses is the strengths of two ingredients, `5-325 mg`."""
    low, high = amount.value.low, amount.value.high
    return amount.unit is Unit.MILLIGRAMS and high is not None and high > _WIDEST_RANGE * low


def _may_be_something_else(tokens: Tokens, after: int) -> bool:
    """Return whether a number without a unit may be times a day, `3/day`, or an hour among hours, `8 am and 2 pm`."""
    return word_at(tokens, after) == "/" or (
        word_at(tokens, after) in ("am", "pm") and any(is_hour_at(tokens, at) for at in range(len(tokens)))
    )


_SURELY_AN_HOUR = 5
"""Smaller numbers before `am` may be tablets in the morning."""


def is_hour_at(tokens: Tokens, at: int) -> bool:
    """Return whether `8 am` or `at 2 pm` is at a position."""
    hour, stated = token_at(tokens, at), word_at(tokens, at - 1) in ("at", "@")
    if not isinstance(hour, Fraction) or word_at(tokens, at + 1) not in ("am", "pm"):
        return False
    return hour.denominator == 1 and 1 <= hour <= 12 and (stated or hour >= _SURELY_AN_HOUR)


def _bounded(amount: Amount, up_to: bool, other: Amount | None = None) -> Amount:
    least = Fraction(0) if up_to else amount.value.low
    return Amount(Interval(least, amount.value.high), amount.unit, other, amount.bare)


def bare_at(tokens: Tokens, at: int) -> tuple[Amount, int] | None:
    """Read a number without a unit, which counts tablets."""
    read = range_at(tokens, at)
    if read is None or read[0].high is None or read[0].high > _MOST_WITHOUT_UNIT:
        return None
    return Amount(read[0], Unit.EACH, bare=True), read[1]


def measured_at(tokens: Tokens, at: int) -> tuple[Amount, int] | None:
    """Read a number or range with its unit: `1-2 tabs`, `5 ml`, `5ml - 10ml`, `two 5ml spoonfuls`."""
    read = range_at(tokens, at)
    if read is None:
        return None
    value, after = read
    if (spoons := _spoons_at(tokens, value, after)) is not None:
        return spoons
    unit = _unit_at(tokens, after)
    if unit is None:
        return None
    kind, factor = unit
    value, after = value * exactly(factor), after + 1
    second = range_at(tokens, after + 1) if word_at(tokens, after) in ("-", "to", "or") else None
    if second is not None and _unit_at(tokens, second[1]) == unit and second[0].low * factor > value.low:
        return Amount(value.hull(second[0] * exactly(factor)), kind), second[1] + 1
    return Amount(value, kind), after


def _spoons_at(tokens: Tokens, count: Interval, at: int) -> tuple[Amount, int] | None:
    at += word_at(tokens, at) == "x"
    spoon, milliliters = token_at(tokens, at), number_at("milliliters", tokens, at + 1)
    if isinstance(spoon, Fraction) and milliliters is not None and is_at("spoon", tokens, at + 2):
        return Amount(count * exactly(spoon * milliliters), Unit.MILLILITERS), at + 3
    return None


def _unit_at(tokens: Tokens, at: int) -> tuple[Unit, Fraction] | None:
    if is_at("each", tokens, at):
        return Unit.EACH, Fraction(1)
    for unit in (Unit.MILLIGRAMS, Unit.MILLILITERS):
        factor = number_at(unit.value, tokens, at)
        if factor is not None:
            return unit, factor
    return None
