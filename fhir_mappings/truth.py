"""Three-valued logic (strong Kleene): what a chart proves, disproves, or leaves open."""

from collections.abc import Iterable
from enum import Enum
from typing import NoReturn


class Truth(Enum):
    """Whether a statement is proven true, proven false, or neither.

    `&`, `|`, and `~` are the strong Kleene connectives: an unknown operand leaves the result unknown unless the other
    operand decides it. A Truth has no boolean value; compare it with `is`.
    """

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"

    __hash__ = object.__hash__  # a member is one object; Enum hashes its name, in Python

    def __bool__(self) -> NoReturn:
        raise TypeError("a Truth has three values; compare it with `is` instead of testing it")

    def __and__(self, other: "Truth") -> "Truth":
        if self is other:
            return self
        return Truth.NO if Truth.NO in (self, other) else Truth.UNKNOWN

    def __or__(self, other: "Truth") -> "Truth":
        if self is other:
            return self
        return Truth.YES if Truth.YES in (self, other) else Truth.UNKNOWN

    def __invert__(self) -> "Truth":
        if self is Truth.UNKNOWN:
            return self
        return Truth.NO if self is Truth.YES else Truth.YES

    @classmethod
    def of(cls, known: bool) -> "Truth":
        """Return YES or NO for something that is known either way."""
        return cls.YES if known else cls.NO


def all_of(truths: Iterable[Truth]) -> Truth:
    """Return the conjunction; YES if there are none."""
    found = set(truths)
    if Truth.NO in found:
        return Truth.NO
    return Truth.UNKNOWN if Truth.UNKNOWN in found else Truth.YES


def any_of(truths: Iterable[Truth]) -> Truth:
    """Return the disjunction; NO if there are none."""
    found = set(truths)
    if Truth.YES in found:
        return Truth.YES
    return Truth.UNKNOWN if Truth.UNKNOWN in found else Truth.NO


def agreed(truths: Iterable[Truth]) -> Truth:
    """Return the value that all possible cases share; UNKNOWN if they differ or there are none."""
    found = set(truths)
    return found.pop() if len(found) == 1 else Truth.UNKNOWN
