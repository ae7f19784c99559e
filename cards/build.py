"""Which assessments are shown, as which card, in which order (the table of outcomes and hooks)."""

from collections.abc import Callable, Iterable
from typing import Any

from cards import multiple_policies, wording
from cards.override_reasons import OVERRIDE_REASONS
from coverage_policies.format.terms import Outcome
from coverage_policies.judging.assessment import Assessment
from coverage_policies.judging.determination import Alternative, Determination

ORDER_SIGN = "order-sign"
DETERMINATION = "cds-service.determination"
"""The extension that carries what a card was made from."""

_INDICATOR = {Outcome.NOT_SUPPORTED: "warning", Outcome.CRITERIA_NOT_MET: "warning"}
"""Never `critical`: a payment matter is no clinical harm."""


def is_shown(outcome: Outcome, hook: str) -> bool:
    """Whether an outcome becomes a card: what is supported only on signing, what does not apply never."""
    if outcome is Outcome.SUPPORTED:
        return hook == ORDER_SIGN
    return outcome is not Outcome.NOT_APPLICABLE


def visible(assessments: Iterable[Assessment], hook: str) -> tuple[Assessment, ...]:
    """The assessments that become cards, the worst outcome first."""
    rank = list(Outcome)
    shown = sorted(
        (each for each in assessments if is_shown(each.outcome, hook)),
        key=lambda each: (rank.index(each.outcome), each.determinations[0].order, each.determinations[0].text),
    )
    return tuple(shown)


def build_cards(assessments: Iterable[Assessment], hook: str, new_id: Callable[[], str]) -> tuple[dict[str, Any], ...]:
    """The cards of an answer, one for each that is `visible`; `new_id` makes their UUIDs."""
    return tuple(card(each, new_id) for each in visible(assessments, hook))


def card(assessment: Assessment, new_id: Callable[[], str]) -> dict[str, Any]:
    """One CDS Hooks card (CDS Hooks 2.0.1, Card attributes). Texts applied side by side share one."""
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
        alternatives = _agreed_alternatives(determinations)
        if alternatives:
            found["suggestions"] = [_suggestion(each, new_id) for each in alternatives]
            found["selectionBehavior"] = "at-most-one"
        found["overrideReasons"] = [dict(reason) for reason in OVERRIDE_REASONS]
    return found


def _agreed_alternatives(determinations: tuple[Determination, ...]) -> tuple[Alternative, ...]:
    """What helps under every text: a suggestion that only one of them wants is none."""
    offered = [{each.says for each in determination.alternatives} for determination in determinations]
    return tuple(each for each in determinations[0].alternatives if all(each.says in says for says in offered))


def _suggestion(alternative: Alternative, new_id: Callable[[], str]) -> dict[str, Any]:
    """The mended order as one that replaces the draft (CDS Hooks 2.0.1, Suggestion and Action)."""
    action = {"type": "update", "description": alternative.says, "resource": alternative.resource}
    return {"label": alternative.says, "uuid": new_id(), "actions": [action]}


def _source(determination: Determination) -> str:
    section = f", section {determination.section}" if determination.section else ""
    text = f"{determination.policy} {determination.title}{section}, revision {determination.revision}"
    return f"{determination.owner}: {text}"
