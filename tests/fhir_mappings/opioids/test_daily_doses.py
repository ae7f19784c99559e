"""The dose of each day: what was supplied, what may have gone on, and where records change it."""

from datetime import date

from fhir_mappings.opioids import DailyDose, daily_doses
from fhir_mappings.opioids.history import MAX_LINES
from tests.support.opioid_chart import (
    ANCHOR,
    BUPRENORPHINE_SL_8,
    OXYCODONE_5,
    during,
    mme,
    order,
    record,
    sig,
    statement,
    stopped,
    supplied,
)

DECEMBER_31, LAST = date(2025, 12, 31), date(2026, 1, 14)


def doses(*resources, days=15, on=ANCHOR):
    return daily_doses(record(*resources), on, days)


def test_days_of_one_dose_are_one_stretch():
    assert doses(during("a", OXYCODONE_5, "2025-12-01", "2026-02-01", sig(1, times=2))) == (
        DailyDose(DECEMBER_31, LAST, mme(15, 15)),
    )


def test_a_dose_changes_on_the_day_of_a_new_order():
    found = doses(
        stopped(during("a", OXYCODONE_5, "2025-12-01", "2026-01-04", sig(1, times=4))),
        during("b", OXYCODONE_5, "2026-01-05", "2026-02-01", sig(1, times=2)),
    )
    assert found[-1] == DailyDose(date(2026, 1, 5), LAST, mme(15, 15))


def test_after_the_last_supply_the_dose_may_have_been_none_or_the_same():
    found = doses(order("a", OXYCODONE_5, sig(1, times=2), on="2025-12-20", dispenseRequest=supplied(15)))
    assert [(each.first, each.dose.low > 0) for each in found] == [(DECEMBER_31, True), (date(2026, 1, 4), False)]
    assert {each.dose.high for each in found} == {found[0].dose.high}


def test_a_drug_without_a_factor_leaves_no_upper_bound():
    assert {each.dose.high for each in doses(statement("a", BUPRENORPHINE_SL_8, sig(1)))} == {None}


def test_a_chart_without_opioids_has_one_stretch_of_nothing():
    assert doses() == (DailyDose(DECEMBER_31, LAST, mme(0, 0)),)


def test_the_days_end_before_the_reading_if_the_anchor_is_in_the_future():
    assert doses(on=date(2027, 1, 1))[-1].last == LAST


def test_too_many_resources_give_no_doses():
    many = [order(f"m{number}", OXYCODONE_5, sig(1)) for number in range(MAX_LINES + 1)]
    assert doses(*many) == ()
