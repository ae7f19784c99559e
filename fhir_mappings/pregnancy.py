"""Whether a patient is pregnant on a day, by the week or trimester that the chart names.

Conditions and observations of the pregnancy status say that a patient is pregnant. The weeks that one of them names run
on from its date, and so do a measured gestational age and a due date, which alone say nothing. The trimesters begin at
14 and at 28 weeks (ICD-10-CM Official Guidelines, chapter 15); a due date is that of 40 weeks.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from math import floor

from fhir_mappings.codings import ICD10CM, CodeMatcher, Coding, codings
from fhir_mappings.condition_course import said
from fhir_mappings.conditions import Claim, Listing, Statement, statements
from fhir_mappings.dates import CalendarPeriod, DateInterval, is_within, later, parse_period, plus
from fhir_mappings.diagnoses import titles
from fhir_mappings.observations import observations
from fhir_mappings.procedures import Progress, procedures, unidentified_procedures
from fhir_mappings.record import Evidence, PatientRecord
from fhir_mappings.truth import Truth, agreed

_DAYS = 7
_DUE = 40 * _DAYS
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
    """The codes of a pregnancy and of the answer "pregnant", of the question for the status, and of what ends it.

    `done` are those of the procedures that end it, `weeks` those of the gestational age, and `due` of the due date.
    """

    pregnant: CodeMatcher
    status: CodeMatcher
    over: CodeMatcher
    done: CodeMatcher
    weeks: CodeMatcher
    due: CodeMatcher


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
    signs = [each for each in _signs(record, codes) if each.when.earliest <= now]
    ended = _ended(record, codes, term) if signs else DateInterval(*_NEVER)
    current = [found for each in signs if (found := _doubted(each, ended))]
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
    dated += _counted(record, codes, latest, ended, now, term)
    answer = agreed(map(holds, dated)) if dated else holds(latest)
    if answer is Truth.NO and latest.days is None and holds(latest) is not Truth.NO:
        answer = Truth.UNKNOWN
    return answer, tuple(dict.fromkeys(each.evidence for each in (latest, *dated)))


def _ended(record: PatientRecord, codes: PregnancyCodes, term: CalendarPeriod) -> DateInterval:
    """Return the last day on which a pregnancy surely ended, and the last one on which one may have."""
    ends = [*_deliveries(record, codes), *_other_ends(record, codes, term)]
    first, last = (max(each.earliest for each in ends), max(each.latest for each in ends)) if ends else _NEVER
    return DateInterval(first, last)


def _counted(
    record: PatientRecord, codes: PregnancyCodes, latest: _Sign, ended: DateInterval, now: date, term: CalendarPeriod
) -> list[_Sign]:
    """Return the gestational ages and due dates of the pregnancy that the latest sign is about.

    One by which a pregnancy was over before that sign is of an earlier pregnancy, and so may be one before an end.
    """
    found = []
    for each in (*_gestational_ages(record, codes), *_due_dates(record, codes)):
        first = each.days[0] if each.days else 0
        is_same = later(each.when.latest, _length(term) - 1 - first) >= latest.when.earliest
        if is_same and each.when.earliest <= now and ended.latest < each.when.earliest:
            found.append(each)
    return found


def _gestational_ages(record: PatientRecord, codes: PregnancyCodes) -> Iterator[_Sign]:
    """Yield the measured ages: a whole number of weeks is any day of that week."""
    for each in observations(record, codes.weeks):
        days = each.amount.in_unit("d") if each.amount else None
        if each.amount is None or each.when is None or days is None or days.low is None or days.high is None:
            continue
        first, last = floor(days.low), floor(days.high)
        weeks = each.amount.interval.low if days.low == days.high else None
        is_a_week = weeks is not None and days.low == weeks * _DAYS and weeks == floor(weeks)
        yield _Sign(each.when, (first, last + _DAYS - 1 if is_a_week else last), True, each.evidence)


def _due_dates(record: PatientRecord, codes: PregnancyCodes) -> Iterator[_Sign]:
    """Yield the due dates as the days of gestation on the day that they were told; without one, on the due date."""
    for resource in record.of_type("Observation"):
        if "valueDateTime" not in resource or not (match := codes.due(codings(resource.get("code")))):
            continue
        due = record.when(resource["valueDateTime"])
        is_final = resource.get("status") in ("final", "amended", "corrected")
        if due is None or not is_final or not record.is_usable(resource, "code", "effective", "value", "subject"):
            continue
        told = record.when(resource.get("effectiveDateTime")) or due
        days = _DUE - (due.latest - told.latest).days, _DUE - (due.earliest - told.latest).days
        yield _Sign(told, days, True, Evidence(record.reference(resource), match.label, str(told), f"due {due}"))


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
    named = (each for each in unidentified_procedures(record) if codes.done((Coding("", "", each.label),)))
    for done in (*procedures(record, codes.done), *named):
        yield _end(done.day or DateInterval(date.min, date.max), done.progress is Progress.DONE)
    yield from _stays(record, codes)


def _stays(record: PatientRecord, codes: PregnancyCodes) -> Iterator[DateInterval]:
    """Yield the days until which a pregnancy may have ended by the reason of a visit that is over."""
    for visit in record.of_type("Encounter"):
        if "reasonCode" in visit and visit.get("status") == "finished" and codes.over(codings(visit["reasonCode"])):
            start, end = parse_period(visit.get("period"), record.zone)
            yield _end(end or start or DateInterval(date.min, date.max), certain=False)


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
