"""Whose policy a card is about, and where to read it."""

from typing import Any

import pytest

from cards.links import Addresses, links, source
from coverage_policies.format.terms import Outcome, Status
from coverage_policies.judging.assessment import Assessment
from coverage_policies.judging.determination import CriterionResult, Determination
from tests.support.determinations import criterion, determination

PAGES = Addresses(policy_pages="https://cds.example.org/policies")
NOWHERE = Addresses()
URL = "https://plan.example.org/CP.TEST.pdf"


def not_met(*criteria: CriterionResult, **more: Any) -> Determination:
    return determination(Outcome.CRITERIA_NOT_MET, *criteria, **more)


def failing(name: str) -> CriterionResult:
    return criterion(name, Status.NOT_MET)


def link_of(found: Determination, addresses: Addresses = PAGES) -> list[str]:
    return [each["url"] for each in links(Assessment((found,)), addresses)]


# --- source ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("owner", "label"),
    [
        ("Centene Corporation", "Centene"),
        ("Sample Health, Inc.", "Sample Health"),
        ("Sample Health Plan LLC", "Sample Health Plan"),
        ("Incorporated Care", "Incorporated Care"),
        ("Company", "Company"),
    ],
)
def test_the_source_is_the_owner_without_its_legal_form(owner: str, label: str) -> None:
    assert source(Assessment((not_met(owner=owner),)), NOWHERE)["label"] == label


@pytest.mark.requirement("7.60")
def test_the_source_is_the_insurer_that_the_plan_rules_name() -> None:
    found = Assessment((not_met(owner="Centene Corporation"),), payer="Ambetter from Sample")
    assert source(found, NOWHERE)["label"] == "Ambetter from Sample"


def test_the_topic_is_the_policy_in_letters_and_digits_and_at_most_a_hundred_of_them() -> None:
    topic = {"code": "CPMP126", "system": "urn:cds-coverage-policies:policy", "display": "Test fusion"}
    assert source(Assessment((not_met(policy="CP.MP.126"),)), NOWHERE)["topic"] == topic
    for length in (100, 101):
        found = source(Assessment((not_met(policy="A" * length),)), NOWHERE)["topic"]
        assert isinstance(found, dict)
        assert len(found["code"]) == 100


def test_the_source_leads_to_the_published_policy_or_else_to_our_page_or_nowhere() -> None:
    page = "https://cds.example.org/policies/CP.TEST@2025-01"
    assert source(Assessment((not_met(url=URL),)), PAGES)["url"] == URL
    assert source(Assessment((not_met(failing("II.A")),)), PAGES)["url"] == page
    assert "url" not in source(Assessment((not_met(),)), NOWHERE)


# --- links -----------------------------------------------------------------------------------------------------------


def test_a_card_links_to_the_published_policy_and_to_our_page() -> None:
    assert links(Assessment((not_met(url=URL),)), PAGES) == [
        {"label": "CP.TEST: Test fusion", "url": URL, "type": "absolute"},
        {
            "label": "CP.TEST in plain words",
            "url": "https://cds.example.org/policies/CP.TEST@2025-01",
            "type": "absolute",
        },
    ]


def test_a_card_links_to_no_page_that_a_browser_cannot_read() -> None:
    assert link_of(not_met(failing("II.A")), NOWHERE) == []
    assert link_of(not_met(url=URL), NOWHERE) == [URL]


@pytest.mark.parametrize(
    ("found", "anchor"),
    [
        (not_met(failing("II.A"), failing("II.D.faber"), section="II"), "#II.A"),
        (not_met(failing("I.B"), failing("II.D.faber"), section="II"), "#II.D.faber"),
        (not_met(section="II"), "#II"),
        (not_met(failing("II.a b#c")), "#II.a%20b%23c"),
        (not_met(), ""),
    ],
    ids=["the first that fails", "of the section that decided", "nothing fails", "quoted", "no section"],
)
def test_the_link_leads_to_the_criterion_that_fails_first(found: Determination, anchor: str) -> None:
    assert link_of(found) == [f"https://cds.example.org/policies/CP.TEST@2025-01{anchor}"]


def test_every_revision_and_policy_of_a_card_is_linked_once() -> None:
    several = (
        not_met(url=URL),
        not_met(url=URL, revision="2025-04"),
        not_met(policy="CP.OTHER", url=URL + "?other"),
    )
    assert [each["label"] for each in links(Assessment(several), PAGES)] == [
        "CP.TEST (2025-04): Test fusion",
        "CP.TEST (2025-01) in plain words",
        "CP.TEST (2025-04) in plain words",
        "CP.OTHER: Test fusion",
        "CP.OTHER in plain words",
    ]
