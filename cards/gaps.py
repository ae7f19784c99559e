"""What a card says of the chart where a part of it was not read or not used."""

from collections.abc import Iterable, Iterator

from coverage_policies.judging.determination import Determination

_WORDS = {
    "AllergyIntolerance": "allergies",
    "CarePlan": "care plans",
    "ChargeItem": "charges",
    "Condition": "problem list",
    "Coverage": "insurance coverage",
    "Device": "implants and devices",
    "DiagnosticReport": "reports",
    "Encounter": "visits",
    "ExplanationOfBenefit": "claims",
    "ImagingStudy": "imaging studies",
    "MedicationAdministration": "medications given",
    "MedicationDispense": "dispensed medications",
    "MedicationRequest": "prescriptions",
    "MedicationStatement": "reported medications",
    "Observation": "scores and measurements",
    "Patient": "demographics",
    "Procedure": "procedures",
    "QuestionnaireResponse": "earlier answers",
    "ServiceRequest": "earlier orders",
}
"""The resource types that policies search, in the words of a chart."""


def has_gaps(determination: Determination) -> bool:
    """Return whether a part of the chart was not read completely, or was read and not used."""
    return bool(determination.unread or determination.unused)


def gaps(determinations: Iterable[Determination]) -> Iterator[str]:
    """Yield a line for what was not read completely, and one for what was read and not used."""
    found = list(determinations)
    unread = sorted({_WORDS.get(kind, kind) for each in found for kind in each.unread})
    if unread:
        yield f"**Not read completely:** {', '.join(unread)}.  "
    unused = max((each.unused for each in found), default=0)
    if unused:
        records = "1 record" if unused == 1 else f"{unused} records"
        yield f"**Read but not used:** {records} of an uncertain patient or meaning.  "
