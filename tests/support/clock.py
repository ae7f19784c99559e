"""A clock that a test sets."""

from dataclasses import dataclass
from datetime import datetime


@dataclass
class SetClock:
    """Gives the moment that it is set to."""

    now: datetime

    def __call__(self) -> datetime:
        """Return that moment."""
        return self.now
