"""Readings of short texts, such as labels and directions, which repeat within a chart and between charts.

What is kept says nothing of whose chart it came from, is bounded in length and number, and stays in the memory of the
process.
"""

from collections.abc import Callable, Hashable
from functools import lru_cache, wraps
from typing import Generic, TypeVar

T = TypeVar("T")

LONGEST = 200
"""The most characters of a label or phrase whose reading is kept."""

LONGEST_CONTENT = 500
"""The same for the elements of a data type, as one text or as JSON."""

KEPT = 2_000
"""How many readings of one kind are kept."""


def kept(read: Callable[[str], T]) -> Callable[[str], T]:
    """Keep the results of a pure reading for short texts; a longer text is read again each time."""
    of_short = lru_cache(KEPT)(read)

    @wraps(read)
    def reading(text: str) -> T:
        return of_short(text) if len(text) <= LONGEST else read(text)

    return reading


class Kept(Generic[T]):
    """Readings of a text or of elements as JSON, kept by that and by what else they depend on."""

    def __init__(self) -> None:
        self._found: dict[tuple[str | bytes, Hashable], tuple[T]] = {}

    def of(self, content: str | bytes, other: Hashable, read: Callable[[], T]) -> T:
        """Return the result of a pure reading; a longer content is read again each time."""
        if len(content) > LONGEST_CONTENT:
            return read()
        key = content, other
        found = self._found.get(key)
        if found is None:
            if len(self._found) >= KEPT:
                self._found.clear()
            found = self._found[key] = (read(),)
        return found[0]
