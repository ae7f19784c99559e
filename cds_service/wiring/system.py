"""The clock and ids of this machine; all other code receives them as arguments."""

import uuid
from datetime import UTC, datetime


def now() -> datetime:
    """Return the current time, with its zone."""
    return datetime.now(UTC)


def new_id() -> str:
    """Return a new UUID."""
    return str(uuid.uuid4())
