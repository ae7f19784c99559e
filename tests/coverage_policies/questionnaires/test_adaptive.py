"""The adaptive form: without items in the package, and with the questions asked so far in its response."""

from dataclasses import replace
from typing import Any

import pytest
from fhir.resources.R4B.questionnaire import Questionnaire

from coverage_policies.format.model import Policy
from coverage_policies.judging.determination import Question
from coverage_policies.judging.next_screen import screen as screen_after
from coverage_policies.questionnaires.adaptive import (
    adaptive_questionnaire,
    asked_links,
    contained_questionnaire,
    context_of,
    is_last_screen,
    screen_links,
)
from coverage_policies.questionnaires.questionnaire import questionnaire
from tests.support.adaptive_forms import NEXT
from tests.support.forms import BASE, by_link, every_revision, flat, structured
from tests.support.policy_fakes import ON_ONE_SCREEN, answers, judge, policy

REVISIONS = every_revision()
DTR = "http://hl7.org/fhir/us/davinci-dtr/StructureDefinition"
ADAPTIVE = "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-questionnaireAdaptive"
OXYGEN = "NCD.240.2@2021-09"


def contained(by: Policy, *asked: str, **more: Any) -> dict[str, Any]:
    return contained_questionnaire(by, BASE, NEXT, asked, **more)


def links(form: dict[str, Any]) -> list[Any]:
    """The linkIds of a form, those of a group in a list behind it; without help texts."""
    found: list[Any] = []
    for item in form.get("item", ()):
        if not item["linkId"].endswith("/help"):
            found.append(item["linkId"])
            if item["type"] == "group":
                found.append(links(item))
    return found


def every_question(by: Policy) -> list[str]:
    return [item["linkId"] for item in flat(questionnaire(by, BASE)["item"]) if item["type"] in ("boolean", "choice")]


@pytest.mark.requirement("dtr:spec-23")
@pytest.mark.parametrize("name", REVISIONS)
def test_the_form_of_a_package_has_the_canonical_of_the_standard_form_and_no_items(name: str) -> None:
    form, standard = adaptive_questionnaire(REVISIONS[name], BASE, NEXT), questionnaire(REVISIONS[name], BASE)
    Questionnaire.model_validate(form)
    assert "item" not in form
    same = ("id", "url", "version", "name", "title", "status", "subjectType", "publisher", "date", "effectivePeriod")
    assert {each: form.get(each) for each in same} == {each: standard.get(each) for each in same}
    assert form["meta"] == {"profile": [f"{DTR}/dtr-questionnaire-adapt-search"]}


def test_the_form_of_a_package_names_the_operation_that_asks_and_for_whom_it_is() -> None:
    form = adaptive_questionnaire(structured(), BASE, NEXT)
    assert form["extension"][0] == {"url": ADAPTIVE, "valueUrl": NEXT}
    of_dtr = [each["url"].removeprefix(f"{DTR}/") for each in form["extension"][1:]]
    assert of_dtr == ["questionnaireAudience", "estimated-completion-time", "request-specific"]


@pytest.mark.parametrize("name", REVISIONS)
def test_a_form_with_every_question_is_valid_and_has_each_as_the_standard_form_but_without_conditions(
    name: str,
) -> None:
    by = REVISIONS[name]
    form = contained(by, *every_question(by), is_last=True)
    Questionnaire.model_validate(form)
    standard = by_link(questionnaire(by, BASE))
    found = by_link(form)
    assert len(found) == len(list(flat(form["item"])))
    assert list(found)[-1] == "end"
    for link in every_question(by):
        wanted = {key: value for key, value in standard[link].items() if key not in ("enableWhen", "enableBehavior")}
        assert found[link] == wanted
    assert not any({"enableWhen", "enableBehavior"} & item.keys() for item in found.values())
    assert all(item["text"] for item in found.values())


@pytest.mark.requirement("dtr:spec-25")
def test_a_contained_form_is_derived_from_the_form_of_the_package_and_has_no_canonical_of_its_own() -> None:
    form = contained(structured(), "I.A")
    assert form["derivedFrom"] == [f"{BASE}/fhir/Questionnaire/CP.TEST|2025-01.1"]
    assert "url" not in form
    assert form["meta"] == {"profile": [f"{DTR}/dtr-questionnaire-adapt"]}
    assert (form["id"], form["status"], form["subjectType"]) == ("form", "active", ["Patient"])
    assert (form["title"], form["version"]) == ("Test fusion", "2025-01.1")
    assert form["extension"] == [{"url": ADAPTIVE, "valueUrl": NEXT}]


def test_before_the_first_question_a_contained_form_has_no_items() -> None:
    assert "item" not in contained(structured())


def test_questions_stand_in_the_order_in_which_they_were_asked_each_once() -> None:
    asked = ("side", "I.H", "I.A", "applies", "I.H")
    assert links(contained(structured(), *asked)) == ["side", "I.H", "I.A", "applies"]


def test_the_parts_of_a_criterion_stay_in_one_group_at_the_place_of_the_first() -> None:
    by = structured()
    assert links(contained(by, "I.A", "I.B.two", "I.H")) == ["I.A", "I.B/parts", ["I.B.two"], "I.H"]
    later = contained(by, "I.A", "I.B.two", "I.H", "I.B.one", "I.B")
    assert links(later) == ["I.A", "I.B/parts", ["I.B.two", "I.B.one", "I.B"], "I.H"]


def test_a_group_without_a_question_of_its_own_has_its_words_and_help() -> None:
    (group,) = contained(policy(ON_ONE_SCREEN), "I.A.one", "I.A.two")["item"]
    assert (group["linkId"], group["type"], group["text"]) == ("I.A", "group", "The whole")


def test_a_question_has_its_help_text() -> None:
    (help_text,) = contained(structured(), "I.A")["item"][0]["item"]
    assert help_text["linkId"] == "I.A/help"
    assert help_text["text"] == "Criterion: Alpha. Any alpha counts."


def test_what_the_form_does_not_have_is_left_out() -> None:
    assert links(contained(structured(), "I.A", "I", "I.B/parts", "II.Z", "I.F", "")) == ["I.A"]


def test_a_question_brings_its_values_of_the_chart_with_the_variables_that_they_use() -> None:
    by = REVISIONS[OXYGEN]
    standard = questionnaire(by, BASE)
    shown = [item["linkId"] for item in flat(standard["item"]) if item["type"] == "quantity"]
    question = shown[0].rpartition("/")[0]
    form = contained(by, question)
    assert [link for link in by_link(form) if by_link(form)[link]["type"] == "quantity"] == [
        link for link in shown if link.rpartition("/")[0] == question
    ]
    used = [each for each in form["extension"] if each["url"].endswith("/variable")]
    names = {each["valueExpression"]["name"] for each in used}
    expressions = [str(item["extension"]) for item in by_link(form).values() if item["type"] == "quantity"]
    assert names
    assert all(any(f"%{name}." in each for each in expressions) for name in names)
    assert all(any(f"%{name}." in each for name in names) for each in expressions)
    assert any(each["url"].endswith("/sdc-questionnaire-launchContext") for each in form["extension"])
    others = contained(by, *(set(every_question(by)) - {question}))
    assert [each["url"] for each in others["extension"]] == [ADAPTIVE]


@pytest.mark.requirement("dtr:spec-39")
@pytest.mark.parametrize("is_last", [True, False])
def test_a_display_item_after_the_last_question_says_that_no_more_follow(is_last: bool) -> None:
    form = contained(structured(), "I.A", is_last=is_last)
    assert (form["item"][-1]["linkId"] == "end") is is_last
    assert (form["item"][-1]["type"] == "display") is is_last


def test_the_context_of_the_next_call_is_an_identifier() -> None:
    form = contained(structured(), "I.A", context="sealed")
    assert form["identifier"] == [{"system": "urn:cds-coverage-policies:form-context", "value": "sealed"}]
    assert context_of(form) == "sealed"
    assert "identifier" not in contained(structured(), "I.A")


@pytest.mark.parametrize(
    "identifier",
    [None, 5, "sealed", {}, [], [5], [{"value": "sealed"}], [{"system": "urn:cds-coverage-policies:form-context"}]],
)
def test_a_form_without_a_context_of_ours_has_none(identifier: Any) -> None:
    assert context_of({"identifier": identifier}) == ""


@pytest.mark.parametrize("name", REVISIONS)
def test_the_questions_of_a_contained_form_can_be_read_back(name: str) -> None:
    by = REVISIONS[name]
    form = contained(by, *every_question(by), is_last=True)
    assert sorted(asked_links(form)) == sorted(every_question(by))
    assert contained(by, *asked_links(form), is_last=True) == form


@pytest.mark.parametrize(
    "item",
    [
        None,
        5,
        "x",
        [5, None, []],
        [{}],
        [{"linkId": 5, "type": "boolean"}],
        [{"linkId": "a", "type": ["boolean"]}],
        [{"linkId": "g", "type": "group", "item": [{"linkId": "h", "type": "group", "item": [{"linkId": "i"}]}]}],
        [{"linkId": "v", "type": "quantity"}, {"linkId": "end", "type": "display"}],
    ],
)
def test_what_is_no_question_is_not_read_back(item: Any) -> None:
    assert asked_links({"item": item}) == []


def test_a_screen_asks_its_parts_or_itself() -> None:
    parts = (Question("I.B.one", "One"), Question("I.B.two", "Two"))
    assert screen_links(Question("I.B", "Both", parts=parts)) == ("I.B.one", "I.B.two")
    assert screen_links(Question("I.A", "Alpha")) == ("I.A",)


@pytest.mark.parametrize(
    ("said", "asked", "is_last"),
    [
        ({}, "I.A", False),
        ({"I.A": "yes"}, "I.B", True),
        ({"I.A": "yes", "I.B": "no"}, None, True),
    ],
)
def test_the_last_screen_is_the_one_that_no_other_follows(said: dict[str, str], asked: str, is_last: bool) -> None:
    by = policy(
        """
        I:
          says: s
          all:
            - {id: I.A, says: a, ask: Is it a}
            - {id: I.B, says: b, ask: Is it b}
        """
    )
    shown = screen_after(by, judge(by, answers(said)), said)
    assert (shown.question.id if shown.question else None) == asked
    assert is_last_screen(shown) is is_last


@pytest.mark.parametrize("link", ["applies", "pathway", "side"])
def test_a_question_that_may_open_others_is_never_the_last(link: str) -> None:
    by = policy("I: {says: s, ask: Is it so}")
    shown = screen_after(by, judge(by), {})
    assert is_last_screen(shown)
    assert not is_last_screen(replace(shown, question=Question(link, "Which")))
