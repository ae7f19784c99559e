"""A suggested order states the other value, contradicts itself nowhere, and is otherwise the order as received."""

from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from fhir_mappings.codings import CPT, SNOMED
from fhir_mappings.fhir_json import Json, Resource, dumps, loads
from fhir_mappings.order_edit import restated, with_value
from fhir_mappings.orders import read_order
from tests.support.terms import TERMS

LATERAL = {"text": "Lateral transarticular approach"}
CODE = {"coding": [{"system": CPT, "code": "27279"}]}


def order(**members: Json) -> dict[str, Json]:
    return {"resourceType": "ServiceRequest", "id": "1", "code": CODE, **members}


def changed(**members: Json) -> dict[str, Any]:
    found = restated(order(**members), TERMS, "approach", "lateral-transarticular")
    assert found is not None
    return dict(found)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Minimally invasive SI fusion via posterior approach", "Minimally invasive SI fusion"),
        ("SI joint fusion, posterior approach, right", "SI joint fusion, right"),
        ("SI joint fusion (posterior approach)", "SI joint fusion"),
        ("SI joint fusion - posterior oblique approach", "SI joint fusion"),
        ("Posterior SI fusion", "SI fusion"),
        ("Right posterolateral SI fusion", "Right SI fusion"),
        ("SI fusion through a dorsal approach", "SI fusion"),
        ("Approach: posterior; right side", "right side"),
        ("SI fusion, lateral or posterior approach", "SI fusion"),
        ("SI fusion, no posterior approach", "SI fusion"),
        ("SI fusion, lateral approach if possible", "SI fusion"),
        ("posterior", None),
    ],
)
def test_words_of_the_other_value_leave_the_text(text: str, kept: str | None) -> None:
    found = changed(code={**CODE, "text": text}, bodySite=[{"text": text}], reasonCode=[{"text": text}])
    assert found["code"].get("text") == kept
    assert found.get("bodySite") == ([{"text": kept}] if kept else None)
    assert found.get("reasonCode") == ([{"text": kept}] if kept else None)
    assert found["orderDetail"] == [LATERAL]


@pytest.mark.parametrize(
    "text",
    [
        "SI joint fusion",
        "Posterior superior iliac spine",
        "SI fusion after a failed posterior fusion in 2019",
        "Lateral approach, right",
        "Bone graft 1.50 mL; 2 implants.",
    ],
)
def test_words_that_contradict_nothing_stay(text: str) -> None:
    found = changed(code={**CODE, "text": text}, note=[{"text": text}], reasonCode=[{"text": text}])
    assert (found["code"]["text"], found["note"], found["reasonCode"]) == (text, [{"text": text}], [{"text": text}])


def test_details_keep_what_they_say_besides() -> None:
    details = [{"text": "Posterior approach"}, {"text": "Posterior approach, fluoroscopy"}, {"text": "Anesthesia"}]
    assert changed(orderDetail=details)["orderDetail"] == [{"text": "fluoroscopy"}, {"text": "Anesthesia"}, LATERAL]


def test_a_detail_that_states_the_value_is_not_repeated() -> None:
    details = [{"text": "posterior approach"}, {"text": "Lateral transarticular technique, right"}]
    assert changed(orderDetail=details)["orderDetail"] == details[1:]


def test_a_billing_code_keeps_its_place_and_loses_the_words_of_its_label() -> None:
    coding = {"system": CPT, "code": "27279", "userSelected": True}
    assert changed(code={"coding": [coding | {"display": "MIS SI fusion, posterior approach"}]})["code"] == {
        "coding": [coding | {"display": "MIS SI fusion"}]
    }
    assert changed(code={"coding": [coding | {"display": "Posterior approach"}]})["code"] == {"coding": [coding]}


def test_a_code_that_means_the_other_value_goes_and_the_billing_code_stays() -> None:
    local = {"system": "urn:local", "code": "SIJ-POST", "display": "SI fusion, posterior approach"}
    assert changed(code={"coding": [local, *CODE["coding"]]})["code"] == CODE
    assert changed(orderDetail=[{"coding": [local]}])["orderDetail"] == [LATERAL]


def test_an_order_whose_only_code_means_the_other_value_gets_no_suggestion() -> None:
    coding = {"system": SNOMED, "code": "1", "display": "Posterior fusion of sacroiliac joint"}
    assert restated(order(code={"coding": [coding]}), TERMS, "approach", "lateral-transarticular") is None


def test_sentences_that_contradict_leave_notes_and_instructions() -> None:
    text = "Discussed with patient. Plan a posterior approach. Hold anticoagulants!"
    notes = [{"text": text, "time": "2026-03-02"}, {"text": "Posterior approach."}]
    found = changed(note=notes, patientInstruction=text)
    kept = "Discussed with patient. Hold anticoagulants!"
    assert found["note"] == [{"text": kept, "time": "2026-03-02"}]
    assert found["patientInstruction"] == kept
    assert "note" not in changed(note=[{"text": "Posterior approach."}])


def test_labels_of_references_and_the_narrative_follow() -> None:
    found = changed(
        reasonReference=[{"reference": "Condition/1", "display": "SI pain, for posterior fusion"}],
        text={"status": "generated", "div": "<div>SI fusion, posterior approach</div>"},
    )
    assert found["reasonReference"] == [{"reference": "Condition/1", "display": "SI pain, for fusion"}]
    assert "text" not in found
    plain = {"status": "generated", "div": "<div>SI fusion</div>"}
    assert changed(text=plain)["text"] == plain


@pytest.mark.parametrize(
    "members",
    [
        {"resourceType": "DeviceRequest"},
        {"code": None},
        {"code": "27279"},
        {"extension": [{"url": "urn:x", "valueString": "Posterior approach"}]},
    ],
)
def test_an_order_that_cannot_be_changed_consistently_gets_no_suggestion(members: Json) -> None:
    assert restated(order() | members, TERMS, "approach", "lateral-transarticular") is None


@pytest.mark.parametrize(("length", "has_suggestion"), [(90_000, True), (100_000, False)])
def test_an_order_of_too_many_words_gets_no_suggestion(length: int, has_suggestion: bool) -> None:
    found = restated(order(patientInstruction="," * length), TERMS, "approach", "lateral-transarticular")
    assert (found is not None) is has_suggestion


def test_everything_else_is_what_was_received_digit_by_digit() -> None:
    received: Resource = loads(
        dumps(order())[:-1] + ', "quantityQuantity": {"value": 1.50}, "bodySite": [{"text": "SI joint"}, 7],'
        ' "unknown": {"a": [null, 0.10]},'
        ' "identifier": [{"value": "posterior approach"}], "contained": [{"id": "a", "note": "posterior approach"}],'
        ' "orderDetail": [{"text": "Posterior approach"}], "note": "free text", "reasonCode": {"text": "Pain"}}'
    )
    before = dumps(received)
    found = restated(received, TERMS, "approach", "lateral-transarticular")
    assert found is not None
    assert dumps(received) == before
    assert dumps({**found, "orderDetail": received["orderDetail"]}) == before
    assert found["quantityQuantity"]["value"] == Decimal("1.50")


def test_the_changed_order_states_the_value_and_hints_at_no_other() -> None:
    text = "MIS SI fusion, posterior approach"
    coding = {"system": CPT, "code": "27279", "display": text}
    found = changed(
        code={"coding": [coding], "text": text},
        orderDetail=[{"text": "Posterior approach"}],
        reasonCode=[{"text": f"Pain: {text}"}],
        note=[{"text": "Posterior approach preferred."}],
    )
    read = read_order(found, zone=ZoneInfo("America/New_York"), terms=TERMS)
    assert read.stated["approach"] == {"lateral-transarticular"}
    assert "approach" not in read.hinted
    assert "posterior" not in dumps(found).lower()


def test_a_code_without_a_label_goes_with_the_text_that_says_what_it_means() -> None:
    local = {"system": "urn:local", "code": "APPROACH-1"}
    assert changed(orderDetail=[{"coding": [local], "text": "Posterior approach"}])["orderDetail"] == [LATERAL]
    kept = changed(orderDetail=[{"coding": [local], "text": "Posterior approach, prone"}])["orderDetail"]
    assert kept == [{"coding": [local], "text": "prone"}, LATERAL]


def test_names_of_resources_are_no_words_of_an_order() -> None:
    subject = {"reference": "Patient/posterior-approach"}
    assert changed(id="posterior-approach", subject=subject)["subject"] == subject


@pytest.mark.parametrize("value", ["posterior", "posterior-oblique", "lateral-transarticular"])
def test_every_value_of_an_approach_replaces_every_other(value: str) -> None:
    for other in TERMS.attributes["approach"].values:
        found = with_value(order(orderDetail=[{"text": f"{other} approach"}]), TERMS, "approach", value)
        assert found is not None
        read = read_order(found, zone=ZoneInfo("UTC"), terms=TERMS)
        assert (read.stated["approach"], read.hinted.get("approach")) == (frozenset({value}), None)


def test_an_empty_value_leaves_no_word_of_the_attribute() -> None:
    details = [{"text": "Posterior approach"}, {"text": "Prone"}]
    found = with_value(order(orderDetail=details, note=[{"text": "Lateral approach."}]), TERMS, "approach", "")
    assert found == order(orderDetail=details[1:])


def test_a_device_states_a_value_in_a_parameter_and_keeps_its_other_parameters() -> None:
    flow = {"valueQuantity": {"value": 2, "unit": "L/min"}}
    old = {"valueCodeableConcept": {"text": "Left"}}
    device = {"resourceType": "DeviceRequest", "codeCodeableConcept": CODE, "parameter": [flow, old]}
    found = with_value(device, TERMS, "side", "right")
    assert found is not None
    assert found["parameter"] == [flow, {"valueCodeableConcept": {"text": "Right"}}]


def test_a_medication_states_only_what_is_read_in_its_reasons() -> None:
    drug = {"resourceType": "MedicationRequest", "medicationCodeableConcept": CODE}
    found = with_value(drug, TERMS, "purpose", "pump-trial")
    assert found == {**drug, "reasonCode": [{"text": "Pain pump trial"}]}
    assert with_value(drug, TERMS, "approach", "posterior") is None


def test_another_kind_of_resource_is_not_changed() -> None:
    assert with_value({"resourceType": "NutritionOrder", "code": CODE}, TERMS, "approach", "posterior") is None
