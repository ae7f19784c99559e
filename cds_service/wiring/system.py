"""The clock and the ids of this machine; everything else gets them as arguments."""

import uuid
from datetime import UTC, datetime


def now() -> datetime:
    """Return the current moment, with its zone."""
    return datetime.now(UTC)


def new_id() -> str:
    """Return a new UUID."""
    return str(uuid.uuid4())
