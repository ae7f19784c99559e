"""Scales, ticks, and paths for the plots of the pages, in the units of an SVG drawing; knows no chart and no color."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise

from fhir_mappings.dates import CalendarPeriod, plus

Point = tuple[float, float]
"""A place in the drawing: to the right, and down."""

_DAY = timedelta(days=1)
_STEPS = (1, 2, 2.5, 5, 10)
"""By what a power of ten is multiplied for a step between two ticks that is easy to read."""


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark on an axis: where in the drawing, and what it says."""

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class LinearScale:
    """Map the numbers from `first` to `last` to the drawing from `start` to `end`, which may run upward.

    Where both numbers are the same, all numbers lie in the middle.
    """

    first: float
    last: float
    start: float
    end: float

    def at(self, value: float) -> float:
        """Return where a number lies; a number outside of the scale lies at its nearer end."""
        if self.first == self.last:
            return (self.start + self.end) / 2
        share = (value - self.first) / (self.last - self.first)
        return self.start + min(max(share, 0.0), 1.0) * (self.end - self.start)

    def ticks(self, most: int = 6) -> tuple[Tick, ...]:
        """Return at most so many ticks at round numbers within the scale."""
        return tuple(Tick(self.at(value), f"{value:.10g}") for value in round_numbers(self.first, self.last, most))


def round_numbers(first: float, last: float, most: int) -> tuple[float, ...]:
    """Return at most `most` evenly spaced round numbers from `first` to `last`; `first` alone if both are the same."""
    if last <= first or most < 2:
        return (first,)
    step = _round_step((last - first) / (most - 1))
    while (count := math.floor(last / step + 1e-9) - math.ceil(first / step - 1e-9) + 1) > most:
        step = _round_step(step * 1.01)
    begin = math.ceil(first / step - 1e-9)
    return tuple((begin + number) * step for number in range(count))


def round_above(value: float) -> float:
    """Return the round number with which an axis from zero ends that shows a value; 1 if it is not above zero."""
    return math.ceil(value / (step := _round_step(value / 5)) - 1e-9) * step if value > 0 else 1.0


def _round_step(least: float) -> float:
    power = 10.0 ** math.floor(math.log10(least))
    return next(step * power for step in _STEPS if step * power >= least * (1 - 1e-9))


_CALENDAR_STEPS: tuple[tuple[int, CalendarPeriod], ...] = (
    (1, CalendarPeriod(1, "days")),
    (2, CalendarPeriod(2, "days")),
    (7, CalendarPeriod(1, "weeks")),
    (14, CalendarPeriod(2, "weeks")),
    (31, CalendarPeriod(1, "months")),
    (61, CalendarPeriod(2, "months")),
    (92, CalendarPeriod(3, "months")),
    (183, CalendarPeriod(6, "months")),
    *((366 * years, CalendarPeriod(years, "years")) for years in (1, 2, 5, 10, 20, 50, 100, 500, 1000, 5000)),
)
"""The steps between two ticks of time, each with about how many days it has."""


@dataclass(frozen=True, slots=True)
class TimeScale:
    """Map the days from the start of `first` to the end of `last` to the drawing from `start` to `end`."""

    first: date
    last: date
    start: float
    end: float

    def at(self, when: date | datetime) -> float:
        """Return where the start of a day, or a moment of local time, lies; outside of the scale, its nearer end."""
        days = float((_day(when) - self.first).days)
        if isinstance(when, datetime):
            days += (when.hour + when.minute / 60) / 24
        return LinearScale(0, (self.last - self.first).days + 1, self.start, self.end).at(days)

    def middle_of(self, day: date) -> float:
        """Return where the middle of a day lies."""
        return (self.at(day) + self.after(day)) / 2

    def after(self, day: date) -> float:
        """Return where the end of a day lies."""
        return self.end if day >= self.last else self.at(day + _DAY)

    def ticks(self, most: int = 6) -> tuple[Tick, ...]:
        """Return at most so many ticks at the beginnings of days, weeks, months, or years."""
        days = (self.last - self.first).days + 1
        for length, step in _CALENDAR_STEPS:
            if days / length <= most + 1 and len(found := tuple(self._multiples(step))) <= most:
                return tuple(Tick(self.at(day), _label(day, step)) for day in found)
        return ()

    def _multiples(self, step: CalendarPeriod) -> Iterator[date]:
        day = _first_multiple(self.first, step)
        while day <= self.last:
            if day >= self.first:
                yield day
            later = plus(day, step)
            if later <= day or later == date.max:
                return
            day = later


def _day(when: date | datetime) -> date:
    return when.date() if isinstance(when, datetime) else when


def _first_multiple(day: date, step: CalendarPeriod) -> date:
    """Return the last beginning of a step that is not after a day: a Monday, the first of a quarter, a round year."""
    if step.unit == "weeks":
        return max(day - timedelta(days=min(day.weekday(), day.toordinal() - 1)), date.min)
    if step.unit == "months":
        return date(day.year, day.month - (day.month - 1) % step.number, 1)
    if step.unit == "years":
        return date(max(day.year - day.year % step.number, 1), 1, 1)
    return day


def _label(day: date, step: CalendarPeriod) -> str:
    if step.unit == "years":
        return f"{day.year}"
    return f"{day:%b} {day.year}" if step.unit == "months" else f"{day:%b} {day.day}"


def number(value: float) -> str:
    """Return a coordinate as SVG has it, with at most one decimal."""
    return f"{round(value, 1) + 0.0:.10g}"


def line_path(points: Iterable[Point]) -> str:
    """Return the `d` of a path through points, empty without one."""
    drawn = [f"{number(x)} {number(y)}" for x, y in points]
    return f"M{'L'.join(drawn)}" if drawn else ""


def stepped(points: Sequence[Point]) -> tuple[Point, ...]:
    """Return the corners of a line that keeps its height until the next point begins."""
    corners = list(points[:1])
    for (_, height), after in pairwise(points):
        corners += [(after[0], height), after]
    return tuple(corners)


def area_path(upper: Iterable[Point], lower: Iterable[Point]) -> str:
    """Return the `d` of the closed area between two lines from left to right, empty without a point."""
    outline = line_path([*upper, *reversed(tuple(lower))])
    return f"{outline}Z" if outline else ""
