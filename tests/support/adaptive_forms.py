"""A DTR client for tests: it answers adaptive forms call by call, as a clinician would."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from coverage_policies.judging.next_screen import Screen
from coverage_policies.questionnaires.adaptive import (
    asked_links,
    contained_questionnaire,
    is_last_screen,
    screen_links,
)
from coverage_policies.questionnaires.adaptive_response import adaptive_draft, next_response
from coverage_policies.questionnaires.checking import faults_of, given_answers
from coverage_policies.questionnaires.extensions import origin
from tests.support.forms import BASE
from tests.support.sessions import Clinician, Situation

NEXT = f"{BASE}/fhir/Questionnaire/$next-question"
DOCTOR = "Practitioner/dr"

Response = dict[str, Any]


def with_answers(response: Response, answers: Mapping[str, str], practitioner: str = DOCTOR) -> Response:
    """The response with these answers added, in the groups of its contained form; those it has stay."""
    known = {item["linkId"]: item for item in response.get("item", ())}
    form = response["contained"][0].get("item", ())
    return {**response, "item": list(_filled(form, known, answers, practitioner))}


def _filled(
    form: Iterable[Mapping[str, Any]], known: Mapping[str, Any], answers: Mapping[str, str], practitioner: str
) -> Iterator[dict[str, Any]]:
    for item in form:
        link = item["linkId"]
        found = dict(known.get(link, {"linkId": link, "text": item["text"]}))
        if item["type"] == "group":
            below = {each["linkId"]: each for each in found.get("item", ())}
            found["item"] = list(_filled(item["item"], below, answers, practitioner))
            if found["item"]:
                yield found
        elif "answer" in found:
            yield found
        elif answers.get(link):
            yield {**found, "answer": [{"extension": [origin("manual", practitioner)], **_value(item, answers[link])}]}


def _value(item: Mapping[str, Any], said: str) -> dict[str, Any]:
    if item["type"] == "boolean":
        return {"valueBoolean": said == "yes"}
    options = (each["valueCoding"] for each in item["answerOption"])
    return {"valueCoding": next(each for each in options if each["code"] == said)}


def steps(of: Situation, clinician: Clinician) -> Iterator[tuple[Screen, Response]]:
    """Yield the response that each call returns, from its draft to the completed one, with the screen that it shows."""
    start = of.screen({})
    response = adaptive_draft(
        of.policy,
        start.determination,
        BASE,
        NEXT,
        patient=of.order.resource["subject"]["reference"],
        authored=of.record.read_at,
        coverage="Coverage/c",
    )
    yield start, response
    asked = asked_links(response["contained"][0])
    while response["status"] != "completed":
        form = response["contained"][0].get("item", ())
        assert list(faults_of(form, response)) == []
        screen = of.screen(given_answers(form, response))
        new = screen_links(screen.question) if screen.question else ()
        assert not set(new) <= set(asked) or not new, "a question is asked twice"
        asked += new
        contained = contained_questionnaire(of.policy, BASE, NEXT, asked, is_last=is_last_screen(screen))
        response = next_response(response, contained, status="in-progress" if new else "completed")
        yield screen, response
        if screen.question:
            response = with_answers(response, clinician(screen.question))
