"""Calls take turns at computing: Python runs one thread at a time, and calls that share it all take longer.

Thirty calls that compute side by side take twice the CPU time of thirty calls one after another, since threads that
compete for the interpreter interrupt each other and their data leave the caches of the processor.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

PATIENCE_SECONDS = 1.0
"""How long a call waits for its turn; then it computes beside the others, so that a long call stops nobody."""


class Turns:
    """The turns of one process. Safe to use from several threads."""

    def __init__(self, patience_seconds: float = PATIENCE_SECONDS) -> None:
        self._free = threading.Lock()
        self._patience_seconds = patience_seconds

    @contextmanager
    def turn(self) -> Iterator["Turn"]:
        """Compute in turn while the context lasts."""
        turn = Turn(self._free, self._patience_seconds)
        turn.take()
        try:
            yield turn
        finally:
            turn.give_back()


class Turn:
    """The turn of one call, which it takes and gives back in one thread."""

    def __init__(self, free: threading.Lock, patience_seconds: float) -> None:
        self._free = free
        self._patience_seconds = patience_seconds
        self.is_taken = False
        """Whether the call has its turn; if not, it waits, or has lost patience."""

    def take(self) -> None:
        """Wait for the turn, as long as patience lasts."""
        self.is_taken = self._free.acquire(timeout=self._patience_seconds)

    def give_back(self) -> None:
        """Let the next call have its turn."""
        if self.is_taken:
            self.is_taken = False
            self._free.release()

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Let other calls compute while the context lasts, in which this one only waits."""
        self.give_back()
        try:
            yield
        finally:
            self.take()
