"""The draft of an order that belongs to another one: what it takes over, and that it stands for itself."""

from typing import Any

import pytest

from cards.companion_order import companion_order
from coverage_policies.format.model import Companion
from coverage_policies.format.terms import RequestType
from coverage_policies.format.value_sets import Row, ValueSet
from fhir_mappings.codings import HCPCS
from fhir_mappings.validity import faults

ROW = Row(HCPCS, "E1390", "Oxygen concentrator", "test", None, None, True)
ORDER = {
    "resourceType": "ServiceRequest",
    "id": "o-1",
    "status": "active",
    "intent": "original-order",
    "extension": [{"url": "urn:said-of-the-other-order"}],
    "identifier": [{"value": "placer-1"}],
    "code": {"text": "Portable oxygen"},
    "subject": {"reference": "Patient/p"},
    "encounter": {"reference": "Encounter/e"},
    "occurrenceDateTime": "2026-03-16",
    "authoredOn": "2026-03-02",
    "requester": {"reference": "Practitioner/d"},
    "reasonCode": [{"text": "COPD"}],
    "insurance": [{"reference": "Coverage/c"}],
}
TAKEN = ("subject", "encounter", "occurrenceDateTime", "authoredOn", "requester", "reasonCode", "insurance")


def made(order: Any, request_type: RequestType = RequestType.SERVICE) -> dict[str, Any]:
    return companion_order(
        Companion(ValueSet("s", [ROW]), ROW, request_type, "It goes with the other"), order, "Patient/q"
    )


@pytest.mark.parametrize(("kind", "code"), [(RequestType.SERVICE, "code"), (RequestType.DEVICE, "codeCodeableConcept")])
def test_it_is_a_draft_of_its_own_with_the_patient_requester_and_day_of_the_other(kind: RequestType, code: str) -> None:
    found = made(ORDER, kind)
    assert {name: found[name] for name in TAKEN} == {name: ORDER[name] for name in TAKEN}
    assert set(found) == {"resourceType", "status", "intent", code, *TAKEN}
    assert (found["resourceType"], found["status"], found["intent"]) == (kind.value, "draft", "order")
    assert found[code] == {
        "coding": [{"system": HCPCS, "code": "E1390", "display": "Oxygen concentrator"}],
        "text": "Oxygen concentrator",
    }
    assert faults(found) == ()


def test_an_order_without_a_subject_gives_one_for_the_patient_of_the_call() -> None:
    assert made({})["subject"] == {"reference": "Patient/q"}


def test_what_is_contained_comes_along_if_it_is_referred_to() -> None:
    role = {"resourceType": "PractitionerRole", "id": "role", "practitioner": {"reference": "#dr"}}
    doctor = {"resourceType": "Practitioner", "id": "dr"}
    implant = {"resourceType": "Device", "id": "implant"}
    order = {**ORDER, "contained": [implant, doctor, role], "requester": {"reference": "#role"}}
    found = made(order)
    assert found["contained"] == [role, doctor]
    assert faults(found) == ()


def test_what_is_contained_comes_along_once() -> None:
    doctor = {"resourceType": "Practitioner", "id": "dr"}
    shared = {"requester": {"reference": "#dr"}, "insurance": [{"reference": "#dr"}]}
    assert made({**ORDER, "contained": [doctor], **shared})["contained"] == [doctor]


def test_a_reference_to_nothing_contained_does_not_matter() -> None:
    assert "contained" not in made({**ORDER, "requester": {"reference": "#nobody"}})
