"""`medication`: a drug that was prescribed."""

from typing import Any

import pytest
from coverage_fakes import RXNORM, UNAVAILABLE, available, clause, concept, find

from coverage_policies.determination import Reason
from coverage_policies.operators.base import Holds
from coverage_policies.searches import PRESCRIPTIONS
from fhir_mappings.fhir_json import Resource

PRESCRIBED = clause("medication", in_="drug")


def prescription(code: str = "7052", on: str = "2026-01-01", **more: Any) -> Resource:
    return {
        "resourceType": "MedicationRequest",
        "id": f"m-{on}",
        "status": "active",
        "intent": "order",
        "subject": {"reference": "Patient/p"},
        "medicationCodeableConcept": concept(code, system=RXNORM),
        "authoredOn": on,
    } | more


BY_NAME = {"medicationCodeableConcept": {"text": "Morphine"}}


def test_it_needs_the_prescriptions() -> None:
    assert PRESCRIBED.searches == (PRESCRIPTIONS,)


@pytest.mark.parametrize(
    ("resource", "holds", "reason"),
    [
        (prescription(), Holds.YES, Reason.PRESENT),
        (prescription(status="stopped"), Holds.YES, Reason.PRESENT),
        (prescription(**BY_NAME), Holds.CANNOT_TELL, Reason.INVALID_ATTRIBUTE),
        (prescription(authoredOn="once"), Holds.CANNOT_TELL, Reason.INVALID_ATTRIBUTE),
        (prescription(status="draft"), Holds.NO, Reason.NOT_FOUND),
        (prescription(status="cancelled"), Holds.NO, Reason.NOT_FOUND),
        (prescription(doNotPerform=True), Holds.NO, Reason.NOT_FOUND),
        (prescription("1191"), Holds.NO, Reason.NOT_FOUND),
    ],
)
def test_a_prescription_by_code_holds(resource: Resource, holds: Holds, reason: Reason) -> None:
    found = find(PRESCRIBED, resource)
    assert (found.holds, found.reason) == (holds, reason)


def test_one_certain_prescription_is_enough() -> None:
    assert find(PRESCRIBED, prescription(on="2026-01-02", **BY_NAME), prescription()).holds is Holds.YES


def test_the_newest_three_are_shown() -> None:
    days = ["2025-03-01", "2025-12-01", "2024-01-01", "2025-06-01"]
    found = find(PRESCRIBED, *(prescription(on=day, id=f"{9 - number}") for number, day in enumerate(days)))
    assert [item.date for item in found.evidence] == ["2025-12-01", "2025-06-01", "2025-03-01"]


def test_what_was_read_of_a_list_cut_short_holds() -> None:
    found = find(PRESCRIBED, prescription(), availability=available(MedicationRequest=UNAVAILABLE))
    assert found.holds is Holds.YES
