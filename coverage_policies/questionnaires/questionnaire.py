"""A policy revision as a FHIR R4 Questionnaire that follows SDC and the standard form of Da Vinci DTR."""

import re
from collections.abc import Iterator
from typing import Any

from coverage_policies.format.canonicals import questionnaire_url, questionnaire_version
from coverage_policies.format.model import Criterion, Policy
from coverage_policies.questionnaires.extensions import (
    STANDARD_FORM,
    Extension,
    audience,
    completion_time,
    launch_context,
    request_specific,
)
from coverage_policies.questionnaires.items import form_items
from coverage_policies.questionnaires.population import shown_values

_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9]")
_SECONDS_PER_ITEM = 10
_TIMES = ((60, "under-1min"), (180, "under-3min"), (300, "under-5min"))
_PATIENT = launch_context("patient", "Patient", "The patient of the order")


def questionnaire_id(policy: Policy) -> str:
    """Return the id of the form of a revision: `CP.MP.126-2025-04.2`."""
    return f"{policy.name}-{questionnaire_version(policy.revision, policy.edition)}"


def questionnaire(policy: Policy, canonical_base: str) -> dict[str, Any]:
    """Return the form of a revision in its edition; the same revision and base give the same form.

    No item is required: what is not known stays open.
    """
    edition = policy.edition_numbered(policy.edition)
    found: dict[str, Any] = {
        "resourceType": "Questionnaire",
        "id": questionnaire_id(policy),
        "meta": {"profile": [STANDARD_FORM]},
        "extension": list(_extensions(policy)),
        "url": questionnaire_url(canonical_base, policy.name),
        "version": questionnaire_version(policy.revision, policy.edition),
        "name": f"Policy_{_NOT_IN_A_NAME.sub('_', policy.name)}",
        "title": policy.title,
        "status": "active",
        "subjectType": ["Patient"],
        "date": edition.released.isoformat() if edition and edition.released else None,
        "publisher": policy.owner,
        "effectivePeriod": {
            name: day.isoformat() for name, day in (("start", policy.effective), ("end", policy.until)) if day
        },
        "item": form_items(policy),
    }
    return {name: value for name, value in found.items() if value}


def _extensions(policy: Policy) -> Iterator[Extension]:
    yield audience("clinical")
    yield completion_time(_time(policy))
    yield request_specific()
    variables = {each.variable: each.extension() for c in policy.walk() for each in shown_values(c)}
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
