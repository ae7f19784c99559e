"""How a visit took place, in person or from afar, and the specialty of those who saw the patient.

Sources: HL7 v3-ActCode for the class of an encounter, v3-ParticipationType for who took part, CMS for place of service
and the modifiers of telehealth, CPT 2025 and HCPCS for services from afar, CARIN Blue Button 2.1 for roles on claims.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from fhir_mappings.code_systems import SPECIALTY
from fhir_mappings.codings import (
    CPT,
    HCPCS,
    NUCC,
    SNOMED,
    CodeMatcher,
    Coding,
    codings,
    codings_and_text,
    items,
    plain_codes,
)
from fhir_mappings.fhir_json import Json, Resource
from fhir_mappings.record import PatientRecord
from fhir_mappings.truth import Truth, any_of
from fhir_mappings.visits import Visit

MAX_MEMBERS = 20
"""How many members of the care team of a claim are read."""
_SEEN_CLASSES = {"AMB", "IMP", "ACUTE", "NONAC", "EMER", "HH", "FLD", "OBSENC", "SS"}
_REMOTE_CLASSES = {"VR"}
_REMOTE_MODIFIERS = {"95", "GT", "GQ", "93", "FQ", "G0"}
_REMOTE_PLACES = {"02", "10"}
_SEEN_PLACES = {
    *("03", "04", "05", "06", "07", "08", "09", "11", "12", "13", "14", "15", "16", "17", "18", "19", "20", "21"),
    *("22", "23", "24", "25", "26", "27", "31", "32", "33", "34", "41", "42", "49", "50", "51", "52", "53", "54"),
    *("55", "56", "57", "58", "60", "61", "62", "65", "71", "72"),
}
"""Places where a patient is seen: all but telehealth, pharmacies (01), laboratories (81), and those unassigned."""
_REMOTE_SERVICES = {
    (CPT, "98000"): "98016",
    (CPT, "98966"): "98968",
    (CPT, "99421"): "99423",
    (CPT, "99441"): "99443",
    (HCPCS, "G2010"): "G2010",
    (HCPCS, "G2012"): "G2012",
}
"""The first and the last code of services by telephone, by video, or in writing."""
_REMOTE_ENCOUNTERS = {
    "185317003",  # telephone encounter
    "314849005",  # telephone contact by consultant
    "401267002",  # telephone triage encounter
    "448337001",  # telemedicine consultation with patient
}
_REMOTE_WORDS = re.compile(
    r"\b(?:tele\w*|phone|virtual|video|e-?visits?|online|remote|messages?|messaging|(?:my)?chart)\b", re.IGNORECASE
)
"""Words that leave open whether the patient was there."""
_SAW_NOBODY = {"REF", "ESC", "translator", "emergency", "referring", "prescribing", "pcp"}
"""Who takes part in a visit, or stands on a claim, without seeing the patient."""
_SAW_THE_PATIENT = {"performing", "rendering", "attending", "operating"}
"""The roles on a claim of those who certainly saw the patient."""
_UNDERSTOOD = (NUCC, SNOMED, SPECIALTY)
"""The code systems of specialties of which a code in no value set is another specialty."""
_NO_SPECIALTY = {"99", "999"}
"""Codes of CMS for a specialty that is not known."""


def is_in_person(record: PatientRecord, visit: Visit) -> Truth:
    """Return whether the patient was there: NO for telehealth, UNKNOWN if neither a class nor a place says so."""
    encounter, item = _encounter(record, visit), visit.item or {}
    by_encounter = _by_encounter(record, encounter) if encounter else _Signs()
    services = [*items(item.get("productOrService")), *items(visit.resource.get("code"))]
    by_service = _by_service(services, plain_codes(item.get("modifier")))
    places = plain_codes(item.get("locationCodeableConcept"))
    if by_encounter.is_remote or by_service.is_remote or places & _REMOTE_PLACES:
        return Truth.NO
    is_doubtful = by_encounter.is_doubtful or by_service.is_doubtful
    is_seen = by_encounter.is_seen or places & _SEEN_PLACES
    return Truth.YES if is_seen and not is_doubtful else Truth.UNKNOWN


@dataclass(frozen=True, slots=True)
class _Signs:
    """What a record says of where the patient was; `is_doubtful` if words hint at telehealth, or it is faulty."""

    is_seen: bool = False
    is_remote: bool = False
    is_doubtful: bool = False


def _by_encounter(record: PatientRecord, encounter: Resource) -> _Signs:
    def read() -> _Signs:
        if not record.is_usable(encounter, "class", "type", "serviceType"):
            return _Signs(is_doubtful=True)
        by_service = _by_service([each for name in ("type", "serviceType") for each in items(encounter.get(name))])
        classes = plain_codes(encounter.get("class"))
        is_remote = bool(classes & _REMOTE_CLASSES) or by_service.is_remote
        return _Signs(bool(classes & _SEEN_CLASSES), is_remote, by_service.is_doubtful)

    return record.cached_of("in person", encounter, read)


def _by_service(services: Iterable[Json], modifiers: frozenset[str] = frozenset()) -> _Signs:
    said = [coding for each in services for coding in codings_and_text(each)]
    stated = modifiers.union(*(coding.modifiers for coding in said))
    is_remote = bool(stated & _REMOTE_MODIFIERS) or any(map(_is_remote_service, said))
    return _Signs(is_remote=is_remote, is_doubtful=any(_REMOTE_WORDS.search(coding.display) for coding in said))


def _encounter(record: PatientRecord, visit: Visit) -> Resource | None:
    """Return the encounter that a visit is, or that a charge or an item of a claim names."""
    if visit.resource.get("resourceType") == "Encounter":
        return visit.resource
    named = (visit.item or {}).get("encounter") or visit.resource.get("context")
    targets = (record.resolve(each, within=visit.resource) for each in items(named))
    return next((each for each in targets if each and each.get("resourceType") == "Encounter"), None)


def _is_remote_service(coding: Coding) -> bool:
    if coding.system == SNOMED:
        return coding.code in _REMOTE_ENCOUNTERS
    return any(
        coding.system == system and len(coding.code) == len(first) and first <= coding.code <= last
        for (system, first), last in _REMOTE_SERVICES.items()
    )


def is_by_specialty(record: PatientRecord, visit: Visit, specialties: CodeMatcher) -> Truth:
    """Return whether somebody of one of these specialties saw the patient.

    An encounter says so by its type and service, and by those who took part, as far as their roles were read; a charge
    by who performed it; a claim by the care team of the item. NO if the specialty of each of them is known to be
    another; UNKNOWN if that of one is not, or is stated in a code that only asks.
    """
    resource, item = visit.resource, visit.item
    service = [each for name in ("type", "serviceType") for each in items(resource.get(name))] if item is None else []
    by_service = any_of(_matches(specialties, [each]) for each in service)
    if by_service is Truth.YES:
        return by_service
    people = list(_care_team(resource, item, specialties) if item is not None else _people(record, visit, specialties))
    return by_service | (any_of(people) if people else Truth.UNKNOWN)


def _matches(specialties: CodeMatcher, concepts: Iterable[Json]) -> Truth:
    found = [specialties(codings_and_text(each)) for each in concepts]
    if any(match and match.decides for match in found):
        return Truth.YES
    return Truth.UNKNOWN if any(found) else Truth.NO


def _of(specialties: CodeMatcher, concepts: list[Json]) -> Truth:
    """Return whether a person has one of these specialties; UNKNOWN if none of theirs is understood."""
    stated = [coding for each in concepts for coding in codings(each) if coding.code not in _NO_SPECIALTY]
    is_stated = any(coding.system in _UNDERSTOOD for coding in stated)
    return _matches(specialties, concepts) | (Truth.NO if is_stated else Truth.UNKNOWN)


def _people(record: PatientRecord, visit: Visit, specialties: CodeMatcher) -> Iterator[Truth]:
    """Yield for each person at an encounter, or who performed a charge, whether they have one of these specialties."""
    for part in (*items(visit.resource.get("participant")), *items(visit.resource.get("performer"))):
        kinds = frozenset[str]().union(*(plain_codes(each) for each in items(part.get("type"))))
        if kinds & _SAW_NOBODY:
            continue
        person = record.resolve(part.get("individual") or part.get("actor"), within=visit.resource)
        yield _has_specialty(record, person, specialties) if person else Truth.UNKNOWN


def _has_specialty(record: PatientRecord, person: Resource, specialties: CodeMatcher) -> Truth:
    key = "specialty", specialties, id(person)  # the person is kept with the result, so that no other one gets its id
    _, found = record.cached(key, lambda: (person, _of(specialties, _specialties(record, person))))
    return found


def _specialties(record: PatientRecord, person: Resource) -> list[Json]:
    """Return what a role, or a practitioner and the roles of theirs that were read, say of specialty."""
    kind = person.get("resourceType")
    if kind not in ("PractitionerRole", "Practitioner"):
        return []
    if not record.is_usable(person, "specialty", "qualification"):
        return []
    if kind == "PractitionerRole":
        return list(items(person.get("specialty")))
    roles = _roles(record).get(record.reference(person), [])
    found = [each.get("code") for each in items(person.get("qualification"))]
    return [*found, *(each for role in roles for each in items(role.get("specialty")))]


def _roles(record: PatientRecord) -> dict[str, list[Resource]]:
    """Return the roles that were read by the reference of their practitioner."""

    def read() -> dict[str, list[Resource]]:
        found: dict[str, list[Resource]] = {}
        for role in record.of_type("PractitionerRole"):
            person = record.resolve(role.get("practitioner"), within=role)
            if person is not None and record.is_usable(role, "practitioner", "specialty"):
                found.setdefault(record.reference(person), []).append(role)
        return found

    return record.cached(("roles of practitioners",), read)


def _care_team(claim: Resource, item: Resource, specialties: CodeMatcher) -> Iterator[Truth]:
    """Yield for each member of the care team of an item of a claim whether they have one of these specialties.

    Where the item names no member, or the role of one does not say that they saw the patient, they may have.
    """
    named = item.get("careTeamSequence")
    numbers = named if isinstance(named, list) else []
    team = items(claim.get("careTeam"))
    if len(team) > MAX_MEMBERS:
        yield Truth.UNKNOWN
    for member in team[:MAX_MEMBERS]:
        roles = plain_codes(member.get("role"))
        if roles & _SAW_NOBODY or (numbers and member.get("sequence") not in numbers):
            continue
        is_sure = bool(numbers and roles & _SAW_THE_PATIENT)
        has = _of(specialties, [member.get("qualification")])
        yield has if is_sure or has is Truth.NO else Truth.UNKNOWN
