"""FHIR dates as intervals of days, and calendar arithmetic on them.

A FHIR date may be a year, a month, a day, or an instant (FHIR R4, data types, dateTime). A year or a month becomes the
interval of the days it may mean, so that a comparison can return UNKNOWN.
"""

import calendar
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from typing import Literal, TypeAlias

from msgspec import Struct

from fhir_mappings.fhir_json import Json
from fhir_mappings.truth import Truth

Unit: TypeAlias = Literal["days", "weeks", "months", "years"]


@dataclass(frozen=True, slots=True)
class CalendarPeriod:
    """A length of calendar time, such as 6 months."""

    number: int
    unit: Unit

    def __str__(self) -> str:
        return f"{self.number} {self.unit[:-1] if self.number == 1 else self.unit}"


class DateInterval(Struct, frozen=True):
    """The days on which something may have happened, both inclusive; `instant` if a time of day is known."""

    earliest: date
    latest: date
    instant: datetime | None = None

    def __str__(self) -> str:
        if self.earliest == self.latest:
            return self.earliest.isoformat()
        if self.earliest == date.min:
            return f"until {self.latest.isoformat()}"
        if self.latest == date.max:
            return f"since {self.earliest.isoformat()}"
        first = self.earliest
        if (first.month, first.day) == (1, 1) and self.latest == date(first.year, 12, 31):
            return f"{first.year:04d}"
        if first.day == 1 and self.latest == plus(first, CalendarPeriod(1, "months")) - timedelta(days=1):
            return f"{first.year:04d}-{first.month:02d}"
        return f"{first.isoformat()} to {self.latest.isoformat()}"


_MONTH_OR_YEAR = re.compile(r"(\d{4})(?:-(\d{2}))?\Z", re.ASCII)
_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})\Z", re.ASCII)
_LEAP_SECOND = re.compile(r"(T\d{2}:\d{2}):60")


def parse(value: Json, zone: tzinfo) -> DateInterval | None:
    """Parse a FHIR date, dateTime, or instant to days in the local `zone`; return None for anything else."""
    if not isinstance(value, str):
        return None
    try:
        if len(value) == 10 and value[4] == value[7] == "-" and value.isascii():
            # Most dates are whole days, and this takes a third of the time of the patterns.
            day_itself = date.fromisoformat(value)
            return DateInterval(day_itself, day_itself)
        if matched := _MONTH_OR_YEAR.match(value):
            year, month = (int(part) if part else None for part in matched.groups())
            first = date(year or 0, 1 if month is None else month, 1)
            last_month = 12 if month is None else month
            last_day = calendar.monthrange(first.year, last_month)[1]
            return DateInterval(first, date(first.year, last_month, last_day))
        if _INSTANT.match(value):
            instant = datetime.fromisoformat(_LEAP_SECOND.sub(r"\1:59", value))
            day_of = instant.astimezone(zone).date()
            return DateInterval(day_of, day_of, instant)
    except (ValueError, OverflowError):
        return None
    return None


_PLAIN_DAY = re.compile(
    r"(\d{4})(-?)(\d{2})\2(\d{2})"
    r"(?:(?:[Tt ] ?\d{1,2}(?::?\d{2}){0,2}|\d{4}(?:\d{2})?)(?:[.,]\d{1,9})?(?: ?[AaPp]\.?[Mm]\.?)?|[Tt])?"
    r" ?(?:[A-Za-z]{1,5}|[+-]\d{1,2}(?::?\d{2})?)?(?:\[[\w/+-]{1,30}\])?\Z",
    re.ASCII,
)
"""A day, and perhaps a time that breaks a rule of FHIR: no zone or one in another form, a space for the T, 24:00."""
_LONGEST_DATE = 80


def parse_leniently(value: Json, zone: tzinfo) -> DateInterval | None:
    """Parse a date as `parse` does, else take its plain day, as it is written; None where no day can be read.

    For elements whose sender means a calendar day, such as the day of a planned service.
    """
    found = parse(value, zone)
    if found is not None or not isinstance(value, str) or len(value) > _LONGEST_DATE:
        return found
    matched = _PLAIN_DAY.match(value.strip())
    if not matched:
        return None
    try:
        day = date(int(matched[1]), int(matched[3]), int(matched[4]))
    except ValueError:
        return None
    return DateInterval(day, day)


def parse_period(value: Json, zone: tzinfo) -> tuple[DateInterval | None, DateInterval | None]:
    """Parse start and end of a FHIR Period; each is None if it is missing or unreadable."""
    if value is None or not isinstance(value, (dict, Mapping)):  # most elements that may be a Period are missing
        return None, None
    return parse(value.get("start"), zone), parse(value.get("end"), zone)


def plus(day: date, span: CalendarPeriod) -> date:
    """Add a span to a day; a day that the target month lacks becomes its last one (Aug 31 + 6 months = Feb 28)."""
    try:
        if span.unit in ("days", "weeks"):
            return day + timedelta(days=span.number * (7 if span.unit == "weeks" else 1))
        months = day.year * 12 + day.month - 1 + span.number * (12 if span.unit == "years" else 1)
        year, month = divmod(months, 12)
        return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))
    except (ValueError, OverflowError):
        return date.max if span.number > 0 else date.min


def later(day: date, days: int) -> date:
    """Return the day so many days after another one, or the last or first one that there is."""
    try:
        return day + timedelta(days)
    except OverflowError:
        return date.max if days > 0 else date.min


def elapsed_at_least(span: CalendarPeriod, since: DateInterval, until: date) -> Truth:
    """Return whether at least `span` lies between `since` and `until`; UNKNOWN if the interval straddles the threshold.

    The boundary counts: six months to the day have passed.
    """
    if plus(since.latest, span) <= until:
        return Truth.YES
    return Truth.NO if plus(since.earliest, span) > until else Truth.UNKNOWN


def is_on_or_before(when: DateInterval, day: date) -> Truth:
    """Return whether it happened on or before `day`; UNKNOWN if the interval straddles it."""
    if when.latest <= day:
        return Truth.YES
    return Truth.NO if when.earliest > day else Truth.UNKNOWN


def is_within(when: DateInterval, span: CalendarPeriod, until: date) -> Truth:
    """Return whether it happened at most `span` before `until` and not after it.

    The boundary counts: a study six months ago to the day is within six months.
    """
    return ~has_passed_strictly(span, when, until) & is_on_or_before(when, until)


def has_passed_strictly(span: CalendarPeriod, since: DateInterval, until: date) -> Truth:
    """Return whether more than `span` lies between `since` and `until`; UNKNOWN if the interval straddles that."""
    if plus(since.latest, span) < until:
        return Truth.YES
    return Truth.NO if plus(since.earliest, span) >= until else Truth.UNKNOWN
