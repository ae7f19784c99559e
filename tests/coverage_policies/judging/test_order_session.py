"""The draft orders of a call: which are judged, which stand beside them, what they point at."""

from typing import Any

import pytest

from coverage_policies.judging.order_session import Session, read_session
from coverage_policies.judging.plan_rules import PlanRules
from fhir_mappings.bundle import Entry
from fhir_mappings.codings import CPT, HCPCS, RXNORM, Coding
from fhir_mappings.fhir_json import Resource
from tests.support.policy_fakes import chart, concept, draft

NO_RULES = PlanRules()


def session(
    judged: list[Entry], others: list[Entry] | None = None, rules: PlanRules = NO_RULES, **more: Any
) -> Session:
    return read_session(judged, others or [], chart(), rules, **more)


def plain(name: str, **more: Any) -> Entry:
    return "", draft(id=name, **more)


def names(orders: Any) -> list[str]:
    return [order.reference.removeprefix("ServiceRequest/") for order in orders]


def without_id(resource: Resource) -> Resource:
    return {name: value for name, value in resource.items() if name != "id"}


def test_the_orders_of_a_call_are_read_in_their_order() -> None:
    found = session([plain("b"), plain("a")], [plain("c")])
    assert (names(found.judged), names(found.others)) == (["b", "a"], ["c"])


def test_beside_an_order_stand_all_others_of_the_session() -> None:
    found = session([plain("a"), plain("b")], [plain("c")])
    assert [names(found.beside(order)) for order in found.judged] == [["b", "c"], ["a", "c"]]


def test_what_asks_for_nothing_is_not_judged() -> None:
    found = session(
        [
            plain("a"),
            plain("b", status="revoked"),
            plain("c", status="entered-in-error"),
            plain("d", doNotPerform=True),
        ]
    )
    assert names(found.judged) == ["a"]


@pytest.mark.parametrize("again", ["urn:uuid:1", "URN:UUID:1"])
def test_an_order_sent_twice_counts_once_as_sent_last(again: str) -> None:
    earlier, later = draft(id="a", planned="2026-03-02"), draft(id="a", planned="2026-03-09")
    found = session([("urn:uuid:1", earlier), (again, later)])
    assert [(order.reference, str(order.planned)) for order in found.judged] == [("ServiceRequest/a", "2026-03-09")]


def test_the_same_order_sent_twice_counts_once_without_a_full_url() -> None:
    assert names(session([plain("a"), plain("b"), plain("a")]).judged) == ["a", "b"]


@pytest.mark.parametrize(
    ("urls", "expected"),
    [
        (("urn:uuid:1", "urn:uuid:2"), ["urn:uuid:1", "urn:uuid:2"]),
        (
            ("https://a.example/fhir/ServiceRequest/new", "https://b.example/fhir/ServiceRequest/new"),
            ["https://a.example/fhir/ServiceRequest/new", "https://b.example/fhir/ServiceRequest/new"],
        ),
        (("urn:uuid:1", ""), ["urn:uuid:1", "ServiceRequest"]),
        (("", ""), ["ServiceRequest", "ServiceRequest"]),
        ((" ", " "), [" ", " "]),
    ],
)
def test_orders_under_one_id_each_count_and_are_named_as_without_it(urls: tuple[str, str], expected: list[str]) -> None:
    one, two = draft("10001", id="new"), draft("10002", id="new")
    found = session([(urls[0], one), (urls[1], two), plain("a")])
    assert [order.codes[0].code for order in found.judged[:2]] == ["10001", "10002"]
    assert [order.reference for order in found.judged] == [*expected, "ServiceRequest/a"]
    assert [order.resource["id"] for order in found.judged] == ["new", "new", "a"]
    beside = session([(urls[0], one)], [(urls[1], two)])
    assert [order.reference for order in (*beside.judged, *beside.others)] == expected


def test_an_order_for_another_patient_changes_the_name_of_no_other_order() -> None:
    found = session([plain("a")], for_others=[("urn:uuid:1", draft("10002", id="a"))])
    assert [order.reference for order in found.judged] == ["ServiceRequest/a", "urn:uuid:1"]


def test_an_order_that_is_judged_does_not_stand_beside_itself() -> None:
    found = session([plain("a")], [plain("a"), plain("b")])
    assert (names(found.judged), names(found.others)) == (["a"], ["b"])


def test_orders_without_a_name_are_not_taken_for_one_another() -> None:
    one, two = without_id(draft("10001")), without_id(draft("10002"))
    found = session([("", one), ("", two)], [("", without_id(draft("10003")))])
    assert [order.codes[0].code for order in found.judged] == ["10001", "10002"]
    assert [order.codes[0].code for order in found.beside(found.judged[0])] == ["10002", "10003"]


@pytest.mark.parametrize("crooked", ["", 7])
def test_a_crooked_id_is_no_name(crooked: Any) -> None:
    orders = [("", draft("10001", id=crooked)), ("", draft("10002", id=crooked))]
    assert [order.codes[0].code for order in session(orders).judged] == ["10001", "10002"]


def test_an_order_is_named_by_its_full_url_where_it_has_no_id() -> None:
    entry = "urn:uuid:1", without_id(draft())
    assert [order.reference for order in session([entry, entry]).judged] == ["urn:uuid:1"]


def test_an_order_may_point_at_another_draft_or_at_what_came_along() -> None:
    def device(name: str) -> Resource:
        return {"resourceType": "Device", "id": name, "deviceName": [{"name": "Transfixing implant"}]}

    for reference, entry in (
        ("Device/d", ("", device("d"))),
        ("urn:uuid:9", ("urn:uuid:9", device(""))),
        ("urn:uuid:9", ("urn:uuid:9", device("d"))),
        ("Device/d", ("urn:uuid:9", device("d"))),
    ):
        pointing = plain("a", supportingInfo=[{"reference": reference}])
        assert session([pointing], [entry]).judged[0].stated["implant"] == {"transfixing"}
        assert session([pointing], referenced=[entry]).judged[0].stated["implant"] == {"transfixing"}


def test_an_order_may_point_into_the_chart() -> None:
    reason = {
        "resourceType": "Condition",
        "id": "c",
        "subject": {"reference": "Patient/p"},
        "code": concept("alpha"),
    }
    pointing = plain("a", reasonReference=[{"reference": "Condition/c"}])
    (order,) = read_session([pointing], [], chart(reason), NO_RULES).judged
    assert [coding.code for each in order.reasons.given for coding in each.diagnosis.coded] == ["alpha"]


def test_what_an_order_points_at_in_vain_or_in_a_crooked_way_is_not_stated() -> None:
    device: Resource = {"resourceType": "Device", "id": "d", "deviceName": [{"name": "Transfixing implant"}]}
    for reference in (
        {"reference": ""},
        {"reference": "Device/x"},
        {"reference": 7},
        {"reference": ["Device/x"]},
        {},
        "Device/x",
    ):
        (order,) = session([plain("a", supportingInfo=[reference])], [("", device)]).judged
        assert order.stated == {}


def test_an_order_that_is_not_judged_still_stands_beside_the_others() -> None:
    found = session([plain("a")], [plain("b", status="revoked")])
    assert names(found.beside(found.judged[0])) == ["b"]


@pytest.mark.parametrize(
    ("status", "is_judged"),
    [
        ("draft", True),
        ("active", True),
        ("on-hold", True),
        ("completed", True),
        ("unknown", True),
        ("revoked", False),
        ("entered-in-error", False),
        ("cancelled", False),
    ],
)
def test_only_what_was_taken_back_is_not_judged(status: str, is_judged: bool) -> None:
    assert bool(session([plain("a", status=status)]).judged) is is_judged


# --- what is ordered, by reference -----------------------------------------------------------------------------------

DEVICE: Resource = {"resourceType": "Device", "id": "d", "type": concept("E0783", system=HCPCS)}
DRUG: Resource = {"resourceType": "Medication", "id": "d", "code": concept("7052", system=RXNORM)}


def pointing(kind: str, element: str, target: str) -> Resource:
    return {"resourceType": kind, "id": "a", "status": "draft", "intent": "order", element: {"reference": target}}


BY_REFERENCE = [
    ("DeviceRequest", "codeReference", DEVICE, "E0783"),
    ("MedicationRequest", "medicationReference", DRUG, "7052"),
]


@pytest.mark.parametrize("thing", [DEVICE, DRUG], ids=["device", "medication"])
def test_a_thing_that_came_along_is_no_order(thing: Resource) -> None:
    assert session([("", thing)]).judged == ()


@pytest.mark.parametrize(("kind", "element", "target", "code"), BY_REFERENCE)
class TestAnOrderThatPointsAtWhatIsOrdered:
    def codes(self, order: Resource, *drafts: Entry, referenced: tuple[Entry, ...] = ()) -> list[str]:
        (found,) = session([("", order)], list(drafts), referenced=referenced).judged
        return [coding.code for coding in found.codes]

    def test_carries_the_code_of_a_draft_beside_it(self, kind: str, element: str, target: Resource, code: str) -> None:
        reference = f"{target['resourceType']}/d"
        assert self.codes(pointing(kind, element, reference), ("", target)) == [code]

    def test_finds_a_draft_by_its_full_url(self, kind: str, element: str, target: Resource, code: str) -> None:
        assert self.codes(pointing(kind, element, "urn:uuid:7"), ("urn:uuid:7", target)) == [code]

    def test_carries_the_code_of_what_came_along(self, kind: str, element: str, target: Resource, code: str) -> None:
        reference = f"{target['resourceType']}/d"
        assert self.codes(pointing(kind, element, reference), referenced=(("", target),)) == [code]

    def test_carries_the_code_of_what_it_contains(self, kind: str, element: str, target: Resource, code: str) -> None:
        assert self.codes(pointing(kind, element, "#d") | {"contained": [target]}) == [code]

    def test_carries_the_code_of_what_is_in_the_chart(
        self, kind: str, element: str, target: Resource, code: str
    ) -> None:
        held = target | {"patient": {"reference": "Patient/p"}}
        order = pointing(kind, element, f"{target['resourceType']}/d")
        (found,) = read_session([("", order)], [], chart(held), NO_RULES).judged
        assert [coding.code for coding in found.codes] == [code]

    def test_does_not_carry_the_code_of_another(self, kind: str, element: str, target: Resource, code: str) -> None:
        assert code not in self.codes(pointing(kind, element, f"{target['resourceType']}/elsewhere"), ("", target))

    def test_carries_the_mapped_code_of_what_it_points_at(
        self, kind: str, element: str, target: Resource, code: str
    ) -> None:
        system = target.get("type", target.get("code"))["coding"][0]["system"]
        rules = PlanRules(order_codes={(system, code): (Coding(CPT, "62362"),)})
        order = pointing(kind, element, f"{target['resourceType']}/d")
        (found,) = session([("", order)], [("", target)], rules).judged
        assert [coding.code for coding in found.codes] == [code, "62362"]


def test_the_implant_of_an_order_may_be_an_order_for_a_device_that_points_at_it() -> None:
    device: Resource = {"resourceType": "Device", "id": "d", "deviceName": [{"name": "Transfixing implant"}]}
    request = pointing("DeviceRequest", "codeReference", "Device/d") | {"id": "dr"}
    fusion = plain("a", supportingInfo=[{"reference": "DeviceRequest/dr"}])
    assert session([fusion], [("", request), ("", device)]).judged[0].stated["implant"] == {"transfixing"}


# --- mapped codes ----------------------------------------------------------------------------------------------------


def test_codes_that_the_operator_maps_are_added() -> None:
    rules = PlanRules(order_codes={("urn:local", "FUSION"): (Coding(CPT, "10001"),)})
    local = plain("a", code="FUSION")
    local[1]["code"]["coding"][0]["system"] = "urn:local"  # type: ignore[index]
    (order,) = session([local], rules=rules).judged
    assert [(coding.system, coding.code) for coding in order.codes] == [("urn:local", "FUSION"), (CPT, "10001")]
    assert [coding.code for coding in session([], [], rules).read(local[1]).codes] == ["FUSION", "10001"]


# --- the encounter ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("own", "call", "expected"),
    [
        ({"encounter": {"reference": "Encounter/a"}}, "b", "Encounter/a"),
        ({}, "b", "Encounter/b"),
        ({}, "", ""),
    ],
)
def test_an_order_is_written_in_its_own_encounter_else_in_that_of_the_call(
    own: dict[str, Any], call: str, expected: str
) -> None:
    (order,) = session([("", draft(**own))], encounter=call).judged
    assert order.encounter == expected


def test_an_order_for_another_patient_is_judged_last_has_an_obstacle_and_stands_beside_none() -> None:
    found = session([plain("a"), plain("b")], for_others=[plain("x")])
    assert [(order.reference, order.obstacle) for order in found.judged] == [
        ("ServiceRequest/a", ""),
        ("ServiceRequest/b", ""),
        ("ServiceRequest/x", "the order is for another patient"),
    ]
    assert names(found.beside(found.judged[0])) == ["b"]


def test_an_order_with_a_modifier_stands_beside_the_others() -> None:
    found = session([plain("a"), plain("b", implicitRules="http://example.org/rules")])
    assert names(found.beside(found.judged[0])) == ["b"]
