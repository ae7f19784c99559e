"""`observation`: a measurement on record."""

import pytest

from coverage_policies.format.searches import observation_search
from coverage_policies.format.terms import Reason
from fhir_mappings.fhir_json import Resource
from fhir_mappings.truth import Truth
from tests.support.policy_fakes import UNAVAILABLE, available, clause, run, score

MEASURED = clause("observation", in_=["pain-severity-0-10", "other-scale"])
RECENT = clause("observation", in_="pain-severity-0-10", within="3 months")


def without(resource: Resource, member: str) -> Resource:
    return {name: value for name, value in resource.items() if name != member}


def test_it_needs_the_observations_by_their_codes() -> None:
    assert MEASURED.searches == (observation_search(["http://loinc.org|72514-3", "http://loinc.org|38208-5"]),)


@pytest.mark.parametrize(
    ("resource", "holds"),
    [
        (score("5", "2020-01-01"), Truth.YES),
        (score("0", "2020-01-01"), Truth.YES),
        (score("5", "2026-03-02"), Truth.YES),
        (score("5", "2026-03-03"), Truth.NO),
        (score("5", "2026-03"), Truth.NO),
        (score("5", "2020-01-01", code="38208-5"), Truth.YES),
        (score("5", "2020-01-01", code="1-8"), Truth.NO),
        (score("5", "2020-01-01", status="preliminary"), Truth.NO),
        (without(score("5", "2020-01-01"), "valueQuantity"), Truth.NO),
        (without(score("5", "2020-01-01"), "effectiveDateTime"), Truth.NO),
    ],
)
def test_a_final_number_with_a_day_by_the_anchor_date_holds(resource: Resource, holds: Truth) -> None:
    found = run(MEASURED, resource)
    assert (found.holds, found.reason) == (holds, Reason.PRESENT if holds is Truth.YES else Reason.NOT_FOUND)


@pytest.mark.parametrize(
    ("at", "holds"),
    [
        ("2025-12-02", Truth.YES),
        ("2025-12-01", Truth.NO),
        ("2025-12", Truth.NO),
        ("2026-01", Truth.YES),
        ("2026-03-03", Truth.NO),
    ],
)
def test_a_recent_one_holds_and_the_boundary_day_is_recent(at: str, holds: Truth) -> None:
    assert run(RECENT, score("5", at)).holds is holds


def test_the_newest_three_are_shown() -> None:
    days = ["2025-03-01", "2025-12-01", "2024-01-01", "2025-06-01"]
    found = run(MEASURED, *(score("5", day, id=f"{9 - number}") for number, day in enumerate(days)))
    assert [item.date for item in found.evidence] == ["2025-12-01", "2025-06-01", "2025-03-01"]


def test_an_old_one_of_a_list_cut_short_cannot_tell_whether_there_is_a_recent_one() -> None:
    found = run(RECENT, score("5", "2020-01-01"), availability=available(Observation=UNAVAILABLE))
    assert (found.holds, found.reason) == (Truth.UNKNOWN, Reason.DATA_UNAVAILABLE)
