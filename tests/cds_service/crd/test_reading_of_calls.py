"""What CRD services read from the client's FHIR server, with which token, and that they answer although it hangs."""

import time
from typing import Any

import pytest

from fhir_mappings.codings import HCPCS
from tests.support.crd_calls import ANKLE_BRACE, PATIENT, CrdService, bundle, call, coverage, order, searchset
from tests.support.hook_fakes import FakeEhr, authorization
from tests.support.hostile_fhir import FAULTS, serving

BUDGET = 0.5
ENOUGH = BUDGET + 3.5
"""By when an answer must be there: the budget, the grace, the judging, and a machine that is busy with other tests."""

BOTH = pytest.mark.parametrize("version", ["2.2", "2.0"])
TOKEN = "a-token-that-nobody-else-gets"
DOCTOR = {"reference": "Practitioner/doc-1"}
ENCOUNTER = {"resourceType": "Encounter", "id": "e-1", "subject": {"reference": f"Patient/{PATIENT}"}}
STANDARD_SET: dict[str, Any] = {
    "patient": {"resourceType": "Patient", "id": PATIENT, "birthDate": "1970-01-01"},
    "encounter": ENCOUNTER,
    "coverage": searchset(coverage()),
    "devices": searchset(),
    "medications": searchset(),
}


def dispatched(*orders: Any, **members: Any) -> dict[str, Any]:
    """A call of order-dispatch."""
    names = [f"{each['resourceType']}/{each['id']}" for each in orders]
    context = {"patientId": PATIENT, "dispatchedOrders": names, "performer": "Organization/lab"}
    return call("order-dispatch") | {"context": context} | members


def booked(**members: Any) -> dict[str, Any]:
    """A call of appointment-book, for an appointment that is for an order."""
    appointment = {
        "resourceType": "Appointment",
        "id": "a-1",
        "status": "proposed",
        "basedOn": [{"reference": "ServiceRequest/o-1"}],
        "participant": [{"actor": {"reference": f"Patient/{PATIENT}"}, "status": "accepted"}],
    }
    context = {"userId": DOCTOR["reference"], "patientId": PATIENT, "appointments": bundle(appointment)}
    return call("appointment-book") | {"context": context} | members


@BOTH
@pytest.mark.requirement("7.41")
@pytest.mark.parametrize("hook", ["order-select", "order-sign"])
def test_an_order_without_a_policy_needs_nothing_beyond_the_prefetch(ehr: FakeEhr, version: str, hook: str) -> None:
    brace = order(code=ANKLE_BRACE, system=HCPCS)
    body = call(hook, brace, fhirServer=ehr.base, fhirAuthorization=authorization(), prefetch=STANDARD_SET)
    body["context"]["encounterId"] = "e-1"
    assert len(CrdService(over_http=True).information(body, version)) == 1
    assert ehr.asked == []


@BOTH
@pytest.mark.requirement("7.41")
def test_what_was_prefetched_is_not_asked_for(ehr: FakeEhr, version: str) -> None:
    body = call("order-sign", order(), fhirServer=ehr.base, fhirAuthorization=authorization(), prefetch=STANDARD_SET)
    body["context"]["encounterId"] = "e-1"
    CrdService(over_http=True).answer(body, version)
    assert ehr.asked_for("Condition") == 1
    assert [ehr.asked_for(kind) for kind in ("Patient", "Coverage", "Organization")] == [0] * 3
    assert "fhir/Encounter/e-1" not in ehr.asked  # the policy searches for other encounters of the patient


@BOTH
@pytest.mark.requirement("7.42", "7.43")
def test_what_was_not_prefetched_is_queried_with_the_token_of_the_call(ehr: FakeEhr, version: str) -> None:
    ehr.answers["Coverage"] = (200, searchset(coverage()))
    token = authorization(access_token=TOKEN)
    body = call("order-sign", order(), fhirServer=ehr.base, fhirAuthorization=token, prefetch={})
    assert len(CrdService(over_http=True).information(body, version)) == 1
    assert ehr.asked_for("Coverage") >= 1
    assert ehr.asked_for("Condition") >= 1
    assert {each.get("Authorization") for each in ehr.headers} == {f"Bearer {TOKEN}"}


@BOTH
@pytest.mark.requirement("7.53")
@pytest.mark.parametrize("hook", ["order-select", "order-sign"])
def test_no_draft_order_is_read_from_the_server(ehr: FakeEhr, version: str, hook: str) -> None:
    ehr.answers["ServiceRequest/o-1"] = (404, {})
    body = call(hook, order(), fhirServer=ehr.base, fhirAuthorization=authorization())
    assert len(CrdService(over_http=True).information(body, version)) == 1
    assert ehr.asked
    assert not [each for each in ehr.asked if "o-1" in each]


@BOTH
@pytest.mark.requirement("7.131")
def test_no_query_is_sent_with_a_token_that_has_expired(ehr: FakeEhr, version: str) -> None:
    token = authorization(expires_in=0)
    service = CrdService(over_http=True)
    (told,) = service.information(call("order-sign", order(), fhirServer=ehr.base, fhirAuthorization=token), version)
    assert told["covered"] == [{"2.2": "indeterminate", "2.0": "conditional"}[version]]
    assert ehr.asked == []


# --- a server that hangs ---------------------------------------------------------------------------------------------

CALLS = {
    "order-select": call("order-select", order()),
    "order-sign": call("order-sign", *(order(f"o-{n}") for n in range(5))),
    "order-dispatch": dispatched(
        order(), prefetch={"coverage": searchset(coverage()), "serviceRequests": searchset(order())}
    ),
    "appointment-book": booked(
        prefetch={"coverage": searchset(coverage()), "serviceRequests": searchset(order())},
    ),
}


def on_time(body: Any, version: str, base: str) -> Any:
    """The response to a call, which must be on time."""
    service = CrdService(over_http=True, call_timeout_seconds=BUDGET, query_timeout_seconds=BUDGET)
    token = authorization(access_token=TOKEN)
    started = time.monotonic()
    response = service.post(body | {"fhirServer": base, "fhirAuthorization": token}, version)
    taken = time.monotonic() - started
    assert taken < ENOUGH, f"{taken:.2f} s"
    assert TOKEN not in response.text + service.written.getvalue()
    return response


@BOTH
@pytest.mark.requirement("7.130", "7.50")
@pytest.mark.parametrize("hook", list(CALLS))
@pytest.mark.parametrize("fault", ["hangs", "hangs after the headers"])
def test_every_order_is_answered_on_time_although_the_server_hangs(version: str, hook: str, fault: str) -> None:
    with serving(FAULTS[fault]) as server:
        response = on_time(CALLS[hook], version, server.base)
        assert server.paths
    assert response.status_code == 200
    actions = response.json["systemActions"]
    assert len(actions) == (5 if hook == "order-sign" else 1)
    for action in actions:
        (found,) = action["resource"]["extension"]
        covered = next(each["valueCode"] for each in found["extension"] if each["url"] == "covered")
        assert covered == {"2.2": "indeterminate", "2.0": "conditional"}[version]


@BOTH
@pytest.mark.requirement("7.130", "7.48")
@pytest.mark.parametrize("body", [dispatched(order()), booked(), call("order-sign", order(), prefetch={})])
def test_what_hangs_before_there_is_an_order_or_a_coverage_is_412_on_time(version: str, body: Any) -> None:
    with serving(FAULTS["hangs"]) as server:
        response = on_time(body, version, server.base)
    assert response.status_code == 412
    assert response.json["resourceType"] == "OperationOutcome"
