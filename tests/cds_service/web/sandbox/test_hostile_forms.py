"""Forms that no page of ours would send, and cases that nobody should have shared."""

from typing import Any

import pytest
from werkzeug.test import encode_multipart

from cds_service.web.sandbox.case import MAX_ORDERS, Case, CaseError
from cds_service.web.sandbox.suggestions import with_actions
from fhir_mappings.fhir_json import Resource, dumps
from tests.support.sandbox import FHIR_SERVER
from tests.support.sandbox import Sandbox as WholeSandbox
from tests.support.sandbox_pages import Page, Sandbox

ANSWERS = {"CP.MP.126@2025-04": {"II.E": "no"}}


def sent(sandbox: Sandbox, path: str, form: dict[str, str], headers: dict[str, str] | None = None) -> Any:
    """What a browser gets for a form with fields that may be large; it sends them in parts."""
    boundary, body = encode_multipart(form)
    kind = f"multipart/form-data; boundary={boundary}"
    return sandbox.client.post(path, data=body, content_type=kind, headers=headers)


def order(name: str = "a") -> Resource:
    return {"resourceType": "ServiceRequest", "id": name}


@pytest.mark.parametrize("number", ["9" * 5_000, "-1", "٠", "", "00"])
def test_a_suggestion_that_is_no_number_of_the_card_is_refused_in_words(number: str) -> None:
    sandbox = WholeSandbox()
    (card,) = sandbox.open("sij-posterior").cards
    page = sandbox.post({**sandbox.page.fields, "do": f"suggest:{card}:{number}"})
    assert "The card has no such suggestion." in page.text


@pytest.mark.parametrize(
    "wrong",
    [
        {"patient": "a\n"},
        {"fhirServer": f"{FHIR_SERVER}\n"},
        {"user": "Practitioner/a\n"},
        {"orders": [{"resourceType": "ServiceRequest", "id": "a\n"}]},
        {"orders": [{"resourceType": "ServiceRequest\n", "id": "a"}]},
        {"orders": [order(), order()]},
    ],
)
def test_a_case_with_a_line_break_in_a_name_or_two_orders_of_one_name_is_refused(wrong: dict[str, Any]) -> None:
    told = {"format": "cds-sandbox-case-1", "fhirServer": FHIR_SERVER, "patient": "a", "orders": [order()]}
    assert Case.parse(dumps(told))
    with pytest.raises(CaseError):
        Case.parse(dumps({**told, **wrong}))


def test_an_order_that_gets_the_id_of_a_former_one_does_not_get_its_answers(sandbox: Sandbox) -> None:
    page = sandbox.do(sandbox.start(), "add:cpt 27279")
    case = Case(page.case.fhir_server, page.case.patient, orders=page.case.orders[1:])
    case = Case(case.fhir_server, case.patient, orders=case.orders, answers={"ServiceRequest/draft-1": ANSWERS})
    renamed = dumps({**case.orders[0], "id": "other"})
    page = sandbox.post({"case": case.dump(), "do": "json:ServiceRequest/draft-1", "o0.json": renamed})
    page = sandbox.do(page, "add:cpt 27279")
    assert [each["id"] for each in page.case.orders] == ["other", "draft-1"]
    assert page.case.answers == {}


def test_answers_stay_with_the_orders_that_stay() -> None:
    case = Case(FHIR_SERVER, "a", orders=(order(), order("b")), answers={"ServiceRequest/a": ANSWERS})
    assert case.with_orders(order()).answers == {"ServiceRequest/a": ANSWERS}
    assert with_actions(case, [{"type": "delete", "resourceId": "ServiceRequest/a"}]).answers == {}


@pytest.mark.parametrize(("count", "says"), [(MAX_ORDERS, ""), (MAX_ORDERS + 1, "A case has at most 50 orders.")])
def test_a_case_has_a_limited_number_of_orders(count: int, says: str) -> None:
    assert Case(FHIR_SERVER, "a", orders=tuple(order(f"d{i}") for i in range(count))).excess == says


@pytest.mark.parametrize("path", ["/sandbox", "/sandbox/resource", "/sandbox/section"])
def test_every_button_of_the_page_may_send_a_large_case(sandbox: Sandbox, path: str) -> None:
    page = sandbox.start()
    large = page.case.with_orders({**page.order, "note": [{"text": "x" * 700_000}]})
    form = {"case": large.dump(), "do": "update", "reference": "Patient/sij-posterior", "section": "problems"}
    assert sent(sandbox, path, form).status_code == 200


@pytest.mark.parametrize("path", ["/sandbox", "/sandbox/resource", "/sandbox/section"])
@pytest.mark.parametrize(("case", "status"), [("no case", 400), ("x" * 4_100_000, 413)])
def test_a_script_gets_a_problem_as_words_for_the_workspace(
    sandbox: Sandbox, path: str, case: str, status: int
) -> None:
    form = {"case": case, "do": "sign", "reference": "Patient/a", "section": "problems"}
    answer = sent(sandbox, path, form, {"HX-Request": "true"})
    assert answer.status_code == status
    assert answer.text.startswith('<p class="error">The ')
    assert (answer.headers["HX-Retarget"], answer.headers["HX-Reswap"]) == ("#order-problems", "innerHTML")


def test_the_way_back_from_a_part_of_the_chart_shows_no_problem(sandbox: Sandbox) -> None:
    start = sandbox.start()
    part = sandbox.client.post(
        "/sandbox/resource", data={"case": start.case.dump(), "reference": "Patient/sij-posterior"}
    )
    assert 'name="do" value="update">Back to the sandbox' in part.text
    assert Page(sandbox.client.post("/sandbox", data={"case": start.case.dump(), "do": "update"})).problems == []
