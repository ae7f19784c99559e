"""`$next-question`: the next screen of an adaptive form, or the form completed (Da Vinci DTR 2.2.0)."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cds_service.crd.answer import AnsweredOrder
from cds_service.crd.records_protocol import CrdRecords, IssuedAssertion
from cds_service.dtr.client import FormClient
from cds_service.dtr.crd_context import context_of_orders
from cds_service.dtr.form_context import FormContext, FormContexts
from cds_service.dtr.judging import About, FormJudge, Judged
from cds_service.dtr.parameters import missing, read_parameters
from cds_service.hooks.chart_reader import Waiting
from cds_service.hooks.errors import MOST_ISSUES, Issue, RefusedError
from coverage_policies.format.model import Policy
from coverage_policies.judging.determination import Question
from coverage_policies.judging.next_screen import Screen
from coverage_policies.questionnaires.adaptive import (
    answered_links,
    asked_links,
    contained_questionnaire,
    context_of,
    is_last_screen,
    screen_links,
)
from coverage_policies.questionnaires.adaptive_response import next_response
from coverage_policies.questionnaires.checking import Fault, faults_of, given_answers
from coverage_policies.questionnaires.extensions import RESPONSE_CONTEXT, RESPONSE_COVERAGE
from coverage_policies.questionnaires.items import form_items
from fhir_mappings.answers import contained_form, questionnaire_of
from fhir_mappings.bundle import entry_reference
from fhir_mappings.codings import items
from fhir_mappings.fhir_json import Json, Resource
from fhir_mappings.orders import Order
from fhir_mappings.references import address_of

_PARAMETER = "questionnaire-response"
_MOST_LOOKED_UP = 5
"""How many orders and coverages of a response without its context are looked up: each pair takes a query."""
_TYPE = "QuestionnaireResponse"
_UNKNOWN_FORM = (
    "This service has no such form, or has a newer edition of it. Send the contained Questionnaire as it was received, "
    "or get the form again with $questionnaire-package."
)
_NO_RESPONSE = f"Send a {_TYPE}, or Parameters with one as {_PARAMETER}, as the body."
_NO_CONTEXT = (
    "The response has lost what it is about. Send back the contained Questionnaire as it was received, with its "
    "identifier, or start again with $questionnaire-package."
)
_OTHER_ORDER = "The response is about another order than its form. Start again with $questionnaire-package."
_OTHER_SUBJECT = "The subject is not the patient of the form. Send the subject as it was received."
_NOT_OPEN = "Send a response whose status is in-progress. To fill in a form again, start with $questionnaire-package."


@dataclass(frozen=True, slots=True)
class Asked:
    """A call: the response, its place in the body, and whether it was sent in Parameters, as the answer then is."""

    response: Resource = field(repr=False)
    place: str
    is_in_parameters: bool


@dataclass(frozen=True, slots=True)
class Answered:
    """The answer to a call: the response, the canonical of its form, and the assertion that its completion issues."""

    response: dict[str, Any] = field(repr=False)
    questionnaire: str
    assertion_id: str
    is_complete: bool = False
    issued: IssuedAssertion | None = field(default=None, repr=False)


def read_next_question(value: Json) -> Asked:
    """Return the call in a parsed body: a QuestionnaireResponse, or Parameters with one. Raise RefusedError (400)."""
    if isinstance(value, Mapping) and value.get("resourceType") == _TYPE:
        return Asked(value, _TYPE, is_in_parameters=False)
    if not isinstance(value, Mapping) or value.get("resourceType") != "Parameters":
        raise RefusedError(400, Issue("structure", _NO_RESPONSE))
    sent = read_parameters(value)
    response = sent.one(_PARAMETER, _TYPE)
    if response is None:
        raise missing(_PARAMETER, "Send the QuestionnaireResponse.")
    return Asked(response, sent.place(_PARAMETER), is_in_parameters=True)


class NextQuestions:
    """Answers calls. Thread-safe, and keeps nothing of a form between them (Da Vinci DTR 2.2.0 sec-10)."""

    def __init__(self, judge: FormJudge, records: CrdRecords, contexts: FormContexts, *, next_question: str) -> None:
        self._judge = judge
        self._records = records
        self._contexts = contexts
        self._next_question = next_question

    def answer(self, asked: Asked, client: FormClient, waiting: Waiting) -> Answered:
        """Return the response with what is asked next; completed, with coverage information, if nothing is.

        Raise RefusedError: 404 for a form that is not known, 400 for a response that breaks the rules of its form
        (spec-147), or that is not about what its form is about. Raise UnavailableError or UnsealableError if the
        records cannot be read.
        """
        response, policy = asked.response, self._policy(asked)
        if response.get("status") != "in-progress":
            raise RefusedError(400, Issue("value", _NOT_OPEN, f"{asked.place}.status"))
        contained = contained_form(response)
        if contained is None:  # a response to the standard form, which goes on as one to the adaptive form
            _refuse(faults_of(form_items(policy), response), asked.place)
        links = asked_links(contained) if contained else list(answered_links(response))
        rules = self._contained(policy, links).get("item", ())
        if contained:
            _refuse(faults_of(rules, response), asked.place)
        context = self._context(asked, policy, client)
        if not _is_about(response, context.patient_id):
            raise RefusedError(400, Issue("value", _OTHER_SUBJECT, f"{asked.place}.subject"))
        judged = self._judged(asked, context, client, waiting)
        order = judged.order(entry_reference(context.order))
        if order is None:
            raise RefusedError(400, Issue("value", _OTHER_ORDER, f"{asked.place}.extension"))
        given = given_answers(rules, response, is_chart_lost=judged.seen is None)
        answers, screen = self._screen(judged, policy, order, given, links)
        if screen.question is not None and not screen.is_settled:
            is_last = self._is_last(judged, policy, order, answers, screen)
            form = self._contained(policy, [*links, *screen_links(screen.question)], context, is_last=is_last)
            made = next_response(response, form, status="in-progress")
            return Answered(made, self._judge.canonical(policy), context.assertion_id)
        form = self._contained(policy, links, context, is_last=True)
        # Without the chart, answers taken from it count as they stand, so the payer says nothing by them; and it says
        # nothing of an order that CRD was not called for (spec-43), whose form came beside that of another one.
        found = judged.answered_after(order, screen) if judged.seen and context.assertion_id else None
        extensions = found.extensions if found else ()
        made = next_response(response, form, status="completed", coverage_information=extensions)
        issued = _issued(found, context, judged) if found else None
        return Answered(made, self._judge.canonical(policy), context.assertion_id, is_complete=True, issued=issued)

    def _contained(
        self, policy: Policy, links: Sequence[str], context: FormContext | None = None, *, is_last: bool = False
    ) -> dict[str, Any]:
        sealed = self._contexts.seal(context) if context else ""
        base = self._judge.canonicals
        return contained_questionnaire(policy, base, self._next_question, links, context=sealed, is_last=is_last)

    def _policy(self, asked: Asked) -> Policy:
        policy = self._judge.policy(questionnaire_of(asked.response))
        if policy is None:
            raise RefusedError(404, Issue("not-found", _UNKNOWN_FORM, f"{asked.place}.questionnaire"))
        return policy

    def _context(self, asked: Asked, policy: Policy, client: FormClient) -> FormContext:
        """Return what a form is about: as it says itself, else by the order and the Coverage of the response."""
        named = [address_of(each).name for each in _references(asked.response, RESPONSE_CONTEXT)]
        found = self._contexts.open(context_of(contained_form(asked.response) or {}), client.name)
        if found is not None and (found.policy, found.edition) == (policy.full_name, policy.edition):
            if named and address_of(entry_reference(found.order)).name not in named:
                raise RefusedError(400, Issue("value", _OTHER_ORDER, f"{asked.place}.extension"))
            return found
        coverages = dict.fromkeys(_references(asked.response, RESPONSE_COVERAGE))
        orders = list(dict.fromkeys(named))[:_MOST_LOOKED_UP]
        for coverage in list(coverages)[:_MOST_LOOKED_UP]:
            known = context_of_orders(orders, coverage, client, self._records)
            content = known.assertion.content if known else None
            if known is not None and known.order is not None and content is not None:
                return FormContext(
                    client=client.name,
                    policy=policy.full_name,
                    edition=policy.edition,
                    patient_id=content.patient_id,
                    order=known.order,
                    coverage=None,
                    call_id=known.assertion.chart_call_id,
                    assertion_id=known.assertion.assertion_id,
                )
        raise RefusedError(400, Issue("required", _NO_CONTEXT, f"{asked.place}.contained[0].identifier"))

    def _judged(self, asked: Asked, context: FormContext, client: FormClient, waiting: Waiting) -> Judged:
        seen = self._records.context(context.call_id) if context.call_id else None
        if seen is not None and seen.client not in client.reads:  # it may not read this client's calls any more
            seen = None
        if seen is None and context.coverage is None:  # found by its assertion, whose call had the Coverage
            raise RefusedError(400, Issue("required", _NO_CONTEXT, f"{asked.place}.contained[0].identifier"))
        order = entry_reference(context.order)
        about = About(
            client=seen.client if seen else context.client,
            patient_id=context.patient_id,
            orders=(context.order,),
            coverage=context.coverage,
            seen=seen,
            assertion_ids={order: context.assertion_id} if context.assertion_id else {},
        )
        return self._judge.judged(about, waiting)

    def _screen(
        self, judged: Judged, policy: Policy, order: Order, answers: Mapping[str, str], links: Sequence[str]
    ) -> tuple[Mapping[str, str], Screen]:
        """Return what counts of the answers, and the next screen.

        What a response claims to be of the chart, and the chart does not say, counts as "don't know"; otherwise the
        same question would come back for ever. `links` are the questions that were asked.
        """
        while True:
            screen = self._judge.next_screen(judged, policy, order, answers)
            left = {link for each in screen.determination.questions for link in screen_links(each)}
            unknown = {link: "" for link in links if link in left and link not in answers}
            if not unknown:
                return answers, screen
            answers = {**answers, **unknown}

    def _is_last(
        self, judged: Judged, policy: Policy, order: Order, answers: Mapping[str, str], screen: Screen
    ) -> bool:
        """Return whether nothing more is asked, whatever is answered to a screen (spec-39)."""
        if screen.question is None or not is_last_screen(screen):
            return False
        for given in _possible_answers(screen.question):
            after = self._judge.next_screen(judged, policy, order, {**answers, **given})
            if after.question is not None and not after.is_settled:
                return False
        return True


def _refuse(faults: Iterable[Fault], place: str) -> None:
    found = [Issue("invalid", each.says, f"{place}{each.expression.removeprefix(_TYPE)}") for each in faults]
    if found:
        raise RefusedError(400, *found[:MOST_ISSUES])


def _references(response: Resource, url: str) -> Iterator[str]:
    for extension in items(response.get("extension")):
        if extension.get("url") == url:
            for each in items(extension.get("valueReference")):
                if isinstance(each.get("reference"), str):
                    yield each["reference"]


def _is_about(response: Resource, patient_id: str) -> bool:
    """Return whether a response names the patient as its subject, or nobody."""
    subjects = [each.get("reference") for each in items(response.get("subject"))]
    return all(isinstance(each, str) and address_of(each).name == f"Patient/{patient_id}" for each in subjects)


def _issued(found: AnsweredOrder, context: FormContext, judged: Judged) -> IssuedAssertion:
    return IssuedAssertion(
        assertion_id=found.assertion_id,
        order=found.order.reference,
        coverage=judged.coverage.reference,
        patient_id=context.patient_id,
        determinations=tuple(each for one in found.assessments for each in one.determinations),
        order_resource=context.order[1],
        extensions=found.extensions,
    )


def _possible_answers(question: Question) -> Iterator[dict[str, str]]:
    """Yield every answer to a question without parts, and the same answer to all of its parts."""
    for each in ("", *(option.code for option in question.options)) if question.options else ("", "yes", "no"):
        yield dict.fromkeys((part.id for part in question.parts or (question,)), each)
