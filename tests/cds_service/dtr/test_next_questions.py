"""The next question over HTTP: screen by screen, until nothing is left that would change the answer."""

import copy
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from cds_service.clients.backend_services import BackendServices
from cds_service.clients.registry import Client
from cds_service.sample_ehr.payers import PAYER_IDS, SAMPLE_PAYERS
from coverage_policies.judging.payer_terms import Covered
from coverage_policies.judging.plan_rules import Payer, PlanRules
from coverage_policies.questionnaires.extensions import origin
from fhir_mappings.fhir_json import loads
from fhir_mappings.validity import faults
from tests.support.crd_calls import NOW, parts
from tests.support.dtr_calls import (
    ANSWERS,
    NEXT_QUESTION,
    ORDER,
    OXYGEN,
    PRACTITIONER,
    SAMPLE,
    DtrService,
    answered,
    asked,
    contained,
    extensions,
    filled_in,
)

PATHWAY, EVENTS, EDUCATION = "pathway", "B.initial.events", "B.initial.education"
DIAGNOSIS = [f"B.initial.diagnosis.{each}" for each in ("evaluation", "test", "ordered")]


@pytest.fixture(scope="module")
def service() -> DtrService:
    return DtrService()


@pytest.fixture(scope="module")
def context(service: DtrService) -> str:
    return service.signed()[1]["coverage-assertion-id"][0]


@pytest.fixture
def draft(service: DtrService, context: str) -> Any:
    return service.bundle(context=context)[1]


def refusal(service: DtrService, response: Any) -> tuple[int, str, str]:
    """Status, expression, and words of the first issue of a refusal."""
    answer = service.post(NEXT_QUESTION, response)
    outcome = loads(answer.data)
    assert outcome["resourceType"] == "OperationOutcome"
    issue = outcome["issue"][0]
    return answer.status_code, issue.get("expression", [""])[0], issue["diagnostics"]


def changed(response: Any, change: Callable[[Any], Any]) -> Any:
    made = copy.deepcopy(response)
    return change(made) or made


@pytest.mark.requirement("dtr:spec-36", "dtr:spec-17")
def test_a_screen_is_one_question_with_its_parts(service: DtrService, draft: Any) -> None:
    response, screens = service.next(draft), []
    while response["status"] == "in-progress":
        screens.append(list(asked(contained(response))))
        response = service.next(filled_in(response, ANSWERS))
    pairs = zip([[], *screens], screens, strict=False)
    new = [[link for link in after if link not in before] for before, after in pairs]
    assert new == [[PATHWAY], DIAGNOSIS, [EVENTS], [EDUCATION]]


@pytest.mark.requirement("dtr:spec-17")
def test_what_an_answer_makes_moot_is_never_asked(service: DtrService, draft: Any) -> None:
    done = service.completed(draft, {**ANSWERS, EVENTS: False})
    assert EDUCATION not in asked(contained(done))
    assert done["status"] == "completed"
    (information,) = extensions(done, "ext-coverage-information")
    assert parts(information)["covered"] == ["not-covered"]


@pytest.mark.requirement("dtr:spec-39")
def test_the_last_question_says_that_no_more_follow(service: DtrService, draft: Any) -> None:
    response = service.next(draft)
    for _ in range(3):
        assert "end" not in [each["linkId"] for each in contained(response)["item"]]
        response = service.next(filled_in(response, ANSWERS))
    last = contained(response)["item"][-1]
    assert (last["linkId"], last["type"]) == ("end", "display")
    assert "No more clinical questions" in last["text"]


@pytest.mark.requirement("dtr:spec-33", "dtr:spec-43", "dtr:spec-148")
def test_a_completed_form_says_what_the_payer_says_at_the_next_signing(service: DtrService, draft: Any) -> None:
    done = service.completed(draft)
    (told,) = extensions(done, "ext-coverage-information")
    later = DtrService({**done, "id": "done"}, clock=lambda: NOW + timedelta(minutes=10))
    _, information = later.signed()
    assert parts(told) == information
    assert information["covered"] == ["covered"]


def test_a_completed_form_is_on_record_under_the_assertion_of_its_order(
    service: DtrService, draft: Any, context: str
) -> None:
    later = DtrService(database=service.crd.database, clock=lambda: NOW + timedelta(minutes=10))
    done = later.completed(draft)
    (told,) = extensions(done, "ext-coverage-information")
    assert parts(told)["coverage-assertion-id"] == [context]
    stored = service.crd.records.find(context)
    assert stored is not None
    assert stored.content is not None
    assert stored.content.extensions == [told]


def test_the_answers_stay_as_they_were_received(service: DtrService, draft: Any) -> None:
    response = filled_in(service.next(draft), ANSWERS)
    response["language"] = "en-US"
    response["item"][0]["answer"][0]["extension"].append({"url": "https://ehr.example.org/x", "valueDecimal": 1})
    sent = json.loads(json.dumps(response))
    back = service.next(response)
    assert back["item"] == sent["item"]
    assert {**back, "contained": 0} == {**sent, "contained": 0}


def test_a_pre_filled_answer_is_not_asked_again() -> None:
    service = DtrService(sample=OXYGEN)
    context = service.signed()[1]["coverage-assertion-id"][0]
    _, draft = service.bundle(context=context)
    response = service.next(draft)
    assert answered(response).keys() == {"B.I.rest"}
    assert next(iter(asked(contained(response)))) == "B.I.rest"
    assert len(asked(contained(response))) > 1


def test_a_clinician_who_contradicts_the_chart_gets_no_better_answer_by_it() -> None:
    service = DtrService(sample=OXYGEN)
    context = service.signed()[1]["coverage-assertion-id"][0]
    _, draft = service.bundle(context=context)
    (answer,) = answered(draft)["B.I.rest"]
    answer.update(extension=[origin("override", PRACTITIONER)], valueBoolean=True)
    done = service.completed(draft, {})
    (told,) = extensions(done, "ext-coverage-information")
    assert parts(told)["covered"] != ["covered"]


def test_what_nobody_knows_is_asked_once(service: DtrService, draft: Any) -> None:
    response, seen = service.next(draft), []
    while response["status"] == "in-progress":
        seen.append(tuple(asked(contained(response))))
        response = service.next(response)
    assert len(seen) == len(set(seen))
    assert answered(response) == {}
    (told,) = extensions(response, "ext-coverage-information")
    assert parts(told)["covered"] == ["conditional"]


def test_an_answer_may_be_corrected_before_the_form_is_complete(service: DtrService, draft: Any) -> None:
    response = service.next(filled_in(service.next(draft), {PATHWAY: "continued-use"}))
    assert not set(DIAGNOSIS) & asked(contained(response)).keys()
    for each in response["item"]:
        if each["linkId"] == PATHWAY:
            each["answer"][0]["valueCoding"] = next(
                option["valueCoding"]
                for option in asked(contained(response))[PATHWAY]["answerOption"]
                if option["valueCoding"]["code"] == "first-weeks"
            )
    assert set(DIAGNOSIS) <= asked(contained(service.next(response))).keys()


def test_parameters_are_answered_with_parameters(service: DtrService, draft: Any) -> None:
    body = {"resourceType": "Parameters", "parameter": [{"name": "questionnaire-response", "resource": draft}]}
    (returned,) = service.next(body)["parameter"]
    assert returned["name"] == "return"
    assert returned["resource"] == service.next(draft)


def test_a_client_may_append_the_operation_to_the_address_of_the_form(service: DtrService, draft: Any) -> None:
    appended = service.post(f"{NEXT_QUESTION}/Questionnaire/$next-question", draft)
    assert loads(appended.data) == service.next(draft)


@pytest.mark.requirement("dtr:spec-140")
def test_what_comes_back_is_valid_fhir_and_contains_its_form_only(service: DtrService, draft: Any) -> None:
    response = service.next(draft)
    for _ in range(6):
        assert list(faults(response)) == []
        assert [each["resourceType"] for each in response["contained"]] == ["Questionnaire"]
        if response["status"] == "completed":
            return
        response = service.next(filled_in(response, ANSWERS))
    raise AssertionError("the form was not completed")


def spoil_answer(**value: Any) -> Callable[[Any], None]:
    def change(response: Any) -> None:
        response["item"][0]["answer"] = [{"extension": [origin("manual", PRACTITIONER)], **value}]

    return change


def without(*path: Any) -> Callable[[Any], None]:
    def change(response: Any) -> None:
        for each in path[:-1]:
            response = response[each]
        del response[path[-1]]

    return change


def set_to(value: Any, *path: Any) -> Callable[[Any], None]:
    def change(response: Any) -> None:
        for each in path[:-1]:
            response = response[each]
        response[path[-1]] = value

    return change


@pytest.mark.requirement("dtr:spec-147")
@pytest.mark.parametrize(
    ("spoil", "where"),
    [
        pytest.param(spoil_answer(valueBoolean=True), "item[0].answer[0]", id="another type of value"),
        pytest.param(
            spoil_answer(valueCoding={"system": "urn:cds-coverage-policies:NCD.240.4:pathway", "code": "secret"}),
            "item[0].answer[0].value",
            id="an option that is not offered",
        ),
        pytest.param(without("item", 0, "answer", 0, "extension"), "item[0].answer[0]", id="no origin"),
        pytest.param(
            set_to([{"url": "source", "valueCode": "manual"}], "item", 0, "answer", 0, "extension", 0, "extension"),
            "item[0].answer[0]",
            id="an answer of nobody",
        ),
        pytest.param(set_to("another-link", "item", 0, "linkId"), "item[0]", id="an item that is not asked"),
        pytest.param(set_to("completed", "status"), "status", id="a response that is complete"),
        pytest.param(set_to({"reference": "Patient/another"}, "subject"), "subject", id="another patient"),
    ],
)  # fmt: skip
def test_a_response_that_breaks_a_rule_is_refused_with_its_place(
    service: DtrService, draft: Any, spoil: Callable[[Any], None], where: str
) -> None:
    response = filled_in(service.next(draft), ANSWERS)
    spoil(response)
    status, place, says = refusal(service, response)
    assert (status, place) == (400, f"QuestionnaireResponse.{where}")
    assert "secret" not in says


def test_the_place_of_a_fault_is_that_in_the_parameters(service: DtrService, draft: Any) -> None:
    response = set_to("final", "status")(draft) or draft
    body = {"resourceType": "Parameters", "parameter": [{"name": "questionnaire-response", "resource": response}]}
    assert refusal(service, body)[:2] == (400, "Parameters.parameter[0].resource.status")


@pytest.mark.parametrize("canonical", ["https://cds.example.org/fhir/Questionnaire/NCD.240.4|1999-01.1", "urn:none", 7])
def test_a_form_that_is_not_known_is_not_found(service: DtrService, draft: Any, canonical: Any) -> None:
    contained(draft)["derivedFrom"] = [canonical]
    assert refusal(service, draft)[:2] == (404, "QuestionnaireResponse.questionnaire")


def test_a_response_that_lost_its_context_goes_on_by_its_order(service: DtrService, draft: Any) -> None:
    del contained(draft)["identifier"]
    done = service.completed(draft)
    (told,) = extensions(done, "ext-coverage-information")
    assert parts(told)["covered"] == ["covered"]


def test_a_response_that_lost_its_context_may_not_name_whatever_it_likes(
    service: DtrService, draft: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_up: list[Any] = []
    monkeypatch.setattr(service.crd.records, "newest", lambda *named: looked_up.append(named))
    del contained(draft)["identifier"]
    for name, kind in (("qr-context", "ServiceRequest"), ("qr-coverage", "Coverage")):
        (about,) = extensions(draft, name)
        draft["extension"].remove(about)
        draft["extension"] += [{**about, "valueReference": {"reference": f"{kind}/{each}"}} for each in range(50)]
    assert refusal(service, draft)[0] == 400
    assert len(looked_up) == len(set(looked_up)) == 25


def test_a_response_that_lost_its_context_and_names_no_order_is_refused(service: DtrService, draft: Any) -> None:
    del contained(draft)["identifier"]
    draft["extension"] = [each for each in draft["extension"] if not each["url"].endswith("qr-context")]
    status, place, says = refusal(service, draft)
    assert (status, place) == (400, "QuestionnaireResponse.contained[0].identifier")
    assert "$questionnaire-package" in says


def test_the_context_of_one_order_does_not_serve_another(service: DtrService, draft: Any) -> None:
    for each in draft["extension"]:
        if each["url"].endswith("qr-context"):
            each["valueReference"]["reference"] = "DeviceRequest/another"
    status, place, _ = refusal(service, draft)
    assert (status, place) == (400, "QuestionnaireResponse.extension")


def client(name: str) -> Client:
    registered = BackendServices(f"{name}-dtr")
    return Client(name, f"https://{name}.example.org", backend_services=registered, services="crd-2.2")


def test_the_form_of_another_client_is_refused() -> None:
    ours = DtrService(client=client("lakeshore"))
    _, draft = ours.bundle(context=ours.signed()[1]["coverage-assertion-id"][0])
    theirs = DtrService(client=client("hillside"), database=ours.crd.database)
    assert ours.next(draft)["status"] == "in-progress"
    assert refusal(theirs, draft)[0] == 400


def from_chart(response: Any) -> Any:
    """The response with every answer claimed to be one that the service took from the chart."""
    said = json.dumps(response, default=str)
    for source in ("manual", "override"):
        by_clinician = json.dumps(origin(source, PRACTITIONER)["extension"])
        said = said.replace(by_clinician, json.dumps([{"url": "source", "valueCode": "auto-server"}]))
    return json.loads(said)


@pytest.mark.parametrize("is_known", [True, False], ids=["after CRD", "without CRD"])
def test_what_a_client_claims_to_be_of_the_chart_earns_nothing_and_is_asked_once(
    service: DtrService, draft: Any, is_known: bool
) -> None:
    if not is_known:
        _, draft = service.bundle(order={**ORDER, "id": "never-seen"})
    response, came = service.next(draft), list[str]()
    while response["status"] == "in-progress":
        new = [each for each in asked(contained(response)) if each not in came]
        assert new
        came += new
        response = service.next(from_chart(filled_in(response, ANSWERS)))
    told = [parts(each)["covered"] for each in extensions(response, "ext-coverage-information")]
    assert told == ([["conditional"]] if is_known else [])


def test_a_client_that_may_no_longer_read_the_orders_of_another_loses_their_chart() -> None:
    ehr = DtrService(sample=OXYGEN, client=client("lakeshore"))
    context = ehr.signed()[1]["coverage-assertion-id"][0]
    read, unread = (
        DtrService(
            sample=OXYGEN,
            client=replace(client("app"), backend_services=BackendServices("app", contexts_of=reads)),
            database=ehr.crd.database,
        )
        for reads in (("lakeshore",), ())
    )
    _, draft = read.bundle(context=context)
    assert len(extensions(read.completed(draft, {}), "ext-coverage-information")) == 1
    assert extensions(unread.completed(draft, {}), "ext-coverage-information") == []


@pytest.mark.requirement("dtr:spec-43", "dtr:spec-42")
def test_without_crd_a_completed_form_has_no_coverage_information(service: DtrService) -> None:
    _, draft = service.bundle(order={**ORDER, "id": "never-seen"})
    done = service.completed(draft)
    assert done["status"] == "completed"
    assert extensions(done, "ext-coverage-information") == []


@pytest.mark.usefixtures("context")
def test_a_standard_form_goes_on_as_an_adaptive_one(service: DtrService) -> None:
    found = service.crd.client.get("/fhir/Questionnaire/NCD.240.4").json
    _, draft = service.bundle(order=ORDER)
    standard = {**draft, "questionnaire": f"{found['url']}|{found['version']}"}
    del standard["contained"]
    response = service.next(standard)
    assert list(asked(contained(response))) == [PATHWAY]
    assert response["questionnaire"] == f"#{contained(response)['id']}"


@pytest.mark.requirement("dtr:sec-10")
def test_an_answer_is_not_kept_between_two_calls(service: DtrService, draft: Any) -> None:
    service.completed(draft)
    assert service.next(draft)["item"] if "item" in draft else True
    assert answered(service.next(draft)) == answered(draft)


def test_a_chart_that_is_no_longer_kept_does_not_make_a_form_ask_for_ever() -> None:
    service = DtrService(sample=OXYGEN, exchange_days=1)
    context = service.signed()[1]["coverage-assertion-id"][0]
    _, draft = service.bundle(context=context)
    later = DtrService(sample=OXYGEN, database=service.crd.database, clock=lambda: NOW + timedelta(days=2))
    done = later.completed(draft, {})
    assert answered(done).keys() == {"B.I.rest"}
    assert extensions(done, "ext-coverage-information") == []


def on_day(service: DtrService, day: int) -> DtrService:
    """The same service so many days later."""
    return DtrService(sample=OXYGEN, database=service.crd.database, clock=lambda: NOW + timedelta(days=day))


@pytest.mark.parametrize(("day", "answers", "coverage"), [(89, 1, 1), (91, 0, 0)])
def test_a_form_is_judged_by_the_chart_for_as_long_as_an_answer_counts(day: int, answers: int, coverage: int) -> None:
    service = DtrService(sample=OXYGEN)
    context = service.signed()[1]["coverage-assertion-id"][0]
    _, draft = service.bundle(context=context)
    later = on_day(service, day)
    assert len(extensions(later.completed(draft, {}), "ext-coverage-information")) == coverage
    coverage_sent = {**service.coverage, "payor": [{"identifier": {"system": PAYER_IDS, "value": "MEDICARE"}}]}
    _, fresh = later.bundle(context=context, coverage=coverage_sent)
    assert len(answered(fresh)) == answers


def test_a_response_that_lost_its_context_is_refused_once_the_chart_is_too_old() -> None:
    service = DtrService(sample=OXYGEN)
    _, draft = service.bundle(context=service.signed()[1]["coverage-assertion-id"][0])
    lost = copy.deepcopy(draft)
    del contained(lost)["identifier"]
    assert on_day(service, 89).next(lost)["resourceType"] == "QuestionnaireResponse"
    status, place, _ = refusal(on_day(service, 91), lost)
    assert (status, place) == (400, "QuestionnaireResponse.contained[0].identifier")


def lenient(payer: Payer) -> Payer:
    """A payer that looks again at what fails its criteria."""
    assert payer.terms is not None
    return replace(payer, terms=replace(payer.terms, if_not_met=Covered.CONDITIONAL))


def test_what_the_payer_states_of_failed_criteria_is_in_the_completed_form() -> None:
    service = DtrService(rules=PlanRules(payers=tuple(map(lenient, SAMPLE_PAYERS.payers))))
    _, draft = service.bundle(context=service.signed()[1]["coverage-assertion-id"][0])
    done = service.completed(draft, {**ANSWERS, EVENTS: False})
    (told,) = extensions(done, "ext-coverage-information")
    assert parts(told)["covered"] == ["conditional"]


def test_a_log_line_says_what_was_done_and_nothing_of_the_patient(service: DtrService, draft: Any) -> None:
    service.completed(draft)
    line = service.crd.log_lines()[-1]
    assert (line["operation"], line["complete"], line["status"]) == ("next-question", True, 200)
    assert SAMPLE.id not in json.dumps(line)


@pytest.mark.parametrize("body", [[], 7, {}, {"resourceType": "Parameters"}, {"resourceType": "QuestionnaireResponse"}])
def test_a_body_that_is_no_response_is_refused(service: DtrService, body: Any) -> None:
    assert service.post(NEXT_QUESTION, body).status_code in (400, 404)
