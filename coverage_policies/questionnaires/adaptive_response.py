"""The response to an adaptive form of Da Vinci DTR 2.2.0: its draft for one order, and what follows each call."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from coverage_policies.format.model import Policy
from coverage_policies.judging.determination import Determination
from coverage_policies.questionnaires.adaptive import STEP_ID, contained_questionnaire
from coverage_policies.questionnaires.extensions import (
    ADAPTIVE_RESPONSE,
    COVERAGE_INFORMATION,
    intended_uses,
    response_context,
    response_coverage,
)
from coverage_policies.questionnaires.items import form_items
from coverage_policies.questionnaires.response import response_items, settled_answers
from fhir_mappings.answers import contained_form
from fhir_mappings.fhir_json import Resource

_OWN_FORM = f"#{STEP_ID}"


def adaptive_draft(
    policy: Policy,
    determination: Determination,
    canonical_base: str,
    next_question: str,
    *,
    patient: str,
    authored: datetime,
    order: Mapping[str, Any] | None = None,
    coverage: str = "",
    context: str = "",
    for_prior_authorization: bool = False,
) -> dict[str, Any]:
    """Return a QuestionnaireResponse in progress with the answers that the determination of an order settles.

    They are those of the draft of the standard form (`draft_response`), for a clinician to review, and its contained
    form has their questions (DTR 2.2.0, spec-25, spec-26, and spec-40). `order` is a Reference, by default to the
    order of the determination; `patient` and `coverage` are references, `authored` has a zone, and `context` is for
    the next call. Without a coverage the response does not claim DTR's profile, which asks for one.
    """
    settled = settled_answers(policy, determination, form_items(policy))
    contained = contained_questionnaire(policy, canonical_base, next_question, list(settled), context=context)
    response: dict[str, Any] = {
        "resourceType": "QuestionnaireResponse",
        "meta": {"profile": [ADAPTIVE_RESPONSE]} if coverage else None,
        "contained": [contained],
        "extension": [
            *([response_coverage(coverage)] if coverage else []),
            response_context(order or {"reference": determination.order}),
            *intended_uses(for_prior_authorization=for_prior_authorization),
        ],
        "questionnaire": _OWN_FORM,
        "status": "in-progress",
        "subject": {"reference": patient},
        "authored": authored.isoformat(timespec="seconds"),
        "item": list(response_items(contained.get("item", ()), settled)),
    }
    return {name: value for name, value in response.items() if value}


def next_response(
    received: Resource,
    contained: Mapping[str, Any],
    *,
    status: str,
    coverage_information: Iterable[Resource] = (),
) -> dict[str, Any]:
    """Return the response that a client sent, with the form that now asks, its status, and what it is covered by.

    `contained` is the form of `contained_questionnaire`. It takes the place of the form that the response contained,
    and these extensions that of its coverage information. All else, the answers above all, stays as it was received.
    """
    changed: dict[str, Any] = {
        "contained": list(_contained(received, contained)),
        "questionnaire": _OWN_FORM,
        "status": status,
        "extension": [*_other_extensions(received), *coverage_information],
    }
    found = {name: changed.get(name, value) for name, value in {**received, **changed}.items()}
    return found if found["extension"] else {name: value for name, value in found.items() if name != "extension"}


def _contained(received: Resource, form: Mapping[str, Any]) -> Iterator[Any]:
    """Yield the contained resources of a response, its form replaced."""
    replaced = contained_form(received)
    contained = received.get("contained")
    others = contained if isinstance(contained, list) else []
    if not any(each is replaced for each in others):
        yield form
    for each in others:
        yield form if each is replaced else each


def _other_extensions(received: Resource) -> Iterator[Any]:
    found = received.get("extension")
    for each in found if isinstance(found, list) else ():
        if not isinstance(each, Mapping) or each.get("url") != COVERAGE_INFORMATION:
            yield each
