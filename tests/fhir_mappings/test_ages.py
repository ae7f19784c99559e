"""Ages in completed months between partial dates."""

from datetime import UTC, date

import pytest

from fhir_mappings.ages import Age, age_between, days_of_age
from fhir_mappings.dates import parse

DAY = date(2026, 3, 16)


@pytest.mark.parametrize(
    ("born", "told"),
    [
        ("2008-03-16", "18"),
        ("2008-03-17", "17"),
        ("2008", "17 to 18"),
        ("2007", "18 to 19"),
        ("2008-04", "17"),
        ("2024-03-16", "2"),
        ("2024-03-17", "23 months"),
        ("2026-02-16", "1 month"),
        ("2026-02-17", "0 months"),
        ("2026-03-17", "0 months"),
        ("2023-12", "2"),
        ("2024-01", "2"),
        ("2008-02-29", "18"),
    ],
)
def test_an_age_is_told_in_years_and_of_infants_in_months(born: str, told: str) -> None:
    interval = parse(born, UTC)
    assert interval is not None
    assert str(age_between(interval, DAY, DAY)) == told


def test_an_age_over_a_stretch_of_days_runs_from_the_first_to_the_last() -> None:
    born = parse("1976-03-16", UTC)
    assert born is not None
    assert age_between(born, date(2025, 3, 15), date(2026, 3, 16)) == Age(48 * 12 + 11, 50 * 12)


@pytest.mark.parametrize(
    ("age", "told"),
    [(Age(600, None), "50 or more"), (Age(0, 599), "49 or less"), (Age(0, 11), "0 months to 11 months")],
)
def test_an_age_with_one_bound_says_so(age: Age, told: str) -> None:
    assert str(age) == told


@pytest.mark.parametrize(
    ("born", "age", "days"),
    [
        ("1966-05-02", Age(58 * 12, 58 * 12 + 11), "2024-05-02 to 2025-05-01"),
        ("2000-02-29", Age(12, 23), "2001-02-28 to 2002-02-27"),
        ("1966-05", Age(12, 12), "1967-05-01 to 1967-06-29"),
    ],
)
def test_the_days_of_an_age_run_from_its_birthday_to_the_day_before_the_next(born: str, age: Age, days: str) -> None:
    interval = parse(born, UTC)
    assert interval is not None
    assert str(days_of_age(interval, age)) == days


def test_an_age_without_a_bound_has_no_days() -> None:
    interval = parse("1966-05-02", UTC)
    assert interval is not None
    assert days_of_age(interval, Age(12, None)) is None
