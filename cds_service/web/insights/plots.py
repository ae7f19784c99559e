"""The geometry of the plots: columns over time, lines over time, and rows by name; the templates draw them."""

from collections.abc import Sequence
from dataclasses import dataclass

from cds_service.web.svg_plot import LinearScale, Point, Tick, line_path, round_above

_WHOLE = 100.0
"""The width of a drawing: places from left to right are percent of it, so that it fits any screen; down are pixels."""
_TOP, _BOTTOM = 10, 24
_HEIGHT = 220
_ROW = 44
_MOST_LABELS = 8
_DOT = 0.9
"""The width of a dot on a line, in percent."""


@dataclass(frozen=True, slots=True)
class Series:
    """Numbers of one kind, one per period or row; `kind` is the class of its color."""

    kind: str
    label: str
    values: Sequence[int]


@dataclass(frozen=True, slots=True)
class Bar:
    """A rectangle; `says` is what a pointer over it shows."""

    x: float
    y: float
    width: float
    height: float
    kind: str
    says: str


@dataclass(frozen=True, slots=True)
class Words:
    """A text in the drawing, with its place."""

    x: float
    y: float
    says: str


@dataclass(frozen=True, slots=True)
class Plot:
    """A drawing with its text alternative; `paths` are the class and the `d` of each line."""

    name: str
    title: str
    says: str
    height: int
    series: Sequence[Series]
    bars: Sequence[Bar] = ()
    paths: Sequence[tuple[str, str]] = ()
    y_ticks: Sequence[Tick] = ()
    x_ticks: Sequence[Tick] = ()
    words: Sequence[Words] = ()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to draw."""
        return not any(value for each in self.series for value in each.values)


def columns(name: str, title: str, says: str, labels: Sequence[str], series: Sequence[Series]) -> Plot:
    """Return stacked columns, one for each label."""
    totals = [sum(each.values[i] for each in series) for i in range(len(labels))]
    scale, slot = _upward(max(totals, default=0)), _slot(labels)
    bars: list[Bar] = []
    for i, label in enumerate(labels):
        below = 0
        for each in series:
            if value := each.values[i]:
                top, bottom = scale.at(below + value), scale.at(below)
                place = (i + 0.12) * slot
                bars.append(Bar(place, top, 0.76 * slot, bottom - top, each.kind, f"{label}, {each.label}: {value:,}"))
                below += value
    ticks = _labels(labels, slot)
    return Plot(name, title, says, _HEIGHT, series, bars=bars, y_ticks=_whole_numbers(scale), x_ticks=ticks)


def lines(name: str, title: str, says: str, labels: Sequence[str], series: Sequence[Series]) -> Plot:
    """Return a line for each series of milliseconds; where a value is zero, there is none, and the line has a gap."""
    scale, slot = _upward(max((value for each in series for value in each.values), default=0)), _slot(labels)
    paths: list[tuple[str, str]] = []
    bars: list[Bar] = []
    for each in series:
        run: list[Point] = []
        for i, value in enumerate([*each.values, 0]):
            if value:
                x, y = (i + 0.5) * slot, scale.at(value)
                run.append((x, y))
                words = f"{labels[i]}, {each.label}: {value:,} ms"
                bars.append(Bar(x - _DOT / 2, y - 3, _DOT, 6, each.kind, words))
            elif run:
                paths.append((each.kind, line_path(run)))
                run = []
    ticks = _labels(labels, slot)
    return Plot(
        name, title, says, _HEIGHT, series, bars=bars, paths=paths, y_ticks=_whole_numbers(scale), x_ticks=ticks
    )


def rows(name: str, title: str, says: str, labels: Sequence[str], series: Sequence[Series]) -> Plot:
    """Return stacked bars from the left, one below the other, each under its label."""
    totals = [sum(each.values[i] for each in series) for i in range(len(labels))]
    scale = LinearScale(0, max(totals, default=0) or 1, 0, _WHOLE)
    bars: list[Bar] = []
    words: list[Words] = []
    for i, label in enumerate(labels):
        words.append(Words(0, i * _ROW + 15, label))
        before = 0
        for each in series:
            if value := each.values[i]:
                left, right = scale.at(before), scale.at(before + value)
                place = i * _ROW + 21
                bars.append(Bar(left, place, right - left, 15, each.kind, f"{label}, {each.label}: {value:,}"))
                before += value
    return Plot(name, title, says, max(len(labels), 1) * _ROW, series, bars=bars, words=words)


def _upward(most: int) -> LinearScale:
    return LinearScale(0, round_above(max(most, 4)), _HEIGHT - _BOTTOM, _TOP)


def _whole_numbers(scale: LinearScale) -> tuple[Tick, ...]:
    return tuple(Tick(each.at, f"{int(each.label):,}") for each in scale.ticks() if each.label.isdigit())


def _slot(labels: Sequence[str]) -> float:
    return _WHOLE / max(len(labels), 1)


def _labels(labels: Sequence[str], slot: float) -> tuple[Tick, ...]:
    every = -(-len(labels) // _MOST_LABELS) if labels else 1
    return tuple(Tick((i + 0.5) * slot, label) for i, label in enumerate(labels) if i % every == 0)
