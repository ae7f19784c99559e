"""`$next-question`: an adaptive form, question by question, until it is complete."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from cds_service.selfcheck.areas.dtr_forms import canonical_of, fault_of_origins
from cds_service.selfcheck.checks import Area
from cds_service.selfcheck.coverage_information import RULES, fault_of_codes, fault_of_parts, information_in, parts
from cds_service.selfcheck.dtr_calls import NEXT_QUESTION, Dtr, Form, expect_error
from cds_service.selfcheck.filling import all_items, answers_in, contained_form, filled
from cds_service.selfcheck.json_shape import is_text, objects
from cds_service.selfcheck.outcomes import FailedError, Level, NotTriedError, expect
from cds_service.selfcheck.services import V2_0, V2_2, crd_services
from cds_service.selfcheck.session import Session
from cds_service.selfcheck.web import Answer

_MOST_CALLS = 60
_MOST_CALLS_ALIKE = 3
_COMPLETED = "completed"


@dataclass(frozen=True, slots=True)
class Step:
    """One call of `$next-question`: the response that was sent, and the one that came back."""

    sent: dict[str, Any]
    came: dict[str, Any]


def _form(session: Session) -> Form:
    for form in Dtr(session).forms():
        if form.is_adaptive and form.response:
            return form
    raise NotTriedError("no form of the package is adaptive")


def _asked(session: Session, response: Any) -> Answer:
    """Return the answer to a response. A server may want it by itself or in Parameters (SDC 3.0)."""
    dtr = Dtr(session)
    answer = dtr.post(NEXT_QUESTION, response)
    if answer.is_client_error:
        named = {"name": "questionnaire-response", "resource": response}
        wrapped = dtr.post(NEXT_QUESTION, {"resourceType": "Parameters", "parameter": [named]})
        return wrapped if wrapped.is_success else answer
    return answer


def _response_in(answer: Answer) -> dict[str, Any]:
    """Return the QuestionnaireResponse of an answer. Raise FailedError if it has none."""
    expect(answer.status == 200, f"it is answered {answer.status}")
    found = answer.object()
    if found.get("resourceType") == "Parameters":
        resources = [each.get("resource") for each in objects(found.get("parameter"))]
        found = next((each for each in resources if isinstance(each, dict)), {})
    expect(found.get("resourceType") == "QuestionnaireResponse", "the answer has no QuestionnaireResponse")
    return found


def _first(session: Session) -> Step:
    """Return the first call, with the draft as it came."""

    def make() -> Step:
        draft = dict(_form(session).response)
        return Step(draft, _response_in(_asked(session, draft)))

    return session.once("first question", make)


def _run(session: Session) -> tuple[Step, ...]:
    """Return all calls, with an answer to every question; the last one may be incomplete."""

    def make() -> tuple[Step, ...]:
        steps = [_begun(session)]
        author = session.user
        while steps[-1].came.get("status") != _COMPLETED and len(steps) < _MOST_CALLS and not _is_stuck(steps):
            sent = filled(steps[-1].came, author)
            try:
                steps.append(Step(sent, _response_in(_asked(session, sent))))
            except FailedError as error:
                raise FailedError(f"call {len(steps) + 1}, with answers: {error.seen}") from None
        return tuple(steps)

    return session.once("next questions", make)


def _is_stuck(steps: Sequence[Step]) -> bool:
    """Return whether the last calls brought no new question."""
    last = [_links(each.came) for each in steps[-_MOST_CALLS_ALIKE:]]
    return len(last) == _MOST_CALLS_ALIKE and all(each == last[0] for each in last)


def _begun(session: Session) -> Step:
    try:
        return _first(session)
    except FailedError as error:
        raise NotTriedError(f"no question came: {error}") from None


def _completed(session: Session) -> dict[str, Any]:
    last = _run(session)[-1].came
    if last.get("status") != _COMPLETED:
        raise NotTriedError("the form was not completed; see dtr.next-completes")
    return last


def _links(response: Any) -> list[str]:
    return [str(each.get("linkId")) for each in all_items(contained_form(response).get("item"))]


def add_checks(area: Area) -> None:
    """Add the checks."""

    @area.check(
        "next", Level.SHALL, "the operation $next-question", "The draft of an adaptive form gets its first questions."
    )
    def _next(session: Session) -> str:
        came = _first(session).came
        expect(bool(_links(came)) or came.get("status") == _COMPLETED, "it has no question and is not completed")
        return f"{len(_links(came))} items"

    @area.check("next-answers", Level.SHALL, "the operation $next-question", "A response with answers is answered 200.")
    def _next_answers(session: Session) -> str:
        return f"{len(_run(session))} calls"

    @area.check(
        "next-completes",
        Level.SHALL,
        "the operation $next-question",
        f"With an answer to every question, the response is completed within {_MOST_CALLS} calls.",
    )
    def _next_completes(session: Session) -> str:
        found = _run(session)
        expect(found[-1].came.get("status") == _COMPLETED, f"it is not completed after {len(found)} calls")
        return f"{len(found)} calls, {len(answers_in(found[-1].came))} answers"

    @area.check(
        "next-contained",
        Level.SHALL,
        "dtr-questionnaireresponse-adapt",
        "A response contains its Questionnaire, whose derivedFrom is the canonical of the form with its version.",
    )
    def _next_contained(session: Session) -> str:
        form = _form(session)
        for step in _run(session):
            found = [
                each for each in objects(step.came.get("contained")) if each.get("resourceType") == "Questionnaire"
            ]
            expect(len(found) == 1, f"a response contains {len(found)} Questionnaires")
            named = str(step.came.get("questionnaire"))
            expect(named == f"#{found[0].get('id')}", "questionnaire is no reference to the contained one")
            expect(canonical_of(step.came) == form.canonical, "derivedFrom is another canonical, or has no version")
        return form.canonical

    @area.check(
        "next-items",
        Level.SHALL,
        "dtr-questionnaire-adapt",
        "Every item of the contained Questionnaire has a text, and none has enableWhen.",
    )
    def _next_items(session: Session) -> str:
        found = list(all_items(contained_form(_run(session)[-1].came).get("item")))
        for item in found:
            expect(is_text(item.get("text")), "an item has no text")
            expect("enableWhen" not in item, "an item has enableWhen")
        return f"{len(found)} items"

    @area.check(
        "next-grows", Level.SHALL, "the operation $next-question", "Questions are added; those that were asked stay."
    )
    def _next_grows(session: Session) -> str:
        found = _run(session)
        for before, after in pairwise(found):
            gone = [each for each in _asked_in(before.came) if each not in _links(after.came)]
            expect(not gone, f"{len(gone)} questions that were asked are gone")
        return f"{len(found)} calls"

    @area.check(
        "next-keeps-answers", Level.SHALL, "the operation $next-question", "The answers come back as they were sent."
    )
    def _next_keeps_answers(session: Session) -> str:
        counted = 0
        for step in _run(session):
            sent, came = answers_in(step.sent), answers_in(step.came)
            for link_id, answer in sent.items():
                expect(came.get(link_id) == answer, "an answer came back changed, or not at all")
                counted += 1
        return f"{counted} answers"

    @area.check("next-origins", Level.SHALL, "dtrx-1", "Every answer that the server adds says where it comes from.")
    def _next_origins(session: Session) -> str:
        for step in _run(session):
            fault = fault_of_origins(step.came)
            expect(not fault, fault)
        return f"{len(_run(session))} responses"

    @area.check(
        "next-end",
        Level.SHOULD,
        "spec-39 (SHALL, if the service knows it)",
        "A display item after the last question says that no more follow.",
    )
    def _next_end(session: Session) -> str:
        found = [
            each for each in all_items(contained_form(_completed(session)).get("item")) if each.get("type") == "display"
        ]
        expect(bool(found), "the completed form has no display item")
        return "a display item"

    @area.check("next-coverage", Level.SHOULD, "spec-33", "A completed response has coverage information.")
    def _next_coverage(session: Session) -> str:
        found = information_in(_completed(session))
        expect(bool(found), "it has none")
        return f"{len(found)} extensions"

    @area.check(
        "next-coverage-rules",
        Level.SHALL,
        "ext-coverage-information",
        "That coverage information keeps the rules of CRD.",
    )
    def _next_coverage_rules(session: Session) -> str:
        found = information_in(_completed(session))
        if not found:
            raise NotTriedError("the completed response has no coverage information")
        # It is of the version of the CRD call before it, and several versions may have been called for the order.
        versions = [each for each in (V2_2, V2_0) if crd_services(session, each)] or [V2_2]
        for extension in found:
            faults = [_fault(extension, version) for version in versions]
            expect("" in faults, faults[0])
        return f"{len(found)} extensions"

    @area.check(
        "next-invalid",
        Level.SHALL,
        "spec-147",
        "A response that breaks the rules of its form is refused with 400 and an OperationOutcome.",
    )
    def _next_invalid(session: Session) -> str:
        came = _begun(session).came
        question = next((each for each in _questions(came)), None)
        if question is None:
            raise NotTriedError("the first call asks nothing")
        filled_in = filled(came, session.user)
        for item in all_items(filled_in.get("item")):
            if item.get("linkId") == question:
                kept = {name: each for name, each in item["answer"][0].items() if not name.startswith("value")}
                item["answer"] = [{**kept, "valueAttachment": {"title": "Self-check"}}]
        return expect_error(Dtr(session).post(NEXT_QUESTION, filled_in), 400)


def _fault(extension: dict[str, Any], version: str) -> str:
    """Return which rule of a version coverage information breaks; empty if none."""
    found = parts(extension)
    if fault := fault_of_parts(extension, version) or fault_of_codes(found, version):
        return fault
    broken = [each for each in RULES if version in each.versions and not each.holds(found, version)]
    return f"it breaks {broken[0].source}: {broken[0].right}" if broken else ""


def _questions(response: Any) -> list[str]:
    """Return the questions of a response that the self-check can answer."""
    found = filled(response, "Practitioner/self-check")
    before = answers_in(response)
    return [each for each in answers_in(found) if each not in before]


def _asked_in(response: Any) -> list[str]:
    items = all_items(contained_form(response).get("item"))
    return [str(each.get("linkId")) for each in items if each.get("type") not in ("group", "display")]
