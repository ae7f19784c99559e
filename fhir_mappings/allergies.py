"""Allergies and intolerances (AllergyIntolerance)."""

from dataclasses import dataclass

from fhir_mappings.codings import CodeMatcher, codings, has_code, items
from fhir_mappings.dates import DateInterval
from fhir_mappings.record import Evidence, PatientRecord


@dataclass(frozen=True, slots=True)
class Allergy:
    """One entry of an allergy list.

    `is_certain` means an active and confirmed allergy, `is_certain_intolerance` an active and confirmed intolerance.
    `since` is the onset, else the day the entry was recorded.
    """

    reference: str
    label: str
    is_certain: bool
    evidence: Evidence
    is_certain_intolerance: bool = False
    since: DateInterval | None = None


def allergies(record: PatientRecord, codes: CodeMatcher) -> tuple[Allergy, ...]:
    """Return the allergies to these substances, without refuted, erroneous, inactive, and resolved ones."""
    found = []
    for resource in record.of_type("AllergyIntolerance"):
        substances = [reaction.get("substance") for reaction in items(resource.get("reaction"))]
        match = next((m for c in [resource.get("code"), *substances] if (m := codes(codings(c)))), None)
        over = has_code(resource.get("verificationStatus"), "refuted", "entered-in-error") or has_code(
            resource.get("clinicalStatus"), "resolved", "inactive"
        )
        if match is None or over:
            continue
        usable = record.is_usable(
            resource, "code", "clinicalStatus", "verificationStatus", "type", "reaction", "recordedDate", "patient"
        )
        verification, clinical = resource.get("verificationStatus"), resource.get("clinicalStatus")
        confirmed = verification is None or has_code(verification, "confirmed")
        active = clinical is None or has_code(clinical, "active")
        stands = usable and match.decides and confirmed and active
        certain = stands and resource.get("type") != "intolerance"
        recorded = record.when(resource.get("onsetDateTime")) or record.when(resource.get("recordedDate"))
        value = "" if certain else "set aside" if not usable else "to be confirmed"
        reference = record.reference(resource)
        evidence = Evidence(reference, match.label, str(recorded or ""), value)
        found.append(Allergy(reference, match.label, certain, evidence, stands and not certain, recorded))
    return tuple(found)
