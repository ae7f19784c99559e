from datetime import date, datetime
from decimal import Decimal

import pytest

from fhir_mappings.opioids import opioid_reduction
from fhir_mappings.record import Availability
from fhir_mappings.truth import Truth
from tests.support.opioid_chart import (
    ALL_READ,
    ANCHOR,
    BUPRENORPHINE_SL_8,
    FENTANYL_25,
    FENTANYL_50,
    HYDROCODONE_APAP_10,
    HYDROMORPHONE_1,
    MEPERIDINE_50,
    METHADONE_SOLUTION_1,
    MORPHINE_15,
    OXYCODONE_5,
    OXYCODONE_10,
    OXYCODONE_20,
    PERIODS,
    TAPENTADOL_50,
    TRAMADOL_50,
    ZONE,
    another_drug,
    during,
    halved,
    line,
    mme,
    order,
    quantity,
    read,
    record,
    sig,
    statement,
    stopped,
)

BEFORE = ("2025-01-01", "2025-12-31")
NOW = ("2026-01-01", "2026-06-30")


def weaned(before, now):
    """A chart with one drug until the end of December and another one since: (RXCUI, Dosage) each."""
    return during("before", before[0], *BEFORE, before[1]), during("now", now[0], *NOW, now[1], status="active")


def morphine(name, start, end, mg):
    return during(name, MORPHINE_15, start, end, sig(mg, "mg"))


# --- the worked cases ------------------------------------------------------------------------------------------------

CASES = {
    # 41 x 4.7 = 192.7, 21 x 4.7 = 98.7: 48.8 % less
    "methadone 41 to 21 mg": (
        (METHADONE_SOLUTION_1, sig(41, "mg")),
        (METHADONE_SOLUTION_1, sig(21, "mg")),
        ("192.7", "192.7", "98.7", "98.7", Truth.NO),
    ),
    # 80 x 1.5 = 120, 12 x 5 = 60: half to the point
    "oxycodone 80 to hydromorphone 12 mg": (
        (OXYCODONE_20, sig(2, times=2)),
        (HYDROMORPHONE_1, sig(3, times=4)),
        ("120", "120", "60", "60", Truth.YES),
    ),
    # 13 x 5 = 65: 45.8 % less
    "oxycodone 80 to hydromorphone 13 mg": (
        (OXYCODONE_20, sig(2, times=2)),
        (HYDROMORPHONE_1, sig(13, "mg")),
        ("120", "120", "65", "65", Truth.NO),
    ),
    "oxycodone 40 to buprenorphine 8 mg": (
        (OXYCODONE_20, sig(1, times=2)),
        (BUPRENORPHINE_SL_8, sig(1)),
        ("60", "60", "0", None, Truth.UNKNOWN),
    ),
    # 50 x 2.4 = 120, 25 x 2.4 = 60, whatever the interval
    "fentanyl 50 mcg/h every 48 h to 25 mcg/h every 72 h": (
        (FENTANYL_50, sig(1, "{patch}", period=48, per="h")),
        (FENTANYL_25, sig(1, "{patch}", period=72, per="h")),
        ("120", "120", "60", "60", Truth.YES),
    ),
    # 4 x 10 = 40, capped at 3 tablets, and as needed
    "hydrocodone as needed and no change": (
        (
            HYDROCODONE_APAP_10,
            sig(
                period=6,
                per="h",
                asNeededBoolean=True,
                maxDosePerPeriod={"numerator": quantity(3), "denominator": quantity(1, "d")},
            ),
        ),
        (
            HYDROCODONE_APAP_10,
            sig(
                period=6,
                per="h",
                asNeededBoolean=True,
                maxDosePerPeriod={"numerator": quantity(3), "denominator": quantity(1, "d")},
            ),
        ),
        ("0", "30", "0", "30", Truth.UNKNOWN),
    ),
    # 40 x 1.5 = 60; 4 x 5 x 1.5 = 30 at most
    "oxycodone scheduled to as needed": (
        (OXYCODONE_20, sig(1, times=2)),
        (OXYCODONE_5, sig(1, period=6, per="h", asNeededBoolean=True)),
        ("60", "60", "0", "30", Truth.YES),
    ),
    # 400 x 0.2 = 80, 100 x 0.4 = 40
    "tramadol 400 to tapentadol 100 mg": (
        (TRAMADOL_50, sig(2, times=4)),
        (TAPENTADOL_50, sig(1, times=2)),
        ("80", "80", "40", "40", Truth.YES),
    ),
    "oxycodone 80 mg to an order without timing": (
        (OXYCODONE_20, sig(2, times=2)),
        (OXYCODONE_5, {"timing": {"repeat": {}}, "doseAndRate": [{"doseQuantity": quantity(1)}]}),
        ("120", "120", "0", None, Truth.UNKNOWN),
    ),
    # 50 ug are 0.05 mg
    "morphine 15 mg to 50 micrograms": (
        (MORPHINE_15, sig(15, "mg")),
        (MORPHINE_15, sig(50, "ug")),
        ("15", "15", "0.05", "0.05", Truth.YES),
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_worked_case_has_its_answer(case):
    before, now, (base_low, base_high, low, high, answer) = case
    reduction = read(*weaned(before, now))
    assert [baseline.dose for baseline in reduction.baselines] == [mme(base_low, base_high)] * 2
    assert reduction.current == mme(low, high)
    assert reduction.reduced_by(Decimal(50)) is answer


@pytest.mark.parametrize(("milligrams", "answer"), [(60, Truth.YES), ("60.1", Truth.NO), (90, Truth.NO)])
def test_half_of_120_is_60_and_not_a_tenth_more(milligrams, answer):
    now = sig(Decimal(milligrams), "mg")
    assert halved(*weaned((MORPHINE_15, sig(120, "mg")), (MORPHINE_15, now))) is answer


def test_another_percentage_has_its_own_threshold():
    reduction = read(*weaned((MORPHINE_15, sig(120, "mg")), (MORPHINE_15, sig(90, "mg"))))
    assert reduction.reduced_by(Decimal(25)) is Truth.YES
    assert reduction.reduced_by(Decimal("25.1")) is Truth.NO


def test_equality_passes_where_a_mean_has_no_end_in_decimals():
    # 20 and 10 mg once a week are 20/7 and 10/7 mg a day
    now = (MORPHINE_15, sig(10, "mg", period=7))
    assert halved(*weaned((MORPHINE_15, sig(20, "mg", period=7)), now)) is Truth.YES


# --- the two baselines -----------------------------------------------------------------------------------------------


PEAK = (  # ten days at 60 MME
    during("peak", OXYCODONE_20, "2025-06-01", "2025-06-10", sig(40, "mg")),
    statement("over", OXYCODONE_20, status="stopped", effectivePeriod={"start": "2025-06-01", "end": "2025-06-10"}),
)


def test_five_days_after_surgery_are_no_regimen():
    surgery = during("surgery", OXYCODONE_20, "2025-06-01", "2025-06-05", sig(80, "mg"))
    reduction = read(morphine("before", *BEFORE, 40), surgery, morphine("now", *NOW, 24))
    assert [base.dose for base in reduction.baselines] == [mme(40, 40), mme(40, 40)]
    assert reduction.current == mme(24, 24)


def test_a_short_peak_is_no_regimen_of_the_longer_baseline():
    # (14 x 40 + 10 x 60) / 14 = 82.86 and (90 x 40 + 10 x 60) / 90 = 46.67: 24 is under half of the first only
    reduction = read(morphine("before", *BEFORE, 40), *PEAK, morphine("now", *NOW, 24))
    assert [round(base.dose.low, 2) for base in reduction.baselines] == [Decimal("82.86"), Decimal("46.67")]
    assert reduction.reduced_by(Decimal(50)) is Truth.UNKNOWN


def test_a_dose_that_is_half_of_both_baselines_is_proven():
    # half of 46.67 is 23.33
    assert halved(morphine("before", *BEFORE, 40), *PEAK, morphine("now", *NOW, 23)) is Truth.YES


@pytest.mark.parametrize(("milligrams", "answer"), [(41, Truth.UNKNOWN), (42, Truth.NO)])
def test_only_what_exceeds_half_of_the_peak_falls_short(milligrams, answer):
    # half of 82.86 is 41.43
    assert halved(morphine("before", *BEFORE, 40), *PEAK, morphine("now", *NOW, milligrams)) is answer


@pytest.mark.parametrize(("milligrams", "answer"), [(50, Truth.UNKNOWN), (51, Truth.NO)])
def test_exactly_half_of_the_peak_does_not_fall_short(milligrams, answer):
    peak = (  # fourteen days at 60 MME, and 40 of the other
        during("peak", OXYCODONE_20, "2025-06-01", "2025-06-14", sig(40, "mg")),
        statement("over", OXYCODONE_20, status="stopped", effectivePeriod={"start": "2025-06-01", "end": "2025-06-14"}),
    )
    assert halved(morphine("before", *BEFORE, 40), *peak, morphine("now", *NOW, milligrams)) is answer


@pytest.mark.parametrize(("begun", "highest"), [("2025-03-31", Decimal("62.86")), ("2025-04-01", Decimal(60))])
def test_a_record_makes_its_dose_possible_for_thirty_days_after_its_supply(begun, highest):
    first = morphine("first", "2025-01-01", "2025-03-01", 60)
    then = during("then", OXYCODONE_20, begun, "2025-12-31", sig(Decimal("26.67"), "mg"))
    assert round(read(first, then, morphine("now", *NOW, 20)).highest_on_record, 2) == highest


def test_an_order_without_a_stated_end_that_is_in_use_makes_it_possible_until_today():
    going_on = order("on", OXYCODONE_20, sig(40, "mg"), on="2025-09-01", status="active")
    reduction = read(going_on, morphine("then", "2025-11-01", "2025-12-31", 40), morphine("now", *NOW, 20))
    assert reduction.highest_on_record == 100


def test_of_equal_windows_the_last_one_is_the_baseline():
    reduction = read(morphine("before", *BEFORE, 40), morphine("now", *NOW, 20))
    assert [each.last for each in reduction.baselines] == [date(2025, 12, 31), date(2025, 12, 31)]


def test_of_equal_windows_one_without_an_upper_bound_is_not_the_baseline():
    reduction = read(
        morphine("going on", "2025-01-01", "2026-06-01", 40),
        statement("open", BUPRENORPHINE_SL_8, sig(1), effectivePeriod={"start": "2025-03-01", "end": "2025-03-10"}),
        statement("much", HYDROCODONE_APAP_10, sig(20), effectivePeriod={"start": "2025-03-11", "end": "2025-03-16"}),
        statement("again", BUPRENORPHINE_SL_8, sig(1), effectivePeriod={"start": "2025-03-17", "end": "2025-03-26"}),
    )
    base = reduction.baselines[0]
    assert (base.last, base.dose) == (date(2025, 12, 31), mme(40, None))


def test_the_last_fourteen_days_are_no_part_of_the_baseline():
    reduction = read(
        morphine("before", "2025-01-01", "2025-12-31", 30), morphine("now", "2026-01-01", "2026-06-01", 90)
    )
    assert reduction.baselines[0].dose == mme(30, 30)
    assert reduction.current == mme(90, 90)
    assert (reduction.current_first, reduction.current_last) == (date(2026, 1, 1), date(2026, 1, 14))


def test_the_baseline_names_the_window_that_gives_it():
    reduction = read(
        morphine("high", "2025-05-01", "2025-05-14", 100),
        morphine("low", "2025-05-15", "2026-06-01", 20),
    )
    base = reduction.baselines[0]
    assert (base.days, base.first, base.last) == (14, date(2025, 5, 1), date(2025, 5, 14))
    assert line(reduction, "MedicationRequest/high").in_baseline is True
    assert line(reduction, "MedicationRequest/low").in_baseline is False


def test_a_change_within_the_current_window_is_a_mean():
    reduction = read(
        morphine("before", "2025-01-01", "2026-01-07", 60), morphine("now", "2026-01-08", "2026-06-01", 30)
    )
    assert reduction.current == mme(45, 45)  # 7 x 60 and 7 x 30


def test_an_anchor_ahead_is_judged_by_the_days_that_have_passed():
    reduction = read(morphine("before", *BEFORE, 60), on=date(2026, 3, 2))
    assert (reduction.current_first, reduction.current_last) == (date(2026, 1, 1), date(2026, 1, 14))


def test_the_local_day_of_the_reading_counts():
    just_before_midnight = datetime(2026, 1, 15, 23, 30, tzinfo=ZONE)
    assert read(morphine("a", *BEFORE, 60), on=date(2026, 3, 2), read=just_before_midnight).current_last == date(
        2026, 1, 14
    )


# --- what cannot be told ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("drug", [BUPRENORPHINE_SL_8, MEPERIDINE_50, {"text": "oxycodone for pain"}])
def test_an_opioid_without_a_factor_in_the_current_window_is_never_a_reduction(drug):
    reduction = read(
        morphine("before", *BEFORE, 120),
        during("other", drug, "2026-01-05", "2026-01-06", sig()),
    )
    assert reduction.current == mme(0, None)
    assert reduction.reduced_by(Decimal(50)) is Truth.UNKNOWN
    assert [line.reference for line in reduction.unconverted] == ["MedicationRequest/other"]
    assert reduction.unconverted[0].problem.startswith("medication")


def test_an_opioid_without_a_factor_only_in_the_baseline_does_not_prevent_a_yes():
    reduction = read(
        morphine("before", *BEFORE, 120),
        during("other", BUPRENORPHINE_SL_8, "2025-05-01", "2025-05-31", sig()),
        statement("over", BUPRENORPHINE_SL_8, status="stopped", effectiveDateTime="2025-06-01", effectivePeriod=None),
        morphine("now", *NOW, 60),
    )
    assert reduction.baselines[0].dose == mme(120, None)
    assert reduction.reduced_by(Decimal(50)) is Truth.YES


def test_an_opioid_without_a_factor_in_the_baseline_prevents_a_no():
    charts = [morphine("before", *BEFORE, 120), morphine("now", *NOW, 90)]
    assert halved(*charts) is Truth.NO
    assert halved(*charts, during("other", BUPRENORPHINE_SL_8, "2025-05-01", "2025-05-31", sig())) is Truth.UNKNOWN


def test_a_baseline_of_nothing_proves_nothing():
    reduction = read(stopped(during("a", HYDROCODONE_APAP_10, *BEFORE, sig(asNeededBoolean=True))))
    assert (reduction.current, reduction.reduced_by(Decimal(50))) == (mme(0, 0), Truth.UNKNOWN)


def test_a_chart_without_opioids_differs_from_a_wean():
    reduction = read()
    assert (reduction.problem, reduction.lines) == ("no opioid found", ())
    assert reduction.reduced_by(Decimal(50)) is Truth.UNKNOWN


def test_an_opioid_of_two_years_ago_is_no_opioid_of_the_look_back():
    assert read(morphine("old", "2023-01-01", "2024-01-14", 60)).problem == "no opioid found"


def chart_since(first):
    return opioid_reduction(
        record(morphine("before", first, "2025-12-31", 120), morphine("now", *NOW, 60)),
        ANCHOR,
        PERIODS,
    )


def test_ninety_days_of_history_before_the_current_window_are_enough():
    # 3 October to 31 December
    reduction = chart_since("2025-10-03")
    assert [base.days for base in reduction.baselines] == [14, 90]
    assert reduction.reduced_by(Decimal(50)) is Truth.YES


def test_eighty_nine_days_of_history_are_too_few():
    reduction = chart_since("2025-10-04")
    assert [base.days for base in reduction.baselines] == [14]
    assert reduction.problem == "history too short"
    assert reduction.reduced_by(Decimal(50)) is Truth.UNKNOWN


def test_another_drug_shows_that_the_history_reaches_further_back():
    resources = [morphine("before", "2025-10-04", "2025-12-31", 120), morphine("now", *NOW, 60)]
    assert read({**another_drug("2025-10-03"), "id": "further"}, *resources).problem == ""


@pytest.mark.parametrize("members", [{"reportedBoolean": True}, {"intent": "plan"}])
def test_a_reported_drug_does_not_show_it(members):
    reported = {**another_drug("2020-01-01"), **members}
    chart = record(reported, morphine("before", "2025-10-04", "2025-12-31", 120))
    assert opioid_reduction(chart, ANCHOR, PERIODS).problem == "history too short"


# --- what was read ---------------------------------------------------------------------------------------------------

FELL = (morphine("before", *BEFORE, 120), morphine("now", *NOW, 60))
STAYED = (morphine("before", *BEFORE, 120), morphine("now", *NOW, 90))


@pytest.mark.parametrize("how", [Availability.UNAVAILABLE, Availability.NOT_OFFERED])
def test_without_every_prescription_nothing_is_said(how):
    for chart in (FELL, STAYED):
        reduction = read(*chart, availability={"MedicationRequest": how})
        assert reduction.problem == "prescriptions could not be read completely"
        assert reduction.reduced_by(Decimal(50)) is Truth.UNKNOWN


@pytest.mark.parametrize("kind", ["MedicationDispense", "MedicationStatement", "MedicationAdministration"])
def test_a_failed_search_prevents_both_yes_and_no(kind):
    lost = {kind: Availability.UNAVAILABLE}
    assert halved(*FELL, availability=lost) is Truth.UNKNOWN
    assert halved(*STAYED, availability=lost) is Truth.UNKNOWN
    assert halved(*STAYED) is Truth.NO
    assert read(*FELL, availability=lost).not_read == (kind,)


def test_a_failed_search_takes_away_the_upper_bound_and_leaves_the_lower():
    as_needed = during("prn", OXYCODONE_5, *NOW, sig(asNeededBoolean=True))
    reduction = read(*FELL, as_needed, availability={"MedicationDispense": Availability.UNAVAILABLE})
    assert reduction.current == mme(60, None)


def test_what_a_server_does_not_offer_is_no_failure():
    offered = dict.fromkeys(ALL_READ, Availability.NOT_OFFERED) | {"MedicationRequest": Availability.COMPLETE}
    assert halved(*FELL, availability=offered) is Truth.YES


def test_the_order_of_the_resources_does_not_matter():
    resources = [*STAYED, order("prn", OXYCODONE_10, sig(asNeededBoolean=True), on="2025-11-01")]
    forwards, backwards = read(*resources), read(*reversed(resources))
    assert forwards == backwards


def test_another_patients_prescription_does_not_count():
    other = {**morphine("other", *NOW, 500), "subject": {"reference": "Patient/q"}}
    assert halved(*FELL, other) is Truth.YES


def test_the_factors_are_named():
    assert read(*FELL).factors == "CDC 2022"


def test_too_many_prescriptions_prove_nothing():
    many = [{**FELL[1], "id": f"many-{n}"} for n in range(501)]
    reduction = read(*FELL, *many)
    assert reduction.problem == "too many prescriptions"
    assert reduction.reduced_by(Decimal(50)) is Truth.UNKNOWN
