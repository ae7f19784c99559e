"""Visits: what was done at encounters, and what was billed for (Encounter, ChargeItem, ExplanationOfBenefit).

Many EHRs keep therapy only as visits, and payers only as claims.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

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
    items,
    plain_codes,
)
from fhir_mappings.dates import DateInterval, parse_period
from fhir_mappings.fhir_json import Json, Resource
from fhir_mappings.procedures import Procedure, Progress
from fhir_mappings.record import Evidence, PatientRecord
from fhir_mappings.undone import is_discontinued, may_be_undone

KINDS = ("Encounter", "ChargeItem", "ExplanationOfBenefit")
MAX_ITEMS = 500
"""How many items of a claim are read."""

_ENCOUNTER_PROGRESS = {
    **dict.fromkeys(("finished", "in-progress"), Progress.DONE),
    **dict.fromkeys(("planned", "arrived", "triaged", "onleave", "cancelled", "entered-in-error"), None),
}
_CHARGE_PROGRESS = {
    **dict.fromkeys(("billed", "billable"), Progress.DONE),
    **dict.fromkeys(("planned", "not-billable", "aborted", "entered-in-error"), None),
}
"""What a status means: None if the visit never took place, or not yet. One of any other status may have."""
_NOT_KEPT = ("noshow", "cancelled")
"""The statuses of an appointment that did not take place."""
_NOT_BILLED = ("cancelled", "draft", "entered-in-error", "preauthorization", "predetermination")
_ENCOUNTER_KINDS = ("type", "serviceType", "reasonCode")
_UNDERSTOOD = (CPT, HCPCS, SNOMED, LOINC)
"""The code systems of visits and services of which a code in no value set is another visit."""


@dataclass(frozen=True, slots=True)
class Visit:
    """A visit with the resource that records it, and the item of a claim that bills for it."""

    done: Procedure
    resource: Resource
    item: Resource | None = None


def visits(record: PatientRecord, codes: CodeMatcher) -> tuple[Procedure, ...]:
    """Return the visits at which something with one of these codes was done, by what was recorded or billed."""
    return tuple(each.done for each in recorded_visits(record, codes))


def recorded_visits(record: PatientRecord, codes: CodeMatcher | None) -> tuple[Visit, ...]:
    """Return the visits at which something with one of these codes was done, each with its resource.

    Without codes, every encounter is a visit, and whatever was billed is UNCLEAR: laboratories bill as well.
    """
    return record.cached(("visits", codes), lambda: tuple(_visits(record, codes)))


def unidentified_visits(record: PatientRecord) -> tuple[Visit, ...]:
    """Return what may be any visit: those without a code that is understood, and claims with too many items to read."""
    return record.cached(("unidentified visits",), lambda: tuple(_unidentified(record)))


def _unidentified(record: PatientRecord) -> Iterator[Visit]:
    for visit in recorded_visits(record, None):
        if not any(coding.system in _UNDERSTOOD for each in _concepts(visit) for coding in codings(each)):
            yield visit
    for claim in _claims(record):
        if len(items(claim.get("item"))) > MAX_ITEMS:
            too_many = Match("Claim with more items than are read", False)
            yield Visit(_visit(record, claim, too_many, Progress.DONE, (None, None)), claim)


def _concepts(visit: Visit) -> list[Json]:
    """Return the concepts that say what was done at a visit."""
    if visit.item is not None:
        return [visit.item.get("productOrService")]
    return [visit.resource.get(name) for name in (*_ENCOUNTER_KINDS, "code")]


def _any_visit(found: Iterable[Coding]) -> Match:
    return Match(next((each.display for each in found if each.display), "Visit"), True)


def _any_service(found: Iterable[Coding]) -> Match:
    return Match(next((each.display for each in found if each.display), "Billed service"), False)


def _visits(record: PatientRecord, codes: CodeMatcher | None) -> Iterator[Visit]:
    for encounter in record.of_type("Encounter"):
        match = _match(codes or _any_visit, *(encounter.get(name) for name in _ENCOUNTER_KINDS))
        if match is None and codes is None:
            match = _any_visit(())
        progress = _ENCOUNTER_PROGRESS.get(str(encounter.get("status")), Progress.UNCLEAR)
        if match and progress:
            progress = Progress.UNCLEAR if _was_missed(record, encounter) else progress
            days = _period(record, encounter.get("period"))
            done = _visit(record, encounter, match, progress, days, "status", *_ENCOUNTER_KINDS, "period", "subject")
            yield Visit(done, encounter)
    for charge in record.of_type("ChargeItem"):
        match = _match(codes or _any_service, charge.get("code"))
        progress = _CHARGE_PROGRESS.get(str(charge.get("status")), Progress.UNCLEAR)
        if match and progress:
            progress = Progress.UNCLEAR if may_be_undone(items(charge.get("code"))) else progress
            day = record.when(charge.get("occurrenceDateTime"))
            days = (day, day) if day else _period(record, charge.get("occurrencePeriod"))
            done = _visit(record, charge, match, progress, days, "status", "code", "occurrence", "subject")
            yield Visit(done, charge)
    for claim in _claims(record):
        yield from _billed(record, codes or _any_service, claim)


def _was_missed(record: PatientRecord, encounter: Resource) -> bool:
    """Return whether words of an encounter, or its appointment, say that the patient did not come or was not seen."""
    concepts: list[Json] = [each for name in _ENCOUNTER_KINDS for each in items(encounter.get(name))]
    concepts += [stay.get("dischargeDisposition") for stay in items(encounter.get("hospitalization"))]
    booked = (record.resolve(each, within=encounter) for each in items(encounter.get("appointment")))
    return may_be_undone(concepts) or any(each and each.get("status") in _NOT_KEPT for each in booked)


def _claims(record: PatientRecord) -> Iterator[Resource]:
    for claim in record.of_type("ExplanationOfBenefit"):
        if claim.get("status") not in _NOT_BILLED and claim.get("use") not in _NOT_BILLED:
            yield claim


def _billed(record: PatientRecord, codes: CodeMatcher, claim: Resource) -> Iterator[Visit]:
    """Yield the items of a claim. What was billed was done, paid for or not, unless a modifier or words deny it."""
    is_billed = claim.get("status") == "active" and claim.get("use") == "claim"
    progress = Progress.DONE if is_billed else Progress.UNCLEAR
    for item in items(claim.get("item"))[:MAX_ITEMS]:
        match = _match(codes, item.get("productOrService"))
        if match:
            day = record.when(item.get("servicedDate"))
            days = (day, day) if day else _period(record, item.get("servicedPeriod"))
            if days == (None, None):
                days = _period(record, claim.get("billablePeriod"))
            elements = ("status", "use", "item", "billablePeriod", "patient")
            is_modified = is_discontinued(plain_codes(item.get("modifier")))
            is_undone = is_modified or may_be_undone(items(item.get("productOrService")))
            done = _visit(record, claim, match, Progress.UNCLEAR if is_undone else progress, days, *elements)
            yield Visit(done, claim, item)


def _match(codes: CodeMatcher, *concepts: Json) -> Match | None:
    return next((match for each in concepts for one in items(each) if (match := codes(codings_and_text(one)))), None)


def _period(record: PatientRecord, period: Json) -> tuple[DateInterval | None, DateInterval | None]:
    """Return the first and last day of a visit; one without an end lasted a day."""
    start, end = parse_period(period, record.zone) if isinstance(period, Mapping) else (None, None)
    return start, end or start


def _visit(
    record: PatientRecord,
    resource: Resource,
    match: Match,
    progress: Progress,
    days: tuple[DateInterval | None, DateInterval | None],
    *elements: str,
) -> Procedure:
    reference, (start, end) = record.reference(resource), days
    if not record.is_usable(resource, *elements):
        evidence = Evidence(reference, match.label, value="set aside")
        return Procedure(reference, match.label, Progress.UNCLEAR, None, None, evidence)
    progress = progress if match.decides else Progress.UNCLEAR
    value = "to be confirmed" if progress is Progress.UNCLEAR else ""
    return Procedure(
        reference, match.label, progress, start, end, Evidence(reference, match.label, str(start or ""), value)
    )
