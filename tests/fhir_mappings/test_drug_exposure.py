"""Supplies: the days of each, and the stretches without a gap."""

from datetime import date

import pytest

from fhir_mappings.drug_exposure import stretches


def days(*ends):
    return [(date(2026, 1, first), date(2026, 1, last)) for first, last in ends]


@pytest.mark.parametrize(
    ("taken", "until", "found"),
    [
        ([], 31, []),
        ([(1, 5)], 31, [(1, 5)]),
        ([(1, 5), (6, 10)], 31, [(1, 10)]),
        ([(6, 10), (1, 5)], 31, [(1, 10)]),
        ([(1, 5), (7, 10)], 31, [(1, 5), (7, 10)]),
        ([(1, 10), (2, 5), (11, 12)], 31, [(1, 12)]),
        ([(1, 10)], 5, [(1, 5)]),
        ([(6, 10)], 5, []),
        ([(5, 10)], 5, [(5, 5)]),
    ],
)
def test_supplies_that_touch_are_one_stretch(taken, until, found):
    assert list(stretches(days(*taken), date(2026, 1, until))) == days(*found)
