"""A dict that forgets its oldest entries."""

from threading import Lock
from typing import Generic, TypeVar

T = TypeVar("T")


class Bounded(Generic[T]):
    """The newest entries by key, at most `most`; safe for several threads."""

    def __init__(self, most: int = 1_000) -> None:
        self._most = most
        self._entries: dict[str, T] = {}
        self._lock = Lock()

    def put(self, key: str, value: T) -> None:
        """Store a value, and drop the oldest one if there are too many."""
        with self._lock:
            self._entries[key] = value
            if len(self._entries) > self._most:
                del self._entries[next(iter(self._entries))]

    def get(self, key: str) -> T | None:
        """Return the value of a key; None if there is none."""
        return self._entries.get(key)

    def take(self, key: str) -> T | None:
        """Return the value of a key and remove it; None if there is none."""
        with self._lock:
            return self._entries.pop(key, None)
