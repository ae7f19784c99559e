"""order-dispatch and appointment-book: hooks that name orders instead of holding them."""

from typing import Any

import pytest

from tests.support.crd_calls import (
    EHR,
    PATIENT,
    RULES,
    CrdService,
    bundle,
    coverage,
    information_of,
    order,
    searchset,
)
from tests.support.hook_fakes import FakeEhr
from tests.support.hostile_fhir import says, serving

BOTH = pytest.mark.parametrize("version", ["2.2", "2.0"])
INSTANCE = "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea"
ALTERNATE = "http://hl7.org/fhir/StructureDefinition/alternate-reference"
STORED = order(status="active", orderDetail=[{"text": "posterior approach"}])
OF_ANOTHER_PATIENT = order("o-2", status="active", subject={"reference": "Patient/p-2"})


def dispatch(*references: str, **members: Any) -> dict[str, Any]:
    """A call of order-dispatch, with one Coverage in its prefetch."""
    context = {"patientId": PATIENT, "dispatchedOrders": list(references), "performer": "Organization/lab"}
    return _call("order-dispatch", context, members)


def appointment(own_id: str = "a-1", *based_on: Any, **members: Any) -> dict[str, Any]:
    """A proposed appointment of the patient, for these orders."""
    made: dict[str, Any] = {
        "resourceType": "Appointment",
        "id": own_id,
        "status": "proposed",
        "participant": [{"actor": {"reference": f"Patient/{PATIENT}"}, "status": "accepted"}],
    }
    return made | ({"basedOn": list(based_on)} if based_on else {}) | members


def book(*appointments: Any, **members: Any) -> dict[str, Any]:
    """A call of appointment-book, with one Coverage in its prefetch."""
    context = {"userId": "Practitioner/d", "patientId": PATIENT, "appointments": bundle(*appointments)}
    return _call("appointment-book", context, members)


def _call(hook: str, context: Any, members: Any) -> dict[str, Any]:
    prefetch = {"coverage": searchset(coverage())} | members.pop("prefetch", {})
    call = {"hook": hook, "hookInstance": INSTANCE, "fhirServer": EHR, "context": context, "prefetch": prefetch}
    return call | members


def updated(answer: Any) -> list[str]:
    """The references of the resources that an answer updates."""
    return [f"{each['resource']['resourceType']}/{each['resource']['id']}" for each in answer.get("systemActions", ())]


# --- order-dispatch --------------------------------------------------------------------------------------------------


@BOTH
def test_a_dispatched_order_is_read_from_the_server_and_answered(version: str) -> None:
    service = CrdService(RULES, STORED)
    answer = service.answer(dispatch("ServiceRequest/o-1"), version)
    assert updated(answer) == ["ServiceRequest/o-1"]
    (told,) = service.information(dispatch("ServiceRequest/o-1"), version)
    assert told["covered"] == ["not-covered"]


def test_a_dispatched_order_in_the_prefetch_is_not_read_again(ehr: FakeEhr) -> None:
    held = {"serviceRequests": searchset(STORED)}
    body = dispatch("ServiceRequest/o-1", prefetch=held, fhirServer=ehr.base)
    assert updated(CrdService(over_http=True).answer(body)) == ["ServiceRequest/o-1"]
    assert "fhir/ServiceRequest/o-1" not in ehr.asked


def test_dispatched_prescriptions_do_not_pass_for_all_prescriptions_of_the_patient(ehr: FakeEhr) -> None:
    trial = order(code="62350", status="active")
    drug = {name: value for name, value in order("m-1", status="active").items() if name != "code"} | {
        "resourceType": "MedicationRequest",
        "medicationCodeableConcept": {"text": "Ibuprofen 600 mg"},
    }
    held = {"serviceRequests": searchset(trial), "medicationRequests": searchset(drug), "devices": searchset()}
    body = dispatch("ServiceRequest/o-1", "MedicationRequest/m-1", prefetch=held, fhirServer=ehr.base)
    assert len(updated(CrdService(over_http=True).answer(body))) == 2
    assert ehr.asked_for("MedicationRequest") == 1
    assert ehr.asked_for("Device") == 1


def test_the_order_of_hook_version_1_0_is_read_too() -> None:
    body = dispatch()
    body["context"] |= {"dispatchedOrders": [], "order": "ServiceRequest/o-1"}
    assert updated(CrdService(RULES, STORED).answer(body)) == ["ServiceRequest/o-1"]


def test_every_dispatched_order_is_answered_once() -> None:
    names = ["ServiceRequest/o-1", "ServiceRequest/o-2", "ServiceRequest/o-1"]
    assert updated(CrdService(RULES, STORED, order("o-2")).answer(dispatch(*names))) == names[:2]


def test_an_order_that_does_not_exist_is_left_out_beside_one_that_does() -> None:
    answer = CrdService(RULES, STORED).answer(dispatch("ServiceRequest/none", "ServiceRequest/o-1"))
    assert updated(answer) == ["ServiceRequest/o-1"]


def test_a_call_about_orders_that_do_not_exist_is_422(ehr: FakeEhr) -> None:
    ehr.answers["ServiceRequest/none"] = (404, {})
    response = CrdService(over_http=True).post(dispatch("ServiceRequest/none", fhirServer=ehr.base))
    assert response.status_code == 422
    assert response.json["issue"][0]["code"] == "not-found"


def test_an_order_of_another_id_is_not_answered_in_place_of_the_one_that_was_named(ehr: FakeEhr) -> None:
    ehr.answers["ServiceRequest/o-1"] = (200, order("o-9", status="active"))
    ehr.answers["ServiceRequest/o-2"] = (200, order("o-2", status="active"))
    body = dispatch("ServiceRequest/o-1", "ServiceRequest/o-2", fhirServer=ehr.base)
    assert updated(CrdService(over_http=True).answer(body)) == ["ServiceRequest/o-2"]


def test_a_call_about_orders_that_could_not_be_read_is_412() -> None:
    with serving(says({}, "500 Internal Server Error")) as server:
        response = CrdService(over_http=True).post(dispatch("ServiceRequest/o-1", fhirServer=server.base))
    assert response.status_code == 412


@pytest.mark.parametrize(("version", "status"), [("2.2", 400), ("2.0", 422)])
def test_orders_of_another_patient_are_invalid_where_they_are_named(version: str, status: int) -> None:
    held = {"serviceRequests": searchset(OF_ANOTHER_PATIENT)}
    calls = {
        "context.dispatchedOrders": dispatch("ServiceRequest/o-2", prefetch=held),
        "context.appointments.entry.resource.basedOn": book(
            appointment("a-1", {"reference": "ServiceRequest/o-2"}), prefetch=held
        ),
    }
    for place, body in calls.items():
        response = CrdService().post(body, version)
        assert response.status_code == status
        assert response.json["issue"][0]["expression"] == [place]


def test_an_order_of_another_patient_is_left_out_beside_one_of_the_patient() -> None:
    service = CrdService(RULES, STORED, OF_ANOTHER_PATIENT)
    assert updated(service.answer(dispatch("ServiceRequest/o-2", "ServiceRequest/o-1"))) == ["ServiceRequest/o-1"]


@pytest.mark.parametrize(("version", "status"), [("2.2", 400), ("2.0", 422)])
def test_a_call_that_names_no_orders_but_other_resources_is_invalid(version: str, status: int) -> None:
    for name in ("Condition/c-1", f"{EHR}/Patient/{PATIENT}", "Task/t-1"):
        response = CrdService().post(dispatch(name), version)
        assert response.status_code == status
        assert response.json["issue"][0]["expression"] == ["context.dispatchedOrders"]


def test_what_is_named_beside_orders_and_is_none_is_not_read(ehr: FakeEhr) -> None:
    ehr.answers["ServiceRequest/o-1"] = (200, STORED)
    body = dispatch("Task/t-1", "ServiceRequest/o-1", fhirServer=ehr.base)
    assert updated(CrdService(over_http=True).answer(body)) == ["ServiceRequest/o-1"]
    assert ehr.asked_for("Task") == 0


@pytest.mark.parametrize(("version", "status"), [("2.2", 400), ("2.0", 422)])
@pytest.mark.parametrize(
    ("context", "path"),
    [
        ({"dispatchedOrders": []}, "context.dispatchedOrders"),
        ({"dispatchedOrders": ["o-1"]}, "context.dispatchedOrders[0]"),
        ({"performer": None}, "context.performer"),
        ({"patientId": "Patient/p-1"}, "context.patientId"),
    ],
)
def test_a_context_that_cds_hooks_does_not_allow_is_refused(version: str, status: int, context: Any, path: str) -> None:
    body = dispatch("ServiceRequest/o-1")
    body["context"] |= context
    response = CrdService().post(body, version)
    assert response.status_code == status
    assert response.json["issue"][0]["expression"] == [path]


def test_more_orders_than_allowed_are_413() -> None:
    response = CrdService(max_orders=2).post(dispatch(*(f"ServiceRequest/{n}" for n in range(3))))
    assert response.status_code == 413


# --- appointment-book ------------------------------------------------------------------------------------------------


@BOTH
def test_the_order_behind_an_appointment_is_answered_and_not_the_appointment(version: str) -> None:
    body = book(appointment("a-1", {"reference": "ServiceRequest/o-1"}))
    assert updated(CrdService(RULES, STORED).answer(body, version)) == ["ServiceRequest/o-1"]


def test_an_order_of_another_type_stands_behind_the_alternate_reference() -> None:
    device = {name: value for name, value in STORED.items() if name != "code"} | {
        "resourceType": "DeviceRequest",
        "id": "d-1",
        "codeCodeableConcept": {"text": "Brace"},
    }
    behind = {"extension": [{"url": ALTERNATE, "valueReference": {"reference": "DeviceRequest/d-1"}}]}
    answer = CrdService(RULES, device).answer(book(appointment("a-1", behind)))
    assert updated(answer) == ["DeviceRequest/d-1"]


def test_an_appointment_without_an_order_is_answered_itself() -> None:
    answer = CrdService().answer(book(appointment()))
    assert updated(answer) == ["Appointment/a-1"]
    assert len(information_of(answer)) == 1


@pytest.mark.parametrize(
    ("start", "stated", "covered"),
    [
        ("2026-06-30T10:00:00-04:00", {}, "conditional"),
        ("2026-07-01T10:00:00-04:00", {}, "not-covered"),
        (None, {}, "conditional"),
        ("2026-07-01T10:00:00-04:00", {"occurrenceDateTime": "2026-06-01"}, "conditional"),
    ],
)
def test_the_day_of_the_appointment_is_that_of_an_order_that_states_none(start: Any, stated: Any, covered: str) -> None:
    ends = searchset(coverage(period={"start": "2025-01-01", "end": "2026-06-30"}))
    booked = appointment("a-1", {"reference": f"{EHR}/ServiceRequest/o-1"}, start=start)
    body = book(booked, prefetch={"coverage": ends})
    (told,) = CrdService(RULES, order(status="active", **stated)).information(body)
    assert told["covered"] == [covered]


def test_the_day_of_an_appointment_without_an_order_is_its_own() -> None:
    ends = searchset(coverage(period={"start": "2025-01-01", "end": "2026-06-30"}))
    (told,) = CrdService().information(book(appointment(start="2026-07-01T09:00:00Z"), prefetch={"coverage": ends}))
    assert told["covered"] == ["not-covered"]


def test_two_appointments_for_one_order_give_one_answer() -> None:
    target = {"reference": "ServiceRequest/o-1"}
    answer = CrdService(RULES, STORED).answer(book(appointment("a-1", target), appointment("a-2", target)))
    assert updated(answer) == ["ServiceRequest/o-1"]


def test_an_order_and_an_appointment_of_its_own_are_both_answered() -> None:
    target = {"reference": "ServiceRequest/o-1"}
    answer = CrdService(RULES, STORED).answer(book(appointment("a-1", target), appointment("a-2")))
    assert updated(answer) == ["ServiceRequest/o-1", "Appointment/a-2"]


def test_an_appointment_for_what_is_no_order_is_answered_itself() -> None:
    body = book(appointment("a-1", {"reference": "CarePlan/c-1"}))
    assert updated(CrdService().answer(body)) == ["Appointment/a-1"]


def test_an_order_that_is_sent_beside_its_appointment_is_answered_and_not_what_it_is_based_on(ehr: FakeEhr) -> None:
    sent = order("o-9", basedOn=[{"reference": "ServiceRequest/o-1"}])
    body = book(appointment("a-1", {"reference": "ServiceRequest/o-9"}), sent, fhirServer=ehr.base)
    assert updated(CrdService(over_http=True).answer(body)) == ["ServiceRequest/o-9"]
    assert not [each for each in ehr.asked if "ServiceRequest/o-" in each]


@pytest.mark.parametrize(("orders", "status"), [(2, 200), (3, 413)])
def test_the_orders_behind_appointments_count_as_orders(orders: int, status: int) -> None:
    names = [f"o-{number}" for number in range(orders)]
    behind = [{"reference": f"ServiceRequest/{name}"} for name in names]
    response = CrdService(RULES, *map(order, names), max_orders=2).post(book(appointment("a-1", *behind, *behind)))
    assert response.status_code == status
    if status == 413:
        assert response.json["issue"][0]["expression"] == ["context.appointments.entry.resource.basedOn"]


def test_an_order_beside_its_appointment_may_be_named_by_its_full_url() -> None:
    url = "urn:uuid:0b2e2a3c-5a0e-4d7e-9f0a-3b7d9f3f2c11"
    body = book(appointment("a-1", {"reference": url}), order("o-9"))
    body["context"]["appointments"]["entry"][1]["fullUrl"] = url
    assert updated(CrdService().answer(body)) == ["ServiceRequest/o-9"]


def test_the_log_counts_each_order_that_a_context_names_once() -> None:
    service = CrdService(RULES, STORED)
    service.answer(dispatch("ServiceRequest/o-1", f"{EHR}/ServiceRequest/o-1"))
    assert service.log_lines()[-1]["orders"] == 1


STRANGER = {"participant": [{"actor": {"reference": "Patient/p-2"}, "status": "accepted"}]}


@pytest.mark.parametrize("based_on", [[], [{"reference": "ServiceRequest/o-1"}]])
@pytest.mark.parametrize(("version", "status"), [("2.2", 400), ("2.0", 422)])
def test_an_appointment_of_another_patient_is_refused(version: str, status: int, based_on: list[Any]) -> None:
    body = book(appointment("a-1", *based_on, **STRANGER))
    assert CrdService(RULES, STORED).post(body, version).status_code == status


def test_an_appointment_of_another_patient_is_not_answered_beside_one_of_this() -> None:
    group = {"participant": [*STRANGER["participant"], *appointment()["participant"]]}
    body = book(appointment("a-1", **STRANGER), appointment("a-2"), appointment("a-3", **group))
    assert updated(CrdService().answer(body)) == ["Appointment/a-2", "Appointment/a-3"]


@pytest.mark.parametrize(("broken", "statuses", "place"), [
    ({"extension": "lost"}, {"2.2": 400, "2.0": 422}, ".extension"),
    ({"requester": None}, {"2.2": 422, "2.0": 422}, ".requester"),
])  # fmt: skip
def test_a_named_order_is_checked_as_strictly_as_a_draft(broken: Any, statuses: Any, place: str) -> None:
    stored = {name: value for name, value in (STORED | broken).items() if value is not None}
    named = {"reference": "ServiceRequest/o-1"}
    for version, status in statuses.items():
        for body in (dispatch("ServiceRequest/unknown", "ServiceRequest/o-1"), book(appointment("a-1", named))):
            response = CrdService(RULES, stored).post(body, version)
            assert response.status_code == status
            (expression,) = response.json["issue"][0]["expression"]
            assert expression.startswith("context.")
            assert expression.endswith(f"].resolve(){place}")
