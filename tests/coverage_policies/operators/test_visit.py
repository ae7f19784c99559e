"""`visit`: attended or billed, in time, by a code that decides."""

import pytest

from coverage_policies.format.terms import Reason
from fhir_mappings.fhir_json import Resource
from fhir_mappings.truth import Truth
from tests.support.policy_fakes import UNAVAILABLE, available, clause, concept, run

CHECK = clause("visit", in_="alpha", within="3 months")


def encounter(day: str | None = "2026-02-01", code: str = "alpha") -> Resource:
    return {
        "resourceType": "Encounter",
        "id": f"{code}-{day}",
        "status": "finished",
        "class": {"code": "AMB"},
        "subject": {"reference": "Patient/p"},
        "type": [concept(code)],
        **({"period": {"start": day}} if day else {}),
    }


@pytest.mark.parametrize(
    ("day", "holds"),
    [
        ("2026-03-02", Truth.YES),
        ("2026-03-03", Truth.NO),
        ("2025-12-02", Truth.YES),
        ("2025-12-01", Truth.NO),
        (None, Truth.UNKNOWN),
        ("2025-12", Truth.UNKNOWN),
    ],
)
def test_a_visit_counts_within_its_span_and_until_today(day: str | None, holds: Truth) -> None:
    assert run(CHECK, encounter(day)).holds is holds


def test_a_code_that_asks_cannot_tell() -> None:
    result = run(CHECK, encounter(code="alpha-asks"))
    assert (result.holds, result.reason) == (Truth.UNKNOWN, Reason.INVALID_ATTRIBUTE)


def test_no_visit_is_none_only_if_everything_was_read() -> None:
    assert run(CHECK).holds is Truth.NO
    unread = run(CHECK, availability=available(ChargeItem=UNAVAILABLE))
    assert (unread.holds, unread.reason) == (Truth.UNKNOWN, Reason.DATA_UNAVAILABLE)
