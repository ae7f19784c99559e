"""`finding`: the latest result of a test, if nothing contradicts it."""

from typing import Any

import pytest

from coverage_policies.format.terms import Reason
from fhir_mappings.fhir_json import Resource
from fhir_mappings.truth import Truth
from tests.support.policy_fakes import UNAVAILABLE, available, clause, concept, order, run

POSITIVE = clause("finding", in_="alpha", result="positive", within="6 months")
NEGATIVE = clause("finding", in_="alpha", result="negative", within="6 months")


def exam(said: str, day: str | None = "2026-02-01", code: str = "alpha", **more: Any) -> Resource:
    made = {
        "resourceType": "Observation",
        "id": f"{said}-{day}",
        "status": "final",
        "subject": {"reference": "Patient/p"},
        "code": concept(code),
        "effectiveDateTime": day,
        "valueString": said,
        **more,
    }
    return {name: value for name, value in made.items() if value is not None}


@pytest.mark.parametrize(
    ("given", "holds"),
    [
        ([exam("positive")], Truth.YES),
        ([exam("negative")], Truth.NO),
        ([exam("equivocal")], Truth.UNKNOWN),
        ([exam("positive", status="preliminary")], Truth.UNKNOWN),
        ([exam("positive", code="alpha-asks")], Truth.UNKNOWN),
        ([exam("positive", None)], Truth.UNKNOWN),
        ([exam("negative", "2026-01-01"), exam("positive", "2026-02-01")], Truth.YES),
        ([exam("positive", "2026-01-01"), exam("negative", "2026-02-01")], Truth.NO),
        ([exam("positive", "2026-01-01"), exam("equivocal", "2026-02-01")], Truth.UNKNOWN),
        ([exam("positive"), exam("negative")], Truth.UNKNOWN),
        ([exam("positive"), exam("negative", None)], Truth.UNKNOWN),
        ([exam("positive", "2025-09-02")], Truth.YES),
        ([exam("positive", "2025-09-01")], Truth.NO),
        ([exam("positive", "2026-03-03")], Truth.NO),
    ],
)
def test_the_latest_result_in_time_counts(given: list[Resource], holds: Truth) -> None:
    assert run(POSITIVE, *given).holds is holds


def test_a_negative_result_is_found_as_such() -> None:
    assert [run(NEGATIVE, exam(said)).holds for said in ("negative", "positive")] == [Truth.YES, Truth.NO]


def test_no_test_is_none_only_if_the_observations_were_read() -> None:
    unread = run(POSITIVE, availability=available(Observation=UNAVAILABLE))
    assert (unread.holds, unread.reason) == (Truth.UNKNOWN, Reason.DATA_UNAVAILABLE)


@pytest.mark.parametrize(
    ("said", "holds"),
    [
        ("positive right", Truth.YES),
        ("negative right", Truth.NO),
        ("positive bilaterally", Truth.YES),
        ("positive", Truth.YES),
        ("positive left", Truth.NO),
    ],
)
def test_a_result_of_the_other_side_is_none_of_the_order(said: str, holds: Truth) -> None:
    test = clause("finding", in_="alpha", result="positive", within="6 months", side="same or not stated")
    of_the_right = order(bodySite=[{"text": "Right sacroiliac joint"}])
    assert run(test, exam(said), of=of_the_right).holds is holds


def test_a_result_with_contradicting_sides_cannot_tell() -> None:
    test = clause("finding", in_="alpha", result="positive", within="6 months", side="same or not stated")
    of_the_right = order(bodySite=[{"text": "Right sacroiliac joint"}])
    for said in ("positive left", "negative left"):
        contradicting = exam(said, bodySite={"text": "Right sacroiliac joint"})
        assert run(test, contradicting, of=of_the_right).holds is Truth.UNKNOWN
