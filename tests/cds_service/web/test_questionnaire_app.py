"""The loop over HTTP: a card, the app launched from it, answers, the response in the EHR, and the next card."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from cds_service.clients.registry import SmartRegistration
from cds_service.sample_ehr.patients import STORY_DATE
from cds_service.settings import Settings
from cds_service.wiring.loading import load_assessor
from coverage_policies.judging.assessment import Assessor
from fhir_mappings.fhir_json import dumps
from fhir_mappings.validity import faults
from tests.support.smart_loop import EHR_TOKEN, Browser, Loop, access_token, sample_of, smart_loop

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
PATIENT = "sij-rich-chart"
SHORT = "trial-buprenorphine"
"""A patient whose order has two questions open."""


@pytest.fixture(name="assessor", scope="module")
def _assessor() -> Assessor:
    return load_assessor(Settings())


@pytest.fixture(name="loop")
def _loop(assessor: Assessor) -> Iterator[Loop]:
    with smart_loop(assessor, NOW) as loop:
        yield loop


def outcome(cards: Sequence[Any]) -> str:
    (card,) = cards
    found = card["extension"]["cds-service.determination"]
    return str(found["outcome"])


def status_of(criterion: str, cards: Sequence[Any]) -> str:
    (card,) = cards
    found = card["extension"]["cds-service.determination"]["criteria"]
    return str(next(each["status"] for each in found if each["id"] == criterion))


def favorable(card: Any) -> Callable[[str, Sequence[str]], str]:
    """Return the answer that favors the order, by what its card says."""
    questions = card["extension"]["cds-service.determination"]["questions"]
    met_by = {each["linkId"]: each.get("met_by", "") for each in questions}
    return lambda link, values: met_by.get(link) or values[0]


def test_answers_turn_a_card_that_asks_into_a_supported_order(loop: Loop) -> None:
    (card,) = loop.sign(PATIENT)
    assert outcome([card]) == "documentation-needed"
    browser = loop.launch(card, PATIENT)
    screens = browser.answer_all(favorable(card))
    assert 0 < screens <= 12
    browser.click("finish")
    assert "Your answers are saved in the chart" in browser.page.text
    (response,) = loop.responses(PATIENT)
    assert response["status"] == "completed"
    assert response["author"] == {"reference": "Practitioner/sample-pain-physician"}
    assert not faults(response)
    assert outcome(loop.sign(PATIENT, hook="order-sign")) == "supported"


def test_one_other_answer_fails_the_order_and_an_edit_in_the_ehr_counts(loop: Loop) -> None:
    (card,) = loop.sign(SHORT)
    browser = loop.launch(card, SHORT)
    favor = favorable(card)
    opposite = {"yes": "no", "no": "yes"}
    browser.answer_all(lambda link, values: opposite[favor(link, values)] if link == "I.A.2.h" else favor(link, values))
    browser.click("finish")
    assert outcome(loop.sign(SHORT)) == "criteria-not-met"
    (response,) = loop.responses(SHORT)
    edited = dumps({**response, "status": "amended"}).replace('"valueBoolean":false', '"valueBoolean":true')
    put(loop, response["id"], edited)
    assert outcome(loop.sign(SHORT)) == "supported"


def put(loop: Loop, own_id: str, body: str) -> None:
    """Edit a response in the EHR, as another user of it would."""
    answer = requests.put(
        f"{loop.ehr}/fhir/QuestionnaireResponse/{own_id}",
        data=body.encode(),
        headers={"Content-Type": "application/fhir+json", "Authorization": f"Bearer {access_token(loop, SHORT)}"},
        timeout=30,
    )
    assert answer.status_code == 200, answer.text


def test_a_half_done_form_counts_for_nothing_and_is_resumed(loop: Loop) -> None:
    (card,) = loop.sign(SHORT)
    browser = loop.launch(card, SHORT)
    (first,) = browser.asked
    browser.click("next", {first: "yes"})
    (second,) = browser.asked
    browser.click("save")
    assert "saved in the chart as unfinished" in browser.page.text
    (response,) = loop.responses(SHORT)
    assert response["status"] == "in-progress"
    assert outcome(loop.sign(SHORT)) == "documentation-needed"
    again = loop.launch(card, SHORT)
    assert list(again.asked) == [second]
    again.click("next", {second: "yes"})
    again.click("finish")
    (completed,) = loop.responses(SHORT)
    assert (completed["id"], completed["status"]) == (response["id"], "completed")
    assert outcome(loop.sign(SHORT)) == "supported"


def test_a_completed_form_that_is_changed_is_amended(loop: Loop) -> None:
    (card,) = loop.sign(SHORT)
    browser = loop.launch(card, SHORT)
    browser.answer_all(favorable(card))
    browser.click("finish")
    again = loop.launch(card, SHORT)
    assert again.asked == {}
    again.click("change:I.A.2.h")
    assert list(again.asked) == ["I.A.2.h"]
    again.click("next", {"I.A.2.h": "no"})
    again.click("finish")
    (response,) = loop.responses(SHORT)
    assert response["status"] == "amended"
    assert outcome(loop.sign(SHORT)) == "criteria-not-met"


def test_the_app_asks_about_the_order_of_its_card_beside_another_of_the_same_procedure(loop: Loop) -> None:
    first = sample_of(PATIENT).orders[0].resource(STORY_DATE)
    later = {
        **first,
        "id": "later",
        "code": {**first["code"], "text": "Second fusion"},
        "occurrenceDateTime": "2026-09-01",
    }
    for orders in ([first, later], [later, first]):
        cards = loop.sign(PATIENT, order=orders[0], beside=orders[1:], hook="order-sign")
        shown = {}
        for card in cards:
            determination = card["extension"]["cds-service.determination"]
            shown[determination["order"]] = "Second fusion" in loop.launch(card, PATIENT).page.text
        assert shown == {f"ServiceRequest/{first['id']}": False, "ServiceRequest/later": True}


def test_orders_without_an_id_have_no_link_where_it_could_lead_to_another_one(loop: Loop) -> None:
    order = {name: value for name, value in sample_of(PATIENT).orders[0].resource(STORY_DATE).items() if name != "id"}
    injection = {**order, "code": {"coding": [{"system": "http://www.ama-assn.org/go/cpt", "code": "27096"}]}}
    (alone,) = loop.sign(PATIENT, order=order, hook="order-sign")
    assert set(loop.launch(alone, PATIENT).asked) == {"II.G"}
    both = loop.sign(PATIENT, order=order, beside=[injection], hook="order-sign")
    assert len(both) == 2
    assert [link for card in both for link in card.get("links", ()) if link["type"] == "smart"] == []


def test_an_order_with_text_that_utf_8_cannot_encode_is_asked_about(loop: Loop) -> None:
    order = {**sample_of(PATIENT).orders[0].resource(STORY_DATE), "note": [{"text": "\ud800"}]}
    (card,) = loop.sign(PATIENT, order=order)
    assert loop.launch(card, PATIENT).page.status_code == 200


def test_going_back_asks_the_last_screen_again(loop: Loop) -> None:
    (card,) = loop.sign(SHORT)
    browser = loop.launch(card, SHORT)
    (first,) = browser.asked
    browser.click("next", {first: "yes"})
    browser.click("back")
    assert list(browser.asked) == [first]
    assert "Answered so far" not in browser.page.text


def test_a_screen_without_an_answer_is_shown_again_with_the_error(loop: Loop) -> None:
    (card,) = loop.sign(SHORT)
    browser = loop.launch(card, SHORT)
    asked = browser.asked
    browser.click("next")
    assert browser.page.status_code == 422
    assert "Some answers are missing" in browser.page.text
    assert browser.asked == asked


def test_another_replica_serves_the_session(loop: Loop) -> None:
    (card,) = loop.sign(SHORT)
    browser = loop.launch(card, SHORT)
    asked = browser.asked
    browser.get(f"{loop.replica}/smart/form")
    assert browser.asked == asked
    browser.answer_all(favorable(card))
    browser.click("finish")
    assert browser.url.startswith(loop.replica)
    assert outcome(loop.sign(SHORT)) == "supported"


def stored_order() -> Any:
    """The order of the short form as an EHR stores it, under another id."""
    order = sample_of(SHORT).orders[0].resource(STORY_DATE)
    return {**order, "id": "stored-1", "status": "active"}


def test_a_standalone_launch_lets_the_user_choose_patient_and_order(assessor: Assessor) -> None:
    with smart_loop(assessor, NOW, stored=[stored_order()]) as loop:
        browser = Browser()
        browser.get(f"{loop.service}/smart/launch?iss={loop.ehr}/fhir")
        browser.submit({"decision": "continue", "patient": SHORT})
        (choice,) = re.findall(r'value="(choose:[^"]+)"', browser.page.text)
        browser.click(choice)
        assert set(browser.asked) == {"I.A.2.h"}
        browser.answer_all(lambda _link, _values: "yes")
        browser.click("finish")
        (response,) = loop.responses(SHORT)
        assert response["basedOn"][0]["reference"] == "ServiceRequest/stored-1"


def test_an_order_that_was_not_offered_cannot_be_chosen(assessor: Assessor) -> None:
    with smart_loop(assessor, NOW, stored=[stored_order()]) as loop:
        browser = loop.open(SHORT, f"{loop.service}/smart/launch")
        assert "Choose an order" in browser.page.text
        browser.click("choose:CP.MP.126@2025-04/ab12")
        assert (browser.page.status_code, "not among those" in browser.page.text) == (403, True)


def test_a_patient_without_unfinished_orders_has_nothing_to_choose(loop: Loop) -> None:
    browser = loop.open(SHORT, f"{loop.service}/smart/launch")
    assert "No unfinished order of this patient" in browser.page.text


def test_answers_count_for_the_order_once_the_ehr_stores_it_under_another_id(loop: Loop) -> None:
    (card,) = loop.sign(PATIENT)
    browser = loop.launch(card, PATIENT)
    browser.answer_all(favorable(card))
    browser.click("finish")
    (response,) = loop.responses(PATIENT)
    assert "reference" not in response["basedOn"][0]
    order = sample_of(PATIENT).orders[0].resource(STORY_DATE)
    stored = {**order, "id": "stored-1", "status": "active"}
    assert status_of("II.I", loop.sign(PATIENT, order=stored, hook="order-sign")) == "met"
    next_day = {**stored, "authoredOn": "2026-03-03"}
    assert status_of("II.I", loop.sign(PATIENT, order=next_day, hook="order-sign")) == "unknown"


@pytest.mark.parametrize("secret", ["", "s3cret/+"])
def test_public_and_confidential_apps_are_launched(assessor: Assessor, secret: str) -> None:
    with smart_loop(assessor, NOW, secret=secret) as loop:
        (card,) = loop.sign(SHORT)
        assert loop.launch(card, SHORT).page.status_code == 200


def test_an_app_with_a_wrong_secret_gets_nothing(assessor: Assessor) -> None:
    registration = SmartRegistration("coverage-questions")
    with smart_loop(assessor, NOW, registration=registration, secret="right") as loop:
        loop.smart._apps = {name: replace(app, secret="other") for name, app in loop.smart._apps.items()}
        (card,) = loop.sign(SHORT)
        browser = loop.launch(card, SHORT)
    assert browser.page.status_code == 502
    assert "did not grant access (401" in browser.page.text


def test_scopes_of_smart_1_are_enough(assessor: Assessor) -> None:
    with smart_loop(assessor, NOW, registration=SmartRegistration("coverage-questions", scopes="v1")) as loop:
        (card,) = loop.sign(SHORT)
        browser = loop.launch(card, SHORT)
        browser.answer_all(favorable(card))
        browser.click("finish")
        assert outcome(loop.sign(SHORT)) == "supported"


@pytest.mark.parametrize(
    "options", [{"refuses_writes": True}, {"scopes_granted": ("openid", "fhirUser", "launch", "patient/*.rs")}]
)
def test_an_ehr_that_takes_no_response_gets_none_and_the_user_a_file(assessor: Assessor, options: Any) -> None:
    with smart_loop(assessor, NOW, **options) as loop:
        (card,) = loop.sign(SHORT)
        browser = loop.launch(card, SHORT)
        browser.answer_all(favorable(card))
        browser.click("finish")
        assert "Your answers are not in the chart" in browser.page.text
        assert loop.responses(SHORT) == []
        browser.get(f"{loop.service}/smart/response")
        assert browser.page.headers["Content-Disposition"].startswith("attachment")
        assert browser.page.json()["status"] == "completed"
        browser.get(f"{loop.service}/smart/response?unfinished")
        assert browser.page.json()["status"] == "in-progress"


def test_pages_about_a_patient_are_neither_stored_nor_framed_nor_scripted(assessor: Assessor) -> None:
    registration = SmartRegistration("coverage-questions", frame_ancestors=("https://ehr.example.org",))
    with smart_loop(assessor, NOW, registration=registration) as loop:
        (card,) = loop.sign(SHORT)
        page = loop.launch(card, SHORT).page
        framed = page.headers["Content-Security-Policy"].split("; ")
        assert page.headers["Cache-Control"] == "no-store"
        assert page.headers["Referrer-Policy"] == "no-referrer"
        assert "default-src 'none'" in framed
        assert "frame-ancestors https://ehr.example.org" in framed
        assert "form-action 'self'" in framed
        assert "<script" not in page.text
    with smart_loop(assessor, NOW) as loop:
        (card,) = loop.sign(SHORT)
        page = loop.launch(card, SHORT).page
        assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]


def test_the_cookie_is_for_this_host_over_https_and_no_script(loop: Loop) -> None:
    begun = requests.get(
        f"{loop.service}/smart/launch", params={"iss": f"{loop.ehr}/fhir"}, allow_redirects=False, timeout=30
    )
    name, *rest = begun.headers["Set-Cookie"].split("; ")
    assert name.startswith("__Host-cds-form=")
    assert set(rest) == {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"}


# What must be refused, in words, and without leaking anything.


def test_an_ehr_that_is_not_registered_cannot_launch_the_app(loop: Loop) -> None:
    browser = loop.open(SHORT, f"{loop.service}/smart/launch")
    browser.get(f"{loop.service}/smart/launch?iss=https://evil.example/fhir&launch=x")
    assert (browser.page.status_code, "This EHR is not registered" in browser.page.text) == (403, True)
    browser.get(f"{loop.service}/smart/launch")
    assert browser.page.status_code == 400


def test_the_card_of_another_patient_is_refused(loop: Loop) -> None:
    (card,) = loop.sign(SHORT)
    browser = loop.launch(card, PATIENT)
    assert browser.page.status_code == 403
    assert "about another patient" in browser.page.text
    assert SHORT not in browser.page.text
    browser.get(f"{loop.service}/smart/form")
    assert browser.page.status_code == 403


def test_a_context_that_the_service_did_not_make_is_refused(loop: Loop) -> None:
    browser = loop.open(SHORT, f"{loop.service}/smart/launch", "x" * 60)
    assert (browser.page.status_code, "did not make" in browser.page.text) == (403, True)


def test_a_state_works_once(loop: Loop) -> None:
    (card,) = loop.sign(SHORT)
    browser = Browser()
    (link,) = [each for each in card["links"] if each["type"] == "smart"]
    browser.get(loop.ehr + loop.smart.launch(SHORT, app_url=link["url"], app_context=link["appContext"]))
    assert browser.page.status_code == 200
    (callback,) = [url for url in browser.opened if "/smart/callback" in url]
    before = dict(browser.cookies)
    browser.get(callback)
    assert browser.page.status_code == 403
    stranger = Browser()
    stranger.get(callback)
    assert stranger.page.status_code == 403
    browser.cookies = before
    browser.get(f"{loop.service}/smart/form")
    assert browser.page.status_code == 200


def test_another_state_than_that_of_the_launch_is_refused_and_ends_it(loop: Loop) -> None:
    browser = Browser()
    begun = requests.get(
        f"{loop.service}/smart/launch", params={"iss": f"{loop.ehr}/fhir"}, allow_redirects=False, timeout=30
    )
    browser.cookies = {name: value or "" for name, value in begun.cookies.items()}
    for _ in range(2):
        browser.get(f"{loop.service}/smart/callback?state=other&code=x")
        assert browser.page.status_code == 403


def test_a_user_who_declines_is_told_so(loop: Loop) -> None:
    begun = requests.get(
        f"{loop.service}/smart/launch", params={"iss": f"{loop.ehr}/fhir"}, allow_redirects=False, timeout=30
    )
    state = begun.headers["Location"].split("state=")[1].split("&")[0]
    browser = Browser()
    browser.cookies = {name: value or "" for name, value in begun.cookies.items()}
    browser.get(f"{loop.service}/smart/callback?state={state}&error=access_denied")
    assert "The EHR did not grant access" in browser.page.text


def test_a_stolen_cookie_opens_nothing_after_the_end(loop: Loop) -> None:
    (card,) = loop.sign(SHORT)
    browser = loop.launch(card, SHORT)
    thief = Browser()
    thief.cookies = dict(browser.cookies)
    browser.click("leave")
    assert "You can close this page" in browser.page.text
    thief.get(f"{loop.service}/smart/form")
    assert (thief.page.status_code, "This session has ended" in thief.page.text) == (403, True)


def test_an_expired_token_ends_the_session_in_words(assessor: Assessor) -> None:
    with smart_loop(assessor, NOW, token_seconds=600) as loop:
        (card,) = loop.sign(SHORT)
        browser = loop.launch(card, SHORT)
        loop.clock.now = NOW + timedelta(seconds=599)
        browser.get(f"{loop.service}/smart/form")
        assert browser.page.status_code == 200
        loop.clock.now = NOW + timedelta(seconds=600)
        browser.get(f"{loop.service}/smart/form")
        assert (browser.page.status_code, "Your sign-in has expired" in browser.page.text) == (403, True)


def test_a_form_posted_without_the_token_of_the_session_is_refused(loop: Loop) -> None:
    (card,) = loop.sign(SHORT)
    browser = loop.launch(card, SHORT)
    for token in ("", "x", "é"):
        browser.post(f"{loop.service}/smart/form", {"token": token, "do": "leave"})
        assert browser.page.status_code == 403
    browser.get(f"{loop.service}/smart/form")
    assert browser.page.status_code == 200


def test_a_response_that_someone_changed_meanwhile_is_not_overwritten(loop: Loop) -> None:
    (card,) = loop.sign(SHORT)
    browser = loop.launch(card, SHORT)
    browser.answer_all(favorable(card))
    browser.click("finish")
    first, second = loop.launch(card, SHORT), loop.launch(card, SHORT)
    for each in (first, second):
        each.click("change:I.A.2.h")
        each.click("next", {"I.A.2.h": "no"})
    first.click("finish")
    second.click("finish")
    assert (second.page.status_code, "Someone changed this form" in second.page.text) == (409, True)


def test_the_log_names_neither_patient_nor_user_nor_token(loop: Loop) -> None:
    (card,) = loop.sign(SHORT)
    browser = loop.launch(card, SHORT)
    browser.answer_all(favorable(card))
    browser.click("finish")
    logged = loop.log.getvalue()
    assert '"written": true' in logged
    assert not any(word in logged for word in (SHORT, "sample-pain-physician", EHR_TOKEN, *browser.cookies.values()))
