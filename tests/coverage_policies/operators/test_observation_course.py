"""`observation` on several days, throughout a time, and by a change."""

from collections.abc import Sequence
from typing import Any

import pytest

from coverage_policies.format.operator import ClauseCheck
from coverage_policies.format.terms import Reason
from fhir_mappings.fhir_json import Resource
from fhir_mappings.truth import Truth
from tests.support.policy_fakes import UNAVAILABLE, available, clause, run, score

Values = Sequence[tuple[str, str]]


def check(**arguments: Any) -> ClauseCheck:
    return clause("observation", in_="pain-severity-0-10", **arguments)


def measured(values: Values, unit: str = "kg") -> list[Resource]:
    """One weight for each value and time; `180 [lb_av]` has its own unit."""
    found = []
    for i, (value, at) in enumerate(values):
        number, _, own = value.partition(" ")
        each = score(number, at, id=f"o{i}")
        each["valueQuantity"] |= {"unit": own or unit}
        found.append(each)
    return found


@pytest.mark.parametrize(
    ("arguments", "values", "holds"),
    [
        ({}, [("5", "2026-01-01"), ("5", "2026-01-02")], Truth.YES),
        ({}, [("5", "2026-01-01"), ("5", "2026-01-01")], Truth.NO),
        ({}, [("5", "2026-01-01"), ("6", "2026-01-02")], Truth.NO),
        ({}, [("5", "2026-01-01"), ("5", "2026-01")], Truth.UNKNOWN),
        ({}, [("5", "2026-01-01"), ("5", "2026-01-02"), ("6", "2026-01-02")], Truth.UNKNOWN),
        ({"occasion": "any"}, [("5", "2026-01-01"), ("5", "2026-01-02"), ("6", "2026-01-02")], Truth.YES),
        ({}, [("5", "2026-01-01"), ("5", "2026-01-02"), ("6", "2026-01")], Truth.UNKNOWN),
        ({}, [("5", "2026-01-01"), ("5", "2026-01-02"), ("5", "2026-01-03"), ("6", "2026-01")], Truth.YES),
        ({"occasion": "any"}, [("5", "2026-01-01"), ("5", "2026-01-02"), ("6", "2026-01")], Truth.YES),
        ({"apart": "at least 7 days"}, [("5", "2026-01-01"), ("5", "2026-01-08")], Truth.YES),
        ({"apart": "at least 7 days"}, [("5", "2026-01-01"), ("5", "2026-01-07")], Truth.NO),
        ({"apart": "at least 7 days"}, [("5", "2026-01-01"), ("5", "2026-01-05"), ("5", "2026-01-08")], Truth.YES),
    ],
)
def test_a_count_is_of_separate_days_on_which_every_value_satisfies_the_limit(
    arguments: dict[str, str], values: Values, holds: Truth
) -> None:
    assert run(check(value="at most 5 kg", count="at least 2", **arguments), *measured(values)).holds is holds


def test_too_few_days_are_a_count_out_of_range() -> None:
    found = run(check(value="at most 5 kg", count="at least 2"), *measured([("5", "2026-01-01")]))
    assert (found.holds, found.reason) == (Truth.NO, Reason.COUNT_OUT_OF_RANGE)


@pytest.mark.parametrize(
    ("arguments", "values", "holds"),
    [
        ({}, [("5", "2025-12-01"), ("5", "2026-03-01")], Truth.YES),
        ({}, [("5", "2025-12-02"), ("5", "2026-03-01")], Truth.NO),
        ({}, [("5", "2025-12-01"), ("4", "2026-01-01"), ("5", "2026-03-01")], Truth.YES),
        ({}, [("5", "2025-12-01"), ("6", "2026-01-01"), ("5", "2026-03-01")], Truth.UNKNOWN),
        ({}, [("6", "2025-11-01"), ("5", "2025-12-01"), ("5", "2026-03-01")], Truth.YES),
        ({}, [("6", "2025-12-01"), ("5", "2025-12-01"), ("5", "2026-03-01")], Truth.UNKNOWN),
        ({}, [("5", "2025-11-01"), ("5", "2026-02-01"), ("6", "2026-03-01")], Truth.NO),
        ({"occasion": "any"}, [("5", "2025-11-01"), ("5", "2026-02-01"), ("6", "2026-03-01")], Truth.YES),
        ({}, [("5", "2025-12-01"), ("5", "2026-01"), ("5", "2026-03-01")], Truth.YES),
        ({}, [("5", "2025-12-01"), ("6", "2025"), ("5", "2026-03-01")], Truth.UNKNOWN),
        ({}, [("5", "2025-12"), ("5", "2026-03-01")], Truth.UNKNOWN),
    ],
)
def test_two_values_that_far_apart_with_none_between_them_that_fails_are_sustained(
    arguments: dict[str, str], values: Values, holds: Truth
) -> None:
    found = run(check(value="at most 5 kg", sustained="at least 3 months", **arguments), *measured(values))
    assert found.holds is holds


@pytest.mark.parametrize(
    ("change", "since", "values", "holds"),
    [
        ("fell by at least 5 %", "first", [("100", "2025-09-01"), ("95", "2026-02-01")], Truth.YES),
        ("fell by at least 5 %", "first", [("100", "2025-09-01"), ("95.1", "2026-02-01")], Truth.NO),
        ("fell by under 5 %", "first", [("100", "2025-09-01"), ("95.1", "2026-02-01")], Truth.YES),
        ("fell by under 5 %", "first", [("100", "2025-09-01"), ("101", "2026-02-01")], Truth.YES),
        ("fell by at least 5 kg", "first", [("100", "2025-09-01"), ("95", "2026-02-01")], Truth.YES),
        ("fell by at least 5 kg", "first", [("100", "2025-09-01"), ("95.1", "2026-02-01")], Truth.NO),
        ("rose by at least 10 %", "first", [("100", "2025-09-01"), ("110", "2026-02-01")], Truth.YES),
        ("rose by at least 10 %", "first", [("100", "2025-09-01"), ("109", "2026-02-01")], Truth.NO),
        (
            "fell by at least 5 kg",
            "previous",
            [("100", "2025-09-01"), ("97", "2025-12-01"), ("92", "2026-02-01")],
            Truth.YES,
        ),
        (
            "fell by at least 5 kg",
            "previous",
            [("100", "2025-09-01"), ("96", "2025-12-01"), ("92", "2026-02-01")],
            Truth.NO,
        ),
        (
            "fell by at least 5 kg",
            "highest",
            [("90", "2025-09-01"), ("97", "2025-12-01"), ("92", "2026-02-01")],
            Truth.YES,
        ),
        (
            "fell by at least 5 kg",
            "highest",
            [("90", "2025-09-01"), ("96", "2025-12-01"), ("92", "2026-02-01")],
            Truth.NO,
        ),
        (
            "rose by at least 5 kg",
            "lowest",
            [("99", "2025-09-01"), ("87", "2025-12-01"), ("92", "2026-02-01")],
            Truth.YES,
        ),
        (
            "rose by at least 5 kg",
            "lowest",
            [("99", "2025-09-01"), ("88", "2025-12-01"), ("92", "2026-02-01")],
            Truth.NO,
        ),
        ("fell by at least 5 %", "first", [("220 [lb_av]", "2025-09-01"), ("94", "2026-02-01")], Truth.YES),
        ("fell by at least 5 %", "first", [("220 foo", "2025-09-01"), ("94", "2026-02-01")], Truth.UNKNOWN),
        ("fell by at least 5 %", "first", [("220 foo", "2025-09-01"), ("94 foo", "2026-02-01")], Truth.YES),
        ("fell by under 5 %", "first", [("100", "2026-02-01")], Truth.UNKNOWN),
        ("fell by under 5 %", "first", [("100", "2026-02-01"), ("99", "2026-02-01")], Truth.UNKNOWN),
        ("fell by at least 5 %", "first", [("0", "2025-09-01"), ("0", "2026-02-01")], Truth.UNKNOWN),
        ("fell by at least 5 kg", "first", [("100", "2026-01"), ("95", "2026-02-01")], Truth.YES),
        ("fell by at least 5 kg", "first", [("100", "2026-02"), ("95", "2026-02-01")], Truth.UNKNOWN),
        ("fell by at least 5 kg", "first", [("100", "2025-01-01"), ("90", "2026-02-01")], Truth.UNKNOWN),
        (
            "fell by at least 5 kg",
            "first",
            [("100", "2025-09-01"), ("99", "2025"), ("90", "2025-10-01")],
            Truth.UNKNOWN,
        ),
        (
            "fell by at least 5 kg",
            "first",
            [("101", "2025-09-01"), ("100", "2025-09-01"), ("95", "2026-02-01")],
            Truth.YES,
        ),
        (
            "fell by at least 5 kg",
            "first",
            [("99", "2025-09-01"), ("100", "2025-09-01"), ("95", "2026-02-01")],
            Truth.UNKNOWN,
        ),
    ],
)
def test_a_change_is_from_an_earlier_value_to_the_latest(change: str, since: str, values: Values, holds: Truth) -> None:
    found = run(check(change=change, from_=since, within="12 months"), *measured(values))
    assert found.holds is holds


def test_a_value_without_a_date_leaves_a_change_open() -> None:
    undated = {name: each for name, each in measured([("50", "")])[0].items() if name != "effectiveDateTime"}
    weights = measured([("100", "2025-09-01"), ("90", "2026-02-01")])
    assert (
        run(check(change="fell by at least 5 kg", from_="first"), *weights, undated | {"id": "undated"}).holds
        is Truth.UNKNOWN
    )


def test_an_incomplete_list_leaves_a_change_open() -> None:
    weights = measured([("100", "2025-09-01"), ("90", "2026-02-01")])
    incomplete = available(Observation=UNAVAILABLE)
    found = run(check(change="fell by at least 5 kg", from_="first"), *weights, availability=incomplete)
    assert (found.holds, found.reason) == (Truth.UNKNOWN, Reason.DATA_UNAVAILABLE)


def test_a_change_between_numbers_without_units_is_not_understood() -> None:
    weights = [score(value, at, id=at) for value, at in (("220", "2025-09-01"), ("94", "2026-02-01"))]
    for weight in weights:
        del weight["valueQuantity"]["unit"]
    found = run(check(change="fell by at least 5 %", from_="first"), *weights)
    assert (found.holds, found.reason) == (Truth.UNKNOWN, Reason.UNCONVERTIBLE)


@pytest.mark.parametrize(
    ("change", "values", "headline"),
    [
        ("fell by under 5 %", ("101", "97"), "fell 3.96 % to 97 kg (2026-02-01)"),
        ("fell by under 5 %", ("100", "103"), "rose 3 % to 103 kg (2026-02-01)"),
        ("rose by under 5 kg", ("100", "98.5"), "fell 1.5 kg to 98.5 kg (2026-02-01)"),
        ("rose by at least 3 kg", ("100", "103"), "rose 3 kg to 103 kg (2026-02-01)"),
    ],
)
def test_a_change_is_printed_as_it_was_and_no_larger(change: str, values: tuple[str, str], headline: str) -> None:
    weights = measured(list(zip(values, ("2025-09-01", "2026-02-01"), strict=True)))
    assert run(check(change=change, from_="first"), *weights).headline == f"Label of 72514-3 {headline}"
