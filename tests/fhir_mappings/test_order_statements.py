"""What is stated in an order stands where EHRs send it, is read back, and leaves the rest as it was."""

from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from fhir_mappings.codings import CPT, RXNORM, SNOMED, Coding
from fhir_mappings.fhir_json import Json, Resource
from fhir_mappings.order_statements import (
    concept_of,
    details_element,
    notes_of,
    with_detail,
    with_drug,
    with_notes,
    with_planned_day,
    with_reason,
    with_side,
    without_item,
    words_of,
)
from fhir_mappings.orders import Order, read_order
from tests.support.terms import TERMS

CODE = {"coding": [{"system": CPT, "code": "62323"}]}
LEFT = {"coding": [{"system": SNOMED, "code": "7771000", "display": "Left"}], "text": "Left"}
MORPHINE = Coding(RXNORM, "7052", "Morphine")
MARCH_2 = date(2026, 3, 2)


def service(**members: Json) -> dict[str, Any]:
    return {"resourceType": "ServiceRequest", "id": "1", "code": CODE, **members}


def device(**members: Json) -> dict[str, Any]:
    return {"resourceType": "DeviceRequest", "id": "1", "codeCodeableConcept": CODE, **members}


def medication(**members: Json) -> dict[str, Any]:
    return {"resourceType": "MedicationRequest", "id": "1", "medicationCodeableConcept": CODE, **members}


def read(order: Resource | None) -> Order:
    assert order is not None
    return read_order(order, zone=ZoneInfo("UTC"), terms=TERMS)


def test_a_side_is_the_qualifier_of_the_body_site() -> None:
    assert with_side(service(), TERMS, "left") == service(bodySite=[LEFT])


@pytest.mark.parametrize("site", [LEFT, {"coding": LEFT["coding"]}, {"text": "left"}])
def test_another_side_replaces_the_one_there_is(site: Json) -> None:
    changed = with_side(service(bodySite=[{"text": "SI joint"}, site]), TERMS, "right")
    assert read(changed).side == "right"
    assert changed is not None
    assert changed["bodySite"][0] == {"text": "SI joint"}
    assert len(changed["bodySite"]) == 2


def test_a_side_leaves_the_other_codes_of_its_body_site() -> None:
    joint = {"system": SNOMED, "code": "39723000", "display": "Sacroiliac joint"}
    changed = with_side(service(bodySite=[{"coding": [joint, *LEFT["coding"]]}]), TERMS, None)
    assert changed == service(bodySite=[{"coding": [joint]}])


def test_a_body_site_that_has_the_side_stays_as_it_is() -> None:
    order = service(bodySite=[{"coding": LEFT["coding"], "text": "left SI joint"}], note=[{"text": "Left side."}])
    assert with_side(order, TERMS, "left") == order


def test_the_side_of_a_reason_stays_where_it_stands() -> None:
    order = service(reasonCode=[{"text": "Left leg pain"}], priority="routine")
    changed = with_side(order, TERMS, "right")
    assert changed is not None
    assert list(changed) == [*order, "bodySite"]
    assert changed["reasonCode"] == order["reasonCode"]
    assert read(changed).side == "right"


def test_a_device_states_its_side_in_a_parameter() -> None:
    changed = with_side(device(), TERMS, "left")
    assert changed == device(parameter=[{"valueCodeableConcept": {"text": "Left"}}])
    assert read(changed).side == "left"


def test_a_reason_stands_behind_those_there_are() -> None:
    assert with_reason(service(reasonCode={"text": "Pain"}), Coding("", "", "Falls"))["reasonCode"] == [
        {"text": "Pain"},
        {"text": "Falls"},
    ]


@pytest.mark.parametrize(("position", "left"), [(0, [{"text": "b"}]), (1, [{"text": "a"}])])
def test_one_item_of_a_list_is_removed(position: int, left: Json) -> None:
    order = service(reasonCode=[{"text": "a"}, {"text": "b"}])
    assert without_item(order, "reasonCode", position)["reasonCode"] == left


@pytest.mark.parametrize("position", [-1, 2, 99])
def test_an_item_that_there_is_not_removes_nothing(position: int) -> None:
    order = service(reasonCode=[{"text": "a"}, {"text": "b"}])
    assert without_item(order, "reasonCode", position) is order


def test_a_list_without_items_is_left_out() -> None:
    assert without_item(service(reasonCode=[{"text": "a"}]), "reasonCode", 0) == service()


def test_a_drug_is_a_coded_detail_and_the_only_one() -> None:
    order = service(orderDetail=[{"text": "Prone"}, {"text": "Triamcinolone 40 mg"}])
    changed = with_drug(order, TERMS, MORPHINE)
    assert changed == service(orderDetail=[{"text": "Prone"}, concept_of(MORPHINE)])
    assert [each.code for each in read(changed).drugs] == ["7052"]


def test_no_drug_is_left_where_none_is_wanted() -> None:
    assert with_drug(service(orderDetail=[concept_of(MORPHINE)]), TERMS, None) == service()


def test_a_detail_that_says_more_than_a_drug_is_not_taken_away() -> None:
    assert with_drug(service(orderDetail=[{"text": "Morphine, left side"}]), TERMS, None) is None


@pytest.mark.parametrize("order", [device(), medication()])
def test_only_a_service_gives_a_drug(order: Resource) -> None:
    assert with_drug(order, TERMS, MORPHINE) is None


@pytest.mark.parametrize("order", [service(), device(), medication()])
def test_a_detail_stands_in_the_element_of_details(order: Resource) -> None:
    changed = with_detail(order, "Left")
    element = details_element(order)
    assert (changed is None) is (element == "")
    if changed is not None:
        assert read(changed).side == "left"
        assert words_of(changed[element]) == ("Left",)


@pytest.mark.parametrize(
    "order",
    [service(), service(occurrencePeriod={"start": "2026-01-01"}), device(occurrenceTiming={"event": ["2026-01-01"]})],
)
def test_a_planned_day_replaces_every_other_plan(order: Resource) -> None:
    changed = with_planned_day(order, MARCH_2)
    assert changed["occurrenceDateTime"] == "2026-03-02"
    assert not {"occurrencePeriod", "occurrenceTiming"} & changed.keys()
    assert read(with_planned_day(order, None)).planned is None


def test_a_medication_is_planned_by_the_day_from_which_it_is_dispensed() -> None:
    order = medication(dispenseRequest={"validityPeriod": {"start": "2026-01-01", "end": "2027-01-01"}, "quantity": 1})
    changed = with_planned_day(order, MARCH_2)
    assert changed["dispenseRequest"] == {
        "quantity": 1,
        "validityPeriod": {"start": "2026-03-02", "end": "2027-01-01"},
    }
    assert with_planned_day(order, None)["dispenseRequest"] == {"quantity": 1}


def test_notes_change_one_by_one() -> None:
    order = service(note=[{"text": "a", "time": "2026"}, {"text": "b"}, {"text": "c"}])
    assert with_notes(order, ["x", ""])["note"] == [{"text": "x", "time": "2026"}, {"text": "c"}]
    assert notes_of(with_notes(service(), ["x"])) == ("x",)
    assert with_notes(service(note=[{"text": "a"}]), [""]) == service()


def test_a_concept_is_shown_by_its_words_and_its_first_code() -> None:
    assert words_of([concept_of(MORPHINE), {"text": "Pain"}, {}, "x"]) == (
        "Morphine (7052)",
        "Pain",
        "without words or code",
        "without words or code",
    )
