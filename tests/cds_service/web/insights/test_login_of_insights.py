"""Insights are for operators who signed in, and an access to a stored exchange has their name."""

import pytest

from cds_service.records.crd_log import accesses
from fhir_mappings.fhir_json import dumps
from tests.support.clock import SetClock
from tests.support.hook_fakes import NOW
from tests.support.identity_provider import IdentityProvider
from tests.support.operator_pages import OperatorPages
from tests.support.payers_service import crd_body
from tests.support.record_fakes import sample

PATHS = ("/insights", "/insights/outcomes", "/insights/calls.csv", "/insights/decision?id=x", "/insights/nothing")


@pytest.fixture(name="pages")
def _pages(provider: IdentityProvider, clock: SetClock) -> OperatorPages:
    return OperatorPages(provider, clock)


@pytest.mark.parametrize("path", PATHS)
def test_a_page_leads_whoever_is_not_signed_in_to_the_login(pages: OperatorPages, path: str) -> None:
    answer = pages.browser().get(path)
    assert answer.status_code == 303
    assert "/login?back=%2Finsights" in answer.headers["Location"]


def test_an_operator_opens_a_stored_exchange_under_the_own_name(pages: OperatorPages) -> None:
    body, pages.chart = crd_body(*sample("sij-posterior"))
    sent = {"data": dumps(body), "content_type": "application/json"}
    call = pages.app.test_client().post("/cds-services/crd-order-sign", **sent)
    browser = pages.browser()
    path = f"/insights/decision?id={call.headers['X-Request-Id']}"
    form = {"source": "stored", "reason": "dispute 17"}
    assert browser.post(path, form).status_code == 403
    assert accesses(pages.database, NOW) == []
    browser.sign_in()
    assert browser.get("/insights").status_code == 200
    assert browser.post(path, form).status_code in (200, 400)
    (access,) = accesses(pages.database, NOW)
    assert access["reason"] == "dispute 17"
    assert "(" in access["who"]
    assert "anybody" not in access["who"]
