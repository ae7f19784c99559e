"""What ends a regimen, and what does not. The policy cases of CP.MP.173 I.A.2.h have the clinical pictures."""

from decimal import Decimal

import pytest

from tests.support.opioid_chart import (
    BUPRENORPHINE_SL_8,
    FENTANYL_12,
    HYDROCODONE_APAP_10,
    MORPHINE_15,
    MORPHINE_ER_15,
    MORPHINE_ER_30,
    OXYCODONE_5,
    OXYCODONE_10,
    OXYCODONE_20,
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

TEN = sig(1, times=1)  # of 10 mg oxycodone: 15 MME
SUBLOCADE = "1996189"


def before(end, rxcui=OXYCODONE_10, dosage=TEN, **members):
    """An order since June that ran out on a day."""
    return during("before", rxcui, "2025-06-01", end, dosage, **members)


def now(start, rxcui=OXYCODONE_5, dosage=TEN, **members):
    """An order of half the dose that goes on: 7.5 MME."""
    return during("now", rxcui, start, "2026-06-30", dosage, status="active", **members)


HALF, BOTH = mme("7.5", "7.5"), mme("7.5", "22.5")


# --- takeovers -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("end", "start", "expected"),
    [
        ("2025-11-30", "2025-12-30", HALF),  # 30 days later
        ("2025-11-30", "2025-12-31", BOTH),  # 31
        ("2025-12-20", "2025-12-13", HALF),  # 7 days before
        ("2025-12-20", "2025-12-12", BOTH),  # 8
    ],
)
def test_a_later_regimen_of_the_same_drug_takes_over_around_the_end_of_the_supply(end, start, expected):
    assert current(before(end), now(start)) == expected


@pytest.mark.parametrize(
    ("start", "expected"),
    [("2025-11-29", BOTH), ("2025-11-30", HALF), ("2025-12-02", HALF), ("2025-12-03", BOTH)],
)
@pytest.mark.parametrize("other", [(MORPHINE_15, sig(Decimal("7.5"), "mg")), (OXYCODONE_ER_20, sig(5, "mg"))])
def test_another_drug_or_release_form_takes_over_within_two_days(start, expected, other):
    assert current(before("2025-11-30"), now(start, *other)) == expected


def test_the_first_day_of_an_order_that_was_stopped_some_day_is_no_end_of_its_supply():
    ended = {**before("2026-06-30"), "status": "stopped"}
    assert current(ended, now("2025-06-02", MORPHINE_15, sig(Decimal("7.5"), "mg"))).high == Decimal("22.5")


def test_a_leap_day_is_a_day():
    ends = during("before", OXYCODONE_10, "2023-06-01", "2024-01-30", TEN)
    begins = during("now", OXYCODONE_5, "2024-02-29", "2026-06-30", TEN, status="active")
    late = during("now", OXYCODONE_5, "2024-03-01", "2026-06-30", TEN, status="active")
    assert current(ends, begins) == mme(0, "7.5")
    assert read(ends, late).highest_on_record == Decimal(15) + Decimal(0)


def test_what_is_left_of_the_refills_may_be_taken_along():
    refilled = order("before", OXYCODONE_10, TEN, on="2025-11-01", dispenseRequest=supplied(30, refills=2))
    # the refills last until 29 January
    assert current({**refilled, "status": "completed"}, now("2025-12-05")) == BOTH


def test_an_order_that_goes_on_keeps_the_one_it_is_based_on_from_being_taken_over():
    based = [{"reference": "MedicationRequest/before"}]
    goes_on = order("on", OXYCODONE_10, TEN, on="2025-06-02", status="active", basedOn=based)
    assert current(before("2025-11-30"), goes_on, now("2025-12-01")).high == Decimal("22.5")
    assert current(before("2025-11-30"), {**goes_on, "status": "completed"}, now("2025-12-01")) == HALF


def test_a_regimen_of_a_month_may_have_begun_too_late():
    assert current(before("2025-11-15"), order("now", OXYCODONE_5, TEN, on="2025-12")) == mme(0, "22.5")


@pytest.mark.parametrize(
    "members",
    [{"status": "on-hold"}, {"status": "unknown"}, {"reportedBoolean": True}, {"intent": "plan"}],
)
def test_only_what_is_certain_to_have_begun_takes_over(members):
    chart = during("now", OXYCODONE_5, "2025-12-01", "2026-06-30", TEN, **members)
    assert current(before("2025-11-30"), chart) == mme(0, "22.5")


def test_a_refill_of_what_was_taken_all_along_takes_over_from_nothing():
    def fill(name, start, end):
        return during(name, MORPHINE_ER_15, start, end, sig())

    chart = [
        during("er", MORPHINE_ER_30, "2025-06-01", "2025-11-30", sig()),
        fill("a", "2025-10-01", "2025-11-30"),
        fill("b", "2025-12-01", "2026-06-30"),
    ]
    assert current(*chart) == mme(15, 45)


@pytest.mark.parametrize(("last", "high"), [("2025-10-07", 15), ("2025-10-08", 45)])
def test_what_was_taken_beside_another_drug_for_a_week_is_no_new_regimen(last, high):
    # a week may be the overlap of one regimen with the next; a day more is a dose taken beside it
    chart = [
        during("er", MORPHINE_ER_30, "2025-06-01", "2025-11-30", sig()),
        during("a", MORPHINE_ER_15, "2025-10-01", last, sig()),
        during("b", MORPHINE_ER_15, "2025-12-01", "2026-06-30", sig()),
    ]
    assert current(*chart) == mme(15, high)


def test_what_was_supplied_along_without_a_gap_ends_with_the_last_of_it():
    main = during("main", OXYCODONE_10, "2025-06-01", "2025-11-30", TEN)
    beside = during("beside", OXYCODONE_10, "2025-07-01", "2025-08-31", sig(2))
    assert current(main, beside, now("2025-12-01")) == HALF


def test_it_does_not_while_a_supply_of_the_drug_goes_on():
    main = during("main", OXYCODONE_10, "2025-06-01", "2025-11-30", TEN)
    beside = during("beside", OXYCODONE_10, "2025-07-01", "2025-08-31", sig(2))
    going_on = during("on", OXYCODONE_10, "2025-06-01", "2026-06-30", sig(3))
    assert current(main, beside, going_on, now("2025-12-01")).high == Decimal("82.5")  # 30, 45, and 7.5


def test_what_ended_long_before_does_not_end_with_it():
    main = during("main", OXYCODONE_10, "2025-09-01", "2025-11-30", TEN)
    lapsed = during("lapsed", OXYCODONE_10, "2025-05-01", "2025-08-01", sig(2))  # 31 days before
    assert current(main, lapsed, now("2025-12-01")).high == Decimal("37.5")
    near = during("near", OXYCODONE_10, "2025-05-01", "2025-08-02", sig(2))
    assert current(main, near, now("2025-12-01")).high == Decimal("7.5")


def test_home_medication_of_the_same_dose_is_no_renewal():
    home = during("home", OXYCODONE_10, "2025-12-05", "2026-06-30", TEN, intent="plan")
    assert current(before("2025-11-30"), home) == mme(0, 30)


def test_a_lapse_of_a_second_prescription_stays_open():
    # two prescriptions of one dose side by side, of which one goes on
    chart = [before("2025-11-30"), during("second", OXYCODONE_10, "2025-06-15", "2026-06-30", TEN)]
    assert current(*chart) == mme(15, 30)


@pytest.mark.parametrize(("start", "high"), [("2025-11-24", 15), ("2025-11-23", 30)])
def test_an_order_without_a_stated_end_is_renewed_when_thirty_days_are_nearly_over(start, high):
    # 2 November and 30 days end on 1 December, a week after the 24th
    first = order("a", OXYCODONE_10, TEN, on="2025-11-02")
    assert current(first, order("b", OXYCODONE_10, TEN, on=start)).high == high


def test_a_few_days_take_over_from_a_few_days_only():
    script = order("script", PERCOCET_5, TEN, on="2025-12-05", status="completed", dispenseRequest=supplied(7))
    assert current(before("2025-11-30"), script) == mme(0, "22.5")
    longer = {**script, "dispenseRequest": supplied(8)}
    assert current(before("2025-11-30"), longer) == mme(0, "7.5")


def test_a_few_days_end_no_regimen_because_a_few_days_of_another_dose_ran_along_with_it():
    along = "2025-12-16", "2025-12-20", TEN
    regimen = during("a", OXYCODONE_5, "2025-06-01", "2025-12-15", TEN), during("b", OXYCODONE_5, *along)
    few_days, longest = during("few", OXYCODONE_10, *along), before("2025-12-24", dosage=sig(1, times=2))
    script = during("script", OXYCODONE_20, "2025-12-26", "2025-12-30", sig(1, times=4))
    # The regimen (7.5 MME), the longest supply (30), and the script (120) may go on; the few days (15) are over.
    assert current(*regimen, few_days, longest, script).high == Decimal("157.5")


def test_what_begins_on_the_same_day_takes_over_from_nothing():
    week = order("week", MORPHINE_ER_15, sig(), on="2025-12-01", status="completed", dispenseRequest=supplied(7))
    assert current(week, during("er", MORPHINE_ER_30, "2025-12-01", "2026-06-30", sig())) == mme(30, 45)


# --- replacements that are stated ------------------------------------------------------------------------------------


def test_the_order_that_is_named_as_replaced_ends_at_once():
    prior = {"priorPrescription": {"reference": "MedicationRequest/before"}}
    assert current(before("2026-06-30"), now("2025-12-01", MORPHINE_15, sig(Decimal("7.5"), "mg"), **prior)) == HALF


def test_a_dangling_prior_prescription_replaces_nothing():
    prior = {"priorPrescription": {"reference": "MedicationRequest/elsewhere"}}
    assert current(before("2026-06-30"), now("2025-12-01", MORPHINE_15, sig(Decimal("7.5"), "mg"), **prior)) == mme(
        "22.5", "22.5"
    )


def test_an_order_replaces_nothing_that_was_begun_after_it():
    prior = {"priorPrescription": {"reference": "MedicationRequest/later"}}
    later = during("later", OXYCODONE_10, "2025-12-02", "2026-06-30", TEN)
    assert current(later, now("2025-12-01", MORPHINE_15, sig(Decimal("7.5"), "mg"), **prior)) == mme("22.5", "22.5")


@pytest.mark.parametrize(
    ("words", "low", "high"),
    [
        ("Replaces oxycodone", "7.5", "7.5"),
        ("Replaces oxycodone IR 10 mg", "7.5", "7.5"),
        ("Replaces oxycodone ER", "22.5", "22.5"),
        ("Take with oxycodone", "22.5", "22.5"),
    ],
)
def test_an_order_may_name_the_drug_that_it_replaces(words, low, high):
    new = now("2025-12-01", MORPHINE_15, sig(Decimal("7.5"), "mg"), note=[{"text": words}])
    assert current(before("2026-06-30"), new) == mme(low, high)


def test_an_order_replaces_no_drug_that_was_begun_on_its_day():
    new = now("2025-12-01", MORPHINE_15, sig(Decimal("7.5"), "mg"), note=[{"text": "Replaces oxycodone"}])
    begun = during("begun", OXYCODONE_10, "2025-12-01", "2026-06-30", TEN)
    assert current(begun, new) == mme("22.5", "22.5")


# --- stops -----------------------------------------------------------------------------------------------------------


def changed(day):
    return {"meta": {"lastUpdated": f"{day}T12:00:00Z"}}


def test_a_stop_of_an_order_ends_its_dispenses_and_unlinked_ones_of_the_product():
    chart = [
        stopped(before("2026-06-30", **changed("2025-12-20"))),
        dispense("linked", OXYCODONE_10, "2025-12-10", days=30, of="before"),
        dispense("other", OXYCODONE_10, "2025-12-05", days=30, tablets=30),
    ]
    assert current(*chart) == mme(0, 0)


def test_an_unlinked_dispense_is_certain_on_its_day_only():
    order_ = stopped(before("2026-06-30", **changed("2026-01-10")))
    other = dispense("other", OXYCODONE_10, "2025-12-25", days=30, tablets=30)
    assert current(order_, other).low == 0


def test_it_does_not_end_another_product_or_what_was_dispensed_later():
    order_ = stopped(before("2026-06-30", **changed("2025-12-20")))
    assert current(order_, dispense("other", OXYCODONE_5, "2025-12-05", days=30, tablets=30)).high == Decimal("7.5")
    assert current(order_, dispense("later", OXYCODONE_10, "2025-12-21", days=30, tablets=30)).high == Decimal(15)


def test_nothing_is_dispensed_after_a_stop_so_a_later_dispense_moves_it():
    chart = [
        stopped(before("2026-06-30", **changed("2025-12-20"))),
        dispense("linked", OXYCODONE_10, "2026-01-14", days=30, of="before"),
    ]
    assert current(*chart).high == Decimal(15)


def test_an_order_that_another_one_goes_on_from_is_no_stop():
    # an instance of an original order: one was stopped, the other goes on
    chart = [
        stopped(before("2026-06-30", **changed("2025-12-20"))),
        during(
            "instance",
            OXYCODONE_10,
            "2025-06-01",
            "2026-06-30",
            TEN,
            status="active",
            basedOn=[{"reference": "MedicationRequest/before"}],
        ),
    ]
    assert current(*chart).high == Decimal(15)


@pytest.mark.parametrize(("reason", "high"), [("Reorder", "7.5"), ("Switched", "7.5"), (None, "22.5")])
def test_a_successor_within_the_supply_ends_what_says_that_it_has_one(reason, high):
    ended = before("2026-06-30", **changed("2025-12-10"))
    ended = stopped(ended, reason) if reason else {**ended, "status": "stopped"}
    assert current(ended, now("2025-11-20")).high == Decimal(high)


@pytest.mark.parametrize(("start", "high"), [("2025-11-20", "7.5"), ("2025-11-19", "22.5")])
def test_the_successor_begins_near_the_end_of_the_order(start, high):
    ended = stopped(before("2026-06-30", **changed("2025-12-20")), "Reorder")
    assert current(ended, now(start)).high == Decimal(high)


@pytest.mark.parametrize(("reason", "high"), [("Reorder", "22.5"), ("Switched", "7.5")])
def test_only_a_switch_is_succeeded_by_another_drug(reason, high):
    ended = stopped(before("2026-06-30", **changed("2025-12-10")), reason)
    assert current(ended, now("2025-12-05", MORPHINE_15, sig(Decimal("7.5"), "mg"))).high == Decimal(high)


@pytest.mark.parametrize(("start", "high"), [("2025-12-20", "7.5"), ("2025-12-21", "22.5")])
def test_a_switch_is_to_what_begins_within_thirty_days(start, high):
    ended = stopped(before("2026-06-30", **changed("2025-11-20")), "Switched")
    assert current(ended, now(start, MORPHINE_15, sig(Decimal("7.5"), "mg"))).high == Decimal(high)


def test_a_refill_of_what_was_taken_beside_it_is_no_switch():
    ended = stopped(before("2026-06-30", **changed("2025-12-10")), "Switched")
    beside = during("beside", MORPHINE_15, "2025-09-01", "2025-12-04", sig(Decimal("7.5"), "mg"))
    assert current(ended, beside, now("2025-12-05", MORPHINE_15, sig(Decimal("7.5"), "mg"))).high == Decimal("22.5")


def test_two_reordered_orders_of_one_day_do_not_end_each_other():
    first = stopped(during("a", OXYCODONE_10, "2025-12-01", "2026-06-30", TEN, **changed("2025-12-01")), "Reorder")
    second = stopped(during("b", OXYCODONE_5, "2025-12-01", "2026-06-30", TEN, **changed("2025-12-01")), "Reorder")
    assert current(first, second).high == Decimal("22.5")


def test_a_reordered_order_is_certain_until_its_successor():
    chart = [
        stopped(before("2026-06-30", **changed("2026-01-08")), "Reorder"),
        now("2026-01-08"),
    ]
    # seven days of each
    assert current(*chart) == mme("11.25", "11.25")


def test_a_reordered_order_and_the_next_of_its_dose_are_one_whenever_that_begins():
    # changed long after it was reordered, as by a load of data
    ended = stopped(before("2026-06-30", **changed("2026-01-10")), "Reorder")
    assert current(ended, during("b", OXYCODONE_10, "2025-11-15", "2026-06-30", TEN)) == mme(15, 15)


def test_of_two_orders_of_one_day_the_one_in_force_is_the_successor():
    first = stopped(during("a", OXYCODONE_10, "2025-12-01", "2026-06-30", TEN, **changed("2025-12-01")), "Reorder")
    second = during("b", OXYCODONE_5, "2025-12-01", "2026-06-30", TEN, status="active")
    assert current(first, second) == HALF


@pytest.mark.parametrize("duplicated", [True, False])
def test_a_duplicate_ends_with_its_record_if_what_it_duplicates_is_on_record(duplicated):
    duplicate = stopped(
        during("d", OXYCODONE_5, "2025-12-01", "2026-06-30", TEN, **changed("2025-12-20")), "Duplicate order"
    )
    assert current(duplicate, *([before("2026-06-30", status="active")] if duplicated else [])) == (
        mme(15, 15) if duplicated else mme(0, "7.5")
    )


@pytest.mark.parametrize(
    ("other", "high"),
    [
        (during("o", OXYCODONE_10, "2026-01-19", "2026-06-30", TEN), "0"),
        (during("o", OXYCODONE_10, "2026-01-20", "2026-06-30", TEN), "7.5"),
        (during("o", OXYCODONE_10, "2025-06-01", "2025-11-01", TEN, status="stopped"), "0"),
        (during("o", OXYCODONE_10, "2025-06-01", "2025-10-31", TEN, status="stopped"), "22.5"),
        (during("o", MORPHINE_15, "2025-06-01", "2026-06-30", sig(15, "mg")), "22.5"),
    ],
    ids=["a month later", "a day more", "a month before", "a day more before", "another ingredient"],
)
def test_what_it_duplicates_is_the_same_ingredient_about_that_time(other, high):
    duplicate = stopped(
        during("d", OXYCODONE_5, "2025-12-01", "2026-06-30", TEN, **changed("2025-12-20")), "Duplicate order"
    )
    assert current(duplicate, other).high == Decimal(high)


def test_a_duplicate_of_the_same_dose_does_not_add_to_it():
    duplicate = stopped(
        during("d", OXYCODONE_10, "2025-12-28", "2026-06-30", TEN, **changed("2026-01-10")), "Duplicate order"
    )
    assert current(duplicate, before("2026-06-30", status="active")) == mme(15, 15)


def mistake(**members):
    return stopped(before("2025-12-31", **changed("2025-12-31"), **members), "Entered in error")


def test_a_mistake_was_not_in_force_until_the_order_that_corrects_it():
    first = before("2026-06-30", **changed("2026-01-08"))
    # seven days of each
    assert current(stopped(first, "Reorder"), now("2026-01-08")) == mme("11.25", "11.25")
    assert current(stopped(first, "Entered in error"), now("2026-01-08")) == mme("3.75", "11.25")


def test_a_mistake_is_over_with_its_record_or_with_the_order_that_corrects_it():
    assert current(mistake()) == mme(0, 0)
    undated = stopped(during("a", OXYCODONE_10, "2026-01-01", "2026-06-30", TEN), "Entered in error")
    assert current(undated).high == 15
    assert current(undated, now("2026-01-01")) == HALF


def test_a_mistake_neither_ends_nor_renews_what_was_taken_before():
    taken = before("2025-12-31", status="active")
    again = during("again", OXYCODONE_10, "2026-01-01", "2026-01-02", TEN, **changed("2026-01-02"))
    assert current(taken, stopped(again, "Wrong patient")).high >= 15
    assert current(taken, stopped(again, "Pain resolved")).high < 15


def test_a_stop_without_any_date_came_within_the_time_in_which_it_could_be_filled():
    # six months from 1 June
    assert current(stopped(order("a", OXYCODONE_10, TEN, on="2025-06-01"))) == mme(0, 0)
    assert current(stopped(order("a", OXYCODONE_10, TEN, on="2025-07-14"))).high == Decimal(15)


def test_a_home_medication_that_was_stopped_is_over_without_a_reason():
    home = order("home", OXYCODONE_10, TEN, on="2025-06-01", intent="plan", status="stopped", **changed("2025-12-01"))
    assert current(home) == mme(0, 0)
    assert current({**home, "statusReason": {"text": "Reorder"}}).high == Decimal(15)


# --- denials ---------------------------------------------------------------------------------------------------------


def denied(status="not-taken", rxcui=OXYCODONE_10, **members):
    members.setdefault("effectivePeriod", None)
    return statement("s", rxcui, status=status, **members)


@pytest.mark.parametrize(
    "report",
    [
        denied(effectiveDateTime="2025-12-15"),
        denied(dateAsserted="2025-12-15"),
        denied(**changed("2025-12-15")),
        denied(effectivePeriod={"start": "2025-12-15", "end": "2025-12-31"}),
        denied("stopped", effectivePeriod={"start": "2025-06-01", "end": "2025-12-15"}),
        denied("stopped", effectiveDateTime="2025-12-15"),
        denied("stopped", statusReason=[{"text": "Side effects"}], effectiveDateTime="2025-12-15"),
        denied(rxcui={"text": "Oxycodone"}, effectiveDateTime="2025-12-15"),
        denied(rxcui={"coding": [{"system": RXNORM, "code": "7804"}]}, effectiveDateTime="2025-12-15"),
    ],
    ids=range(9),
)
def test_a_report_that_a_drug_is_not_taken_ends_what_was_begun_before(report):
    assert current(before("2026-06-30", status="active"), report) == mme(0, 0)


@pytest.mark.parametrize(
    "report",
    [
        denied(rxcui=OXYCODONE_ER_20, effectiveDateTime="2025-12-15"),
        denied(rxcui=MORPHINE_15, effectiveDateTime="2025-12-15"),
        denied("stopped", statusReason=[{"text": "Reorder"}], effectiveDateTime="2025-12-15"),
        denied("completed", effectivePeriod={"start": "2025-06-01", "end": "2025-12-15"}),
        denied("entered-in-error", effectiveDateTime="2025-12-15"),
        denied(effectiveDateTime="2025-05-31"),
    ],
    ids=range(6),
)
def test_a_report_about_something_else_or_of_another_time_ends_nothing(report):
    assert current(before("2026-06-30", status="active"), report).high != 0


def test_a_denial_without_any_date_takes_away_the_lower_bound_only():
    assert current(before("2026-06-30", status="active"), denied()) == mme(0, 15)


def test_an_open_denial_takes_it_away_from_its_first_day():
    report = denied(effectivePeriod={"start": "2026-01-08"})
    assert current(before("2026-06-30", status="active"), report) == mme("7.5", 15)


def test_a_stop_is_certain_until_the_day_after_the_last_one_taken():
    report = denied("stopped", effectivePeriod={"start": "2025-06-01", "end": "2026-01-07"})
    assert current(before("2026-06-30", status="active"), report) == mme("7.5", "7.5")


def test_a_stop_is_no_intake_beside_what_it_ends():
    report = denied("stopped", effectivePeriod={"start": "2025-06-01", "end": "2026-01-07"})
    told = line(read(before("2026-06-30", status="active"), report), "MedicationStatement/s")
    assert (told.counted, told.problem) == (False, "counted with MedicationRequest/before")


def test_what_is_supplied_after_a_denial_is_taken_all_the_same():
    chart = [before("2025-11-30"), denied(effectiveDateTime="2025-12-15")]
    assert current(*chart, dispense("d", OXYCODONE_10, "2025-12-20", days=30, tablets=30)) == mme(15, 15)


# --- acute courses and single doses ----------------------------------------------------------------------------------


def script(rxcui=HYDROCODONE_APAP_10, dosage=TEN, **members):
    members.setdefault("dispenseRequest", supplied(7))
    members.setdefault("status", "completed")
    return order("script", rxcui, dosage, on=members.pop("on", "2025-10-06"), **members)


G8918 = {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "G89.18"}]}


@pytest.mark.parametrize(
    "acute",
    [
        script(),
        script(status="stopped"),
        script(dosage=bounded(TEN, "2025-10-06", "2025-10-12"), dispenseRequest=None),
        script(dosage=sig(1, times=2, asNeededBoolean=True), dispenseRequest={"quantity": quantity(14)}),
        script(dispenseRequest=supplied(14), category=[{"coding": [{"code": "discharge"}]}]),
        script(dispenseRequest=supplied(14), reasonCode=[G8918]),
        script(dispenseRequest=supplied(14), reasonCode=[{"text": "Post-op pain"}]),
        script(dispenseRequest=supplied(14), reasonReference=[{"display": "Tooth extraction"}]),
    ],
    ids=range(8),
)
def test_an_acute_course_is_over_when_it_is_used_up(acute):
    assert current(acute) == mme(0, 0)


@pytest.mark.parametrize(
    "regimen",
    [
        script(status="active"),
        script(dispenseRequest=supplied(8)),
        script(dispenseRequest=supplied(7, refills=1)),
        script(dispenseRequest=None),
        script(dosage=sig(1, times=2, asNeededBoolean=True), dispenseRequest={"quantity": quantity(15)}),
        script(dispenseRequest=supplied(15), category=[{"coding": [{"code": "discharge"}]}]),
        script(dispenseRequest=supplied(8), reasonCode=[{"text": "Chronic post-surgical pain"}]),
        script(MORPHINE_ER_15),
        script("864706"),
        script(FENTANYL_12, dosage=sig(1, "{patch}", period=3)),
        script(BUPRENORPHINE_SL_8),
    ],
    ids=range(11),
)
def test_everything_else_is_a_regimen(regimen):
    assert current(regimen).high != 0


@pytest.mark.parametrize(("on", "high"), [("2025-11-11", "10"), ("2025-11-12", "0")])
def test_another_supply_within_thirty_days_makes_both_a_regimen(on, high):
    # the first runs out on 12 October: 30 days later is the 11th of November
    again = {**script(on=on), "id": "again"}
    assert current(script(), again).high == Decimal(high)


def test_a_supply_in_the_hospital_or_of_another_ingredient_does_not():
    again = {**script(on="2025-10-10"), "id": "again"}
    hospital = {**again, "category": [{"text": "Inpatient"}]}
    other = {**again, "medicationCodeableConcept": coded(OXYCODONE_5)}
    assert (current(script(), hospital), current(script(), other)) == (mme(0, 0), mme(0, 0))


@pytest.mark.parametrize(("on", "high"), [("2025-10-13", "0"), ("2025-10-14", "10")])
def test_an_order_and_its_dispense_within_a_week_are_one_acute_course(on, high):
    taken = dispense("d", HYDROCODONE_APAP_10, on, days=7, tablets=7)
    assert current(script(), taken).high == Decimal(high)


def test_a_dispense_of_another_dose_is_no_part_of_an_acute_course():
    other = dispense("d", HYDROCODONE_APAP_10, "2025-10-06", days=7, tablets=14)
    assert current(script(), other).high != 0


def test_a_depot_that_was_given_once_is_not_over():
    once = {"timing": {"repeat": {"count": 1}}}
    assert current(order("a", SUBLOCADE, once, on="2025-12-20", status="completed")).high is None
    given = administration("a", SUBLOCADE, "2025-12-20", 1, "mL")
    assert current(given).high is None


def test_one_dose_of_a_drug_without_a_code_is_over():
    once = {"timing": {"repeat": {"count": 1}}, "text": "4 mg IV once"}
    assert current(order("a", {"text": "Morphine injection"}, once, on="2025-12-20")) == mme(0, 0)
    assert current(order("a", {"text": "Fentanyl patch"}, once, on="2025-12-20")).high is None


def test_a_few_days_beside_a_regimen_neither_lower_the_baseline_nor_raise_it():
    chart = [
        during("a", OXYCODONE_10, "2025-01-01", "2025-12-31", TEN),
        script(PERCOCET_5, dosage=sig(3)),
        now("2026-01-01"),
    ]
    reduction = read(*chart)
    assert [base.dose.low for base in reduction.baselines] == [15, 15]
    assert reduction.current == HALF


# --- what is long past -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("end", "high"), [("2025-01-14", "7.5"), ("2025-01-15", "22.5")])
def test_what_had_no_supply_in_the_look_back_is_over_with_a_later_regimen(end, high):
    old = during("old", OXYCODONE_10, "2024-06-01", end, TEN)
    assert current(old, now("2025-06-01", MORPHINE_15, sig(Decimal("7.5"), "mg"))).high == Decimal(high)


def test_without_a_later_regimen_it_is_not():
    old = during("old", OXYCODONE_10, "2024-06-01", "2025-01-14", TEN)
    assert current(old).high == Decimal(15)
    assert current(old, statement("s", MORPHINE_15, sig(1))).high == Decimal(30)


def test_an_order_without_a_supply_can_be_filled_for_six_months():
    old = order("old", OXYCODONE_10, TEN, on="2024-07-14", status="completed")
    later = now("2025-06-01", MORPHINE_15, sig(Decimal("7.5"), "mg"))
    assert current(old, later) == HALF
    assert current({**old, "authoredOn": "2024-07-15"}, later).high == Decimal("22.5")


@pytest.mark.parametrize(("start", "high"), [("2025-01-14", "22.5"), ("2025-01-15", "7.5")])
def test_what_is_long_past_is_over_with_a_regimen_that_begins_after_it(start, high):
    old = order("old", OXYCODONE_10, TEN, on="2024-07-14", status="completed")
    assert current(old, now(start, MORPHINE_15, sig(Decimal("7.5"), "mg"))).high == Decimal(high)


def test_the_first_that_is_certain_to_have_begun_ends_what_several_orders_replace_in_words():
    replaced = order("m1", OXYCODONE_5, sig(1), on="2025-10-01", dispenseRequest=supplied(90))
    note = [{"text": "replaces oxycodone"}]
    of_a_month = order("m2", MORPHINE_ER_15, sig(1), on="2025-11", note=note)
    of_a_day = order("m3", MORPHINE_ER_30, sig(1), on="2025-11-10", note=note)
    assert line(read(replaced, of_a_month), "MedicationRequest/m1").end == "2025-11-29"
    assert line(read(replaced, of_a_month, of_a_day), "MedicationRequest/m1").end == "2025-11-09"
