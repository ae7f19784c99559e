"""Calls take turns at computing: Python runs one thread at a time, and calls that share it all take longer.

Thirty calls that compute side by side take twice the CPU time of thirty calls one after another, since threads that
compete for the interpreter interrupt each other and their data leave the caches of the processor.

A thread that only needs a moment between waits, such as one that writes to the database, takes a brief turn ahead of
the calls that wait: beside a call that computes, it would lose the interpreter at every statement.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

PATIENCE_SECONDS = 1.0
"""How long a call waits for its turn; then it computes beside the others, so that a long call stops nobody."""
BRIEF_PATIENCE_SECONDS = 0.05
"""How long a thread waits for a brief turn: a few turns of calls of usual length."""


class Turns:
    """The turns of one process. Safe to use from several threads."""

    def __init__(self, patience_seconds: float = PATIENCE_SECONDS) -> None:
        self._free = threading.Lock()
        self._next = threading.Lock()
        """Belongs to the call that is next, for which the others wait; brief turns wait for `_free` only."""
        self._patience_seconds = patience_seconds
        self._holder: int | None = None
        """The thread whose turn it is."""

    @contextmanager
    def turn(self) -> Iterator["Turn"]:
        """Compute in turn while the context lasts."""
        turn = Turn(self)
        turn.take()
        try:
            yield turn
        finally:
            turn.give_back()

    @contextmanager
    def brief_turn(self) -> Iterator[None]:
        """Compute for a moment while the context lasts; at once if it is this thread's turn already."""
        is_taken = self._holder != threading.get_ident() and self._take_free(BRIEF_PATIENCE_SECONDS)
        try:
            yield
        finally:
            if is_taken:
                self.give_back()

    def take(self) -> bool:
        """Wait for a turn as long as patience lasts; return whether it is ours."""
        until = time.monotonic() + self._patience_seconds
        if not self._next.acquire(timeout=self._patience_seconds):
            return False
        try:
            return self._take_free(max(until - time.monotonic(), 0))
        finally:
            self._next.release()

    def give_back(self) -> None:
        """Let another thread have our turn."""
        self._holder = None
        self._free.release()

    def _take_free(self, seconds: float) -> bool:
        is_taken = self._free.acquire(timeout=seconds)
        if is_taken:
            self._holder = threading.get_ident()
        return is_taken


class Turn:
    """The turn of one call, which it takes and gives back in one thread."""

    def __init__(self, turns: Turns) -> None:
        self._turns = turns
        self.is_taken = False
        """Whether the call has its turn; if not, it waits, or has lost patience."""

    def take(self) -> None:
        """Wait for the turn, as long as patience lasts."""
        self.is_taken = self._turns.take()

    def give_back(self) -> None:
        """Let the next call have its turn."""
        if self.is_taken:
            self.is_taken = False
            self._turns.give_back()

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Let other calls compute while the context lasts, in which this one only waits."""
        self.give_back()
        try:
            yield
        finally:
            self.take()
