from decimal import Decimal
from fractions import Fraction

import pytest

from fhir_mappings.opioids.dose import daily_mme, supplied_per_day
from fhir_mappings.opioids.quantities import Interval, UnconvertibleError
from fhir_mappings.opioids.table import products
from tests.support.opioid_chart import (
    CODEINE_APAP_SOLUTION,
    FENTANYL_12,
    FENTANYL_25,
    FENTANYL_50,
    FENTANYL_IONTOPHORETIC,
    HYDROCODONE_APAP_10,
    HYDROMORPHONE_1,
    MORPHINE_15,
    MORPHINE_INJECTION,
    MORPHINE_SOLUTION_2,
    OXYCODONE_5,
    OXYCODONE_APAP_5,
    quantity,
    sig,
)


def per_day(dosage, rxcui=OXYCODONE_5):
    return daily_mme(dosage, products()[rxcui])


def between(low, high):
    return Interval(Fraction(low), Fraction(high))


def timed(timing, **members):
    return {"timing": timing, "doseAndRate": [{"doseQuantity": quantity(1)}], **members}


def dosed(*doses, **members):
    return {**sig(), "doseAndRate": list(doses), **members}


# --- dose per administration -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("unit", ["{tbl}", "TAB", "tablet", "tabs", "1", "{capsule}", "ERTAB12"])
def test_a_tablet_goes_by_many_names(unit):
    assert per_day(sig(2, unit)) == between(15, 15)  # 2 x 5 mg x 1.5


def test_the_word_for_the_unit_serves_where_the_code_is_missing():
    assert per_day(dosed({"doseQuantity": {"value": 2, "unit": "Tablets"}})) == between(15, 15)


def test_a_number_without_a_unit_counts_tablets():
    assert per_day(dosed({"doseQuantity": {"value": 2}})) == between(15, 15)


def test_a_number_without_a_unit_that_equals_a_tablets_content_may_be_either():
    assert per_day(dosed({"doseQuantity": {"value": 10}})) == between(15, 75)  # 10 mg, or 10 tablets of 5 mg


def test_milliliters_are_multiplied_with_the_concentration():
    assert per_day(sig(5, "mL"), MORPHINE_SOLUTION_2) == between(10, 10)


@pytest.mark.parametrize(
    ("value", "unit", "mme"),
    [(15, "mg", 15), (50, "ug", "0.05"), (50, "mcg", "0.05"), (50, "\u00b5g", "0.05"), ("0.015", "g", 15)],
)
def test_a_mass_of_a_single_drug_is_the_opioids(value, unit, mme):
    assert per_day(sig(Decimal(value), unit), MORPHINE_15) == between(mme, mme)


@pytest.mark.parametrize(("mass", "mme"), [("2.5", "3.75"), (5, "7.5"), (20, 30)])
def test_a_mass_of_a_combination_counts_when_it_is_half_to_four_tablets(mass, mme):
    assert per_day(sig(Decimal(mass), "mg"), OXYCODONE_APAP_5) == between(mme, mme)


@pytest.mark.parametrize("mass", [325, 25, 3], ids=["acetaminophen", "five tablets", "no part of a tablet"])
def test_a_mass_of_a_combination_may_be_the_other_drugs(mass):
    with pytest.raises(UnconvertibleError, match="a mass of a combination"):
        per_day(sig(mass, "mg"), OXYCODONE_APAP_5)


def test_a_mass_of_a_liquid_combination_is_never_taken_for_the_opioids():
    with pytest.raises(UnconvertibleError, match="a mass of a combination"):
        per_day(sig(24, "mg"), CODEINE_APAP_SOLUTION)


def test_a_dose_range_is_an_interval():
    dose = {"doseRange": {"low": quantity(1), "high": quantity(2)}}
    assert per_day(dosed(dose)) == between("7.5", 15)


def test_a_dose_range_without_a_high_end_has_no_upper_bound():
    with pytest.raises(UnconvertibleError, match="no high end"):
        per_day(dosed({"doseRange": {"low": quantity(1)}}))


def test_the_ordered_dose_goes_before_the_calculated_one():
    calculated = {"type": {"coding": [{"code": "calculated"}]}, "doseQuantity": quantity(3)}
    ordered = {"type": {"coding": [{"code": "ordered"}]}, "doseQuantity": quantity(1)}
    assert per_day(dosed(calculated, ordered)) == between("7.5", "7.5")


def test_two_doses_of_no_type_are_no_dose():
    with pytest.raises(UnconvertibleError, match="several doses"):
        per_day(dosed({"doseQuantity": quantity(1)}, {"doseQuantity": quantity(2)}))


@pytest.mark.parametrize("unit", ["mL", "mEq", "{puff}", "ug/h"])
def test_a_unit_that_does_not_fit_a_tablet_is_no_dose(unit):
    with pytest.raises(UnconvertibleError, match="doseQuantity"):
        per_day(sig(1, unit))


def test_a_code_and_a_unit_that_differ_are_no_dose():
    with pytest.raises(UnconvertibleError, match="code and unit differ"):
        per_day(dosed({"doseQuantity": {"value": 5, "code": "mg", "unit": "mcg"}}))


@pytest.mark.parametrize(
    "value", ["2", True, -1, None, Decimal("NaN"), Decimal("1e999999999"), Decimal("1e-999999999")]
)
def test_what_is_no_amount_is_no_dose(value):
    with pytest.raises(UnconvertibleError, match="doseQuantity"):
        per_day(sig(value))


def test_an_upper_bound_sent_as_a_dose_is_no_dose():
    with pytest.raises(UnconvertibleError, match="only a bound"):
        per_day(dosed({"doseQuantity": {**quantity(2), "comparator": "<"}}))


# --- frequency -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("times", "period", "per", "mme"),
    [(1, 6, "h", 30), (3, 1, "d", "22.5"), (1, 2, "d", "3.75"), (7, 1, "wk", "7.5"), (30, 1, "mo", "7.5")],
)
def test_a_frequency_is_brought_to_one_day(times, period, per, mme):
    assert per_day(sig(times=times, period=period, per=per)) == between(mme, mme)


def test_ranges_of_frequency_and_period_widen_the_interval():
    repeat = {"frequency": 1, "frequencyMax": 2, "period": 4, "periodMax": 6, "periodUnit": "h"}
    assert per_day(timed({"repeat": repeat})) == between(30, 90)  # 4 a day to 12 a day, each 7.5


def test_a_period_without_a_frequency_is_once_per_period():
    assert per_day(timed({"repeat": {"period": 12, "periodUnit": "h"}})) == between(15, 15)


def test_times_of_day_are_counted_where_there_is_no_frequency():
    assert per_day(timed({"repeat": {"timeOfDay": ["08:00:00", "20:00:00"]}})) == between(15, 15)


def test_more_times_of_day_than_the_frequency_says_raise_the_upper_bound():
    repeat = {"frequency": 1, "period": 1, "periodUnit": "d", "timeOfDay": ["08:00:00", "20:00:00"]}
    assert per_day(timed({"repeat": repeat})) == between("7.5", 15)


def test_events_of_the_day_are_counted():
    assert per_day(timed({"repeat": {"when": ["MORN", "HS"]}})) == between(15, 15)


def test_at_meals_is_at_one_to_three_of_them():
    assert per_day(timed({"repeat": {"when": ["C"]}})) == between("7.5", "22.5")


def test_days_of_the_week_are_their_share_of_it():
    assert per_day(timed({"repeat": {"dayOfWeek": ["mon", "wed", "fri"]}})) == between(
        Fraction(45, 14), Fraction(45, 14)
    )


def test_a_daily_frequency_on_some_days_of_the_week_is_its_share():
    repeat = {"frequency": 2, "period": 1, "periodUnit": "d", "dayOfWeek": ["sat", "sun"]}
    assert per_day(timed({"repeat": repeat})) == between(Fraction(30, 7), Fraction(30, 7))


def test_once_a_week_on_two_days_is_once_or_twice():
    repeat = {"frequency": 1, "period": 1, "periodUnit": "wk", "dayOfWeek": ["tue", "thu"]}
    assert per_day(timed({"repeat": repeat})) == between(Fraction(15, 14), Fraction(15, 7))


@pytest.mark.parametrize(
    ("code", "mme"),
    [
        ("QD", "7.5"),
        ("BID", 15),
        ("TID", "22.5"),
        ("QID", 30),
        ("Q4H", 45),
        ("Q6H", 30),
        ("QOD", "3.75"),
        ("QHS", "7.5"),
        ("AM", "7.5"),
        ("PM", "7.5"),
    ],
)
def test_a_timing_code_says_how_often(code, mme):
    assert per_day(timed({"code": {"coding": [{"code": code}]}})) == between(mme, mme)


def test_a_timing_code_with_a_range_of_hours_is_an_interval():
    assert per_day(timed({"code": {"text": "q4-6h"}})) == between(30, 45)


def test_bounds_alone_leave_the_frequency_to_the_code():
    timing = {"repeat": {"boundsPeriod": {"start": "2025-01-01"}}, "code": {"text": "BID"}}
    assert per_day(timed(timing)) == between(15, 15)


@pytest.mark.parametrize(
    "timing",
    [
        None,
        {},
        {"repeat": {}},
        {"repeat": {"frequency": 2}},
        {"repeat": {"frequency": 0, "period": 1, "periodUnit": "d"}},
        {"repeat": {"frequency": 1, "period": 0, "periodUnit": "d"}},
        {"repeat": {"frequency": "2", "period": 1, "periodUnit": "d"}},
        {"repeat": {"frequency": 1, "period": 1, "periodUnit": "fortnight"}},
        {"event": ["2025-01-01", "2025-01-05"]},
        {"code": {"text": "when the pain is bad"}},
    ],
)
def test_a_timing_that_does_not_say_how_often_is_no_frequency(timing):
    with pytest.raises(UnconvertibleError, match="timing"):
        per_day(timed(timing))


# --- as needed, caps -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "said",
    [
        {"asNeededBoolean": True},
        {"asNeededCodeableConcept": {"text": "pain"}},
        {"text": "1 tab q6h PRN"},
        {"patientInstruction": "take as needed"},
        {"additionalInstruction": [{"text": "if needed"}]},
    ],
)
def test_a_dose_as_needed_may_be_none(said):
    assert per_day(sig(times=4, **said)) == between(0, 30)


@pytest.mark.parametrize("element", ["text", "patientInstruction"])
@pytest.mark.parametrize(
    "condition",
    [
        "only if severe pain",
        "Only if pain is severe",
        "only when in pain",
        "only for severe pain",
        "only for severe low back pain",
        "only for flare-ups",
        "for severe pain only",
        "for severe pain (7-10) only",
    ],
)
def test_a_dose_under_a_condition_is_as_needed(element, condition):
    assert per_day(sig(times=2, **{element: f"Take {condition}"})) == between(0, 15)


@pytest.mark.parametrize(
    "said",
    [
        "for severe pain",
        "for pain",
        "only for chronic pain",
        "for chronic pain only",
        "for 30 days only",
        "for oral use only",
        "only by mouth",
        "Refill only if due",
    ],
)
def test_a_dose_for_an_indication_is_not_as_needed(said):
    assert per_day(sig(times=2, text=f"Take 1 tablet twice daily. {said}")) == between(15, 15)


def test_a_dose_that_is_not_as_needed_is_taken_in_full():
    assert per_day(sig(times=4, asNeededBoolean=False, text="1 tab every 6 hours")) == between(30, 30)


@pytest.mark.parametrize(
    ("most", "unit", "per", "mme"),
    [(3, "{tbl}", "d", "22.5"), (15, "mg", "d", "22.5"), (3, "{tbl}", "h", 30), (21, "{tbl}", "wk", "22.5")],
)
def test_a_maximum_per_period_caps_both_ends(most, unit, per, mme):
    cap = {"numerator": quantity(most, unit), "denominator": quantity(1, per)}
    assert per_day(sig(times=4, maxDosePerPeriod=cap)) == between(mme, mme)


def test_a_maximum_in_milliliters_caps_a_solution():
    cap = {"numerator": quantity(10, "mL"), "denominator": quantity(24, "h")}
    assert per_day(sig(5, "mL", times=4, maxDosePerPeriod=cap), MORPHINE_SOLUTION_2) == between(20, 20)


def test_a_maximum_that_cannot_be_read_leaves_no_lower_bound():
    cap = {"numerator": quantity(4000, "mg"), "denominator": quantity(1, "d")}
    assert per_day(sig(times=4, maxDosePerPeriod=cap), OXYCODONE_APAP_5) == between(0, 30)


def test_a_maximum_that_may_mean_two_things_caps_each_end_by_one_of_them():
    # ten: 10 mg are 15 MME, ten tablets 75
    cap = {"numerator": {"value": 10}, "denominator": quantity(1, "d")}
    assert per_day(sig(times=4, maxDosePerPeriod=cap)) == between(15, 30)


def test_a_maximum_bounds_an_order_that_does_not_say_how_often():
    cap = {"numerator": quantity(3), "denominator": quantity(1, "d")}
    assert per_day(timed(None, maxDosePerPeriod=cap)) == between(0, "22.5")


def test_a_maximum_per_administration_caps_the_dose():
    dose = {"doseRange": {"low": quantity(1), "high": quantity(3)}}
    assert per_day(dosed(dose, maxDosePerAdministration=quantity(2))) == between("7.5", 15)


# --- patches ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hours", [48, 72])
def test_a_patch_counts_the_same_however_often_it_is_changed(hours):
    assert per_day(sig(1, "{patch}", period=hours, per="h"), FENTANYL_50) == between(120, 120)


def test_the_12_microgram_patch_is_28_point_8_mme():
    assert per_day(sig(1, "{patch}", period=3), FENTANYL_12) == between("28.8", "28.8")


def test_two_patches_at_once_count_twice():
    assert per_day(sig(2, "{patch}", period=3), FENTANYL_25) == between(120, 120)


def test_two_patches_per_change_may_be_worn_at_once_or_in_turn():
    assert per_day(sig(1, "{patch}", times=2, period=3), FENTANYL_25) == between(60, 120)


def test_a_patch_that_is_changed_weekly_is_worn_for_three_days_of_seven_at_least():
    assert per_day(sig(1, "{patch}", period=7), FENTANYL_25) == between(Fraction(180, 7), 60)


@pytest.mark.parametrize("member", ["doseQuantity", "rateQuantity"])
def test_a_rate_on_a_patch_is_its_dose(member):
    dosage = {**sig(period=3), "doseAndRate": [{member: quantity(25, "ug/h")}]}
    assert per_day(dosage, FENTANYL_25) == between(60, 60)


def test_a_mass_is_no_dose_of_a_patch():
    with pytest.raises(UnconvertibleError, match="does not fit"):
        per_day(sig(25, "ug", period=3), FENTANYL_25)


def test_iontophoretic_fentanyl_is_no_patch():
    with pytest.raises(UnconvertibleError, match="no factor"):
        per_day(sig(1, "{patch}", period=3), FENTANYL_IONTOPHORETIC)


def test_one_patch_in_three_days_as_a_maximum_is_one_at_a_time():
    cap = {"numerator": quantity(1, "{patch}"), "denominator": quantity(72, "h")}
    assert per_day(sig(1, "{patch}", period=3, maxDosePerPeriod=cap), FENTANYL_25) == between(60, 60)


# --- route -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "route",
    [{"coding": [{"code": "26643006"}]}, {"text": "Oral"}, {"text": "by mouth"}, {"coding": [{"code": "PO"}]}],
)
def test_a_factor_holds_by_mouth(route):
    assert per_day(sig(route=route)) == between("7.5", "7.5")


@pytest.mark.parametrize(
    "route",
    [
        {"coding": [{"code": "47625008"}]},
        {"text": "intravenous"},
        {"text": "IM"},
        {"text": "subcutaneous"},
        {"text": "rectal"},
        {"coding": [{"code": "local-7"}]},
    ],
)
def test_no_factor_holds_by_another_route(route):
    with pytest.raises(UnconvertibleError, match="route"):
        per_day(sig(route=route))


def test_an_injection_has_no_factor_whatever_its_order_says():
    with pytest.raises(UnconvertibleError, match="no factor"):
        per_day(sig(1, "mL", route={"text": "oral"}), MORPHINE_INJECTION)


def test_a_patch_is_not_swallowed():
    with pytest.raises(UnconvertibleError, match="route"):
        per_day(sig(1, "{patch}", period=3, route={"text": "oral"}), FENTANYL_25)


# --- supply ----------------------------------------------------------------------------------------------------------


def test_a_quantity_over_its_days_is_a_dose():
    product = products()[HYDROCODONE_APAP_10]
    assert supplied_per_day(quantity(90), quantity(30, "d"), product, "x") == between(30, 30)


def test_ten_patches_in_thirty_days_are_worn_for_two_or_three_days_each():
    product = products()[FENTANYL_25]
    assert supplied_per_day(quantity(10, "{patch}"), quantity(30, "d"), product, "x") == between(40, 60)


def test_a_strength_in_fractions_of_a_milligram_stays_exact():
    assert per_day(sig(Decimal("0.1"), times=3), HYDROMORPHONE_1) == between("1.5", "1.5")
