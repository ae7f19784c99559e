"""Ages in whole months, between partial dates."""

from dataclasses import dataclass
from datetime import date

from fhir_mappings.dates import CalendarPeriod, DateInterval, plus

_COUNTED_IN_MONTHS = 24
"""Below this age, in months, an age is told in months."""


@dataclass(frozen=True, slots=True)
class Age:
    """An age in completed months, from `lowest` to `highest`, both inclusive; without a bound `highest` is None."""

    lowest: int
    highest: int | None

    def __str__(self) -> str:
        if self.highest is None:
            return f"{_told(self.lowest)} or more"
        if self.lowest == 0 and self.highest >= _COUNTED_IN_MONTHS:
            return f"{_told(self.highest)} or less"
        first, last = _told(self.lowest), _told(self.highest)
        return first if first == last else f"{first} to {last}"


def _told(months: int) -> str:
    if months < _COUNTED_IN_MONTHS:
        return f"{months} month" if months == 1 else f"{months} months"
    return str(months // 12)


def age_between(born: DateInterval, first: date, last: date) -> Age:
    """Return the age on the days from `first` to `last` of someone born on one of these days; 0 before the birth."""
    return Age(_months(born.latest, first), _months(born.earliest, last))


def _months(since: date, until: date) -> int:
    months = (until.year - since.year) * 12 + until.month - since.month
    return max(0, months if plus(since, CalendarPeriod(months, "months")) <= until else months - 1)
