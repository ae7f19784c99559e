"""A patient laid over a revision: the one walk for that revision alone, and the status of each criterion in words."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

from cards.phrasing import chart_words, plain_evidence
from cds_service.hooks.errors import RefusedError
from cds_service.hooks.request import HookRequest, read_request
from cds_service.hooks.review import Review, review
from cds_service.http.services import Services
from cds_service.records.order_keys import order_keys
from cds_service.web.criterion_words import REASONS, STATUSES
from cds_service.web.form_view import Badge
from cds_service.web.sandbox.case import Case
from cds_service.web.sandbox.hook_calls import SIGN, hook_body
from cds_service.web.sandbox.reading import open_chart
from coverage_policies.format.model import Policy
from coverage_policies.format.terms import Reason
from coverage_policies.judging.determination import CriterionResult, Determination

_NOT_COUNTED = "It does not count for this order."


@dataclass(frozen=True, slots=True)
class Finding:
    """The status of a criterion for a patient, why, and the evidence in words."""

    badge: Badge
    because: tuple[str, ...]
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Overlay:
    """A determination for one order of a case, and its findings by the id of the criterion.

    `notes` say what limits it: how it was judged, and what of the chart was not read.
    """

    determination: Determination
    findings: Mapping[str, Finding]
    notes: tuple[str, ...]


class NoOverlayError(Exception):
    """There is nothing to lay over the policy; the message says why, and quotes nothing of the chart."""


def overlay(policy: Policy, case: Case, order: str, token: str, found: Services) -> Overlay:
    """Judge an order of a case, by its reference, by one revision alone, whatever the date and whoever pays.

    `token` is that for the FHIR server. Raise NoOverlayError.
    """
    try:
        request = read_request(hook_body(SIGN, case, token, (), found.new_id))
        reviewed = _review(request, policy, case, token, found)
        if reviewed.refusal is not None:
            raise reviewed.refusal
    except RefusedError as error:
        raise NoOverlayError(" ".join(issue.diagnostics for issue in error.issues)) from None
    determination = next((each for each in reviewed.determinations if each.order == order), None)
    if determination is None:
        raise NoOverlayError("The case has no such order to judge.")
    notes = dict.fromkeys((*determination.notes, *reviewed.record.notes))
    if determination.unread:
        notes[f"Not read completely: {', '.join(determination.unread)}."] = None
    return Overlay(
        determination,
        {each.id: _finding(each, order) for each in determination.criteria},
        tuple(map(chart_words, notes)),
    )


def _review(request: HookRequest, policy: Policy, case: Case, token: str, found: Services) -> Review:
    with found.turns.turn() as turn:
        return review(
            request,
            found.assessor.limited_to(policy),
            found.limits,
            open_source=partial(open_chart, case, token),
            clock=found.clock,
            monotonic=found.monotonic,
            waiting=turn.waiting,
            order_key=order_keys(found.pseudonym, request.patient_id),
        )


def _finding(result: CriterionResult, order: str) -> Finding:
    badge = STATUSES[result.status]
    because = [REASONS[result.reason]] if result.reason and not result.is_group else []
    if result.is_for_review and result.reason is not Reason.CASE_REVIEW:
        because.append(REASONS[Reason.CASE_REVIEW])
    if result.counted is None:
        badge = replace(badge, kind="plain")
        because.append(_NOT_COUNTED)
    because += [chart_words(note) for note in result.notes]
    seen = () if result.is_group else dict.fromkeys(plain_evidence(each, order) for each in result.evidence)
    return Finding(badge, tuple(because), tuple(each for each in seen if each))
