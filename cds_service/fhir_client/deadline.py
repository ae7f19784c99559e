"""The time limit of one call."""

import time
from collections.abc import Callable


class Deadline:
    """A point `seconds` from now on a monotonic clock."""

    def __init__(self, seconds: float, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._end = monotonic() + seconds

    def remaining(self) -> float:
        """Return the seconds left, never below zero."""
        return max(0.0, self._end - self._monotonic())
