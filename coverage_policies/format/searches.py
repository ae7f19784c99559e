"""The data a policy needs, as FHIR searches that US Core servers guarantee.

Prefetch templates and queries are both made from these, and these from the documents: never kept by hand.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date

from fhir_mappings.dates import CalendarPeriod, plus


@dataclass(frozen=True, slots=True)
class Search:
    """One search by patient: a resource type, the other parameters, and the prefetch key it travels under.

    `codes` (system|code, sorted) fill the `code` parameter; searches that differ only in codes or in `look_back` are
    merged. `in_us_core` is False for types outside US Core, which a server may simply not have. `in_prefetch` is False
    for data that few orders need or that is large: discovery does not ask for it, so the service queries it for the
    orders that need it. `only_dates` is True if the results only date other records: without them those are less
    certain, and nothing is missing. `follows_roles` is True if the roles of those who took part, which the results
    reference, are to be read as well. `look_back` bounds a query of a large type: the service asks for nothing older
    than that before the first day that any order is judged by, as `date_parameter`. The prefetch template has no such
    bound.
    """

    resource_type: str
    key: str
    parameters: tuple[tuple[str, str], ...] = ()
    codes: tuple[str, ...] = ()
    in_us_core: bool = True
    in_prefetch: bool = True
    only_dates: bool = False
    follows_roles: bool = False
    look_back: CalendarPeriod | None = None
    date_parameter: str = "date"

    def __hash__(self) -> int:
        # Searches have hundreds of codes, and a call looks up each of them by its search several times.
        return hash((self.resource_type, self.key, self.parameters))

    def query(self, patient: str) -> str:
        """Return the search as a relative URL. `patient` is an id or a prefetch token, already quoted."""
        found = [f"patient={patient}"]
        found += [f"{name}={value}" for name, value in self.parameters]
        if self.codes:
            found.append("code=" + ",".join(self.codes))
        return f"{self.resource_type}?{'&'.join(found)}"

    @property
    def prefetch_template(self) -> str:
        """Return the search as a CDS Hooks 2.0.1 prefetch template."""
        return self.query("{{context.patientId}}")

    def bounded(self, day: date) -> "Search":
        """Return the search with its look-back before this day as a parameter; itself if it has no look-back."""
        if self.look_back is None:
            return self
        oldest = plus(day, CalendarPeriod(-self.look_back.number, self.look_back.unit))
        parameters = (*self.parameters, (self.date_parameter, f"ge{oldest.isoformat()}"))
        return replace(self, parameters=parameters, look_back=None)


class PatientRead(Search):
    """The read of the patient as a search: its template and query are `Patient/{id}`."""

    __slots__ = ()

    def query(self, patient: str) -> str:
        """Return the read as a relative URL."""
        return f"Patient/{patient}"


def merge(searches: Iterable[Search]) -> tuple[Search, ...]:
    """Return one search per resource type, key, and parameters, in a fixed order.

    It has the codes of all of them, and the longest look-back; none if one of them has none.
    """
    kinds: dict[tuple[str, str, tuple[tuple[str, str], ...]], Search] = {}
    for search in searches:
        kind = search.resource_type, search.key, search.parameters
        known = kinds.setdefault(kind, search)
        if known == search:
            continue
        codes = tuple(sorted({*known.codes, *search.codes}))
        kinds[kind] = replace(
            known,
            codes=codes,
            look_back=_longer(known.look_back, search.look_back),
            only_dates=known.only_dates and search.only_dates,
            follows_roles=known.follows_roles or search.follows_roles,
        )
    return tuple(kinds[kind] for kind in sorted(kinds))


def _longer(one: CalendarPeriod | None, other: CalendarPeriod | None) -> CalendarPeriod | None:
    if one is None or other is None:
        return None
    return max(one, other, key=lambda period: plus(date.min, period))


_INTENTS = "order,original-order,reflex-order,filler-order,instance-order,plan"
"""Orders, and `plan`, with which US Core lists the home medication that nobody here prescribed."""

PATIENT = PatientRead("Patient", "patient")
CONDITIONS = Search("Condition", "conditions")
PROCEDURES = Search("Procedure", "procedures")
REPORTS = Search("DiagnosticReport", "diagnosticReports")
IMAGING_STUDIES = Search("ImagingStudy", "imagingStudies", in_us_core=False, in_prefetch=False)
ALLERGIES = Search("AllergyIntolerance", "allergies")
PRESCRIPTIONS = Search("MedicationRequest", "medicationRequests", (("intent", _INTENTS),))
DISPENSES = Search("MedicationDispense", "medicationDispenses", in_us_core=False)
STATEMENTS = Search("MedicationStatement", "medicationStatements", in_us_core=False)
ADMINISTRATIONS = Search("MedicationAdministration", "medicationAdministrations", in_us_core=False)
ORDERS = Search("ServiceRequest", "serviceRequests")
CARE_PLANS = Search("CarePlan", "carePlans", (("category", "assess-plan"),), in_prefetch=False)
DEVICES = Search("Device", "devices", in_prefetch=False)
FAMILY_HISTORY = Search("FamilyMemberHistory", "familyMemberHistories", in_us_core=False)
ANSWERS = Search("QuestionnaireResponse", "questionnaireResponses", in_us_core=False)

_VISITS = CalendarPeriod(24, "months")
"""How far back visits are queried: those before a trial that is looked back at, too."""

ENCOUNTERS = Search("Encounter", "encounters", in_prefetch=False, look_back=_VISITS)
CHARGES = Search(
    "ChargeItem", "chargeItems", in_us_core=False, in_prefetch=False, look_back=_VISITS, date_parameter="occurrence"
)
CLAIMS = Search(
    "ExplanationOfBenefit",
    "explanationsOfBenefit",
    in_us_core=False,
    in_prefetch=False,
    look_back=_VISITS,
    date_parameter="created",
)

EXAMS = Search("Observation", "examObservations", (("category", "exam"),), look_back=_VISITS)
"""Prefetched, since a client without this search would have read no kind of observation completely."""


def observation_search(codes: Iterable[str]) -> Search:
    """Return a search for observations by code, the only one that every US Core server answers for any kind."""
    return Search("Observation", "observations", codes=tuple(sorted(codes)))
