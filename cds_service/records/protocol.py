"""The interface of the store for decisions and feedback, and its variants without and around a database."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from cards.build import AssessedCard
from cds_service.hooks.feedback import Feedback
from cds_service.hooks.request import HookRequest
from cds_service.hooks.response import HookResponse
from cds_service.observability.call_log import Call
from cds_service.records.database import UnavailableError


@dataclass(frozen=True, slots=True)
class Override:
    """A new override: the policy (`unknown` for a card that is not ours) and the reason (`none` without one)."""

    policy: str
    reason: str


class Records(Protocol):
    """Stores decisions and feedback. Safe to use from several threads. `path` is the path of the request.

    Each method raises UnavailableError if it cannot store its input.
    """

    def store_decision(
        self, call: Call, path: str, request: HookRequest, response: HookResponse
    ) -> tuple[AssessedCard, ...]:
        """Store an answer; return the cards to show, without suppressed ones."""

    def store_refusal(self, call: Call, path: str, status: int) -> None:
        """Store that the answer to a call was an error with this HTTP status."""

    def store_feedback(self, call: Call, path: str, given: Iterable[Feedback]) -> tuple[Override, ...]:
        """Store feedback, once even if it comes again; return the new overrides."""


class NullStore:
    """Stores nothing and suppresses no card."""

    def store_decision(
        self,
        call: Call,  # noqa: ARG002
        path: str,  # noqa: ARG002
        request: HookRequest,  # noqa: ARG002
        response: HookResponse,
    ) -> tuple[AssessedCard, ...]:
        return response.cards

    def store_refusal(self, call: Call, path: str, status: int) -> None:
        pass

    def store_feedback(self, call: Call, path: str, given: Iterable[Feedback]) -> tuple[Override, ...]:  # noqa: ARG002
        return ()


class BestEffortStore:
    """A store whose failures do not prevent the answer to a call; the log line of the call reports them as errors."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def store_decision(
        self, call: Call, path: str, request: HookRequest, response: HookResponse
    ) -> tuple[AssessedCard, ...]:
        """Store an answer; if that fails, return every card."""
        try:
            return self._records.store_decision(call, path, request, response)
        except UnavailableError as error:
            call.failure = f"answered unrecorded: {error}"
            return response.cards

    def store_refusal(self, call: Call, path: str, status: int) -> None:
        """Store that the answer to a call was an error."""
        self._records.store_refusal(call, path, status)

    def store_feedback(self, call: Call, path: str, given: Iterable[Feedback]) -> tuple[Override, ...]:
        """Store feedback; raise UnavailableError if that fails, so that the client sends it again."""
        return self._records.store_feedback(call, path, given)
