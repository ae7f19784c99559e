"""What the service tells whoever counts. Every value told here is one of a few, known before any call comes."""

from collections.abc import Mapping
from typing import Any, Protocol

from cds_service.hooks.response import HookResponse
from fhir_mappings.record import Availability

UNKNOWN = "unknown"


class Metrics(Protocol):
    """Counts. Safe to use from several threads; never raises."""

    def answered(self, hook: str, outcome: str, seconds: float) -> None:
        """A call of a hook, or feedback, was answered after so long."""

    def searched(self, resource_type: str, result: Availability) -> None:
        """A FHIR search or read came to its end."""

    def shown(self, policy: str, indicator: str) -> None:
        """A card was shown."""

    def overridden(self, policy: str, reason: str) -> None:
        """A card was overridden, and this is the first that is heard of it."""

    def refused(self, reason: str) -> None:
        """A client was refused."""

    def circuits_open(self, servers: int) -> None:
        """So many FHIR servers are left alone for a while."""


class NoMetrics:
    """Counts nothing."""

    def answered(self, hook: str, outcome: str, seconds: float) -> None:
        """Nothing."""

    def searched(self, resource_type: str, result: Availability) -> None:
        """Nothing."""

    def shown(self, policy: str, indicator: str) -> None:
        """Nothing."""

    def overridden(self, policy: str, reason: str) -> None:
        """Nothing."""

    def refused(self, reason: str) -> None:
        """Nothing."""

    def circuits_open(self, servers: int) -> None:
        """Nothing."""


def outcome_of(status: int, cards: int) -> str:
    """What a call came to, in a word, from its HTTP status and the number of its cards."""
    if status == 200:
        return "cards" if cards else "no-cards"
    known = {401: "not-admitted", 412: "unread", 503: "unavailable"}
    return known.get(status, "failed" if status >= 500 else "refused")


def count_cards(metrics: Metrics, cards: tuple[Mapping[str, Any], ...], response: HookResponse) -> None:
    """Count the cards that are shown, by the policy they are about."""
    policies = {
        finding.card.get("uuid"): finding.assessment.determinations[0].policy
        for finding in response.findings
        if finding.card is not None
    }
    for card in cards:
        metrics.shown(policies.get(card.get("uuid"), UNKNOWN), card.get("indicator", UNKNOWN))
