"""Visits: what was done at encounters, and what was billed for (Encounter, ChargeItem, ExplanationOfBenefit).

Many EHRs keep therapy only as visits, and payers only as claims.
"""

from collections.abc import Iterator, Mapping

from fhir_mappings.codings import CodeMatcher, Match, codings_and_text, items
from fhir_mappings.dates import DateInterval, parse_period
from fhir_mappings.fhir_json import Json, Resource
from fhir_mappings.procedures import Procedure, Progress
from fhir_mappings.record import Evidence, PatientRecord

KINDS = ("Encounter", "ChargeItem", "ExplanationOfBenefit")
MAX_ITEMS = 500
"""How many items of a claim are read."""

_ENCOUNTER_PROGRESS = {"finished": Progress.DONE, "in-progress": Progress.DONE, "unknown": Progress.UNCLEAR}
_CHARGE_PROGRESS = {"billed": Progress.DONE, "billable": Progress.DONE, "unknown": Progress.UNCLEAR}
"""What a status means; a visit or charge of any other never took place, or not yet."""


def visits(record: PatientRecord, codes: CodeMatcher) -> tuple[Procedure, ...]:
    """Return the visits at which something with one of these codes was done, by what was recorded or billed."""
    return record.cached(("visits", codes), lambda: tuple(_visits(record, codes)))


def _visits(record: PatientRecord, codes: CodeMatcher) -> Iterator[Procedure]:
    for encounter in record.of_type("Encounter"):
        match = _match(codes, *(encounter.get(name) for name in ("type", "serviceType", "reasonCode")))
        progress = _ENCOUNTER_PROGRESS.get(str(encounter.get("status")))
        if match and progress:
            elements = ("status", "type", "serviceType", "reasonCode", "period", "subject")
            yield _visit(record, encounter, match, progress, _period(record, encounter.get("period")), elements)
    for charge in record.of_type("ChargeItem"):
        match, progress = _match(codes, charge.get("code")), _CHARGE_PROGRESS.get(str(charge.get("status")))
        if match and progress:
            day = record.when(charge.get("occurrenceDateTime"))
            days = (day, day) if day else _period(record, charge.get("occurrencePeriod"))
            yield _visit(record, charge, match, progress, days, ("status", "code", "occurrence", "subject"))
    for claim in record.of_type("ExplanationOfBenefit"):
        if claim.get("status") == "active" and claim.get("use") == "claim":
            yield from _billed(record, codes, claim)


def _billed(record: PatientRecord, codes: CodeMatcher, claim: Resource) -> Iterator[Procedure]:
    """Yield the items of a claim. What was billed was done, whether or not the payer paid for it."""
    for item in list(items(claim.get("item")))[:MAX_ITEMS]:
        match = _match(codes, item.get("productOrService"))
        if match:
            day = record.when(item.get("servicedDate"))
            days = (day, day) if day else _period(record, item.get("servicedPeriod"))
            if days == (None, None):
                days = _period(record, claim.get("billablePeriod"))
            elements = ("status", "use", "item", "billablePeriod", "patient")
            yield _visit(record, claim, match, Progress.DONE, days, elements)


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
    elements: tuple[str, ...],
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
