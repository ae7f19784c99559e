"""The response to a CDS Hooks call: the cards of a review."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from uuid import UUID

from cards.build import AssessedCard, build_cards, is_shown
from cards.links import NO_ADDRESSES, Addresses, AppLink
from cards.style import CardStyle
from cds_service.hooks.review import Review
from cds_service.settings import Settings
from coverage_policies.judging.assessment import Assessment
from coverage_policies.judging.plan_rules import PlanRules, Visibility


@dataclass(frozen=True, slots=True)
class HookResponse:
    """The cards of a review in the order of display, and the assessments that no card shows."""

    review: Review
    cards: tuple[AssessedCard, ...]
    not_shown: tuple[Assessment, ...]


def default_style(settings: Settings) -> CardStyle:
    """Return how clients want their cards unless they say otherwise."""
    return CardStyle(settings.card_tables, settings.card_selection_behavior, settings.card_actions)


def canonical_base_of(settings: Settings) -> str:
    """Return the address that the canonicals of questionnaires start with."""
    return settings.canonical_base or settings.public_url


def addresses_of(settings: Settings, *, app: AppLink | None = None) -> Addresses:
    """Return what cards may name. The policy pages are open to every browser; `app` is the questionnaire app."""
    return Addresses(canonical_base_of(settings), f"{settings.public_url.rstrip('/')}/policies", app)


def respond(
    review: Review,
    rules: PlanRules,
    hook: str,
    style: CardStyle,
    card_id: Callable[[Assessment], UUID],
    addresses: Addresses = NO_ADDRESSES,
) -> HookResponse:
    """Build the cards of a review. Policies in shadow mode are evaluated but not shown.

    `card_id` makes the id of the card of an assessment.
    """
    shown = [part for each in review.assessments if (part := visible_part(each, rules, hook, Visibility.ON))]
    shadows = [part for each in review.assessments if (part := visible_part(each, rules, hook, Visibility.SHADOW))]
    cards = tuple(
        AssessedCard(assessment, card, assessment.suggestions if "suggestions" in card else ())
        for assessment, card in build_cards(shown, hook, style, card_id, addresses)
    )
    not_shown = (*(each for each in shown if not is_shown(each, hook)), *shadows)
    return HookResponse(review, cards, not_shown)


def visible_part(assessment: Assessment, rules: PlanRules, hook: str, visibility: Visibility) -> Assessment | None:
    """Return the assessment under the revisions of one visibility; None if there are none."""
    kept = tuple(d for d in assessment.determinations if rules.visibility(d.full_name, hook) is visibility)
    if not kept:
        return None
    return assessment if len(kept) == len(assessment.determinations) else replace(assessment, determinations=kept)
