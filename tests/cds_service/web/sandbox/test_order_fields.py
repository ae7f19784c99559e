"""The fields of an order are those that policies read, and the service reads whatever they write."""

from collections.abc import Iterator
from datetime import date
from zoneinfo import ZoneInfo

import pytest

from cds_service.sample_ehr.patients import SAMPLES
from cds_service.web.sandbox.code_search import order_codes
from cds_service.web.sandbox.order_editing import EditError, Editor
from cds_service.web.sandbox.order_form import OrderForm, order_forms, reason_written
from coverage_policies.format.library import load_library
from fhir_mappings.codings import CPT, HCPCS, ICD10CM, RXNORM, SNOMED, Coding
from fhir_mappings.fhir_json import Resource, dumps, loads
from fhir_mappings.order_elements import CODE_ELEMENTS
from fhir_mappings.order_statements import concept_of

LIBRARY = load_library()
ZONE = ZoneInfo("UTC")
EDITOR = Editor(LIBRARY, ZONE)


def draft(code: str, system: str = CPT, kind: str = "ServiceRequest", **members: object) -> Resource:
    return {"resourceType": kind, "id": "o-1", CODE_ELEMENTS[kind]: concept_of(Coding(system, code)), **members}


def form(order: Resource) -> OrderForm:
    (found,) = order_forms([order], LIBRARY, ZONE)
    return found


def choices(order: Resource) -> list[str]:
    return [each.name for each in form(order).choices]


def every_order() -> Iterator[Resource]:
    for sample in SAMPLES:
        yield from (each.resource(None) for each in sample.orders)
    for code in order_codes(LIBRARY):
        yield draft(code.coding.code, code.coding.system, code.kind)


def test_every_value_of_every_field_of_every_order_is_read_back_and_nothing_else_is_stated() -> None:
    for order in every_order():
        for choice in form(order).choices:
            values = [each.value for each in choice.options]
            changed = order
            for value in (*values, *reversed(values), ""):
                changed = EDITOR.stating(changed, choice.name, value)
                again = next(each for each in form(changed).choices if each.name == choice.name)
                assert (again.value, again.states) == (value, ""), (order["id"], choice.name, value)


def test_every_drug_of_every_order_is_read_back() -> None:
    for order in every_order():
        found = form(order)
        if found.has_drug:
            for drug in found.drugs:
                given = EDITOR.read(EDITOR.giving(order, drug)).drugs
                assert [each.code for each in given if each.system == RXNORM] == [drug.code]


def test_every_reason_that_is_offered_is_read_back_by_its_code() -> None:
    seen = {each for order in every_order() for each in form(order).known_reasons}
    assert seen
    for each in seen:
        reason = reason_written(each.value, LIBRARY)
        (read,) = EDITOR.read(EDITOR.because(draft("27279"), each.value)).reasons.given
        assert reason.code
        assert (reason.system, reason.code) in {(c.system, c.code) for c in read.diagnosis.coded}


def test_a_day_is_read_back_and_taken_away() -> None:
    for order in every_order():
        planned = EDITOR.planned(order, "2026-05-04")
        assert form(planned).day == "2026-05-04"
        assert form(EDITOR.planned(planned, "")).day == ""


def test_the_fields_follow_the_policies_of_the_code() -> None:
    assert choices(draft("27279")) == ["side", "approach", "implant"]
    assert choices(draft("27096")) == ["side", "purpose", "occasion", "guidance"]
    assert choices(draft("E0601", HCPCS, "DeviceRequest")) == ["phase"]
    assert choices(draft("99999")) == []
    assert form(draft("99999")).policies == ()


def test_a_medication_has_no_field_that_it_could_only_state_in_details() -> None:
    medication = draft("J2274", HCPCS, "MedicationRequest")
    assert "route" in choices(draft("J2274", HCPCS))
    assert "route" not in choices(medication)
    assert form(EDITOR.stating(medication, "purpose", "pump-trial")).reasons == ("Pain pump trial",)


def test_two_stated_values_are_shown_and_left_alone() -> None:
    order = draft("27279", orderDetail=[{"text": "Left"}, {"text": "Right"}])
    side = form(order).choices[0]
    assert (side.value, side.states) == ("*", "Left and Right")
    orders, problems = EDITOR.with_fields([order], {"o0.side": "*"})
    assert (orders, problems) == ((order,), ())


def test_a_hint_is_shown_and_not_chosen() -> None:
    approach = form(draft("27279", note=[{"text": "Posterior approach"}])).choices[1]
    assert (approach.value, approach.states) == ("", "only hinted at: Posterior approach")


def test_an_edit_keeps_everything_else_digit_by_digit() -> None:
    sent: Resource = loads(
        '{"resourceType": "ServiceRequest", "id": "o-1", "code": {"coding": [{"system": "'
        + CPT
        + '", "code": "27279"}]},'
        ' "quantityQuantity": {"value": 1.50}, "priority": "urgent", "note": [{"text": "a\\r\\nb", "time": "2026"}]}'
    )
    changed = EDITOR.stating(sent, "approach", "posterior")
    assert dumps({name: changed[name] for name in sent}) == dumps(sent)


def test_a_note_with_other_line_ends_is_not_changed_by_its_field() -> None:
    order = draft("27279", note=[{"text": "a\r\nb"}])
    orders, _ = EDITOR.with_fields([order], {"o0.note.0": "a\nb"})
    assert orders == (order,)


def test_notes_are_changed_one_by_one_and_keep_their_authors() -> None:
    order = draft("27279", note=[{"text": "a", "time": "2026"}, {"text": "b"}])
    orders, _ = EDITOR.with_fields([order], {"o0.note.0": "c", "o0.note.1": ""})
    assert orders[0]["note"] == [{"text": "c", "time": "2026"}]


def test_what_a_payer_answered_goes_with_a_change() -> None:
    url = "http://hl7.org/fhir/us/davinci-crd/StructureDefinition/ext-coverage-information"
    order = draft("27279", extension=[{"url": url}, {"url": "urn:x"}])
    assert EDITOR.stating(order, "side", "left")["extension"] == [{"url": "urn:x"}]


def test_a_drug_is_taken_by_its_name_by_its_code_and_else_in_words() -> None:
    order = draft("62323")
    by = {"o0.drug": "MORPHINE"}, {"o0.drug": "7052"}, {"o0.drug": "Something new"}
    details = [EDITOR.with_fields([order], fields)[0][0]["orderDetail"] for fields in by]
    assert details[0] == details[1]
    assert details[0][0]["coding"][0]["code"] == "7052"
    assert details[2] == [{"text": "Something new"}]


@pytest.mark.parametrize(
    ("written", "coding"),
    [
        ("M54.16", Coding(ICD10CM, "M54.16", "Radiculopathy, lumbar region")),
        ("m54.16", Coding(ICD10CM, "M54.16", "Radiculopathy, lumbar region")),
        ("Leg pain (M54.16)", Coding(ICD10CM, "M54.16", "Leg pain")),
        ("128196005", Coding(SNOMED, "128196005", "Lumbar radiculopathy")),
        ("Pain", Coding("", "", "Pain")),
        ("Pain (severe)", Coding("", "", "Pain (severe)")),
    ],
)
def test_a_reason_is_a_code_that_is_known_or_words(written: str, coding: Coding) -> None:
    assert reason_written(written, LIBRARY) == coding


@pytest.mark.parametrize(
    "fields",
    [{"o0.side": "upward"}, {"o0.day": "tomorrow"}, {"o0.day": "2026-02-30"}, {"o0.approach": "*x"}],
)
def test_a_value_that_there_is_not_is_refused_in_words(fields: dict[str, str]) -> None:
    order = draft("27279")
    orders, problems = EDITOR.with_fields([order], fields)
    assert orders == (order,)
    assert len(problems) == 1


def test_an_attribute_that_there_is_not_is_refused() -> None:
    with pytest.raises(EditError, match="no such value of an order"):
        EDITOR.stating(draft("27279"), "color", "red")


def test_a_side_in_the_modifier_of_a_code_is_not_contradicted() -> None:
    order = draft("27279-RT")
    assert form(order).choices[0].value == "right"
    with pytest.raises(EditError, match="Other words of the order"):
        EDITOR.stating(order, "side", "left")


def test_faults_are_named_without_their_values() -> None:
    found = form(draft("27279", priority="whenever secret"))
    assert found.faults
    assert "secret" not in "".join(found.faults)


def test_orders_that_offer_the_same_share_their_lists() -> None:
    forms = order_forms([draft("62323"), draft("62323"), draft("27279")], LIBRARY, ZONE)
    assert [each.lists_of for each in forms] == [0, 0, 2]


def test_a_planned_month_is_shown_in_words() -> None:
    found = form(draft("27279", occurrenceDateTime="2026-04"))
    assert (found.day, found.planned) == ("", "2026-04")
    assert date.fromisoformat(form(EDITOR.planned(draft("27279"), "2026-04-01")).day) == date(2026, 4, 1)
