"""The policy pages: readable by a browser, escaped, with an anchor per criterion, and without codes."""

import hashlib
import re
from base64 import b64encode
from itertools import pairwise

import pytest

from cds_service.records.database import IN_MEMORY, Database
from cds_service.settings import Settings
from cds_service.wiring.loading import load_assessor
from cds_service.wiring.records import make_ready
from coverage_policies.format.library import Library
from coverage_policies.format.loader import parse_policy
from coverage_policies.format.value_sets import ValueSets
from coverage_policies.judging.assessment import Assessor
from coverage_policies.judging.plan_rules import PlanRules
from tests.support.hook_fakes import Service
from tests.support.html_page import HtmlPage
from tests.support.policy_fakes import HEAD, SETS, text
from tests.support.record_fakes import RecordedService, sample_call

SHIPPED = load_assessor(Settings())
REVISIONS = sorted(SHIPPED.library.policies)
HOSTILE = '<script>alert("1")</script><a href="javascript:x">&'


@pytest.fixture(name="shipped", scope="module")
def _shipped() -> Service:
    return Service(SHIPPED)


def page(service: Service, path: str) -> HtmlPage:
    response = service.client.get(path)
    assert (response.status_code, response.mimetype) == (200, "text/html")
    return HtmlPage(response.text)


def hostile() -> Assessor:
    """An assessor whose one policy has HTML in every text that an author may write."""
    quoted = f"'{HOSTILE}'"
    head = HEAD.replace("Test fusion", quoted).replace("Test Plan", quoted) + f"notes: [{quoted}]"
    criterion = f"- {{id: I.A, says: {quoted}, ask: {quoted}, interpretation: {quoted}, note: {quoted}}}"
    found = parse_policy(text(f"I:\n  says: {quoted}\n  all:\n  {criterion}", head=head), "test.yaml", SETS)
    return Assessor(Library({found.full_name: found}, ValueSets({})), PlanRules())


def test_the_index_links_to_every_revision(shipped: Service) -> None:
    found = page(shipped, "/policies")
    assert [each for each in found.attributes("href") if each != "#content"] == [
        f"policies/{n}" for n in (each.replace("@", "%40") for each in REVISIONS)
    ]


@pytest.mark.parametrize("name", REVISIONS)
def test_every_criterion_of_a_revision_has_an_anchor(shipped: Service, name: str) -> None:
    found = page(shipped, f"/policies/{name}")
    ids = found.attributes("id")
    assert len(set(ids)) == len(ids)
    criteria = [each.id for each in SHIPPED.library.policies[name].walk()]
    assert len(criteria) > 5
    assert set(criteria) <= set(ids)
    targets = {each.removeprefix("#") for each in found.attributes("href") if each.startswith("#")}
    assert targets <= set(ids)


@pytest.mark.parametrize("path", ["/policies", *(f"/policies/{name}" for name in REVISIONS)])
def test_a_page_is_accessible_and_loads_nothing(shipped: Service, path: str) -> None:
    found = page(shipped, path)
    tags = [tag for tag, _ in found.elements]
    assert [tags.count(tag) for tag in ("main", "h1", "title")] == [1, 1, 1]
    assert not {"script", "img", "link", "iframe", "form", "object"} & set(tags)
    assert found.attributes("lang") == ["en-US"]
    assert not found.attributes("style")
    assert not found.attributes("src")
    levels = [int(tag[1]) for tag in tags if re.fullmatch("h[1-6]", tag)]
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert set(found.attributes("aria-labelledby")) <= set(found.attributes("id"))


def test_the_policy_of_a_page_allows_its_own_style_sheet_and_nothing_else(shipped: Service) -> None:
    response = shipped.client.get("/policies")
    (style,) = re.findall(r"<style>(.*?)</style>", response.text, re.DOTALL)
    digest = b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert response.headers.getlist("Content-Security-Policy") == [
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ]
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert "prefers-color-scheme: dark" in style


def test_every_text_of_an_author_stays_text() -> None:
    service = Service(hostile())
    for path in ("/policies", "/policies/CP.TEST@2025-01"):
        found = page(service, path)
        assert HOSTILE in found.text
        assert "script" not in [tag for tag, _ in found.elements]
        assert not any(each.startswith("javascript") for each in found.attributes("href"))


def test_a_page_names_the_orders_and_lists_none_of_their_codes() -> None:
    text_of_page = page(Service(hostile()), "/policies/CP.TEST@2025-01").text
    assert "the-order" in text_of_page
    assert "10001" not in text_of_page


def test_a_revision_that_is_not_installed_is_404(shipped: Service) -> None:
    for name in ("CP.MP.126", "CP.MP.126@1999-01", "..%2F", "<script>"):
        response = shipped.client.get(f"/policies/{name}")
        assert (response.status_code, response.mimetype) == (404, "application/json")
        assert "script" not in response.text


def test_cards_link_to_the_pages_where_no_client_needs_a_token() -> None:
    database = Database(IN_MEMORY, wait_seconds=2)
    make_ready(database)
    service = RecordedService(database, public_url="https://cds.example.org/base/")
    body, service.chart = sample_call("sij-posterior")
    (card,) = service.cards(body)
    assert [each["url"] for each in card["links"]] == ["https://cds.example.org/base/policies/CP.MP.126@2025-04#II.I"]
    found = page(Service(SHIPPED), "/policies/CP.MP.126@2025-04")
    assert "II.I" in found.attributes("id")
