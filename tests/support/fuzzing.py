"""The whole service for fuzzing: real policies, no FHIR server, and how many examples there are to be."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from typing import Any

from coverage_policies.format.library import load_library
from coverage_policies.judging.assessment import Assessor
from coverage_policies.judging.plan_rules import PlanRules
from tests.support.hook_fakes import Service

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
EXAMPLES = 1000 if os.environ.get("CDS_TEST_PROFILE") == "endure" else 25
"""How many examples a test tries; `make endure` tries more."""


@cache
def whole_service() -> Service:
    """The service with the texts it comes with; no address of a FHIR server is read, whatever a call names."""
    assessor = Assessor(load_library(), PlanRules())
    return Service(assessor, fhir_servers="https://none.invalid/fhir")


def paths(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Where something can be changed within a JSON document."""
    if path:
        yield path
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, child in children:
        yield from paths(child, (*path, name))


def with_unknown(value: Any) -> Any:
    """The same JSON with an unknown member in every object."""
    if isinstance(value, dict):
        return {name: with_unknown(part) for name, part in value.items()} | {"ourOwn": {"a": [1]}}
    return [with_unknown(each) for each in value] if isinstance(value, list) else value
