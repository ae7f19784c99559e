"""What CRD services refuse, and with which status: each version has its own (CRD 2.2.1 hook-9 to hook-14)."""

from collections.abc import Callable
from typing import Any

import pytest

from coverage_policies.judging.assessment import Assessor
from tests.support.crd_calls import CrdService, bundle, call, configured, order
from tests.support.hook_fakes import authorization

SECRET = "Xanthippe-7"
BOTH = pytest.mark.parametrize("version", ["2.2", "2.0"])
INVALID = {"2.2": 400, "2.0": 422}
"""The status for JSON that is no CDS Hooks request or not FHIR: CRD 2.0.1 has 400 for what is no JSON only."""

Change = Callable[[dict[str, Any]], None]


def without(*path: str) -> Change:
    """Leaves out a member."""

    def change(body: dict[str, Any]) -> None:
        inner = body
        for name in path[:-1]:
            inner = inner[name]
        del inner[path[-1]]

    return change


def put(value: Any, *path: str | int) -> Change:
    """Sets a member."""

    def change(body: Any) -> None:
        for name in path[:-1]:
            body = body[name]
        body[path[-1]] = value

    return change


def refusal(body: Any, version: str) -> tuple[int, list[str]]:
    """The status and the places of the faults; the body must be an OperationOutcome without data of the patient."""
    response = CrdService().post(body, version)
    assert response.mimetype == "application/json"
    assert response.json["resourceType"] == "OperationOutcome"
    for issue in response.json["issue"]:
        assert {"severity", "code", "diagnostics"} <= issue.keys()
    assert SECRET not in response.text
    return response.status_code, [place for issue in response.json["issue"] for place in issue.get("expression", ())]


ENTRY = ("context", "draftOrders", "entry", 0, "resource")


@BOTH
@pytest.mark.requirement("7.21", "7.25", "7.113")
@pytest.mark.parametrize("member", ["hookInstance", "context"])
def test_a_call_without_a_member_of_cds_hooks_is_invalid(version: str, member: str) -> None:
    body = call("order-sign", order())
    del body[member]
    assert refusal(body, version) == (INVALID[version], [member])


@BOTH
@pytest.mark.requirement("7.25")
@pytest.mark.parametrize(
    ("hook", "member"),
    [
        *((hook, name) for hook in ("order-select", "order-sign") for name in ("userId", "patientId", "draftOrders")),
        ("order-select", "selections"),
    ],
)
def test_a_context_without_what_its_hook_requires_is_invalid(version: str, hook: str, member: str) -> None:
    body = call(hook, order())
    del body["context"][member]
    assert refusal(body, version) == (INVALID[version], [f"context.{member}"])


@BOTH
@pytest.mark.requirement("7.22", "7.23", "7.28", "7.113")
@pytest.mark.parametrize(
    ("change", "place"),
    [
        (put(SECRET, "hookInstance"), "hookInstance"),
        (without("fhirServer"), "fhirServer"),
        (put([SECRET], "context", "draftOrders"), "context.draftOrders"),
        (put(SECRET, *ENTRY, "status"), "context.draftOrders.entry[0].resource.status"),
        (put(SECRET, *ENTRY, "code"), "context.draftOrders.entry[0].resource.code"),
    ],
)
def test_what_is_no_cds_hooks_request_or_not_fhir_is_invalid(version: str, change: Change, place: str) -> None:
    body = call("order-sign", order(), fhirAuthorization=authorization(access_token=SECRET))
    change(body)
    status, places = refusal(body, version)
    assert status == INVALID[version]
    assert any(each.startswith(place) for each in places)


@BOTH
@pytest.mark.requirement("7.29", "7.113")
@pytest.mark.parametrize("element", ["authoredOn", "requester", "code"])
@pytest.mark.parametrize("hook", ["order-select", "order-sign"])
def test_an_order_that_is_fhir_but_breaks_its_profile_is_422(version: str, hook: str, element: str) -> None:
    body = call(hook, order(note=[{"text": SECRET}]))
    del body["context"]["draftOrders"]["entry"][0]["resource"][element]
    assert refusal(body, version) == (422, [f"context.draftOrders.entry[0].resource.{element}"])


@BOTH
@pytest.mark.requirement("7.28")
def test_an_appointment_that_is_not_fhir_is_invalid(version: str) -> None:
    appointment = {"resourceType": "Appointment", "id": "a-1", "status": "proposed"}  # it has no participant
    body = call("appointment-book") | {
        "context": {"userId": "Practitioner/doc-1", "patientId": "p-1", "appointments": bundle(appointment)}
    }
    where = "context.appointments.entry[0].resource.participant"
    assert refusal(body, version) == (INVALID[version], [where])


@pytest.mark.requirement("7.20", "7.116", "7.113")
@BOTH
@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"{",
        b"\xff\xfe{}",
        b'{"hook": NaN}',
        b'{"hook": "order-sign", "hook": "order-sign"}',
        b"[" * 100_000,
        b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
    ],
)
def test_what_is_no_json_is_400_in_every_version(version: str, sent: bytes) -> None:
    path = f"/cds-services/crd-{'' if version == '2.2' else '2.0-'}order-sign"
    response = CrdService().client.post(path, data=sent, content_type="application/json")
    assert response.status_code == 400
    assert response.json["resourceType"] == "OperationOutcome"


@pytest.mark.requirement("7.115")
@BOTH
def test_another_method_content_type_and_id_are_refused_as_http_does(version: str) -> None:
    client = CrdService().client
    path = f"/cds-services/crd-{'' if version == '2.2' else '2.0-'}order-sign"
    assert client.get(path).status_code == 405
    assert client.post(path, data="{}", content_type="text/plain").status_code == 415
    assert client.post(f"{path}-again", json={}).status_code == 404


@pytest.mark.requirement("7.115")
@BOTH
def test_more_orders_than_are_allowed_are_413(version: str) -> None:
    service = CrdService(max_orders=2)
    assert service.post(call("order-sign", *(order(f"o-{n}") for n in range(2))), version).status_code == 200
    assert service.post(call("order-sign", *(order(f"o-{n}") for n in range(3))), version).status_code == 413


@pytest.mark.requirement("7.30")
@BOTH
def test_the_call_of_another_hook_is_invalid(version: str) -> None:
    path = f"/cds-services/crd-{'' if version == '2.2' else '2.0-'}order-select"
    response = CrdService().client.post(path, json=call("order-sign", order()))
    assert response.status_code == INVALID[version]
    assert response.json["issue"][0]["expression"] == ["hook"]


@pytest.mark.requirement("7.114", "7.113")
@BOTH
def test_a_failure_in_policy_code_is_500(version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_args: object, **_named: object) -> None:
        raise ZeroDivisionError(SECRET)

    monkeypatch.setattr(Assessor, "assess", fails)
    service = CrdService()
    response = service.post(call("order-sign", order()), version)
    assert response.status_code == 500
    assert response.json["resourceType"] == "OperationOutcome"
    assert response.json["issue"]
    assert SECRET not in response.text
    assert "ZeroDivisionError" not in response.text


@pytest.mark.requirement("7.40", "7.76")
@BOTH
def test_with_everything_switched_off_nothing_comes_and_nothing_fails(version: str) -> None:
    switches = ["coverage_info", "guideline", "appropriate_use", "therapy_alternatives_req", "clinical_reminder"]
    body = call("order-sign", order(orderDetail=[{"text": "posterior approach"}]))
    assert CrdService().answer(body, version)["cards"]
    off = body | {"extension": configured(**dict.fromkeys([*switches, "claim", "unsolicited_determ"], False))}
    assert CrdService().answer(off, version) == {"cards": []}
