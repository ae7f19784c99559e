"""The page of a revision: readable by a browser, escaped, with an anchor per criterion, and light."""

import re
from itertools import pairwise

import pytest

from cds_service.records.database import IN_MEMORY, Database
from cds_service.web.static_files import FILES
from cds_service.wiring.records import make_ready
from coverage_policies.judging.plan_rules import PlanRules, Visibility, VisibilityRule
from tests.support.hook_fakes import Service
from tests.support.policy_fakes import HEAD
from tests.support.policy_pages import HOSTILE, assessor_of, hostile, page, service, shipped
from tests.support.record_fakes import RecordedService, sample_call

REVISIONS = sorted(shipped().library.policies)
PATHS = [
    "/policies",
    "/policies?q=27279",
    "/policies?q=exercise",
    "/policies/CP.MP.126",
    "/policies/CP.MP.126/diff",
    "/policies/CP.MP.173@2024-01/value-sets/malignancy",
    *(f"/policies/{name}" for name in REVISIONS),
]
HEAVIEST = 300_000
"""Bytes of a page with its style sheet, at most."""


@pytest.fixture(name="anyone", scope="module")
def _anyone() -> Service:
    return service(shipped())


@pytest.fixture(name="operator", scope="module")
def _operator() -> Service:
    return service(shipped(), signs_in=True)


@pytest.mark.parametrize("name", REVISIONS)
def test_every_criterion_of_a_revision_has_an_anchor(anyone: Service, name: str) -> None:
    found = page(anyone, f"/policies/{name}")
    ids = found.attributes("id")
    assert len(set(ids)) == len(ids)
    criteria = [each.id for each in shipped().library.policies[name].walk()]
    assert len(criteria) > 5
    assert set(criteria) <= set(ids)
    targets = {each.removeprefix("#") for each in found.attributes("href") if each.startswith("#")}
    assert targets <= set(ids)


@pytest.mark.parametrize("path", PATHS)
def test_a_page_is_well_formed_and_loads_only_our_icon_and_style_sheet(anyone: Service, path: str) -> None:
    found = page(anyone, path)
    tags = [tag for tag, _ in found.elements]
    assert [tags.count(tag) for tag in ("main", "h1", "title")] == [1, 1, 1]
    assert not {"script", "img", "iframe", "object"} & set(tags)
    assert [each["rel"] for each in found.named("link")] == ["icon", "stylesheet"]
    assert not found.attributes("style")
    assert not found.attributes("src")
    levels = [int(tag[1]) for tag in tags if re.fullmatch("h[1-6]", tag)]
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert set(found.attributes("aria-labelledby")) <= set(found.attributes("id"))


@pytest.mark.parametrize("path", PATHS)
def test_a_page_with_all_its_codes_is_light(operator: Service, path: str) -> None:
    assert len(operator.client.get(path).data) + len(FILES["pages.css"]) < HEAVIEST


def test_a_page_for_anyone_runs_no_script_and_sends_its_form_to_this_service_alone(anyone: Service) -> None:
    (sent,) = anyone.client.get("/policies").headers.getlist("Content-Security-Policy")
    assert "script-src 'none'" in sent
    assert "form-action 'self'" in sent
    assert "default-src 'none'" in sent


def test_the_icon_of_the_pages_is_a_file_of_ours_that_they_may_load(anyone: Service) -> None:
    sent = anyone.client.get("/policies")
    assert "img-src 'self'" in sent.headers["Content-Security-Policy"]
    (icon,) = re.findall(r'<link rel="icon" href="([^"]+)"', sent.text)
    assert anyone.client.get(f"/{icon}").mimetype == "image/svg+xml"


def test_browsers_do_not_store_what_an_operator_sees(operator: Service) -> None:
    assert operator.client.get("/policies/CP.MP.126@2025-04").headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("signs_in", [False, True])
@pytest.mark.parametrize(
    "path",
    [
        "/policies",
        "/policies?q=script",
        "/policies/CP.TEST",
        "/policies/CP.TEST@2025-01",
        "/policies/CP.TEST/diff?from=2025-01&to=2025-02",
    ],
)
def test_every_text_of_an_author_stays_text(path: str, signs_in: bool) -> None:
    found = page(service(hostile(), signs_in=signs_in), path)
    assert HOSTILE in found.text
    assert "script" not in [tag for tag, _ in found.elements]
    assert not any(each.startswith("javascript") for each in found.attributes("href"))


def test_markdown_of_an_author_stays_text() -> None:
    said = "**bold** [link](https://example.org) `code`"
    found = page(service(assessor_of(HEAD + f"notes: ['{said}']")), "/policies/CP.TEST@2025-01")
    assert said in found.text


def test_a_page_says_what_is_asked_about_whom_and_which_answer_meets_the_criterion(anyone: Service) -> None:
    words = " ".join(page(anyone, "/policies/CP.MP.126@2025-04").text.split())
    assert "Question about this order: Does the fusion stabilize a severe traumatic disruption" in words
    assert "Answers: Yes, No. “Yes” meets the criterion." in words
    assert "Answers: Yes, No. “No” meets the criterion." in words
    assert "Which side is the order for: left, right, or both? Answers: Left, Right, Both sides." in words


def test_a_policy_that_no_side_matters_to_does_not_show_the_question_for_it() -> None:
    words = page(service(assessor_of(HEAD)), "/policies/CP.TEST@2025-01").text
    assert "Which side" not in words
    assert "Questions about the order as a whole" not in words


def test_how_the_chart_settles_a_criterion_links_to_the_value_sets_it_reads(anyone: Service) -> None:
    hrefs = page(anyone, "/policies/CP.MP.126@2025-04").attributes("href")
    assert "#set-pelvic-ring-fracture-disruption" in hrefs


def test_the_codes_of_orders_are_shown_to_anyone(anyone: Service) -> None:
    assert "27279" in page(anyone, "/policies/CP.MP.126@2025-04").text


def test_a_value_set_with_cpt_codes_is_shown_to_operators_only(anyone: Service, operator: Service) -> None:
    code = "97110"  # exercise, in the set physical-therapy
    paths = ("/policies/CP.MP.126@2025-04", "/policies/CP.MP.126@2025-04/value-sets/physical-therapy")
    for path in paths:
        assert code not in page(anyone, path).text
        assert "shown to signed-in operators only" in page(anyone, path).text
        assert code in page(operator, path).text


def test_a_value_set_without_cpt_codes_is_shown_to_anyone_with_use_and_course(anyone: Service) -> None:
    words = " ".join(page(anyone, "/policies/CP.MP.126@2025-04").text.split())
    assert "Sacroiliitis" in words
    assert "Only asks" in words
    assert "Permanent" in words


def test_a_large_value_set_has_a_page_of_its_own(anyone: Service) -> None:
    path = "/policies/CP.MP.173@2024-01"
    assert "../policies/CP.MP.173%402024-01/value-sets/malignancy" in page(anyone, path).attributes("href")
    rows = page(anyone, f"{path}/value-sets/malignancy").named("tr")
    assert len(rows) == 1 + len(shipped().library.value_sets["malignancy"].rows)


@pytest.mark.parametrize(
    "path",
    [
        "/policies/CP.MP.9",
        "/policies/CP.MP.126@1999-01",
        "/policies/..%2F",
        "/policies/<script>",
        "/policies/CP.MP.9/diff",
        "/policies/CP.MP.126/diff?from=1999-01",
        "/policies/CP.MP.126/diff?to=<script>",
        "/policies/CP.MP.126@2025-04/value-sets/nothing",
        "/policies/CP.MP.126@2025-04/value-sets/malignancy",
        "/policies/CP.MP.126@1999-01/value-sets/malignancy",
    ],
)
def test_what_is_not_installed_is_a_page_that_quotes_nothing(anyone: Service, path: str) -> None:
    found = page(anyone, path, 404)
    assert "This is not installed" in found.text
    assert "1999" not in found.text
    assert "script" not in [tag for tag, _ in found.elements]


def test_the_page_for_a_revision_that_is_gone_leads_to_those_that_are_there(anyone: Service) -> None:
    found = page(anyone, "/policies/CP.MP.126@1999-01", 404)
    assert "../policies/CP.MP.126%402025-04" in found.attributes("href")


@pytest.mark.parametrize("visibility", [Visibility.SHADOW, Visibility.OFF])
def test_a_revision_that_clients_are_not_shown_is_for_operators_only(visibility: Visibility) -> None:
    rules = PlanRules(visibility_rules=(VisibilityRule("CP.TEST@2025-01", visibility, frozenset()),))
    assessor = assessor_of(HEAD, HEAD.replace("2025-01", "2025-02"), rules=rules)
    for path in ("/policies", "/policies/CP.TEST", "/policies?q=10001", "/policies?q=alpha"):
        assert "CP.TEST, 2025-01" not in page(service(assessor), path).text
    for path in ("/policies/CP.TEST@2025-01", "/policies/CP.TEST/diff?from=2025-01"):
        page(service(assessor), path, 404)
    words = page(service(assessor, signs_in=True), "/policies/CP.TEST@2025-01").text
    assert {Visibility.SHADOW: "Shadow: recorded, not shown", Visibility.OFF: "Off: not evaluated"}[visibility] in words


def test_a_revision_that_one_hook_shows_is_for_anyone() -> None:
    rules = PlanRules(visibility_rules=(VisibilityRule("CP.TEST", Visibility.OFF, frozenset({"order-select"})),))
    assert "Test fusion" in page(service(assessor_of(HEAD, rules=rules)), "/policies/CP.TEST@2025-01").text


def test_cards_link_to_the_pages() -> None:
    database = Database(IN_MEMORY, wait_seconds=2)
    make_ready(database)
    recorded = RecordedService(database, public_url="https://cds.example.org/base/")
    body, recorded.chart = sample_call("sij-posterior")
    (card,) = recorded.cards(body)
    assert [each["url"] for each in card["links"]] == ["https://cds.example.org/base/policies/CP.MP.126@2025-04#II.I"]
    assert "II.I" in page(service(shipped()), "/policies/CP.MP.126@2025-04").attributes("id")
