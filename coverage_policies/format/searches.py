"""The data a policy needs, as FHIR searches that US Core servers guarantee.

Prefetch templates and queries are both made from these, and these from the documents: never kept by hand.
"""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Search:
    """One search by patient: a resource type, the other parameters, and the prefetch key it travels under.

    `codes` (system|code, sorted) fill the `code` parameter; searches that differ only in codes are merged.
    `guaranteed` is False for types outside US Core, which a server may simply not have.
    """

    resource_type: str
    key: str
    parameters: tuple[tuple[str, str], ...] = ()
    codes: tuple[str, ...] = ()
    guaranteed: bool = True

    def query(self, patient: str) -> str:
        """The search as a relative URL, `patient` being an id or a prefetch token, already safe to stand there."""
        found = [f"patient={patient}"]
        found += [f"{name}={value}" for name, value in self.parameters]
        if self.codes:
            found.append("code=" + ",".join(self.codes))
        return f"{self.resource_type}?{'&'.join(found)}"

    @property
    def prefetch_template(self) -> str:
        """The search as a CDS Hooks 2.0.1 prefetch template."""
        return self.query("{{context.patientId}}")


def merge(searches: Iterable[Search]) -> tuple[Search, ...]:
    """One search per kind, holding all the codes asked for, in a fixed order."""
    kinds: dict[tuple[str, str, tuple[tuple[str, str], ...]], set[str]] = {}
    guaranteed: dict[str, bool] = {}
    for search in searches:
        kinds.setdefault((search.resource_type, search.key, search.parameters), set()).update(search.codes)
        guaranteed[search.key] = search.guaranteed
    return tuple(
        Search(resource_type, key, parameters, tuple(sorted(codes)), guaranteed[key])
        for (resource_type, key, parameters), codes in sorted(kinds.items())
    )


_INTENTS = "order,original-order,reflex-order,filler-order,instance-order"

CONDITIONS = Search("Condition", "conditions")
PROCEDURES = Search("Procedure", "procedures")
REPORTS = Search("DiagnosticReport", "diagnosticReports")
IMAGING_STUDIES = Search("ImagingStudy", "imagingStudies", guaranteed=False)
ALLERGIES = Search("AllergyIntolerance", "allergies")
PRESCRIPTIONS = Search("MedicationRequest", "medicationRequests", (("intent", _INTENTS),))
DISPENSES = Search("MedicationDispense", "medicationDispenses", guaranteed=False)
STATEMENTS = Search("MedicationStatement", "medicationStatements", guaranteed=False)
ADMINISTRATIONS = Search("MedicationAdministration", "medicationAdministrations", guaranteed=False)
ORDERS = Search("ServiceRequest", "serviceRequests")
CARE_PLANS = Search("CarePlan", "carePlans", (("category", "assess-plan"),))
DEVICES = Search("Device", "devices")
ANSWERS = Search("QuestionnaireResponse", "questionnaireResponses", guaranteed=False)


def observations(codes: Iterable[str]) -> Search:
    """Observations by code, the only search by which every US Core server finds any kind of them."""
    return Search("Observation", "observations", codes=tuple(sorted(codes)))
