"""What a call must have, and what the service tolerates."""

from typing import Any

import pytest

from cds_service.hooks.request import read_request
from cds_service.hooks.request_model import Call
from tests.support.hook_fakes import PATIENT, Service, WatchingAssessor, authorization, call

SERVER = "http://127.0.0.1:1/fhir"
NO_DATA = {"patient": PATIENT, "coverage": None, "conditions": None}


def order(own_id: str, **members: Any) -> dict[str, Any]:
    """Return a Bundle entry with a ServiceRequest."""
    return {"resource": {"resourceType": "ServiceRequest", "id": own_id, "status": "draft"} | members}


def with_orders(*entries: Any, selections: list[str] | None = None) -> dict[str, Any]:
    """Return a call with prefetch and these draft orders, on order-select if there are selections."""
    request = call(prefetch=NO_DATA)
    request["context"]["draftOrders"]["entry"] = list(entries)
    if selections is not None:
        request["hook"] = "order-select"
        request["context"]["selections"] = selections
    return request


def without(value: dict[str, Any], *path: str) -> dict[str, Any]:
    """Return a call without one member."""
    parent = value
    for name in path[:-1]:
        parent = parent[name]
    del parent[path[-1]]
    return value


def issues(response: Any) -> list[tuple[str, str]]:
    """Return the code and path of each issue of an error."""
    assert response.json["resourceType"] == "OperationOutcome"
    return [(issue["code"], issue.get("expression", [""])[0]) for issue in response.json["issue"]]


@pytest.mark.requirement("7.20", "7.116")
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"hook=order-sign",
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'"\xff"',
        b"[" * 99_999,
        b"[" * 150 + b"]" * 150,
    ],
    ids=["empty", "cut off", "form", "NaN", "Infinity", "not UTF-8", "a hundred thousand deep", "150 deep"],
)
def test_a_body_that_is_not_json_is_refused(service: Service, body: bytes) -> None:
    response = service.client.post("/cds-services/coverage-order-sign", data=body, content_type="application/json")
    assert response.status_code == 400
    assert issues(response) == [("structure", "")]


def test_a_byte_order_mark_is_tolerated(service: Service) -> None:
    body = "\ufeff" + service.app.json.dumps(with_orders())
    response = service.client.post("/cds-services/coverage-order-sign", data=body, content_type="application/json")
    assert response.status_code == 200


@pytest.mark.parametrize("value", [[], "order-sign", 1, None, True])
def test_a_body_that_is_no_object_is_refused(service: Service, value: Any) -> None:
    response = service.post(value)
    assert (response.status_code, issues(response)) == (400, [("structure", "")])


@pytest.mark.requirement("7.21", "7.25", "7.113")
@pytest.mark.parametrize(
    "path",
    [
        ("hook",),
        ("hookInstance",),
        ("context",),
        ("context", "userId"),
        ("context", "patientId"),
        ("context", "draftOrders"),
    ],
    ids=".".join,
)
def test_a_required_member_that_is_missing_is_named(service: Service, path: tuple[str, ...]) -> None:
    response = service.post(without(call(), *path))
    assert (response.status_code, issues(response)) == (400, [("required", ".".join(path))])


@pytest.mark.requirement("7.25")
def test_order_select_needs_selections(service: Service) -> None:
    response = service.post(call(hook="order-select"), "coverage-order-select")
    assert (response.status_code, issues(response)) == (400, [("required", "context.selections")])


def test_every_fault_is_reported_at_once_with_what_to_send(service: Service) -> None:
    response = service.post(without(call(hookInstance="7"), "context", "userId"))
    assert sorted(issues(response)) == [("required", "context.userId"), ("value", "hookInstance")]
    assert all("Send " in issue["diagnostics"] for issue in response.json["issue"])


@pytest.mark.parametrize(
    "members",
    [
        {"hook": "Xanthippe"},
        {"hookInstance": "Xanthippe"},
        {"fhirServer": "Xanthippe"},
        {"fhirAuthorization": authorization(token_type="Xanthippe", expires_in="Xanthippe")},
        {"prefetch": "Xanthippe", "extension": ["Xanthippe"]},
        {"context": "Xanthippe"},
        {
            "context": {
                "userId": "Xanthippe",
                "patientId": "Frau Xanthippe",
                "draftOrders": {"resourceType": "Xanthippe"},
            }
        },
        {"context": {"selections": {"Xanthippe": 1}, "draftOrders": ["Xanthippe"]}},
    ],
    ids=str,
)
def test_no_error_repeats_what_was_sent(service: Service, members: dict[str, Any]) -> None:
    response = service.post(call() | members)
    assert response.status_code == 400
    assert "Xanthippe" not in response.text + service.written.getvalue()


def test_the_repr_of_a_call_has_no_data() -> None:
    request = call(fhirServer=SERVER, fhirAuthorization=authorization(access_token="secret-token"))
    shown = Call.model_validate(request)
    assert (repr(shown), str(shown), repr(shown.fhirAuthorization)) == ("Call()", "", "FhirAuthorization()")


def test_at_most_twenty_issues_are_named(service: Service) -> None:
    selections: list[Any] = [1] * 30
    request = call(hook="order-select")
    request["context"]["selections"] = selections
    assert len(issues(service.post(request, "coverage-order-select"))) == 20


def test_a_lone_surrogate_in_a_string_is_accepted(service: Service) -> None:
    request = call(prefetch=NO_DATA)
    request["context"] |= {"userId": "Practitioner/\ud800", "encounterId": "\ud800"}
    assert service.post(request).status_code == 200


@pytest.mark.requirement("7.22")
@pytest.mark.parametrize(
    "value", ["", "42", "d1577c69dfbe44adba6d3e05e953b2ea", "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea\n"]
)
def test_a_hook_instance_that_is_no_uuid_is_refused(service: Service, value: str) -> None:
    response = service.post(call(hookInstance=value))
    assert (response.status_code, issues(response)) == (400, [("value", "hookInstance")])


@pytest.mark.requirement("7.22")
@pytest.mark.parametrize(
    "value",
    [
        "D1577C69-DFBE-44AD-BA6D-3E05E953B2EA",
        "0196a2b4-7e5c-7b3a-9f10-1c2d3e4f5a6b",
        "00000000-0000-0000-0000-000000000000",
    ],
)
def test_any_uuid_is_accepted(service: Service, value: str) -> None:
    assert service.post(call(hookInstance=value, prefetch=NO_DATA)).status_code == 200


@pytest.mark.requirement("7.23")
def test_an_authorization_without_server_is_refused(service: Service) -> None:
    response = service.post(call(fhirAuthorization=authorization()))
    assert (response.status_code, issues(response)) == (400, [("required", "fhirServer")])


@pytest.mark.parametrize(
    "server",
    [
        "",
        "ehr",
        "ftp://ehr/fhir",
        "http://",
        "http://user:word@ehr/fhir",
        "http://ehr:port/fhir",
        "http://[::1/fhir",
        "http://ehr/?a=b",
    ],
)
def test_a_server_that_is_no_base_address_is_refused(service: Service, server: str) -> None:
    response = service.post(call(fhirServer=server))
    assert (response.status_code, issues(response)) == (400, [("value", "fhirServer")])


@pytest.mark.parametrize(
    ("server", "read"),
    [
        ("HTTPS://ehr.example/fhir/", "https://ehr.example/fhir"),
        ("Http://EHR.example/FHIR", "http://EHR.example/FHIR"),
        ("https://ehr.example/fhir", "https://ehr.example/fhir"),
    ],
)
def test_the_scheme_of_a_server_may_be_in_any_case(server: str, read: str) -> None:
    found = read_request(call(fhirServer=server)).fhir
    assert found is not None
    assert found.server == read


@pytest.mark.requirement("7.26")
def test_a_call_without_encounter_is_answered(service: Service) -> None:
    assert service.post(without(call(prefetch=NO_DATA), "context", "encounterId")).status_code == 200


@pytest.mark.requirement("7.27")
@pytest.mark.parametrize("user", ["Practitioner/x", "PractitionerRole/x", "Patient/x"])
def test_the_user_is_given_with_its_type(service: Service, user: str) -> None:
    request = call(prefetch=NO_DATA)
    request["context"]["userId"] = user
    assert service.post(request).status_code == 200


@pytest.mark.requirement("7.27")
@pytest.mark.parametrize("user", ["x", "Practitioner/", "http://ehr/Practitioner/x"])
def test_a_user_without_type_is_refused(service: Service, user: str) -> None:
    request = call()
    request["context"]["userId"] = user
    assert issues(service.post(request)) == [("value", "context.userId")]


@pytest.mark.parametrize("patient", ["", ".", "..", "Patient/1", "a b", "ä", "1\n"])
def test_a_patient_id_that_is_no_id_is_refused(service: Service, patient: str) -> None:
    request = call()
    request["context"]["patientId"] = patient
    assert issues(service.post(request)) == [("value", "context.patientId")]


@pytest.mark.requirement("7.28")
@pytest.mark.parametrize(
    ("orders", "expected"),
    [
        ([], ("structure", "context.draftOrders")),
        ({}, ("required", "context.draftOrders.resourceType")),
        ({"resourceType": "List"}, ("value", "context.draftOrders.resourceType")),
        ({"resourceType": "Bundle", "entry": {}}, ("structure", "context.draftOrders.entry")),
    ],
)
def test_draft_orders_that_are_no_bundle_are_refused(service: Service, orders: Any, expected: tuple[str, str]) -> None:
    request = call()
    request["context"]["draftOrders"] = orders
    response = service.post(request)
    assert (response.status_code, issues(response)) == (400, [expected])


@pytest.mark.requirement("7.28")
@pytest.mark.parametrize(
    "broken",
    [
        {"intent": None},
        {"category": {"coding": []}},
        {"code": {"coding": [{}]}},
        {"code": 27279},
        {"reasonCode": []},
        {"subject": "Patient/p-1"},
        {"status": ["draft"]},
        {"id": 7},
    ],
    ids=str,
)
def test_an_order_that_breaks_fhir_is_evaluated(service: Service, broken: dict[str, Any]) -> None:
    response = service.post(with_orders(order("sr-1", **broken)))
    assert (response.status_code, len(response.json["cards"])) == (200, 1)


@pytest.mark.requirement("7.28")
def test_a_bundle_without_type_and_entries_that_are_no_objects_are_tolerated(service: Service) -> None:
    request = with_orders(None, 5, "x", [], {}, {"resource": None}, order("sr-1"))
    del request["context"]["draftOrders"]["type"]
    response = service.post(request)
    assert (response.status_code, len(response.json["cards"])) == (200, 1)


@pytest.mark.requirement("7.30")
def test_another_hook_than_the_services_is_refused(service: Service) -> None:
    request = with_orders(selections=[])
    response = service.post(request, "coverage-order-sign")
    assert (response.status_code, issues(response)) == (400, [("value", "hook")])
    assert issues(service.post(call(hook="patient-view"))) == [("value", "hook")]


@pytest.mark.requirement("7.30")
def test_only_selected_orders_are_evaluated_and_the_others_stay_in_the_session(
    service: Service, judge: WatchingAssessor
) -> None:
    entries = [order("a"), order("b"), order("c"), {"fullUrl": "http://ehr/fhir/ServiceRequest/d", **order("d")}]
    chosen = ["ServiceRequest/b", "ServiceRequest/d", "ServiceRequest/gone"]
    response = service.post(with_orders(*entries, selections=chosen), "coverage-order-select")
    assert len(response.json["cards"]) == 2
    assert [order.resource["id"] for order in judge.sessions[0].judged] == ["b", "d"]
    assert [order.resource["id"] for order in judge.sessions[0].others] == ["a", "c"]


@pytest.mark.requirement("7.30")
@pytest.mark.parametrize("url", ["urn:uuid:1", "http://ehr/ServiceRequest/x"])
def test_an_order_without_id_is_selected_by_its_full_url(service: Service, url: str) -> None:
    entry = {"fullUrl": url, "resource": {"resourceType": "ServiceRequest"}}
    selected = url if url.startswith("urn") else "ServiceRequest/x"
    response = service.post(with_orders(entry, selections=[selected]), "coverage-order-select")
    assert len(response.json["cards"]) == 1


@pytest.mark.requirement("7.30")
@pytest.mark.parametrize("selections", [[], ["ServiceRequest/z"], ["z", "ServiceRequest/z"]])
def test_where_no_selection_names_an_order_all_are_evaluated_and_the_log_says_so(
    service: Service, selections: list[str]
) -> None:
    response = service.post(with_orders(order("a"), order("b"), selections=selections), "coverage-order-select")
    assert (response.status_code, len(response.json["cards"])) == (200, 2)
    warnings = [line["event"] for line in service.lines() if line["level"] == "warning"]
    assert warnings == ["no selection names a draft order; all count as selected"]


def test_no_order_at_all_gives_neither_card_nor_warning(service: Service) -> None:
    response = service.post(with_orders(selections=["ServiceRequest/z"]), "coverage-order-select")
    assert response.json == {"cards": []}
    assert [line["level"] for line in service.lines()] == ["info"]


def test_an_order_sent_twice_is_read_once_but_two_under_one_id_both_are() -> None:
    found = read_request(with_orders(order("a"), order("a"), order("a", priority="stat")))
    assert len(found.orders.judged) == 2


def test_two_orders_under_one_id_have_a_card_each(service: Service, judge: WatchingAssessor) -> None:
    assert len(service.post(with_orders(order("a"), order("a", priority="stat"))).json["cards"]) == 2
    assert [each.resource.get("priority") for each in judge.sessions[0].judged] == [None, "stat"]


@pytest.mark.requirement("7.31")
def test_unknown_members_change_nothing(service: Service) -> None:
    plain = service.post(call(prefetch=NO_DATA)).json["cards"]
    request = call(prefetch=NO_DATA, extension={"org.example.x": {"a": 1}}, invented=[1])
    request["context"]["invented"] = {"a": None}
    request["context"]["draftOrders"]["invented"] = "x"
    request["context"]["draftOrders"]["entry"][0]["resource"]["invented"] = {"x": []}
    cards = service.post(request).json["cards"]
    assert [card | {"uuid": ""} for card in cards] == [card | {"uuid": ""} for card in plain]


@pytest.mark.requirement("7.32", "7.75", "7.53")
def test_an_order_without_a_policy_is_answered_without_reading_anything(
    service: Service, judge: WatchingAssessor
) -> None:
    request = call(fhirServer=SERVER)
    request["context"]["draftOrders"]["entry"] = [
        {"resource": {"resourceType": kind, "id": "1"}}
        for kind in ("NutritionOrder", "CommunicationRequest", "Invented")
    ]
    response = service.post(request)
    assert (response.status_code, response.json) == (200, {"cards": []})
    assert judge.records == []


@pytest.mark.requirement("7.33")
@pytest.mark.parametrize("status", ["active", "on-hold", "draft", "completed"])
def test_orders_of_any_active_status_are_evaluated_when_signed(service: Service, status: str) -> None:
    assert len(service.post(with_orders(order("a", status=status))).json["cards"]) == 1


@pytest.mark.requirement("7.36")
@pytest.mark.parametrize("members", [{"doNotPerform": True}, {"status": "revoked"}, {"status": "entered-in-error"}])
def test_an_order_that_requests_no_action_is_not_evaluated(
    service: Service, judge: WatchingAssessor, members: dict[str, Any]
) -> None:
    assert service.post(with_orders(order("a", **members))).json == {"cards": []}
    assert len(service.post(with_orders(order("a", doNotPerform=False))).json["cards"]) == 1


@pytest.mark.requirement("7.38")
@pytest.mark.parametrize(
    "scope", ["user/Observation.read patient/*.read", "user/Observation.rs?category=x patient/*.rs", ""]
)
def test_scopes_of_both_smart_versions_are_taken(service: Service, scope: str) -> None:
    request = call(prefetch=NO_DATA, fhirServer=SERVER, fhirAuthorization=authorization(scope=scope))
    assert service.post(request).status_code == 200


@pytest.mark.requirement("7.34")
def test_null_for_an_optional_member_counts_as_absent(service: Service) -> None:
    request = call(fhirServer=None, fhirAuthorization=None, extension=None, prefetch=NO_DATA)
    request["context"]["encounterId"] = None
    assert service.post(request).status_code == 200
    assert service.post(call(prefetch=None)).status_code == 412
    assert issues(service.post(call(fhirServer=None, fhirAuthorization=authorization()))) == [
        ("required", "fhirServer")
    ]
