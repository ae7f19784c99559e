"""Which orders of a call are answered: those selected, those dispatched, and those behind an appointment."""

from typing import Any

import pytest

from fhir_mappings.codings import HCPCS
from tests.support.crd_calls import (
    ANKLE_BRACE,
    PATIENT,
    CrdService,
    bundle,
    call,
    coverage,
    information_of,
    order,
    searchset,
)
from tests.support.hook_fakes import FakeEhr

BOTH = pytest.mark.parametrize("version", ["2.2", "2.0"])
HELD = {"coverage": searchset(coverage())}
FUSION_ORDER = order("o-1")
BRACE_ORDER = {
    **{name: value for name, value in order("d-1").items() if name not in ("code", "resourceType")},
    "resourceType": "DeviceRequest",
    "codeCodeableConcept": {"coding": [{"system": HCPCS, "code": ANKLE_BRACE}]},
}
DISPATCHED = [each | {"status": "active"} for each in (FUSION_ORDER, BRACE_ORDER)]


def updated(answer: Any) -> list[str]:
    """The resources that an answer updates, each with one coverage information."""
    found = [each["resource"] for each in answer.get("systemActions", ())]
    assert len(information_of(answer)) == len(found)
    return [f"{each['resourceType']}/{each['id']}" for each in found]


def dispatch(*names: str, **members: Any) -> dict[str, Any]:
    context = {"patientId": PATIENT, "dispatchedOrders": list(names), "performer": "Organization/lab"}
    return call("order-dispatch") | {"context": context} | members


def booking(*appointments: Any, **members: Any) -> dict[str, Any]:
    context = {"userId": "Practitioner/doc-1", "patientId": PATIENT, "appointments": bundle(*appointments)}
    return call("appointment-book") | {"context": context} | members


def appointment(own_id: str, *based_on: str) -> dict[str, Any]:
    """An appointment of the patient, for these orders."""
    found: dict[str, Any] = {
        "resourceType": "Appointment",
        "id": own_id,
        "status": "proposed",
        "participant": [{"actor": {"reference": f"Patient/{PATIENT}"}, "status": "accepted"}],
    }
    return found | ({"basedOn": [{"reference": name} for name in based_on]} if based_on else {})


@pytest.mark.requirement("crd:hook-34")
@BOTH
@pytest.mark.requirement("7.97")
def test_on_order_select_only_selected_orders_are_answered(version: str) -> None:
    body = call("order-select", order("o-1"), order("o-2"), order("o-3"))
    body["context"]["selections"] = ["ServiceRequest/o-2"]
    assert updated(CrdService().answer(body, version)) == ["ServiceRequest/o-2"]


def test_selecting_an_order_of_another_patient_is_no_error_beside_one_of_the_patient() -> None:
    body = call("order-select", order("o-1"), order("o-2", subject={"reference": "Patient/p-2"}))
    body["context"]["selections"] = ["ServiceRequest/o-2"]
    assert updated(CrdService().answer(body)) == []


@pytest.mark.requirement("crd:hook-30", "crd:hook-33")
@BOTH
@pytest.mark.requirement("7.77")
def test_every_dispatched_order_in_the_prefetch_is_answered_and_no_other(version: str) -> None:
    other = order("o-9")
    prefetch = HELD | {"serviceRequests": searchset(DISPATCHED[0], other), "deviceRequests": searchset(DISPATCHED[1])}
    body = dispatch("ServiceRequest/o-1", "DeviceRequest/d-1", prefetch=prefetch)
    assert updated(CrdService().answer(body, version)) == ["ServiceRequest/o-1", "DeviceRequest/d-1"]


@BOTH
@pytest.mark.requirement("crd:hook-33")
def test_dispatched_orders_that_were_not_sent_are_read(ehr: FakeEhr, version: str) -> None:
    for each in DISPATCHED:
        ehr.answers[f"{each['resourceType']}/{each['id']}"] = (200, each)
    body = dispatch("ServiceRequest/o-1", "DeviceRequest/d-1", prefetch=HELD, fhirServer=ehr.base)
    answer = CrdService(over_http=True).answer(body, version)
    assert updated(answer) == ["ServiceRequest/o-1", "DeviceRequest/d-1"]
    for action, sent in zip(answer["systemActions"], DISPATCHED, strict=True):
        assert {name: value for name, value in action["resource"].items() if name != "extension"} == sent


@BOTH
def test_the_one_order_of_the_first_version_of_the_hook_is_answered(version: str) -> None:
    body = dispatch(prefetch=HELD | {"serviceRequests": searchset(DISPATCHED[0])})
    body["context"] = {"patientId": PATIENT, "order": "ServiceRequest/o-1", "performer": "Organization/lab"}
    assert updated(CrdService().answer(body, version)) == ["ServiceRequest/o-1"]


@pytest.mark.requirement("crd:hook-26")
@BOTH
@pytest.mark.requirement("7.77")
def test_the_answer_to_an_appointment_stands_on_the_order_behind_it(ehr: FakeEhr, version: str) -> None:
    ehr.answers["ServiceRequest/o-1"] = (200, DISPATCHED[0])
    body = booking(appointment("a-1", "ServiceRequest/o-1"), prefetch=HELD, fhirServer=ehr.base)
    assert updated(CrdService(over_http=True).answer(body, version)) == ["ServiceRequest/o-1"]


@pytest.mark.requirement("crd:hook-26")
@BOTH
@pytest.mark.requirement("7.77")
def test_two_appointments_for_one_order_are_answered_once_and_one_for_none_on_itself(version: str) -> None:
    body = booking(
        appointment("a-1", "ServiceRequest/o-1"),
        appointment("a-2", "ServiceRequest/o-1"),
        appointment("a-3"),
        prefetch=HELD | {"serviceRequests": searchset(DISPATCHED[0])},
    )
    assert sorted(updated(CrdService().answer(body, version))) == ["Appointment/a-3", "ServiceRequest/o-1"]


@pytest.mark.requirement("crd:hook-26", "crd:hook-33")
@BOTH
@pytest.mark.requirement("7.97")
def test_documents_are_asked_for_when_an_order_is_dispatched_or_its_appointment_booked(version: str) -> None:
    prefetch = HELD | {"serviceRequests": searchset(DISPATCHED[0])}
    for body in (
        dispatch("ServiceRequest/o-1", prefetch=prefetch),
        booking(appointment("a-1", "ServiceRequest/o-1"), prefetch=prefetch),
    ):
        (told,) = CrdService().information(body, version)
        assert told["doc-needed"] == ["clinical"]
        assert told["questionnaire"]


@BOTH
@pytest.mark.requirement("7.49")
def test_orders_that_do_not_exist_are_422(ehr: FakeEhr, version: str) -> None:
    ehr.answers["ServiceRequest/o-1"] = (404, {})
    body = dispatch("ServiceRequest/o-1", prefetch=HELD, fhirServer=ehr.base)
    assert CrdService(over_http=True).post(body, version).status_code == 422
