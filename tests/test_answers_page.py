"""docs/answers.md: its example closes the questions that it names."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from cds_service.settings import Settings
from cds_service.wiring.app import create_app
from cds_service.wiring.loading import load_assessor

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "answers.md").read_text(encoding="utf-8")
CALLS = re.findall(r"-d @(docs/examples/answers/\w+\.json)\n```\n\n> (.*)\n", PAGE)


def body(file: str) -> Any:
    return json.loads((ROOT / file).read_bytes())


@pytest.fixture(name="cards", scope="module")
def _cards() -> dict[str, Any]:
    """The card that each call of the page gets, by its file."""
    app = create_app(
        settings=Settings(),
        assessor=load_assessor(Settings()),
        clock=lambda: datetime(2029, 3, 2, 17, tzinfo=UTC),
        new_id=lambda: "id",
    )
    client = app.test_client()
    return {
        file: client.post("/cds-services/coverage-order-sign", json=body(file)).json["cards"][0] for file, _ in CALLS
    }


def test_the_page_has_a_call_before_and_one_after_the_answer() -> None:
    assert [Path(file).stem for file, _ in CALLS] == ["before", "after"]


def test_each_call_gets_the_card_that_the_page_shows(cards: dict[str, Any]) -> None:
    assert {file: card["summary"] for file, card in cards.items()} == dict(CALLS)


def test_the_response_on_the_page_is_the_only_difference_between_the_calls() -> None:
    before, after = (body(file) for file, _ in CALLS)
    added = after["prefetch"]["questionnaireResponses"]["entry"].pop()
    assert after == before
    (shown,) = [each for each in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL) if "resourceType" in each]
    assert json.loads(shown) == added["resource"]


def test_the_response_answers_every_open_question_of_the_form_that_the_card_names(cards: dict[str, Any]) -> None:
    (asked, _), (answered, _) = CALLS
    response = body(answered)["prefetch"]["questionnaireResponses"]["entry"][-1]["resource"]
    found = cards[asked]["extension"]["cds-service.determination"]
    assert [item["linkId"] for item in response["item"]] == [each["linkId"] for each in found["questions"]]
    assert response["questionnaire"].rsplit("/", 1)[-1] == found["questionnaire"].rsplit("/", 1)[-1]
