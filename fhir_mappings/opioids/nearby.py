"""What was supplied about the same time as something else, found in one pass over all."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")

ALONE_FOR_DAYS = 30
"""How long before and after a supply there is no other one nearby."""


def with_nearby(
    found: Sequence[T], days: Callable[[T], tuple[int, int]], is_wanted: Callable[[T], bool]
) -> Iterator[tuple[T, list[T]]]:
    """Yield each of the wanted with all others that were supplied within a month before or after it.

    `found` are in the order of their first days; `days` are the first and the last day of one, as ordinals. The last
    may be before the first, because charts state such periods.
    """
    begun: list[tuple[int, int, T]] = []
    seen = 0
    for position, one in enumerate(found):
        if not is_wanted(one):
            continue
        first, last = days(one)
        begun += [(*days(earlier), earlier) for earlier in found[seen:position]]
        seen = position
        # What ended long before this one ended long before all later ones.
        begun = [earlier for earlier in begun if earlier[1] >= first - ALONE_FOR_DAYS]
        nearby = [other for begin, _, other in begun if begin <= last + ALONE_FOR_DAYS]
        for later in map(found.__getitem__, range(position + 1, len(found))):
            begin, end = days(later)
            if begin > last + ALONE_FOR_DAYS:
                break
            if end >= first - ALONE_FOR_DAYS:
                nearby.append(later)
        yield one, nearby
