"""Which conditions are present on a day, by what the chart states of them and by their course.

A permanent condition stands from any confirmed statement until one refutes it. A chronic one is present on the problem
list until it ends, and as the diagnosis of an encounter for a time. An acute one is present in the encounter of the
order, and for days after it began unless its encounter is over. A later statement replaces an earlier one of the same
condition, whatever list each stands on; of two about the same time that disagree, neither counts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import TypeAlias

from msgspec import Struct, structs

from fhir_mappings.codings import CodeMatcher, Course
from fhir_mappings.conditions import Claim, Listing, Statement, statements
from fhir_mappings.dates import CalendarPeriod, DateInterval, is_within, plus
from fhir_mappings.laterality import UNCLEAR, RecordedSide
from fhir_mappings.record import Evidence, PatientRecord
from fhir_mappings.truth import Truth

_ANY_TIME = DateInterval(date.min, date.max)


class Presence(Enum):
    """Whether a condition is present on a day."""

    PRESENT = "present"
    PAST = "past"
    UNCERTAIN = "uncertain"


class Times(Struct, frozen=True):
    """The day that counts, the day of reading, the encounter of the order, and how long statements count.

    `encounter` is empty if the order names none. `encounter_diagnosis` is how long the diagnosis of an encounter counts
    for a chronic condition, `acute` how long an acute one counts, and two statements that are no further apart than
    `same_time` are about the same time.
    """

    day: date
    today: date
    encounter: str
    encounter_diagnosis: CalendarPeriod
    acute: CalendarPeriod
    same_time: CalendarPeriod

    @property
    def now(self) -> date:
        """Return the day up to which the chart can say what is present: the day that counts, not after the reading."""
        return min(self.day, self.today)


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition as of a day. `since` is the interval in which it began, open-ended where no date bounds it.

    `side` is None if the condition does not state one. `is_listed_problem` is whether it stands on the problem list.
    """

    reference: str
    label: str
    presence: Presence
    since: DateInterval
    evidence: Evidence
    side: RecordedSide | None = None
    is_listed_problem: bool = False


def conditions_on(record: PatientRecord, codes: CodeMatcher, times: Times) -> tuple[Condition, ...]:
    """Return every condition with one of these codes as of a day, without those refuted or not yet begun."""
    stated = statements(record, codes)
    if not stated:
        return ()
    doubts = Doubts(stated, times)
    found = ((each, as_of(each, doubts, times)) for each in stated if each.claim is not Claim.REFUTED)
    return tuple(_condition(each, *as_of) for each, as_of in found if as_of)


def _condition(stated: Statement, presence: Presence, why: str) -> Condition:
    evidence = structs.replace(stated.evidence, value=why) if why else stated.evidence
    is_listed = stated.listing is Listing.PROBLEM_LIST
    return Condition(stated.reference, stated.label, presence, since(stated), evidence, stated.side, is_listed)


def since(stated: Statement) -> DateInterval:
    """Return the interval in which a condition began: at its onset, and no later than it was recorded.

    If it was recorded before its onset, the onset is that of a later visit, and the beginning is unknown. It is unknown
    as well if the words of the condition say that it has lasted for long.
    """
    onset, recorded = stated.onset or _ANY_TIME, stated.recorded
    earliest = date.min if stated.is_called_lasting else onset.earliest
    if recorded is None:
        return DateInterval(earliest, onset.latest)
    first = earliest if earliest <= recorded.latest else date.min
    return DateInterval(first, min(onset.latest, recorded.latest))


def as_of(stated: Statement, doubts: "Doubts", times: Times) -> tuple[Presence, str] | None:
    """Return whether a condition is present on the day, and for the reader why not; None if it is no condition then."""
    for when in (stated.onset, stated.recorded, stated.ended):
        if when is not None and when.earliest > times.today:
            return Presence.UNCERTAIN, "dated in the future"
    if since(stated).earliest > times.day:
        return None
    presence, why = _by_itself(stated, times)
    if presence is not Presence.PRESENT:
        return presence, why
    match doubts.about(stated):
        case Doubt.NONE:
            return Presence.PRESENT, ""
        case Doubt.REFUTED_LATER:
            return None
        case Doubt.LATER:
            return Presence.UNCERTAIN, "a later record differs"
        case Doubt.AROUND:
            return Presence.UNCERTAIN, "records differ"


def _by_itself(stated: Statement, times: Times) -> tuple[Presence, str]:
    """Return whether a condition is present by its own statement, and if not why."""
    if stated.claim is Claim.UNREADABLE:
        return Presence.UNCERTAIN, "set aside"
    if stated.claim is Claim.UNCLEAR or not stated.decides:
        return Presence.UNCERTAIN, "to be confirmed"
    if stated.claim is Claim.ENDED and not _ended_later(stated, times):
        return Presence.PAST, "no longer active"
    if stated.course is Course.PERMANENT or (times.encounter and stated.encounter == times.encounter):
        return Presence.PRESENT, ""
    if stated.listing is Listing.HISTORY:
        return Presence.UNCERTAIN, "in the past history"
    if stated.course is Course.ACUTE:
        if stated.visit is not None and stated.visit.is_over(times.now):
            return Presence.UNCERTAIN, "from an encounter that is over"
        began = stated.onset or stated.recorded or (stated.visit.start if stated.visit else None)
        return _while_within(began, times.acute, times, "acute, to be confirmed")
    if stated.listing is Listing.ENCOUNTER:
        return _while_within(said(stated), times.encounter_diagnosis, times, "from an earlier encounter")
    if stated.listing is Listing.HEALTH_CONCERN and stated.claim is Claim.UNSTATED:
        return Presence.UNCERTAIN, "to be confirmed"
    return Presence.PRESENT, ""


def _ended_later(stated: Statement, times: Times) -> bool:
    """Return whether a condition that has ended had surely begun by the day and surely not ended."""
    return stated.ended is not None and since(stated).latest <= times.day < stated.ended.earliest


def _while_within(when: DateInterval | None, span: CalendarPeriod, times: Times, why: str) -> tuple[Presence, str]:
    if when is not None and when.earliest <= times.now:
        by_now = DateInterval(when.earliest, min(when.latest, times.now))
        if is_within(by_now, span, times.now) is Truth.YES:
            return Presence.PRESENT, ""
    return Presence.UNCERTAIN, why


class Doubt(Enum):
    """What other statements about the same condition say against one that it is present."""

    NONE = "none"
    """Nothing, or only earlier than it."""
    AROUND = "around"
    """The contrary, at a time that cannot be told from its own."""
    LATER = "later"
    """That it is over or in doubt, later."""
    REFUTED_LATER = "refuted later"


class Doubts:
    """The statements that a condition is over, was never there, or is in doubt, by condition and side.

    A statement is about the same condition if its label is the same or continues it: "Alcohol dependence, in remission"
    is about "Alcohol dependence". One made after the day does not count.
    """

    def __init__(self, stated: Sequence[Statement], times: Times) -> None:
        self._same_time = times.same_time
        self._refuted: dict[_Key, DateInterval] = {}
        self._doubted: dict[_Key, DateInterval] = {}
        """When a condition was last refuted, or last put in doubt otherwise."""
        for each in stated:
            labels = () if each.claim is Claim.UNREADABLE else _doubted(each)
            if not labels or (made := said(each)).earliest > times.day:
                continue
            last = self._refuted if each.claim is Claim.REFUTED else self._doubted
            for label in labels:
                known = last.get((label, each.side), made)
                last[label, each.side] = DateInterval(
                    max(known.earliest, made.earliest), max(known.latest, made.latest)
                )

    def about(self, stated: Statement) -> Doubt:
        """Return what is said against a statement."""
        if not self._refuted and not self._doubted:
            return Doubt.NONE
        refuted, doubted = self._compared(stated, self._refuted), self._compared(stated, self._doubted)
        if Doubt.LATER in refuted:
            return Doubt.REFUTED_LATER
        found = refuted | doubted
        return next((each for each in (Doubt.LATER, Doubt.AROUND) if each in found), Doubt.NONE)

    def is_refuted(self, stated: Statement) -> bool:
        """Return whether the patient may never have had it: it is refuted, and not certainly before the statement."""
        return not self._compared(stated, self._refuted) <= {Doubt.NONE}

    def _compared(self, stated: Statement, last: Mapping["_Key", DateInterval]) -> set[Doubt]:
        sides = (stated.side, None, "bilateral", UNCLEAR) if stated.side in ("left", "right") else _ANY_SIDE
        return {self._order(stated, last[key]) for side in sides if (key := (stated.label, side)) in last}

    def _order(self, stated: Statement, doubt: DateInterval) -> Doubt:
        made = said(stated)
        if doubt.earliest > plus(made.latest, self._same_time):
            return Doubt.LATER
        return Doubt.NONE if made.earliest > plus(doubt.latest, self._same_time) else Doubt.AROUND


_Key: TypeAlias = tuple[str, RecordedSide | None]
_ANY_SIDE: tuple[RecordedSide | None, ...] = (None, "left", "right", "bilateral", UNCLEAR)


def _doubted(stated: Statement) -> Sequence[str]:
    """Return the labels of the conditions that a statement puts in doubt."""
    if stated.claim in (Claim.ENDED, Claim.REFUTED):
        return (stated.label,)
    if stated.decides:
        return ()
    parts = stated.label.split(", ")
    return [", ".join(parts[:end]) for end in range(1, len(parts))]


def said(stated: Statement) -> DateInterval:
    """Return when a statement was made: for the diagnosis of an encounter at that encounter, else when recorded.

    That a condition is over is said when it ended; without that date it may have been said at any time since.
    """
    seen = stated.visit.day if stated.visit and stated.listing is Listing.ENCOUNTER else None
    made = seen or stated.recorded or stated.onset
    if stated.claim is Claim.ENDED:
        return stated.ended or DateInterval(made.earliest if made else date.min, date.max)
    return made or _ANY_TIME
