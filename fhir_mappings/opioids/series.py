"""Doses over time: pieces, which are runs of days with one value, and their means over windows of days."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from heapq import heappop, heappush
from itertools import accumulate, pairwise
from math import lcm
from operator import itemgetter, sub
from typing import NamedTuple, TypeAlias

from fhir_mappings.dates import CalendarPeriod, plus
from fhir_mappings.opioids.quantities import Interval

Value: TypeAlias = int | Fraction


class Piece(NamedTuple):
    """A value on the days from `first` to `last`, both inclusive ordinals; None means no upper bound.

    Values are in units of 1/scale MME, with a scale that makes them integers: as exact as fractions, and fast.
    """

    first: int
    last: int
    value: Value | None


@dataclass(frozen=True, slots=True)
class Series:
    """The bounds of the dose on the days from `first` to `last`, as running sums, so that any mean is one subtraction.

    The sums are integers in units of 1/`scale` MME.
    """

    first: date
    last: date
    scale: int
    low_sums: Sequence[int]
    high_sums: Sequence[int]
    unbounded: Sequence[int]
    """The number of days without an upper bound, up to each day."""

    def mean(self, first: date, last: date) -> Interval:
        """Return the mean per day from `first` to `last`, both inclusive."""
        days = (last - first).days + 1
        ((low,), (high,), (unbounded,)) = self.moving_sums(days, first, last)
        return self.as_mean(low, None if unbounded else high, days)

    def moving_sums(self, days: int, first: date, last: date) -> tuple[list[int], list[int], list[int]]:
        """Return the sums of every window of `days` days between two dates: lower, upper, and days without a bound."""
        begin, end = (first - self.first).days, (last - self.first).days + 1

        def moving(sums: Sequence[int]) -> list[int]:
            return list(map(sub, sums[begin + days : end + 1], sums[begin:]))

        return moving(self.low_sums), moving(self.high_sums), moving(self.unbounded)

    def as_mean(self, low: int, high: int | None, days: int) -> Interval:
        """Return sums over `days` days as a mean in MME per day."""
        unit = self.scale * days
        return Interval(Fraction(low, unit), None if high is None else Fraction(high, unit))


def series(low: Sequence[Piece], high: Sequence[Piece], first: date, last: date, scale: int = 1) -> Series:
    """Return the sums of two lists of pieces, which may overlap, on the days between two dates."""
    lows, highs = total(low), total(high)
    divisor = lcm(*{piece.value.denominator for piece in lows + highs if piece.value is not None})
    low_days, _ = _daily(lows, first, last, divisor)
    high_days, unbounded_days = _daily(highs, first, last, divisor)
    return Series(first, last, scale * divisor, _running(low_days), _running(high_days), _running(unbounded_days))


def _running(days: Iterable[int]) -> Sequence[int]:
    return tuple(accumulate(days, initial=0))


def _daily(pieces: Sequence[Piece], first: date, last: date, divisor: int) -> tuple[list[int], list[int]]:
    """Return the value of each day, in units of 1/`divisor`, and 1 for each day without an upper bound."""
    begin, length = first.toordinal(), (last - first).days + 1
    values, unbounded = [0] * length, [0] * length
    for piece in pieces:
        start, end = max(piece.first - begin, 0), min(piece.last - begin + 1, length)
        if start >= end:
            continue
        if piece.value is None:
            unbounded[start:end] = [1] * (end - start)
        else:
            whole = piece.value.numerator * (divisor // piece.value.denominator)
            values[start:end] = [whole] * (end - start)
    return values, unbounded


# --- pieces ----------------------------------------------------------------------------------------------------------


def _are_separate(pieces: Sequence[Piece]) -> bool:
    """Return whether each piece ends before the next one begins, so that nothing is to be done."""
    return len(pieces) == 1 or all(before.last < after.first for before, after in pairwise(pieces))


def total(pieces: Sequence[Piece]) -> list[Piece]:
    """Return the sum of overlapping pieces as separate pieces; gaps stay gaps."""
    if _are_separate(pieces):
        return list(pieces)
    changes = [(piece.first, 1, piece.value) for piece in pieces]
    changes += [(piece.last + 1, -1, piece.value) for piece in pieces]
    changes.sort(key=itemgetter(0))
    found: list[Piece] = []
    since = count = unbounded = 0
    value: Value = 0
    for day, sign, change in changes:
        if count and day > since:
            found.append(Piece(since, day - 1, None if unbounded else value))
        since, count = day, count + sign
        if change is None:
            unbounded += sign
        else:
            value += sign * change
    return found


def highest(pieces: Sequence[Piece]) -> list[Piece]:
    """Return the highest of overlapping pieces as separate pieces; gaps stay gaps."""
    if _are_separate(pieces):
        return list(pieces)
    begins = sorted(pieces, key=itemgetter(0))
    days = sorted({piece.first for piece in pieces} | {piece.last + 1 for piece in pieces})
    found: list[Piece] = []
    position, unbounded_until = 0, 0
    running: list[tuple[Value, int]] = []
    for first, after in pairwise(days):
        while position < len(begins) and begins[position].first == first:
            _, last, value = begins[position]
            position += 1
            if value is None:
                unbounded_until = max(unbounded_until, last)
            else:
                heappush(running, (-value, last))
        while running and running[0][1] < first:
            heappop(running)
        if first <= unbounded_until:
            found.append(Piece(first, after - 1, None))
        elif running:
            found.append(Piece(first, after - 1, -running[0][0]))
    return found


def highest_mean(pieces: Sequence[Piece], days: int, last: int, scale: int = 1) -> Fraction | None:
    """Return the highest mean over `days` days that end on `last` or before it; None if it has no upper bound.

    A mean over a window is highest where the window begins with a piece or ends with one. Days without a piece are 0.
    """
    apart = [piece._replace(last=min(piece.last, last)) for piece in total(pieces) if piece.first <= last]
    if any(piece.value is None for piece in apart):
        return None
    starts = [piece.first for piece in apart]
    sums = [0, *accumulate((piece.value or 0) * (piece.last - piece.first + 1) for piece in apart)]

    def until(day: int) -> Value:
        position = bisect_right(starts, day)
        if not position:
            return 0
        piece = apart[position - 1]
        return sums[position] - (piece.value or 0) * max(piece.last - day, 0)

    ends = {min(end, last) for piece in apart for end in (piece.first + days - 1, piece.last)}
    return Fraction(max((until(end) - until(end - days) for end in ends), default=0)) / (days * scale)


def window(last: date, days: int) -> tuple[date, date]:
    """Return the first and last day of the `days` days that end on `last`."""
    return earlier(last, days - 1), last


def earlier(day: date, days: int) -> date:
    """Return the day so many days before another one, or the first one that there is."""
    return plus(day, CalendarPeriod(-days, "days"))
