"""The orders and Bundles of a CRD call are read strictly: FHIR R4 first, then the profiles of CRD."""

import json
import os
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cards.crd_versions import CrdVersion
from cds_service.crd.profiles import check_bundle, check_order
from cds_service.hooks.errors import RefusedError
from tests.support.crd_orders import ORDERS, collection
from tests.support.fuzzing import EXAMPLES, paths, with_unknown

V2_2, V2_0 = CrdVersion.V2_2, CrdVersion.V2_0
WHERE = "context.draftOrders"
IN_BUNDLE = f"{WHERE}.entry[0].resource"
versions = pytest.mark.parametrize("version", [V2_2, V2_0])
SERVICE = ORDERS["ServiceRequest"]

OF_FHIR = {
    "Appointment": ["participant", "status"],
    "CommunicationRequest": ["status"],
    "DeviceRequest": ["codeCodeableConcept", "intent", "subject"],
    "MedicationRequest": ["intent", "medicationCodeableConcept", "status", "subject"],
    "NutritionOrder": ["dateTime", "intent", "patient", "status"],
    "ServiceRequest": ["intent", "status", "subject"],
    "VisionPrescription": ["created", "dateWritten", "lensSpecification", "patient", "prescriber", "status"],
}
"""What FHIR R4 requires of each type."""
OF_CRD = {
    "Appointment": [],
    "CommunicationRequest": ["authoredOn", "basedOn", "payload", "requester", "subject"],
    "DeviceRequest": ["authoredOn", "requester", "status"],
    "MedicationRequest": ["authoredOn", "requester"],
    "NutritionOrder": ["orderer"],
    "ServiceRequest": ["authoredOn", "code", "requester"],
    "VisionPrescription": [],
}
"""What the profiles require beyond it, by the StructureDefinitions of CRD 2.0.1 and 2.2.1."""
INSIDE = {
    ("lensSpecification", 0, "product"),
    ("lensSpecification", 0, "eye"),
    ("lensSpecification", 0, "prism", 0, "amount"),
    ("lensSpecification", 0, "prism", 0, "base"),
    ("participant", 0, "status"),
    ("participant", 1, "status"),
    ("payload", 0, "contentString"),
    ("substitution", "allowedBoolean"),
    ("note", 0, "text"),
    ("text", "status"),
    ("text", "div"),
    ("extension", 0, "url"),
    ("payload", 0, "extension", 0, "url"),
    ("contained", 0, "resourceType"),
}
"""What FHIR R4 requires inside of elements."""
REQUEST_STATUS = ["draft", "active", "on-hold", "revoked", "completed", "entered-in-error", "unknown"]
STATUSES = {
    "Appointment": ["proposed", "pending", "booked", "arrived", "fulfilled", "cancelled", "noshow", "entered-in-error"],
    "CommunicationRequest": REQUEST_STATUS,
    "DeviceRequest": REQUEST_STATUS,
    "MedicationRequest": [
        "active",
        "on-hold",
        "cancelled",
        "completed",
        "entered-in-error",
        "stopped",
        "draft",
        "unknown",
    ],
    "NutritionOrder": REQUEST_STATUS,
    "ServiceRequest": REQUEST_STATUS,
    "VisionPrescription": ["active", "cancelled", "draft", "entered-in-error"],
}
"""The codes that FHIR R4 binds the status of each type to."""
INTENTS = ["proposal", "plan", "directive", "order", "original-order", "reflex-order", "filler-order", "instance-order"]


def refused(check: Callable[..., None], value: Any, version: CrdVersion, where: str = WHERE) -> RefusedError | None:
    try:
        check(value, where, version)
    except RefusedError as error:
        return error
    return None


def refusal(check: Callable[..., None], value: Any, version: CrdVersion, where: str = WHERE) -> tuple[int, list[str]]:
    """The status and the places of a refusal; 200 without one."""
    error = refused(check, value, version, where)
    return (error.status, [issue.expression for issue in error.issues]) if error else (200, [])


def of_order(version: CrdVersion = V2_2, kind: str = "ServiceRequest", **changes: Any) -> tuple[int, list[str]]:
    return refusal(check_order, ORDERS[kind] | changes, version, IN_BUNDLE)


def of_bundle(bundle: Any, version: CrdVersion = V2_2) -> tuple[int, list[str]]:
    return refusal(check_bundle, bundle, version)


def without(value: Any, *path: str | int) -> Any:
    changed = deepcopy(value)
    inner = changed
    for part in path[:-1]:
        inner = inner[part]
    del inner[path[-1]]
    return changed


# --- orders ----------------------------------------------------------------------------------------------------------


@versions
@pytest.mark.parametrize("kind", sorted(ORDERS))
def test_a_full_order_of_each_type_is_taken(kind: str, version: CrdVersion) -> None:
    assert refusal(check_order, ORDERS[kind], version) == (200, [])


@pytest.mark.requirement("7.34")
@versions
@pytest.mark.parametrize("kind", sorted(ORDERS))
@pytest.mark.requirement("7.34")
def test_no_optional_element_has_to_be_there(kind: str, version: CrdVersion) -> None:
    required = {("resourceType",), *((name,) for name in OF_FHIR[kind] + OF_CRD[kind]), *INSIDE}
    optional = [path for path in paths(ORDERS[kind]) if path not in required and isinstance(path[-1], str)]
    wanted = [path for path in optional if refusal(check_order, without(ORDERS[kind], *path), version)[0] != 200]
    assert wanted == []


@pytest.mark.requirement("7.28")
@pytest.mark.parametrize(("kind", "element"), [(kind, name) for kind in OF_FHIR for name in OF_FHIR[kind]])
@pytest.mark.parametrize(("version", "status"), [(V2_2, 400), (V2_0, 422)])
def test_an_order_without_an_element_that_fhir_requires_is_invalid(
    kind: str, element: str, version: CrdVersion, status: int
) -> None:
    choice = element in ("codeCodeableConcept", "medicationCodeableConcept")
    where = IN_BUNDLE if choice else f"{IN_BUNDLE}.{element}"
    assert refusal(check_order, without(ORDERS[kind], element), version, IN_BUNDLE) == (status, [where])


@pytest.mark.requirement("7.29")
@versions
@pytest.mark.parametrize(("kind", "element"), [(kind, name) for kind in OF_CRD for name in OF_CRD[kind]])
def test_an_order_without_an_element_that_its_profile_requires_breaks_the_profile(
    kind: str, element: str, version: CrdVersion
) -> None:
    found = refusal(check_order, without(ORDERS[kind], element), version, IN_BUNDLE)
    assert found == (422, [f"{IN_BUNDLE}.{element}"])


@pytest.mark.parametrize("empty", [None, {}])
def test_a_required_element_without_content_counts_as_absent(empty: object) -> None:
    assert of_order(code=empty) == (422, [f"{IN_BUNDLE}.code"])


def test_an_extension_may_say_why_a_required_element_has_no_value() -> None:
    reason = {"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"}
    given = without(SERVICE, "authoredOn") | {"_authoredOn": {"extension": [reason]}}
    assert refusal(check_order, given, V2_2) == (200, [])


@versions
@pytest.mark.parametrize("code", [{"text": "Fusion of the left SI joint"}, {"coding": [{"code": "27279"}]}])
def test_a_code_may_be_words_alone_or_have_no_system(code: object, version: CrdVersion) -> None:
    assert of_order(version, code=code) == (200, [])


@pytest.mark.parametrize(
    "members", [{"codeReference": {"reference": "Device/d"}}, {"codeCodeableConcept": {"text": "A pump"}}]
)
def test_a_device_is_named_by_a_code_or_by_a_reference(members: dict[str, Any]) -> None:
    given = without(ORDERS["DeviceRequest"], "codeCodeableConcept") | members
    assert refusal(check_order, given, V2_2) == (200, [])


def test_two_choices_of_one_element_are_invalid() -> None:
    assert of_order(kind="DeviceRequest", codeReference={"reference": "Device/d"}) == (400, [IN_BUNDLE])


@pytest.mark.requirement("7.33")
@versions
@pytest.mark.parametrize(("kind", "code"), [(kind, code) for kind in STATUSES for code in STATUSES[kind]])
def test_every_status_of_fhir_is_taken(kind: str, code: str, version: CrdVersion) -> None:
    assert of_order(version, kind, status=code) == (200, [])


@pytest.mark.parametrize(("version", "status"), [(V2_2, 400), (V2_0, 422)])
@pytest.mark.parametrize("kind", sorted(ORDERS))
def test_a_status_that_is_no_code_of_fhir_is_invalid(kind: str, version: CrdVersion, status: int) -> None:
    assert of_order(version, kind, status="signed") == (status, [f"{IN_BUNDLE}.status"])


@pytest.mark.parametrize("kind", ["DeviceRequest", "NutritionOrder", "ServiceRequest"])
@pytest.mark.parametrize("intent", INTENTS)
def test_every_intent_of_fhir_is_taken(kind: str, intent: str) -> None:
    assert of_order(kind=kind, intent=intent) == (200, [])


@pytest.mark.parametrize("element", ["intent", "priority"])
def test_another_code_of_an_order_that_fhir_binds_is_invalid_too(element: str) -> None:
    assert of_order(**{element: "whenever"}) == (400, [f"{IN_BUNDLE}.{element}"])


@pytest.mark.parametrize(
    "subject",
    [
        {"reference": "Patient/p"},
        {"reference": "https://ehr.example.org/fhir/Patient/p"},
        {"reference": "urn:uuid:0f3151a1-9d5f-4f2c-8f0e-3f3d3f9f5f5f"},
        {"reference": "#p"},
        {"reference": "https://ehr.example.org/Chart/p"},
        {"type": "Patient", "identifier": {"value": "1"}},
        {"type": "http://hl7.org/fhir/StructureDefinition/Patient"},
        {"display": "A patient"},
    ],
)
def test_a_subject_that_may_be_a_patient_is_taken(subject: object) -> None:
    assert of_order(subject=subject) == (200, [])


@versions
@pytest.mark.parametrize("subject", [{"reference": "Group/g"}, {"reference": "Device/d"}, {"type": "Group"}])
def test_a_subject_that_is_no_patient_breaks_the_profile(subject: object, version: CrdVersion) -> None:
    assert of_order(version, subject=subject) == (422, [f"{IN_BUNDLE}.subject"])


@pytest.mark.parametrize("kind", ["NutritionOrder", "VisionPrescription"])
def test_an_order_names_its_patient_where_its_type_has_it(kind: str) -> None:
    assert of_order(kind=kind, patient={"reference": "Group/g"}) == (422, [f"{IN_BUNDLE}.patient"])


@versions
@pytest.mark.parametrize(
    "more",
    [
        {"doNotPerform": True},
        {"locationReference": [{"reference": "Location/a"}, {"reference": "Location/b"}]},
        {"requester": {"reference": "Organization/a"}},
        {"reasonReference": [{"reference": "DocumentReference/a"}]},
    ],
)
def test_more_than_a_profile_allows_is_ignored(more: dict[str, Any], version: CrdVersion) -> None:
    assert of_order(version, **more) == (200, [])


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"authoredOn": "yesterday"}, ".authoredOn"),
        ({"subject": {"reference": 5}}, ".subject.reference"),
        ({"code": {"coding": [{"code": "a"}, {"code": 5}]}}, ".code.coding[1].code"),
        ({"code": "27279"}, ".code"),
        ({"contained": [{"resourceType": "Bogus"}]}, ".contained"),
        ({"code": 5}, ".code"),
        ({"subject": ["Patient/p"]}, ".subject"),
        ({"note": [{}]}, ".note[0].text"),
        ({"contained": [["x"]]}, ".contained[0]"),
        ({"id": "not an id"}, ".id"),
    ],
)
def test_an_element_that_breaks_fhir_is_named_once(changes: dict[str, Any], place: str) -> None:
    assert of_order(**changes) == (400, [IN_BUNDLE + place])


@pytest.mark.parametrize("element", ["product", "eye"])
def test_what_fhir_requires_inside_an_element_is_named(element: str) -> None:
    given = without(ORDERS["VisionPrescription"], "lensSpecification", 0, element)
    assert refusal(check_order, given, V2_2, IN_BUNDLE) == (400, [f"{IN_BUNDLE}.lensSpecification[0].{element}"])


def test_what_breaks_fhir_comes_before_what_breaks_a_profile() -> None:
    given = without(SERVICE, "code") | {"authoredOn": "yesterday"}
    assert refusal(check_order, given, V2_2, IN_BUNDLE) == (400, [f"{IN_BUNDLE}.authoredOn"])


@pytest.mark.parametrize("value", [None, 5, "x", [], {}, {"resourceType": "Bogus"}, {"resourceType": "HumanName"}])
def test_what_is_no_resource_is_no_order(value: object) -> None:
    assert refusal(check_order, value, V2_2, IN_BUNDLE) == (400, [IN_BUNDLE])


@pytest.mark.parametrize(
    ("resource", "status"),
    [
        ({"resourceType": "Encounter", "status": "planned", "class": {"code": "AMB"}}, 200),
        ({"resourceType": "Encounter", "status": "planned"}, 400),
        ({"resourceType": "Task", "status": "requested", "intent": "order"}, 200),
    ],
)
def test_another_type_of_resource_has_to_be_valid_fhir_only(resource: object, status: int) -> None:
    assert refusal(check_order, resource, V2_2)[0] == status


# --- unknown elements ------------------------------------------------------------------------------------------------


@pytest.mark.requirement("7.31")
@versions
@pytest.mark.parametrize("kind", sorted(ORDERS))
@pytest.mark.requirement("7.31")
def test_unknown_elements_change_nothing_at_any_level(kind: str, version: CrdVersion) -> None:
    assert of_bundle(with_unknown(collection(ORDERS[kind])), version) == (200, [])


@pytest.mark.requirement("7.31")
def test_an_unknown_element_hides_no_fault() -> None:
    assert of_order(code={"coding": [{"code": 5, "ourOwn": 1}]}) == (400, [f"{IN_BUNDLE}.code.coding[0].code"])


@pytest.mark.requirement("7.31")
@pytest.mark.requirement("7.31")
def test_unknown_extensions_change_nothing() -> None:
    extension = [{"url": "http://example.org/x", "extension": [{"url": "y", "valueCode": "z"}]}]
    assert of_order(extension=extension, modifierExtension=extension, _status={"extension": extension}) == (200, [])


# --- Bundles ---------------------------------------------------------------------------------------------------------


@versions
def test_a_collection_of_every_type_of_order_is_taken(version: CrdVersion) -> None:
    assert of_bundle(collection(*ORDERS.values()), version) == (200, [])


@pytest.mark.parametrize(("version", "status"), [(V2_2, 422), (V2_0, 422)])
def test_two_orders_with_one_id_cannot_be_told_apart(version: CrdVersion, status: int) -> None:
    given = collection(SERVICE, SERVICE)
    assert of_bundle(given, version) == (status, [f"{WHERE}.entry[1].resource.id"])


def test_without_full_urls_only_the_same_order_may_come_twice() -> None:
    entries = [{"resource": SERVICE}, {"resource": SERVICE}, {"resource": {**SERVICE, "priority": "stat"}}]
    given = {"resourceType": "Bundle", "type": "collection", "entry": entries}
    assert of_bundle(given, V2_0) == (422, [f"{WHERE}.entry[2].resource.id"])


def test_an_order_needs_an_id_or_a_full_url() -> None:
    nameless = without(SERVICE, "id")
    assert of_bundle(collection(nameless), V2_0) == (200, [])
    given = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": nameless}]}
    assert of_bundle(given, V2_0) == (422, [f"{WHERE}.entry[0].resource.id"])


def test_the_faults_of_an_order_are_named_in_its_entry() -> None:
    given = collection(SERVICE, without(SERVICE, "requester") | {"id": "another"})
    assert of_bundle(given) == (422, [f"{WHERE}.entry[1].resource.requester"])


@pytest.mark.parametrize("path", ["context.draftOrders", "context.appointments"])
def test_the_faults_are_named_where_the_bundle_is(path: str) -> None:
    given = collection(ORDERS["Appointment"] | {"status": "soon"})
    assert refusal(check_bundle, given, V2_2, path) == (400, [f"{path}.entry[0].resource.status"])


@pytest.mark.requirement("7.28")
@pytest.mark.parametrize(("version", "status"), [(V2_2, 400), (V2_0, 422)])
@pytest.mark.parametrize(
    ("bundle", "place"),
    [
        (None, ""),
        ([], ""),
        ({}, ""),
        ({"resourceType": "List"}, ""),
        (collection(SERVICE, type=None), ".type"),
        (collection(SERVICE, type="bag"), ".type"),
        (collection(SERVICE, type=["collection"]), ".type"),
        (collection(entry={}), ".entry"),
        (collection(entry=[None]), ".entry[0]"),
        (collection(entry=[{"fullUrl": "urn:uuid:1"}]), ".entry[0].resource"),
        (collection(entry=[{"fullUrl": "urn:uuid:1", "resource": []}]), ".entry[0].resource"),
        (collection({"resourceType": "Bogus"}), ".entry[0].resource"),
        (collection({"status": "draft"}), ".entry[0].resource"),
        (collection(entry=[{"fullUrl": " ", "resource": SERVICE}]), ".entry[0].fullUrl"),
        (collection(entry=[{"fullUrl": 5, "resource": SERVICE}]), ".entry[0].fullUrl"),
        (collection(entry=[{"fullUrl": "urn:uuid:1", "resource": SERVICE}] * 2), ".entry[1].fullUrl"),
    ],
)
def test_a_bundle_that_breaks_fhir_is_invalid(bundle: Any, place: str, version: CrdVersion, status: int) -> None:
    assert of_bundle(bundle, version) == (status, [WHERE + place])


@pytest.mark.requirement("7.29")
@pytest.mark.parametrize(
    ("bundle", "place"),
    [
        (collection(SERVICE, type="searchset"), ".type"),
        (collection(), ".entry"),
        (collection(entry=None), ".entry"),
        (collection(entry=[{"resource": SERVICE}]), ".entry[0].fullUrl"),
    ],
)
def test_a_bundle_that_breaks_its_profile_is_refused_by_the_version_that_has_one(bundle: Any, place: str) -> None:
    assert of_bundle(bundle, V2_2) == (422, [WHERE + place])
    assert of_bundle(bundle, V2_0) == (200, [])


def test_two_versions_of_one_order_may_share_its_url() -> None:
    second = SERVICE | {"meta": {"versionId": "2"}}
    entries = [
        {"fullUrl": "https://ehr.example.org/fhir/ServiceRequest/o-1", "resource": each} for each in (SERVICE, second)
    ]
    assert of_bundle(collection(entry=entries)) == (200, [])


@versions
@pytest.mark.requirement("7.32")
@pytest.mark.parametrize("kind", ["Medication", "Practitioner", "SupplyRequest", "Procedure"])
def test_what_is_sent_along_with_the_orders_is_not_checked(kind: str, version: CrdVersion) -> None:
    along = {"resourceType": kind, "id": "a", "code": 5, "name": "Jane Doe"}
    assert of_bundle(collection(SERVICE, along), version) == (200, [])


def test_at_most_twenty_faults_are_named() -> None:
    status, places = of_bundle(collection(*[SERVICE | {"status": "signed"}] * 30))
    assert (status, len(places)) == (400, 20)


def test_the_orders_are_not_changed() -> None:
    given = with_unknown(collection(*ORDERS.values()))
    before = deepcopy(given)
    check_bundle(given, WHERE, V2_2)
    assert given == before


# --- messages --------------------------------------------------------------------------------------------------------

SECRET = "Jane-Doe-19440317"
junk: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.just(SECRET),
    st.just([SECRET]),
    st.just({SECRET: SECRET}),
    st.just({"resourceType": SECRET}),
    st.just({"extension": [{"url": SECRET, SECRET: [SECRET]}]}),
)


@given(data=st.data())
@settings(max_examples=EXAMPLES * 5, deadline=None)
def test_no_message_quotes_the_request_whatever_is_sent(data: st.DataObject) -> None:
    bundle: Any = collection(ORDERS[data.draw(st.sampled_from(sorted(ORDERS)))])
    for _ in range(data.draw(st.integers(1, 3))):
        *before, last = data.draw(st.sampled_from(list(paths(bundle))))
        inner = bundle = deepcopy(bundle)
        for part in before:
            inner = inner[part]
        inner[last] = data.draw(junk)
    version = data.draw(st.sampled_from([V2_2, V2_0]))
    error = refused(check_bundle, bundle, version)
    if error is not None:
        assert error.status in ((400, 422) if version is V2_2 else (422,))
        assert all(SECRET not in issue.diagnostics + issue.expression for issue in error.issues)
        assert all(issue.expression.startswith(WHERE) for issue in error.issues)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            without(SERVICE, "requester"),
            "order.requester is required by the CRD profile of ServiceRequest. Send a reference to the Practitioner or "
            "PractitionerRole who orders.",
        ),
        (
            SERVICE | {"authoredOn": "Jane Doe"},
            "order.authoredOn does not follow FHIR R4 (value error). Send it as ServiceRequest defines it.",
        ),
        (
            SERVICE | {"priority": "Jane Doe"},
            "order.priority is no code of FHIR R4. Send one of asap, routine, stat, urgent.",
        ),
        (
            without(SERVICE, "status"),
            "order.status is required by FHIR R4. Send it as ServiceRequest defines it.",
        ),
    ],
)
def test_a_message_names_the_place_and_what_to_send(given: Any, message: str) -> None:
    with pytest.raises(RefusedError) as error:
        check_order(given, "order", V2_2)
    assert [issue.diagnostics for issue in error.value.issues] == [message]


# --- the examples of the guide ---------------------------------------------------------------------------------------

GUIDES = Path(os.environ.get("CDS_IG_DATA", ""))
with_guides = pytest.mark.skipif("CDS_IG_DATA" not in os.environ, reason="CDS_IG_DATA names no folder of guides")


@versions
@with_guides
@pytest.mark.parametrize(
    ("name", "member"),
    [
        ("CRDServiceRequest", "draftOrders"),
        ("CRDServiceRequest3", "draftOrders"),
        ("CRDServiceRequest4", "appointments"),
    ],
)
def test_the_example_requests_of_the_guide_are_taken(name: str, member: str, version: CrdVersion) -> None:
    context = json.loads((GUIDES / "crd-2.2.1" / f"{name}.json").read_text(encoding="utf-8"))["context"]
    assert refusal(check_bundle, context[member], version) == (200, [])


@versions
@with_guides
@pytest.mark.parametrize(
    "name", ["DeviceRequest-example", "MedicationRequest-annotated-example", "ServiceRequest-example"]
)
def test_the_example_orders_of_the_guide_are_taken(name: str, version: CrdVersion) -> None:
    order = json.loads((GUIDES / "crd-2.0.1" / f"{name}.json").read_text(encoding="utf-8"))
    assert refusal(check_order, order, version) == (200, [])


@with_guides
@pytest.mark.parametrize("kind", ["DeviceRequest", "MedicationRequest", "ServiceRequest"])
def test_what_the_published_profiles_require_is_what_we_require(kind: str) -> None:
    path = GUIDES / "crd-2.0.1" / f"StructureDefinition-profile-{kind.lower()}.json"
    elements = json.loads(path.read_text(encoding="utf-8"))["differential"]["element"]
    required = {each["path"].removeprefix(f"{kind}.") for each in elements if each.get("min", 0) > 0}
    assert required == set(OF_CRD[kind])
