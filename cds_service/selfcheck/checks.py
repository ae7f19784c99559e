"""The framework of the self-check: areas of small checks, run in their order."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from cds_service.selfcheck.outcomes import AreaResult, FailedError, Level, NotTriedError, Result, Status
from cds_service.selfcheck.session import Session

Run = Callable[[Session], str]
"""Tries a check; returns what was seen. Raises FailedError or NotTriedError."""


@dataclass(frozen=True, slots=True)
class Check:
    """One statement about a server, where it comes from, and how to try it."""

    id: str
    level: Level
    source: str
    right: str
    run: Run

    def tried(self, session: Session) -> Result:
        """Return how the check ends. Nothing of a token is in the result."""
        right = self.right
        try:
            status, seen = Status.PASSED, self.run(session)
        except FailedError as error:
            status, seen, right = Status.FAILED, error.seen, error.right or right
        except NotTriedError as error:
            status, seen = Status.NOT_TRIED, str(error)
        except (AttributeError, KeyError, IndexError, TypeError, ValueError) as error:
            # A check must not end the run because another one has not yet said that an answer has the wrong shape.
            status, seen = (
                Status.NOT_TRIED,
                f"an answer has a shape that this check cannot read ({type(error).__name__})",
            )
        return Result(self.id, self.level, self.source, status, session.without_secrets(seen), right)


def _always(_session: Session) -> str:
    return ""


@dataclass(slots=True)
class Area:
    """A group of checks. `not_offered` says why a server has nothing to check there; empty if it has."""

    name: str
    title: str
    not_offered: Callable[[Session], str] = _always
    checks: list[Check] = field(default_factory=list)

    def check(self, name: str, level: Level, source: str, right: str) -> Callable[[Run], Run]:
        """Add a function as a check of this area; its id is the name of the area, a dot, and `name`."""

        def add(run: Run) -> Run:
            self.checks.append(Check(f"{self.name}.{name}", level, source, right, run))
            return run

        return add


def run_checks(areas: Iterable[Area], session: Session, on_check: Callable[[Check], None]) -> Iterator[AreaResult]:
    """Yield the results of each area, in order. Call `on_check` before each check."""
    for area in areas:
        if why := area.not_offered(session):
            yield AreaResult(area.name, area.title, not_offered=session.without_secrets(why))
            continue
        results = []
        for check in area.checks:
            on_check(check)
            results.append(check.tried(session))
        yield AreaResult(area.name, area.title, tuple(results))
