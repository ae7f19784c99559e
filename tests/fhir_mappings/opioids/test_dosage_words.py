from decimal import Decimal
from fractions import Fraction

import pytest

from fhir_mappings.codings import SNOMED
from fhir_mappings.opioids.dose import daily_mme
from fhir_mappings.opioids.quantities import ContradictionError, Interval, UnconvertibleError
from fhir_mappings.opioids.table import products
from fhir_mappings.opioids.timing import frequency
from tests.support.opioid_chart import (
    FENTANYL_25,
    HYDROCODONE_APAP_10,
    MORPHINE_SOLUTION_2,
    OXYCODONE_5,
    RXNORM,
    during,
    mme,
    order,
    quantity,
    read,
    sig,
    supplied,
)

ORAL = {"coding": [{"system": SNOMED, "code": "26643006"}]}


def per_day(dosage, rxcui=OXYCODONE_5):
    """Return the MME a day; 5 mg of oxycodone are 7.5."""
    return daily_mme(dosage, products()[rxcui])


def between(low, high):
    return Interval(Fraction(low), Fraction(high))


def timed(**timing):
    return {"timing": timing, "doseAndRate": [{"doseQuantity": quantity(1)}]}


def times(timing):
    found = frequency(timing).per_day
    return found.low, found.high


# --- words complete the structure ------------------------------------------------------------------------------------


def test_a_text_alone_gives_the_dose():
    assert per_day({"text": "Take 1 tablet by mouth every 6 hours"}) == between(30, 30)


def test_a_text_gives_what_the_structure_lacks():
    dose, often = {"doseAndRate": [{"doseQuantity": quantity(2)}]}, {"timing": sig(times=3)["timing"]}
    assert per_day({**dose, "text": "every 12 hours"}) == between(30, 30)
    assert per_day({**often, "text": "1 tablet"}) == between("22.5", "22.5")


def test_a_dose_in_a_unit_that_is_not_known_is_taken_from_the_text():
    dosage = sig(1, "{dose}", times=2)
    with pytest.raises(UnconvertibleError):
        per_day(dosage)
    assert per_day({**dosage, "text": "Take 1 tablet twice daily"}) == between(15, 15)


@pytest.mark.parametrize(
    "said",
    [
        {"patientInstruction": "Take 1 tablet twice daily"},
        {"additionalInstruction": [{"text": "Take with food"}, {"text": "1 tablet twice daily"}]},
    ],
)
def test_other_instructions_count_like_the_text(said):
    assert per_day(said) == between(15, 15)


def test_a_mass_a_volume_and_a_patch_are_converted():
    assert per_day({"text": "10 mg PO TID"}) == between(45, 45)
    assert per_day({"text": "5 mL every 4 hours"}, MORPHINE_SOLUTION_2) == between(60, 60)
    assert per_day({"text": "Apply 1 patch every 72 hours"}, FENTANYL_25) == between(60, 60)


def test_a_range_in_words_is_an_interval():
    assert per_day({"text": "1-2 tabs q4-6h"}) == between(30, 90)


def test_as_needed_in_words_leaves_the_lower_bound_at_zero():
    assert per_day({"text": "1 tablet every 6 hours when required"}) == between(0, 30)


def test_a_maximum_in_words_caps_the_dose():
    assert per_day({"text": "1-2 tabs q4h prn, max 8/day"}) == between(0, 60)
    assert per_day({"text": "1 tab q4h, not to exceed twice a day"}) == between(15, 15)
    assert per_day({"text": "1 tablet up to 7 a day as needed"}) == between(0, "52.5")


def test_doses_at_several_times_of_a_day_are_added():
    assert per_day({"text": "2 tablets in the morning and 1 tablet at bedtime"}) == between("22.5", "22.5")


# --- contradictions --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("Take 1 tablet every 4 hours", "text and timing differ"),
        ("Take 2 tablets twice daily", "text and doseAndRate differ"),
        ("2 tablets in the morning and 2 tablets at bedtime", "text and doseAndRate differ"),
        ("Take 1 tablet every 4 hours. Call Dr. X.", "text and timing differ"),
        ("10 mg (1 tablet) twice daily", "text: two amounts differ"),
    ],
    ids=["frequency", "dose", "sum", "text that is not understood whole", "two amounts"],
)
def test_a_text_that_contradicts_the_structure_leaves_the_dose_unknown(text, named):
    with pytest.raises(ContradictionError, match=named):
        per_day({**sig(1, times=2), "text": text})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Take 1 tablet twice daily", (15, 15)),
        ("Take 1 tablet every 12 hours daily", (15, 15)),
        ("1-2 tablets twice daily", (15, 30)),
        ("1 tablet in the morning and 1 tablet at bedtime", (15, 15)),
        ("5 mg = 1 tab BID", (15, 15)),
        ("Take with food", (15, 15)),
        ("Take 1 tablet twice daily. Call Dr. X.", (15, 15)),
    ],
)
def test_a_text_that_agrees_widens_the_structure_at_most(text, expected):
    assert per_day({**sig(1, times=2), "text": text}) == between(*expected)


def test_two_instructions_in_words_that_differ_leave_the_dose_unknown():
    with pytest.raises(ContradictionError):
        per_day({"text": "1 tablet daily", "patientInstruction": "1 tablet twice daily"})


def test_a_supply_per_day_does_not_decide_between_two_that_contradict_each_other():
    dosage = {**sig(1, times=2), "text": "Take 1 tablet every 4 hours"}
    chart = order("a", OXYCODONE_5, dosage, on="2026-01-01", dispenseRequest=supplied(30, tablets=60))
    reduction = read(chart)
    assert reduction.current == mme(0, None)
    assert reduction.unconverted[0].problem == "text and timing differ"


def test_the_mass_of_a_combination_in_parentheses_contradicts_nothing():
    assert per_day({"text": "1 tablet (10-325 mg) twice daily"}, HYDROCODONE_APAP_10) == between(20, 20)


# --- frequencies by code and words -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ({"text": "4 TIMES DAILY"}, (4, 4)),
        ({"text": "Every 4-6 hours PRN"}, (4, 6)),
        ({"coding": [{"system": "urn:oid:1.2.840.114350.1.13", "code": "200536", "display": "2 times daily"}]}, (2, 2)),
        ({"coding": [{"system": SNOMED, "code": "229799001"}]}, (2, 2)),
        ({"coding": [{"system": SNOMED, "code": "396139000"}]}, (3, 4)),
        ({"coding": [{"system": SNOMED, "code": "225760004"}]}, (Fraction(1, 2), Fraction(1, 2))),
        ({"coding": [{"system": SNOMED, "code": "1", "display": "Five times a day (qualifier value)"}]}, (5, 5)),
    ],
)
def test_a_timing_is_read_by_its_code_or_its_words(code, expected):
    assert times({"code": code}) == expected


def test_a_code_that_contradicts_the_structure_or_its_words_leaves_the_dose_unknown():
    with pytest.raises(ContradictionError, match="timing: code and repeat differ"):
        times({"code": {"text": "BID"}, "repeat": {"frequency": 1, "period": 1, "periodUnit": "d"}})
    with pytest.raises(ContradictionError, match=r"timing\.code: the code and its words differ"):
        times({"code": {"text": "three times a day", "coding": [{"system": SNOMED, "code": "229799001"}]}})


def test_words_of_a_code_that_mention_another_frequency_leave_the_dose_unknown():
    while_awake = {"code": {"text": "every 4 hours while awake"}}
    with pytest.raises(ContradictionError, match="text and timing differ"):
        per_day(timed(**while_awake, repeat={"frequency": 1, "period": 1, "periodUnit": "d"}))
    assert per_day(timed(**while_awake, repeat={"frequency": 6, "period": 1, "periodUnit": "d"})) == between(45, 45)


def test_a_code_that_allows_more_than_the_structure_widens_it():
    repeat = {"frequency": 1, "period": 4, "periodUnit": "h"}
    assert times({"code": {"text": "Q4-6H"}, "repeat": repeat}) == (4, 6)


@pytest.mark.parametrize(
    "said",
    [
        {"text": "1 tablet daily, may take an extra tablet before therapy"},
        {"patientInstruction": "May repeat once if the pain persists"},
        {"additionalInstruction": [{"text": "Increase to 2 tablets after a week if tolerated"}]},
        {"text": "Titrate to effect"},
    ],
)
def test_words_of_more_than_the_structure_leave_the_dose_without_an_upper_bound(said):
    once_a_day = sig(times=1)
    with pytest.raises(UnconvertibleError, match="more may be taken"):
        per_day(once_a_day | said)
    capped = once_a_day | said | {"maxDosePerPeriod": {"numerator": quantity(4), "denominator": quantity(1, "d")}}
    assert per_day(capped) == between(0, 30)
    assert daily_mme(once_a_day | said, products()[OXYCODONE_5], between(15, 15)).high == 15


def test_words_of_more_than_the_structure_count_only_where_they_are_not_understood():
    assert per_day(sig(times=1) | {"text": "Take 1 tablet daily"}) == between("7.5", "7.5")
    assert per_day(sig(times=1) | {"text": "Take with extra water"}).high is not None


DECLINING = [
    {"text": "1 tablet 4 times a day, wean as directed"},
    {"text": "1 tablet 4 times a day; reduce dose as tolerated"},
    {"patientInstruction": "Begin tapering after the visit"},
    {"additionalInstruction": [{"text": "Decrease by half a tablet when able"}]},
]


@pytest.mark.parametrize("said", DECLINING)
def test_a_dose_that_is_to_decrease_has_no_lower_bound(said):
    assert per_day(sig(times=4) | said) == between(0, 30)


@pytest.mark.parametrize("said", [*DECLINING, {"text": "1 tablet 4 times a day for 7 days then 1 tablet twice a day"}])
def test_a_supply_does_not_tell_a_dose_that_changes(said):
    with pytest.raises(ContradictionError, match="the supply does not tell it"):
        daily_mme(said, products()[OXYCODONE_5], between(30, 30))
    capped = said | {"maxDosePerPeriod": {"numerator": quantity(4), "denominator": quantity(1, "d")}}
    assert daily_mme(capped, products()[OXYCODONE_5], between(15, 15)) == between(0, 30)


def test_a_later_dose_that_may_be_higher_leaves_the_dose_without_an_upper_bound():
    with pytest.raises(UnconvertibleError):
        per_day(sig(times=2) | {"text": "1 tablet twice a day for a week then 2 tablets twice a day"})


@pytest.mark.parametrize(
    "text",
    [
        "Take on schedule to reduce pain",
        "As directed for 7 days, then stop",
        "As directed; was tapered before",
        "Call the office when weaned",
    ],
)
def test_words_of_something_else_do_not_decrease_a_dose(text):
    assert per_day(sig(times=4) | {"text": text}) == between(30, 30)


def test_words_that_are_not_understood_say_nothing():
    assert times({"code": {"text": "as per protocol"}, "repeat": {"frequency": 2, "period": 1, "periodUnit": "d"}}) == (
        2,
        2,
    )
    with pytest.raises(UnconvertibleError, match="timing does not say how often"):
        times({"code": {"text": "as per protocol"}})


# --- routes ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "route", [{"text": "G-tube"}, {"coding": [{"system": SNOMED, "code": "127492001"}]}, {"text": "Nasogastric"}]
)
def test_a_feeding_tube_counts_like_the_mouth(route):
    assert per_day({**sig(1, times=2), "route": route}) == between(15, 15)


@pytest.mark.parametrize("text", ["1 tablet under the tongue twice daily", "1 tablet rectally twice daily"])
def test_a_route_in_words_without_a_factor_leaves_the_dose_unknown(text):
    with pytest.raises(UnconvertibleError, match="text: CDC 2022 has no factor for its route"):
        per_day({"text": text})


# --- several instructions --------------------------------------------------------------------------------------------


def at(sequence, tablets, **timing):
    return {"sequence": sequence, "timing": timing, "doseAndRate": [{"doseQuantity": quantity(tablets)}]}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"repeat": {"when": ["MORN"]}}, {"repeat": {"when": ["HS"]}}),
        ({"code": {"coding": [{"code": "AM"}]}}, {"code": {"coding": [{"code": "HS"}]}}),
        ({"code": {"text": "every morning"}}, {"code": {"text": "at bedtime"}}),
        ({"repeat": {"timeOfDay": ["08:00:00"]}}, {"repeat": {"timeOfDay": ["20:00:00"]}}),
    ],
    ids=["when", "code", "words", "hours"],
)
def test_instructions_for_different_times_of_the_day_are_added_whatever_their_sequence(first, second):
    chart = order("a", OXYCODONE_5, at(1, 1, **first), at(2, 2, **second), on="2026-01-01")
    assert read(chart).current == mme("22.5", "22.5")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"repeat": {"when": ["MORN"]}}, {"repeat": {"when": ["MORN"]}}),
        ({"repeat": {"when": ["MORN"]}}, {"repeat": {"timeOfDay": ["08:00:00"]}}),
        ({"repeat": {"when": ["MORN"]}}, {"code": {"text": "BID"}}),
    ],
    ids=["the same time", "perhaps the same time", "no time"],
)
def test_instructions_that_may_follow_each_other_are_not_added_in_the_lower_bound(first, second):
    chart = order("a", OXYCODONE_5, at(1, 1, **first), at(2, 2, **second), on="2026-01-01")
    assert read(chart).current.low == mme("7.5", "7.5").low


def test_instructions_for_different_times_of_the_day_follow_each_other_if_the_first_one_ends():
    first = {"when": ["MORN"], "boundsDuration": quantity(14, "d")}
    chart = order("a", OXYCODONE_5, at(1, 1, repeat=first), at(2, 2, repeat={"when": ["HS"]}), on="2026-01-01")
    assert read(chart).current == mme("7.5", "7.5")


def test_a_short_course_in_words_ends_and_a_supply_of_a_month_does_not():
    course = {"text": "1 tablet twice daily for 5 days"}
    month = {"text": "1 tablet twice daily for 30 days"}
    assert read(during_order(course)).current.high == 0
    assert read(during_order(month)).current.high != 0


def test_a_course_in_words_may_end_on_any_day_up_to_the_end_of_its_bounds():
    course = {"text": "1 tablet twice daily for 5 days", "timing": {"repeat": {}}}
    assert read(during("a", OXYCODONE_5, "2025-12-01", "2026-06-01", course)).current == mme(0, 15)
    boundless = {"text": "1 tablet twice daily for 30 days", "timing": {"repeat": {}}}
    assert read(during("a", OXYCODONE_5, "2025-12-01", "2026-06-01", boundless)).current == mme(15, 15)


@pytest.mark.parametrize(("end", "lowest"), [("2026-01-13", 48.75), ("2026-01-14", 52.5), ("2026-01-15", 48.75)])
def test_the_bounds_of_a_course_may_end_on_its_last_day_or_the_day_after(end, lowest):
    """The current mean is over 1 to 14 January: 52.5 MME on 13 or 14 of 14 days."""
    course = {"text": "7 tablets daily for 13 days", "timing": {"repeat": {}}}
    assert read(during("a", OXYCODONE_5, "2026-01-01", end, course)).current.low == Decimal(str(lowest))


def during_order(dosage):
    return order("a", OXYCODONE_5, dosage, on="2025-11-01", status="completed")


# --- products in words -----------------------------------------------------------------------------------------------


def test_a_named_product_with_words_for_its_dose_is_converted():
    label = {"text": "OxyContin 20 mg 12 hr tablet"}
    dosage = {"text": "Take 1 tablet every 12 hours", "timing": {"repeat": {}}}
    chart = during("a", label, "2025-12-01", "2026-06-01", dosage)
    assert read(chart).current == mme(60, 60)


@pytest.mark.parametrize("members", [{"route": ORAL}, {"text": "20 mg by mouth twice a day"}])
def test_a_mass_of_an_ingredient_by_mouth_needs_no_strength(members):
    dosage = {**sig(20, "mg", times=2), **members}
    coded = {"coding": [{"system": RXNORM, "code": "7804"}]}
    assert read(during("a", coded, "2025-12-01", "2026-06-01", dosage)).current == mme(60, 60)


@pytest.mark.parametrize(
    "dosage",
    [sig(20, "mg", times=2), {**sig(1, times=2), "route": ORAL}, {**sig(20, "mg", times=2), "route": {"text": "IV"}}],
    ids=["no route", "tablets", "injection"],
)
def test_an_ingredient_alone_is_not_enough_without_a_mass_and_a_route(dosage):
    assert read(during("a", {"text": "oxyCODONE"}, "2025-12-01", "2026-06-01", dosage)).current == mme(0, None)


def test_an_ingredient_alone_in_words_is_not_enough_beside_a_code_that_may_be_a_combination():
    dosage = {**sig(20, "mg", times=2), "route": ORAL}
    unlisted = {"coding": [{"system": RXNORM, "code": "999999999", "display": "oxycodone"}]}
    assert read(during("a", unlisted, "2025-12-01", "2026-06-01", dosage)).current == mme(0, None)
