"""When to stop judging: a question that the caller answers, asked before each criterion."""

from collections.abc import Callable
from typing import TypeAlias

ShouldStop: TypeAlias = Callable[[], bool]
"""A function that returns whether to stop. After the first yes it is not called again."""


def never() -> bool:
    """Return False: judge everything."""
    return False


class Watch:
    """Asks before each criterion of an evaluation whether to stop, and remembers a yes.

    `is_cut` is whether a criterion was not judged, `has_judged` whether any was.
    """

    def __init__(self, should_stop: ShouldStop) -> None:
        self._should_stop = should_stop
        self.is_cut = False
        self.has_judged = False

    def may_judge(self) -> bool:
        """Return whether to judge the next criterion."""
        self.is_cut = self.is_cut or self._should_stop()
        self.has_judged = self.has_judged or not self.is_cut
        return not self.is_cut
