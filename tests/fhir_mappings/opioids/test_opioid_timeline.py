from decimal import Decimal

import pytest

from tests.support.opioid_chart import (
    BUPRENORPHINE_SL_8,
    MORPHINE_15,
    MORPHINE_ER_15,
    MORPHINE_ER_30,
    MORPHINE_INJECTION,
    OXYCODONE_5,
    OXYCODONE_10,
    OXYCODONE_ER_20,
    PERCOCET_5,
    RXNORM,
    administration,
    bounded,
    coded,
    current,
    dispense,
    during,
    line,
    mme,
    order,
    quantity,
    read,
    sig,
    statement,
    stopped,
    supplied,
)

ONE_TABLET = sig(1)  # of 5 mg oxycodone: 7.5 MME
TWO_A_DAY = sig(1, times=2)


def days(low, high, of=Decimal("7.5")):
    """The mean over 14 days of so many days at a dose."""
    exact = [Decimal(count) * of / 14 for count in (low, high)]
    return [round(value, 6) for value in exact]


def rounded(dose):
    return [round(dose.low, 6), None if dose.high is None else round(dose.high, 6)]


def changed(day):
    return {"lastUpdated": f"{day}T12:00:00Z"}


# --- when it began and ended -----------------------------------------------------------------------------------------


def test_an_order_begins_with_the_bounds_of_its_timing():
    dosage = bounded(ONE_TABLET, start="2026-01-08", end="2026-03-01")
    assert rounded(current(order("a", OXYCODONE_5, dosage, on="2025-12-01"))) == days(7, 7)


def test_without_bounds_it_begins_with_its_validity():
    request = {"validityPeriod": {"start": "2026-01-08"}, **supplied(30)}
    assert rounded(current(order("a", OXYCODONE_5, ONE_TABLET, on="2025-12-20", dispenseRequest=request))) == days(7, 7)


def test_without_either_it_began_between_its_writing_and_its_first_dispense():
    chart = [
        order("a", OXYCODONE_5, ONE_TABLET, on="2026-01-01", dispenseRequest=supplied(30)),
        dispense("d", OXYCODONE_5, "2026-01-08", days=30, of="a"),
    ]
    assert rounded(current(*chart)) == days(7, 14)


def test_without_a_dispense_it_begins_when_it_was_written():
    assert rounded(current(order("a", OXYCODONE_5, ONE_TABLET, on="2026-01-08"))) == days(7, 7)


def test_an_order_that_may_be_filled_later_only_may_have_begun_on_any_day_until_then():
    later = {**ONE_TABLET, "text": "1 tab daily. DNF until 1/20/26"}
    assert rounded(current(order("a", OXYCODONE_5, later, on="2026-01-08"))) == days(0, 7)
    earlier = {**ONE_TABLET, "text": "1 tab daily. Fill on or after 1/2/26"}
    assert rounded(current(order("a", OXYCODONE_5, earlier, on="2026-01-08"))) == days(7, 7)


def test_an_order_without_any_date_may_have_been_taken_at_any_time():
    assert rounded(current(order("a", OXYCODONE_5, ONE_TABLET, on=None))) == days(0, 14)


def test_an_order_of_a_month_began_on_any_of_its_days():
    # January 2026: surely from the 31st, possibly from the 1st
    assert rounded(current(order("a", OXYCODONE_5, ONE_TABLET, on="2026-01"))) == days(0, 14)


def test_a_time_of_day_counts_in_the_local_zone():
    # 03:00 UTC on 8 January is the evening of the 7th in New York
    chart = order("a", OXYCODONE_5, ONE_TABLET, on="2026-01-08T03:00:00Z")
    assert rounded(current(chart)) == days(8, 8)


def test_an_active_order_without_an_end_runs_for_thirty_days_at_least():
    # 7 December to 5 January are 30 days
    assert rounded(current(order("a", OXYCODONE_5, ONE_TABLET, on="2025-12-07"))) == days(5, 14)


def test_a_duration_ends_the_lower_bound_and_the_upper_one_if_the_order_was_stopped():
    chart = order("a", OXYCODONE_5, bounded(ONE_TABLET, days=10), on="2025-12-27")
    assert rounded(current(chart)) == days(5, 14)
    assert rounded(current(stopped(chart))) == days(0, 5)


def test_a_number_of_doses_ends_an_order():
    dosage = sig(1, times=2)
    dosage["timing"]["repeat"]["count"] = 20
    chart = order("a", OXYCODONE_5, dosage, on="2025-12-27")
    assert rounded(current(chart)) == days(5, 14, Decimal(15))
    assert rounded(current(stopped(chart))) == days(0, 5, Decimal(15))


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (20, days(5, 14, Decimal(15))),  # ten days end on 5 January, long before the period
        (366, days(14, 14, Decimal(15))),
        (368, days(14, 14, Decimal(15))),
    ],
)
def test_a_number_of_doses_that_does_not_fit_its_period_ends_the_lower_bound(count, expected):
    dosage = sig(1, times=2)
    dosage["timing"]["repeat"].update(count=count, boundsPeriod={"start": "2025-12-27", "end": "2026-06-27"})
    assert rounded(current(order("a", OXYCODONE_5, dosage, on="2025-12-27"))) == expected


def test_the_supply_ends_an_order_with_its_refills_for_the_upper_bound_only():
    # 27 December + 10 days end on 5 January, three times that on 25 January
    chart = order("a", OXYCODONE_5, ONE_TABLET, on="2025-12-27", dispenseRequest=supplied(10, refills=2))
    assert rounded(current(chart)) == days(5, 14)


def test_a_quantity_lasts_as_long_as_its_dose_allows():
    request = {"quantity": quantity(20)}
    chart = order("a", OXYCODONE_5, TWO_A_DAY, on="2025-12-27", dispenseRequest=request)
    assert rounded(current(chart)) == days(5, 14, Decimal(15))
    assert rounded(current(stopped(chart))) == days(0, 5, Decimal(15))


def test_tablets_taken_as_needed_may_last_for_ever():
    dosage = sig(1, times=2, asNeededBoolean=True)
    chart = order("a", OXYCODONE_5, dosage, on="2025-06-01", dispenseRequest={"quantity": quantity(20)})
    assert rounded(current(chart)) == days(0, 14, Decimal(15))


def test_validity_ends_the_lower_bound_of_an_order_that_says_nothing_else_and_is_no_stop():
    request = {"validityPeriod": {"start": "2025-12-27", "end": "2026-01-05"}}
    assert rounded(current(order("a", OXYCODONE_5, ONE_TABLET, dispenseRequest=request))) == days(5, 14)


def test_validity_alone_is_no_supply():
    # surely thirty days from 7 December, at most as long as it may be dispensed
    request = {"validityPeriod": {"start": "2025-12-07", "end": "2026-12-06"}}
    assert rounded(current(order("a", OXYCODONE_5, ONE_TABLET, dispenseRequest=request))) == days(5, 14)


def test_a_dose_range_makes_a_quantity_last_shorter_or_longer():
    dosage = {**sig(), "doseAndRate": [{"doseRange": {"low": quantity(1), "high": quantity(2)}}]}
    chart = order("a", OXYCODONE_5, dosage, on="2025-12-27", dispenseRequest={"quantity": quantity(20)})
    # ten days end on 5 January, twenty on the 15th
    assert rounded(current(chart)) == [days(5, 0)[0], Decimal(15)]


def test_a_frequency_range_makes_a_number_of_doses_last_shorter_or_longer():
    dosage = sig(1)
    dosage["timing"]["repeat"].update(frequencyMax=2, count=20)
    assert rounded(current(order("a", OXYCODONE_5, dosage, on="2025-12-27"))) == [days(5, 0)[0], Decimal(15)]


def test_a_duration_from_some_day_of_a_month_ends_in_an_interval():
    # begun between 1 and 31 December, 40 days: ended between 9 January and 8 February
    assert rounded(current(order("a", OXYCODONE_5, bounded(ONE_TABLET, days=40), on="2025-12"))) == days(9, 14)


def test_a_range_of_durations_ends_in_an_interval():
    dosage = sig(1)
    dosage["timing"]["repeat"]["boundsRange"] = {"low": quantity(10, "d"), "high": quantity(2, "wk")}
    chart = order("a", OXYCODONE_5, dosage, on="2025-12-27")
    assert rounded(current(chart)) == days(5, 14)
    assert rounded(current(stopped(chart))) == days(0, 9)


def test_the_touch_of_the_current_window_is_to_the_day():
    chart = [
        stopped(during("out", OXYCODONE_5, "2025-10-01", "2025-12-31", ONE_TABLET)),
        stopped(during("in", OXYCODONE_5, "2025-10-01", "2026-01-01", ONE_TABLET)),
    ]
    reduction = read(*chart)
    assert [one.in_current for one in reduction.lines] == [True, False]


# --- status ----------------------------------------------------------------------------------------------------------


def test_a_completed_order_ended_when_planned_and_its_regimen_may_go_on():
    dosage = bounded(ONE_TABLET, start="2025-12-01", end="2026-01-05")
    chart = order("a", OXYCODONE_5, dosage, status="completed", meta=changed("2026-01-10"))
    assert rounded(current(chart)) == days(5, 14)


def test_a_completed_order_without_a_planned_end_proves_no_day():
    chart = order("a", OXYCODONE_5, ONE_TABLET, on="2025-12-01", status="completed", meta=changed("2026-01-05"))
    assert rounded(current(chart)) == days(0, 14)


def test_a_stopped_order_ended_between_its_start_and_its_last_change():
    dosage = bounded(ONE_TABLET, start="2025-12-01", end="2026-06-01")
    chart = order("a", OXYCODONE_5, dosage, meta=changed("2026-01-05"))
    assert rounded(current(stopped(chart))) == days(0, 5)


def test_a_stop_without_a_reason_ends_that_record_only():
    dosage = bounded(ONE_TABLET, start="2025-12-01", end="2026-06-01")
    chart = order("a", OXYCODONE_5, dosage, status="stopped", meta=changed("2026-01-05"))
    assert rounded(current(chart)) == days(0, 14)


def test_a_stopped_order_did_not_outlast_its_plan():
    dosage = bounded(ONE_TABLET, start="2025-12-01", end="2026-01-05")
    chart = order("a", OXYCODONE_5, dosage, meta=changed("2026-01-10"))
    assert rounded(current(stopped(chart))) == days(0, 5)


def test_a_stopped_order_was_taken_for_sure_until_its_last_dispense():
    chart = [
        order("a", OXYCODONE_5, ONE_TABLET, on="2025-12-02", status="stopped", meta=changed("2026-01-10")),
        dispense("d1", OXYCODONE_5, "2025-12-02", days=30, of="a"),
        dispense("d2", OXYCODONE_5, "2026-01-03", days=30, of="a"),
    ]
    # for sure on 3 January (dispensed) and until 31 December; at most all 14 days
    assert rounded(current(*chart)) == days(1, 14)


def test_a_cancelled_order_that_was_never_dispensed_was_never_taken():
    reduction = read(order("a", OXYCODONE_5, ONE_TABLET, on="2026-01-01", status="cancelled"))
    assert reduction.current == mme(0, 0)
    assert line(reduction, "MedicationRequest/a").counted is False


def test_a_cancelled_order_that_was_dispensed_may_have_been_taken():
    chart = [
        order("a", OXYCODONE_5, ONE_TABLET, on="2026-01-01", status="cancelled", meta=changed("2026-01-07")),
        dispense("d", OXYCODONE_5, "2026-01-01", days=30, of="a"),
    ]
    assert rounded(current(*chart)) == days(1, 14)


@pytest.mark.parametrize("status", ["on-hold", "unknown"])
def test_an_order_on_hold_may_or_may_not_be_taken(status):
    chart = order("a", OXYCODONE_5, bounded(ONE_TABLET, "2025-12-01", "2026-06-01"), status=status)
    assert rounded(current(chart)) == days(0, 14)


@pytest.mark.parametrize(
    "members",
    [{"status": "draft"}, {"doNotPerform": True}, {"intent": "proposal"}, {"intent": "option"}],
)
def test_what_is_no_order_to_give_it_is_listed_and_left_out(members):
    reduction = read(order("a", OXYCODONE_5, ONE_TABLET, on="2026-01-10", **members))
    assert reduction.current == mme(0, 0)
    assert line(reduction, "MedicationRequest/a").problem.split(":")[0] in members
    assert reduction.unconverted == ()


@pytest.mark.parametrize("intent", ["order", "original-order", "filler-order", "instance-order", "reflex-order"])
def test_every_kind_of_order_counts(intent):
    chart = during("a", OXYCODONE_5, "2025-12-01", "2026-06-01", ONE_TABLET, intent=intent)
    assert rounded(current(chart)) == days(14, 14)


def test_what_was_entered_in_error_is_not_even_listed():
    assert read(order("a", OXYCODONE_5, ONE_TABLET, status="entered-in-error")).lines == ()


def test_an_active_order_of_over_a_year_that_was_never_dispensed_may_not_be_taken_any_more():
    year = bounded(ONE_TABLET, end="2026-12-31")
    assert rounded(current(order("a", OXYCODONE_5, year, on="2025-01-15"))) == days(14, 14)
    assert rounded(current(order("a", OXYCODONE_5, year, on="2025-01-14"))) == days(0, 14)


# --- who says so, and where ------------------------------------------------------------------------------------------


def test_a_reported_order_only_raises_the_upper_bound():
    chart = during("a", OXYCODONE_5, "2025-12-01", "2026-06-01", ONE_TABLET, reportedBoolean=True)
    assert rounded(current(chart)) == days(0, 14)


@pytest.mark.parametrize("members", [{}, {"reportedBoolean": True}, {"reportedReference": {"reference": "Patient/p"}}])
def test_home_medication_of_us_core_may_be_taken(members):
    chart = during("a", OXYCODONE_5, "2025-12-01", "2026-06-01", ONE_TABLET, intent="plan", **members)
    assert rounded(current(chart)) == days(0, 14)


def test_an_inpatient_order_is_no_part_of_the_baseline():
    chart = during("a", OXYCODONE_5, "2025-06-01", "2025-06-30", ONE_TABLET, category=[{"text": "Inpatient"}])
    reduction = read(chart, during("b", OXYCODONE_5, "2025-01-01", "2026-06-01", ONE_TABLET))
    assert reduction.baselines[0].dose == mme("7.5", "7.5")
    assert line(reduction, "MedicationRequest/a").counted is False


def test_an_inpatient_order_of_the_last_days_raises_what_may_be_taken_now():
    category = [{"coding": [{"code": "inpatient"}]}]
    chart = during("a", OXYCODONE_5, "2026-01-08", "2026-01-14", ONE_TABLET, category=category)
    assert rounded(current(chart)) == days(0, 7)


def test_an_injection_in_the_hospital_does_not_change_the_baseline():
    injected = sig(1, "mL", times=6, route={"coding": [{"code": "47625008"}]})
    category = [{"coding": [{"code": "inpatient"}]}]
    reduction = read(
        during("iv", MORPHINE_INJECTION, "2025-06-01", "2025-06-05", injected, category=category),
        during("b", OXYCODONE_5, "2025-01-01", "2026-06-01", ONE_TABLET),
    )
    assert reduction.baselines[0].dose == mme("7.5", "7.5")
    assert reduction.unconverted == ()


def test_an_injection_outside_hospital_has_no_upper_bound():
    injected = sig(1, "mL", route={"coding": [{"code": "47625008"}]})
    assert current(during("iv", MORPHINE_INJECTION, "2026-01-05", "2026-01-06", injected)) == mme(0, None)


@pytest.mark.parametrize("category", ["community", "discharge", "outpatient"])
def test_an_order_for_home_counts(category):
    chart = during(
        "a", OXYCODONE_5, "2025-12-01", "2026-06-01", ONE_TABLET, category=[{"coding": [{"code": category}]}]
    )
    assert rounded(current(chart)) == days(14, 14)


@pytest.mark.parametrize("route", [{"coding": [{"code": "72607000"}]}, {"text": "Epidural"}])
def test_what_goes_into_the_spinal_canal_is_not_systemic(route):
    reduction = read(during("pump", MORPHINE_INJECTION, "2025-12-01", "2026-06-01", sig(1, "mL", route=route)))
    assert reduction.current == mme(0, 0)
    assert line(reduction, "MedicationRequest/pump").counted is False


def test_a_statement_only_raises_the_upper_bound():
    assert rounded(current(statement("s", OXYCODONE_5, ONE_TABLET))) == days(0, 14)


def test_a_statement_that_has_ended_is_over():
    chart = statement("s", OXYCODONE_5, ONE_TABLET, effectivePeriod={"start": "2025-12-01", "end": "2026-01-05"})
    assert rounded(current(chart)) == days(0, 5)


def test_a_completed_statement_without_an_end_was_over_when_it_was_last_changed():
    chart = statement("s", OXYCODONE_5, ONE_TABLET, status="completed", meta=changed("2026-01-05"))
    assert rounded(current(chart)) == days(0, 5)


def test_a_running_statement_goes_on_after_its_last_change():
    assert rounded(current(statement("s", OXYCODONE_5, ONE_TABLET, meta=changed("2026-01-05")))) == days(0, 14)


def test_a_statement_about_an_order_is_not_counted_again():
    about = [{"reference": "MedicationRequest/a"}]
    reduction = read(
        during("a", OXYCODONE_5, "2025-12-01", "2026-06-01", ONE_TABLET),
        statement("s", OXYCODONE_5, ONE_TABLET, basedOn=about),
    )
    assert rounded(reduction.current) == days(14, 14)
    told = line(reduction, "MedicationStatement/s")
    assert (told.counted, told.problem) == (False, "counted with MedicationRequest/a")


def test_a_patient_who_says_that_the_order_is_not_taken_takes_away_its_lower_bound():
    about = [{"reference": "MedicationRequest/a"}]
    chart = [
        during("a", OXYCODONE_5, "2025-12-01", "2026-06-01", ONE_TABLET),
        statement("s", OXYCODONE_5, ONE_TABLET, basedOn=about, status="not-taken"),
    ]
    assert rounded(current(*chart)) == days(0, 14)


def test_a_dose_given_in_a_facility_raises_the_day_it_was_given_on():
    assert rounded(current(administration("m", OXYCODONE_5, "2026-01-05T10:00:00Z", 1))) == days(0, 1)


def test_a_dose_given_in_a_facility_is_no_part_of_the_baseline():
    reduction = read(
        administration("m", BUPRENORPHINE_SL_8, "2025-06-05", 1),
        during("b", OXYCODONE_5, "2025-01-01", "2026-06-01", ONE_TABLET),
    )
    assert reduction.baselines[0].dose == mme("7.5", "7.5")


# --- several instructions --------------------------------------------------------------------------------------------


def test_concurrent_instructions_add_up():
    chart = order("a", OXYCODONE_5, ONE_TABLET, sig(2), on="2026-01-01")
    assert rounded(current(chart)) == days(14, 14, Decimal("22.5"))


def test_instructions_of_one_sequence_number_add_up():
    chart = order("a", OXYCODONE_5, {**ONE_TABLET, "sequence": 1}, {**sig(2), "sequence": 1}, on="2026-01-01")
    assert rounded(current(chart)) == days(14, 14, Decimal("22.5"))


def test_a_taper_is_one_step_after_the_other():
    steps = [{**bounded(sig(3), days=7), "sequence": 1}, {**bounded(sig(1), days=7), "sequence": 2}]
    # 7 days at 22.5 and 7 at 7.5
    assert current(order("a", OXYCODONE_5, *steps, on="2026-01-01")) == mme(15, 15)


def test_a_taper_does_not_depend_on_the_order_in_which_it_is_sent():
    steps = [{**bounded(sig(1), days=7), "sequence": 2}, {**bounded(sig(3), days=7), "sequence": 1}]
    reduction = read(order("a", OXYCODONE_5, *steps, on="2026-01-08"))
    assert rounded(reduction.current) == days(7, 7, Decimal("22.5"))


def test_a_taper_from_some_day_of_a_month_has_steps_that_may_overlap():
    steps = [{**bounded(sig(3), days=35), "sequence": 1}, {**bounded(sig(1), days=30), "sequence": 2}]
    # the first ended between 4 January and 3 February: for sure 4 days; the second began on 5 January at the earliest
    low, high = Decimal(4) * Decimal("22.5") / 14, (14 * Decimal("22.5") + 10 * Decimal("7.5")) / 14
    found = current(order("a", OXYCODONE_5, *steps, on="2025-12"))
    assert rounded(found) == [round(low, 6), round(high, 6)]


def test_a_taper_with_its_own_dates_follows_them():
    steps = [
        {**bounded(sig(3), "2026-01-01", "2026-01-07"), "sequence": 1},
        {**bounded(sig(1), "2026-01-08", "2026-01-14"), "sequence": 2},
    ]
    assert current(order("a", OXYCODONE_5, *steps)) == mme(15, 15)


def test_steps_that_do_not_say_when_may_be_any_of_them_or_all():
    steps = [{**sig(3), "sequence": 1}, {**sig(1), "sequence": 2}]
    assert current(order("a", OXYCODONE_5, *steps, on="2026-01-01")) == mme("7.5", 30)


# --- supply in place of a sig ----------------------------------------------------------------------------------------


def without_timing(**members):
    return {"doseAndRate": [{"doseQuantity": quantity(1)}], **members}


def test_the_prescribed_supply_per_day_replaces_a_missing_timing():
    chart = order("a", OXYCODONE_5, without_timing(), on="2026-01-01", dispenseRequest=supplied(30, tablets=60))
    assert current(chart) == mme(15, 15)


def test_as_needed_holds_for_what_was_prescribed_per_day_too():
    dosage = without_timing(asNeededBoolean=True)
    chart = order("a", OXYCODONE_5, dosage, on="2026-01-01", dispenseRequest=supplied(30, tablets=60))
    assert current(chart) == mme(0, 15)


def test_the_dispensed_supply_per_day_replaces_the_timing_of_an_order():
    chart = [
        order("a", OXYCODONE_5, without_timing(), on="2026-01-01"),
        dispense("d", OXYCODONE_5, "2026-01-01", days=30, tablets=60, of="a"),
    ]
    assert current(*chart) == mme(15, 15)


def test_a_dispense_determines_the_product_of_an_order_without_a_code():
    words = {"text": "oxycodone 5 mg"}
    chart = [
        order("a", words, TWO_A_DAY, on="2026-01-01"),
        dispense("d", OXYCODONE_5, "2026-01-01", days=30, tablets=60, of="a"),
    ]
    assert current(*chart) == mme(15, 15)


def test_an_order_with_nothing_to_go_by_has_no_upper_bound():
    reduction = read(order("a", OXYCODONE_5, on="2026-01-01"))
    assert reduction.current == mme(0, None)
    assert reduction.unconverted[0].problem == "the dosage instruction is missing"


# --- order, dispense, renewal ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("member", ["authorizingPrescription", "identifier"])
def test_an_order_and_its_dispense_are_one(member):
    same = [{"system": "urn:rx", "value": "7"}]
    link = {"of": "a"} if member == "authorizingPrescription" else {"identifier": same}
    numbered = {"identifier": same} if member == "identifier" else {}
    chart = [
        during("a", OXYCODONE_5, "2025-12-01", "2026-06-01", ONE_TABLET, **numbered),
        dispense("d", OXYCODONE_5, "2026-01-01", days=30, **link),
    ]
    reduction = read(*chart)
    assert rounded(reduction.current) == days(14, 14)
    assert [one.reference for one in reduction.lines if one.counted] == ["MedicationRequest/a"]


def test_an_order_and_a_dispense_that_do_not_name_each_other_add_up():
    chart = [
        during("a", OXYCODONE_5, "2025-12-01", "2026-06-01", ONE_TABLET),
        dispense("d", OXYCODONE_5, "2026-01-01", days=30, tablets=30),
    ]
    assert rounded(current(*chart)) == days(14, 28)


def test_a_number_shared_by_two_drugs_does_not_make_them_one():
    same = [{"system": "urn:rx", "value": "7"}]
    chart = [
        during("a", OXYCODONE_5, "2025-12-01", "2026-06-01", ONE_TABLET, identifier=same),
        during("b", MORPHINE_15, "2025-12-01", "2026-06-01", ONE_TABLET, identifier=same),
    ]
    assert rounded(current(*chart)) == days(14, 14, Decimal("22.5"))


def test_an_order_made_from_an_order_is_one_with_it():
    chart = [
        during("a", OXYCODONE_5, "2025-12-01", "2026-06-01", ONE_TABLET),
        during(
            "b",
            OXYCODONE_5,
            "2025-12-01",
            "2026-06-01",
            ONE_TABLET,
            intent="filler-order",
            basedOn=[{"reference": "MedicationRequest/a"}],
        ),
    ]
    assert rounded(current(*chart)) == days(14, 14)


def test_a_dispense_that_was_not_handed_over_counts_nothing():
    assert current(dispense("d", OXYCODONE_5, "2026-01-01", days=30, tablets=30, status="declined")) == mme(0, 0)


def test_a_dispense_still_in_preparation_only_raises_the_upper_bound():
    chart = dispense("d", OXYCODONE_5, "2026-01-01", days=30, tablets=30, status="in-progress")
    assert rounded(current(chart)) == days(0, 14)


def monthly(name, on, **members):
    return order(name, OXYCODONE_5, ONE_TABLET, on=on, dispenseRequest=supplied(30), status="completed", **members)


def test_an_early_renewal_counts_once():
    # the first ends on 8 January, seven days later
    assert rounded(current(monthly("a", "2025-12-10"), monthly("b", "2026-01-01"))) == days(14, 14)


def test_a_renewal_more_than_a_week_early_may_be_a_second_prescription():
    # the first ends on 8 January, eight days later
    assert rounded(current(monthly("a", "2025-12-10"), monthly("b", "2025-12-31"))) == days(14, 28)


def test_a_renewal_that_names_the_order_it_replaces_counts_once():
    prior = {"reference": "MedicationRequest/a"}
    chart = [monthly("a", "2025-12-10"), monthly("b", "2026-01-05", priorPrescription=prior)]
    assert rounded(current(*chart)) == days(14, 14)


def test_a_lower_dose_that_names_the_order_it_replaces_ends_it():
    prior = {"reference": "MedicationRequest/a"}
    chart = [
        during("a", OXYCODONE_10, "2025-12-01", "2026-06-01", TWO_A_DAY),
        during("b", OXYCODONE_5, "2025-12-15", "2026-06-01", TWO_A_DAY, priorPrescription=prior),
    ]
    assert current(*chart) == mme(15, 15)


@pytest.mark.parametrize(("renewed", "low"), [("2026-01-03", 13), ("2026-01-10", 6)])
def test_a_gap_between_fills_is_none_of_the_upper_bound(renewed, low):
    # 3 December to 1 January, and from the day of the renewal on
    assert rounded(current(monthly("a", "2025-12-03"), monthly("b", renewed))) == days(low, 14)


def test_long_and_short_acting_forms_of_one_opioid_add_up():
    chart = [
        during("er", OXYCODONE_ER_20, "2025-10-01", "2026-06-01", TWO_A_DAY),
        during("ir", OXYCODONE_5, "2025-12-01", "2026-06-01", TWO_A_DAY),
    ]
    assert current(*chart) == mme(75, 75)  # 40 mg and 10 mg, each by 1.5


def test_two_strengths_begun_on_one_day_add_up():
    chart = [
        during("a", MORPHINE_ER_15, "2025-12-01", "2026-06-01", TWO_A_DAY),
        during("b", MORPHINE_ER_30, "2025-12-01", "2026-06-01", TWO_A_DAY),
    ]
    assert current(*chart) == mme(90, 90)


def test_a_later_prescription_of_the_same_drug_may_replace_the_earlier_or_add_to_it():
    chart = [
        during("a", OXYCODONE_10, "2025-12-01", "2026-06-01", TWO_A_DAY),
        during("b", OXYCODONE_5, "2025-12-15", "2026-06-01", TWO_A_DAY),
    ]
    assert current(*chart) == mme(15, 45)


def test_a_later_prescription_whose_dose_is_not_known_may_have_replaced_the_earlier():
    chart = [
        during("a", OXYCODONE_5, "2025-12-01", "2026-06-01", ONE_TABLET),
        order("b", OXYCODONE_5, without_timing(), on="2026-01-08"),
    ]
    assert rounded(current(*chart)) == [days(7, 0)[0], None]


def test_a_later_prescription_of_a_month_may_have_replaced_the_earlier_from_its_first_day():
    chart = [
        during("a", OXYCODONE_10, "2025-12-01", "2026-06-01", TWO_A_DAY),
        order("b", OXYCODONE_5, TWO_A_DAY, on="2026-01"),
    ]
    assert current(*chart) == mme(0, 45)


def test_what_is_only_reported_replaces_nothing():
    chart = [
        during("a", OXYCODONE_10, "2025-12-01", "2026-06-01", TWO_A_DAY),
        during("b", OXYCODONE_5, "2025-12-15", "2026-06-01", TWO_A_DAY, reportedBoolean=True),
    ]
    assert current(*chart) == mme(30, 45)


def test_two_opioids_add_up():
    chart = [
        during("a", MORPHINE_ER_30, "2025-12-01", "2026-06-01", TWO_A_DAY),
        during("b", OXYCODONE_5, "2025-12-15", "2026-06-01", TWO_A_DAY),
    ]
    assert current(*chart) == mme(75, 75)


# --- how the drug is named -------------------------------------------------------------------------------------------


def medicine(**members):
    return {"resourceType": "Medication", "id": "m", **members}


def referring(**members):
    chart = during("a", OXYCODONE_5, "2025-12-01", "2026-06-01", ONE_TABLET, **members)
    del chart["medicationCodeableConcept"]
    return chart


def test_a_brand_is_a_product():
    assert rounded(current(during("a", PERCOCET_5, "2025-12-01", "2026-06-01", ONE_TABLET))) == days(14, 14)


def test_the_first_code_that_the_table_knows_decides():
    both = {"coding": [{"system": "urn:local", "code": "1", "display": "Oxy"}, {"system": RXNORM, "code": OXYCODONE_5}]}
    assert rounded(current(during("a", both, "2025-12-01", "2026-06-01", ONE_TABLET))) == days(14, 14)


def test_codes_of_two_products_are_none():
    both = {"coding": [{"system": RXNORM, "code": code} for code in (OXYCODONE_5, OXYCODONE_10)]}
    assert current(during("a", both, "2026-01-01", "2026-06-01", ONE_TABLET)) == mme(0, None)


def test_a_medication_of_its_own_is_found():
    chart = referring(medicationReference={"reference": "Medication/m"})
    assert rounded(current(chart, medicine(code=coded(OXYCODONE_5)))) == days(14, 14)


def test_a_contained_medication_is_found():
    chart = referring(medicationReference={"reference": "#m"}, contained=[medicine(code=coded(OXYCODONE_5))])
    assert rounded(current(chart)) == days(14, 14)


def test_a_medication_described_by_its_ingredient_is_converted():
    strength = {"numerator": quantity(5, "mg"), "denominator": quantity(1)}
    parts = [{"itemCodeableConcept": coded("7804", "oxycodone"), "strength": strength}]
    chart = referring(medicationReference={"reference": "#m"})
    chart["contained"] = [medicine(form={"text": "Tablet"}, ingredient=parts)]
    assert rounded(current(chart)) == days(14, 14)


@pytest.mark.parametrize(
    "members",
    [
        {"form": {"text": "Injection"}},
        {"form": {"text": "Tablet"}, "strength": None},
        {"form": {"text": "Tablet"}, "twice": True},
    ],
)
def test_a_medication_whose_ingredients_leave_the_dose_open_has_no_upper_bound(members):
    strength = {"numerator": quantity(5, "mg"), "denominator": quantity(1)}
    part = {"itemCodeableConcept": coded("7804", "oxycodone"), "strength": strength}
    if "strength" in members:
        del part["strength"]
    chart = referring(medicationReference={"reference": "#m"})
    parts = [part, part] if members.get("twice") else [part]
    chart["contained"] = [medicine(form=members["form"], ingredient=parts)]
    assert current(chart) == mme(0, None)


NO_PRODUCT = "medication: an opioid of which the product is not known"


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ({"text": "Oxycodone for pain"}, ("Oxycodone for pain", NO_PRODUCT)),
        (
            {"coding": [{"system": RXNORM, "code": "370629", "display": "oxycodone Oral Tablet"}]},
            ("oxycodone Oral Tablet", NO_PRODUCT),
        ),
        ({"coding": [{"system": RXNORM, "code": "4337"}]}, ("opioid", NO_PRODUCT)),
        (
            {"coding": [{"system": "http://hl7.org/fhir/sid/ndc", "code": "0000-0000-00"}]},
            ("medication without a name", "medication: what it is cannot be told"),
        ),
    ],
    ids=["text", "dose form", "ingredient", "code without a name"],
)
def test_what_is_or_may_be_an_opioid_without_a_product_has_no_upper_bound(named, said):
    reduction = read(during("a", named, "2025-12-01", "2026-06-01", ONE_TABLET))
    assert reduction.current == mme(0, None)
    assert (reduction.unconverted[0].label, reduction.unconverted[0].problem) == said


def test_a_reference_that_leads_nowhere_may_be_an_opioid():
    assert current(referring(medicationReference={"reference": "Medication/elsewhere"})) == mme(0, None)


def test_a_reference_that_leads_nowhere_but_names_another_drug_is_none():
    reference = {"reference": "Medication/elsewhere", "display": "Metformin 500 mg"}
    assert read(referring(medicationReference=reference)).lines == ()


# --- what does not follow FHIR ---------------------------------------------------------------------------------------


def test_a_resource_that_does_not_follow_fhir_has_no_upper_bound_and_is_named():
    broken = sig(1)
    broken["timing"]["repeat"]["periodUnit"] = 7
    reduction = read(order("a", OXYCODONE_5, broken, on="2026-01-01"))
    assert reduction.current == mme(0, None)
    assert reduction.unconverted[0].problem.startswith("MedicationRequest.dosageInstruction")


def test_a_medication_that_does_not_follow_fhir_has_no_upper_bound_and_is_named():
    chart = referring(medicationReference={"reference": "Medication/m"})
    reduction = read(chart, medicine(code=coded(OXYCODONE_5), form="tablet"))
    assert reduction.unconverted[0].problem == "Medication.form does not follow FHIR R4"


def test_a_fault_in_an_element_that_is_not_read_is_tolerated():
    chart = during("a", OXYCODONE_5, "2025-12-01", "2026-06-01", ONE_TABLET, note="not a list")
    assert rounded(current(chart)) == days(14, 14)


@pytest.mark.parametrize("element", ["dosageInstruction", "dispenseRequest", "category", "identifier", "authoredOn"])
@pytest.mark.parametrize("junk", [7, "text", True, [[]], [None], {"a": {}}, []])
def test_junk_in_an_element_is_never_a_crash_and_never_a_proof(element, junk):
    chart = order("a", OXYCODONE_5, ONE_TABLET, on="2025-12-01")
    chart[element] = junk
    reduction = read(during("before", MORPHINE_15, "2025-01-01", "2025-12-20", sig(8)), chart)
    assert reduction.current.high is None or reduction.current.high >= Decimal("7.5")


def test_a_problem_names_the_element_and_not_its_value():
    secret = order("a", OXYCODONE_5, sig(1, "Jane Doe"), on="2026-01-01")
    assert "Jane" not in read(secret).unconverted[0].problem


def test_a_line_prints_what_it_was_read_as():
    found = line(read(during("a", OXYCODONE_5, "2025-12", "2026-06-01", ONE_TABLET)), "MedicationRequest/a")
    assert (found.label, found.start, found.end) == ("a drug", "2025-12", "2026-06-01")
    assert (found.dose, found.counted, found.in_current) == (mme("7.5", "7.5"), True, True)


def test_a_dispense_that_may_be_an_order_s_own_hides_no_later_one_that_may_have_replaced_the_order():
    ordered = order("m", OXYCODONE_5, sig(2), on="2025-12-10", dispenseRequest=supplied(60))
    own = dispense("d1", OXYCODONE_5, "2025-12-13", days=15, tablets=15)
    later = dispense("d2", OXYCODONE_5, "2025-12-31", days=30, tablets=30)
    assert current(ordered, own) == mme(15, "22.5")
    assert current(ordered, own, later) == mme("7.5", "22.5")


def test_an_order_of_a_whole_month_may_have_replaced_one_of_a_day_in_it():
    of_a_day = order("m1", OXYCODONE_5, sig(4), on="2025-11-10", status="completed", dispenseRequest=supplied(30))
    of_a_month = order("m2", OXYCODONE_5, sig(1), on="2025-11", status="completed", dispenseRequest=supplied(30))
    assert read(of_a_day).baselines[0].dose == mme(30, 30)
    assert read(of_a_day, of_a_month).baselines[0].dose == mme(0, "37.5")
