"""The data a policy needs, as FHIR searches that US Core servers guarantee.

Prefetch templates and queries are both made from these, and these from the documents: never kept by hand.
"""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Search:
    """One search by patient: a resource type, the other parameters, and the prefetch key it travels under.

    `codes` (system|code, sorted) fill the `code` parameter; searches that differ only in codes are merged.
    `in_us_core` is False for types outside US Core, which a server may simply not have.
    """

    resource_type: str
    key: str
    parameters: tuple[tuple[str, str], ...] = ()
    codes: tuple[str, ...] = ()
    in_us_core: bool = True

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


def merge(searches: Iterable[Search]) -> tuple[Search, ...]:
    """Return one search per resource type, key, and parameters, with all their codes, in a fixed order."""
    kinds: dict[tuple[str, str, tuple[tuple[str, str], ...]], set[str]] = {}
    in_us_core: dict[str, bool] = {}
    for search in searches:
        kinds.setdefault((search.resource_type, search.key, search.parameters), set()).update(search.codes)
        in_us_core[search.key] = search.in_us_core
    return tuple(
        Search(resource_type, key, parameters, tuple(sorted(codes)), in_us_core[key])
        for (resource_type, key, parameters), codes in sorted(kinds.items())
    )


_INTENTS = "order,original-order,reflex-order,filler-order,instance-order"

CONDITIONS = Search("Condition", "conditions")
PROCEDURES = Search("Procedure", "procedures")
REPORTS = Search("DiagnosticReport", "diagnosticReports")
IMAGING_STUDIES = Search("ImagingStudy", "imagingStudies", in_us_core=False)
ALLERGIES = Search("AllergyIntolerance", "allergies")
PRESCRIPTIONS = Search("MedicationRequest", "medicationRequests", (("intent", _INTENTS),))
DISPENSES = Search("MedicationDispense", "medicationDispenses", in_us_core=False)
STATEMENTS = Search("MedicationStatement", "medicationStatements", in_us_core=False)
ADMINISTRATIONS = Search("MedicationAdministration", "medicationAdministrations", in_us_core=False)
ORDERS = Search("ServiceRequest", "serviceRequests")
CARE_PLANS = Search("CarePlan", "carePlans", (("category", "assess-plan"),))
DEVICES = Search("Device", "devices")
ANSWERS = Search("QuestionnaireResponse", "questionnaireResponses", in_us_core=False)


def observation_search(codes: Iterable[str]) -> Search:
    """Return a search for observations by code, the only one that every US Core server answers for any kind."""
    return Search("Observation", "observations", codes=tuple(sorted(codes)))
