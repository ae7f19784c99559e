"""Packages over HTTP: which forms a client gets for an order, with what in them, and what is refused or said beside."""

import copy
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from cds_service.clients.backend_services import BackendServices
from cds_service.clients.registry import Client
from cds_service.dtr.bundles import may_have_changed
from cds_service.records.sealing import Sealer
from cds_service.records.tables import CRD_EXCHANGES
from cds_service.sample_ehr.patients import SAMPLES
from coverage_policies.format.editions import Edition
from coverage_policies.judging.plan_rules import PlanRules
from fhir_mappings.fhir_json import loads
from fhir_mappings.validity import faults
from tests.support.crd_calls import NOW, order, parts
from tests.support.dtr_calls import (
    COVERAGE,
    DTR,
    FORM_CONTEXTS,
    NEXT_QUESTION,
    ORDER,
    OXYGEN,
    PACKAGE,
    SAMPLE,
    DtrService,
    answered,
    asked,
    bundles_in,
    contained,
    extensions,
    outcome_of,
    parameters,
)
from tests.support.record_fakes import shipped

CANONICAL = "https://cds.example.org/fhir/Questionnaire/NCD.240.4|2008-03.1"
OTHER_PAYER = [{"identifier": {"system": "urn:example:payers", "value": "other"}}]
FUSION = "https://cds.example.org/fhir/Questionnaire/CP.MP.126"


@pytest.fixture(scope="module")
def service() -> DtrService:
    return DtrService()


@pytest.fixture(scope="module")
def signed(service: DtrService) -> tuple[Any, str]:
    """The order after CRD, and the id of its coverage assertion."""
    updated, information = service.signed()
    assert information["questionnaire"] == [CANONICAL]
    return updated, information["coverage-assertion-id"][0]


def refused(service: DtrService, body: Any) -> tuple[int, str, str]:
    """Status, expression, and words of the refusal of a package call."""
    response = service.post(PACKAGE, body)
    assert response.mimetype == "application/fhir+json"
    outcome = loads(response.data)
    assert outcome["resourceType"] == "OperationOutcome"
    (issue,) = outcome["issue"]
    return response.status_code, issue.get("expression", [""])[0], issue["diagnostics"]


@pytest.mark.requirement("dtr:oper-10", "dtr:spec-122", "dtr:spec-23", "dtr:spec-24", "dtr:spec-25")
def test_the_context_of_an_order_brings_its_form_with_a_draft(service: DtrService, signed: tuple[Any, str]) -> None:
    package = service.package(context=signed[1])
    assert (package["resourceType"], outcome_of(package)) == ("Parameters", [])
    (bundle,) = bundles_in(package)
    assert (bundle["resourceType"], bundle["type"]) == ("Bundle", "collection")
    form, draft = (each["resource"] for each in bundle["entry"])
    assert f"{form['url']}|{form['version']}" == CANONICAL
    assert form["meta"]["profile"] == [f"{DTR}/dtr-questionnaire-adapt-search"]
    assert "item" not in form
    (adaptive,) = extensions(form, "sdc-questionnaire-questionnaireAdaptive")
    assert adaptive["valueUrl"] == f"https://cds.example.org{NEXT_QUESTION}"
    assert draft["meta"]["profile"] == [f"{DTR}/dtr-questionnaireresponse-adapt"]
    assert draft["questionnaire"] == f"#{contained(draft)['id']}"
    assert contained(draft)["derivedFrom"] == [CANONICAL]


@pytest.mark.requirement("dtr:oper-18", "dtr:spec-139")
def test_a_draft_says_whom_and_what_it_is_for(service: DtrService, signed: tuple[Any, str]) -> None:
    _, draft = service.bundle(context=signed[1], order=signed[0])
    assert (draft["status"], draft["subject"]) == ("in-progress", {"reference": f"Patient/{SAMPLE.id}"})
    (about,) = extensions(draft, "qr-context")
    (covered,) = extensions(draft, "qr-coverage")
    assert about["valueReference"]["reference"] == f"DeviceRequest/{ORDER['id']}"
    assert covered["valueReference"]["reference"] == f"Coverage/{COVERAGE['id']}"
    uses = [each["valueCodeableConcept"]["coding"][0]["code"] for each in extensions(draft, "intendedUse")]
    assert uses == ["withorder"]
    assert not {"basedOn", "partOf", "author"} & draft.keys()


@pytest.mark.requirement("dtr:oper-16", "dtr:spec-140", "dtr:spec-141", "dtr:sec-4")
def test_a_package_is_valid_fhir_and_hides_nothing(service: DtrService, signed: tuple[Any, str]) -> None:
    (bundle,) = bundles_in(service.package(context=signed[1]))
    assert list(faults(bundle)) == []
    assert "questionnaire-hidden" not in str(bundle)
    assert [each["resource"]["resourceType"] for each in bundle["entry"]] == ["Questionnaire", "QuestionnaireResponse"]
    assert [each["resourceType"] for each in bundle["entry"][1]["resource"]["contained"]] == ["Questionnaire"]


@pytest.mark.requirement("dtr:oper-19", "dtr:spec-40", "dtr:spec-26")
def test_the_draft_has_what_crd_has_read_with_its_origin() -> None:
    service = DtrService(sample=OXYGEN)
    updated, information = service.signed()
    _, draft = service.bundle(context=information["coverage-assertion-id"][0], order=updated)
    ((link, (answer,)),) = answered(draft).items()
    assert (link, answer["valueBoolean"]) == ("B.I.rest", False)
    assert list(asked(contained(draft))) == ["B.I.rest"]
    (origin,) = extensions(answer, "information-origin")
    assert origin["extension"] == [{"url": "source", "valueCode": "auto-server"}]


def test_an_order_alone_finds_what_crd_has_read_for_it(service: DtrService, signed: tuple[Any, str]) -> None:
    with_context = service.package(context=signed[1], order=signed[0])
    assert service.package(order=signed[0]) == with_context


def test_an_order_that_crd_has_never_seen_gets_its_form(service: DtrService) -> None:
    unseen = {**ORDER, "id": "never-seen"}
    form, draft = service.bundle(order=unseen)
    assert f"{form['url']}|{form['version']}" == CANONICAL
    assert "item" not in draft


def test_an_order_without_an_id_is_named_in_its_draft(service: DtrService) -> None:
    bare = {name: value for name, value in ORDER.items() if name != "id"}
    _, draft = service.bundle(order=bare)
    (about,) = extensions(draft, "qr-context")
    assert about["valueReference"]["reference"] == "urn:uuid:order-1"
    assert service.next(draft)["status"] == "in-progress"


@pytest.mark.requirement("dtr:spec-128")
@pytest.mark.parametrize(
    "changed",
    [{"status": "active"}, {"note": [{"text": "please hurry"}]}, {"id": "stored-77"}, {"priority": "urgent"}],
    ids=["another status", "a note", "stored under another id", "another priority"],
)
def test_an_order_with_small_changes_is_the_order_of_its_context(
    service: DtrService, signed: tuple[Any, str], changed: dict[str, Any]
) -> None:
    form, draft = service.bundle(context=signed[1], order={**signed[0], **changed})
    assert f"{form['url']}|{form['version']}" == CANONICAL
    done = service.completed(draft)
    (information,) = extensions(done, "ext-coverage-information")
    ids = [each["valueString"] for each in information["extension"] if each["url"] == "coverage-assertion-id"]
    assert ids == [signed[1]]


@pytest.mark.requirement("dtr:spec-129")
def test_an_order_of_something_else_is_refused_with_the_context(service: DtrService, signed: tuple[Any, str]) -> None:
    other = {**order(), "subject": {"reference": f"Patient/{SAMPLE.id}"}}
    status, where, says = refused(service, parameters(coverage=COVERAGE, context=signed[1], order=other))
    assert (status, where) == (400, "Parameters.parameter[2].resource")
    assert says.startswith("None of the orders is the one")


@pytest.mark.requirement("dtr:spec-130", "dtr:oper-11")
@pytest.mark.parametrize(
    ("sent", "status", "where"),
    [
        pytest.param(
            {"coverage": COVERAGE, "context": "none-of-ours"},
            404,
            "Parameters.parameter[1].valueString",
            id="an unknown context",
        ),
        pytest.param({"coverage": COVERAGE}, 400, "Parameters.parameter", id="nothing asked for"),
        pytest.param({"order": ORDER}, 400, "Parameters.parameter", id="no Coverage"),
        pytest.param(
            {"coverage": {**COVERAGE, "beneficiary": {}}, "order": ORDER},
            400,
            "Parameters.parameter[0].resource.beneficiary",
            id="a Coverage of nobody",
        ),
        pytest.param(
            {"coverage": {**COVERAGE, "payor": OTHER_PAYER}, "order": ORDER},
            400,
            "Parameters.parameter[0].resource",
            id="another payer",
        ),
        pytest.param(
            {"coverage": COVERAGE, "order": {**ORDER, "subject": {"reference": "Patient/another"}}},
            400,
            "Parameters.parameter[1].resource",
            id="an order for another patient",
        ),
        pytest.param(
            {"coverage": COVERAGE, "order": {"resourceType": "Basic"}},
            400,
            "Parameters.parameter[1].resource",
            id="no order",
        ),
        pytest.param(
            {"coverage": COVERAGE, "order": [ORDER] * 51},
            413,
            "Parameters.parameter[51].resource",
            id="too many orders",
        ),
        pytest.param(
            {"coverage": COVERAGE, "order": [ORDER, ORDER, {**ORDER, "priority": "stat"}]},
            400,
            "Parameters.parameter[3].resource",
            id="two orders under one id",
        ),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_place(
    service: DtrService, sent: dict[str, Any], status: int, where: str
) -> None:
    assert refused(service, parameters(**sent))[:2] == (status, where)


def test_a_context_is_refused_with_another_coverage(service: DtrService, signed: tuple[Any, str]) -> None:
    other = {**COVERAGE, "id": "another"}
    status, where, says = refused(service, parameters(coverage=other, context=signed[1]))
    assert (status, where) == (400, "Parameters.parameter[1].valueString")
    assert says.startswith("The Coverage is not the one")


@pytest.mark.requirement("dtr:oper-9")
def test_a_questionnaire_that_is_not_known_is_a_warning_beside_the_others(
    service: DtrService, signed: tuple[Any, str]
) -> None:
    unknown = "https://other.example.org/Questionnaire/secret-name|1"
    package = service.package(context=signed[1], questionnaire=[CANONICAL, unknown])
    assert len(bundles_in(package)) == 1
    ((severity, says),) = outcome_of(package)
    assert (severity, says.startswith("This service has no form with a canonical that was sent.")) == ("warning", True)
    assert "secret-name" not in says


@pytest.mark.requirement("dtr:oper-7")
def test_each_version_of_a_form_comes_once(service: DtrService, signed: tuple[Any, str]) -> None:
    package = service.package(context=signed[1], order=signed[0], questionnaire=[CANONICAL, CANONICAL.split("|")[0]])
    assert len(bundles_in(package)) == 1


def test_a_named_questionnaire_comes_in_the_version_that_was_asked_for(service: DtrService) -> None:
    for version in ("2022-06", "2025-04"):
        found = service.crd.client.get("/fhir/Questionnaire", query_string={"url": FUSION}).json["entry"]
        (canonical,) = (
            f"{FUSION}|{each['resource']['version']}"
            for each in found
            if each["resource"]["version"].startswith(version)
        )
        form, _ = service.bundle(questionnaire=canonical)
        assert f"{form['url']}|{form['version']}" == canonical


def test_a_named_questionnaire_without_a_version_is_the_current_one(service: DtrService) -> None:
    form, _ = service.bundle(questionnaire=FUSION)
    assert form["version"].startswith("2025-04")


def test_a_form_for_no_order_is_the_standard_one(service: DtrService) -> None:
    form, draft = service.bundle(questionnaire=FUSION)
    assert form["meta"]["profile"] == [f"{DTR}/dtr-std-questionnaire"]
    assert form["item"]
    assert draft["questionnaire"] == f"{form['url']}|{form['version']}"
    assert extensions(draft, "qr-context") == []


@pytest.mark.requirement("dtr:spec-15")
def test_a_client_that_takes_standard_forms_gets_them(signed: tuple[Any, str]) -> None:
    registered = BackendServices("ehr-dtr", forms="standard")
    service = DtrService(
        client=Client("lakeshore", "https://ehr.example.org", backend_services=registered, services="crd-2.2")
    )
    updated, information = service.signed()
    form, draft = service.bundle(context=information["coverage-assertion-id"][0], order=updated)
    assert form["meta"]["profile"] == [f"{DTR}/dtr-std-questionnaire"]
    assert draft["questionnaire"] == CANONICAL


@pytest.mark.parametrize(("reads", "status"), [((), 404), (("lakeshore",), 200)])
def test_the_context_of_another_client_is_not_known(reads: tuple[str, ...], status: int) -> None:
    ehr = DtrService(client=Client("lakeshore", "https://ehr.example.org", services="crd-2.2"))
    _, information = ehr.signed()
    context = information["coverage-assertion-id"][0]
    app = Client("app", "https://app.example.org", backend_services=BackendServices("app", contexts_of=reads))
    service = DtrService(client=app, database=ehr.crd.database)
    assert service.post(PACKAGE, parameters(coverage=COVERAGE, context=context)).status_code == status


@pytest.mark.parametrize(("minutes", "count"), [(-1, 1), (0, 0), (1, 0)])
def test_a_form_that_is_not_released_comes_unless_it_was_fetched_since_it_was_loaded(
    service: DtrService, signed: tuple[Any, str], minutes: int, count: int
) -> None:
    since = (NOW + timedelta(minutes=minutes)).isoformat()
    package = service.package(context=signed[1], changedsince=since)
    assert (len(bundles_in(package)), outcome_of(package)) == (count, [])


@pytest.mark.parametrize(
    ("since", "expected"),
    [(None, True), ("2026-02-28T23:59:59Z", True), ("2026-03-01T09:00:00Z", True), ("2026-03-02T00:00:00Z", False)],
)
def test_a_released_form_comes_unless_it_was_fetched_after_its_day(since: str | None, expected: bool) -> None:
    policy = shipped().library.policies["NCD.240.4@2008-03"]
    released = replace(policy, editions=(Edition(policy.edition, "hash", {}, date(2026, 3, 1)),))
    assert may_have_changed(released, datetime.fromisoformat(since) if since else None, NOW) is expected


def test_an_order_that_no_policy_asks_about_needs_no_form(service: DtrService) -> None:
    brace = order(code="L1902", subject={"reference": f"Patient/{SAMPLE.id}"})
    package = service.package(order=brace)
    assert bundles_in(package) == []
    assert outcome_of(package) == [("information", "No documentation is needed for these orders by what is on record.")]


@pytest.mark.requirement("dtr:oper-8")
@pytest.mark.parametrize("days", [0, 89, 91], ids=["at once", "by the chart", "after the chart"])
def test_a_context_whose_documentation_is_done_says_so(days: int) -> None:
    service = DtrService()
    updated, asking = service.signed()
    context = asking["coverage-assertion-id"][0]
    _, draft = service.bundle(context=context, order=updated)
    done = {**service.completed(draft), "id": "done"}
    later = DtrService(done, database=service.crd.database, clock=lambda: NOW + timedelta(minutes=10))
    covered, information = later.signed(updated)
    assert information["covered"] == ["covered"]
    then = DtrService(done, database=service.crd.database, clock=lambda: NOW + timedelta(days=days, minutes=20))
    package = then.package(context=context, order=covered)
    assert bundles_in(package) == []
    ((severity, says),) = outcome_of(package)
    assert severity == "information"
    assert says.endswith("none is needed any more: sign the order again for the current answer.")


@pytest.mark.parametrize("name", ["oxygen-low-at-rest", "sij-fibromyalgia"])
def test_a_context_that_never_needed_documents_brings_no_form(name: str) -> None:
    service = DtrService(sample=next(each for each in SAMPLES if each.id == name))
    updated, information = service.signed()
    assert "doc-needed" not in information
    package = service.package(context=information["coverage-assertion-id"][0], order=updated)
    assert bundles_in(package) == []
    assert outcome_of(package) == [("information", "No documentation is needed for these orders by what is on record.")]


def test_a_coverage_may_name_the_patient_at_another_address_of_the_gateway(
    service: DtrService, signed: tuple[Any, str]
) -> None:
    patient = {"reference": f"https://gateway.example.org/fhir/Patient/{SAMPLE.id}"}
    _, draft = service.bundle(context=signed[1], coverage={**COVERAGE, "beneficiary": patient})
    done = service.completed(draft)
    assert len(extensions(done, "ext-coverage-information")) == 1


def test_two_orders_of_the_same_keep_their_own_assertions(service: DtrService) -> None:
    first, second = ({**ORDER, "id": name} for name in ("same-1", "same-2"))
    ids = [service.signed(each)[1]["coverage-assertion-id"][0] for each in (first, second)]
    assert ids[0] != ids[1]
    for context, named in zip(ids, (first, second), strict=True):
        _, draft = service.bundle(context=context, order=[first, second])
        (about,) = extensions(draft, "qr-context")
        assert about["valueReference"]["reference"] == f"DeviceRequest/{named['id']}"
        (told,) = extensions(service.completed(draft), "ext-coverage-information")
        assert parts(told)["coverage-assertion-id"] == [context]


@pytest.mark.requirement("dtr:spec-43")
def test_an_order_beside_that_of_the_context_has_its_own_answer_of_crd_or_none(service: DtrService) -> None:
    context = service.signed()[1]["coverage-assertion-id"][0]
    tank: Any = {**OXYGEN.orders[0].resource(None), "id": "tank", "subject": {"reference": f"Patient/{SAMPLE.id}"}}

    def told() -> list[Any]:
        package = service.package(context=context, order=[ORDER, tank])
        _, draft = (each["resource"] for each in bundles_in(package)[1]["entry"])
        (about,) = extensions(draft, "qr-context")
        assert about["valueReference"]["reference"] == "DeviceRequest/tank"
        return [parts(each) for each in extensions(service.completed(draft, {}), "ext-coverage-information")]

    assert told() == []
    signed = service.signed(tank)[1]
    (after,) = told()
    assert after["coverage-assertion-id"] == signed["coverage-assertion-id"]


@pytest.mark.parametrize("keys", [Sealer([b"n" * 32]), None], ids=["replaced", "none"])
def test_without_the_key_of_the_records_no_form_is_made(keys: Sealer | None, monkeypatch: pytest.MonkeyPatch) -> None:
    service = DtrService()
    updated, information = service.signed()
    _, draft = service.bundle(order=updated)
    monkeypatch.setattr(service.crd.records, "_sealer", keys)
    calls = [(PACKAGE, parameters(coverage=COVERAGE, order=updated)), (NEXT_QUESTION, draft)]
    calls.append((PACKAGE, parameters(coverage=COVERAGE, context=information["coverage-assertion-id"][0])))
    for path, body in calls:
        response = service.post(path, body)
        assert (response.status_code, response.headers["Retry-After"]) == (503, "5")
        assert "CDS_ENCRYPTION_KEYS" in service.crd.log_lines()[-1]["failure"]


def test_a_service_that_answers_for_no_payer_has_no_packages() -> None:
    response = DtrService(rules=PlanRules()).post(PACKAGE, parameters(coverage=COVERAGE, order=ORDER))
    assert response.status_code == 404
    assert "answers for no payer" in response.text


def test_a_package_is_logged_without_anything_of_the_patient(service: DtrService, signed: tuple[Any, str]) -> None:
    service.package(context=signed[1], order=signed[0])
    line = service.crd.log_lines()[-1]
    assert line["event"] == "operation"
    assert (line["operation"], line["status"], line["questionnaires"]) == ("questionnaire-package", 200, [CANONICAL])
    assert SAMPLE.id not in str(line)


@pytest.mark.requirement("dtr:sec-9")
def test_nothing_that_was_sent_is_stored(service: DtrService, signed: tuple[Any, str]) -> None:
    secret = "Marie Curie, born in Warsaw"
    service.package(context=signed[1], order={**copy.deepcopy(signed[0]), "note": [{"text": secret}]})
    with service.crd.database.reading() as connection:
        rows = connection.execute(select(CRD_EXCHANGES)).mappings().all()
    row = next(each for each in reversed(rows) if each["path"].endswith("package"))
    assert row["sealed"] is None
    assert row["sealed_chart"] is None
    assert secret not in str(dict(row))


def test_the_state_of_a_form_travels_in_it(service: DtrService, signed: tuple[Any, str]) -> None:
    _, draft = service.bundle(context=signed[1], order=signed[0])
    (identifier,) = contained(draft)["identifier"]
    assert identifier["system"] == FORM_CONTEXTS
    assert 100 < len(identifier["value"]) < 4_000


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda _: [], id="a list"),
        pytest.param(lambda body: {**body, "parameter": 7}, id="no parameters"),
        pytest.param(lambda body: {**body, "parameter": [None]}, id="null"),
        pytest.param(lambda body: {**body, "resourceType": "Bundle"}, id="another resource"),
    ],
)
def test_a_body_that_is_no_parameters_is_refused(service: DtrService, spoil: Callable[[Any], Any]) -> None:
    assert service.post(PACKAGE, spoil(parameters(coverage=COVERAGE, order=ORDER))).status_code == 400
