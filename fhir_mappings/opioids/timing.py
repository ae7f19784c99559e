"""How many times a day a FHIR Timing requires a dose: by its structure, its code, and the words of its code.

The codes are those of HL7 (GTSAbbreviation) and SNOMED CT, whose frequencies the CQM content of OpenEMR and of CMS's
digital measures state with their names; any other code counts by its text or display.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce
from typing import Any, NoReturn

from fhir_mappings.codings import SNOMED, codings, concept_text, items
from fhir_mappings.fhir_json import Json
from fhir_mappings.opioids.quantities import (
    ContradictionError,
    Interval,
    UnconvertibleError,
    days_of_unit,
    exactly,
    number,
)
from fhir_mappings.opioids.sig_words import read_directions


@dataclass(frozen=True, slots=True)
class Frequency:
    """How many times a day, and how many doses on one occasion if occasions are two or more days apart."""

    per_day: Interval
    at_once: Fraction


_TIMES_PER_DAY = {
    "QD": Fraction(1),
    "DAILY": Fraction(1),
    "AM": Fraction(1),
    "PM": Fraction(1),
    "BED": Fraction(1),
    "HS": Fraction(1),
    "QHS": Fraction(1),
    "BID": Fraction(2),
    "TID": Fraction(3),
    "QID": Fraction(4),
    "QOD": Fraction(1, 2),
    "WK": Fraction(1, 7),
    "MO": Fraction(1, 30),
}
_EVERY_HOURS = re.compile(r"Q(\d{1,3})(?:-(\d{1,3}))?H(?:RS?)?\Z")
_SNOMED_TIMES = {
    "229797004": (1, 1),
    "229799001": (2, 2),
    "229798009": (3, 3),
    "307439001": (4, 4),
    "307440004": (5, 5),
    "307441000": (6, 6),
    "396107007": (1, 2),
    "396108002": (1, 3),
    "396109005": (1, 4),
    "396111001": (2, 4),
}
"""The least and the most times a day."""

_SNOMED_HOURS = {
    "225752000": (2, 4),
    "225754004": (3, 4),
    "396127008": (3, 6),
    "225756002": (4, 4),
    "307468000": (6, 6),
    "396139000": (6, 8),
    "307469008": (8, 8),
    "396140003": (8, 12),
    "307470009": (12, 12),
    "396125000": (24, 24),
    "396126004": (36, 36),
    "225760004": (48, 48),
    "396131002": (48, 48),
    "396143001": (72, 72),
    "225769003": (168, 168),
}
"""The least and the most hours between doses."""

_MEALS = {"C", "AC", "PC"}

_MOMENTS = {
    **dict.fromkeys(("MORN", "MORN.early", "MORN.late", "WAKE", "CM", "ACM", "PCM"), "morning"),
    **dict.fromkeys(("NOON", "CD", "ACD", "PCD"), "noon"),
    **dict.fromkeys(("AFT", "AFT.early", "AFT.late"), "afternoon"),
    **dict.fromkeys(("EVE", "EVE.early", "EVE.late", "CV", "ACV", "PCV"), "evening"),
    **dict.fromkeys(("NIGHT", "HS", "PHS"), "night"),
}
_CODED_MOMENTS = {"AM": "morning", "QAM": "morning", "PM": "evening", "QPM": "evening", "HS": "night", "QHS": "night"}


def frequency(timing: Json) -> Frequency:
    """Return how many times a day a Timing requires the dose.

    Raise UnconvertibleError if it does not say, or if its structure and its code disagree.
    """
    if not isinstance(timing, Mapping):
        raise UnconvertibleError("timing is missing")
    repeat = timing.get("repeat")
    structured = _repeated(repeat) if isinstance(repeat, Mapping) else None
    coded = _coded(timing.get("code"))
    if structured is None and coded is None:
        raise UnconvertibleError("timing does not say how often")
    if structured is None or coded is None:
        return structured or Frequency(coded or exactly(1), Fraction(1))
    if not structured.per_day.overlaps(coded):
        raise ContradictionError("timing: code and repeat differ")
    return Frequency(structured.per_day.hull(coded), structured.at_once)


def moments_of_day(timing: Json) -> frozenset[str]:
    """Return the times of day that a Timing names; empty if it names none."""
    if not isinstance(timing, Mapping):
        return frozenset()
    repeat = timing.get("repeat")
    if isinstance(repeat, Mapping) and (repeat.get("when") or repeat.get("timeOfDay")):
        events = [_MOMENTS.get(event, "") if isinstance(event, str) else "" for event in _as_list(repeat.get("when"))]
        clock = [time for time in _as_list(repeat.get("timeOfDay")) if isinstance(time, str)]
        return frozenset(events) if all(events) and not clock else frozenset(clock) if not events else frozenset()
    for coding in codings(timing.get("code")):
        if coding.code.upper() in _CODED_MOMENTS:
            return frozenset([_CODED_MOMENTS[coding.code.upper()]])
    said = read_directions(concept_text(timing.get("code")))
    return said.moments if said is not None else frozenset()


def _repeated(repeat: Mapping[str, Any]) -> Frequency | None:
    on_days = {day for day in _as_list(repeat.get("dayOfWeek")) if isinstance(day, str)}
    times = _times_of_day(repeat)
    stated, period, unit = repeat.get("frequency"), repeat.get("period"), repeat.get("periodUnit")
    if stated is None and period is None and times is None and not on_days:
        return None
    # In FHIR R4, a missing frequency means once per period.
    least = number(stated) if stated is not None else (times.low if times else Fraction(1))
    most = number(repeat["frequencyMax"]) if repeat.get("frequencyMax") is not None else least
    if least is None or most is None or most < least or least <= 0:
        _unclear("timing.repeat.frequency")
    if times is not None and times.high is not None:
        most = max(most, times.high)
    if period is None and unit is None and (stated is None or on_days):
        shortest = longest = Fraction(1)
    else:
        shortest, longest = _period(repeat)
    if on_days and shortest >= 7:
        # Once a week on two days: the frequency says once, the days say twice.
        most = max(most, Fraction(len(on_days)))
    elif on_days:
        share = Fraction(len(on_days), 7)
        least, most = least * share, most * share
    at_once = most if shortest >= 2 and not on_days else Fraction(1)
    return Frequency(Interval(least / longest, most / shortest), at_once)


def _period(repeat: Mapping[str, Any]) -> tuple[Fraction, Fraction]:
    unit = days_of_unit(repeat.get("periodUnit"))
    shortest = number(repeat.get("period"))
    longest = number(repeat["periodMax"]) if repeat.get("periodMax") is not None else shortest
    if unit is None or shortest is None or longest is None or shortest <= 0 or longest < shortest:
        _unclear("timing.repeat.period")
    return shortest * unit, longest * unit


def _unclear(element: str) -> NoReturn:
    raise UnconvertibleError(f"{element} is missing or not a sensible number")


def _times_of_day(repeat: Mapping[str, Any]) -> Interval | None:
    clock, events = _as_list(repeat.get("timeOfDay")), _as_list(repeat.get("when"))
    if clock:
        return exactly(len(clock))
    if events:
        # "At meals" means three times a day, but a sender may mean once.
        most = sum(3 if event in _MEALS else 1 for event in events)
        return Interval(Fraction(len(events)), Fraction(most))
    return None


def _coded(concept: Json) -> Interval | None:
    """Return how many times a day a code and its words say; None if they do not say."""
    found = {said for coding in codings(concept) if (said := _by_code(coding.system, coding.code)) is not None}
    texts = [text for one in items(concept) if isinstance(text := one.get("text"), str)]
    for words in (*texts, *(coding.display for coding in codings(concept))):
        said = _by_abbreviation(words) or _by_words(words)
        if said is not None:
            found.add(said)
    if any(not one.overlaps(other) for one in found for other in found):
        raise ContradictionError("timing.code: the code and its words differ")
    return reduce(Interval.hull, found) if found else None


def _by_code(system: str, code: str) -> Interval | None:
    if system == SNOMED:
        if code in _SNOMED_TIMES:
            least, most = _SNOMED_TIMES[code]
            return Interval(Fraction(least), Fraction(most))
        if code in _SNOMED_HOURS:
            shortest, longest = _SNOMED_HOURS[code]
            return Interval(Fraction(24, longest), Fraction(24, shortest))
        return None
    return _by_abbreviation(code) or _by_words(code)


def _by_abbreviation(word: str) -> Interval | None:
    code = re.sub(r"[\s.]", "", word).upper()
    if code in _TIMES_PER_DAY:
        return exactly(_TIMES_PER_DAY[code])
    matched = _EVERY_HOURS.match(code)
    if matched:
        shortest, longest = int(matched[1]), int(matched[2] or matched[1])
        if 0 < shortest <= longest:
            return Interval(Fraction(24, longest), Fraction(24, shortest))
    return None


def _by_words(words: str) -> Interval | None:
    said = read_directions(words)
    if said is None or said.only is None or said.only.amount is not None:
        return None
    return said.only.times


def _as_list(value: Json) -> list[Any]:
    return value if isinstance(value, list) else []
