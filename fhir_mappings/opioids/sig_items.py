"""What the phrases of directions for use say."""

from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from fhir_mappings.opioids.quantities import Interval


class Unit(Enum):
    """What is counted."""

    EACH = "tablets, capsules, patches"
    MILLIGRAMS = "milligrams"
    MILLILITERS = "milliliters"


@dataclass(frozen=True, slots=True)
class Amount:
    """How much at a time: `other` is the same amount in another unit, if stated; `bare` is a number without a unit."""

    value: Interval
    unit: Unit
    other: "Amount | None" = None
    bare: bool = False


@dataclass(frozen=True, slots=True)
class Times:
    """How many times a day.

    `plain` is "daily", which may follow "every 12 hours" and then adds nothing; `weekdays` is a list of them.
    """

    per_day: Interval
    plain: bool = False
    weekdays: bool = False


@dataclass(frozen=True, slots=True)
class Moment:
    """A time of day, such as the morning."""

    name: str


@dataclass(frozen=True, slots=True)
class Maximum:
    """The most a day: an amount, or a number of times."""

    amount: Amount | None
    times: Interval | None = None


@dataclass(frozen=True, slots=True)
class Lasting:
    """How many days."""

    days: Interval


@dataclass(frozen=True, slots=True)
class Route:
    """The kind of route: oral, tube, skin, or other."""

    kind: str


class Mark(Enum):
    """A phrase without a number."""

    AS_NEEDED = "as needed"
    MEALS = "meals"
    THEN = "then"
    SKIPPED = "adds nothing"


Item: TypeAlias = Amount | Times | Moment | Maximum | Lasting | Route | Mark
Found: TypeAlias = tuple[Item, int] | None
"""What was read, and the position after it; None if it is not there."""
