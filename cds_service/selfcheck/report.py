"""The report of a self-check as JSON, and whether a server passes."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from cds_service.selfcheck.outcomes import AreaResult, Level, Result, Status


def failures(areas: Iterable[AreaResult], level: Level | None = None) -> tuple[Result, ...]:
    """Return the checks that failed, of a level or of all."""
    return tuple(
        each for area in areas for each in area.results if each.status is Status.FAILED and level in (None, each.level)
    )


def counted(areas: Iterable[AreaResult]) -> dict[str, int]:
    """Return how many checks ended in each way."""
    found = [each.status for area in areas for each in area.results]
    return {status.value: found.count(status) for status in Status}


def as_json(url: str, at: datetime, areas: Sequence[AreaResult]) -> dict[str, Any]:
    """Return the report on a server as a JSON object; `at` has a zone."""
    return {
        "url": url,
        "at": at.isoformat(timespec="seconds"),
        "passes": not failures(areas, Level.SHALL),
        "counts": counted(areas),
        "areas": [_area(each) for each in areas],
    }


def _area(area: AreaResult) -> dict[str, Any]:
    found: dict[str, Any] = {"name": area.name, "title": area.title, "offered": not area.not_offered}
    if area.not_offered:
        return found | {"why": area.not_offered}
    return found | {"checks": [_check(each) for each in area.results]}


def _check(result: Result) -> dict[str, str]:
    return {
        "id": result.id,
        "level": result.level.value,
        "source": result.source,
        "status": result.status.value,
        "seen": result.seen,
        "right": result.right,
    }
