"""Suggested changes of code, product, and quantity: consistent, and nothing else changes."""

from decimal import Decimal
from typing import Any

import pytest

from fhir_mappings.codings import CPT, HCPCS, RXNORM, Coding
from fhir_mappings.fhir_json import Json, Resource, dumps, loads
from fhir_mappings.order_elements import COVERAGE_INFORMATION
from fhir_mappings.order_replacement import recoded, with_quantity

PORTABLE = Coding(HCPCS, "E1392", "Portable oxygen concentrator")
PEN = Coding(RXNORM, "897122", "Liraglutide pen")
OLD = {"coding": [{"system": HCPCS, "code": "E1390", "display": "Oxygen concentrator"}], "text": "Concentrator"}
NEW = {"coding": [{"system": HCPCS, "code": "E1392", "display": PORTABLE.display}], "text": PORTABLE.display}


def service(**members: Json) -> dict[str, Any]:
    return {"resourceType": "ServiceRequest", "id": "1", "code": OLD, **members}


def drug(**members: Json) -> dict[str, Any]:
    code = {"coding": [{"system": RXNORM, "code": "1991306"}], "text": "Semaglutide pen"}
    return {"resourceType": "MedicationRequest", "id": "1", "medicationCodeableConcept": code, **members}


@pytest.mark.parametrize(
    ("kind", "element"),
    [("ServiceRequest", "code"), ("DeviceRequest", "codeCodeableConcept")],
)
def test_the_code_and_its_label_take_the_place_of_the_old_one(kind: str, element: str) -> None:
    assert recoded({"resourceType": kind, "id": "1", element: OLD}, PORTABLE) == {
        "resourceType": kind,
        "id": "1",
        element: NEW,
    }


def test_a_modifier_of_the_old_code_stays() -> None:
    old = {"coding": [{"system": HCPCS, "code": "E1390-RR"}]}
    found = recoded(service(code=old), PORTABLE)
    assert found is not None
    assert found["code"]["coding"][0]["code"] == "E1392-RR"
    assert recoded(service(code=old), Coding(CPT, "10001", "Other"))["code"]["coding"][0]["code"] == "10001"  # type: ignore[index]


def test_what_was_written_for_the_old_product_is_left_out() -> None:
    dispensed = {"quantity": {"value": 4}, "expectedSupplyDuration": {"value": 28}, "numberOfRepeatsAllowed": 2}
    found = recoded(drug(dosageInstruction=[{"text": "weekly"}], dispenseRequest=dispensed, priority="urgent"), PEN)
    assert found == {
        "resourceType": "MedicationRequest",
        "id": "1",
        "medicationCodeableConcept": {
            "coding": [{"system": RXNORM, "code": "897122", "display": "Liraglutide pen"}],
            "text": "Liraglutide pen",
        },
        "dispenseRequest": {"numberOfRepeatsAllowed": 2},
        "priority": "urgent",
    }


def test_details_that_repeat_the_code_and_the_narrative_go() -> None:
    details = [OLD, {"text": "2 L/min"}]
    found = recoded(service(orderDetail=details, text={"div": "<div>Oxygen concentrator</div>"}), PORTABLE)
    assert found == service(code=NEW, orderDetail=[{"text": "2 L/min"}])


@pytest.mark.parametrize(
    "members",
    [
        {"note": [{"text": "E1390 please"}]},
        {"note": [{"text": "oxygen  concentrator"}]},
        {"orderDetail": [{"text": "the concentrator of before"}]},
        {"reasonReference": [{"display": "Needs an oxygen concentrator"}]},
        {"note": [{"text": "x" * 5_000}]},
        {"code": None},
        {"code": {"text": "Oxygen concentrator"}},
        {"code": "E1390"},
        {"resourceType": "Task"},
    ],
)
def test_an_order_whose_other_words_name_the_old_code_is_not_changed(members: dict[str, Any]) -> None:
    assert recoded(service() | members, PORTABLE) is None


def test_what_a_payer_has_answered_to_the_order_names_nothing_and_stays() -> None:
    billed = {"url": "billingCode", "valueCoding": {"system": HCPCS, "code": "E1390"}}
    answered = [{"url": COVERAGE_INFORMATION, "extension": [billed]}]
    changed = recoded(service(extension=answered), PORTABLE)
    assert changed == service(extension=answered, code=NEW)


def test_a_code_by_reference_is_not_changed() -> None:
    by_reference = {"resourceType": "DeviceRequest", "id": "1", "codeReference": {"reference": "Device/1"}}
    assert recoded(by_reference, PORTABLE) is None


def test_everything_else_is_what_was_received_digit_by_digit() -> None:
    written = '{"resourceType":"ServiceRequest","id":"1","quantityQuantity":{"value":1.50},"x":[null,0.10],"code":'
    received: Resource = loads(written + dumps(OLD) + "}")
    before = dumps(received)
    assert dumps(recoded(received, PORTABLE)) == written + dumps(NEW) + "}"
    assert dumps(received) == before


# --- quantity --------------------------------------------------------------------------------------------------------


def test_a_quantity_takes_the_place_of_the_old_one_in_its_unit() -> None:
    dispensed = {"quantity": {"value": Decimal("12"), "unit": "pens"}, "numberOfRepeatsAllowed": 2}
    found = with_quantity(drug(dispenseRequest=dispensed | {"expectedSupplyDuration": {"value": 84}}), Decimal(4))
    assert found == drug(dispenseRequest={"numberOfRepeatsAllowed": 2, "quantity": {"value": 4, "unit": "pens"}})
    assert with_quantity(service(quantityQuantity={"value": 3}), Decimal("1.5")) == service(
        quantityQuantity={"value": Decimal("1.5")}
    )


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"dispenseRequest": {}},
        {"dispenseRequest": "x"},
        {"dispenseRequest": {"quantity": {"value": "12"}}},
        {"dispenseRequest": {"quantity": {"value": True}}},
        {"dispenseRequest": {"quantity": {"value": 12, "comparator": "<"}}},
        {"dispenseRequest": {"quantity": {"value": 12}}, "note": [{"text": "Dispense 12"}]},
        {"dispenseRequest": {"quantity": {"value": 12}}, "note": [{"text": "#12"}]},
        {"dispenseRequest": {"quantity": {"value": 12}}, "note": [{"text": "x" * 5_000}]},
    ],
)
def test_an_order_without_a_plain_quantity_or_with_words_for_it_is_not_changed(members: dict[str, Any]) -> None:
    assert with_quantity(drug(**members), Decimal(4)) is None


def test_another_number_in_the_words_is_no_contradiction() -> None:
    order = drug(dispenseRequest={"quantity": {"value": 12}}, note=[{"text": "Dispense 120 needles; 12 weeks"}])
    assert with_quantity(order, Decimal(4)) is not None
