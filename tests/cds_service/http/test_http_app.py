"""Errors, headers, and the log of the HTTP service."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from coverage_policies.format.searches import CONDITIONS
from coverage_policies.format.terms import Outcome
from coverage_policies.judging.assessment import Assessment, OrderCandidates
from coverage_policies.judging.determination import Alternative
from coverage_policies.judging.order_session import Session
from coverage_policies.judging.stopping import ShouldStop, never
from fhir_mappings.fhir_json import loads
from fhir_mappings.record import PatientRecord
from tests.support.hook_fakes import PATIENT, Service, WatchingAssessor, call

READ = {"patient": PATIENT, "coverage": None, "conditions": None}


class BrokenAssessor(WatchingAssessor):
    """An assessor that fails with a message that quotes the chart."""

    def assess(
        self,
        session: Session,
        orders: Sequence[OrderCandidates],
        record: PatientRecord,
        hook: str,
        should_stop: ShouldStop = never,
    ) -> tuple[Assessment, ...]:
        found = super().assess(session, orders, record, hook, should_stop)
        raise KeyError(f"Xanthippe {found}")


class RepeatingAssessor(WatchingAssessor):
    """An assessor that repeats the code of the order in the card, and the order in its suggestion."""

    def assess(
        self,
        session: Session,
        orders: Sequence[OrderCandidates],
        record: PatientRecord,
        hook: str,
        should_stop: ShouldStop = never,
    ) -> tuple[Assessment, ...]:
        return tuple(
            Assessment(
                tuple(
                    replace(
                        each,
                        order_label=str(order.resource["code"]),
                        alternatives=(Alternative("I", "Change it", order.resource, Outcome.SUPPORTED),),
                    )
                    for each in found.determinations
                )
            )
            for found, order in zip(
                super().assess(session, orders, record, hook, should_stop), session.judged, strict=True
            )
        )


@pytest.mark.requirement("7.113", "7.115")
@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("POST", "/cds-services/other", 404, "not-found"),
        ("GET", "/", 404, "not-found"),
        ("GET", "/cds-services/coverage-order-sign/more", 404, "not-found"),
        ("GET", "/cds-services/coverage-order-sign", 405, "not-supported"),
        ("POST", "/cds-services", 405, "not-supported"),
        ("DELETE", "/health/live", 405, "not-supported"),
        ("POST", "/cds-services/coverage-order-sign", 415, "not-supported"),
    ],
)
def test_an_error_is_an_operation_outcome(service: Service, method: str, path: str, status: int, code: str) -> None:
    response = service.client.open(path, method=method)
    assert (response.status_code, response.mimetype) == (status, "application/json")
    assert response.json["resourceType"] == "OperationOutcome"
    (issue,) = response.json["issue"]
    assert (issue["severity"], issue["code"]) == ("error", code)
    assert issue["diagnostics"]


def test_a_405_names_the_allowed_method(service: Service) -> None:
    assert "POST" in service.client.get("/cds-services/coverage-order-sign").headers["Allow"]


@pytest.mark.requirement("7.115")
@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "application/xml"])
def test_a_body_that_is_not_sent_as_json_is_415(service: Service, content_type: str) -> None:
    response = service.client.post("/cds-services/coverage-order-sign", data="{}", content_type=content_type)
    assert response.status_code == 415


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "application/fhir+json"])
def test_every_kind_of_json_is_read(service: Service, content_type: str) -> None:
    response = service.client.post("/cds-services/coverage-order-sign", data="{}", content_type=content_type)
    assert response.status_code == 400


@pytest.mark.requirement("7.115")
def test_a_body_over_the_limit_is_413() -> None:
    service = Service(WatchingAssessor(CONDITIONS), max_body_bytes=1000)
    response = service.post(call(extension={"text": "x" * 1000}))
    assert (response.status_code, response.json["issue"][0]["code"]) == (413, "too-long")


@pytest.mark.requirement("7.114", "7.115", "7.124")
def test_a_failure_in_policy_code_is_500_without_patient_data() -> None:
    service = Service(BrokenAssessor(CONDITIONS))
    response = service.post(call(prefetch=READ))
    assert (response.status_code, response.json["issue"][0]["code"]) == (500, "exception")
    assert "Xanthippe" not in response.text + service.written.getvalue()
    (line,) = service.lines()
    assert line["level"] == "error"
    assert line["failure"].startswith("KeyError at test_http_app.py:")
    assert response.headers["X-Request-Id"] == line["request_id"] == "call-0"


def test_calls_are_logged_in_one_line_and_other_requests_are_not(service: Service) -> None:
    service.client.get("/cds-services")
    service.client.get("/health/live")
    service.client.options("/cds-services/coverage-order-sign")
    service.post(call(prefetch=READ))
    service.post({})
    service.post({}, "other")
    assert [(line["hook"], line["status"], line["orders"], line["cards"]) for line in service.lines()] == [
        ("order-sign", 200, 1, 1),
        ("order-sign", 400, 0, 0),
    ]


@pytest.mark.requirement("7.56", "7.57")
@pytest.mark.parametrize("text", ["Å", "\ud800", "1.10"])
def test_text_and_numbers_are_returned_unchanged(text: str) -> None:
    request = call(prefetch=READ)
    request["context"]["draftOrders"]["entry"][0]["resource"]["code"] = text
    response = Service(RepeatingAssessor(CONDITIONS)).post(request)
    assert response.mimetype == "application/json"
    assert loads(response.data)["cards"][0]["detail"].startswith(f"**{text}**\n")


def test_decimals_are_returned_digit_for_digit() -> None:
    service = Service(RepeatingAssessor(CONDITIONS))
    body = service.app.json.dumps(call(prefetch=READ)).replace('"27279"', "7.20")
    response = service.client.post("/cds-services/coverage-order-sign", data=body, content_type="application/json")
    assert b'"code":7.20' in response.data


def test_the_service_says_that_it_is_live(service: Service) -> None:
    assert service.client.get("/health/live").json == {"status": "ok"}


@pytest.mark.parametrize("path", ["/cds-services", "/health/live", "/nothing"])
def test_every_answer_carries_the_headers_of_a_json_service(service: Service, path: str) -> None:
    headers = dict(service.client.get(path).headers)
    assert headers.items() >= EXPECTED.items()
    assert "Strict-Transport-Security" not in headers


EXPECTED = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def test_a_service_with_an_https_address_sends_hsts() -> None:
    service = Service(WatchingAssessor(), public_url="https://cds.example.org")
    assert service.client.get("/health/live").headers["Strict-Transport-Security"] == "max-age=31536000"


ORIGIN = "https://sandbox.cds-hooks.org"
PREFLIGHT = {
    "Origin": ORIGIN,
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization, content-type, accept",
}


@pytest.mark.requirement("7.127")
@pytest.mark.parametrize(
    "path", ["/cds-services", "/cds-services/coverage-order-sign", "/cds-services/other", "/health/live"]
)
def test_a_preflight_succeeds_without_token(service: Service, path: str) -> None:
    response = service.client.options(path, headers=PREFLIGHT)
    assert response.status_code == 200
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert response.headers["Access-Control-Allow-Methods"] == "GET, OPTIONS, POST"
    assert response.headers["Access-Control-Allow-Headers"] == "accept, authorization, content-type"


PRIVATE = "Private-Network"


def test_a_page_of_an_allowed_origin_may_call_a_service_in_a_private_network(judge: WatchingAssessor) -> None:
    client = Service(judge, cors_origins=ORIGIN).client
    asked = PREFLIGHT | {f"Access-Control-Request-{PRIVATE}": "true"}
    assert client.options("/cds-services", headers=asked).headers[f"Access-Control-Allow-{PRIVATE}"] == "true"
    assert f"Access-Control-Allow-{PRIVATE}" not in client.options("/cds-services", headers=PREFLIGHT).headers
    other = client.options("/cds-services", headers=asked | {"Origin": "https://other.example"}).headers
    assert not [name for name, _ in other if name.startswith("Access-Control-Allow")]


@pytest.mark.requirement("7.17", "7.128")
@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/cds-services", 200),
        ("POST", "/cds-services/coverage-order-sign", 415),
        ("POST", "/cds-services/other", 404),
        ("PUT", "/cds-services", 405),
        ("GET", "/nothing", 404),
    ],
)
def test_every_answer_may_be_read_by_browsers_errors_included(
    service: Service, method: str, path: str, status: int
) -> None:
    response = service.client.open(path, method=method, headers={"Origin": ORIGIN})
    assert response.status_code == status
    assert response.headers.getlist("Access-Control-Allow-Origin") == ["*"]
    assert "Access-Control-Allow-Credentials" not in response.headers
    assert "Access-Control-Allow-Origin" not in service.client.open(path, method=method).headers


@pytest.mark.requirement("7.128")
@pytest.mark.parametrize(
    ("judge", "body", "status"),
    [
        (WatchingAssessor(CONDITIONS), call(), 412),
        (BrokenAssessor(CONDITIONS), call(prefetch=READ), 500),
        (WatchingAssessor(CONDITIONS), {}, 400),
    ],
)
def test_only_listed_origins_may_read_answers_and_errors(judge: WatchingAssessor, body: Any, status: int) -> None:
    service = Service(judge, cors_origins=(ORIGIN, "https://ehr.example.org:8443"))
    response = service.post(body, Origin=ORIGIN)
    assert response.status_code == status
    assert response.headers.getlist("Access-Control-Allow-Origin") == [ORIGIN]
    for other in ("https://example.org", "https://sandbox.cds-hooks.org.example.org", "null"):
        assert "Access-Control-Allow-Origin" not in service.post(body, Origin=other).headers
