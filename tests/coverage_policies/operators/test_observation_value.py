"""`observation` with a `value`: which of several measurements decides, and what leaves it open."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coverage_policies.format.operator import ClauseCheck
from coverage_policies.format.searches import observation_search
from coverage_policies.format.terms import Reason
from coverage_policies.format.value_sets import ValueSet
from fhir_mappings.codings import LOINC
from fhir_mappings.fhir_json import Resource
from fhir_mappings.truth import Truth
from tests.support.policy_fakes import SETS, UNAVAILABLE, available, clause, row, run, score

OTHER = "other-scale"


def check(value: str = "at most 5", **arguments: Any) -> ClauseCheck:
    return clause("observation", in_="pain-severity-0-10", value=value, **arguments)


def measured(*values: tuple[str, str | None], status: str = "final") -> list[Resource]:
    """One score for each value and time."""
    return [
        {
            name: each
            for name, each in score(value, at or "", id=f"o{i}", status=status).items()
            if at or name != "effectiveDateTime"
        }
        for i, (value, at) in enumerate(values)
    ]


def test_it_searches_the_measurements_the_panels_and_the_preferred_ones_at_once() -> None:
    found = check(outranked_by=OTHER).searches
    assert found == (observation_search([f"{LOINC}|{code}" for code in ("72514-3", "38208-5", "85354-9")]),)


@pytest.mark.parametrize(
    ("occasion", "values", "holds", "reason"),
    [
        ("latest", [("5", "2026-01-01")], Truth.YES, Reason.VALUE_OUT_OF_RANGE),
        ("latest", [("6", "2026-01-01")], Truth.NO, Reason.VALUE_OUT_OF_RANGE),
        ("latest", [("6", "2026-01-01"), ("5", "2026-01-02")], Truth.YES, Reason.VALUE_OUT_OF_RANGE),
        ("latest", [("5", "2026-01-01"), ("6", "2026-01-02")], Truth.NO, Reason.VALUE_OUT_OF_RANGE),
        ("latest", [("5", "2026-01-02"), ("6", "2026-01-02")], Truth.UNKNOWN, Reason.CONFLICT),
        ("latest", [("5", "2026-01-02"), ("4", "2026-01-02")], Truth.YES, Reason.VALUE_OUT_OF_RANGE),
        (
            "latest",
            [("6", "2026-01-02T09:00:00Z"), ("5", "2026-01-02T10:00:00Z")],
            Truth.YES,
            Reason.VALUE_OUT_OF_RANGE,
        ),
        ("latest", [("6", "2026-01-02"), ("5", "2026-01-02T10:00:00Z")], Truth.UNKNOWN, Reason.CONFLICT),
        ("latest", [("6", "2026-01"), ("5", "2026-01-02")], Truth.UNKNOWN, Reason.CONFLICT),
        ("latest", [("6", "2026-01"), ("5", "2026-02-01")], Truth.YES, Reason.VALUE_OUT_OF_RANGE),
        ("latest", [("6", None), ("5", "2026-02-01")], Truth.UNKNOWN, Reason.MISSING),
        ("latest", [("5", None)], Truth.UNKNOWN, Reason.MISSING),
        ("latest", [("6", None)], Truth.NO, Reason.VALUE_OUT_OF_RANGE),
        ("latest", [("5", "2026-03-03")], Truth.NO, Reason.NOT_FOUND),
        ("lowest", [("5", "2026-01-01"), ("9", "2026-01-02")], Truth.YES, Reason.VALUE_OUT_OF_RANGE),
        ("lowest", [("6", "2026-01-01"), ("9", "2026-01-02")], Truth.NO, Reason.VALUE_OUT_OF_RANGE),
        ("lowest", [("5", None), ("9", "2026-01-02")], Truth.UNKNOWN, Reason.MISSING),
        ("lowest", [("9", None), ("5", "2026-01-02")], Truth.YES, Reason.VALUE_OUT_OF_RANGE),
        ("highest", [("5", "2026-01-01"), ("4", "2026-01-02")], Truth.YES, Reason.VALUE_OUT_OF_RANGE),
        ("highest", [("6", "2026-01-01"), ("4", "2026-01-02")], Truth.NO, Reason.VALUE_OUT_OF_RANGE),
        ("highest", [("6", None), ("4", "2026-01-02")], Truth.UNKNOWN, Reason.MISSING),
        ("highest", [("5", None), ("4", "2026-01-02")], Truth.YES, Reason.VALUE_OUT_OF_RANGE),
        ("any", [("5", "2026-01-01"), ("9", "2026-01-02")], Truth.YES, Reason.VALUE_OUT_OF_RANGE),
        ("any", [("6", "2026-01-01"), ("9", "2026-01-02")], Truth.NO, Reason.VALUE_OUT_OF_RANGE),
        ("any", [("5", None), ("9", "2026-01-02")], Truth.UNKNOWN, Reason.MISSING),
    ],
)
def test_the_occasion_says_which_value_has_to_satisfy_the_limit(
    occasion: str, values: Sequence[tuple[str, str | None]], holds: Truth, reason: Reason
) -> None:
    found = run(check(occasion=occasion), *measured(*values))
    assert (found.holds, found.reason) == (holds, reason)


def test_the_latest_value_decides_unless_stated() -> None:
    assert run(check(), *measured(("6", "2026-01-01"), ("5", "2026-01-02"))).holds is Truth.YES


@pytest.mark.parametrize(
    ("occasion", "value", "holds"),
    [
        ("latest", "5", Truth.UNKNOWN),
        ("latest", "6", Truth.UNKNOWN),
        ("lowest", "5", Truth.YES),
        ("lowest", "6", Truth.UNKNOWN),
        ("highest", "5", Truth.UNKNOWN),
        ("highest", "6", Truth.NO),
        ("any", "5", Truth.YES),
        ("any", "6", Truth.UNKNOWN),
    ],
)
def test_only_what_another_value_cannot_change_decides_an_incomplete_list(
    occasion: str, value: str, holds: Truth
) -> None:
    incomplete = available(Observation=UNAVAILABLE)
    found = run(check(occasion=occasion), *measured((value, "2026-01-01")), availability=incomplete)
    assert found.holds is holds
    assert (found.reason is Reason.DATA_UNAVAILABLE) == (holds is Truth.UNKNOWN)


def test_a_list_that_was_not_read_leaves_it_open() -> None:
    found = run(check(), availability=available(Observation=UNAVAILABLE))
    assert (found.holds, found.reason) == (Truth.UNKNOWN, Reason.DATA_UNAVAILABLE)


@pytest.mark.parametrize(
    ("at", "holds", "reason"),
    [
        ("2026-01-31", Truth.YES, Reason.VALUE_OUT_OF_RANGE),
        ("2026-01-30", Truth.UNKNOWN, Reason.DATE_OUT_OF_RANGE),
        ("2026-01", Truth.UNKNOWN, Reason.DATE_OUT_OF_RANGE),
    ],
)
def test_a_value_from_before_the_time_decides_nothing_and_is_shown(at: str, holds: Truth, reason: Reason) -> None:
    found = run(check(within="30 days"), *measured(("5", at)))
    assert (found.holds, found.reason) == (holds, reason)
    assert [item.value for item in found.evidence] == ["5"]


def test_a_value_that_is_not_final_leaves_it_open_as_the_latest() -> None:
    later = score("9", "2026-02-01", status="preliminary")
    found = run(check(), score("5", "2026-01-01"), later)
    assert (found.holds, found.reason) == (Truth.UNKNOWN, Reason.INVALID_ATTRIBUTE)


def test_the_finding_has_the_value_and_its_date() -> None:
    found = run(check(), *measured(("5", "2026-01-01"), ("4", "2026-01-02")))
    assert found.headline == "Label of 72514-3 4 (2026-01-02)"


@pytest.mark.parametrize(
    ("at", "holds"),
    [("2026-02-20", Truth.NO), (None, Truth.UNKNOWN), ("2025-12-01", Truth.YES), ("2026-03-09", Truth.YES)],
)
def test_a_preferred_measurement_of_the_same_time_decides_in_its_place(at: str | None, holds: Truth) -> None:
    (preferred,) = measured(("9", at))
    preferred |= {"code": score("9", "", code="38208-5")["code"], "valueQuantity": {"value": 9, "unit": "%"}}
    found = run(check(within="60 days", outranked_by=OTHER), score("5", "2026-02-01"), preferred)
    assert found.holds is holds


def test_a_preferred_measurement_without_a_unit_only_may_decide() -> None:
    preferred = score("9", "2026-02-20", code="38208-5") | {"valueInteger": 9}
    del preferred["valueQuantity"]
    assert run(check(outranked_by=OTHER), score("5", "2026-02-01"), preferred).holds is Truth.UNKNOWN


@pytest.mark.parametrize(
    ("value", "unit", "holds"),
    [
        ("60", "%", Truth.YES),
        ("0.6", "1", Truth.YES),
        ("127", "%", Truth.NO),
        ("0.4", "1", Truth.NO),
        ("60", "1", Truth.UNKNOWN),
        ("127", "", Truth.NO),
    ],
)
def test_a_value_outside_its_scale_does_not_count_in_whatever_unit(value: str, unit: str, holds: Truth) -> None:
    """The earlier value fails. One that is outside only after its conversion is in a unit that was mistaken."""
    scaled = ValueSet("scaled", [replace(row(LOINC, "72514-3"), scale=(Decimal(50), Decimal(100)))])
    asked = clause("observation", SETS | {"scaled": scaled}, in_="scaled", value="at most 70 %")
    earlier, later = score("90", "2026-01-01"), score(value, "2026-02-01")
    for each, written in ((earlier, "%"), (later, unit)):
        each["valueQuantity"]["unit"] = written
    assert run(asked, earlier, later).holds is holds


@pytest.mark.parametrize(
    ("arguments", "advice"),
    [
        ({"occasion": "any"}, "`occasion` needs a `value` to decide by"),
        ({"value": "at most 5", "change": "fell by at least 5 %"}, "are two clauses"),
        ({"value": "at most 5", "from": "first"}, "`from` is for a `change`"),
        ({"value": "at most 5", "apart": "at least 2 days"}, "it needs `count: at least 2`"),
        ({"value": "at most 5", "count": "at most 2"}, "written like 'at least 2'"),
        ({"value": "at most 5", "count": "exactly 2"}, "written like 'at least 2'"),
        ({"value": "at most 5", "count": "at least 2", "occasion": "lowest"}, "asks about one value"),
        ({"value": "at most 5", "count": "at least 2", "occasion": "latest"}, "asks about one value"),
        ({"value": "at most 5", "count": "at least 2", "apart": "under 2 days"}, "`apart` is written like"),
        ({"value": "at most 5", "sustained": "under 2 days"}, "`sustained` is written like"),
        ({"value": "at most 5", "sustained": "at least 2 days", "count": "at least 2"}, "are two clauses"),
        ({"change": "fell by at least 5 %"}, "`change` needs the value that it is `from`"),
        ({"change": "fell by at least 5 %", "from": "first", "occasion": "any"}, "`occasion` is for a `value`"),
        ({"value": "at most 5", "states": "unheard-of"}, "there is no value set named 'unheard-of'"),
    ],
)
def test_arguments_that_do_not_go_together_say_what_to_write(arguments: dict[str, str], advice: str) -> None:
    with pytest.raises(ValueError, match=advice):
        clause("observation", in_="pain-severity-0-10", **arguments)


DAYS = st.integers(0, 40).map(lambda days: (date(2026, 1, 20) + timedelta(days)).isoformat())
CHARTS = st.lists(st.tuples(st.integers(1, 9).map(str), DAYS), max_size=5)
RULES = st.sampled_from(
    [
        *({"occasion": occasion} for occasion in ("latest", "lowest", "highest", "any")),
        {"count": "at least 2"},
        {"count": "at least 2", "apart": "at least 7 days", "occasion": "any"},
        {"sustained": "at least 7 days"},
        {"sustained": "at least 7 days", "occasion": "any"},
    ]
)


@given(RULES, CHARTS, st.integers(1, 9).map(str))
def test_a_value_without_a_date_never_lets_a_clause_hold_and_changes_no_answer(
    rule: dict[str, str], values: list[tuple[str, str]], undated: str
) -> None:
    before = run(check(**rule), *measured(*values)).holds
    after = run(check(**rule), *measured(*values, (undated, None))).holds
    assert after in (before, Truth.UNKNOWN)


@given(RULES, CHARTS, st.integers(1, 9).map(str), DAYS)
def test_what_holds_with_a_value_without_a_date_holds_whenever_it_was_taken(
    rule: dict[str, str], values: list[tuple[str, str]], undated: str, at: str
) -> None:
    open_to_all = run(check(**rule), *measured(*values, (undated, None))).holds
    on_that_day = run(check(**rule), *measured(*values, (undated, at))).holds
    assert open_to_all in (Truth.UNKNOWN, on_that_day)


@given(RULES, CHARTS, st.integers(1, 9).map(str), DAYS)
def test_what_an_incomplete_list_decides_no_other_value_changes(
    rule: dict[str, str], values: list[tuple[str, str]], missing: str, at: str
) -> None:
    incomplete = run(check(**rule), *measured(*values), availability=available(Observation=UNAVAILABLE)).holds
    complete = run(check(**rule), *measured(*values, (missing, at))).holds
    assert incomplete in (Truth.UNKNOWN, complete)


@given(RULES, CHARTS, st.integers(1, 9).map(str), DAYS)
def test_a_preliminary_value_decides_nothing_that_its_number_could_change(
    rule: dict[str, str], values: list[tuple[str, str]], number: str, at: str
) -> None:
    preliminary = run(check(**rule), *measured(*values), score("9", at, status="preliminary", id="p")).holds
    final = run(check(**rule), *measured(*values), score(number, at, id="p")).holds
    assert preliminary in (Truth.UNKNOWN, final)
