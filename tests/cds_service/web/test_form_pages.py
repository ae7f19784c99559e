"""The pages of the questionnaire app: readable by machines and people, escaped, and without internal names."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from flask import Flask

from cds_service.web.form_input import CHOOSE, DONT_KNOW, read_answers
from cds_service.web.form_pages import choose_order_page, message_page, outcome_page, screen_page
from cds_service.web.form_view import Banner
from coverage_policies.format.questions import Option, QuestionType
from coverage_policies.judging.determination import Question
from fhir_mappings.record import Evidence
from tests.support.html_page import HtmlPage
from tests.support.sessions import Situation, answers_of, sample_situations, session

HOSTILE = '<script>alert("1")</script>'
ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
FHIR_ID = re.compile(r"\b(?:Condition|Observation|ServiceRequest|QuestionnaireResponse|Patient)/[A-Za-z0-9]")
ASKING = [each for each in sample_situations() if each.screen({}).question is not None]
ONE = Question("I.A", "Is it so?", met_by="yes")
CHOICE = Question("side", "Which side?", type=QuestionType.CHOICE, options=(Option("left", "Left"),))


@pytest.fixture(autouse=True)
def _request() -> Iterator[None]:
    """The request whose answer a page is: the page's links lead from its address."""
    with Flask("pages").test_request_context("/smart/form"):
        yield


def shown(of: Situation, screen: Any, answers: Any, **more: Any) -> HtmlPage:
    return HtmlPage(screen_page(of.policy, of.order, screen, answers, token="token-1", **more).get_data(as_text=True))


def check(page: HtmlPage) -> None:
    """What holds for every page: one heading on top, levels in order, unique ids, and a label for every choice."""
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert not [name for name, count in Counter(page.attributes("id")).items() if count > 1]
    labels = {each["for"] for each in page.named("label")}
    assert labels == {each["id"] for each in page.named("input") if each["type"] == "radio"}
    assert {ref for value in page.attributes("aria-describedby") for ref in value.split()} <= set(page.attributes("id"))
    assert {each["lang"] for each in page.named("html")} == {"en-US"}
    assert not page.named("script")
    assert not [name for _, found in page.elements for name in found if name.startswith("on") or name == "style"]


def check_words(page: HtmlPage) -> None:
    """What no page shows: ids of FHIR, ISO dates, and the ids of criteria."""
    assert not ISO_DATE.search(page.text)
    assert not FHIR_ID.search(page.text)
    assert not re.search(r"\b[IV]+\.[A-Z]\b(?!\.P)", page.text)


@pytest.mark.parametrize("of", ASKING, ids=repr)
def test_every_screen_of_a_session_is_a_sound_page_in_clinical_words(of: Situation) -> None:
    def value(question: Question) -> str:
        return question.options[0].code if question.options else question.met_by or "yes"

    answers: dict[str, str] = {}
    for screen, said in session(of, lambda question: answers_of(question, value), until_settled=False):
        page = shown(of, screen, answers)
        check(page)
        check_words(page)
        answers |= said
    outcome = HtmlPage(
        outcome_page(
            of.policy, of.order, screen.determination, is_written=True, is_complete=True, why_not="", token="token-1"
        ).get_data(as_text=True)
    )
    check(outcome)
    check_words(outcome)


def test_a_screen_shows_question_requirement_and_chart() -> None:
    of = next(each for each in ASKING if each.name.startswith("sij-rich-chart"))
    text = " ".join(shown(of, of.screen({}), {}).text.split())
    assert "Documentation needed" in text
    assert "The policy requires: Two diagnostic injections on separate days each reduced pain by at least 75%" in text
    assert "Image-guided sacroiliac joint injection: left, 8 → 2 of 10, 75% relief (10/22/2025)" in text
    assert "10 questions left" in text


def test_what_an_author_and_a_chart_say_is_escaped() -> None:
    of = ASKING[0]
    screen = of.screen({})
    evidence = (Evidence("Condition/1", HOSTILE, "", HOSTILE),)
    question = replace(ONE, text=HOSTILE, says=f"{HOSTILE}x", evidence=evidence, pathway=HOSTILE)
    page = shown(of, replace(screen, question=question), {}, banner=Banner(HOSTILE, HOSTILE))
    check(page)
    assert page.text.count(HOSTILE) >= 5


def test_what_utf_8_cannot_encode_is_replaced_in_a_page() -> None:
    of = ASKING[0]
    evidence = (Evidence("Condition/1", "odd \ud800", "", ""),)
    assert "odd ?" in shown(of, replace(of.screen({}), question=replace(ONE, evidence=evidence)), {}).text


def test_an_error_is_told_on_top_and_beside_its_question_and_what_was_chosen_stays() -> None:
    of = ASKING[0]
    screen = replace(of.screen({}), question=replace(ONE, parts=(ONE, replace(ONE, id="I.B", text="And this?"))))
    response = screen_page(
        of.policy,
        of.order,
        screen,
        {},
        token="token-1",
        errors={"I.B": CHOOSE},
        posted={"answer:I.A": "no"},
    )
    page = HtmlPage(response.get_data(as_text=True))
    check(page)
    assert response.status_code == 422
    assert [each["href"] for each in page.named("a") if each["href"] != "#content"] == ["#q2-1"]
    assert [each["value"] for each in page.named("input") if "checked" in each] == ["no"]
    assert CHOOSE in page.text


def test_an_answer_that_is_wanted_again_has_no_answer_chosen() -> None:
    of = ASKING[0]
    page = shown(of, replace(of.screen({}), question=ONE), {"I.B": "yes"})
    assert not [each for each in page.named("input") if "checked" in each]


@pytest.mark.parametrize(
    ("posted", "answers"),
    [("yes", {"I.A": "yes"}), ("no", {"I.A": "no"}), (DONT_KNOW, {"I.A": ""})],
)
def test_an_answer_is_read(posted: str, answers: dict[str, str]) -> None:
    assert read_answers(ONE, {"answer:I.A": posted}) == (answers, {})


@pytest.mark.parametrize(
    "posted", [{}, {"answer:I.A": ""}, {"answer:I.A": "maybe"}, {"answer:I.B": "yes"}, {"I.A": "yes"}]
)
def test_no_answer_or_one_that_is_not_offered_is_an_error(posted: dict[str, str]) -> None:
    assert read_answers(ONE, posted) == ({}, {"I.A": CHOOSE})


def test_the_options_of_a_choice_are_its_answers() -> None:
    assert read_answers(CHOICE, {"answer:side": "left"}) == ({"side": "left"}, {})
    assert read_answers(CHOICE, {"answer:side": "yes"}) == ({}, {"side": CHOOSE})


def test_the_parts_of_a_screen_are_read_each() -> None:
    both = replace(ONE, id="I", parts=(ONE, replace(ONE, id="I.B")))
    assert read_answers(both, {"answer:I.A": "yes"}) == ({"I.A": "yes"}, {"I.B": CHOOSE})


def test_what_an_answer_cannot_settle_is_named_and_not_asked() -> None:
    of = ASKING[0]
    evidence = (Evidence("Observation/1", "Oxygen saturation", "2026-01-05", "86 %"),)
    stuck = replace(ONE, says="Saturation is low", evidence=evidence)
    page = shown(of, replace(of.screen({}), question=None, without_effect=(stuck,)), {})
    check(page)
    assert "Saturation is low (Oxygen saturation: 86% (01/05/2026))" in page.text
    assert not [each for each in page.named("input") if each["type"] == "radio"]


def test_a_response_that_was_not_written_is_offered_as_a_file() -> None:
    of = ASKING[0]
    page = HtmlPage(
        outcome_page(
            of.policy,
            of.order,
            of.determination({}),
            is_written=False,
            is_complete=True,
            why_not="The EHR did not take it (403 forbidden).",
            token="token-1",
        ).get_data(as_text=True)
    )
    check(page)
    assert "Your answers are not in the chart" in page.text
    assert "The EHR did not take it (403 forbidden)." in page.text
    assert "response" in [each["href"] for each in page.named("a")]


def test_messages_and_an_empty_choice_are_sound_pages() -> None:
    for response in (
        message_page(403, "Title", "What happened.", "What to do."),
        choose_order_page((), token="token-1"),
    ):
        check(HtmlPage(response.get_data(as_text=True)))


@pytest.mark.parametrize(
    ("patient", "banner"),
    [
        (
            {"name": [{"family": "Roe", "given": ["Ann", "B."]}], "birthDate": "1961-02-27"},
            ("Ann B. Roe", "02/27/1961"),
        ),
        ({"name": [{"use": "old", "family": "Doe"}, {"text": "Ann Roe"}]}, ("Ann Roe", "")),
        ({}, ("Name not on file", "")),
        ({"name": "x", "birthDate": 7}, ("Name not on file", "")),
        ({"name": [{"family": 7, "given": [3, "Ann"]}]}, ("Ann", "")),
    ],
)
def test_the_banner_says_who_the_patient_is(patient: dict[str, Any], banner: tuple[str, str]) -> None:
    found = Banner.of(patient)
    assert (found.name, found.born) == banner
