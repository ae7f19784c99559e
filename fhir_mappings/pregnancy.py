"""Whether a patient is pregnant on a day, by the week or trimester that the chart names.

Conditions and observations of the pregnancy status say that a patient is pregnant. The weeks that one of them names run
on from its date. The trimesters begin at 14 and at 28 weeks (ICD-10-CM Official Guidelines, chapter 15).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date

from fhir_mappings.codings import ICD10CM, CodeMatcher, codings
from fhir_mappings.condition_course import said
from fhir_mappings.conditions import Claim, Listing, Statement, statements
from fhir_mappings.dates import CalendarPeriod, DateInterval, is_within, plus
from fhir_mappings.diagnoses import titles
from fhir_mappings.procedures import Progress, procedures
from fhir_mappings.record import Evidence, PatientRecord
from fhir_mappings.truth import Truth, agreed

_DAYS = 7
_NEVER = (date.min, date.min)
_WEEKS = re.compile(r"\b(\d\d?) weeks gestation")
_STAGES = {
    "less than 8 weeks": (0, 8),
    "first trimester": (0, 14),
    "second trimester": (14, 28),
    "third trimester": (28, 42),
}
"""What titles of ICD-10-CM say of the weeks: the first one, and the one before which the stage ends."""
_OVER = ("childbirth", "puerperium", "greater than 42 weeks")
"""Words of titles that tell that the pregnancy is over."""


@dataclass(frozen=True, slots=True)
class PregnancyCodes:
    """The codes of a pregnancy and of the answer "pregnant", of the question for the status, and of what ends it."""

    pregnant: CodeMatcher
    status: CodeMatcher
    over: CodeMatcher


@dataclass(frozen=True, slots=True)
class _Sign:
    """One record that says pregnant. `days` are the first and the last day of gestation on its date; None: unknown."""

    when: DateInterval
    days: tuple[int, int] | None
    is_certain: bool
    evidence: Evidence


def pregnancy_on(
    record: PatientRecord, codes: PregnancyCodes, day: date, *, term: CalendarPeriod, unknown_week: CalendarPeriod
) -> tuple[Truth, tuple[Evidence, ...]]:
    """Return whether the patient is pregnant on a day, with the records that say so.

    NO means that no record says so, or that the pregnancy is over by then: after `term`, or after a delivery or another
    end. A record other than a problem that names no week counts for `unknown_week`; later it cannot tell.
    """
    now = min(day, record.today)
    ends = [*_deliveries(record, codes), *_other_ends(record, codes, term)]
    first, last = (max(each.earliest for each in ends), max(each.latest for each in ends)) if ends else _NEVER
    ended = DateInterval(first, last)  # the last day on which one surely ended, and the last on which one may have
    signs = [_doubted(each, ended) for each in _signs(record, codes) if each.when.earliest <= now]
    current = [each for each in signs if each]
    if not current:
        return Truth.NO, ()

    def holds(sign: _Sign) -> Truth:
        if not sign.is_certain or sign.when.earliest == date.min:
            return Truth.UNKNOWN
        elapsed = (day - sign.when.latest).days, (day - sign.when.earliest).days
        if sign.days is None and is_within(sign.when, unknown_week, now) is Truth.YES:
            return Truth.YES
        first, last = sign.days or (0, _length(term) - 1)
        if last + elapsed[1] < _length(term):
            return Truth.YES
        return Truth.NO if first + elapsed[0] >= _length(term) else Truth.UNKNOWN

    latest = max(current, key=lambda each: (each.when.latest, each.days is not None))
    dated = [each for each in current if each.days and plus(each.when.latest, term) >= latest.when.latest]
    answer = agreed(map(holds, dated)) if dated else holds(latest)
    if answer is Truth.NO and latest.days is None and holds(latest) is not Truth.NO:
        answer = Truth.UNKNOWN
    return answer, tuple(dict.fromkeys(each.evidence for each in (latest, *dated)))


def _length(term: CalendarPeriod) -> int:
    return (plus(date.min, term) - date.min).days


def _doubted(sign: _Sign, ended: DateInterval) -> _Sign | None:
    """Return a sign, as uncertain if a pregnancy may have ended after it; None if one surely has."""
    if ended.earliest >= sign.when.latest:
        return None
    return replace(sign, is_certain=sign.is_certain and ended.latest < sign.when.earliest)


def _signs(record: PatientRecord, codes: PregnancyCodes) -> Iterator[_Sign]:
    for stated in statements(record, codes.pregnant):
        if stated.claim in (Claim.ENDED, Claim.REFUTED) or _says_over(stated):
            continue
        is_certain = stated.decides and stated.claim in (Claim.ACTIVE, Claim.UNSTATED)
        days, when = _days_of_gestation(stated), said(stated)
        if days is None and stated.listing is Listing.PROBLEM_LIST:  # it began with its onset, and ends by itself
            when, days = stated.onset or when, (0, 0)
        elif days is not None and stated.onset is not None:  # the week of which of the two days is not told
            first, last = min(stated.onset.earliest, when.earliest), max(stated.onset.latest, when.latest)
            when = DateInterval(first, last)
        yield _Sign(when, days, is_certain, stated.evidence)
    for when, answer, is_certain, evidence in _statuses(record, codes):
        if answer is Truth.YES:
            yield _Sign(when, None, is_certain, evidence)


def _days_of_gestation(stated: Statement) -> tuple[int, int] | None:
    """Return the first and the last day of gestation that the codes of a condition name."""
    for title in _titles(stated):
        for words, (first_week, end) in _STAGES.items():
            if words in title:
                return first_week * _DAYS, end * _DAYS - 1
        if week := _WEEKS.search(title):
            return int(week[1]) * _DAYS, (int(week[1]) + 1) * _DAYS - 1
    return None


def _says_over(stated: Statement) -> bool:
    return any(words in title for title in _titles(stated) for words in _OVER)


def _titles(stated: Statement) -> list[str]:
    return [title.casefold() for each in stated.coded if each.system == ICD10CM for title in titles(each.code)[:1]]


def _deliveries(record: PatientRecord, codes: PregnancyCodes) -> Iterator[DateInterval]:
    """Yield the days of what ends a pregnancy, whether or not it is still on a list."""
    for stated in statements(record, codes.over):
        if stated.claim is not Claim.REFUTED:
            certain = stated.decides and stated.claim not in (Claim.UNCLEAR, Claim.UNREADABLE)
            yield _end(said(replace(stated, claim=Claim.ACTIVE)), certain)
    for done in procedures(record, codes.over):
        yield _end(done.day or DateInterval(date.min, date.max), done.progress is Progress.DONE)


def _end(day: DateInterval, certain: bool) -> DateInterval:
    """Return when a pregnancy ended; one that may not have ended then may have at any time before."""
    return day if certain else DateInterval(date.min, day.latest)


def _other_ends(record: PatientRecord, codes: PregnancyCodes, term: CalendarPeriod) -> Iterator[DateInterval]:
    """Yield when pregnancies ended by their own records: one without an end ended within a term of its record."""
    for stated in statements(record, codes.pregnant):
        made = said(replace(stated, claim=Claim.ACTIVE))
        if _says_over(stated) and stated.claim is not Claim.REFUTED:
            yield made
        elif stated.claim is Claim.ENDED:
            yield stated.ended or DateInterval(made.earliest, plus(made.latest, term))
    yield from (when for when, answer, _, _ in _statuses(record, codes) if answer is Truth.NO)


def _statuses(record: PatientRecord, codes: PregnancyCodes) -> Iterator[tuple[DateInterval, Truth, bool, Evidence]]:
    """Yield the observations of the pregnancy status: their day, the answer, and whether it is final."""
    for resource in record.of_type("Observation"):
        if not codes.status(codings(resource.get("code"))) or resource.get("status") == "entered-in-error":
            continue
        when, given = record.when(resource.get("effectiveDateTime")), codings(resource.get("valueCodeableConcept"))
        pregnant = codes.pregnant(given)
        if when is None or not (pregnant or codes.over(given)):
            continue
        usable = record.is_usable(resource, "status", "code", "effective", "value", "subject")
        is_final = resource.get("status") in ("final", "amended", "corrected")
        evidence = Evidence(record.reference(resource), pregnant.label if pregnant else "Not pregnant", str(when))
        yield when, Truth.of(pregnant is not None), usable and is_final, evidence
