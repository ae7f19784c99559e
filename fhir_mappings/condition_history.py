"""Conditions that the patient has or had: whether each is certain, has ended, when it began, and when it was there.

Where `fhir_mappings.condition_course` tells what is present on a day, a statement of long ago counts here as well.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from msgspec import structs

from fhir_mappings.codings import CodeMatcher, Course
from fhir_mappings.condition_course import Doubts, Presence, Times, as_of, since
from fhir_mappings.conditions import Claim, Listing, Statement, statements
from fhir_mappings.dates import CalendarPeriod, DateInterval, is_on_or_before, is_within, plus
from fhir_mappings.laterality import RecordedSide
from fhir_mappings.record import Evidence, PatientRecord
from fhir_mappings.truth import Truth, any_of


@dataclass(frozen=True, slots=True)
class KnownCondition:
    """One statement of a condition that the patient has or had by a day.

    `is_certain` is False if it is not confirmed, only asks, or may be refuted. `is_present` is whether it is there on
    the day, `has_ended` whether it is over by then: YES for an end, a status that says so, or a place on the history
    list. `began` is the interval in which it began, open-ended where no date bounds it.
    """

    stated: Statement
    evidence: Evidence
    is_certain: bool
    is_present: bool
    has_ended: Truth
    began: DateInterval

    @property
    def side(self) -> RecordedSide | None:
        """Return the side that it states."""
        return self.stated.side

    @property
    def is_acute(self) -> bool:
        """Return whether it lasts for days, so that a later one is another one."""
        return self.stated.course is Course.ACUTE


def known_conditions(record: PatientRecord, codes: CodeMatcher, times: Times) -> tuple[KnownCondition, ...]:
    """Return every condition with one of these codes by a day, without those refuted later or not yet begun."""
    stated = statements(record, codes)
    doubts = Doubts(stated, times)
    found = ((each, as_of(each, doubts, times)) for each in stated if each.claim is not Claim.REFUTED)
    return tuple(_known(each, presence, doubts, times) for each, (presence, _) in ((e, a) for e, a in found if a))


def _known(stated: Statement, presence: Presence, doubts: Doubts, times: Times) -> KnownCondition:
    why = _doubtful(stated, doubts, times)
    is_present = presence is Presence.PRESENT
    has_ended = _has_ended(stated, times, is_present=is_present)
    value = why or (f"ended {stated.ended}" if stated.ended else "ended" if has_ended is Truth.YES else "")
    evidence = structs.replace(stated.evidence, value=value)
    return KnownCondition(stated, evidence, not why, is_present, has_ended, _began(stated, times))


def _doubtful(stated: Statement, doubts: Doubts, times: Times) -> str:
    """Return for the reader why it is not certain that the patient had it; empty if it is."""
    if stated.claim is Claim.UNREADABLE:
        return "set aside"
    if any(each is not None and each.earliest > times.today for each in (stated.onset, stated.recorded, stated.ended)):
        return "dated in the future"
    is_concern = stated.listing is Listing.HEALTH_CONCERN and stated.claim is Claim.UNSTATED
    if stated.claim is Claim.UNCLEAR or not stated.decides or is_concern:
        return "to be confirmed"
    if stated.course is Course.PERMANENT and stated.claim is Claim.ENDED:
        return "no longer active"  # what lasts for life and has ended may never have been there
    return "records differ" if doubts.is_refuted(stated) else ""


def _has_ended(stated: Statement, times: Times, *, is_present: bool) -> Truth:
    if is_present:
        return Truth.NO
    if stated.claim is Claim.ENDED:
        if stated.ended is None:
            return Truth.YES if times.day >= times.today else Truth.UNKNOWN
        return is_on_or_before(stated.ended, times.day)
    is_past_history = stated.listing is Listing.HISTORY and stated.claim is Claim.UNSTATED
    return Truth.YES if is_past_history else Truth.UNKNOWN


def _began(stated: Statement, times: Times) -> DateInterval:
    """Return when it began. An acute one that an encounter diagnosed began in the days before that, if not stated."""
    seen = _seen(stated)
    if stated.onset is None and stated.course is Course.ACUTE and seen is not None:
        return DateInterval(plus(seen.earliest, _back(times.acute)), seen.latest)
    return since(stated)


def _seen(stated: Statement) -> DateInterval | None:
    """Return the day of the encounter that diagnosed it, else the day it was recorded there; None on other lists."""
    if stated.listing is not Listing.ENCOUNTER:
        return None
    return (stated.visit.day if stated.visit else None) or stated.recorded


def there_within(known: KnownCondition, span: CalendarPeriod, times: Times) -> Truth:
    """Return whether a condition was there at some time in a period before the day.

    It was if it is present on the day, or if its onset, its encounter, its end, or a record of it as active is in that
    period. It was not if it ended before the period, or if it is acute, is not listed as active, and began too long
    before it.
    """
    if known.is_present:
        return Truth.YES
    within = any_of(is_within(each, span, times.day) for each in _days_there(known.stated))
    if within is Truth.YES:
        return Truth.YES
    first = plus(times.day, _back(span))
    stated = known.stated
    if stated.claim is Claim.ENDED and stated.ended is not None and stated.ended.latest < first:
        return Truth.NO
    is_listed = stated.claim is not Claim.ENDED and stated.listing is not Listing.ENCOUNTER
    if known.is_acute and not is_listed and plus(known.began.latest, times.acute) < first:
        return Truth.NO
    return Truth.UNKNOWN


def _days_there(stated: Statement) -> Iterator[DateInterval]:
    """Yield the days on which a statement says that the condition was there."""
    seen = _seen(stated)
    yield from (each for each in (stated.onset, seen, stated.ended) if each is not None)
    is_acute_with_onset = stated.course is Course.ACUTE and stated.onset is not None
    is_said_active = stated.claim is not Claim.ENDED and stated.listing is not Listing.HISTORY
    if stated.recorded is not None and is_said_active and not is_acute_with_onset:
        yield stated.recorded


def _back(span: CalendarPeriod) -> CalendarPeriod:
    return CalendarPeriod(-span.number, span.unit)
