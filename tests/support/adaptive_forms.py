"""A DTR client for tests: it answers adaptive forms call by call, as a clinician would."""

from collections.abc import Iterator, Mapping
from typing import Any

from cds_service.sample_ehr.form_answers import answered, given, only_answered, questions
from coverage_policies.judging.next_screen import Screen
from coverage_policies.questionnaires.adaptive import (
    asked_links,
    contained_questionnaire,
    is_last_screen,
    screen_links,
)
from coverage_policies.questionnaires.adaptive_response import adaptive_draft, next_response
from coverage_policies.questionnaires.checking import faults_of, given_answers
from tests.support.forms import BASE
from tests.support.sessions import Clinician, Situation

NEXT = f"{BASE}/fhir/Questionnaire/$next-question"
DOCTOR = "Practitioner/dr"

Response = dict[str, Any]


def with_answers(response: Response, answers: Mapping[str, str]) -> Response:
    """The response with these answers of the doctor added, in the groups of its contained form; those it has stay."""
    form, items = response["contained"][0].get("item", ()), response.get("item", ())
    has = {link for link, found in given(items) if found}
    kinds = {each["linkId"]: each["type"] for each in questions(form)}
    new = {
        link: said == "yes" if kinds[link] == "boolean" else said
        for link, said in answers.items()
        if said and link in kinds and link not in has
    }
    return {**response, "item": list(only_answered(answered(form, items, new, DOCTOR)))}


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
