"""What is dated after today has not been done yet, although the order is planned for later."""

from datetime import date
from typing import Any

import pytest

from fhir_mappings.fhir_json import Resource
from fhir_mappings.truth import Truth
from tests.support.policy_fakes import clause, concept, report, run, score

_LATER = date(2026, 4, 1)
"""The anchor date; the chart is read on 2026-03-02."""


def _observation(day: str, **more: Any) -> Resource:
    made = {"resourceType": "Observation", "id": "o", "status": "final", "subject": {"reference": "Patient/p"}}
    return made | {"effectiveDateTime": day} | more


def _finding(day: str) -> Resource:
    return _observation(day, code=concept("alpha"), valueString="positive")


def _mme(day: str) -> Resource:
    return _observation(day, code={"text": "MME"}, valueQuantity={"value": 60})


def _visit(day: str) -> Resource:
    made = {"resourceType": "Encounter", "id": "e", "status": "finished", "subject": {"reference": "Patient/p"}}
    return made | {"class": {"code": "AMB"}, "type": [concept("alpha")], "period": {"start": day, "end": day}}


def _conclusion(day: str) -> Resource:
    return report("alpha", day, conclusionCode=[concept("beta")])


@pytest.mark.parametrize(("day", "holds"), [("2026-03-02", Truth.YES), ("2026-03-03", Truth.NO)])
@pytest.mark.parametrize(
    ("operator", "arguments", "resource"),
    [
        ("imaging", {"in_": "alpha", "within": "6 months"}, lambda day: report("alpha", day)),
        ("imaging", {"in_": "alpha"}, lambda day: report("alpha", day)),
        ("imaging", {"in_": "alpha", "within": "6 months", "concludes": "beta"}, _conclusion),
        ("finding", {"in_": "alpha", "result": "positive", "within": "6 months"}, _finding),
        ("observation", {"in_": "pain-severity-0-10"}, lambda day: score("5", day)),
        ("reported_mme", {"within": "12 months"}, _mme),
        ("visit", {"in_": "alpha", "within": "3 months"}, _visit),
    ],
)
def test_what_is_dated_after_today_was_not_done(
    operator: str, arguments: dict[str, str], resource: Any, day: str, holds: Truth
) -> None:
    assert run(clause(operator, **arguments), resource(day), anchor=_LATER).holds is holds


def test_a_finding_dated_after_today_leaves_the_one_before_it() -> None:
    found = run(
        clause("finding", in_="alpha", result="negative", within="6 months"),
        _finding("2026-03-20"),
        _finding("2026-02-20") | {"id": "before", "valueString": "negative"},
        anchor=_LATER,
    )
    assert found.holds is Truth.YES
