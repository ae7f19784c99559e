"""What `condition` may ask of the past: whether a condition was there within a time, has ended, or when it began."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from coverage_policies.format.operator import Arguments, ClauseResult
from coverage_policies.format.phrases import DurationThreshold, duration, span
from coverage_policies.format.terms import Reason
from coverage_policies.format.value_sets import ValueSet
from fhir_mappings.codings import Course
from fhir_mappings.condition_course import Times
from fhir_mappings.condition_history import KnownCondition, there_within
from fhir_mappings.dates import CalendarPeriod
from fhir_mappings.truth import Truth, all_of


class StatusAsked(StrEnum):
    """Which conditions count: those that are present, those that were ever there, or those that are over."""

    ACTIVE = "active"
    ANY = "any"
    PAST = "past"


@dataclass(frozen=True, slots=True)
class HistoryTerms:
    """What is asked of the past; None for a time that the policy does not name."""

    status: StatusAsked
    within: CalendarPeriod | None
    onset: DurationThreshold | None

    def holds(self, known: KnownCondition, times: Times) -> Truth:
        """Return whether one condition is as asked, if the patient has or had it at all."""
        asked = []
        if self.status is StatusAsked.ACTIVE:
            asked.append(Truth.YES if known.is_present else Truth.UNKNOWN)
        elif self.status is StatusAsked.PAST:
            asked.append(known.has_ended)
        if self.within is not None:
            asked.append(there_within(known, self.within, times))
        if self.onset is not None:
            asked.append(self.onset.holds(known.began, times.day))
        found = all_of(asked)
        return found if known.is_certain or found is Truth.NO else Truth.UNKNOWN

    def _needs_all(self, fitting: Sequence[KnownCondition]) -> bool:
        """Return whether an older record may break it: a chronic condition began with its first record."""
        is_upper_bound = self.onset is not None and self.onset.comparison.is_upper_bound
        return is_upper_bound and not any(each.is_acute for each in fitting)

    def result(self, known: Sequence[KnownCondition], holds: Sequence[Truth], nothing: ClauseResult) -> ClauseResult:
        """Return YES if one condition is as asked, NO if none can be, else UNKNOWN.

        `holds` is whether each is as asked; `nothing` is the result for a chart without any of them.
        """
        judged = list(zip(known, holds, strict=True))
        fitting = [each for each, fits in judged if fits is Truth.YES]
        if fitting and not self._is_contradicted(fitting, judged):
            evidence = tuple(each.evidence for each in fitting)
            if self._needs_all(fitting) and nothing.holds is Truth.UNKNOWN:
                return ClauseResult(Truth.UNKNOWN, nothing.reason, (*evidence, *nothing.evidence))
            return ClauseResult(Truth.YES, Reason.PRESENT, evidence, headline=_headline(fitting[0]))
        evidence = tuple(each.evidence for each, fits in judged if fits is not Truth.NO)
        if fitting:
            return ClauseResult(Truth.UNKNOWN, Reason.CONFLICT if self._is_past else Reason.DATE_OUT_OF_RANGE, evidence)
        if evidence:
            is_certain = all(each.is_certain for each, fits in judged if fits is Truth.UNKNOWN)
            reason = Reason.DATE_OUT_OF_RANGE if is_certain and not self._is_past else Reason.INVALID_ATTRIBUTE
            return ClauseResult(Truth.UNKNOWN, reason, evidence)
        shown = tuple(each.evidence for each in known)
        if nothing.holds is Truth.UNKNOWN:
            return ClauseResult(Truth.UNKNOWN, nothing.reason, (*shown, *nothing.evidence))
        reason = Reason.INVALID_ATTRIBUTE if self._is_past else Reason.DATE_OUT_OF_RANGE
        return ClauseResult(Truth.NO, reason, shown)

    @property
    def _is_past(self) -> bool:
        return self.status is StatusAsked.PAST

    def _is_contradicted(
        self, fitting: Sequence[KnownCondition], judged: Sequence[tuple[KnownCondition, Truth]]
    ) -> bool:
        """Return whether other records speak against all that fit.

        One that is over, where the same condition is present; one that began lately, where an older record may be of
        the same chronic condition.
        """
        if self._is_past:
            present = {each.stated.label for each, _ in judged if each.is_present}
            return all(each.stated.label in present for each in fitting)
        if self._needs_all(fitting):
            return any(fits is not Truth.YES for each, fits in judged if not each.is_acute)
        return False


def _headline(known: KnownCondition) -> str:
    evidence = known.evidence
    when = f" {evidence.date}" if evidence.date else ""
    return f"{evidence.label}{when}" + (f", {evidence.value}" if evidence.value else "")


def history_terms(arguments: Arguments, codes: ValueSet) -> HistoryTerms | None:
    """Read what a clause asks of the past; None if it asks what is present now.

    Raises ValueError for arguments that do not go together, and says what to write instead.
    """
    named = [name for name in ("within", "onset") if name in arguments]
    status = StatusAsked(arguments.get("status", StatusAsked.ANY if "within" in arguments else StatusAsked.ACTIVE))
    if status is StatusAsked.ACTIVE and not named:
        return None
    if "lasting" in arguments:
        with_it = named[0] if named else "status"
        raise ValueError(
            f"'lasting' is about a condition that is present, and {with_it!r} about the past; use one of them"
        )
    if status is StatusAsked.ACTIVE and "within" in arguments:
        raise ValueError("'within' counts what was there at any time in it, active or not; leave out 'status: active'")
    courses = {row.course for row in codes.rows if row.decides}
    if status is StatusAsked.ACTIVE and courses == {Course.ACUTE}:
        raise ValueError("an acute condition is present for days only; write 'status: any' beside 'onset'")
    if status is StatusAsked.PAST and Course.PERMANENT in courses:
        raise ValueError("a permanent condition never ends; write 'status: any', or give its rows another course")
    if status is StatusAsked.ANY and not named and "encounter_diagnosis" in arguments:
        raise ValueError("'status: any' counts a diagnosis however old it is; leave out 'encounter_diagnosis'")
    return HistoryTerms(
        status,
        span(arguments["within"]) if "within" in arguments else None,
        duration(arguments["onset"]) if "onset" in arguments else None,
    )
