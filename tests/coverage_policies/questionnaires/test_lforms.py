"""NLM's form renderer shows every form, hides what is moot, and what is filled in there settles the order.

lforms is the only reader of our forms here that nobody of this project wrote. Every answer is a click in Chromium.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import pytest
from fhir.resources.R4B.questionnaireresponse import QuestionnaireResponse

from coverage_policies.authoring.cases import judged, load_cases
from coverage_policies.format.library import load_library
from coverage_policies.format.model import APPLIES, PATHWAY, SIDE, Policy
from coverage_policies.format.terms import Outcome
from coverage_policies.judging.determination import Determination
from coverage_policies.questionnaires.enabling import enabled
from coverage_policies.questionnaires.questionnaire import questionnaire
from tests.support.browser import needs_browser, run_script
from tests.support.forms import BASE, every_revision, flat, given

pytestmark = [needs_browser, pytest.mark.slow, pytest.mark.process, pytest.mark.xdist_group("lforms")]

REVISIONS = every_revision()
SHIPPED = load_library().policies
CPT = "http://www.ama-assn.org/go/cpt"
PATIENT = {"resourceType": "Patient", "id": "patient-1"}
CHART = {"resourceType": "Bundle", "type": "searchset", "entry": []}
"""What every search of a form finds in the server that launches it: nothing."""
HCPCS = "http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets"


Rendered = Mapping[str, Any]
"""What lforms made of each form, by the name of its revision."""


@dataclass(frozen=True)
class Filled:
    """An order by its code and day, the pathway that it is on, and one question whose answer speaks against it."""

    system: str
    code: str
    day: date
    against: str
    outcome: Outcome = Outcome.CRITERIA_NOT_MET
    pathway: str = ""


ORDERS = {
    "CP.MP.126@2022-06": Filled(CPT, "27279", date(2022, 12, 1), "II.A"),
    "CP.MP.126@2025-04": Filled(CPT, "27279", date(2025, 12, 1), "II.D"),
    "CP.MP.166@2019-08": Filled(CPT, "27096", date(2020, 3, 2), "I.C.2", pathway="repeat"),
    "CP.MP.173@2024-01": Filled(CPT, "62327", date(2026, 3, 2), "I.A.2.b", pathway="non-malignant"),
    "MC.CP.MP.166@2025-12": Filled(CPT, "27096", date(2026, 3, 2), "I.D", pathway="first-therapeutic"),
    "NCD.100.1@2013-09": Filled(CPT, "43644", date(2026, 3, 16), "B.treatment"),
    "NCD.240.2@2021-09": Filled(HCPCS, "E1390", date(2026, 3, 16), "B.hypoxemia", Outcome.CASE_REVIEW),
    "NCD.240.4@2008-03": Filled(HCPCS, "E0601", date(2026, 3, 16), "B.initial.events", pathway="first-weeks"),
}
"""For each shipped revision an order. Oxygen for another degree of hypoxemia is left to the plan (NCD 240.2, D)."""


def questions(form: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from (item for item in flat(form["item"]) if item["type"] in ("boolean", "choice"))


def words(by: Policy, item: Mapping[str, Any], pathway: str) -> bool | str:
    """What speaks for the order: yes or no, or the text of an option."""
    link = item["linkId"]
    if item["type"] == "boolean":
        return link == APPLIES or by.index[link].met_by == "yes"
    chosen = {SIDE: "right", PATHWAY: pathway}[link]
    codings = [option["valueCoding"] for option in item["answerOption"]]
    return next(each["display"] for each in codings if each["code"] == chosen or not chosen)


def favorable(name: str) -> dict[str, bool | str]:
    by = REVISIONS[name]
    pathway = ORDERS[name].pathway if name in ORDERS else ""
    return {item["linkId"]: words(by, item, pathway) for item in questions(questionnaire(by, BASE))}


def unfavorable(name: str) -> dict[str, bool | str]:
    answers = favorable(name)
    against = ORDERS[name].against
    return answers | {against: not answers[against]}


@pytest.fixture(name="rendered", scope="module")
def _rendered() -> Rendered:
    """What lforms shows of every form; filled in favorably, and with the answer that speaks against the order."""
    forms = [
        {
            "questionnaire": questionnaire(by, BASE),
            "fillings": [favorable(name), *([unfavorable(name)] if name in ORDERS else [])],
        }
        for name, by in REVISIONS.items()
    ]
    answer = run_script("forms", {"patient": PATIENT, "chart": CHART, "forms": forms}, seconds=200)
    assert answer["faults"] == []
    return dict(zip(REVISIONS, answer["forms"], strict=True))


def visible(items: list[dict[str, Any]], within: str | None = None) -> Iterator[tuple[str, str | None, str]]:
    """The items of a form that stand on a page, with the item that each is in, and its text."""
    for item in items:
        if not item["linkId"].endswith("/help"):
            yield item["linkId"], within, item["text"]
            yield from visible(item.get("item", []), item["linkId"])


@pytest.mark.parametrize("name", REVISIONS)
def test_every_item_of_a_form_is_shown_in_its_group_with_its_text(rendered: Rendered, name: str) -> None:
    shown = [(each["linkId"], each["within"], each["text"]) for each in rendered[name]["items"]]
    assert shown == list(visible(questionnaire(REVISIONS[name], BASE)["item"]))


@pytest.mark.parametrize("name", REVISIONS)
def test_every_question_offers_its_options(rendered: Rendered, name: str) -> None:
    offered = {each["linkId"]: each["options"] for each in rendered[name]["items"]}
    for item in questions(questionnaire(REVISIONS[name], BASE)):
        options = [option["valueCoding"]["display"] for option in item.get("answerOption", ())]
        assert offered[item["linkId"]] == (options or ["Yes", "No", "Not Answered"])


def test_an_answer_hides_the_alternatives_and_the_parts_that_it_makes_moot(rendered: Rendered) -> None:
    before = {each["linkId"] for each in rendered["structured"]["items"]}
    (filled,) = rendered["structured"]["filled"]
    assert before - set(filled["shown"]) == {"I.B.one", "I.B.two", "I.B.three", "I.C.2", "I.C.3", "I.C.4"}


FILLINGS = [
    *(pytest.param(name, 0, id=f"{name} favorable") for name in REVISIONS),
    *(pytest.param(name, 1, id=f"{name} unfavorable") for name in ORDERS),
]


@pytest.mark.parametrize(("name", "number"), FILLINGS)
def test_what_is_shown_is_what_our_reading_of_the_form_enables(rendered: Rendered, name: str, number: int) -> None:
    filled = rendered[name]["filled"][number]
    form = questionnaire(REVISIONS[name], BASE)["item"]
    by_us = [link for link in enabled(form, given(filled["response"])) if not link.endswith("/help")]
    assert filled["shown"] == by_us


@pytest.mark.parametrize(("name", "number"), FILLINGS)
def test_the_response_has_an_answer_to_every_question_that_is_shown(rendered: Rendered, name: str, number: int) -> None:
    filled = rendered[name]["filled"][number]
    asked = [item["linkId"] for item in questions(questionnaire(REVISIONS[name], BASE))]
    assert list(given(filled["response"])) == [link for link in asked if link in filled["shown"]]


def completed(rendered: Rendered, name: str, number: int) -> dict[str, Any]:
    """The response of lforms as a clinician's, about the order."""
    response = rendered[name]["filled"][number]["response"] | {
        "id": "filled-in-lforms",
        "status": "completed",
        "authored": f"{ORDERS[name].day}T09:00:00Z",
        "author": {"reference": "Practitioner/dr"},
        "subject": {"reference": "Patient/patient-1"},
        "basedOn": [{"reference": "ServiceRequest/order-1"}],
    }
    QuestionnaireResponse.model_validate(response)
    return response


def outcome_with(name: str, response: dict[str, Any]) -> Determination:
    """Judge the order for a chart of nothing but a response."""
    of = ORDERS[name]
    order = {
        "resourceType": "ServiceRequest",
        "id": "order-1",
        "status": "draft",
        "intent": "order",
        "subject": {"reference": "Patient/patient-1"},
        "code": {"coding": [{"system": of.system, "code": of.code}]},
        "occurrenceDateTime": of.day.isoformat(),
    }
    by = SHIPPED[name]
    case = load_cases(by)[0]
    nothing = {"other_orders": (), "unavailable": (), "not_offered": (), "suggests": ()}
    return judged(replace(case, order=order, today=of.day, anchor=of.day, chart=(response,), **nothing), by)


def test_every_shipped_revision_has_an_order_here() -> None:
    assert ORDERS.keys() == SHIPPED.keys()


@pytest.mark.parametrize("name", SHIPPED)
def test_a_favorable_response_supports_the_order(rendered: Rendered, name: str) -> None:
    found = outcome_with(name, completed(rendered, name, 0))
    assert (found.outcome, found.questions) == (Outcome.SUPPORTED, ())


@pytest.mark.parametrize("name", SHIPPED)
def test_one_unfavorable_answer_is_against_the_order(rendered: Rendered, name: str) -> None:
    assert outcome_with(name, completed(rendered, name, 1)).outcome is ORDERS[name].outcome


@pytest.mark.parametrize("name", SHIPPED)
def test_a_response_names_the_form_that_was_filled_in(rendered: Rendered, name: str) -> None:
    form = questionnaire(SHIPPED[name], BASE)
    assert completed(rendered, name, 0)["questionnaire"] == f"{form['url']}|{form['version']}"
