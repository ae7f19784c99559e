"""Measurements over time against the limits that policies set for them, such as oxygen saturation or BMI."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from cds_service.web.sandbox.chart_items import short_decimals
from cds_service.web.sandbox.picture import (
    LEFT,
    RIGHT,
    TOP,
    Mark,
    Path,
    Picture,
    Table,
    Text,
    anchor_at,
    axes,
    days_shown,
    drawable,
    middle,
    today_line,
    uncertainty,
)
from cds_service.web.sandbox.timeline_limits import LimitAsked
from cds_service.web.svg_plot import LinearScale, TimeScale, area_path, line_path
from coverage_policies.format.value_sets import ValueSet
from fhir_mappings.amounts import Interval
from fhir_mappings.codings import LOINC
from fhir_mappings.dates import DateInterval
from fhir_mappings.measurement_states import is_recorded
from fhir_mappings.observations import Observation, observations
from fhir_mappings.record import PatientRecord
from fhir_mappings.truth import Truth

_BOTTOM = 190
_HEIGHT = 216
_ROOM = 0.15
"""How much of the range of the values is left free above and below them."""
_MOST_LABELED = 12
"""With more points than this, only the last one has its value beside it."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One measurement in the unit of the limits; `states` are what is recorded with it, such as `at rest`."""

    reference: str
    label: str
    when: DateInterval
    value: float
    printed: str
    states: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit as the document words it, the policy, and what it allows."""

    policy: str
    asks: str
    interval: Interval


def measured(record: PatientRecord, asked: Sequence[LimitAsked]) -> tuple[Measured, ...]:
    """Return the measurements of the set of these limits, oldest first; those without a day or a value are left out."""
    codes, unit = asked[0].codes, asked[0].limit.unit
    states = {state.name: state for each in asked for state in each.states}
    found = [
        Measured(
            each.reference,
            each.label,
            each.when,
            value,
            short_decimals(each.evidence.value),
            tuple(name.replace("-", " ") for name, state in states.items() if _is_recorded(record, each, codes, state)),
        )
        for each in observations(record, codes.match)
        if each.when is not None and each.when.earliest <= record.today and (value := _value(each, unit)) is not None
    ]
    return tuple(sorted(found, key=lambda each: (each.when.earliest, each.when.latest, each.reference)))


def _is_recorded(record: PatientRecord, each: Observation, codes: ValueSet, state: ValueSet) -> bool:
    return is_recorded(record, each, codes.match, state.match_once) is Truth.YES


def _value(each: Observation, unit: str) -> float | None:
    """Return the middle of what a value lies between, in a unit; its only end if it is open."""
    codes = tuple(coding.code for coding in each.codes if coding.system == LOINC)
    interval = each.amount.in_unit(unit, codes) if each.amount else None
    ends = [drawable(end) for end in (interval.low, interval.high) if end is not None] if interval else []
    return sum(ends) / len(ends) if ends else None


def measure_picture(name: str, unit: str, found: Sequence[Measured], limits: Sequence[Limit], today: date) -> Picture:
    """Return the picture of the measurements of one value set: points, and a band for what each limit allows."""
    title = name.replace("-", " ").capitalize()
    time = TimeScale(*days_shown((each.when.earliest for each in found), today), LEFT, RIGHT)
    drawn = [each for each in found if each.when.latest >= time.first]
    values = _scale([each.value for each in drawn], limits)
    grid, labels = axes(time, values, unit)
    today_path, today_text = today_line(time, today, _BOTTOM)
    paths, texts = [*grid, today_path], [*labels, today_text]
    for number, limit in enumerate(limits):
        paths += _band(limit, values)
        texts.append(_limit_label(limit, values, number))
    points = [(time.middle_of(middle(each.when)), values.at(each.value)) for each in drawn]
    paths += [path for each, (_, y) in zip(drawn, points, strict=True) for path in uncertainty(each.when, time, y)]
    for states in dict.fromkeys(each.states for each in drawn):
        same = (point for each, point in zip(drawn, points, strict=True) if each.states == states)
        paths.append(Path("course", line_path(same)))
    for number, (each, (x, y)) in enumerate(zip(drawn, points, strict=True), start=1):
        if len(drawn) <= _MOST_LABELED or number == len(drawn):
            texts.append(Text(x, y - 9, " ".join((each.printed, *each.states)), anchor_at(x, 60), "value"))
    return Picture(
        f"measure-{name}",
        title,
        _says(title, drawn, limits),
        _HEIGHT,
        Table(
            ("Day", "Measurement", "Value", "Recorded with it"),
            tuple((str(each.when), each.label, each.printed, ", ".join(each.states)) for each in reversed(found)),
        ),
        tuple(paths),
        tuple(
            Mark("measured", x, y, f"{each.label}: {each.printed}, {each.when}", each.reference)
            for each, (x, y) in zip(drawn, points, strict=True)
        ),
        texts=tuple(texts),
    )


def _scale(values: Iterable[float], limits: Iterable[Limit]) -> LinearScale:
    ends = [drawable(end) for each in limits for end in (each.interval.low, each.interval.high) if end is not None]
    every = [*values, *ends]
    room = max((max(every) - min(every)) * _ROOM, 1)
    return LinearScale(max(min(every) - room, min(0, *every)), max(every) + room, _BOTTOM, TOP)


def _band(limit: Limit, values: LinearScale) -> list[Path]:
    low, high = limit.interval.low, limit.interval.high
    top, bottom = (
        values.at(values.last if high is None else drawable(high)),
        values.at(values.first if low is None else drawable(low)),
    )
    title = f"{limit.asks} ({limit.policy})"
    edges = [values.at(drawable(end)) for end in dict.fromkeys((low, high)) if end is not None]
    area = area_path([(LEFT, top), (RIGHT, top)], [(LEFT, bottom), (RIGHT, bottom)])
    return [
        *([Path("allowed", area, title)] if top != bottom else []),
        *(Path("limit", line_path([(LEFT, y), (RIGHT, y)]), title) for y in edges),
    ]


def _limit_label(limit: Limit, values: LinearScale, number: int) -> Text:
    """Return the label of a limit within its band, one after another from the right and from the left."""
    low, high = limit.interval.low, limit.interval.high
    y = (
        values.at(drawable(high)) + 14
        if high is not None and low is None
        else values.at(drawable(low or Fraction(0))) - 5
    )
    at_right = number % 2 == 0
    words = f"{limit.asks} ({limit.policy})"
    return Text(RIGHT - 4 if at_right else LEFT + 4, y, words, "end" if at_right else "start", "limit-label")


def _says(title: str, drawn: Sequence[Measured], limits: Iterable[Limit]) -> str:
    by_policy: dict[str, list[str]] = {}
    for each in limits:
        by_policy.setdefault(each.policy, []).append(each.asks)
    asked = " ".join(f"Limits of {policy}: {', '.join(words)}." for policy, words in by_policy.items())
    last = drawn[-1]
    count = f"{len(drawn)} {'measurement' if len(drawn) == 1 else 'measurements'}"
    return f"{title}: {count}, the last one {' '.join((last.printed, *last.states))} on {last.when}. {asked}"
