"""How much time is left for one call."""

import time
from collections.abc import Callable


class Deadline:
    """A moment `seconds` from now, on a clock that never goes back."""

    def __init__(self, seconds: float, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._end = monotonic() + seconds

    def remaining(self) -> float:
        """The seconds left, never below zero."""
        return max(0.0, self._end - self._monotonic())
