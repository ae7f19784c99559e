"""The thresholds of a policy document as its readers write them: `at least 75 %`, `under 6 months`, `exactly 2`.

Every phrase is parsed once, when the document is loaded. A phrase that cannot be read raises ValueError with an example
of how to write it.
"""

import re
from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum
from fractions import Fraction

from fhir_mappings.dates import CalendarPeriod, DateInterval, Unit, elapsed_at_least, has_passed_strictly
from fhir_mappings.truth import Truth


class Comparison(Enum):
    """How a value is compared with a threshold."""

    AT_LEAST = "at least"
    AT_MOST = "at most"
    UNDER = "under"
    OVER = "over"
    EXACTLY = "exactly"

    @property
    def is_upper_bound(self) -> bool:
        """Return whether it sets an upper bound, so that one more record may break it."""
        return self in (Comparison.UNDER, Comparison.AT_MOST)

    @property
    def opposite(self) -> "Comparison":
        """Return the comparison that holds for just the other values; `exactly` has none and is a KeyError."""
        pairs = {"at least": "under", "under": "at least", "at most": "over", "over": "at most"}
        return Comparison(pairs[self.value])


_WHOLE = r"\d{1,6}"
"""A whole number of a document. Six digits are beyond any threshold, and keep arithmetic with calendar days short."""
_DECIMAL = rf"{_WHOLE}(?:\.\d{{1,6}})?"
_NUMBER = rf"(?P<number>{_DECIMAL})"
_COMPARED = r"(?P<comparison>at least|at most|under|over|exactly)"
_SPAN = rf"(?P<number>{_WHOLE}) (?P<unit>days?|weeks?|months?|years?)"

POSITIVE = r"^[1-9]\d{0,5}$"
PERCENT = rf"^(?:at least|at most|under|over|exactly) {_DECIMAL} %$"
COUNT = rf"^(?:at least|at most|under|over|exactly) {_WHOLE}$"
SPAN = rf"^{_WHOLE} (?:days?|weeks?|months?|years?)$"
DURATION = rf"^(?:at least|at most|under|over) {_WHOLE} (?:days?|weeks?|months?|years?)$"
AGO = rf"^(?:at least|at most|under|over) {_WHOLE} (?:days?|weeks?|months?|years?) ago$"
HOURS = rf"^{_WHOLE} hours?$"
DAYS = r"^[1-9]\d{0,3} days?$"
FOLLOWING_DAYS = r"^[1-9]\d{0,5} following days?$"
"""The same phrases as patterns for a document's JSON Schema."""


@dataclass(frozen=True, slots=True)
class NumberThreshold:
    """A threshold for a number, compared exactly: 75 passes `at least 75 %`, 74.99 does not."""

    comparison: Comparison
    number: Fraction

    def holds(self, value: Fraction | int) -> bool:
        """Return whether the value satisfies the threshold."""
        match self.comparison:
            case Comparison.AT_LEAST:
                return value >= self.number
            case Comparison.AT_MOST:
                return value <= self.number
            case Comparison.UNDER:
                return value < self.number
            case Comparison.OVER:
                return value > self.number
            case Comparison.EXACTLY:
                return value == self.number

    def __str__(self) -> str:
        return f"{self.comparison.value} {self.number}"


@dataclass(frozen=True, slots=True)
class DurationThreshold:
    """A threshold for a stretch of calendar time; the boundary day completes the stretch."""

    comparison: Comparison
    span: CalendarPeriod

    def holds(self, since: DateInterval, until: date) -> Truth:
        """Return whether the time from `since` to `until` satisfies it; UNKNOWN if a partial date straddles it."""
        match self.comparison:
            case Comparison.AT_LEAST:
                return elapsed_at_least(self.span, since, until)
            case Comparison.UNDER:
                return ~elapsed_at_least(self.span, since, until)
            case Comparison.OVER:
                return has_passed_strictly(self.span, since, until)
            case Comparison.AT_MOST:
                return ~has_passed_strictly(self.span, since, until)
            case Comparison.EXACTLY:
                raise ValueError("a duration is never compared exactly")

    @property
    def opposite(self) -> "DurationThreshold":
        """Return the threshold that holds for just the other stretches of time."""
        return DurationThreshold(self.comparison.opposite, self.span)

    def __str__(self) -> str:
        return f"{self.comparison.value} {self.span}"


_SPELLINGS = (
    # what authors write, and the comparison that it means; the longer ones first
    (r"at minimum|no less than|no fewer than|not less than|minimum|min|>=|≥", Comparison.AT_LEAST),
    (r"at maximum|no more than|not more than|up to|maximum|max|<=|≤", Comparison.AT_MOST),
    (r"less than|fewer than|below|<", Comparison.UNDER),
    (r"more than|greater than|above|>", Comparison.OVER),
    (r"equal to|equals|==?", Comparison.EXACTLY),
)


def spelled_right(written: str, pattern: str, example: str) -> tuple[str, ...]:
    """Return what an author may have meant by a phrase that does not match a pattern; none if nothing is close.

    `6 months` may be `at least 6 months` or `under 6 months`, which say the opposite, so both are returned. Where the
    example is an upper bound, it can only be `at most 6 months`.
    """
    if re.fullmatch(pattern, written.strip()):
        return (written.strip(),)
    plain = re.sub(r"\s+", " ", re.sub(r"(?<=\d)(?=[%a-z])", " ", written.strip().casefold()))
    for words, comparison in _SPELLINGS:
        plain = re.sub(rf"^(?:{words})(?![a-z=]) ?", f"{comparison.value} ", plain)
    bare = re.sub(rf"^{_COMPARED} ", "", plain)
    meant = [plain] if re.fullmatch(pattern, plain) else []
    if not meant and bare == plain:
        either_way = (Comparison.AT_LEAST, Comparison.UNDER, Comparison.EXACTLY)
        at_most = Comparison.AT_MOST
        comparisons = (at_most,) if example.startswith(at_most.value) else either_way
        meant = [f"{each.value} {bare}" for each in comparisons]
    elif not meant and plain.startswith(Comparison.AT_MOST.value):
        meant = [bare]
    return tuple(each for each in meant if each.casefold() != written.casefold() and re.fullmatch(pattern, each))


def percent(phrase: str) -> NumberThreshold:
    """Read `at least 75 %`."""
    found = re.fullmatch(f"{_COMPARED} {_NUMBER} %", phrase)
    if not found:
        raise ValueError(f"{phrase!r} is not a percentage; write it like 'at least 75 %'")
    return NumberThreshold(Comparison(found["comparison"]), Fraction(found["number"]))


def count(phrase: str) -> NumberThreshold:
    """Read `exactly 2` or `at least 4`."""
    found = re.fullmatch(rf"{_COMPARED} (?P<number>{_WHOLE})", phrase)
    if not found:
        raise ValueError(f"{phrase!r} is not a count; write it like 'at least 4' or 'exactly 2'")
    return NumberThreshold(Comparison(found["comparison"]), Fraction(found["number"]))


def span(phrase: str) -> CalendarPeriod:
    """Read `6 months`."""
    found = re.fullmatch(_SPAN, phrase)
    if not found:
        raise ValueError(f"{phrase!r} is not a length of time; write it like '6 months' or '2 weeks'")
    return CalendarPeriod(int(found["number"]), _unit(found["unit"]))


def duration(phrase: str) -> DurationThreshold:
    """Read `under 6 months`; a trailing `ago` is allowed (`at least 2 weeks ago`)."""
    found = re.fullmatch(f"{_COMPARED} {_SPAN}(?: ago)?", phrase)
    if not found or found["comparison"] == "exactly":
        raise ValueError(f"{phrase!r} is not a duration; write it like 'under 6 months' or 'at least 2 weeks ago'")
    return DurationThreshold(
        Comparison(found["comparison"]), CalendarPeriod(int(found["number"]), _unit(found["unit"]))
    )


def age(phrase: str) -> DurationThreshold:
    """Read `at least 18 years` or `under 21 years`.

    "At most 17 years" may mean until the 17th birthday or before the 18th, and "over 65 years" is alike. Raises
    ValueError for both.
    """
    threshold = duration(phrase)
    one_more = CalendarPeriod(threshold.span.number + 1, threshold.span.unit)
    if threshold.comparison is Comparison.AT_MOST:
        raise ValueError(f"{phrase!r} has two meanings for an age; write 'under {one_more}'")
    if threshold.comparison is Comparison.OVER:
        raise ValueError(
            f"{phrase!r} has two meanings for an age; write 'at least {one_more}' or 'at least {threshold.span}'"
        )
    return threshold


def hours(phrase: str) -> timedelta:
    """Read `24 hours`."""
    found = re.fullmatch(rf"({_WHOLE}) hours?", phrase)
    if not found:
        raise ValueError(f"{phrase!r} is not a number of hours; write it like '24 hours'")
    return timedelta(hours=int(found[1]))


def days(phrase: str) -> int:
    """Read `14 days`."""
    found = re.fullmatch(r"([1-9]\d{0,3}) days?", phrase)
    if not found:
        raise ValueError(f"{phrase!r} is not a number of days; write it like '14 days'")
    return int(found[1])


def following_days(phrase: str) -> int:
    """Read `7 following days`."""
    found = re.fullmatch(r"([1-9]\d{0,5}) following days?", phrase)
    if not found:
        raise ValueError(f"{phrase!r} is not a number of days; write it like '7 following days'")
    return int(found[1])


def _unit(word: str) -> Unit:
    units: dict[str, Unit] = {"day": "days", "week": "weeks", "month": "months", "year": "years"}
    return units[word.rstrip("s")]
