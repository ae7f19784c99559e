"""Readings of short texts, such as labels and directions, which repeat within a chart and between charts."""

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import TypeVar

T = TypeVar("T")

LONGEST = 200
"""The most characters of a text whose reading is kept."""

_KEPT = 2_000
"""How many readings of one kind are kept, those of the texts that were read last."""


def kept(read: Callable[[str], T]) -> Callable[[str], T]:
    """Keep the results of a pure reading for short texts; a longer text is read again each time."""
    of_short = lru_cache(_KEPT)(read)

    @wraps(read)
    def reading(text: str) -> T:
        return of_short(text) if len(text) <= LONGEST else read(text)

    return reading
