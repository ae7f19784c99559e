"""A picture of the timeline as shapes to draw, with a table of the same facts for those who do not see it.

The shapes have kinds, which are classes of the style sheet: the picture itself has no color.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

from cds_service.web.svg_plot import LinearScale, TimeScale, line_path
from fhir_mappings.dates import DateInterval, later

WIDTH = 640
"""The width of every picture in units of the drawing; a text of 12 units stays readable on a phone, which scrolls."""
LEFT, RIGHT, TOP = 44, 624, 34
"""Where the plot begins and ends, and how much room is above it."""
_YEARS_SHOWN = 3
_LEAST_DAYS = 28
_LARGEST = 10**6
_TEXT_BELOW = 18


@dataclass(frozen=True, slots=True)
class Path:
    """A line or an area. `kind` says what it means; `title` is what it says when pointed at."""

    kind: str
    d: str
    title: str = ""


def _html_id(reference: str) -> str:
    return f"timeline-{reference.replace('/', '-')}" if reference else ""


@dataclass(frozen=True, slots=True)
class Mark:
    """A point: what it is, where, and which resource it is; its `shape` tells kinds apart without color."""

    kind: str
    x: float
    y: float
    title: str
    reference: str = ""
    shape: str = "dot"

    @property
    def html_id(self) -> str:
        """Return the id of the point in the page, empty if it is no resource or stands there already."""
        return _html_id(self.reference)


@dataclass(frozen=True, slots=True)
class Bar:
    """A stretch of time below the plot, with the words above it."""

    x: float
    y: float
    width: float
    words: str
    title: str
    reference: str = ""
    kind: str = "bar"

    @property
    def html_id(self) -> str:
        """Return the id of the bar in the page, empty if it is no resource or stands there already."""
        return _html_id(self.reference)


@dataclass(frozen=True, slots=True)
class Text:
    """Words in the drawing; `anchor` is `start`, `middle`, or `end`."""

    x: float
    y: float
    words: str
    anchor: str = "start"
    kind: str = "label"


@dataclass(frozen=True, slots=True)
class Table:
    """The facts of a picture: the heads of the columns, and the rows."""

    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture. `says` describes it in a sentence or two; `legend` are the kinds of its points in words."""

    name: str
    title: str
    says: str
    height: float
    table: Table
    paths: tuple[Path, ...] = ()
    marks: tuple[Mark, ...] = ()
    bars: tuple[Bar, ...] = ()
    texts: tuple[Text, ...] = ()
    legend: Mapping[str, str] = field(default_factory=dict)
    width: float = WIDTH

    @property
    def references(self) -> tuple[str, ...]:
        """Return the references of its points and bars; an empty one for each that is no resource."""
        return (*(each.reference for each in self.marks), *(each.reference for each in self.bars))


def drawable(value: Decimal | Fraction) -> float:
    """Return a number of a chart for a drawing; one that is absurdly large or small is cut."""
    return float(min(max(value, -_LARGEST), _LARGEST))


def days_shown(found: Iterable[date], today: date) -> tuple[date, date]:
    """Return the first and the last day of a picture, which goes until today.

    It begins with the first fact of the three years before the last one, with a little room, and has at least four
    weeks.
    """
    past = [day for day in found if day <= today]
    oldest = later(max(past, default=today), -366 * _YEARS_SHOWN)
    first = min((day for day in past if oldest <= day), default=today)
    length = max((today - first).days, _LEAST_DAYS)
    return later(today, -length - max(length // 25, 2)), later(today, max(length // 25, 2))


def middle(when: DateInterval) -> date:
    """Return the day in the middle of those on which something may have happened; the only end of an open period."""
    if when.earliest == date.min or when.latest == date.max:
        return when.latest if when.earliest == date.min else when.earliest
    return when.earliest + timedelta((when.latest - when.earliest).days // 2)


def uncertainty(when: DateInterval, time: TimeScale, y: float) -> tuple[Path, ...]:
    """Return the line over the days of a date that is only a month, a year, or a period; none for one day."""
    if when.earliest == when.latest:
        return ()
    return (Path("whisker", line_path([(time.at(when.earliest), y), (time.after(when.latest), y)]), str(when)),)


def axes(time: TimeScale, values: LinearScale, unit: str) -> tuple[tuple[Path, ...], tuple[Text, ...]]:
    """Return the grid of a plot and its labels; the values run from the bottom, where the time stands."""
    bottom = values.start
    paths = [Path("axis", line_path([(LEFT, bottom), (RIGHT, bottom)]))]
    texts = [Text(LEFT, TOP - 18, unit, kind="unit")]
    for tick in values.ticks(6):
        paths.append(Path("grid", line_path([(LEFT, tick.at), (RIGHT, tick.at)])))
        texts.append(Text(LEFT - 6, tick.at + 4, tick.label, "end", "tick"))
    for tick in time.ticks(6):
        paths.append(Path("axis", line_path([(tick.at, bottom), (tick.at, bottom + 5)])))
        texts.append(Text(tick.at, bottom + _TEXT_BELOW, tick.label, anchor_at(tick.at, 28), "tick"))
    return tuple(paths), tuple(texts)


def anchor_at(x: float, half: float) -> str:
    """Return how words of twice this width stand at `x`: in the middle, unless they would leave the drawing."""
    return "end" if x > WIDTH - half else "start" if x < half else "middle"


def today_line(time: TimeScale, today: date, bottom: float) -> tuple[Path, Text]:
    """Return the line of today with its label."""
    x = time.middle_of(today)
    return Path("today", line_path([(x, TOP - 12), (x, bottom)]), f"Today, {today}"), Text(
        x - 4, TOP - 18, "today", "end", "label"
    )


def with_ids_once(pictures: Sequence[Picture]) -> tuple[Picture, ...]:
    """Return the pictures with the id of each resource at its first point only: an id stands once in a page."""
    known: set[str] = set()
    found = []
    for picture in pictures:
        marks = tuple(each if _is_new(each.reference, known) else replace(each, reference="") for each in picture.marks)
        bars = tuple(each if _is_new(each.reference, known) else replace(each, reference="") for each in picture.bars)
        found.append(replace(picture, marks=marks, bars=bars))
    return tuple(found)


def _is_new(reference: str, known: set[str]) -> bool:
    is_new = reference not in known
    known.add(reference)
    return is_new
