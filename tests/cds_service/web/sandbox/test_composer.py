"""Orders are added, changed, copied, and removed, with scripts and without, and what is wrong costs only itself."""

from typing import Any

import pytest

from cds_service.web.sandbox.case import MAX_ORDERS
from cds_service.web.sandbox.hook_calls import SELECT, SIGN
from fhir_mappings.fhir_json import dumps
from tests.support.sandbox_pages import Page, Sandbox

FUSION = "ServiceRequest/sij-posterior-fusion"
HOSTILE = '<script>alert("1")</script> **bold** [x](javascript:y) </textarea> {{ 7 * 7 }}'


def called(page: Page, hook: str) -> bool:
    return f"coverage-{hook}" in page.text


@pytest.mark.parametrize("script", [True, False])
@pytest.mark.parametrize(
    "action",
    [
        "update",
        "select",
        "search",
        "sign",
        "policy-case",
        "add:cpt 27280",
        "add-words",
        f"add-sample:{FUSION}",
        f"copy:{FUSION}",
        f"remove:{FUSION}",
        f"add-reason:{FUSION}",
        f"remove-reason:{FUSION}:0",
        f"add-detail:{FUSION}",
        f"remove-detail:{FUSION}:0",
        f"json:{FUSION}",
    ],
)
def test_every_action_answers_the_workspace_alone_to_a_script_and_the_page_to_a_browser(
    sandbox: Sandbox, action: str, script: bool
) -> None:
    fields = {"q": "fusion", "o0_reason": "M54.16", "o0_detail": "Left", "o0_json": dumps(sandbox.start().order)}
    page = sandbox.do(sandbox.start(), action, script=script, **fields)
    assert (page.status, page.is_part, page.problems) == (200, script, [])


@pytest.mark.parametrize(
    "action", ["", ":", "nothing", "add", "add:cpt 99999", "copy:ServiceRequest/x", "json:", "é:ü"]
)
def test_an_action_that_cannot_be_done_says_so_and_leaves_the_case(sandbox: Sandbox, action: str) -> None:
    before = sandbox.start()
    page = sandbox.do(before, action)
    assert page.status == 200
    assert page.problems
    assert page.case == before.case


def test_signing_calls_order_sign_and_every_other_action_order_select(sandbox: Sandbox) -> None:
    page = sandbox.start()
    assert called(page, SELECT)
    assert called(sandbox.do(page, "sign"), SIGN)
    assert called(sandbox.do(page, "add:cpt 27280"), SELECT)


def test_a_case_without_orders_calls_nothing(sandbox: Sandbox) -> None:
    page = sandbox.do(sandbox.start(), f"remove:{FUSION}")
    assert page.case.orders == ()
    assert "cds-services" not in page.text


def test_a_new_order_is_for_the_patient_under_the_coverage_of_the_others(sandbox: Sandbox) -> None:
    order = sandbox.do(sandbox.start(), "add:hcpcs E1390").order
    assert order["resourceType"] == "DeviceRequest"
    assert order["codeCodeableConcept"]["coding"][0]["code"] == "E1390"
    assert order["subject"] == {"reference": "Patient/sij-posterior"}
    assert order["insurance"] == [{"reference": "Coverage/sij-posterior-coverage"}]
    assert order["requester"] == {"reference": "Practitioner/sample-surgeon"}
    assert (order["authoredOn"], order["occurrenceDateTime"]) == ("2026-03-02", "2026-03-16")


def test_a_new_order_is_the_selected_one(sandbox: Sandbox) -> None:
    page = sandbox.do(sandbox.start(), "add:hcpcs E1390")
    assert 'value="DeviceRequest/draft-1" checked' in page.text
    assert f'value="{FUSION}" checked' not in page.text


def test_an_order_in_words_has_no_code(sandbox: Sandbox) -> None:
    page = sandbox.do(sandbox.start(), "add-words", q="SI joint fusion")
    assert page.order["code"] == {"text": "SI joint fusion"}


def test_a_copy_has_an_id_of_its_own(sandbox: Sandbox) -> None:
    page = sandbox.do(sandbox.do(sandbox.start(), f"copy:{FUSION}"), f"copy:{FUSION}")
    first, second, third = page.case.orders
    assert [each["id"] for each in (first, second, third)] == ["sij-posterior-fusion", "draft-1", "draft-2"]
    assert {**second, "id": first["id"]} == first


def test_fields_are_taken_over_with_any_action(sandbox: Sandbox) -> None:
    page = sandbox.do(sandbox.start(), "sign", o0_approach="lateral-transarticular", o0_side="left")
    assert (page.field("o0.approach"), page.field("o0.side")) == ("lateral-transarticular", "left")
    assert "9 items to document" in page.text


def test_a_field_that_shows_what_the_order_states_changes_nothing(sandbox: Sandbox) -> None:
    before = sandbox.start("sij-all-documented")
    shown = {f"o0_{name}": before.field(f"o0.{name}") for name in ("approach", "side", "implant", "day", "note.0")}
    assert sandbox.do(before, "update", **shown).case == before.case


def test_a_reason_is_added_by_code_and_in_words_and_removed(sandbox: Sandbox) -> None:
    page = sandbox.do(sandbox.start(), f"add-reason:{FUSION}", o0_reason="Radiculopathy (M54.16)")
    assert page.order["reasonCode"][1]["coding"][0]["code"] == "M54.16"
    page = sandbox.do(page, f"add-reason:{FUSION}", o0_reason="Pain when sitting")
    assert page.order["reasonCode"][2] == {"text": "Pain when sitting"}
    page = sandbox.do(page, f"remove-reason:{FUSION}:1")
    assert [each["text"] for each in page.order["reasonCode"]] == ["Sacroiliac joint pain", "Pain when sitting"]


def test_what_was_typed_and_not_added_stays_in_its_field(sandbox: Sandbox) -> None:
    page = sandbox.do(sandbox.start(), "sign", o0_reason="M54", o0_detail="Left")
    assert (page.field("o0.reason"), page.field("o0.detail")) == ("M54", "Left")
    assert sandbox.do(page, f"add-reason:{FUSION}", o0_reason="M54.16").field("o0.reason") == ""


def test_an_order_is_replaced_by_its_json(sandbox: Sandbox) -> None:
    page = sandbox.start()
    page = sandbox.do(page, f"json:{FUSION}", o0_json=dumps({**page.order, "priority": "urgent"}))
    assert page.order["priority"] == "urgent"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "This is not JSON"),
        ("{", "This is not JSON"),
        ("[" * 500, "This is not JSON"),
        ("[]", "An order is a JSON object"),
        ('{"resourceType": "ServiceRequest"}', "An order is a JSON object"),
        ('{"resourceType": "x/y", "id": "1"}', "An order is a JSON object"),
        ('{"resourceType": "ServiceRequest", "id": "a b"}', "An order is a JSON object"),
        ('{"resourceType": "ServiceRequest", "id": 1e999999999}', "This is not JSON"),
    ],
)
def test_json_that_is_no_order_is_refused_in_words_and_kept_in_the_field(
    sandbox: Sandbox, text: str, says: str
) -> None:
    page = sandbox.do(sandbox.start(), f"json:{FUSION}", o0_json=text)
    assert page.problems[0].startswith(says)
    assert page.case == sandbox.start().case
    assert page.field("o0.json") == (text or dumps(page.order, indent=2))


@pytest.mark.parametrize(
    "members",
    [
        {"code": 7},
        {"code": [None], "orderDetail": "x", "bodySite": [[]], "note": {"text": 3}, "reasonCode": [1]},
        {"resourceType": "Anything", "subject": "x"},
        {"resourceType": "MedicationRequest", "dispenseRequest": [], "medicationCodeableConcept": "x"},
        {"resourceType": "DeviceRequest", "parameter": [{"valueCodeableConcept": 1}, 2]},
        {"occurrenceTiming": {"event": {}}, "contained": [{"id": 5}], "extension": {}},
    ],
)
def test_an_order_of_wrong_types_is_shown_and_never_fails(sandbox: Sandbox, members: dict[str, Any]) -> None:
    order = {**sandbox.start().order, **members}
    page = sandbox.do(sandbox.start(), f"json:{FUSION}", o0_json=dumps(order))
    assert page.status == 200
    assert page.order == order
    assert sandbox.do(page, "sign", o0_note_0="x", o0_day="2026-04-01", o0_side="left").status == 200


def test_an_order_with_half_a_character_is_shown_saved_and_exported(sandbox: Sandbox) -> None:
    order = {**sandbox.start().order, "note": [{"text": "\ud800"}], "orderDetail": [{"text": "\ud800 Left"}]}
    half = dumps(order).replace("\ud800", "\\ud800")
    page = sandbox.do(sandbox.start(), f"json:{FUSION}", o0_json=half, q="fusion")
    assert page.status == 200
    assert page.order["note"] != sandbox.start().order.get("note")
    assert sandbox.do(page, "policy-case").status == 200


def test_two_orders_never_have_the_same_reference(sandbox: Sandbox) -> None:
    page = sandbox.do(sandbox.start(), f"copy:{FUSION}")
    page = sandbox.do(page, "json:ServiceRequest/draft-1", o1_json=dumps(page.case.orders[0]))
    assert page.problems == ["Another order has this resourceType and id."]


def test_markup_stays_text_in_every_field(sandbox: Sandbox) -> None:
    page = sandbox.do(sandbox.start(), f"add-detail:{FUSION}", o0_detail=HOSTILE, o0_note_0=HOSTILE, q=HOSTILE)
    page = sandbox.do(page, f"add-reason:{FUSION}", o0_reason=HOSTILE)
    assert page.order["note"] == [{"text": HOSTILE}]
    assert page.order["orderDetail"][-1]["text"] == HOSTILE
    assert page.order["reasonCode"][-1]["text"] == HOSTILE
    assert "<script>alert" not in page.text
    assert page.text.count("</textarea>") == page.text.count("<textarea")
    assert page.field("o0.note.0") == HOSTILE


def test_a_case_holds_so_many_orders_and_no_more(sandbox: Sandbox) -> None:
    page = sandbox.start()
    full = page.case.with_orders(*({**page.order, "id": f"o-{i}"} for i in range(MAX_ORDERS)))
    answer = sandbox.post({"case": full.dump(), "do": "add:cpt 27280"})
    assert answer.problems == [f"A case has at most {MAX_ORDERS} orders."]
    room = full.with_orders(*full.orders[1:])
    assert sandbox.post({"case": room.dump(), "do": "add:cpt 27280"}).problems == []


def test_a_page_of_many_orders_stays_light(sandbox: Sandbox) -> None:
    page = sandbox.start("trial-weaned")
    many = page.case.with_orders(*({**page.order, "id": f"o-{i}"} for i in range(20)))
    assert len(sandbox.post({"case": many.dump(), "do": "update"}).text) < 300_000


def test_a_change_that_makes_the_case_too_large_is_refused(sandbox: Sandbox) -> None:
    page = sandbox.start()
    large = {**page.order, "note": [{"text": "x" * 999_900}]}
    answer = sandbox.do(page, f"json:{FUSION}", o0_json=dumps(large))
    assert answer.problems == ["With this change the case is larger than 1 MB."]
    assert answer.case == page.case


def test_a_form_that_is_too_large_is_refused_in_words(sandbox: Sandbox) -> None:
    head = b'--b\r\nContent-Disposition: form-data; name="case"\r\n\r\n'
    body = head + b"x" * 4_100_000 + b"\r\n--b--\r\n"
    response = sandbox.client.post("/sandbox", data=body, content_type="multipart/form-data; boundary=b")
    assert response.status_code == 413
    assert "too large" in response.text


@pytest.mark.parametrize("case", ["", "{", "[]", "{}", '{"format": "other"}'])
def test_a_form_without_a_case_is_refused_in_words(sandbox: Sandbox, case: str) -> None:
    page = sandbox.post({"case": case, "do": "sign"})
    assert page.status == 400
    assert "The sandbox cannot go on" in page.text
