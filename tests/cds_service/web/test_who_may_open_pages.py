"""Which pages need a login, and which do not: with it, in the demonstration, and without pages for operators."""

from cds_service.clients.registry import Client
from cds_service.login.sessions import Operator
from cds_service.web.login import operator
from cds_service.web.site import Site, attach_site
from cds_service.wiring.app import create_app
from tests.support.client_fakes import ISSUER
from tests.support.clock import SetClock
from tests.support.hook_fakes import NOW, Service, WatchingAssessor
from tests.support.identity_provider import IdentityProvider
from tests.support.operator_pages import OperatorPages

CLIENTS = (Client("ehr", ISSUER, jwks_url="https://ehr.example.org/jwks"),)


def test_without_pages_for_operators_there_are_none(service: Service) -> None:
    for path in ("/sandbox", "/insights", "/login", "/login/callback", "/styleguide"):
        assert service.client.get(path).status_code == 404
    with service.app.test_request_context("/policies"):
        assert operator() is None


def test_where_nobody_signs_in_everybody_is_the_operator() -> None:
    service = Service(WatchingAssessor())
    attach_site(service.app, Site())
    with service.app.test_request_context("/policies"):
        assert operator() == Operator()


def test_the_demonstration_has_its_pages_without_a_login() -> None:
    settings = Service(WatchingAssessor()).app.extensions["cds_service"].settings
    app = create_app(settings=settings, assessor=WatchingAssessor(), clock=lambda: NOW, new_id=lambda: "1", site=Site())
    client = app.test_client()
    assert client.get("/sandbox").status_code == 200
    assert "Sign out" not in client.get("/sandbox").text
    assert client.get("/login").status_code == 404
    assert client.get("/sandbox", headers={"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors"}).status_code == 403


def test_a_page_for_everybody_offers_to_sign_in(provider: IdentityProvider, clock: SetClock) -> None:
    browser = OperatorPages(provider, clock).browser()
    found = browser.get("/policies")
    assert found.status_code == 200
    assert '<a href="login">Sign in</a>' in found.text
    assert "Insights" not in found.text
    browser.sign_in()
    assert "Insights" in browser.get("/policies").text


def test_a_login_opens_no_route_of_clients(provider: IdentityProvider, clock: SetClock) -> None:
    browser = OperatorPages(provider, clock, clients=CLIENTS).browser()
    browser.sign_in()
    for path in ("/cds-services", "/openapi.json", "/fhir/Questionnaire", "/no-such-page"):
        assert browser.get(path).status_code == 401
    assert browser.post("/cds-services/coverage-order-sign").status_code == 401


def test_the_files_of_the_pages_need_no_login(provider: IdentityProvider, clock: SetClock) -> None:
    assert OperatorPages(provider, clock, clients=CLIENTS).browser().get("/static/pages.css").status_code == 200
