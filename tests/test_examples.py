"""The examples for the demo: bodies of hook calls that bring their chart, and the answer that the README shows."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from cds_service.hooks.hooks import SERVICES
from cds_service.settings import Settings
from cds_service.wiring.app import create_app
from cds_service.wiring.loading import load_assessor

ROOT = Path(__file__).parent.parent
EXAMPLES = sorted((ROOT / "docs" / "examples").glob("*.json"))
README = (ROOT / "README.md").read_text(encoding="utf-8")
OUTCOMES = {"order-select.json": "criteria-not-met", "order-sign.json": "criteria-not-met"}
SERVICE_OF = {service.hook: service.id for service in SERVICES}
STORY, YEARS_LATER = datetime(2026, 3, 2, 17, tzinfo=UTC), datetime(2029, 3, 2, 17, tzinfo=UTC)

Answer = Callable[[Path, datetime], Any]


@pytest.fixture(name="answer", scope="module")
def _answer() -> Answer:
    """The answer to an example at a moment."""
    assessor = load_assessor(Settings())

    def answer(example: Path, now: datetime) -> Any:
        app = create_app(settings=Settings(), assessor=assessor, clock=lambda: now, new_id=lambda: "id")
        body = example.read_bytes()
        path = f"/cds-services/{SERVICE_OF[json.loads(body)['hook']]}"
        response = app.test_client().post(path, data=body, content_type="application/json")
        assert response.status_code == 200
        return response.json

    return answer


def test_there_is_an_example_for_every_hook() -> None:
    assert [path.name for path in EXAMPLES] == sorted(OUTCOMES) == sorted(f"{hook}.json" for hook in SERVICE_OF)


@pytest.mark.parametrize("now", [STORY, YEARS_LATER], ids=["then", "years later"])
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_an_example_gets_one_card_whatever_the_day(example: Path, now: datetime, answer: Answer) -> None:
    (card,) = answer(example, now)["cards"]
    assert card["extension"]["cds-service.determination"]["outcome"] == OUTCOMES[example.name]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_an_example_brings_all_of_its_chart(example: Path, answer: Answer) -> None:
    body = json.loads(example.read_bytes())
    assert "fhirServer" not in body
    (card,) = answer(example, STORY)["cards"]
    assert "data-unavailable" not in json.dumps(card)


def test_the_call_in_the_readme_sends_an_example_to_its_hook() -> None:
    (call,) = re.findall(r"^curl .*?^```", README, re.MULTILINE | re.DOTALL)
    (service,) = re.findall(r"/cds-services/([\w-]+)", call)
    (file,) = re.findall(r"-d @(\S+)", call)
    assert SERVICE_OF[json.loads((ROOT / file).read_bytes())["hook"]] == service


def test_the_answer_in_the_readme_is_that_of_the_service(answer: Answer) -> None:
    (shown,) = re.findall(r"^```json\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    printed = json.dumps(
        answer(ROOT / "docs" / "examples" / "order-sign.json", YEARS_LATER), indent=4, ensure_ascii=False
    )
    lines = iter(printed.splitlines())
    kept = [line for line in shown.splitlines() if line.strip() != "…"]
    assert len(kept) > 10
    assert [line for line in kept if line not in lines] == []
