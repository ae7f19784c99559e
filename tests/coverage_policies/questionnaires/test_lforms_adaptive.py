"""NLM's form renderer shows the form of every call of an adaptive form, with the answers so far, and keeps them."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from coverage_policies.authoring.cases import judged, load_cases, situation
from coverage_policies.judging.determination import Question
from coverage_policies.questionnaires.questionnaire import questionnaire
from coverage_policies.questionnaires.response import draft_response
from tests.support.adaptive_forms import steps
from tests.support.browser import needs_browser, run_script
from tests.support.forms import BASE, given
from tests.support.policy_fakes import READ_AT
from tests.support.sessions import Situation, answers_of, library

pytestmark = [needs_browser, pytest.mark.slow, pytest.mark.process, pytest.mark.xdist_group("lforms")]

SHIPPED = library().policies
EVERY = 23
"""Of the cases of a revision, how many are between two that are considered."""


@dataclass(frozen=True)
class Loaded:
    """A response that lforms loads: the form, what stands on the page, and the response that it gives back."""

    form: dict[str, Any]
    sent: dict[str, Any]
    shown: list[str]
    returned: dict[str, Any]


def in_favor(question: Question) -> dict[str, str]:
    return answers_of(question, lambda each: each.options[0].code if each.options else each.met_by or "yes")


def calls(name: str) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """The form and response of each call for the case of a revision that asks most, and of its standard package.

    Before the first question a form may have no items; lforms shows no such form.
    """
    by = SHIPPED[name]
    cases = [replace(each, suggests=()) for each in load_cases(by)[::EVERY]]
    found = [judged(each, by) for each in cases]
    most = max(range(len(cases)), key=lambda number: found[number].items_left)
    read = situation(cases[most], by)
    anchor = read.order.anchor(cases[most].today)
    of = Situation(cases[most].name, by, read.order, read.other_orders, read.record, anchor)
    yield from ((form, response) for _, response in steps(of, in_favor) if "item" in (form := response["contained"][0]))
    drafts = [draft_response(by, each, BASE, patient="Patient/p", authored=READ_AT) for each in found]
    yield questionnaire(by, BASE), max(drafts, key=lambda each: len(given(each)))


@pytest.fixture(name="loaded", scope="module")
def _loaded() -> dict[str, list[Loaded]]:
    """What lforms makes of every call and of the standard package, by the name of the revision."""
    sent = [(name, form, response) for name in SHIPPED for form, response in calls(name)]
    task = {
        "patient": {"resourceType": "Patient", "id": "p"},
        "chart": {"resourceType": "Bundle", "type": "searchset", "entry": []},
        "forms": [],
        "responses": [{"questionnaire": form, "response": response} for _, form, response in sent],
    }
    answer = run_script("forms", task, seconds=200)
    assert answer["faults"] == []
    found: dict[str, list[Loaded]] = {name: [] for name in SHIPPED}
    for (name, form, response), made in zip(sent, answer["responses"], strict=True):
        found[name].append(Loaded(form, response, made["shown"], made["response"]))
    return found


def on_page(items: list[dict[str, Any]]) -> Iterator[str]:
    for item in items:
        if not item["linkId"].endswith("/help"):
            yield item["linkId"]
            yield from on_page(item.get("item", []))


@pytest.mark.parametrize("name", SHIPPED)
def test_every_call_shows_every_item_of_its_form(loaded: dict[str, list[Loaded]], name: str) -> None:
    *adaptive, _ = loaded[name]
    assert len(adaptive) > 2
    for each in adaptive:
        assert each.shown == list(on_page(each.form.get("item", [])))


@pytest.mark.parametrize("name", SHIPPED)
def test_every_response_keeps_its_answers(loaded: dict[str, list[Loaded]], name: str) -> None:
    for each in loaded[name]:
        assert given(each.returned) == given(each.sent)
    assert any(given(each.sent) for each in loaded[name])
