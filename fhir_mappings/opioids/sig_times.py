"""How often, when, and for how long directions for use say: `q4-6h`, `3 times daily`, `at bedtime`, `for 10 days`."""

from fractions import Fraction

from fhir_mappings.opioids.quantities import Interval, exactly
from fhir_mappings.opioids.sig_amounts import after_up_to, is_hour_at, range_at, token_at, word_at
from fhir_mappings.opioids.sig_items import Found, Lasting, Mark, Moment, Times
from fhir_mappings.opioids.sig_vocabulary import Tokens, is_at, number_at, phrase_at


def times_at(tokens: Tokens, at: int) -> Found:
    """Read how often, perhaps as a range of two phrases: `qd-bid`, `daily to twice daily`."""
    read = _every(tokens, at) or often_at(tokens, at)
    if read is not None and word_at(tokens, read[1]) in ("-", "to"):
        second = _every(tokens, read[1] + 1) or often_at(tokens, read[1] + 1)
        if second is not None:
            least, most = read[0].per_day, second[0].per_day
            if most.high is not None and most.high > least.low:
                return Times(least.hull(most)), second[1]
    return read


def _every(tokens: Tokens, at: int) -> tuple[Times, int] | None:
    """Read `every 6 hours`, `q4-6h`, `every 3 days`, `every other day`, `every day`, `6 hourly`."""
    stated = word_at(tokens, at) in ("q", "every", "each")
    at += stated
    if stated:
        if word_at(tokens, at) in ("day", "d", "daily"):
            return Times(exactly(1), plain=True), at + 1
        if word_at(tokens, at) in ("week", "wk", "weekly"):
            return Times(exactly(Fraction(1, 7))), at + 1
        if word_at(tokens, at) == "other" and word_at(tokens, at + 1) in ("day", "night"):
            return Times(exactly(Fraction(1, 2))), at + 2
        if word_at(tokens, at) == "third" and word_at(tokens, at + 1) == "day":
            return Times(exactly(Fraction(1, 3))), at + 2
    read = range_at(tokens, at)
    if read is None or read[0].high is None:
        return None
    number, unit = read
    if word_at(tokens, unit) in ("hourly", "hrly") or (stated and is_at("hour", tokens, unit)):
        days = Fraction(1, 24)
    elif stated and (found := number_at("days", tokens, unit)) is not None:
        days = found
    else:
        return None
    return Times(Interval(1 / (read[0].high * days), 1 / (number.low * days))), unit + 1


def often_at(tokens: Tokens, at: int) -> tuple[Times, int] | None:
    """Read `2 times daily`, `twice a day`, `3x/day`, `once weekly`, `bid`, `daily`, `a day`, `up to 4 times a day`."""
    if (named := number_at("times", tokens, at)) is not None:
        return Times(exactly(named), plain=named == 1), at + 1
    if (daily := phrase_at("daily", tokens, at)) is not None:
        return Times(exactly(1), plain=True), daily[1]
    start = after_up_to(tokens, at)
    read = _count_at(tokens, start)
    if read is None:
        return None
    number, after = read
    counted = Interval(Fraction(0), number.high) if start > at else number
    # "4 times day" is common, and says nothing else.
    day = phrase_at("daily", tokens, after) or phrase_at("per day", tokens, after)
    if day is not None or word_at(tokens, after) == "day":
        return Times(counted), day[1] if day is not None else after + 1
    if (week := phrase_at("per week", tokens, after)) is not None:
        return Times(counted * exactly(Fraction(1, 7))), week[1]
    return _every(tokens, after) if number == exactly(1) else None


def _count_at(tokens: Tokens, at: int) -> tuple[Interval, int] | None:
    """Read `twice`, `2 times`, `1 to 3 times`, `3x`, or the `x4` of `x4 daily`."""
    if (count := number_at("count", tokens, at)) is not None:
        return exactly(count), at + 1
    read = range_at(tokens, at)
    if read is not None and word_at(tokens, read[1]) in ("times", "time", "x"):
        return read[0], read[1] + 1
    # "x10 daily" may be for ten days.
    number = token_at(tokens, at + 1)
    if word_at(tokens, at) == "x" and isinstance(number, Fraction) and 0 < number <= _MOST_TIMES_AFTER_X:
        return (exactly(number), at + 2) if is_at("daily", tokens, at + 2) else None
    return None


_MOST_TIMES_AFTER_X = 4


def weekdays_at(tokens: Tokens, at: int) -> Found:
    """Read `on Monday, Wednesday, and Friday`."""
    after = at + (word_at(tokens, at) in ("on", "every", "each"))
    days: set[Fraction] = set()
    while (day := number_at("weekday", tokens, after)) is not None or (
        days and word_at(tokens, after) in (",", "and", "&")
    ):
        days |= {day} if day is not None else set()
        after += 1
    if not days or word_at(tokens, after) in ("-", "to", "through", "thru"):
        return None
    return Times(exactly(Fraction(len(days), 7)), weekdays=True), after


def moment_at(tokens: Tokens, at: int) -> Found:
    """Read `in the morning`, `at bedtime`, `q am`, `with breakfast`, `at 8 am`, `30 minutes before supper`."""
    span = range_at(tokens, at)
    if span is not None and (is_at("hour", tokens, span[1]) or is_at("minute", tokens, span[1])):
        after = span[1] + 1
        if word_at(tokens, after) not in ("before", "after", "prior"):
            return None
        return _moment_name(tokens, _after_prepositions(tokens, after + 1 + (word_at(tokens, after + 1) == "to")))
    after = _after_prepositions(tokens, at + (word_at(tokens, at) in ("q", "once")))
    return _moment_name(tokens, after)


def _after_prepositions(tokens: Tokens, at: int) -> int:
    for _ in range(3):
        at += is_at("preposition", tokens, at)
    return at


def _moment_name(tokens: Tokens, at: int) -> Found:
    if is_hour_at(tokens, at):
        return Moment(f"{token_at(tokens, at)} {word_at(tokens, at + 1)}"), at + 2
    if (moment := phrase_at("moment", tokens, at)) is not None:
        return Moment(moment[0]), at + 1 + (word_at(tokens, at + 1) in ("meal", "meals", "time"))
    return (Mark.MEALS, at + 1) if is_at("meals", tokens, at) else None


def lasting_at(tokens: Tokens, at: int) -> Found:
    """Read `for 10 days`, `for up to 3 days`, `x 2 weeks`, `x8 day supply`, and `90 days` at the end."""
    start = at + (word_at(tokens, at) in ("for", "x"))
    counted = after_up_to(tokens, start) if start > at else start
    read = range_at(tokens, counted)
    unit = number_at("days", tokens, read[1]) if read is not None else None
    if read is None or unit is None:
        return None
    after = read[1] + 1 + (word_at(tokens, read[1] + 1) in ("supply", "only"))
    if start == at and (
        at == 0 or any(word_at(tokens, rest) not in (".", ",", ")") for rest in range(after, len(tokens)))
    ):
        return None
    days = read[0] * exactly(unit)
    return Lasting(Interval(Fraction(1), days.high) if counted > start else days), after
