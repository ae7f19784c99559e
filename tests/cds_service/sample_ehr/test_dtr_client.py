"""The DTR client of the sample EHR against a payer whose answers the tests write."""

import copy
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

import jwt
import pytest
import requests
import responses
from cryptography.hazmat.primitives.asymmetric import ec

from cds_service.sample_ehr.backend_services import BackendKey
from cds_service.sample_ehr.dtr_client import DtrClient, DtrError, Package, posting

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
BASE = "https://payer.example/fhir"
NEXT = f"{BASE}/Questionnaire/$next-question"
DOCTOR = "Practitioner/d"
ORIGIN = "http://hl7.org/fhir/us/davinci-dtr/StructureDefinition/information-origin"
ADAPTIVE = "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-questionnaireAdaptive"
YES_NO = {"linkId": "a", "text": "Is it so", "type": "boolean", "item": [{"linkId": "a/help", "type": "display"}]}
CHOICE = {
    "linkId": "b",
    "text": "Which way",
    "type": "choice",
    "answerOption": [{"valueCoding": {"code": code, "display": code.title()}} for code in ("left", "right")],
}
GROUP = {"linkId": "g", "text": "Both", "type": "group", "item": [YES_NO, CHOICE]}
FROM_CHART = {"extension": [{"url": ORIGIN, "extension": [{"url": "source", "valueCode": "auto-server"}]}]}


def made(source: str) -> list[dict[str, Any]]:
    """The origin of an answer of the clinician."""
    author = {"url": "author", "extension": [{"url": "practitioner", "valueReference": {"reference": DOCTOR}}]}
    return [{"url": ORIGIN, "extension": [{"url": "source", "valueCode": source}, author]}]


def adaptive(url: str, *asked: Any, item: Any = ()) -> Package:
    """An adaptive form with what its draft asks and answers."""
    form = {
        "resourceType": "Questionnaire",
        "url": f"{BASE}/Questionnaire/P",
        "version": "1",
        "extension": [{"url": ADAPTIVE, "valueUrl": url}],
    }
    draft = {
        "resourceType": "QuestionnaireResponse",
        "contained": [{"resourceType": "Questionnaire", "id": "form", "item": list(asked)}],
        "questionnaire": "#form",
        "status": "in-progress",
        "item": list(item),
    }
    return Package(form, draft)


class Payer:
    """Asks these items one call after the other, and then says that the response is complete."""

    def __init__(self, *screens: Any) -> None:
        self.screens = list(screens)
        self.received: list[tuple[str, Any]] = []

    def post(self, url: str, body: Any) -> Any:
        """Take a response, and return it with what is asked next."""
        self.received.append((url, copy.deepcopy(body)))
        answer = copy.deepcopy(body)
        if self.screens:
            answer["contained"][0]["item"].append(self.screens.pop(0))
        else:
            answer["status"] = "completed"
        return answer


def client(post: Callable[[str, Any], Any]) -> DtrClient:
    return DtrClient(BASE, DOCTOR, lambda: NOW, post)


def test_a_form_is_answered_call_by_call_until_the_payer_says_that_it_is_complete() -> None:
    payer = Payer(CHOICE)
    steps = list(client(payer.post).steps(adaptive(NEXT, YES_NO), {"a": False, "b": "right"}))
    assert [each.said for each in steps] == [[("Is it so", "no")], [("Which way", "Right")]]
    assert [each.response["status"] for each in steps] == ["in-progress", "completed"]
    first, second = (body["item"] for _, body in payer.received)
    assert first == [
        {"linkId": "a", "text": "Is it so", "answer": [{"extension": made("manual"), "valueBoolean": False}]}
    ]
    assert second[0] == first[0]
    assert second[1]["answer"][0]["valueCoding"] == CHOICE["answerOption"][1]["valueCoding"]  # type: ignore[index]


def test_what_is_not_known_comes_back_without_an_answer_and_is_said_once() -> None:
    payer = Payer(CHOICE)
    steps = list(client(payer.post).steps(adaptive(NEXT, GROUP), {}))
    assert steps[0].said == [("Is it so", "don't know"), ("Which way", "don't know")]
    (group,) = payer.received[0][1]["item"]
    assert [each.get("answer") for each in group["item"]] == [None, None]
    assert [link["linkId"] for link in group["item"]] == ["a", "b"]


def test_an_answer_from_the_chart_stays_unless_the_clinician_says_otherwise() -> None:
    chart = [{"linkId": "a", "answer": [{**FROM_CHART, "valueBoolean": True}]}]
    for said, answer in (({}, chart[0]["answer"][0]), ({"a": True}, chart[0]["answer"][0])):  # type: ignore[index]
        payer = Payer()
        list(client(payer.post).steps(adaptive(NEXT, YES_NO, item=chart), said))
        assert payer.received[0][1]["item"][0]["answer"] == [answer]
    payer = Payer()
    list(client(payer.post).steps(adaptive(NEXT, YES_NO, item=chart), {"a": False}))
    assert payer.received[0][1]["item"][0]["answer"] == [{"extension": made("override"), "valueBoolean": False}]


def test_each_response_has_its_author_and_the_time() -> None:
    payer = Payer()
    list(client(payer.post).steps(adaptive(NEXT, YES_NO), {}))
    ((_, body),) = payer.received
    assert (body["author"], body["authored"]) == ({"reference": DOCTOR}, "2026-03-02T09:00:00+00:00")


@pytest.mark.parametrize("url", [BASE, f"{BASE}/", NEXT])
def test_the_next_question_is_asked_at_the_address_or_below_the_base_that_the_form_names(url: str) -> None:
    payer = Payer()
    list(client(payer.post).steps(adaptive(url, YES_NO), {}))
    assert payer.received[0][0] == NEXT


def test_a_form_without_an_end_is_given_up() -> None:
    def again(_url: str, body: Any) -> Any:
        return body

    with pytest.raises(DtrError, match=r"Questionnaire/P\|1 was not complete after 100 calls"):
        list(client(again).steps(adaptive(NEXT, YES_NO), {}))


def test_a_standard_form_is_filled_in_without_a_call_and_without_what_is_not_known() -> None:
    form = {"url": f"{BASE}/Questionnaire/P", "version": "1", "item": [GROUP]}
    draft = {
        "resourceType": "QuestionnaireResponse",
        "questionnaire": f"{BASE}/Questionnaire/P|1",
        "status": "in-progress",
    }
    (step,) = client(Payer().post).steps(Package(form, draft), {"b": "left"})
    assert step.is_complete
    assert step.said == [("Is it so", "don't know"), ("Which way", "Left")]
    (group,) = step.response["item"]
    assert [each["linkId"] for each in group["item"]] == ["b"]


def test_a_package_is_asked_for_by_coverage_order_and_context() -> None:
    asked: list[Any] = []
    form, draft = {"resourceType": "Questionnaire"}, {"resourceType": "QuestionnaireResponse"}
    bundle = {"resourceType": "Bundle", "entry": [{"resource": form}, {"resource": draft}]}

    def post(url: str, body: Any) -> Any:
        asked.append((url, body))
        outcome = {"name": "outcome", "resource": {"resourceType": "OperationOutcome"}}
        return {"resourceType": "Parameters", "parameter": [{"name": "packagebundle", "resource": bundle}, outcome]}

    coverage, order = {"resourceType": "Coverage", "id": "c"}, {"resourceType": "ServiceRequest", "id": "o"}
    (found,) = client(post).packages(coverage, orders=[order], context="a-1")
    assert (found.questionnaire, found.draft) == (form, draft)
    ((url, body),) = asked
    assert url == f"{BASE}/Questionnaire/$questionnaire-package"
    assert body["parameter"] == [
        {"name": "coverage", "resource": coverage},
        {"name": "order", "resource": order},
        {"name": "context", "valueString": "a-1"},
    ]
    client(post).packages(coverage, questionnaires=["urn:a|1", "urn:b|2"])
    assert asked[1][1]["parameter"][1:] == [
        {"name": "questionnaire", "valueCanonical": "urn:a|1"},
        {"name": "questionnaire", "valueCanonical": "urn:b|2"},
    ]


@responses.activate
def test_calls_carry_the_token_and_a_refusal_is_an_error() -> None:
    responses.post(BASE, json={"resourceType": "Parameters"})
    assert posting("t-1")(BASE, {}) == {"resourceType": "Parameters"}
    responses.post(BASE, json={}, status=401)
    with pytest.raises(requests.HTTPError):
        posting()(BASE, {})
    sent = [call.request.headers for call in responses.calls]
    assert (sent[0]["Authorization"], "Authorization" in sent[1]) == ("Bearer t-1", False)
    assert sent[0]["Content-Type"] == "application/fhir+json"


@responses.activate
def test_a_key_gets_a_token_where_the_discovery_document_says() -> None:
    key = ec.generate_private_key(ec.SECP384R1())
    address = "https://payer.example/auth/token"
    responses.get(f"{BASE}/.well-known/smart-configuration", json={"token_endpoint": address})
    responses.post(address, json={"access_token": "t-1"})
    now = datetime.now(UTC)
    assert BackendKey("dtr-app", key, "k-1").access_token(BASE, now=now, new_id=lambda: "j-1") == "t-1"
    sent = {name: value for name, (value,) in parse_qs(str(responses.calls[1].request.body)).items()}
    assert sent["grant_type"] == "client_credentials"
    assert sent["client_assertion_type"] == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    assert sent["scope"] == "system/Questionnaire.rs system/ValueSet.rs"
    assertion = sent["client_assertion"]
    assert jwt.get_unverified_header(assertion) == {"alg": "ES384", "kid": "k-1", "typ": "JWT"}
    claims = jwt.decode(assertion, key.public_key(), ["ES384"], audience=address)
    assert (claims["iss"], claims["sub"], claims["jti"]) == ("dtr-app", "dtr-app", "j-1")
    assert 0 < claims["exp"] - now.timestamp() <= 300
