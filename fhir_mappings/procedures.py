"""Procedures: what was done, on which days, and for what."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import Enum

from fhir_mappings.codings import (
    CPT,
    HCPCS,
    LOINC,
    SNOMED,
    CodeMatcher,
    Coding,
    Match,
    codings,
    codings_and_text,
    concept_text,
    items,
)
from fhir_mappings.dates import DateInterval, parse_period
from fhir_mappings.fhir_json import Resource
from fhir_mappings.laterality import RecordedSide, body_sites, side_of
from fhir_mappings.order_terms import OrderTerms
from fhir_mappings.order_text import read_phrase
from fhir_mappings.record import Evidence, PatientRecord
from fhir_mappings.undone import may_be_undone


class Progress(Enum):
    """How far a procedure or study got."""

    DONE = "done"
    UNDER_WAY = "under way"
    UNCLEAR = "unclear"
    """Preliminary, stopped, discontinued, of unknown status, matched by a code that only asks, or unreadable."""


@dataclass(frozen=True, slots=True)
class Procedure:
    """One procedure or study. `start` and `end` are None if the day is unknown.

    `side` is None, and `purpose` (`diagnostic` or `therapeutic`) empty, if the resource does not state it. `about` are
    the body sites, reasons, and words that say what it was for, each with its codes and words.
    """

    reference: str
    label: str
    progress: Progress
    start: DateInterval | None
    end: DateInterval | None
    evidence: Evidence
    side: RecordedSide | None = None
    purpose: str = ""
    about: tuple[tuple[Coding, ...], ...] = ()

    @property
    def day(self) -> DateInterval | None:
        """Return the start, else the end."""
        return self.start or self.end


_OF_SOMETHING_ELSE = re.compile(
    r"\b(?:therapeutic|diagnostic)\s+(?:\w+\s+)?(?:exercis|activit|massage|modalit|ultraso|mri\b|mr\b|ct\b|imaging|x-?ray"
    r"|radiograph|stud(?:y|ies)\b|test|evaluation|work-?up|arthroscop|laparoscop)",
    re.IGNORECASE,
)
"""Words that make a diagnostic or therapeutic thing of something else than the procedure."""
PROCEDURE_PROGRESS = {"completed": Progress.DONE, "in-progress": Progress.UNDER_WAY}
_UNDERSTOOD = (CPT, HCPCS, SNOMED, LOINC, "http://www.ada.org/cdt")
"""The code systems of procedures of which a code in no value set is another procedure. The sets have no ICD-10-PCS."""
_DETAIL_ELEMENTS = ("bodySite", "reasonCode", "series")
_NEVER_HAPPENED = ("not-done", "entered-in-error", "cancelled")


def procedures(record: PatientRecord, codes: CodeMatcher) -> tuple[Procedure, ...]:
    """Return the procedures with one of these codes, without those that never happened."""
    return record.cached(("procedures", codes), lambda: _procedures(record, codes))


def unidentified_procedures(record: PatientRecord) -> tuple[Procedure, ...]:
    """Return the procedures without a code that is understood, each as it is named: it may be any procedure."""
    found = (
        read_event(record, resource, "code", "performed", Match(_name(resource), False), PROCEDURE_PROGRESS)
        for resource in record.of_type("Procedure")
        if not any(coding.system in _UNDERSTOOD for coding in codings(resource.get("code")))
    )
    return tuple(each for each in found if each)


def _name(resource: Resource) -> str:
    return concept_text(resource.get("code")) or "Procedure that cannot be identified"


def _procedures(record: PatientRecord, codes: CodeMatcher) -> tuple[Procedure, ...]:
    coded = record.cached(
        "codes of procedures",
        lambda: [(resource, codings(resource.get("code"))) for resource in record.of_type("Procedure")],
    )
    found = [(resource, match) for resource, given in coded if (match := codes(given))]
    read = [read_event(record, resource, "code", "performed", match, PROCEDURE_PROGRESS) for resource, match in found]
    return tuple([each for each in read if each])


def read_event(
    record: PatientRecord,
    resource: Resource,
    code_element: str,
    date_element: str,
    match: Match | None,
    progress_of: Mapping[str, Progress],
) -> Procedure | None:
    """Return a resource as something that was done; None if its code does not match or it never happened.

    `progress_of` is what each status means; any other is UNCLEAR, and so is one that its codes or words contradict.
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
    if not match.decides or _may_be_undone(record, resource, code_element):
        progress = Progress.UNCLEAR
    is_one_day = end is None or end is start or str(end) == str(start)
    shown = "" if start is None else str(start) if is_one_day else f"{start} to {end}"
    side = record.cached_of("side", resource, lambda: side_of(resource, record.terms, code_element))
    purpose = record.cached_of("purpose", resource, lambda: _purpose(resource, record.terms, code_element))
    value = "to be confirmed" if progress is Progress.UNCLEAR else progress.value
    if progress is Progress.DONE:
        value = ", ".join(filter(None, (side, purpose)))
    evidence = Evidence(reference, match.label, shown, value)
    about = record.cached_of("subjects", resource, lambda: subjects_of(record, resource, code_element))
    return Procedure(reference, match.label, progress, start, end, evidence, side, purpose, about)


def _may_be_undone(record: PatientRecord, resource: Resource, code_element: str) -> bool:
    def read() -> bool:
        return may_be_undone((*items(resource.get(code_element)), *items(resource.get("reasonCode"))))

    return record.cached_of("undone", resource, read)


def subjects_of(record: PatientRecord, resource: Resource, code_element: str) -> tuple[tuple[Coding, ...], ...]:
    """Return the body sites, the reasons, and the own words of a procedure or order: what they say it is for."""
    targets = (record.resolve(each, within=resource) for each in items(resource.get("reasonReference")))
    reasons = [*items(resource.get("reasonCode")), *(each for t in targets if t for each in items(t.get("code")))]
    words = [Coding("", "", text) for one in items(resource.get(code_element)) for text in own_words(one)]
    found = [*body_sites(resource), *map(codings_and_text, reasons), tuple(words)]
    return tuple(each for each in found if each)


def own_words(concept: Resource) -> list[str]:
    """Return the words of a concept without the labels of billing codes, which are definitions."""
    labels = {each.display.casefold(): each.system in (CPT, HCPCS) for each in codings(concept) if each.display}
    text = concept.get("text")
    texts = [text] if isinstance(text, str) and text.strip() and not labels.get(text.casefold()) else []
    return texts + [label for label, is_definition in labels.items() if not is_definition]


def _purpose(resource: Resource, terms: OrderTerms, code_element: str) -> str:
    """Return `diagnostic` or `therapeutic` if the resource states exactly one of them; else an empty string."""
    concepts = (*items(resource.get(code_element)), *items(resource.get("reasonCode")))
    texts = [text for concept in concepts for text in own_words(concept) if not _OF_SOMETHING_ELSE.search(text)]
    readings = {(each.value, each.is_stated) for text in texts for each in read_phrase(text, terms, ("purpose",))}
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


def latest_on_or_before(facts: tuple[Procedure, ...], day: date) -> Procedure | None:
    """Return the latest completed procedure that may lie on or before a day.

    Compare by the latest possible end; a procedure without a day counts as the latest.
    """
    done = [f for f in facts if f.progress is Progress.DONE and (f.end is None or f.end.earliest <= day)]
    return max(done, key=lambda f: (f.end.latest if f.end else date.max, f.reference), default=None)
