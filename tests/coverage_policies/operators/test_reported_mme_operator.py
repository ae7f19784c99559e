"""`reported_mme`: a daily opioid dose that the chart states, shown only."""

from typing import Any

import pytest

from coverage_policies.format.searches import DISPENSES, observation_search
from coverage_policies.format.terms import Reason
from fhir_mappings.truth import Truth
from tests.support.policy_fakes import clause, run

STATED = clause("reported_mme", within="12 months")


def mme(name: str, at: str, **more: Any) -> dict[str, Any]:
    subject = {"reference": "Patient/p"}
    found: dict[str, Any] = {
        "resourceType": "Observation",
        "id": name,
        "status": "final",
        "code": {"text": "MME"},
        "subject": subject,
    }
    return found | {"code": {"text": "MME"}, "effectiveDateTime": at, "valueQuantity": {"value": 60}} | more


def test_it_needs_the_observations_of_mme_and_the_dispenses() -> None:
    assert STATED.searches == (observation_search(("http://cds.ahrq.gov/cdsconnect/pms|MME",)), DISPENSES)


def test_the_newest_three_are_shown() -> None:
    days = ("2026-02-01", "2026-02-04", "2026-02-02", "2026-02-03")
    found = run(STATED, *(mme(f"m{n}", day) for n, day in enumerate(days)))
    assert (found.holds, found.reason) == (Truth.YES, Reason.PRESENT)
    assert [(one.reference, one.value) for one in found.evidence] == [
        *(("Observation/m1", "60 MME/day"), ("Observation/m3", "60 MME/day"), ("Observation/m2", "60 MME/day")),
    ]


@pytest.mark.parametrize(
    ("day", "holds"), [("2025-03-02", Truth.YES), ("2025-03-01", Truth.NO), ("2026-03-03", Truth.NO)]
)
def test_it_counts_in_its_period_before_the_anchor_date(day: str, holds: Truth) -> None:
    assert run(STATED, mme("m", day)).holds is holds


def test_one_without_a_day_does_not_count() -> None:
    undated = mme("m", "2026-02-01")
    del undated["effectiveDateTime"]
    assert run(STATED, undated).holds is Truth.NO
