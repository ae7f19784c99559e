"""What a form says of itself: its title, its dates, who fills it in, and how it fills itself in from the chart."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from coverage_policies.format.canonicals import questionnaire_version
from coverage_policies.format.model import Criterion, Policy
from coverage_policies.questionnaires.extensions import (
    Extension,
    audience,
    completion_time,
    launch_context,
    request_specific,
)
from coverage_policies.questionnaires.population import shown_values

_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9]")
_SECONDS_PER_ITEM = 10
_TIMES = ((60, "under-1min"), (180, "under-3min"), (300, "under-5min"))
_PATIENT = launch_context("patient", "Patient", "The patient of the order")


def head(policy: Policy) -> dict[str, Any]:
    """Return the members of a form that describe the revision, without its addresses; those without value are None."""
    edition = policy.edition_numbered(policy.edition)
    period = {name: day.isoformat() for name, day in (("start", policy.effective), ("end", policy.until)) if day}
    return {
        "version": questionnaire_version(policy.revision, policy.edition),
        "name": f"Policy_{_NOT_IN_A_NAME.sub('_', policy.name)}",
        "title": policy.title,
        "status": "active",
        "subjectType": ["Patient"],
        "date": edition.released.isoformat() if edition and edition.released else None,
        "publisher": policy.owner,
        "effectivePeriod": period,
    }


def purpose(policy: Policy) -> Iterator[Extension]:
    """Yield who fills in the form, how long that takes, and that each order needs a response of its own."""
    yield audience("clinical")
    yield completion_time(_time(policy))
    yield request_specific()


def population(criteria: Iterable[Criterion]) -> Iterator[Extension]:
    """Yield what the items with values of the chart need beside the questions of these criteria, if there are any."""
    variables = {each.variable: each.extension() for c in criteria for each in shown_values(c)}
    if variables:
        yield _PATIENT
        yield from variables.values()


def _time(policy: Policy) -> str:
    """Return the time for the longest section, if each item that is documented at one go takes ten seconds."""
    longest = max((_items(section.root) for section in policy.sections.values()), default=0)
    return next((code for limit, code in _TIMES if longest * _SECONDS_PER_ITEM < limit), "over-5min")


def _items(c: Criterion) -> int:
    if c.role is not None:
        return 0
    return 1 if c.is_one_item else sum(map(_items, c.children))
