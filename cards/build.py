"""Build the cards of a call: which assessments are shown, as what card, and in what order."""

from collections.abc import Callable, Iterable
from typing import Any

from cards import multiple_policies, wording
from cards.gaps import gaps
from cards.override_reasons import OVERRIDE_REASONS
from coverage_policies.format.terms import Outcome
from coverage_policies.judging.assessment import Assessment, Suggestion
from coverage_policies.judging.determination import Determination

ORDER_SIGN = "order-sign"
DETERMINATION = "cds-service.determination"
"""The card extension that carries the determinations behind the card."""

_INDICATOR = {Outcome.NOT_SUPPORTED: "warning", Outcome.CRITERIA_NOT_MET: "warning"}
"""Never `critical`: coverage is a payment matter, not a clinical danger."""


def is_shown(assessment: Assessment, hook: str) -> bool:
    """Return whether an assessment gets a card.

    Only on order-sign: `supported`, and the question whether a policy applies. Never: `not-applicable`.
    """
    if assessment.outcome is Outcome.SUPPORTED or assessment.only_asks_whether_it_applies:
        return hook == ORDER_SIGN
    return assessment.outcome is not Outcome.NOT_APPLICABLE


def _visible(assessments: Iterable[Assessment], hook: str) -> tuple[Assessment, ...]:
    """Return the assessments that become cards, the worst outcome first."""
    rank = list(Outcome)
    shown = sorted(
        (each for each in assessments if is_shown(each, hook)),
        key=lambda each: (rank.index(each.outcome), each.determinations[0].order, each.determinations[0].full_name),
    )
    return tuple(shown)


def build_cards(
    assessments: Iterable[Assessment], hook: str, new_id: Callable[[], str]
) -> tuple[tuple[Assessment, dict[str, Any]], ...]:
    """Return each assessment that is shown on this hook with its card, in order of display.

    `new_id` makes the UUIDs of cards and suggestions.
    """
    return tuple((each, card(each, new_id)) for each in _visible(assessments, hook))


def card(assessment: Assessment, new_id: Callable[[], str]) -> dict[str, Any]:
    """Return one CDS Hooks card (CDS Hooks 2.0.1, Card attributes) for all determinations of an assessment.

    It lists the `suggestions` of the assessment in their order.
    """
    determinations = assessment.determinations
    several = len(determinations) > 1
    only = determinations[0]
    found: dict[str, Any] = {
        "uuid": new_id(),
        "summary": multiple_policies.summary(assessment) if several else wording.summary(only),
        "indicator": _INDICATOR.get(assessment.outcome, "info"),
        "source": {"label": multiple_policies.source(assessment) if several else _source(only)},
        "extension": {DETERMINATION: [each.as_json() for each in determinations] if several else only.as_json()},
    }
    if assessment.outcome is not Outcome.SUPPORTED:
        found["detail"] = multiple_policies.detail(assessment) if several else wording.detail(only)
        if assessment.suggestions:
            found["suggestions"] = [_suggestion(each, new_id) for each in assessment.suggestions]
            found["selectionBehavior"] = "at-most-one"
        found["overrideReasons"] = [dict(reason) for reason in OVERRIDE_REASONS]
    elif lines := list(gaps(determinations)):
        found["detail"] = "\n".join([*lines, *wording.footer(())])
    return found


def _suggestion(suggestion: Suggestion, new_id: Callable[[], str]) -> dict[str, Any]:
    """Return a suggestion that replaces the draft order (CDS Hooks 2.0.1, Suggestion and Action)."""
    action = {"type": "update", "description": suggestion.label, "resource": suggestion.resource}
    return {"label": suggestion.label, "uuid": new_id(), "actions": [action]}


def _source(determination: Determination) -> str:
    section = f", section {determination.section}" if determination.section else ""
    text = f"{determination.policy} {determination.title}{section}, revision {determination.revision}"
    return f"{determination.owner}: {text}"
