"""Conditions: what a problem list says is present, was present, or leaves open."""

from dataclasses import dataclass, replace
from datetime import date
from enum import Enum

from fhir_mappings.codings import CodeMatcher, Coding, has_code, named
from fhir_mappings.dates import DateInterval, parse_period
from fhir_mappings.fhir_json import Resource
from fhir_mappings.laterality import Side, side_of
from fhir_mappings.record import Evidence, PatientRecord

_ELEMENTS = ("code", "clinicalStatus", "verificationStatus", "onset", "abatement", "recordedDate", "subject")
_ALWAYS = DateInterval(date.min, date.max)


class Presence(Enum):
    """Whether a condition is there on a day."""

    PRESENT = "present"
    PAST = "past"
    UNCERTAIN = "uncertain"
    """Not confirmed, of a code that only asks, or not readable."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One row of a problem list. `since` is the interval in which it began, open where nothing bounds it.

    `side` is None where the row does not say it.
    """

    reference: str
    label: str
    presence: Presence
    since: DateInterval
    until: DateInterval | None
    evidence: Evidence
    side: Side | None = None

    def on(self, day: date) -> "Condition | None":
        """Return the condition as it was on a day; None if it had not begun."""
        if self.since.earliest > day:
            return None
        was_there = self.presence is Presence.PAST and self.since.latest <= day
        if was_there and self.until is not None and day < self.until.earliest:
            return replace(self, presence=Presence.PRESENT)
        return self


def conditions(record: PatientRecord, codes: CodeMatcher) -> tuple[Condition, ...]:
    """Return the conditions with one of these codes, without refuted and erroneous ones."""
    return record.cached(("conditions", codes), lambda: tuple(_conditions(record, codes)))


def _named(record: PatientRecord) -> tuple[tuple[Resource, tuple[Coding, ...]], ...]:
    """Every condition with its codes."""
    return tuple((resource, named(resource.get("code"))) for resource in record.of_type("Condition"))


def _conditions(record: PatientRecord, codes: CodeMatcher) -> list[Condition]:
    found = []
    for resource, own in record.cached("conditions by code", lambda: _named(record)):
        match = codes(own)
        if match is None or has_code(resource.get("verificationStatus"), "refuted", "entered-in-error"):
            continue
        reference = record.reference(resource)
        if not record.is_usable(resource, *_ELEMENTS):
            evidence = Evidence(reference, match.label, value="set aside")
            found.append(Condition(reference, match.label, Presence.UNCERTAIN, _ALWAYS, None, evidence))
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
    """When it began: at its onset, and by the day it was recorded.

    Recorded before its onset it began who knows when: then the onset is that of a later visit.
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
    # FHIR knows no active condition that has abated (con-4), and a status in words alone may say anything.
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
