"""How many screens the sample orders take: the aims, and the counts themselves, so that a change of order is seen."""

import statistics

import pytest

from coverage_policies.format.terms import Outcome
from tests.support.questions_counted import Counted, counted
from tests.support.sessions import sample_situations


@pytest.fixture(scope="module")
def rows() -> list[Counted]:
    return [row for of in sample_situations() for row in counted(of)]


def test_half_of_the_sample_orders_are_supported_after_at_most_twelve_screens(rows: list[Counted]) -> None:
    assert statistics.median(row.screens for row in rows if row.outcome is Outcome.SUPPORTED) <= 12


def test_half_of_the_sample_orders_end_at_a_decisive_no_after_at_most_three_screens(rows: list[Counted]) -> None:
    assert statistics.median(row.mean_until_no for row in rows if row.until_no) <= 3


def test_the_screens_of_each_sample_order_are_these(rows: list[Counted]) -> None:
    found = {(row.name.split(" ")[0], row.pathway): (row.screens, row.until_no) for row in rows}
    assert found == {
        ("sij-rich-chart-fusion", ""): (10, tuple(range(1, 11))),
        ("sij-nearly-empty-fusion", ""): (10, tuple(range(1, 11))),
        ("trial-two-pathways-trial", "malignant"): (2, (2,)),
        ("trial-two-pathways-trial", "non-malignant"): (1, ()),
        ("trial-buprenorphine-trial", ""): (2, (1, 2)),
        ("pump-trial-waived-pump", ""): (1, ()),
        ("oxygen-normal-at-rest-concentrator", ""): (3, (3,)),
        ("cpap-mild-apnea-cpap", "first-weeks"): (4, (2, 3, 4)),
        ("cpap-mild-apnea-cpap", "continued-use"): (2, (2,)),
        ("bariatric-open-items-bypass", ""): (2, (1, 2)),
    }
