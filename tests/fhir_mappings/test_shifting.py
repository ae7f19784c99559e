"""Dates move by days and keep their precision; what is no date stays."""

import pytest

from fhir_mappings.shifting import shifted_date, shifted_resource


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("onsetDateTime", "2025-12", "2026-01"),
        ("onsetDateTime", "2025-11", "2025-12"),
        ("onsetDateTime", "2025", "2025"),
        ("authoredOn", "2025-12-31", "2026-01-31"),
        ("start", "2025-12-31T23:30:00-05:00", "2026-01-31T23:30:00-05:00"),
        ("lastUpdated", "2026-01-01T00:00:00.125Z", "2026-02-01T00:00:00.125Z"),
        ("effectiveDateTime", "2026-02-30", "2026-02-30"),
        ("onsetDateTime", "9999-12-31", "9999-12-31"),
        ("onsetString", "2025-12-31", "2025-12-31"),
        ("code", "7052", "7052"),
        ("date", "soon", "soon"),
    ],
)
def test_a_month_moves_to_the_month_of_its_moved_first_day(name, before, after):
    assert shifted_resource({"a": [{name: before}]}, 31) == {"a": [{name: after}]}


@pytest.mark.parametrize(
    ("before", "after"),
    [("2026-03-02", "2026-03-09"), ("2026-03", "2026-03"), ("yes", "yes"), ("2026-13-01", "2026-13-01")],
)
def test_a_date_by_itself_moves_and_any_other_text_stays(before: str, after: str) -> None:
    assert shifted_date(before, 7) == after
