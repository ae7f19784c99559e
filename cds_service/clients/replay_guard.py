"""Tokens are good for one call: what remembers those that were used."""

import threading
from collections.abc import Callable
from datetime import datetime
from typing import Protocol

_PRUNED_EVERY = 1000


class ReplayGuard(Protocol):
    """Remembers tokens that were used, for every process that serves; safe to use from threads."""

    def first_use(self, issuer: str, jti: str, until: datetime) -> bool:
        """Whether this is the first use of a token's id; it is remembered until that moment."""


class InMemoryReplayGuard:
    """Remembers within one process: for tests, and a service with one worker."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._until: dict[tuple[str, str], datetime] = {}
        self._lock = threading.Lock()
        self._prune_at = _PRUNED_EVERY

    def first_use(self, issuer: str, jti: str, until: datetime) -> bool:
        """See `ReplayGuard`."""
        now = self._clock()
        with self._lock:
            if len(self._until) >= self._prune_at:
                self._until = {key: end for key, end in self._until.items() if end > now}
                self._prune_at = 2 * len(self._until) + _PRUNED_EVERY
            if self._until.get((issuer, jti), now) > now:
                return False
            self._until[issuer, jti] = until
            return True

    def __len__(self) -> int:
        return len(self._until)
