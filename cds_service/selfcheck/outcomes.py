"""What a check of the self-check finds."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How much a statement binds a server. What no standard says, but experience does, is advice."""

    SHALL = "SHALL"
    SHOULD = "SHOULD"
    ADVICE = "advice"


class Status(StrEnum):
    """How a check ended."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_TRIED = "not tried"


class FailedError(Exception):
    """The server does something else than the check says. `seen` is what it does, `right` what is right there."""

    def __init__(self, seen: str, right: str = "") -> None:
        super().__init__(seen)
        self.seen = seen
        self.right = right


class NotTriedError(Exception):
    """A check cannot be tried. The message says why, and what would make it possible."""


@dataclass(frozen=True, slots=True)
class Result:
    """One check and how it ended.

    `seen` is what the server did, or why the check was not tried; `right` is what the standard says.
    """

    id: str
    level: Level
    source: str
    status: Status
    seen: str
    right: str


@dataclass(frozen=True, slots=True)
class AreaResult:
    """The results of an area in their order. `not_offered` says why there are none; empty where there are."""

    name: str
    title: str
    results: tuple[Result, ...] = ()
    not_offered: str = ""


def expect(holds: bool, seen: str, right: str = "") -> None:
    """Raise FailedError unless a statement holds."""
    if not holds:
        raise FailedError(seen, right)
