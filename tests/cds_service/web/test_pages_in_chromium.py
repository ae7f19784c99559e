"""The pages in Chromium: whole paths by mouse and by keyboard alone, without a violation of WCAG or of the CSP."""

import socket
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest

from cds_service.sample_ehr.patients import STORY_DATE, sample_store
from cds_service.sample_ehr.server import create_sample_ehr
from cds_service.wiring.serving import on_loopback
from tests.support.browser import WIDTHS, needs_browser
from tests.support.served_pages import ServedPages, served_pages

pytestmark = [needs_browser, pytest.mark.slow, pytest.mark.process]

Steps = Sequence[Mapping[str, Any]]
MOST_BYTES = 300_000
NARROWEST = 360

CARD = "#answer .card"
APPLY = f"{CARD} button[value^='suggest:']"
OVERRIDE = f"{CARD} details.override"


def answer(link: str, value: str) -> Steps:
    """Answer a question of the criteria tree, and sign again."""
    field = f"select[name$='|{link}']"
    return ({"select": field, "value": value}, {"click": f"#answer .ask:has({field}) button[value='answer']"})


FUSION: Steps = (
    {"goto": "/sandbox"},
    {"click": "a[href$='patient=sij-posterior']"},
    {"see": "lateral transarticular", "in": CARD},
    {"click": APPLY},
    {"see": "The suggestion is applied to the draft. Feedback stored.", "in": "#said"},
    {"click": "#sign"},
    {"see": "order-sign at", "in": "#answer"},
    {"read": f"{CARD} h3", "as": "signed"},
)
"""A posterior fusion: the card suggests the lateral approach, which is accepted, and the order is signed."""

PUMP: Steps = (
    {"goto": "/sandbox?patient=trial-buprenorphine"},
    {"click": "#sign"},
    {"see": "order-sign at", "in": "#answer"},
    {"read": f"{CARD} h3", "as": "before"},
    {"click": "#answer .tree > summary"},
    *answer("I.A.2.h", "yes"),
    {"see": "1 item to document", "in": CARD},
    *answer("I.A.2.0.intractable", "yes"),
    {"see": "All requirements documented", "in": CARD},
    {"read": f"{CARD} h3", "as": "after"},
)
"""A pump trial whose wean the clinician attests: the outcome changes."""

WEANED: Steps = (
    {"goto": "/sandbox?patient=trial-not-weaned"},
    {"see": "Opioids down only 25%", "in": CARD},
    {"see": "half of the baseline: 60", "in": "#timeline svg"},
    {"see": "now: 90", "in": "#timeline svg"},
)
"""A pump trial with the dose of each day as a band."""

OVERRIDDEN: Steps = (
    {"goto": "/sandbox?patient=sij-fibromyalgia"},
    {"see": "fibromyalgia", "in": CARD},
    {"click": f"{OVERRIDE} > summary"},
    {"select": f"{OVERRIDE} select", "value": "documented-elsewhere"},
    {"click": f"{OVERRIDE} button"},
    {"see": "The card is overridden. Feedback stored.", "in": "#said"},
    {"see": "1 card is not shown, because you overrode it", "in": "#suppressed"},
)
"""A card that is overridden is withheld from then on, and the page says so."""

TWO_ORDERS: Steps = (
    {"goto": "/sandbox?patient=sij-posterior"},
    {"fill": "#code-query", "text": "62327"},
    {"click": "#found-codes button[value^='add:']"},
    {"see": "62327", "in": "article.order"},
    {"click": "#sign"},
    {"see": "order-sign at", "in": "#answer"},
    {"read": "article.order h3", "as": "orders"},
    {"read": f"{CARD} h3", "as": "cards"},
)
"""A second order of another field: each gets its own card."""

POLICY: Steps = (
    {"goto": "/policies"},
    {"fill": "main input[type='search']", "text": "27279"},
    {"click": "main form button"},
    {"see": "27279", "in": "main"},
    {"click": "main a[href$='CP.MP.126%402025-04']"},
    {"see": "revision 2025-04", "in": "main"},
    {"click": "a[href$='diff?from=2022-06&to=2025-04']"},
    {"see": "What changed", "in": "h1"},
    {"read": "ins", "as": "added"},
)
"""From a code to the policy, and to what its revision changed."""

PATHS = {"fusion": FUSION, "pump": PUMP, "overridden": OVERRIDDEN, "two orders": TWO_ORDERS, "policy": POLICY}


@pytest.fixture(name="pages")
def _pages() -> Iterator[ServedPages]:
    with served_pages() as found:
        yield found


def sound(found: Any) -> Any:
    """What was found on a path, after a check of what holds for all of them."""
    assert (found["blocked"], found["failed"], found["outside"], found["unseen"]) == ([], [], [], [])
    assert found["heaviest"] < MOST_BYTES
    return found["read"]


@pytest.mark.parametrize("by", ["mouse", "keyboard"])
def test_the_paths_of_the_sandbox_and_the_policies_lead_to_their_ends(pages: ServedPages, by: str) -> None:
    steps = [step for path in PATHS.values() for step in path]
    read = sound(pages.drive(steps, by))
    assert "posterior" not in " ".join(read["signed"]).lower()
    assert "supported" in " ".join(read["after"]).lower() or read["before"] != read["after"]
    assert len(read["orders"]) == 2
    assert len(read["cards"]) >= 2
    assert read["added"]
    assert pages.feedback() == [("accepted", ""), ("overridden", "documented-elsewhere")]


def test_the_dose_of_each_day_stands_beside_the_card_with_its_baseline_its_half_and_today(pages: ServedPages) -> None:
    sound(pages.drive(WEANED, picture="weaned"))


def test_an_answer_of_crd_shows_what_it_changes_in_the_order() -> None:
    steps = (
        {"goto": "/sandbox?patient=trial-weaned"},
        {"click": "label:has(input[name='mode'][value='2.2'])"},
        {"click": "button[value='mode']"},
        {"see": "crd-order-select", "in": "#answer"},
        {"read": "#answer table", "as": "changes"},
        {"click": "#sign"},
        {"see": "crd-order-sign", "in": "#answer"},
    )
    with served_pages(with_payers=True) as pages:
        read = sound(pages.drive(steps, picture="crd"))
    assert "coverage information" in " ".join(read["changes"])


def test_markup_that_somebody_types_or_a_chart_holds_stays_text(pages: ServedPages) -> None:
    typed = "<img src=x onerror=fetch('/typed')> [a](javascript:alert(1)) <script>alert(2)</script> **b**"
    steps = (
        {"goto": "/sandbox?patient=sij-posterior"},
        {"fill": "#o0-detail", "text": typed},
        {"click": "button[value^='add-detail:']"},
        {"see": r"<script>alert\(2\)</script> \*\*b\*\*", "in": "article.order"},
        {"fill": "#code-query", "text": typed},
        {"click": "#code-search"},
        {"see": "onerror", "in": "#found-codes"},
        {"click": "#sign"},
        {"see": "order-sign at", "in": "#answer"},
        {"read": "main img, main script, main a[href^='javascript']", "as": "made"},
    )
    assert sound(pages.drive(steps))["made"] == []


def test_a_form_says_what_is_wrong_with_a_server_a_token_or_a_patient() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        nobody = f"http://127.0.0.1:{taken.getsockname()[1]}/fhir"
    other_ehr = create_sample_ehr(sample_store(STORY_DATE), token="right")
    with socket.create_server(("127.0.0.1", 0)) as silent, on_loopback(other_ehr) as other:
        slow, locked = f"http://127.0.0.1:{silent.getsockname()[1]}/fhir", f"{other}/fhir"
        with served_pages(fhir_servers=f"{nobody},{slow},{locked}", call_timeout_seconds=1) as pages:
            wrong: tuple[tuple[str, str, str, str], ...] = (
                (nobody, "p-1", "", "cannot be reached"),
                (slow, "p-1", "", "did not answer in time"),
                (locked, "trial-weaned", "wrong", "refused the access token"),
                (locked, "nobody", "right", "no patient with this id"),
                ("https://elsewhere.example/fhir", "p-1", "", "not allowed"),
            )
            steps = [
                step
                for server, patient, token, says in wrong
                for step in (
                    {"goto": "/sandbox"},
                    {"fill": "#server", "text": server},
                    {"fill": "#patient", "text": patient},
                    {"fill": "#token", "text": token},
                    {"click": "#open-patient"},
                    {"see": says, "in": "#problem"},
                )
            ]
            sound(pages.drive(steps))


def test_no_page_has_a_serious_violation_and_each_fits_a_narrow_screen(pages: ServedPages) -> None:
    look = ({"axe": WIDTHS}, {"fits": NARROWEST})
    paths = (
        "/sandbox",
        "/sandbox?patient=sij-rich-chart",
        "/policies",
        "/policies?q=27279",
        "/policies/CP.MP.173",
        "/policies/CP.MP.126@2025-04",
        "/policies/CP.MP.126/diff?from=2022-06&to=2025-04",
        "/insights",
        "/insights/outcomes",
        "/insights/feedback",
        "/insights/criteria",
        "/insights/decision",
        "/styleguide",
    )
    steps: list[Mapping[str, Any]] = [*OVERRIDDEN, *look, *PUMP, *look]
    steps += [step for path in paths for step in ({"goto": path}, *look)]
    found = pages.drive(steps)
    sound(found)
    serious = [each for each in found["violations"] if each["impact"] in ("serious", "critical")]
    assert [(each["id"], each["width"], each["colorScheme"], each["nodes"]) for each in serious] == []
    assert found["tooWide"] == []
