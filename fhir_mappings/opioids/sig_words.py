"""Directions for use in words, such as "Take 1-2 tablets by mouth every 6 hours as needed for pain, max 6/day".

Directions are understood whole or not at all: a word that is not known, steps that follow each other, and phrases that
contradict each other leave them unread. The corpus in the tests has directions of public sources, labeled by hand.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from fhir_mappings.opioids.quantities import Interval, exactly
from fhir_mappings.opioids.sig_items import (
    Amount,
    Item,
    Lasting,
    Mark,
    Maximum,
    Moment,
    Route,
    Times,
)
from fhir_mappings.opioids.sig_phrases import read_phrase
from fhir_mappings.opioids.sig_tokens import tokens
from fhir_mappings.short_texts import kept

MEALS_A_DAY = 3


@dataclass(frozen=True, slots=True)
class Part:
    """One dose: how much at a time, and how many times a day; None if not stated."""

    amount: Amount | None
    times: Interval | None


@dataclass(frozen=True, slots=True)
class Directions:
    """What directions say. Several `parts` are doses of one day, such as in the morning and at bedtime.

    `most` is per day. `days` is how long it lasts. `route` is oral, tube, skin, other, or empty if none is stated.
    `moments` are the times of day at which all of it is taken, empty if that is not stated.
    """

    parts: tuple[Part, ...]
    as_needed: bool = False
    most: Maximum | None = None
    days: Interval | None = None
    route: str = ""
    moments: frozenset[str] = frozenset()

    @property
    def only(self) -> Part | None:
        """Return the part if there is one only."""
        return self.parts[0] if len(self.parts) == 1 else None


@kept
def read_directions(text: str) -> Directions | None:
    """Return what directions say; None if they are not understood whole."""
    found = tokens(text)
    items: list[Item] = []
    position = 0
    while position < len(found):
        read = read_phrase(found, position)
        if read is None:
            return None
        items.append(read[0])
        position = read[1]
    return _combined(items)


@kept
def frequencies_mentioned(text: str) -> tuple[Interval, ...]:
    """Return the frequencies that a text mentions, whether or not it is understood whole."""
    found = tokens(text)
    mentioned: list[Times] = []
    position = 0
    while position < len(found):
        read = read_phrase(found, position)
        if read is not None and isinstance(read[0], Times):
            mentioned.append(read[0])
        position = read[1] if read is not None else position + 1
    return tuple(one.per_day for one in mentioned if not one.plain) or tuple(one.per_day for one in mentioned)


@dataclass(slots=True)
class _Draft:
    """A part while its phrases come in."""

    amount: Amount | None = None
    times: list[Times] = field(default_factory=list)
    moments: list[str] = field(default_factory=list)
    meals: bool = False

    def frequency(self) -> Interval | None:
        """Return how many times a day; None if it is not stated. Raise ValueError if two phrases disagree."""
        stated = [one for one in self.times if not one.plain] or self.times[:1]
        if len({one.per_day for one in stated}) > 1 or sum(one.weekdays for one in stated) > 1:
            raise ValueError("two frequencies")
        moments = len(set(self.moments))
        counted = moments + (MEALS_A_DAY if self.meals else 0)
        if not stated:
            return exactly(counted) if moments else None
        times, plain = stated[0].per_day, stated[0].plain
        if not moments or times == exactly(counted) or (moments == 1 and times.high is not None and times.high <= 1):
            return times
        if plain:
            return exactly(counted)
        raise ValueError("a frequency and times of day")

    @property
    def is_by_moment(self) -> bool:
        """Return whether it is taken at stated times of day only."""
        return bool(self.moments) and not self.meals and all(one.per_day == exactly(1) for one in self.times)


def _combined(items: Iterable[Item]) -> Directions | None:
    drafts = [_Draft()]
    as_needed = False
    most: list[Maximum] = []
    days: list[Interval] = []
    routes: set[str] = set()
    follows = False
    for item in items:
        match item:
            case Amount():
                if drafts[-1].amount is not None:
                    if days:
                        return None  # a step that follows another
                    drafts.append(_Draft())
                drafts[-1].amount, follows = item, False
            case Times():
                drafts[-1].times.append(item)
            case Moment():
                drafts[-1].moments.append(item.name)
            case Maximum():
                most.append(item)
            case Lasting():
                days.append(item.days)
            case Route():
                routes.add(item.kind)
            case Mark.MEALS:
                drafts[-1].meals = True
            case Mark.AS_NEEDED:
                as_needed = True
            case Mark.THEN:
                follows = True
            case Mark.SKIPPED:
                pass
    if follows or len(set(days)) > 1 or len(set(most)) > 1 or len(routes) > 1:
        return None
    try:
        parts = _parts(drafts)
    except ValueError:
        return None
    often = any(part.times is not None for part in parts)
    if not often and (days or any(part.amount and part.amount.bare for part in parts)):
        return None
    moments = frozenset(name for draft in drafts for name in draft.moments)
    return Directions(
        parts,
        as_needed,
        most[0] if most else None,
        days[0] if days else None,
        next(iter(routes), ""),
        moments if all(draft.is_by_moment for draft in drafts) else frozenset(),
    )


def _parts(drafts: Sequence[_Draft]) -> tuple[Part, ...]:
    """Return the doses of one day; raise ValueError if they may be alternatives, steps, or a sum and its parts."""
    parts = tuple(Part(draft.amount, draft.frequency()) for draft in drafts)
    if len(parts) == 1:
        return parts
    if any(part.times is None for part in parts) or len({part.amount.unit for part in parts if part.amount}) > 1:
        raise ValueError("a part that is not complete")
    named = [name for draft in drafts for name in set(draft.moments)]
    if not all(draft.is_by_moment for draft in drafts) or len(named) > len(set(named)):
        raise ValueError("parts that may not be added")
    return parts
