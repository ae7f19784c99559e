"""The interface of what remembers used tokens, so that each is good for one call."""

from datetime import datetime
from typing import Protocol


class ReplayGuard(Protocol):
    """Remembers used tokens for all processes of the service. Safe to use from several threads."""

    def first_use(self, issuer: str, jti: str, until: datetime) -> bool:
        """Return whether the issuer uses this token id for the first time, and remember it until that moment."""
