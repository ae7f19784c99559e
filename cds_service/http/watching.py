"""Let a caller in this process see the review behind a response, which no client may see."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from flask import request

from cards.build import AssessedCard
from cds_service.hooks.response import HookResponse

WATCHER = "cds_service.watcher"
"""The key of the WSGI environment with the watcher. A header cannot set it: every header's key begins with HTTP_."""


@dataclass(frozen=True, slots=True)
class Answered:
    """What was found for a call: every card with its review, and the cards that were shown, without suppressed ones."""

    response: HookResponse
    shown: tuple[AssessedCard, ...]

    @property
    def suppressed(self) -> tuple[AssessedCard, ...]:
        """Return the cards that are not shown, because the user overrode them."""
        kept = {each.card["uuid"] for each in self.shown}
        return tuple(each for each in self.response.cards if each.card["uuid"] not in kept)


Watcher: TypeAlias = Callable[[Answered], None]
"""Takes what was found for a call, once, before the call is answered."""


def tell_watcher(response: HookResponse, shown: Sequence[AssessedCard]) -> None:
    """Tell the watcher of the current request, if it has one, what was found."""
    watcher: Watcher | None = request.environ.get(WATCHER)
    if watcher is not None:
        watcher(Answered(response, tuple(shown)))
