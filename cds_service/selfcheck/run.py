"""Run the self-check."""

from collections.abc import Iterable

from cds_service.selfcheck.areas import calls, cards, crd, discovery, dtr, errors, feedback, tokens
from cds_service.selfcheck.checks import Area

AREAS: tuple[Area, ...] = (
    discovery.AREA,
    calls.AREA,
    cards.AREA,
    errors.AREA,
    tokens.AREA,
    *crd.AREAS,
    dtr.AREA,
    feedback.AREA,
)
"""All areas, in the order of the report. Feedback comes last: a server may hide what was overridden."""


FAMILIES = tuple(dict.fromkeys(each.name.partition("-")[0] for each in AREAS))
"""The names that stand for an area, or for all versions of one."""


def areas_named(names: Iterable[str]) -> tuple[Area, ...]:
    """Return the areas with these names or families (`crd` for `crd-2.2` and `crd-2.0`); all areas without names."""
    wanted = set(names)
    return tuple(each for each in AREAS if not wanted or {each.name, each.name.partition("-")[0]} & wanted)
