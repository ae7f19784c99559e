"""Doses over time: pieces, which are runs of days with one value, and their means over windows of days."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from heapq import heappop, heappush
from itertools import accumulate, pairwise
from math import lcm
from typing import NamedTuple

from fhir_mappings.dates import CalendarPeriod, plus
from fhir_mappings.opioids.quantities import Interval


class Piece(NamedTuple):
    """A value on the days from `first` to `last`, both inclusive ordinals; None means no upper bound."""

    first: int
    last: int
    value: Fraction | None


@dataclass(frozen=True, slots=True)
class Series:
    """The bounds of the dose on the days from `first` to `last`, as running sums, so that any mean is one subtraction.

    The sums are integers in units of 1/`scale` MME: as exact as fractions, and fast.
    """

    first: date
    last: date
    scale: int
    low_sums: tuple[int, ...]
    high_sums: tuple[int, ...]
    unbounded: tuple[int, ...]
    """The number of days without an upper bound, up to each day."""

    def mean(self, first: date, last: date) -> Interval:
        """Return the mean per day from `first` to `last`, both inclusive."""
        begin, end = (first - self.first).days, (last - self.first).days + 1
        return self.as_mean(*self._sums(begin, end), end - begin)

    def moving_sums(self, days: int, first: date, last: date) -> list[tuple[int, int | None]]:
        """Return the lower and upper sum of every window of `days` days between two dates, in units of the sums."""
        begin, end = (first - self.first).days, (last - self.first).days + 1
        return [self._sums(n, n + days) for n in range(begin, end - days + 1)]

    def as_mean(self, low: int, high: int | None, days: int) -> Interval:
        """Return sums over `days` days as a mean in MME per day."""
        unit = self.scale * days
        return Interval(Fraction(low, unit), None if high is None else Fraction(high, unit))

    def _sums(self, begin: int, end: int) -> tuple[int, int | None]:
        low = self.low_sums[end] - self.low_sums[begin]
        if self.unbounded[end] > self.unbounded[begin]:
            return low, None
        return low, self.high_sums[end] - self.high_sums[begin]


def series(low: Sequence[Piece], high: Sequence[Piece], first: date, last: date) -> Series:
    """Return the sums of two lists of pieces, which may overlap, on the days between two dates."""
    lows = _daily(total(low), first, last)
    highs = _daily(total(high), first, last)
    scale = lcm(*{value.denominator for value in lows + highs if value is not None})
    return Series(
        first,
        last,
        scale,
        _running(lows, scale),
        _running(highs, scale),
        tuple(accumulate((int(value is None) for value in highs), initial=0)),
    )


def _running(values: Sequence[Fraction | None], scale: int) -> tuple[int, ...]:
    whole = (0 if value is None else value.numerator * (scale // value.denominator) for value in values)
    return tuple(accumulate(whole, initial=0))


def _daily(pieces: Sequence[Piece], first: date, last: date) -> list[Fraction | None]:
    begin = first.toordinal()
    days: list[Fraction | None] = [Fraction(0)] * ((last - first).days + 1)
    for piece in pieces:
        start, end = max(piece.first - begin, 0), min(piece.last - begin, len(days) - 1)
        if start <= end:
            days[start : end + 1] = [piece.value] * (end - start + 1)
    return days


# --- pieces ----------------------------------------------------------------------------------------------------------


def total(pieces: Sequence[Piece]) -> list[Piece]:
    """Return the sum of overlapping pieces as separate pieces; gaps stay gaps."""
    begins, ends = _changes(pieces)
    found, count, unbounded, value = [], 0, 0, Fraction(0)
    for first, after in _between(begins, ends):
        for piece in ends.get(first, ()):
            count, unbounded, value = count - 1, unbounded - (piece.value is None), value - (piece.value or 0)
        for piece in begins.get(first, ()):
            count, unbounded, value = count + 1, unbounded + (piece.value is None), value + (piece.value or 0)
        if count:
            found.append(Piece(first, after - 1, None if unbounded else value))
    return found


def highest(pieces: Sequence[Piece]) -> list[Piece]:
    """Return the highest of overlapping pieces as separate pieces; gaps stay gaps."""
    begins, ends = _changes(pieces)
    found, unbounded = [], 0
    running: list[tuple[Fraction, int]] = []
    for first, after in _between(begins, ends):
        unbounded -= sum(piece.value is None for piece in ends.get(first, ()))
        for piece in begins.get(first, ()):
            if piece.value is None:
                unbounded += 1
            else:
                heappush(running, (-piece.value, piece.last))
        while running and running[0][1] < first:
            heappop(running)
        if unbounded or running:
            found.append(Piece(first, after - 1, None if unbounded else -running[0][0]))
    return found


def _changes(pieces: Sequence[Piece]) -> tuple[dict[int, list[Piece]], dict[int, list[Piece]]]:
    begins: dict[int, list[Piece]] = {}
    ends: dict[int, list[Piece]] = {}
    for piece in pieces:
        begins.setdefault(piece.first, []).append(piece)
        ends.setdefault(piece.last + 1, []).append(piece)
    return begins, ends


def _between(begins: dict[int, list[Piece]], ends: dict[int, list[Piece]]) -> Iterator[tuple[int, int]]:
    return pairwise(sorted({*begins, *ends}))


def highest_mean(pieces: Sequence[Piece], days: int, last: int) -> Fraction | None:
    """Return the highest mean over `days` days that end on `last` or before it; None if it has no upper bound.

    A mean over a window is highest where the window begins with a piece or ends with one. Days without a piece are 0.
    """
    apart = [piece._replace(last=min(piece.last, last)) for piece in total(pieces) if piece.first <= last]
    if any(piece.value is None for piece in apart):
        return None
    starts = [piece.first for piece in apart]
    sums = [Fraction(0), *accumulate((piece.value or 0) * (piece.last - piece.first + 1) for piece in apart)]

    def until(day: int) -> Fraction:
        position = bisect_right(starts, day)
        if not position:
            return Fraction(0)
        piece = apart[position - 1]
        return sums[position] - (piece.value or Fraction(0)) * max(piece.last - day, 0)

    ends = {min(end, last) for piece in apart for end in (piece.first + days - 1, piece.last)}
    return max((until(end) - until(end - days) for end in ends), default=Fraction(0)) / days


def window(last: date, days: int) -> tuple[date, date]:
    """Return the first and last day of the `days` days that end on `last`."""
    return earlier(last, days - 1), last


def earlier(day: date, days: int) -> date:
    """Return the day so many days before another one, or the first one that there is."""
    return plus(day, CalendarPeriod(-days, "days"))
