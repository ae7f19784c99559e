"""The answer to a CDS Hooks call: the cards of a review, and what each was made from."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cards.build import build_cards, is_shown
from cds_service.hooks.review import Review
from coverage_policies.judging.assessment import Assessment
from coverage_policies.judging.plan_rules import PlanRules, Visibility


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found about one order and policy, and the card that says so; None where no card is shown."""

    assessment: Assessment
    card: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class HookResponse:
    """The cards of an answer (CDS Hooks 2.0.1, Card) in the order of display, and every finding of the review."""

    review: Review
    cards: tuple[Mapping[str, Any], ...]
    findings: tuple[Finding, ...]


def respond(review: Review, rules: PlanRules, hook: str, new_id: Callable[[], str]) -> HookResponse:
    """Make the cards of a review. Policies that the operator runs in the shadow are judged and not shown."""
    shown = [part for each in review.assessments if (part := _part(each, rules, hook, Visibility.ON))]
    shadows = [part for each in review.assessments if (part := _part(each, rules, hook, Visibility.SHADOW))]
    cards = build_cards(shown, hook, new_id)
    without_card = [*(each for each in shown if not is_shown(each.outcome, hook)), *shadows]
    findings = [*(Finding(*each) for each in cards), *(Finding(each, None) for each in without_card)]
    return HookResponse(review, tuple(card for _, card in cards), tuple(findings))


def _part(assessment: Assessment, rules: PlanRules, hook: str, visibility: Visibility) -> Assessment | None:
    """Return the assessment by the revisions of this visibility alone; None if there are none."""
    kept = tuple(d for d in assessment.determinations if rules.visibility(d.full_name, hook) is visibility)
    return Assessment(kept) if kept else None
