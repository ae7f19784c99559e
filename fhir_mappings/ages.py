"""Ages in whole months: between partial dates, as a chart states them, and the days on which someone is that old."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from fhir_mappings.dates import CalendarPeriod, DateInterval, later, plus
from fhir_mappings.fhir_json import Json

_COUNTED_IN_MONTHS = 24
"""Below this age, in months, an age is told in months."""
_MAX_YEARS = 130
_MONTHS_IN = {
    **dict.fromkeys(("a", "year", "years", "yr", "yrs", "y"), (Decimal(12), Decimal(12))),
    **dict.fromkeys(("mo", "month", "months"), (Decimal(1), Decimal(1))),
    **dict.fromkeys(("wk", "week", "weeks"), (Decimal(7) / 31, Decimal(7) / 28)),
    **dict.fromkeys(("d", "day", "days"), (Decimal(1) / 31, Decimal(1) / 28)),
}
"""The least and the most months in units of UCUM, and in names that senders give them."""


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


def days_of_age(born: DateInterval, age: Age) -> DateInterval | None:
    """Return the days on which someone born on one of these days is of this age; None for an age without a bound."""
    if age.highest is None:
        return None
    after = plus(born.latest, CalendarPeriod(age.highest + 1, "months"))
    return DateInterval(plus(born.earliest, CalendarPeriod(age.lowest, "months")), later(after, -1))


def stated_age(quantity: Json) -> Age | None:
    """Return an Age, a Quantity of time; a whole number of years is a year of age."""
    if not isinstance(quantity, dict):
        return None
    value, unit = quantity.get("value"), quantity.get("code") or quantity.get("unit")
    months = _MONTHS_IN.get(unit.casefold()) if isinstance(unit, str) else None
    if isinstance(value, bool) or not isinstance(value, int | Decimal) or months is None:
        return None
    if not 0 <= value <= _MAX_YEARS * 366:
        return None
    is_whole = value == int(value)
    least, most = int(value * months[0]), int((value + 1) * months[1]) - 1 if is_whole else int(value * months[1])
    if least > _MAX_YEARS * 12:
        return None
    match quantity.get("comparator"):
        case None:
            return Age(least, max(least, most))
        case "<":
            return Age(0, least - 1) if least else None
        case "<=":
            return Age(0, max(least, most))
        case ">" | ">=":
            return Age(least, None)
        case _:
            return None


def stated_range(between: Json) -> Age | None:
    """Return a Range of ages as one age, from the lower to the higher one; an end that it leaves out is open."""
    if not isinstance(between, dict):
        return None
    low, high = stated_age(between.get("low")), stated_age(between.get("high"))
    return Age(low.lowest if low else 0, high.highest if high else None) if low or high else None
