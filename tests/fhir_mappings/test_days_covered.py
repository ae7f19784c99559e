"""How many days of a period dispensed supplies cover.

The expected numbers of the first two tests follow from the examples that the Pharmacy Quality Alliance gives for its
proportion of days covered (pqaalliance.org, pdc-dr.js: the first and last doses of each claim).
"""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_mappings.codings import RXNORM, Match
from fhir_mappings.days_covered import days_covered
from tests.support.fhir_builders import concept, record, resource


def by_code(codings):
    return next((Match(coding.code, True) for coding in codings if coding.code in ("a", "b")), None)


def dispense(on, days, code="a", number=0, **more):
    supply = {"value": days, "unit": "d"} if days else None
    return resource(
        "MedicationDispense",
        id=f"{code}-{on}-{days}-{number}",
        status="completed",
        medicationCodeableConcept=concept(code, RXNORM),
        whenHandedOver=str(on),
        daysSupply=supply,
        **more,
    )


def covered(*dispenses, first=date(2018, 1, 1), last=date(2018, 12, 31)):
    found = days_covered(record(*dispenses), by_code, first, last)
    return found.least, found.most


def test_a_refill_that_comes_early_is_used_after_the_supply_before_it():
    claims = [("2018-01-01", 90), ("2018-03-25", 90), ("2018-07-05", 90), ("2018-10-15", 90)]
    assert covered(*(dispense(*claim) for claim in claims)) == (180 + 90 + 78, 180 + 90 + 78)


def test_days_of_two_drugs_count_once_and_move_neither():
    claims = [dispense("2018-01-01", 90), dispense("2018-01-01", 90, "b")]
    assert covered(*claims) == (90, 90)


def test_supply_from_before_the_period_counts_as_far_as_it_lasts_into_it():
    assert covered(dispense("2017-12-22", 30)) == (20, 20)


def test_supply_is_cut_off_at_the_end_of_the_period():
    assert covered(dispense("2018-12-31", 30)) == (1, 1)


def test_supply_after_the_period_does_not_count():
    assert covered(dispense("2019-01-01", 30)) == (0, 0)


def test_two_dispenses_of_one_day_may_be_one():
    assert covered(dispense("2018-01-01", 30), dispense("2018-01-01", 30, number=1)) == (30, 60)


@pytest.mark.parametrize(
    "unknown",
    [
        {"days": None},
        {"days": 30, "dosageInstruction": [{"asNeededBoolean": True}]},
    ],
)
def test_a_dispense_without_certain_days_may_cover_all_that_follow(unknown):
    assert covered(dispense("2018-12-22", **unknown)) == (0, 10)


@pytest.mark.parametrize(("on", "most"), [("2017-01-01", 1), ("2016-12-31", 0)])
def test_a_dispense_without_certain_days_lasts_a_year_at_most(on, most):
    assert covered(dispense(on, None)) == (0, most)


def test_only_dispenses_that_reach_into_the_period_are_shown():
    chart = record(dispense("2017-12-01", 31), dispense("2017-12-01", 30, "b"), dispense("2019-01-01", 30))
    found = days_covered(chart, by_code, date(2017, 12, 31), date(2018, 12, 31))
    assert [each.reference for each in found.evidence] == ["MedicationDispense/a-2017-12-01-31-0"]


def test_a_prescription_is_no_supply():
    prescribed = resource(
        "MedicationRequest",
        status="active",
        intent="order",
        medicationCodeableConcept=concept("a", RXNORM),
        authoredOn="2018-01-01",
        dispenseRequest={"expectedSupplyDuration": {"value": 90, "unit": "d"}},
    )
    assert covered(prescribed) == (0, 0)


FILLS = st.lists(st.tuples(st.integers(-40, 100), st.integers(1, 60) | st.none(), st.sampled_from("ab")), max_size=6)


@given(FILLS, st.tuples(st.integers(-40, 100), st.integers(1, 60) | st.none(), st.sampled_from("ab")))
def test_another_dispense_never_lowers_the_days_covered(fills, another):
    first, last = date(2018, 1, 1), date(2018, 2, 28)

    def of(claims):
        made = [dispense(first + timedelta(day), days, code, i) for i, (day, days, code) in enumerate(claims)]
        return covered(*made, first=first, last=last)

    before, after = of(fills), of([*fills, another])
    assert before[0] <= after[0]
    assert before[1] <= after[1]
    assert 0 <= after[0] <= after[1] <= 59
