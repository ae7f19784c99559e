"""Conditions as the chart states them: what each says of a diagnosis, on which list, and when.

What is present on a day follows from these statements and their course: `fhir_mappings.condition_course`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from operator import itemgetter
from typing import TypeAlias

from fhir_mappings.ages import days_of_age, stated_age, stated_range
from fhir_mappings.codings import CodeMatcher, Coding, Course, Match, codings, has_code, items, plain_codes
from fhir_mappings.dates import DateInterval, parse_period
from fhir_mappings.demographics import patients
from fhir_mappings.diagnoses import Diagnosis, read_diagnosis, says_it_lasts
from fhir_mappings.encounters import Encounter, encounter, encounter_reference
from fhir_mappings.fhir_json import Resource
from fhir_mappings.laterality import RecordedSide, side_of
from fhir_mappings.notes import note_texts
from fhir_mappings.record import Evidence, PatientRecord

_ELEMENTS = (
    *("code", "clinicalStatus", "verificationStatus", "category", "encounter"),
    *("onset", "abatement", "recordedDate", "subject"),
)
_Placed: TypeAlias = tuple[int, Resource]
"""A condition with its place in the order of the record."""
_PLACE = itemgetter(0)
_ASSERTED_DATE = "http://hl7.org/fhir/StructureDefinition/condition-assertedDate"


class Listing(Enum):
    """The list that a condition stands on; the diagnosis of an encounter is one of a point in time (FHIR R4)."""

    PROBLEM_LIST = "problem list"
    HISTORY = "history"
    ENCOUNTER = "encounter"
    HEALTH_CONCERN = "health concern"
    FAMILY_HISTORY = "family history"


_CATEGORIES = {
    Listing.PROBLEM_LIST: {"problem-list-item", "problem-list", "problem", "55607006", "75326-9"},
    Listing.HISTORY: {"medical-history", "past-medical-history", "417662000", "11348-0"},
    Listing.ENCOUNTER: {"encounter-diagnosis", "diagnosis", "439401001", "29308-4"},
    Listing.HEALTH_CONCERN: {"health-concern", "health-concerns"},
    Listing.FAMILY_HISTORY: {"family-history", "57177007", "10157-6"},
}
"""Codes of the condition categories of R4, US Core, SNOMED CT, and LOINC, and names that EHRs give them."""


class Claim(Enum):
    """What a statement says of its condition."""

    ACTIVE = "active"
    UNSTATED = "unstated"
    """Neither a clinical status nor an end."""
    ENDED = "ended"
    REFUTED = "refuted"
    UNCLEAR = "unclear"
    """Unconfirmed, contradictory, or of an unknown status."""
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Statement:
    """One Condition resource with a diagnosis of a set.

    `decides` is False for a code that only asks and for words. `encounter` is the reference of the encounter, empty if
    it names none; `visit` is that encounter, None if it was not read. `side` is None if none is stated. `coded` are
    the codes as sent. `is_called_lasting` is whether its words say that the patient has had it for long, so that it may
    have begun before its onset.
    """

    reference: str
    label: str
    decides: bool
    course: Course
    claim: Claim
    listing: Listing
    onset: DateInterval | None = None
    recorded: DateInterval | None = None
    ended: DateInterval | None = None
    encounter: str = ""
    visit: Encounter | None = None
    side: RecordedSide | None = None
    coded: tuple[Coding, ...] = ()
    is_called_lasting: bool = False

    @property
    def evidence(self) -> Evidence:
        """Return the resource as evidence, without a value."""
        shown = self.onset or self.recorded or (self.visit.day if self.visit else None)
        return Evidence(self.reference, self.label, str(shown) if shown else "")


def statements(record: PatientRecord, codes: CodeMatcher) -> tuple[Statement, ...]:
    """Return every condition with one of these codes, or with words that may mean one; erroneous ones are left out."""
    return record.cached(("conditions", codes), lambda: _statements(record, codes))


def _statements(record: PatientRecord, codes: CodeMatcher) -> tuple[Statement, ...]:
    found: list[tuple[int, Resource, Diagnosis, Match]] = []
    for diagnosis, conditions in _conditions(record).items():
        if match := diagnosis.match(codes):
            found += [(place, resource, diagnosis, match) for place, resource in conditions]
    found.sort(key=_PLACE)
    return tuple([_statement(record, resource, diagnosis, match) for _, resource, diagnosis, match in found])


def _conditions(record: PatientRecord) -> Mapping[Diagnosis, Sequence[_Placed]]:
    """Return the conditions that are no errors by diagnosis: a chart has the same ones again and again."""
    return record.cached("diagnoses", lambda: _by_diagnosis(record))


def _by_diagnosis(record: PatientRecord) -> Mapping[Diagnosis, Sequence[_Placed]]:
    found: dict[Diagnosis, list[_Placed]] = {}
    for place, resource in enumerate(record.of_type("Condition")):
        if not has_code(resource.get("verificationStatus"), "entered-in-error"):
            found.setdefault(read_diagnosis(resource.get("code")), []).append((place, resource))
    return found


def _statement(record: PatientRecord, resource: Resource, diagnosis: Diagnosis, match: Match) -> Statement:
    reference, listing = record.reference(resource), _listing(resource)
    if not record.is_usable(resource, *_ELEMENTS):
        return Statement(reference, match.label, False, match.course, Claim.UNREADABLE, listing)
    encounter_of = encounter_reference(resource.get("encounter"))
    visit = encounter(record, encounter_of)
    claim = _claim(resource)
    is_void = listing is Listing.ENCOUNTER and visit is not None and visit.is_void
    if claim is not Claim.REFUTED and (is_void or listing is Listing.FAMILY_HISTORY):
        claim = Claim.UNCLEAR
    onset, abatement = resource.get("onsetPeriod"), resource.get("abatementPeriod")
    recorded = record.when(resource.get("recordedDate")) or _asserted(record, resource)
    at_age = _at_age(record, resource, recorded) if "onsetAge" in resource or "onsetRange" in resource else None
    return Statement(
        reference,
        match.label,
        match.decides,
        match.course,
        claim,
        listing,
        record.when(resource.get("onsetDateTime")) or parse_period(onset, record.zone)[0] or at_age,
        recorded,
        record.when(resource.get("abatementDateTime")) or parse_period(abatement, record.zone)[1],
        encounter_of,
        visit,
        side_of(resource, record.terms, "code"),
        diagnosis.coded,
        diagnosis.is_called_lasting or any(map(says_it_lasts, note_texts(resource))),
    )


def _at_age(record: PatientRecord, resource: Resource, recorded: DateInterval | None) -> DateInterval | None:
    """Return the days on which the patient was of the age at which a condition began; None if that is not known.

    An age that the patient still had when it was recorded tells less than the day of the record.
    """
    age = stated_age(resource.get("onsetAge")) or stated_range(resource.get("onsetRange"))
    born = {each.born for each in patients(record)}
    known = born.pop() if len(born) == 1 else None
    days = days_of_age(known, age) if age is not None and known is not None else None
    return days if days is None or recorded is None or days.latest < recorded.earliest else None


def _asserted(record: PatientRecord, resource: Resource) -> DateInterval | None:
    """Return the day on which a condition was asserted, for which US Core has an extension."""
    urls = ((each.get("url"), each.get("valueDateTime")) for each in items(resource.get("extension")))
    return next((record.when(value) for url, value in urls if url == _ASSERTED_DATE), None)


def _claim(resource: Resource) -> Claim:
    if resource.get("verificationStatus") is not None:
        verification = plain_codes(resource["verificationStatus"])
        if "refuted" in verification:
            return Claim.REFUTED
        if "confirmed" not in verification:
            return Claim.UNCLEAR
    has_ended = any(value is not None for name, value in resource.items() if name.startswith("abatement"))
    if resource.get("clinicalStatus") is None:
        return Claim.ENDED if has_ended else Claim.UNSTATED
    status = plain_codes(resource["clinicalStatus"])
    if not _OVER.isdisjoint(status):
        return Claim.ENDED
    # FHIR R4 allows no active condition with an abatement (con-4), and a status without a code may mean anything.
    return Claim.UNCLEAR if has_ended or _ON.isdisjoint(status) else Claim.ACTIVE


_OVER = frozenset({"inactive", "remission", "resolved"})
_ON = frozenset({"active", "recurrence", "relapse"})
"""The codes of `Condition.clinicalStatus` (FHIR R4)."""


def _listing(resource: Resource) -> Listing:
    """Return the list by the category; without one by whether the condition names an encounter."""
    given = {coding.code.casefold() for coding in codings(resource.get("category"))}
    for concept in items(resource.get("category")):
        names = (concept.get("text"), *(coding.get("display") for coding in items(concept.get("coding"))))
        given |= {"-".join(name.casefold().split()) for name in names if isinstance(name, str)}
    for listing, codes in _CATEGORIES.items():
        if given & codes:
            return listing
    return Listing.ENCOUNTER if resource.get("encounter") is not None else Listing.PROBLEM_LIST


class Unidentified:
    """A condition that may be present and is not understood. There may be many, so nothing is read in advance."""

    def __init__(self, record: PatientRecord, resource: Resource) -> None:
        self._record = record
        self._resource = resource

    @property
    def when(self) -> DateInterval | None:
        """Return its onset, else when it was recorded; None if unknown."""
        dates = self._resource.get("onsetDateTime"), self._resource.get("recordedDate")
        return self._record.when(dates[0]) or self._record.when(dates[1])

    @property
    def evidence(self) -> Evidence:
        """Return the resource as evidence, without its words."""
        return Evidence(
            self._record.reference(self._resource), "Condition that cannot be identified", str(self.when or "")
        )


def unidentified(record: PatientRecord, is_listed: Callable[[Coding], bool]) -> tuple[Unidentified, ...]:
    """Return the conditions that may be present and are not understood, so that each may be any diagnosis.

    `is_listed` tells which codes other than those of ICD-10-CM are known.
    """
    unknown = [
        each
        for diagnosis, conditions in _conditions(record).items()
        if not diagnosis.is_understood(is_listed)
        for each in conditions
    ]
    return tuple(
        Unidentified(record, resource)
        for _, resource in sorted(unknown, key=_PLACE)
        if _claim(resource) not in (Claim.ENDED, Claim.REFUTED)
    )
