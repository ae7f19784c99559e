"""The questionnaire app in Chromium: by mouse, by keyboard alone, and without a serious violation of WCAG."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from cds_service.sample_ehr.patients import STORY_DATE
from cds_service.settings import Settings
from cds_service.wiring.loading import load_assessor
from tests.support.browser import COLOR_SCHEMES, WIDTHS, axe_violations, needs_browser, run_script
from tests.support.smart_loop import Browser, Loop, sample_of, smart_loop

pytestmark = [needs_browser, pytest.mark.slow, pytest.mark.process]

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
PATIENT = "sij-rich-chart"
WITH_STORED_ORDER = "trial-buprenorphine"
SERIOUS = ("serious", "critical")
PICTURES = os.environ.get("CDS_TEST_PICTURES", "")
"""A folder for pictures of every page, to look at; no pictures without it."""


@pytest.fixture(name="loop")
def _loop() -> Iterator[Loop]:
    with smart_loop(load_assessor(Settings()), NOW, approves_at_once=False) as loop:
        yield loop


def answered(loop: Loop, by: str, **more: Any) -> Any:
    """What a user of Chromium sees who answers all questions of a sample order in its favor."""
    (card,) = loop.sign(PATIENT)
    (link,) = [each for each in card["links"] if each["type"] == "smart"]
    path = loop.smart.launch(PATIENT, app_url=link["url"], app_context=link["appContext"])
    questions = card["extension"]["cds-service.determination"]["questions"]
    task = {"launch": loop.ehr + path, "by": by, "answers": {each["linkId"]: each["met_by"] for each in questions}}
    if PICTURES:
        Path(PICTURES).mkdir(parents=True, exist_ok=True)
        task["pictures"] = PICTURES
    return run_script("answer", {**task, **more})


def is_supported(loop: Loop) -> bool:
    (card,) = loop.sign(PATIENT, hook="order-sign")
    return bool(card["extension"]["cds-service.determination"]["outcome"] == "supported")


def test_a_clinician_answers_by_mouse_and_every_page_is_accessible_and_fits(loop: Loop) -> None:
    found = answered(loop, "mouse", widths=WIDTHS, colorSchemes=COLOR_SCHEMES)
    assert found["screens"] == 10
    assert "Your answers are saved in the chart" in found["words"]
    assert is_supported(loop)
    assert [each for each in found["violations"] if each["impact"] in SERIOUS] == []
    assert found["tooWide"] == []


def test_a_clinician_answers_by_keyboard_alone_and_sees_the_focus_go_down_the_page(loop: Loop) -> None:
    found = answered(loop, "keyboard")
    assert (found["screens"], found["unseen"], found["unordered"]) == (10, [], [])
    assert is_supported(loop)


def test_the_page_that_offers_the_orders_of_a_patient_is_accessible() -> None:
    order = sample_of(WITH_STORED_ORDER).orders[0].resource(STORY_DATE)
    stored = {**order, "id": "stored-1", "status": "active"}
    with smart_loop(load_assessor(Settings()), NOW, stored=[stored]) as loop:
        address = loop.ehr + loop.smart.launch(WITH_STORED_ORDER, app_url=f"{loop.service}/smart/launch")
        assert "choose:" in Browser().get(address)
        found = axe_violations([address])
    assert [each for each in found if each["impact"] in SERIOUS] == []
