"""Doses over time: pieces, which are runs of days with one value, and their means over windows of days."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from heapq import heappop, heappush
from itertools import accumulate, pairwise
from operator import itemgetter
from typing import NamedTuple

from fhir_mappings.dates import later
from fhir_mappings.opioids.quantities import Interval


class Piece(NamedTuple):
    """A value on the days from `first` to `last`, both inclusive ordinals; None means no upper bound.

    Values are in units of 1/scale MME, with a scale that makes them integers: as exact as fractions, and fast.
    """

    first: int
    last: int
    value: int | None


@dataclass(frozen=True, slots=True)
class Series:
    """The bounds of the dose on the days from `first` on, as running sums, so that any mean is one subtraction.

    The sums are integers in units of 1/`scale` MME. A window is named by the number of its first day, from 0.
    """

    first: date
    scale: int
    low_sums: Sequence[int]
    high_sums: Sequence[int]
    unbounded: Sequence[int]
    """The number of days without an upper bound, up to each day; empty if there is none."""
    changes: Set[int]
    """The numbers of the days on which a bound may change."""

    def mean(self, first: date, last: date) -> Interval:
        """Return the mean per day from `first` to `last`, both inclusive."""
        days = (last - first).days + 1
        ((low,), (high,), (unbounded,)) = self.sums([(first - self.first).days], days)
        return self.as_mean(low, None if unbounded else high, days)

    def windows(self, days: int, first: date, last: date) -> list[int]:
        """Return the windows of `days` days between two dates that begin or end at a change, the first, and the last.

        Each sum over a window grows or falls evenly from one of them to the next. So the highest sums are among them,
        and so is the last window of those that are equally high.
        """
        begin, end = (first - self.first).days, (last - self.first).days + 1 - days
        if begin > end:
            return []
        turns = self.changes | {change - days for change in self.changes}
        return [begin, *[turn for turn in turns if begin < turn < end], end]

    def sums(self, windows: Sequence[int], days: int) -> tuple[list[int], list[int], list[int]]:
        """Return the sums of windows of `days` days: lower, upper, and days without a bound."""
        lows, highs, unbounded = self.low_sums, self.high_sums, self.unbounded
        return (
            [lows[begin + days] - lows[begin] for begin in windows],
            [highs[begin + days] - highs[begin] for begin in windows],
            [unbounded[begin + days] - unbounded[begin] for begin in windows] if unbounded else [0] * len(windows),
        )

    def as_mean(self, low: int, high: int | None, days: int) -> Interval:
        """Return sums over `days` days as a mean in MME per day."""
        unit = self.scale * days
        return Interval(Fraction(low, unit), None if high is None else Fraction(high, unit))


def series(low: Sequence[Piece], high: Sequence[Piece], first: date, last: date, scale: int = 1) -> Series:
    """Return the sums of two lists of pieces, which may overlap, on the days between two dates."""
    begin, length = first.toordinal(), (last - first).days + 1
    lows, highs = total(low), total(high)
    bounded = [piece for piece in highs if piece.value is not None]
    unbounded = [piece._replace(value=1) for piece in highs if piece.value is None]
    return Series(
        first,
        scale,
        _running(lows, begin, length),
        _running(bounded, begin, length),
        _running(unbounded, begin, length) if unbounded else (),
        {day - begin for piece in lows + highs for day in (piece.first, piece.last + 1)},
    )


def _running(pieces: Iterable[Piece], begin: int, length: int) -> Sequence[int]:
    """Return the sums of separate pieces up to each of so many days, which are 0 before the first of them."""
    values = [0] * length
    for first, last, value in pieces:
        start, end = max(first - begin, 0), min(last - begin + 1, length)
        if start < end:
            values[start:end] = [value or 0] * (end - start)
    return tuple(accumulate(values, initial=0))


# --- pieces ----------------------------------------------------------------------------------------------------------


def _are_separate(pieces: Sequence[Piece]) -> bool:
    """Return whether each piece ends before the next one begins, so that nothing is to be done."""
    return all(before.last < after.first for before, after in pairwise(pieces))


def total(pieces: Sequence[Piece]) -> list[Piece]:
    """Return the sum of overlapping pieces as separate pieces; gaps stay gaps."""
    if len(pieces) < 2 or _are_separate(pieces):
        return list(pieces)
    changes = [(piece.first, 1, piece.value) for piece in pieces]
    changes += [(piece.last + 1, -1, piece.value) for piece in pieces]
    changes.sort(key=itemgetter(0))
    found: list[Piece] = []
    since = count = unbounded = value = 0
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
    if len(pieces) < 2 or _are_separate(pieces):
        return list(pieces)
    begins = sorted(pieces, key=itemgetter(0))
    days = sorted({piece.first for piece in pieces} | {piece.last + 1 for piece in pieces})
    found: list[Piece] = []
    position, unbounded_until = 0, 0
    running: list[tuple[int, int]] = []
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

    def until(day: int) -> int:
        position = bisect_right(starts, day)
        if not position:
            return 0
        piece = apart[position - 1]
        return sums[position] - (piece.value or 0) * max(piece.last - day, 0)

    ends = {min(end, last) for piece in apart for end in (piece.first + days - 1, piece.last)}
    return Fraction(max((until(end) - until(end - days) for end in ends), default=0), days * scale)


def window(last: date, days: int) -> tuple[date, date]:
    """Return the first and last day of the `days` days that end on `last`."""
    return earlier(last, days - 1), last


def earlier(day: date, days: int) -> date:
    """Return the day so many days before another one, or the first one that there is."""
    return later(day, -days)
