"""The calls of the sandbox: authenticated, marked, left out of reports and metrics, to allowed servers only."""

from datetime import UTC, datetime
from typing import Any

import jwt
import pytest

from cds_service.clients.registry import SANDBOX_ISSUER, Client, SmartRegistration
from cds_service.clients.sandbox import SandboxKey, sandbox_client
from cds_service.http.authentication import TEST_CALL
from cds_service.observability.call_log import SANDBOX
from cds_service.records.crd_log import metrics
from cds_service.records.decision_log import decisions
from cds_service.records.report import acceptance, unknown_cards
from cds_service.records.selection import Selection
from cds_service.sample_ehr.patients import STORY_DATE
from cds_service.smart.launches import SmartClient
from cds_service.web.sandbox.case import Case, Mode
from cds_service.web.sandbox.hook_calls import SIGN, call_hook
from cds_service.web.sandbox.service_client import post
from cds_service.web.site import SampleServer, Site
from fhir_mappings.fhir_json import dumps, parse_json
from tests.support.client_fakes import ISSUER, bearer
from tests.support.clock import SetClock
from tests.support.hook_fakes import Service, WatchingAssessor
from tests.support.hook_fakes import call as hook_body
from tests.support.identity_provider import IdentityProvider
from tests.support.operator_pages import ORIGIN, PUBLIC, OperatorPages
from tests.support.record_fakes import NOW, new_id, overridden, sample, sample_call

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
CHART = "https://ehr.example/fhir"
CLIENTS = (Client("ehr", ISSUER, jwks_url="https://ehr.example.org/jwks", fhir_servers=(CHART,)),)
PATH = "/cds-services/coverage-order-sign"
PATIENT = "cpap-mild-apnea"
"""A sample patient with a payer for whom the service answers."""


@pytest.fixture(name="clock")
def _clock() -> SetClock:
    return SetClock(NOW)


@pytest.fixture(name="guarded")
def _guarded(provider: IdentityProvider, clock: SetClock) -> OperatorPages:
    """Clients need tokens."""
    return OperatorPages(provider, clock, clients=CLIENTS)


@pytest.fixture(name="open_to_all")
def _open_to_all(provider: IdentityProvider, clock: SetClock) -> OperatorPages:
    """Nobody needs a token, as in the demonstration."""
    return OperatorPages(provider, clock, fhir_servers=CHART)


@pytest.fixture(name="pages", params=["guarded", "open_to_all"])
def _pages(request: pytest.FixtureRequest) -> OperatorPages:
    found: OperatorPages = request.getfixturevalue(request.param)
    return found


def case_of(pages: OperatorPages, name: str = "sij-posterior", mode: Mode = Mode.PLAIN) -> Case:
    """The case of a sample patient, whose chart every call then reads."""
    found, order = sample(name)
    _, pages.chart = sample_call(name)
    return Case(CHART, found.id, mode=mode).with_orders(order.resource(STORY_DATE))


def sign(pages: OperatorPages, case: Case) -> Any:
    """The exchange of an order-sign call of the sandbox."""
    with pages.app.test_request_context("/sandbox"):
        return call_hook(SIGN, case, "token-1")


def from_outside(pages: OperatorPages, body: Any, **headers: str) -> Any:
    """The response to a call over HTTP."""
    return pages.app.test_client().post(
        PATH, base_url=ORIGIN, data=dumps(body), content_type="application/json", headers=headers
    )


# Through authentication


def test_the_sandbox_gets_cards_where_clients_need_tokens(guarded: OperatorPages) -> None:
    exchange = sign(guarded, case_of(guarded))
    assert exchange.status == 200
    assert exchange.response["cards"]
    assert from_outside(guarded, exchange.request).status_code == 401


@pytest.mark.parametrize("mode", list(Mode))
def test_it_calls_the_services_of_every_family(pages: OperatorPages, mode: Mode) -> None:
    assert sign(pages, case_of(pages, PATIENT, mode)).status not in (401, 403, 404)


def test_each_call_has_a_token_of_its_own_for_the_address_that_it_calls(
    guarded: OperatorPages, clock: SetClock
) -> None:
    assert guarded.key is not None
    sent = [guarded.key.authorization(f"{PUBLIC}{PATH}").removeprefix("Bearer ") for _ in range(2)]
    claims = [jwt.decode(each, options={"verify_signature": False}) for each in sent]
    assert {each["aud"] for each in claims} == {f"{PUBLIC}{PATH}"}
    assert {each["iss"] for each in claims} == {SANDBOX_ISSUER}
    assert {each["exp"] - each["iat"] for each in claims} == {300}
    assert claims[0]["jti"] != claims[1]["jti"]
    assert jwt.get_unverified_header(sent[0])["alg"] == "ES384"


def test_a_token_of_the_test_client_is_refused_from_outside(guarded: OperatorPages) -> None:
    assert guarded.key is not None
    token = guarded.key.authorization(f"{PUBLIC}{PATH}")
    assert from_outside(guarded, hook_body(), Authorization=token).status_code == 401
    (line,) = (each for each in guarded.lines() if each["event"] == "token refused")
    assert line["reason"] == "the test client calls from inside the service only"


def test_nobody_else_can_sign_for_the_test_client(guarded: OperatorPages, clock: SetClock) -> None:
    forged = SandboxKey(clock, new_id).authorization(f"{PUBLIC}{PATH}")
    assert from_outside(guarded, hook_body(), Authorization=forged).status_code == 401
    (line,) = (each for each in guarded.lines() if each["event"] == "token refused")
    assert line["reason"] == "no key of the client has this kid and fits alg"


def test_the_mark_alone_is_no_token(guarded: OperatorPages) -> None:
    """Not even in this process does a call come around authentication."""
    answer = guarded.app.test_client().post(
        PATH, base_url=ORIGIN, json=hook_body(), environ_overrides={TEST_CALL: guarded.site.client}
    )
    assert answer.status_code == 401


def test_a_token_of_the_test_client_works_once(guarded: OperatorPages) -> None:
    assert guarded.key is not None
    token = guarded.key.authorization(f"{PUBLIC}{PATH}")
    sent = {
        "base_url": ORIGIN,
        "data": dumps(hook_body()),
        "content_type": "application/json",
        "headers": {"Authorization": token},
        "environ_overrides": {TEST_CALL: guarded.site.client},
    }
    client = guarded.app.test_client()
    first, second = (client.post(PATH, **sent).status_code for _ in range(2))
    assert (first, second) == (412, 401)  # 412: a call without any data of the patient


def test_its_key_says_nothing_about_whether_the_keys_of_clients_are_ready(guarded: OperatorPages) -> None:
    authenticator = guarded.app.extensions["cds_service"].authenticator
    assert [each.is_usable for each in authenticator.key_statuses()] == [False]


def test_without_pages_for_operators_nobody_makes_test_calls() -> None:
    service = Service(WatchingAssessor())
    with service.app.test_request_context("/"), pytest.raises(RuntimeError, match="no pages for operators"):
        post(PATH, b"{}")


# Marks


def test_its_calls_are_marked_in_the_decision_log_the_log_line_and_feedback(pages: OperatorPages) -> None:
    exchange = sign(pages, case_of(pages))
    (card,) = exchange.response["cards"]
    with pages.app.test_request_context("/sandbox"):
        assert post(f"{PATH}/feedback", dumps({"feedback": [overridden(card["uuid"])]}).encode()).status_code == 200
    assert [row["client"] for row in pages.rows("decisions")] == [SANDBOX]
    assert [row["client"] for row in pages.rows("feedback")] == [SANDBOX]
    assert {each["client"] for each in pages.lines() if each["event"] == "hook call"} == {SANDBOX}


def test_a_crd_call_is_marked_too_and_its_metric_data_left_out(pages: OperatorPages) -> None:
    sign(pages, case_of(pages, mode=Mode.CRD_2_2))
    assert [row["client"] for row in pages.rows("crd_exchanges")] == [SANDBOX]
    assert list(metrics(pages.database, EPOCH)) == []


@pytest.mark.parametrize("mode", [Mode.PLAIN, Mode.CRD_2_0])
def test_the_page_around_a_call_is_no_call_itself(pages: OperatorPages, mode: Mode) -> None:
    browser = pages.browser()
    browser.sign_in()
    answer = browser.post("/sandbox", {"case": case_of(pages, mode=mode).dump(), "do": "sign"})
    assert answer.status_code == 200
    called = [each for each in pages.lines() if each["event"] == "hook call"]
    stored = pages.rows("decisions")
    assert len(called) == len(stored) == 1
    assert len(pages.rows("crd_exchanges")) == (mode is not Mode.PLAIN)
    assert answer.headers["X-Request-Id"] != called[0]["request_id"]


def test_a_refused_call_is_marked_too(pages: OperatorPages) -> None:
    with pages.app.test_request_context("/sandbox"):
        assert post(PATH, b"{}").status_code == 400
    assert [(row["client"], row["status"]) for row in pages.rows("decisions")] == [(SANDBOX, 400)]


def test_an_override_in_the_sandbox_suppresses_the_card_there_and_for_nobody_else(open_to_all: OperatorPages) -> None:
    case = case_of(open_to_all)
    exchange = sign(open_to_all, case)
    (card,) = exchange.response["cards"]
    with open_to_all.app.test_request_context("/sandbox"):
        post(f"{PATH}/feedback", dumps({"feedback": [overridden(card["uuid"])]}).encode())
    assert sign(open_to_all, case).response["cards"] == []
    assert len(parse_json(from_outside(open_to_all, exchange.request).data)["cards"]) == 1


def test_reports_exports_and_metrics_leave_its_calls_out_and_count_all_others(open_to_all: OperatorPages) -> None:
    exchange = sign(open_to_all, case_of(open_to_all))
    (card,) = exchange.response["cards"]
    with open_to_all.app.test_request_context("/sandbox"):
        given = {"feedback": [overridden(card["uuid"]), overridden(new_id())]}
        post(f"{PATH}/feedback", dumps(given).encode())
    database = open_to_all.database
    assert acceptance(database, Selection(EPOCH)) == ()
    assert unknown_cards(database) == 0
    assert list(decisions(database, EPOCH)) == []
    assert len(list(decisions(database, EPOCH, tests=True))) == 1
    assert not _counted(open_to_all)

    from_outside(open_to_all, exchange.request)
    assert {line.shown for line in acceptance(database, Selection(EPOCH))} == {1}
    assert {line.overridden for line in acceptance(database, Selection(EPOCH))} == {0}
    assert [each.row["client"] for each in decisions(database, EPOCH)] == [""]
    assert _counted(open_to_all)


def _counted(pages: OperatorPages) -> list[str]:
    """The samples of the metrics that count calls, cards, and overrides, if there are any."""
    lines = pages.metrics.exposition().decode().splitlines()
    return [line for line in lines if line.startswith(("cds_call", "cds_cards_total", "cds_overrides_total"))]


@pytest.mark.parametrize("name", [TEST_CALL, "cds-service.test-call", "Cds-Service-Test-Call", "X-Cds-Test-Call"])
def test_no_http_header_marks_a_call(open_to_all: OperatorPages, name: str) -> None:
    body = sign(open_to_all, case_of(open_to_all)).request
    assert from_outside(open_to_all, body, **{name: "sandbox"}).status_code == 200
    assert [row["client"] for row in open_to_all.rows("decisions")] == [SANDBOX, ""]


def test_the_call_of_a_registered_client_is_not_marked_by_a_page_of_the_sandbox(guarded: OperatorPages) -> None:
    assert from_outside(guarded, hook_body(), **bearer("a.b.c")).status_code == 401
    assert guarded.rows("decisions") == []


def test_its_cards_link_to_the_questionnaire_app_as_those_of_the_ehr_do(
    provider: IdentityProvider, clock: SetClock
) -> None:
    ehr = SmartClient("ehr", SmartRegistration("app-1"), (CHART,))
    pages = OperatorPages(provider, clock, clients=CLIENTS, ehrs=[ehr])
    (card,) = sign(pages, case_of(pages, "sij-rich-chart")).response["cards"]
    assert "smart" in {link["type"] for link in card["links"]}


# FHIR servers


def test_a_call_may_name_the_servers_of_the_settings_and_of_clients(
    provider: IdentityProvider, clock: SetClock
) -> None:
    pages = OperatorPages(provider, clock, clients=CLIENTS, fhir_servers="https://*.clinic.example/r4")
    sign(pages, case_of(pages))
    (access,) = pages.opened
    assert access.registered == ("https://*.clinic.example/r4", CHART)


SAMPLES = SampleServer("http://127.0.0.1:8083/fhir", "token-1", STORY_DATE, ())
SITE = Site(SAMPLES, fhir_servers=("https://ehr.example/fhir", "https://*.clinic.example/r4"))


@pytest.mark.parametrize(
    ("address", "is_allowed"),
    [
        ("http://127.0.0.1:8083/fhir", True),
        ("http://127.0.0.1:8083/fhir/", True),
        ("https://ehr.example/fhir", True),
        ("https://EHR.example:443/fhir/", True),
        ("https://a.clinic.example/r4", True),
        ("http://127.0.0.1:8083", False),
        ("http://127.0.0.1:8084/fhir", False),
        ("http://ehr.example/fhir", False),
        ("https://ehr.example/fhir/../admin", False),
        ("https://ehr.example.evil.example/fhir", False),
        ("https://user@ehr.example/fhir", False),
        ("https://a.b.clinic.example/r4", False),
        ("http://169.254.169.254/latest", False),
        ("file:///etc/passwd", False),
        ("", False),
    ],
)
def test_the_sandbox_reads_the_sample_ehr_and_registered_servers_only(address: str, is_allowed: bool) -> None:
    assert SITE.allows(address) is is_allowed


def test_a_form_offers_the_sample_ehr_first_and_no_patterns() -> None:
    assert SITE.offered_servers == ("http://127.0.0.1:8083/fhir", "https://ehr.example/fhir")
    assert Site().offered_servers == ()


def test_a_case_with_another_server_is_refused_in_words_before_any_request(pages: OperatorPages) -> None:
    browser = pages.browser()
    browser.sign_in()
    case = Case("http://169.254.169.254/fhir", "p-1")
    answer = browser.post("/sandbox", {"case": case.dump(), "token": "secret-1", "do": "sign"})
    assert answer.status_code == 400
    assert "The sandbox may not read this FHIR server." in answer.text
    assert "169.254" not in answer.text
    assert pages.opened == []


def test_the_test_client_names_no_server_without_any(clock: SetClock) -> None:
    assert sandbox_client(()).fhir_servers == ()
