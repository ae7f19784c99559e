"""Which draft orders of a call are evaluated: the selected ones, for the patient of the call."""

from typing import Any

import pytest

from cds_service.hooks.draft_orders import DraftOrders, draft_orders
from cds_service.hooks.errors import RefusedError
from coverage_policies.format.library import load_library
from coverage_policies.judging.assessment import Assessor
from coverage_policies.judging.plan_rules import PlanRules
from tests.support.hook_fakes import FakeEhr, Service, WatchingAssessor, call

SERVER = "https://ehr.example/fhir"
OURS, OTHER = {"reference": "Patient/p-1"}, {"reference": "Patient/p-2"}


def order(own_id: str | None, subject: Any = OURS, url: str = "", kind: str = "ServiceRequest") -> dict[str, Any]:
    resource = {"resourceType": kind, "id": own_id, "subject": subject}
    return {"fullUrl": url, "resource": {name: value for name, value in resource.items() if value is not None}}


def read(*sent: dict[str, Any], selections: list[str] | None = None, server: str = SERVER) -> DraftOrders:
    return draft_orders(list(sent), "p-1", server, selections)


def ids(orders: Any) -> list[Any]:
    return [resource.get("id") for _, resource in orders]


# --- selections ------------------------------------------------------------------------------------------------------

NAMED = {
    "type and id": ("", "ServiceRequest/a"),
    "a version of it": ("", "ServiceRequest/a/_history/3"),
    "its address": ("", "https://ehr.example/fhir/ServiceRequest/a"),
    "a version of its address": ("", "https://ehr.example/fhir/ServiceRequest/a/_history/1"),
    "the address of its full URL": (f"{SERVER}/ServiceRequest/a", "HTTPS://EHR.example:443/fhir/ServiceRequest/a"),
    "type and id although it has a full URL": (f"{SERVER}/ServiceRequest/a", "ServiceRequest/a"),
    "its URN": ("urn:uuid:5d2e", "urn:uuid:5D2E"),
    "a bare id": ("", "a"),
    "a fragment": ("", "#a"),
    "an id with spaces around it": ("", " ServiceRequest/a "),
}


@pytest.mark.requirement("7.30")
@pytest.mark.parametrize(("url", "selection"), NAMED.values(), ids=NAMED)
def test_a_selection_names_an_order_in_any_form(url: str, selection: str) -> None:
    found = read(order("a", url=url), order("b"), selections=[selection])
    assert (ids(found.judged), ids(found.others), found.is_selection_unknown) == (["a"], ["b"], False)


@pytest.mark.parametrize(
    "selection",
    ["ServiceRequest/c", "c", "MedicationRequest/a", "https://other.example/fhir/ServiceRequest/a", "urn:uuid:9", ""],
)
def test_a_selection_that_names_no_order_selects_none_of_them_by_mistake(selection: str) -> None:
    sent = [order("a", url=f"{SERVER}/ServiceRequest/a"), order("b")]
    assert ids(read(*sent, selections=[selection, "ServiceRequest/b"]).judged) == ["b"]
    assert read(*sent, selections=[selection]).is_selection_unknown


def test_a_bare_id_of_two_orders_names_neither() -> None:
    found = read(order("a"), order("a", kind="DeviceRequest"), order("b"), selections=["a", "b"])
    assert [resource["resourceType"] for _, resource in found.judged] == ["ServiceRequest"]
    assert ids(found.judged) == ["b"]


ONE_ID = (order("new", url="urn:uuid:1"), order("new", {**OURS, "display": "P"}, url="urn:uuid:2"), order("b"))
"""Two orders under one id, and another one."""


def urls(orders: Any) -> list[str]:
    return [url for url, _ in orders]


def test_orders_under_one_id_are_all_judged_if_all_are_selected() -> None:
    assert urls(read(*ONE_ID).judged) == ["urn:uuid:1", "urn:uuid:2", ""]


@pytest.mark.parametrize(
    ("selection", "judged", "others"),
    [
        ("urn:uuid:1", ["urn:uuid:1"], ["urn:uuid:2", ""]),
        ("URN:UUID:2", ["urn:uuid:2"], ["urn:uuid:1", ""]),
        ("ServiceRequest/new", ["urn:uuid:1", "urn:uuid:2"], [""]),
        (f"{SERVER}/ServiceRequest/new", ["urn:uuid:1", "urn:uuid:2"], [""]),
        ("new", ["urn:uuid:1", "urn:uuid:2"], [""]),
        ("ServiceRequest/b", [""], ["urn:uuid:1", "urn:uuid:2"]),
    ],
)
def test_a_full_url_selects_one_of_the_orders_under_one_id_and_the_id_all(
    selection: str, judged: list[str], others: list[str]
) -> None:
    found = read(*ONE_ID, selections=[selection])
    assert (urls(found.judged), urls(found.others)) == (judged, others)


@pytest.mark.parametrize("selection", ["https://a.example/ServiceRequest/new", "https://b.example/ServiceRequest/new"])
def test_an_address_selects_the_order_of_its_server(selection: str) -> None:
    servers = [order("new", url="https://a.example/ServiceRequest/new"), ONE_ID[1], ONE_ID[2]]
    servers[1] = {**ONE_ID[1], "fullUrl": "https://b.example/ServiceRequest/new"}
    assert urls(read(*servers, selections=[selection]).judged) == [selection]
    assert len(urls(read(*servers, selections=["ServiceRequest/new"]).judged)) == 2


def test_an_order_that_was_sent_twice_is_selected_by_either_full_url() -> None:
    twice = [order("new", url="urn:uuid:1"), order("new", url="urn:uuid:2"), order("b")]
    for selection in ("urn:uuid:1", "urn:uuid:2"):
        found = read(*twice, selections=[selection])
        assert (ids(found.judged), ids(found.others)) == (["new"], ["b"])


def test_orders_in_a_bundle_among_the_drafts_are_read() -> None:
    inner = {"resource": {"resourceType": "Bundle", "type": "collection", "entry": [order("a")]}}
    assert ids(read(inner, order("b")).judged) == ["a", "b"]


# --- another patient -------------------------------------------------------------------------------------------------

PATIENT = {"fullUrl": "urn:uuid:77", "resource": {"resourceType": "Patient", "id": "p-2"}}

NOT_OURS = [
    OTHER,
    {"reference": "Patient/p-2/_history/1"},
    {"reference": "https://ehr.example/fhir/Patient/p-2"},
    {"reference": "https://other.example/fhir/Patient/p-2"},
    {"reference": "/Patient/p-2"},
    {"reference": "Group/p-1"},
    {"reference": "Location/p-1"},
    {"reference": "urn:uuid:77"},
    {"reference": "p-2", "type": "Patient"},
]

MAY_BE_OURS = [
    OURS,
    {"reference": "Patient/p-1/_history/2"},
    {"reference": "https://EHR.example:443/fhir/Patient/p-1"},
    {"reference": "http://ehr.example/fhir/Patient/p-1"},
    {"reference": "https://gateway.example/api/Patient/p-1"},
    {"identifier": {"value": "123"}},
    {"display": "The patient"},
    {"reference": "#p"},
    {"reference": "p-1", "type": "Patient"},
    {"reference": "p-2"},
    {"reference": "urn:uuid:1"},
    None,
    "Patient/p-2",
    5,
]


@pytest.mark.parametrize("subject", NOT_OURS, ids=str)
def test_a_call_with_orders_for_another_patient_only_is_refused(subject: Any) -> None:
    with pytest.raises(RefusedError) as refused:
        read(order("a", subject), {"resource": {"resourceType": "Medication", "id": "m"}}, PATIENT)
    (issue,) = refused.value.issues
    assert (refused.value.status, issue.code, issue.expression) == (400, "value", "context.draftOrders")


@pytest.mark.parametrize("subject", NOT_OURS, ids=str)
def test_an_order_for_another_patient_stands_neither_for_itself_nor_beside_another(subject: Any) -> None:
    found = read(order("a", subject), order("b"), PATIENT)
    assert (ids(found.judged), ids(found.others), ids(found.for_others)) == (["b", "p-2"], [], ["a"])


@pytest.mark.parametrize("subject", MAY_BE_OURS, ids=str)
def test_an_order_that_may_be_for_the_patient_is_evaluated(subject: Any) -> None:
    found = read(order("a", subject))
    assert (ids(found.judged), found.for_others) == (["a"], ())


def test_an_order_for_another_patient_that_is_not_selected_is_left_out() -> None:
    found = read(order("a", OTHER), order("b"), order("c"), selections=["ServiceRequest/b"])
    assert (ids(found.judged), ids(found.others), ids(found.for_others)) == (["b"], ["c"], [])


def test_what_requests_no_action_does_not_refuse_a_call() -> None:
    retracted = order("a", OTHER)
    retracted["resource"]["status"] = "revoked"
    assert ids(read(retracted).judged) == []


def test_a_device_of_another_patient_that_is_sent_along_stays_with_the_orders() -> None:
    device = {"resource": {"resourceType": "Device", "id": "d", "patient": OTHER}}
    assert ids(read(order("a"), device).judged) == ["a", "d"]


def test_beside_other_orders_it_gets_a_card_that_says_so() -> None:
    request = call(hook="order-sign")
    (entry,) = request["context"]["draftOrders"]["entry"]
    strange = {"resource": entry["resource"] | {"id": "sr-2", "subject": OTHER}}
    request["context"]["draftOrders"]["entry"].append(strange)
    response = Service(Assessor(load_library(), PlanRules())).post(request | {"prefetch": {"conditions": None}})
    found = {
        determination["order"]: (card["summary"], determination["outcome"], determination["notes"][-1])
        for card in response.json["cards"]
        for determination in [card["extension"]["cds-service.determination"]]
    }
    assert found["ServiceRequest/sr-2"] == (
        "Policy CP.MP.126 not checked: the order is for another patient.",
        "not-evaluated",
        "Not evaluated: the order is for another patient.",
    )
    assert found["ServiceRequest/sr-1"][1] == "documentation-needed"


def test_the_server_reads_nothing_for_an_order_of_another_patient(ehr: FakeEhr) -> None:
    request = call(fhirServer=ehr.base)
    request["context"]["draftOrders"]["entry"][0]["resource"]["subject"] = OTHER
    response = Service(WatchingAssessor()).post(request)
    assert (response.status_code, ehr.asked) == (400, [])
