"""Procedures and planned care: what was done, and on which days."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import Enum

from fhir_mappings.codings import CPT, HCPCS, CodeMatcher, Match, codings, items
from fhir_mappings.dates import DateInterval, parse_period
from fhir_mappings.fhir_json import Resource
from fhir_mappings.laterality import Side, side_of
from fhir_mappings.order_text import read_phrase
from fhir_mappings.record import Evidence, PatientRecord


class Progress(Enum):
    """How far a procedure or study got."""

    DONE = "done"
    UNDER_WAY = "under way"
    UNCLEAR = "unclear"
    """Preliminary, stopped, of unknown status, matched by a code that only asks, or unreadable."""


@dataclass(frozen=True, slots=True)
class Procedure:
    """One procedure or study. `start` and `end` are None if the day is unknown.

    `side` is None, and `purpose` (`diagnostic` or `therapeutic`) empty, if the resource does not state it.
    """

    reference: str
    label: str
    progress: Progress
    start: DateInterval | None
    end: DateInterval | None
    evidence: Evidence
    side: Side | None = None
    purpose: str = ""

    @property
    def day(self) -> DateInterval | None:
        """Return the start, else the end."""
        return self.start or self.end


PROCEDURE_PROGRESS = {"completed": Progress.DONE, "in-progress": Progress.UNDER_WAY}
_DETAIL_ELEMENTS = ("bodySite", "reasonCode", "series")
_NEVER_HAPPENED = ("not-done", "entered-in-error", "cancelled")


def procedures(record: PatientRecord, codes: CodeMatcher) -> tuple[Procedure, ...]:
    """Return the procedures with one of these codes, without those that never happened."""
    return record.cached(("procedures", codes), lambda: _procedures(record, codes))


def _procedures(record: PatientRecord, codes: CodeMatcher) -> tuple[Procedure, ...]:
    found = (
        read_event(record, resource, "code", "performed", codes(codings(resource.get("code"))), PROCEDURE_PROGRESS)
        for resource in record.of_type("Procedure")
    )
    return tuple(each for each in found if each)


def read_event(
    record: PatientRecord,
    resource: Resource,
    code_element: str,
    date_element: str,
    match: Match | None,
    progress_of: Mapping[str, Progress],
) -> Procedure | None:
    """Return a resource as something that was done; None if its code does not match or it never happened.

    `progress_of` is what each status means; any other is UNCLEAR.
    """
    status = resource.get("status")
    if match is None or status in _NEVER_HAPPENED:
        return None
    reference = record.reference(resource)
    if not record.is_usable(resource, code_element, date_element, "status", "subject", *_DETAIL_ELEMENTS):
        evidence = Evidence(reference, match.label, value="set aside")
        return Procedure(reference, match.label, Progress.UNCLEAR, None, None, evidence)
    start, end = _days(record, resource, date_element)
    progress = progress_of.get(status, Progress.UNCLEAR) if isinstance(status, str) else Progress.UNCLEAR
    if not match.decides:
        progress = Progress.UNCLEAR
    shown = "" if start is None else str(start) if end is None or str(end) == str(start) else f"{start} to {end}"
    side = record.cached(("side", id(resource)), lambda: side_of(resource, code_element))
    purpose = record.cached(("purpose", id(resource)), lambda: _purpose(resource, code_element))
    value = "to be confirmed" if progress is Progress.UNCLEAR else progress.value
    if progress is Progress.DONE:
        value = ", ".join(filter(None, (side, purpose)))
    evidence = Evidence(reference, match.label, shown, value)
    return Procedure(reference, match.label, progress, start, end, evidence, side, purpose)


def _purpose(resource: Resource, code_element: str) -> str:
    """Return `diagnostic` or `therapeutic` if the resource states exactly one of them; else an empty string."""
    texts: list[str] = []
    for concept in (*items(resource.get(code_element)), *items(resource.get("reasonCode"))):
        labels = [coding.display for coding in codings(concept) if coding.system not in (CPT, HCPCS)]
        texts += [*labels, concept["text"]] if isinstance(concept.get("text"), str) else labels
    readings = {(reading.value, reading.is_stated) for text in texts for reading in read_phrase(text, ("purpose",))}
    return next((value for value in ("diagnostic", "therapeutic") if readings == {(value, True)}), "")


def _days(record: PatientRecord, resource: Resource, element: str) -> tuple[DateInterval | None, DateInterval | None]:
    """Return start and end: both for a single date, one for an open period, none for one that ends before it starts."""
    day = record.when(resource.get(f"{element}DateTime")) or record.when(resource.get(element))
    if day:
        return day, day
    start, end = parse_period(resource.get(f"{element}Period"), record.zone)
    if start and end and (end.latest < start.earliest or _is_earlier(end, start)):
        return None, None
    return start, end


def _is_earlier(one: DateInterval, other: DateInterval) -> bool:
    return one.instant is not None and other.instant is not None and one.instant < other.instant


def is_active_order(resource: Resource) -> bool:
    """Return whether a request is an active order: not a proposal, an option, or `doNotPerform`."""
    return (
        resource.get("status") == "active"
        and resource.get("intent") not in ("proposal", "option")
        and resource.get("doNotPerform") is not True
    )


def plans(record: PatientRecord, codes: CodeMatcher) -> tuple[Evidence, ...]:
    """Return what is planned or under way: activities of active care plans, active orders, procedures in progress."""
    found = []
    for plan in record.of_type("CarePlan"):
        details = [detail for activity in items(plan.get("activity")) for detail in items(activity.get("detail"))]
        going_on = [d for d in details if d.get("status") not in _ACTIVITY_OVER and d.get("doNotPerform") is not True]
        concepts = [d.get("code") for d in going_on] + [plan.get("category")]
        match = next((m for concept in concepts if (m := codes(codings(concept)))), None)
        if (
            match
            and match.decides
            and plan.get("status") == "active"
            and plan.get("intent") not in ("proposal", "option")
            and record.is_usable(plan, "status", "intent", "activity", "category", "period", "subject")
        ):
            start, _ = parse_period(plan.get("period"), record.zone)
            found.append(Evidence(record.reference(plan), match.label, str(start or "")))
    for order in record.of_type("ServiceRequest"):
        match = codes(codings(order.get("code")))
        if (
            match
            and match.decides
            and is_active_order(order)
            and record.is_usable(order, "code", "status", "intent", "authoredOn", "doNotPerform", "subject")
        ):
            authored = record.when(order.get("authoredOn"))
            found.append(Evidence(record.reference(order), match.label, str(authored or "")))
    found += [p.evidence for p in procedures(record, codes) if p.progress is Progress.UNDER_WAY]
    return tuple(found)


_ACTIVITY_OVER = ("completed", "cancelled", "stopped", "entered-in-error")


def latest_on_or_before(facts: tuple[Procedure, ...], day: date) -> Procedure | None:
    """Return the latest completed procedure that may lie on or before a day.

    Compare by the latest possible end; a procedure without a day counts as the latest.
    """
    done = [f for f in facts if f.progress is Progress.DONE and (f.end is None or f.end.earliest <= day)]
    return max(done, key=lambda f: (f.end.latest if f.end else date.max, f.reference), default=None)
