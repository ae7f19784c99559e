"""Send feedback on a card to the service that returned it (CDS Hooks 2.0.1, Feedback)."""

from typing import Any

from cds_service.http.services import services
from cds_service.web.sandbox.hook_calls import Reply, send
from cds_service.web.sandbox.shown_cards import ShownCard


def accept(card: ShownCard, index: int) -> Reply:
    """Tell the service that the user accepted a suggestion."""
    return _send(card, {"outcome": "accepted", "acceptedSuggestions": [{"id": card.suggestions[index]["uuid"]}]})


def override(card: ShownCard, reason: str, system: str, comment: str) -> Reply:
    """Tell the service that the user overrode the card; without a reason and a comment, that alone."""
    given: dict[str, Any] = {}
    if reason:
        given["reason"] = {"code": reason, "system": system}
    if comment:
        given["userComment"] = comment
    return _send(card, {"outcome": "overridden", **({"overrideReason": given} if given else {})})


def _send(card: ShownCard, entry: dict[str, Any]) -> Reply:
    moment = services().clock().isoformat(timespec="seconds")
    sent = {"feedback": [{"card": card.uuid, **entry, "outcomeTimestamp": moment}]}
    return send(f"/cds-services/{card.service}/feedback", sent)
