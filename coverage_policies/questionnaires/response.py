"""Responses for one order: the draft with each answer that the chart gives, and what a practitioner answered."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from coverage_policies.format.canonicals import questionnaire_canonical
from coverage_policies.format.model import PATHWAY, SIDE, Criterion, Policy
from coverage_policies.format.terms import Status
from coverage_policies.judging.determination import CriterionResult, Determination
from coverage_policies.questionnaires.enabling import Answer, enabled
from coverage_policies.questionnaires.extensions import (
    RESPONSE,
    answer_evidence,
    intended_uses,
    origin,
    response_context,
    response_coverage,
)
from coverage_policies.questionnaires.items import Item, form_items
from fhir_mappings.record import Evidence

Settled = tuple[Answer, list[dict[str, Any]]]
"""An answer, and its extensions: where it comes from."""


def draft_response(
    policy: Policy,
    determination: Determination | None,
    canonical_base: str,
    *,
    patient: str,
    authored: datetime,
    coverage: str = "",
    for_prior_authorization: bool = False,
) -> dict[str, Any]:
    """Return a QuestionnaireResponse in progress, with what the determination of an order under a revision settles.

    Without a determination it is about no order yet, and has no answers. `patient` and `coverage` are references,
    `authored` has a zone. Left open is what the determination leaves open, what is presumed, whether the policy
    applies, which an answer would settle for all its codes, and criteria that are judged as of an earlier day, too, for
    which an answer would count as well. Questions that other answers make moot have no answer. Without a coverage the
    response does not claim DTR's profile, which asks for one.
    """
    form = form_items(policy)
    settled = settled_answers(policy, determination, form) if determination else {}
    response: dict[str, Any] = {
        "resourceType": "QuestionnaireResponse",
        "meta": {"profile": [RESPONSE]} if coverage else None,
        "extension": [
            *([response_coverage(coverage)] if coverage else []),
            *([response_context({"reference": determination.order})] if determination else []),
            *intended_uses(for_prior_authorization=for_prior_authorization),
        ],
        "questionnaire": _canonical(policy, canonical_base),
        "status": "in-progress",
        "subject": {"reference": patient},
        "authored": authored.isoformat(timespec="seconds"),
        "item": list(response_items(form, settled)),
    }
    return {name: value for name, value in response.items() if value}


def practitioners_response(
    policy: Policy,
    answers: Mapping[str, str],
    canonical_base: str,
    *,
    patient: str,
    author: str,
    order: Mapping[str, Any],
    authored: datetime,
    status: str,
) -> dict[str, Any]:
    """Return a QuestionnaireResponse with what a practitioner answered about an order, and with nothing else.

    `answers` are `yes`, `no`, or the code of an option, by `linkId`; an empty one, "don't know", is left out, as is one
    that other answers make moot. `patient` and `author` are references, `order` is a Reference, and `authored` has a
    zone.
    """
    form = form_items(policy)
    yes_no = {"yes": True, "no": False}
    given = {link: yes_no.get(value, value) for link, value in answers.items() if value}
    shown = set(enabled(form, given))
    made = [origin("manual", author)]
    response: dict[str, Any] = {
        "resourceType": "QuestionnaireResponse",
        "extension": [response_context(order), *intended_uses()],
        "basedOn": [order],
        "questionnaire": _canonical(policy, canonical_base),
        "status": status,
        "subject": {"reference": patient},
        "authored": authored.isoformat(timespec="seconds"),
        "author": {"reference": author},
        "item": list(response_items(form, {link: (answer, made) for link, answer in given.items() if link in shown})),
    }
    return {name: value for name, value in response.items() if value}


def _canonical(policy: Policy, canonical_base: str) -> str:
    return questionnaire_canonical(canonical_base, policy.name, policy.revision, policy.edition)


def settled_answers(policy: Policy, determination: Determination, form: Sequence[Item]) -> dict[str, Settled]:
    """Return each answer that a determination settles by its `linkId`, without those that others make moot.

    `form` are the items of the standard form.
    """
    found = dict(_answers(policy, determination))
    shown = set(enabled(form, {link: answer for link, (answer, _) in found.items()}))
    return {link: settled for link, settled in found.items() if link in shown}


def _answers(policy: Policy, determination: Determination) -> Iterator[tuple[str, Settled]]:
    """Yield each settled answer by its `linkId`, with its origin and the evidence for it."""
    if determination.side:
        yield SIDE, (determination.side, _from_chart([Evidence(determination.order, "Order", "")]))
    if determination.pathway:
        yield PATHWAY, (determination.pathway, _from_chart([]))
    results = {each.id: each for each in determination.criteria}
    looked_back_at = frozenset(_looked_back_at(policy))
    for c in policy.walk():
        result = results.get(c.id)
        is_settled = result is not None and result.status is not Status.UNKNOWN and result.counted is not None
        if result is not None and is_settled and c.id not in looked_back_at:
            is_yes = (result.status is Status.MET) is (c.met_by == "yes")
            yield c.id, (is_yes, _from_chart(dict.fromkeys(_evidence(c, result, results))))


def _looked_back_at(policy: Policy) -> Iterator[str]:
    """Yield the criteria that another one needs as of the day of an earlier procedure."""
    for c in policy.walk():
        for name in c.needs if c.on_date_of else ():
            yield from (each.id for each in policy.index[name].walk())


def _evidence(c: Criterion, result: CriterionResult, results: Mapping[str, CriterionResult]) -> Iterator[Evidence]:
    """Yield the evidence of a criterion, and of those below it that have its status."""
    for each in c.walk():
        below = results.get(each.id)
        if below is not None and below.status is result.status:
            yield from below.evidence


def response_items(form: Iterable[Item], answers: Mapping[str, Settled]) -> Iterator[Item]:
    """Yield the items of a response: those with an answer, in the groups of the form."""
    for item in form:
        settled = answers.get(item["linkId"]) if item["type"] != "group" else None
        members = {
            "answer": [_answer(item, *settled)] if settled else [],
            "item": list(response_items(item.get("item", ()), answers)),
        }
        if any(members.values()):
            kept = {name: value for name, value in members.items() if value}
            yield {"linkId": item["linkId"], "text": item["text"], **kept}


def _answer(item: Item, answer: Answer, extensions: list[dict[str, Any]]) -> dict[str, Any]:
    if isinstance(answer, bool):
        value: dict[str, Any] = {"valueBoolean": answer}
    else:
        codings = (option["valueCoding"] for option in item["answerOption"])
        value = {"valueCoding": next(coding for coding in codings if coding["code"] == answer)}
    return {"extension": extensions, **value}


def _from_chart(evidence: Iterable[Evidence]) -> list[dict[str, Any]]:
    shown = ((each.reference, _words(each)) for each in evidence if each.reference)
    return [origin("auto-server"), *answer_evidence(shown)]


def _words(item: Evidence) -> str:
    return ", ".join(filter(None, (item.label, item.value, item.date)))
