"""Conditions: which are present, past, or uncertain."""

from dataclasses import dataclass, replace
from datetime import date
from enum import Enum

from fhir_mappings.codings import CodeMatcher, Coding, codings_and_text, has_code
from fhir_mappings.dates import DateInterval, parse_period
from fhir_mappings.fhir_json import Resource
from fhir_mappings.laterality import Side, side_of
from fhir_mappings.record import Evidence, PatientRecord

_ELEMENTS = ("code", "clinicalStatus", "verificationStatus", "onset", "abatement", "recordedDate", "subject")
_ANY_TIME = DateInterval(date.min, date.max)


class Presence(Enum):
    """Whether a condition is present on a day."""

    PRESENT = "present"
    PAST = "past"
    UNCERTAIN = "uncertain"
    """Unconfirmed, matched by a code that only asks, or unreadable."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition. `since` is the interval in which it began, open-ended where no date bounds it.

    `side` is None if the condition does not state one.
    """

    reference: str
    label: str
    presence: Presence
    since: DateInterval
    until: DateInterval | None
    evidence: Evidence
    side: Side | None = None

    def on(self, day: date) -> "Condition | None":
        """Return the condition as of a day; None if it had not begun."""
        if self.since.earliest > day:
            return None
        had_begun = self.presence is Presence.PAST and self.since.latest <= day
        if had_begun and self.until is not None and day < self.until.earliest:
            return replace(self, presence=Presence.PRESENT)
        return self


def conditions(record: PatientRecord, codes: CodeMatcher) -> tuple[Condition, ...]:
    """Return every condition with one of these codes, without refuted and erroneous ones."""
    return record.cached(("conditions", codes), lambda: tuple(_conditions(record, codes)))


def _with_codings(record: PatientRecord) -> tuple[tuple[Resource, tuple[Coding, ...]], ...]:
    """Return every condition with its codes and text."""
    return tuple((resource, codings_and_text(resource.get("code"))) for resource in record.of_type("Condition"))


def _conditions(record: PatientRecord, codes: CodeMatcher) -> list[Condition]:
    found = []
    for resource, own in record.cached("conditions by code", lambda: _with_codings(record)):
        match = codes(own)
        if match is None or has_code(resource.get("verificationStatus"), "refuted", "entered-in-error"):
            continue
        reference = record.reference(resource)
        if not record.is_usable(resource, *_ELEMENTS):
            evidence = Evidence(reference, match.label, value="set aside")
            found.append(Condition(reference, match.label, Presence.UNCERTAIN, _ANY_TIME, None, evidence))
            continue
        presence, onset, until = _presence(resource), _onset(record, resource), _abatement(record, resource)
        recorded = record.when(resource.get("recordedDate"))
        if not match.decides or _is_unconfirmed(resource):
            presence = Presence.UNCERTAIN
        value = {Presence.PRESENT: "", Presence.PAST: "no longer active", Presence.UNCERTAIN: "to be confirmed"}[
            presence
        ]
        shown = onset or recorded
        evidence = Evidence(reference, match.label, str(shown) if shown else "", value)
        since = _since(onset, recorded)
        found.append(Condition(reference, match.label, presence, since, until, evidence, side_of(resource, "code")))
    return found


def _since(onset: DateInterval | None, recorded: DateInterval | None) -> DateInterval:
    """Return the interval in which a condition began: at its onset, and no later than it was recorded.

    If it was recorded before its onset, the onset is that of a later visit, and the beginning is unknown.
    """
    first, last = (onset.earliest, onset.latest) if onset else (date.min, date.max)
    if recorded is None:
        return DateInterval(first, last)
    return DateInterval(first if first <= recorded.latest else date.min, min(last, recorded.latest))


def _presence(resource: Resource) -> Presence:
    status = resource.get("clinicalStatus")
    ended = any(name.startswith("abatement") and value is not None for name, value in resource.items())
    if has_code(status, "inactive", "remission", "resolved"):
        return Presence.PAST
    if status is None:
        return Presence.PAST if ended else Presence.PRESENT
    # FHIR R4 allows no active condition with an abatement (con-4), and a status without a code may mean anything.
    is_active = has_code(status, "active", "recurrence", "relapse") and not ended
    return Presence.PRESENT if is_active else Presence.UNCERTAIN


def _is_unconfirmed(resource: Resource) -> bool:
    status = resource.get("verificationStatus")
    return status is not None and not has_code(status, "confirmed")


def _onset(record: PatientRecord, resource: Resource) -> DateInterval | None:
    return record.when(resource.get("onsetDateTime")) or parse_period(resource.get("onsetPeriod"), record.zone)[0]


def _abatement(record: PatientRecord, resource: Resource) -> DateInterval | None:
    return (
        record.when(resource.get("abatementDateTime")) or parse_period(resource.get("abatementPeriod"), record.zone)[1]
    )
