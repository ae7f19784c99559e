"""Prescriptions: which ingredient, and whether they took effect (MedicationRequest)."""

from dataclasses import dataclass

from fhir_mappings.codings import CodeMatcher, Coding, codings, concept_text
from fhir_mappings.drug_names import ingredients_named
from fhir_mappings.fhir_json import Json, Resource
from fhir_mappings.opioids import ingredient_of
from fhir_mappings.record import Evidence, PatientRecord

_STOOD = ("active", "completed", "stopped", "on-hold")


@dataclass(frozen=True, slots=True)
class Medication:
    """One prescription. `is_certain` means that a deciding code matched and that the prescription took effect."""

    reference: str
    label: str
    is_certain: bool
    evidence: Evidence


def medications(record: PatientRecord, codes: CodeMatcher) -> tuple[Medication, ...]:
    """Return the prescriptions of these drugs, without drafts and those canceled or entered in error."""
    found = []
    for resource in record.of_type("MedicationRequest"):
        drugs, by_name = drug_codings(record, resource)
        match = codes(drugs) or codes(by_name)
        status = resource.get("status")
        if (
            match is None
            or status in ("entered-in-error", "draft", "cancelled")
            or resource.get("doNotPerform") is True
        ):
            continue
        usable = record.is_usable(resource, "medication", "status", "intent", "authoredOn", "doNotPerform", "subject")
        stood = status in _STOOD and resource.get("intent") not in ("proposal", "option")
        certain = usable and stood and match.decides and codes(drugs) is not None
        authored = record.when(resource.get("authoredOn"))
        value = str(status) if status in _STOOD else ""
        reference = record.reference(resource)
        evidence = Evidence(reference, match.label, str(authored or ""), value if usable else "set aside")
        found.append(Medication(reference, match.label, certain, evidence))
    return tuple(found)


def drug_codings(record: PatientRecord, resource: Resource) -> tuple[tuple[Coding, ...], tuple[Coding, ...]]:
    """Return the codes of a medication with their opioid ingredients, and the ingredients that its text names."""
    concepts: list[Json] = [resource.get("medicationCodeableConcept")]
    product = record.resolve(resource.get("medicationReference"), within=resource)
    if product is not None:
        concepts.append(product.get("code"))
    found = [coding for concept in concepts for coding in codings(concept)]
    found += [ingredient for coding in found if (ingredient := ingredient_of(coding))]
    words = " / ".join(
        part for concept in concepts for part in [concept_text(concept), *(c.display for c in codings(concept))]
    )
    return tuple(found), ingredients_named(words)
