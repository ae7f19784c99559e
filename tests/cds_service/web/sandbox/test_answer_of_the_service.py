"""What the sandbox shows of the service's answers, and what its buttons do, from the press to the next page."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urljoin

import pytest

from cds_service.fhir_client.source import UnreadableSource
from cds_service.sample_ehr.payers import SAMPLE_PAYERS
from cds_service.web.sandbox.case import Mode
from coverage_policies.judging.assessment import Assessor
from fhir_mappings.fhir_json import Resource, dumps
from tests.support.record_fakes import rows, shipped
from tests.support.sandbox import FHIR_SERVER, Page, Sandbox

PUMP = "CP.MP.173@2024-01"
FUSION = "CP.MP.126@2025-04"


@pytest.fixture(name="sandbox", scope="module")
def _sandbox() -> Sandbox:
    return Sandbox()


def fresh_payer() -> Sandbox:
    """A sandbox of a service that answers for the payers of the sample coverages, too."""
    return Sandbox(assessor=Assessor(shipped().library, SAMPLE_PAYERS))


def request_of(sandbox: Sandbox) -> str:
    """The JSON of the request on the page."""
    hook = sandbox.page.fields["hook"][0]
    return sandbox.page.within(f"request-{hook}")


def test_a_card_has_its_indicator_summary_source_and_reasons(sandbox: Sandbox) -> None:
    page = sandbox.open("sij-posterior")
    (card,) = [name for name in page.fields if name.startswith("reason:")]
    shown = page.within(f"card-{card.removeprefix('reason:')}")
    assert "Warning Centene Order says posterior." in shown
    assert "patient-pays" in page.options[card]


def test_accepting_a_suggestion_changes_the_draft_and_stores_feedback() -> None:
    sandbox = Sandbox()
    before = sandbox.open("sij-posterior")
    page = sandbox.press("suggest:")
    assert "Lateral transarticular approach" in dumps(sandbox.case.orders[0])
    assert page.within("said") == ("The suggestion is applied to the draft. Feedback stored. Sign to see what changes.")
    (stored,) = rows(sandbox.database, "feedback")
    assert (stored["outcome"], stored["suggestions"]) == ("accepted", [f"{FUSION}#II.I"])
    assert "Order says posterior" in before.text
    assert "Order says posterior" not in page.text


def test_a_suggestion_keeps_the_rest_of_the_order(sandbox: Sandbox) -> None:
    sandbox.open("sij-posterior")
    before = sandbox.case.orders[0]
    sandbox.press("suggest:")
    after = sandbox.case.orders[0]
    assert {name for name in before if before[name] != after[name]} == {"orderDetail"}


def test_an_override_is_stored_and_the_card_suppressed_and_the_page_says_so() -> None:
    sandbox = Sandbox(store_comments=True)
    sandbox.open("sij-posterior", 0)
    sandbox.press("sign")
    (reason,) = [name for name in sandbox.page.fields if name.startswith("reason:")]
    comment = reason.replace("reason:", "comment:")
    page = sandbox.press("override:", **{reason: "urgent", comment: "Discussed with the plan."})
    assert page.within("said") == "The card is overridden. Feedback stored."
    assert page.within("suppressed").startswith("1 card is not shown, because you overrode it as Practitioner/")
    assert "30 days" in page.within("suppressed")
    assert not [name for name in page.fields if name.startswith("reason:")]
    (stored,) = rows(sandbox.database, "feedback")
    told = {name: stored[name] for name in ("outcome", "reason", "comment", "path")}
    path = "cds-services/coverage-order-sign/feedback"
    comment_words = "Discussed with the plan."
    assert told == {"outcome": "overridden", "reason": "urgent", "comment": comment_words, "path": path}


def test_another_user_still_sees_an_overridden_card() -> None:
    sandbox = Sandbox()
    sandbox.open("sij-posterior")
    sandbox.press("override:")
    sandbox.change(user="Practitioner/another")
    page = sandbox.press("sign")
    assert page.within("suppressed") == ""
    assert "Order says posterior" in page.text


def test_nothing_is_suppressed_where_the_operator_switched_that_off() -> None:
    sandbox = Sandbox(suppress_overridden_days=0)
    sandbox.open("sij-posterior")
    page = sandbox.press("override:")
    assert page.within("suppressed") == ""
    assert [name for name in page.fields if name.startswith("reason:")]


def test_the_criteria_behind_a_suppressed_card_stay_on_the_page() -> None:
    sandbox = Sandbox()
    sandbox.open("sij-posterior")
    page = sandbox.press("override:")
    assert "The lateral transarticular approach will be used" in page.within("answer")


def test_what_is_supported_has_no_card_while_ordering_and_one_when_signed(sandbox: Sandbox) -> None:
    page = sandbox.open("trial-weaned")
    assert "There is no card while ordering; one comes when the order is signed." in page.within("answer")
    page = sandbox.press("sign")
    assert "Information Centene All requirements documented" in page.within("answer")


def test_what_a_policy_does_not_apply_to_is_said(sandbox: Sandbox) -> None:
    said = sandbox.open("epidural-steroid").within("answer")
    assert ": Policy does not apply So there is no card." in said
    assert "All requirements documented" not in said


def test_the_trees_of_two_orders_of_one_procedure_say_which_is_which(sandbox: Sandbox) -> None:
    page = sandbox.open("sij-posterior")
    assert "(ServiceRequest/sij-posterior-fusion), CP.MP.126" not in page.text
    page = sandbox.press("copy")
    page = sandbox.post({**page.fields, "select": [], "do": "sign"})
    assert "(ServiceRequest/sij-posterior-fusion), CP.MP.126" in page.text
    assert "(ServiceRequest/draft-1), CP.MP.126" in page.text


def test_an_order_that_no_policy_judges_is_said(sandbox: Sandbox) -> None:
    sandbox.open("sij-posterior")
    other = {"resourceType": "ServiceRequest", "id": "other", "code": {"text": "Complete blood count"}}
    sandbox.change(orders=(*sandbox.case.orders, other))
    page = sandbox.press("sign")
    assert "ServiceRequest/other: no policy of this service judges this order." in page.within("answer")


def test_an_order_that_is_not_selected_is_not_said_to_have_no_policy(sandbox: Sandbox) -> None:
    page = sandbox.open("oxygen-asleep-only", 0, 1)
    page = sandbox.post({**page.fields, "select": page.fields["select"][:1], "do": "select"})
    assert "no policy of this service" not in page.within("answer")


def test_the_patient_is_laid_over_the_policy_from_the_criteria(sandbox: Sandbox) -> None:
    page = sandbox.open("sij-posterior")
    path, order = re.findall(r'formaction="([^"]+)" name="order" value="([^"]+)"', page.html)[0]
    laid = sandbox.client.post(urljoin("/sandbox", path), data={"case": page.fields["case"], "order": order})
    assert (laid.status_code, "laid bad" in laid.text) == (200, True)


def test_two_orders_get_their_answers_in_one_call(sandbox: Sandbox) -> None:
    page = sandbox.open("oxygen-asleep-only", 0, 1)
    page = sandbox.press("sign")
    assert len(page.cards) == 2
    assert request_of(sandbox).count('"resourceType": "DeviceRequest"') == len(sandbox.case.orders) == 2


def test_an_answer_changes_the_outcome_of_a_pump_trial_and_can_be_taken_back(sandbox: Sandbox) -> None:
    sandbox.open("trial-buprenorphine")
    page = sandbox.press("sign")
    assert "Were systemic opioids reduced by at least 50% before the trial?" in page.within("answer")
    assert "Documentation needed" in page.within("answer")
    answers = {
        name.rpartition("|")[2]: "yes" if "yes" in page.options[name] else page.options[name][1]
        for name in page.fields
        if name.startswith("answer:")
    }
    for link in answers:
        if any(name.endswith(f"|{link}") for name in sandbox.page.fields if name.startswith("answer:")):
            page = sandbox.answer(link, answers[link])
    assert "All requirements documented" in page.within("answer")
    assert "Answered here" in page.text
    page = sandbox.press("take-back:ServiceRequest/trial-buprenorphine-trial|CP.MP.173@2024-01|I.A.2.h")
    assert "I.A.2.h" not in sandbox.case.answers["ServiceRequest/trial-buprenorphine-trial"][PUMP]
    assert "Documentation needed" in page.within("answer")


def test_an_answer_against_the_order_rules_it_out(sandbox: Sandbox) -> None:
    sandbox.open("trial-buprenorphine")
    sandbox.press("sign")
    page = sandbox.answer("I.A.2.h", "no")
    assert "Requirement not met" in page.within("answer")


def test_the_criteria_stay_unfolded_after_an_answer(sandbox: Sandbox) -> None:
    sandbox.open("trial-buprenorphine")
    assert '<details class="tree" id="tree-order-select-1-1">' in sandbox.page.html
    sandbox.press("sign")
    page = sandbox.answer("I.A.2.h", "yes")
    assert '<details class="tree" id="tree-order-sign-1-1" open>' in page.html


def test_pressing_answer_without_an_answer_says_so(sandbox: Sandbox) -> None:
    sandbox.open("trial-buprenorphine")
    page = sandbox.press("answer")
    assert page.within("order-problems") == "No answer is chosen. Choose one, then answer."
    assert sandbox.case.answers == {}


def test_the_purpose_of_an_order_can_be_answered(sandbox: Sandbox) -> None:
    sandbox.open("trial-two-pathways")
    sandbox.answer("pathway", "malignant")
    assert sandbox.case.answers == {"ServiceRequest/trial-two-pathways-trial": {PUMP: {"pathway": "malignant"}}}
    assert "Is the pain from cancer? Cancer pain Answered here" in sandbox.page.within("answer")


def test_evidence_links_to_places_that_are_on_the_page(sandbox: Sandbox) -> None:
    page = sandbox.open("trial-not-weaned")
    linked = {each for each in page.links if each.startswith(("#chart-", "#timeline-"))}
    assert {each.partition("-")[0] for each in linked} == {"#chart", "#timeline"}
    assert {each for each in linked if f'id="{each[1:]}"' not in page.html} == set()


def test_a_script_that_replaces_the_answer_alone_says_what_the_timeline_shows(sandbox: Sandbox) -> None:
    page = sandbox.open("trial-not-weaned")
    drawn = page.fields["drawn"][0].split()
    form = {"case": sandbox.case.dump(), "do": "sign", "drawn": drawn[0]}
    part = Page(sandbox.client.post("/sandbox", data=form, headers={"HX-Request": "true"}).text)
    found = {each for each in part.links if each.startswith("#timeline-")}
    assert found <= {f"#timeline-{drawn[0].replace('/', '-')}"}


def test_the_page_shows_the_request_without_the_token_of_the_fhir_server(sandbox: Sandbox) -> None:
    page = sandbox.open("sij-posterior")
    assert '"access_token": "$FHIR_TOKEN"' in request_of(sandbox)
    assert "token-of-the-ehr" not in page.html


def test_the_curl_line_goes_to_this_service_and_fills_the_token_in(sandbox: Sandbox) -> None:
    line = sandbox.open("sij-posterior").within("curl-order-select")
    assert line.startswith("curl -s http://127.0.0.1:8000/cds-services/coverage-order-select \\")
    assert """"access_token":"'"$FHIR_TOKEN"'",""" in line
    assert "$TOKEN" not in line


def test_a_link_to_the_app_becomes_a_launch_of_the_sample_ehr() -> None:
    sandbox = Sandbox(launches_apps=True)
    page = sandbox.open("sij-posterior")
    ((patient, app, context),) = sandbox.launched
    assert (patient, app) == ("sij-posterior", "http://127.0.0.1:8000/smart/launch")
    assert context
    assert "http://127.0.0.1:9/launch/1" in page.links


def test_a_service_that_no_ehr_may_launch_has_no_link_to_the_app(sandbox: Sandbox) -> None:
    page = sandbox.open("sij-posterior")
    assert not [each for each in page.links if "/launch" in each]


def test_a_chart_that_cannot_be_read_is_said_with_what_to_do() -> None:
    sandbox = Sandbox(
        open_fhir_server=lambda _access, _deadline: UnreadableSource(FHIR_SERVER, ("The server is not allowed.",))
    )
    page = sandbox.open("sij-fibromyalgia")
    shown = page.within("answer")
    assert "The chart could not be read (412)" in shown
    assert "The server is not allowed." in shown
    assert "Check the FHIR server, its token, and the patient, then sign again." in shown


def test_a_service_that_is_not_offered_is_said(sandbox: Sandbox) -> None:
    sandbox.open("cpap-mild-apnea")
    sandbox.change(mode=Mode.CRD_2_2)
    page = sandbox.post({"case": sandbox.case.dump(), "do": "sign"})
    assert "The service is not offered (404)" in page.within("answer")


def test_the_page_says_how_to_get_crd_where_it_is_off(sandbox: Sandbox) -> None:
    assert "cds-service demo --payers" in sandbox.open("sij-posterior").within("answer")
    assert "cds-service demo --payers" not in fresh_payer().open("sij-posterior").within("answer")


@pytest.mark.parametrize(("mode", "service"), [("2.2", "crd-order-sign"), ("2.0", "crd-2.0-order-sign")])
def test_the_switch_calls_the_services_of_crd(mode: str, service: str) -> None:
    sandbox = fresh_payer()
    sandbox.open("cpap-mild-apnea")
    sandbox.press("sign")
    page = sandbox.press("mode", mode=mode)
    assert f"order-sign at {service} : 200" in page.within("answer")
    assert sandbox.case.mode.value == mode


def test_the_switch_goes_back_to_the_plain_services() -> None:
    sandbox = fresh_payer()
    sandbox.open("cpap-mild-apnea")
    sandbox.press("mode", mode="2.2")
    page = sandbox.press("mode", mode="plain")
    assert "order-select at coverage-order-select : 200" in page.within("answer")


def test_a_system_action_is_shown_as_a_change_and_applied_to_the_draft() -> None:
    sandbox = fresh_payer()
    sandbox.open("cpap-mild-apnea")
    page = sandbox.press("mode", mode="2.2")
    assert "Add coverage information : DeviceRequest/cpap-mild-apnea-cpap" in page.within("answer")
    assert "coverage information Element Added" in page.within("answer")
    assert "covered conditional" in page.within("answer")
    (extension,) = sandbox.case.orders[0]["extension"]
    assert extension["url"].endswith("ext-coverage-information")


def test_an_order_that_carries_the_answer_gets_no_system_action_again() -> None:
    sandbox = fresh_payer()
    sandbox.open("cpap-mild-apnea")
    sandbox.press("mode", mode="2.2")
    page = sandbox.press("mode", mode="2.2")
    assert "System actions" not in page.within("answer")


def test_a_card_overridden_in_crd_is_suppressed_although_the_order_carries_the_answer_since() -> None:
    sandbox = fresh_payer()
    sandbox.open("cpap-mild-apnea")
    sandbox.press("mode", mode="2.2")
    page = sandbox.press("override:")
    assert page.within("suppressed").startswith("1 card is not shown, because you overrode it")


def test_the_criteria_behind_a_crd_answer_are_on_the_page_once() -> None:
    sandbox = fresh_payer()
    sandbox.open("cpap-mild-apnea")
    page = sandbox.press("mode", mode="2.2")
    assert len(page.cards) == 2
    assert page.html.count('<details class="tree"') == 1


def with_copies(sandbox: Sandbox, number: int) -> tuple[Resource, ...]:
    """As many copies of the first order."""
    (order, *_) = sandbox.case.orders
    return tuple({**order, "id": f"copy-{place}"} for place in range(number))


@pytest.mark.parametrize(("orders", "says"), [(3, ""), (4, "Those of 1 more are left out.")])
def test_the_criteria_of_three_determinations_are_shown(sandbox: Sandbox, orders: int, says: str) -> None:
    sandbox.open("trial-weaned")
    sandbox.change(orders=with_copies(sandbox, orders))
    page = sandbox.press("sign")
    assert page.html.count('<details class="tree"') == 3
    assert says in page.within("answer")
    assert ("left out" in page.within("answer")) is bool(says)


def test_the_answer_to_twenty_orders_stays_light(sandbox: Sandbox) -> None:
    sandbox.open("trial-weaned")
    sandbox.change(orders=with_copies(sandbox, 20))
    page = sandbox.press("sign").html
    assert len(page[page.index('id="answer"') :]) < 130_000


HOSTILE = (
    "<script>alert(1)</script><img src=x onerror=alert(1)> ![x](https://evil.example/x.png) [y](javascript:alert(1))"
)


def hostile(orders: tuple[Resource, ...]) -> tuple[Resource, ...]:
    """The orders with HTML and Markdown in each of their texts."""
    return tuple({**each, "code": {**each["code"], "text": HOSTILE}, "note": [{"text": HOSTILE}]} for each in orders)


def test_html_and_markdown_in_the_words_of_an_order_stay_text(sandbox: Sandbox) -> None:
    sandbox.open("sij-posterior")
    sandbox.change(orders=hostile(sandbox.case.orders))
    page = sandbox.press("sign")
    for markup in ("<script>alert", "<img", 'javascript:alert(1)"', 'href="https://evil'):
        assert markup not in page.html
    assert "<script>alert(1)</script>" in request_of(sandbox)


def test_a_comment_of_html_is_taken_as_it_is() -> None:
    sandbox = Sandbox(store_comments=True)
    sandbox.open("sij-posterior")
    (comment,) = [name for name in sandbox.page.fields if name.startswith("comment:")]
    sandbox.press("override:", **{comment: HOSTILE})
    assert rows(sandbox.database, "feedback")[0]["comment"] == HOSTILE


def with_card(sandbox: Sandbox, **changes: Any) -> Mapping[str, Any]:
    """The form of a page whose only card is one that somebody wrote by hand."""
    card = {"service": "coverage-order-sign", "uuid": "u", "suggestions": [], **changes}
    return {"case": sandbox.case.dump(), f"card:{card['uuid']}": dumps(card)}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"suggestions": [{}]},
        {"suggestions": {}},
        {"service": "../policies"},
        {"service": 1},
        {"suggestions": [{"uuid": "s", "label": "x", "actions": [{"type": "update"}]}]},
        {"suggestions": [{"uuid": "s", "label": "x", "actions": [{"type": "delete", "resourceId": 1}]}]},
        {"suggestions": [{"uuid": "s", "label": "x", "actions": [{"type": "move"}]}]},
    ],
)
def test_a_suggestion_that_no_card_has_is_refused_in_words(sandbox: Sandbox, changes: Any) -> None:
    sandbox.open("sij-posterior")
    page = sandbox.post({**with_card(sandbox, **changes), "do": "suggest:u:0"})
    assert "Sign the orders again." in page.within("order-problems")


@pytest.mark.parametrize(
    "do", ["suggest:u", "suggest:u:", "suggest:u:-1", "suggest:u:x", "suggest:", "override:", "override"]
)
def test_a_button_that_names_nothing_on_the_page_is_refused_in_words(sandbox: Sandbox, do: str) -> None:
    sandbox.open("sij-posterior")
    page = sandbox.post({**with_card(sandbox), "do": do})
    assert page.within("order-problems")


@pytest.mark.parametrize("do", ["take-back:", "take-back:x", "take-back:a|b|c", "answer:x", "mode:x", "nothing", ""])
def test_any_other_button_calls_the_hook_and_fails_nothing(sandbox: Sandbox, do: str) -> None:
    sandbox.open("sij-posterior")
    assert sandbox.client.post("/sandbox", data={"case": sandbox.case.dump(), "do": do}).status_code == 200


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("answer:", "yes"),
        ("answer:a|b", "yes"),
        ("answer:ServiceRequest/other|CP.MP.126@2025-04|II.B.location", "yes"),
        ("answer:ServiceRequest/sij-posterior-fusion|NONE@1|II.B.location", "yes"),
        ("answer:ServiceRequest/sij-posterior-fusion|CP.MP.126@2025-04|none", "yes"),
        ("answer:ServiceRequest/sij-posterior-fusion|CP.MP.126@2025-04|II.B.location", "perhaps"),
    ],
)
def test_an_answer_that_nobody_asked_for_is_left_out(sandbox: Sandbox, name: str, value: str) -> None:
    sandbox.open("sij-posterior")
    page = sandbox.post({"case": sandbox.case.dump(), name: value, "do": "answer"})
    assert sandbox.case.answers == {}
    assert "No answer is chosen." in page.within("order-problems")


def test_feedback_that_is_not_stored_is_said(sandbox: Sandbox) -> None:
    sandbox.open("sij-posterior")
    card = with_card(sandbox, service="no-such-service", uuid="u")
    page = sandbox.post({**card, "do": "override:u"})
    assert page.within("order-problems") == "The card is overridden, but the service did not store the feedback (404)."


def test_the_page_and_the_call_are_two_calls_in_the_log() -> None:
    sandbox = fresh_payer()
    sandbox.open("cpap-mild-apnea")
    response = sandbox.client.post("/sandbox", data={"case": sandbox.case.dump(), "mode": "2.2", "do": "sign"})
    assert response.status_code == 200
    assert response.headers["X-Request-Id"] not in {row["decision"] for row in rows(sandbox.database, "decisions")}


def test_the_answer_alone_comes_back_to_a_script(sandbox: Sandbox) -> None:
    sandbox.open("sij-posterior")
    form = {"case": sandbox.case.dump(), "do": "sign"}
    part = sandbox.client.post("/sandbox", data=form, headers={"HX-Request": "true"}).text
    assert part.startswith('<form id="workspace"')
    assert "Order says posterior" in part
