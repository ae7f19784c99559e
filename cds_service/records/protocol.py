"""What the service asks of whatever keeps its records."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from cds_service.hooks.feedback import Feedback
from cds_service.hooks.request import HookRequest
from cds_service.hooks.response import HookResponse
from cds_service.observability.call_log import Call
from cds_service.records.database import UnavailableError

Cards: TypeAlias = tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Override:
    """A card of a policy that was overridden, and why; both are `unknown` or `none` where that is not known."""

    policy: str
    reason: str


class Records(Protocol):
    """Keeps decisions and feedback. Safe to use from several threads. `path` is the address that was called.

    Each method raises UnavailableError where what it was given could not be stored.
    """

    def answered(self, call: Call, path: str, request: HookRequest, response: HookResponse) -> Cards:
        """Store what was decided; returns the cards to show, which leaves out those that would be nagging."""

    def refused(self, call: Call, path: str, status: int) -> None:
        """Store that a call was answered with an error."""

    def feedback(self, call: Call, path: str, given: Iterable[Feedback]) -> tuple[Override, ...]:
        """Store what became of cards, each piece once however often it is given; returns new overrides."""


class NullStore:
    """Keeps nothing and holds nothing back."""

    def answered(self, call: Call, path: str, request: HookRequest, response: HookResponse) -> Cards:  # noqa: ARG002
        """Every card."""
        return response.cards

    def refused(self, call: Call, path: str, status: int) -> None:
        """Nothing."""

    def feedback(self, call: Call, path: str, given: Iterable[Feedback]) -> tuple[Override, ...]:  # noqa: ARG002
        """Nothing."""
        return ()


class BestEffortStore:
    """Other records, but a decision that they cannot store is answered all the same, and the log says so loudly."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def answered(self, call: Call, path: str, request: HookRequest, response: HookResponse) -> Cards:
        """Store what was decided, or else every card."""
        try:
            return self._records.answered(call, path, request, response)
        except UnavailableError as error:
            call.failure = f"answered unrecorded: {error}"
            return response.cards

    def refused(self, call: Call, path: str, status: int) -> None:
        """Store that a call was answered with an error."""
        self._records.refused(call, path, status)

    def feedback(self, call: Call, path: str, given: Iterable[Feedback]) -> tuple[Override, ...]:
        """Store what became of cards: what is not stored is not acknowledged."""
        return self._records.feedback(call, path, given)
