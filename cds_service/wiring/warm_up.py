"""Load at the start what the first calls would otherwise wait for: the FHIR models and the tables of words."""

from datetime import UTC, datetime

from coverage_policies.format.library import Library
from coverage_policies.format.registry import resource_types
from coverage_policies.judging.evaluator import evaluate
from coverage_policies.judging.order_matching import OrderMatch
from fhir_mappings.codings import RXNORM
from fhir_mappings.fhir_json import Resource
from fhir_mappings.orders import read_order
from fhir_mappings.record import Availability, PatientRecord
from fhir_mappings.truth import Truth
from fhir_mappings.validity import warm

_AT = datetime(2000, 1, 1, tzinfo=UTC)
_OF_EVERY_CALL = ("Coverage", "DeviceRequest", "MedicationRequest", "Organization", "Patient", "ServiceRequest")
_IN_WORDS: tuple[Resource, ...] = (
    {"resourceType": "AllergyIntolerance", "id": "1", "code": {"text": "Morphine"}},
    {"resourceType": "Condition", "id": "1", "code": {"text": "Back pain"}},
    {"resourceType": "DiagnosticReport", "id": "1", "code": {"text": "MRI of the lumbar spine"}},
    {
        "resourceType": "MedicationRequest",
        "id": "1",
        "status": "active",
        "authoredOn": "1999-12-01",
        "medicationCodeableConcept": {"text": "Oxycodone 5 mg tablet"},
        "dosageInstruction": [{"text": "1 tablet daily"}],
    },
    {
        "resourceType": "MedicationRequest",
        "id": "2",
        "medicationCodeableConcept": {"coding": [{"system": RXNORM, "code": "861007"}], "text": "Blood glucose meter"},
    },
)
"""Records in words, for which every table is loaded."""


def warm_up(library: Library, *resources: str) -> None:
    """Build the models, and judge an invented order on an invented chart by policies that use every operator.

    `resources` are further resource types that calls validate.
    """
    warm(*resource_types(), *_OF_EVERY_CALL, *resources)
    availability = dict.fromkeys(resource_types(), Availability.COMPLETE)
    terms = library.order_terms
    chart = [("", each) for each in _IN_WORDS]
    record = PatientRecord("", chart, read_at=_AT, zone=UTC, availability=availability, terms=terms)
    order = read_order({"resourceType": "ServiceRequest"}, zone=UTC, terms=terms)
    used: set[str] = set()
    for policy in library.policies.values():
        operators = {clause.operator for clause in policy.clauses()}
        if operators <= used:
            continue
        used |= operators
        match = OrderMatch(tuple((entry, Truth.YES) for entry in policy.orders if entry.sections))
        evaluate(policy, order, (), record, order.anchor(record.today), match=match)
