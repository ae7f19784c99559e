"""Which determinations are shown, as which card, in which order (the table of outcomes and hooks)."""

from collections.abc import Callable, Iterable
from typing import Any

from cards.override_reasons import OVERRIDE_REASONS
from cards.wording import detail, summary
from coverage_policies.determination import Alternative, Determination, Outcome

ORDER_SIGN = "order-sign"
_INDICATOR = {Outcome.NOT_SUPPORTED: "warning", Outcome.CRITERIA_NOT_MET: "warning"}
"""Never `critical`: a payment matter is no clinical harm."""


def is_shown(determination: Determination, hook: str) -> bool:
    """Whether a determination becomes a card: what is supported only on signing, what does not apply never."""
    if determination.outcome is Outcome.SUPPORTED:
        return hook == ORDER_SIGN
    return determination.outcome is not Outcome.NOT_APPLICABLE


def deck(determinations: Iterable[Determination], hook: str, new_id: Callable[[], str]) -> tuple[dict[str, Any], ...]:
    """The cards of an answer, the worst outcome first; `new_id` makes their UUIDs."""
    rank = list(Outcome)
    shown = sorted(
        (each for each in determinations if is_shown(each, hook)),
        key=lambda each: (rank.index(each.outcome), each.order, each.text),
    )
    return tuple(card(each, new_id) for each in shown)


def card(determination: Determination, new_id: Callable[[], str]) -> dict[str, Any]:
    """One CDS Hooks card (CDS Hooks 2.0.1, Card attributes)."""
    supported = determination.outcome is Outcome.SUPPORTED
    found: dict[str, Any] = {
        "uuid": new_id(),
        "summary": summary(determination),
        "indicator": _INDICATOR.get(determination.outcome, "info"),
        "source": {"label": _source(determination)},
        "extension": {"cds-service.determination": determination.as_json()},
    }
    if not supported:
        found["detail"] = detail(determination)
        if determination.alternatives:
            found["suggestions"] = [_suggestion(each, new_id) for each in determination.alternatives]
            found["selectionBehavior"] = "at-most-one"
        found["overrideReasons"] = [dict(reason) for reason in OVERRIDE_REASONS]
    return found


def _suggestion(alternative: Alternative, new_id: Callable[[], str]) -> dict[str, Any]:
    """The mended order as one that replaces the draft (CDS Hooks 2.0.1, Suggestion and Action)."""
    action = {"type": "update", "description": alternative.says, "resource": alternative.resource}
    return {"label": alternative.says, "uuid": new_id(), "actions": [action]}


def _source(determination: Determination) -> str:
    section = f", section {determination.section}" if determination.section else ""
    text = f"{determination.policy} {determination.title}{section}, revision {determination.revision}"
    return f"{determination.owner}: {text}"
