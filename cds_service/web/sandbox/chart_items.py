"""The resources of a chart as short lines: what, when, and the few words that a clinician looks for.

The labels and dates are those of the service's own readings, so the panel shows what the criteria see.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from cds_service.web.sandbox.medicine_words import directions, member, quantity, supply
from fhir_mappings.answers import all_answers, questionnaire_of
from fhir_mappings.codings import Coding, Match, codings, codings_and_text, concept_text, items
from fhir_mappings.conditions import Claim, Listing, statements
from fhir_mappings.coverages import CoverageKind, kind_of
from fhir_mappings.dates import DateInterval
from fhir_mappings.fhir_json import Json, Resource
from fhir_mappings.imaging import conclusions, imaging
from fhir_mappings.medications import KINDS, date_of
from fhir_mappings.observations import Observation, measurements
from fhir_mappings.prescribed_drugs import drug_of
from fhir_mappings.procedures import Progress, procedures
from fhir_mappings.record import PatientRecord

_LONG_DECIMALS = re.compile(r"(\d+\.\d\d)\d{2,}")
_LONGEST = 160
"""How many characters of a text are shown in a line; the rest is in the resource."""


@dataclass(frozen=True, slots=True)
class Item:
    """One resource: its label, its day as far as known, and what else to say of it, in the order of importance."""

    reference: str
    label: str
    when: str = ""
    says: tuple[str, ...] = ()

    @property
    def html_id(self) -> str:
        """Return the id of its line in the page."""
        return f"chart-{self.reference.replace('/', '-')}"


def any_code(found: Iterable[Coding]) -> Match | None:
    """Match every concept that has a code or words, under its own name."""
    name = next((each.display or each.code for each in found if each.display or each.code), "")
    return Match(name, decides=True) if name else None


def any_concept(found: Iterable[Coding]) -> Match:
    """Match every concept, even one without a code, so that its day is read."""
    return any_code(found) or Match("", decides=True)


def problems(record: PatientRecord) -> tuple[Item, ...]:
    """Return the conditions, the active ones first, each with its status, list, and end."""
    read = {each.reference: each for each in statements(record, any_code)}
    found = []
    for resource in record.of_type("Condition"):
        reference = record.reference(resource)
        fact = read.get(reference)
        label = _named(resource.get("code")) or (fact.label if fact else "Condition without a name")
        if fact is None:
            found.append((True, Item(reference, _short(label), says=("not read",))))
            continue
        says = (
            "" if fact.claim is Claim.UNSTATED else fact.claim.value,
            f"until {fact.ended}" if fact.ended else "",
            "" if fact.listing is Listing.PROBLEM_LIST else fact.listing.value,
            _side(fact.side),
        )
        found.append((fact.claim is not Claim.ACTIVE, _item(reference, label, fact.onset or fact.recorded, says)))
    return _newest_first(item for is_past, item in found if not is_past) + _newest_first(
        item for is_past, item in found if is_past
    )


def performed(record: PatientRecord) -> tuple[Item, ...]:
    """Return the procedures with side and purpose, and whether they were completed."""
    read = {each.reference: each for each in procedures(record, any_concept)}
    found = []
    for resource in record.of_type("Procedure"):
        reference = record.reference(resource)
        fact = read.get(reference)
        label = _named(resource.get("code")) or "Procedure without a name"
        if fact is None:
            found.append(Item(reference, _short(label), says=(_status(resource) or "not read",)))
            continue
        progress = "" if fact.progress is Progress.DONE else _status(resource)
        found.append(_item(reference, label, fact.day, (progress, _side(fact.side), fact.purpose)))
    return _newest_first(found)


def medicines(record: PatientRecord) -> tuple[Item, ...]:
    """Return the prescriptions, dispenses, and reports of drugs, with directions and supply in words."""
    kinds = (*KINDS, "MedicationAdministration")
    return _newest_first(_medicine(record, each) for each in record.of_type(*dict.fromkeys(kinds)))


def _medicine(record: PatientRecord, resource: Resource) -> Item:
    label = next(iter(drug_of(record, resource).labels), "") or "Drug without a name"
    dosages = [*items(resource.get("dosageInstruction")), *items(resource.get("dosage"))]
    says = (
        "; ".join(filter(None, map(directions, dosages))),
        supply(resource),
        _KIND_OF_RECORD.get(str(resource.get("resourceType")), ""),
        _status(resource),
    )
    return _item(record.reference(resource), label, date_of(record, resource), says)


_KIND_OF_RECORD = {
    "MedicationDispense": "dispensed",
    "MedicationStatement": "reported",
    "MedicationAdministration": "given",
}


def scores(record: PatientRecord) -> tuple[Item, ...]:
    """Return the scores and measurements with their values; the components of a panel stand in the line of it."""
    values: dict[str, list[str]] = {}
    facts: dict[str, Observation] = {}
    for each in measurements(record, any_code):
        facts.setdefault(each.reference, each)
        value = short_decimals(each.evidence.value)
        is_part = each.context is not None and each.context.holder is not each.context.resource
        values.setdefault(each.reference, []).append(f"{each.label} {value}" if is_part else value)
    found = []
    for resource in record.of_type("Observation"):
        reference = record.reference(resource)
        fact = facts.get(reference)
        label = _named(resource.get("code")) or "Observation without a name"
        said = ", ".join(dict.fromkeys(filter(None, values.get(reference, ())))) or _other_value(resource)
        sites = ", ".join(filter(None, map(concept_text, items(resource.get("bodySite")))))
        status = "" if resource.get("status") in ("final", "amended", "corrected") else _status(resource)
        when = fact.evidence.date if fact else str(record.when(resource.get("effectiveDateTime")) or "")
        found.append(Item(reference, _short(label), _printed_moment(when), _said((said, sites, status))))
    return _newest_first(found)


def short_decimals(words: str) -> str:
    """Return words in which a number with four decimals or more ends after two, with a sign that it goes on.

    It is cut and not rounded, so that no number seems to reach a limit that it does not.
    """
    return _LONG_DECIMALS.sub(r"\1…", words)


def _printed_moment(when: str) -> str:
    """Return a day, or a local time to the minute: `2026-07-19 09:00` for `2026-07-19T09:00-04:00`."""
    return when[:16].replace("T", " ") if "T" in when else when


def _other_value(resource: Resource) -> str:
    """Return a value that is no number: words, a concept, yes or no."""
    value = resource.get("valueString")
    if isinstance(value, str):
        return value
    if isinstance(resource.get("valueBoolean"), bool):
        return "yes" if resource["valueBoolean"] else "no"
    return concept_text(resource.get("valueCodeableConcept")) or quantity(resource.get("valueQuantity"))


def images(record: PatientRecord) -> tuple[Item, ...]:
    """Return the imaging studies and the reports, with what they conclude in words."""
    facts = {each.reference: each for each in imaging(record, any_concept)}
    concluded = {each.report.reference: each.evidence.value for each in conclusions(record, any_concept, _no_code)}
    found = []
    for resource in record.of_type("DiagnosticReport", "ImagingStudy"):
        reference = record.reference(resource)
        fact = facts.get(reference)
        named = [_named(resource.get(element)) for element in ("code", "procedureCode")]
        described = resource.get("description")
        label = next(filter(None, (*named, described if isinstance(described, str) else "")), "Report without a name")
        progress = _status(resource) if fact is None or fact.progress is not Progress.DONE else ""
        says = (concluded.get(reference, ""), _side(fact.side if fact else None), progress)
        found.append(_item(reference, label, fact.day if fact else None, says))
    return _newest_first(found)


def _no_code(_found: Iterable[Coding]) -> None:
    return None


def insurance(record: PatientRecord) -> tuple[Item, ...]:
    """Return the coverages, each with its payer, kind, plan, and status."""
    return _newest_first(_coverage(record, each) for each in record.of_type("Coverage"))


def _coverage(record: PatientRecord, resource: Resource) -> Item:
    payers = []
    for payor in items(resource.get("payor")):
        target = record.resolve(payor, resource)
        name = (target or {}).get("name") or payor.get("display")
        payers.append(name if isinstance(name, str) else "")
    kind = kind_of(resource)
    plans = (each.get("name") or each.get("value") for each in items(resource.get("class")))
    period = resource.get("period")
    end = record.when(member(period, "end"))
    says = (
        "" if kind is CoverageKind.UNSPECIFIED else kind.value,
        ", ".join(each for each in plans if isinstance(each, str)),
        f"until {end}" if end else "",
        _status(resource),
    )
    label = ", ".join(filter(None, payers)) or "Payer not stated"
    return _item(record.reference(resource), label, record.when(member(period, "start")), says)


def given_answers(record: PatientRecord) -> tuple[Item, ...]:
    """Return the forms that clinicians filled in, each with its answers by question id."""
    found = []
    for resource in record.of_type("QuestionnaireResponse"):
        name = questionnaire_of(resource).rpartition("/")[2].replace("|", ", revision ")
        answers = (f"{question}: {answer or 'withdrawn'}" for question, answer in all_answers(record, resource).items())
        status = "" if resource.get("status") == "completed" else _status(resource)
        says = ("; ".join(answers), status)
        when = record.when(resource.get("authored"))
        found.append(_item(record.reference(resource), name or "Form without a name", when, says, longest=400))
    return _newest_first(found)


_NAMES = ("code", "type", "vaccineCode", "serviceType", "category")
_DATES = (
    *("authoredOn", "onsetDateTime", "recordedDate", "occurrenceDateTime", "date", "created", "start"),
    *("performedDateTime", "effectiveDateTime"),
)


def others(record: PatientRecord, shown: Iterable[str]) -> tuple[Item, ...]:
    """Return everything else in the chart by type and name, without the types that are shown elsewhere."""
    left_out = {*shown, "Patient", "Organization", "Practitioner", "PractitionerRole", "Location", "Medication"}
    found = []
    for resource in record.resources:
        kind = str(resource.get("resourceType"))
        if kind in left_out:
            continue
        name = next(filter(None, (_first_text(resource.get(element)) for element in _NAMES)), "")
        when = next(filter(None, (record.when(resource.get(element)) for element in _DATES)), None)
        when = when or record.when(member(resource.get("period"), "start"))
        says = (kind, _status(resource))
        found.append(_item(record.reference(resource), name or kind, when, says))
    return _newest_first(found)


def _named(concept: Json) -> str:
    """Return the text of a concept, else its first code."""
    return concept_text(concept) or next((each.code for each in codings(concept)), "")


def _first_text(concept: Json) -> str:
    return next((each.display for each in codings_and_text(concept) if each.display), "")


def _item(
    reference: str, label: str, when: DateInterval | None, says: Iterable[str], *, longest: int = _LONGEST
) -> Item:
    return Item(reference, _short(label), str(when) if when else "", _said(says, longest))


def _said(says: Iterable[str], longest: int = _LONGEST) -> tuple[str, ...]:
    return tuple(_short(each, longest) for each in says if each)


def _short(words: str, longest: int = _LONGEST) -> str:
    text = " ".join(words[: 2 * longest].split())
    return text if len(text) <= longest else f"{text[:longest]} …"


def _status(resource: Resource) -> str:
    status = resource.get("status")
    return _short(status, 40) if isinstance(status, str) else ""


def _side(side: str | None) -> str:
    if side in ("left", "right"):
        return f"{side} side"
    return "both sides" if side == "bilateral" else side or ""


def _newest_first(found: Iterable[Item]) -> tuple[Item, ...]:
    return tuple(sorted(found, key=lambda each: (each.when, each.reference), reverse=True))
