"""Pain relief after a procedure, from the pain scores around it."""

from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import permutations

import pytest

from fhir_mappings.codings import LOINC, SNOMED, Match
from fhir_mappings.pain_relief import Window, reliefs
from fhir_mappings.procedures import procedures
from fhir_mappings.truth import Truth
from tests.support.fhir_builders import KNOWN, concept, knows, procedure, record, score

SCALES = knows("72514-3", "other")
OF_TEN = Match("Pain", decides=True, scale=(Decimal(0), Decimal(10)))


def at(time, day=5):
    return f"2026-01-{day:02}T{time}-05:00"


BEFORE, AFTER = at("09:00:00"), at("12:00:00")


def window(**more):
    return Window(timedelta(hours=24), timedelta(hours=8), **more)


def measure(*given, injections=None, **more):
    chart = record(*([procedure()] if injections is None else injections), *given)
    return reliefs(chart, procedures(chart, KNOWN), SCALES, window(**more))


def relief(*given, injection=None, **more):
    (found,) = measure(*given, injections=[injection] if injection else None, **more)
    return found


def percent(*given, injection=None, **more):
    """The least relief."""
    return relief(*given, injection=injection, **more).least


def before_and_after(before, after, **more):
    return score(before, BEFORE, "before", **more), score(after, AFTER, "after", **more)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (8, 2, Fraction(75)),
        (7, 2, Fraction(500, 7)),
        (8, 8, Fraction(0)),
        (8, 0, Fraction(100)),
        (4, 5, Fraction(-25)),
        ("8.0", "2.0", Fraction(75)),
        ("100", "25.01", Fraction(7499, 100)),
        ("100", "25.00000000000000000001", 75 - Fraction(1, 10**20)),
        ("0.3", "0.1", Fraction(200, 3)),
    ],
)
def test_relief_is_the_exact_share_of_the_pain_before(before, after, expected):
    assert percent(*before_and_after(before, after)) == expected


@pytest.mark.parametrize(
    ("before", "after", "printed"),
    [
        (8, 2, "75%"),
        (7, 2, "71.42%"),
        (8, 0, "100%"),
        (8, 8, "0%"),
        ("100", "25.01", "74.99%"),
        ("100", "25.0000001", "74.99%"),
        (4, 5, "-25%"),
        (4, 4, "0%"),
        (3, 4, "-33.34%"),
        ("1", "12346.678", "-1234567.8%"),
    ],
)
def test_relief_is_printed_cut_and_never_rounded_up(before, after, printed):
    assert relief(*before_and_after(before, after)).printed == printed


def test_relief_that_varied_is_printed_from_the_least_to_the_most():
    assert relief(*before_and_after(8, 2), score(7, at("17:00:00"), "late")).printed == "12.5 to 75%"


def test_the_scores_are_printed_from_before_to_after_with_the_top_of_their_scale():
    assert relief(*before_and_after("8.0", 2)).scores == "8.0 → 2"
    chart = record(procedure(), *before_and_after(8, 2), score(7, at("17:00:00"), "late"))
    (found,) = reliefs(chart, procedures(chart, KNOWN), lambda _: OF_TEN, window())
    assert found.scores == "8 → 2 to 7 of 10"


def test_scores_of_several_scales_are_not_printed_as_one():
    other = [score(5, BEFORE, "b", code="other"), score(4, AFTER, "a", code="other")]
    assert relief(*before_and_after(8, 2), *other).scores == ""


def test_unknown_relief_prints_nothing():
    assert (relief().printed, relief().scores) == ("", "")


@pytest.mark.parametrize(("baseline", "problem"), [(0, "no pain"), (-1, "no pain"), ("0.0", "no pain")])
def test_without_pain_before_there_is_no_relief(baseline, problem):
    found = relief(*before_and_after(baseline, 0))
    assert (found.least, found.most, problem in found.problem) == (None, None, True)


def test_a_score_below_zero_after_it_is_no_relief():
    found = relief(*before_and_after(8, -2))
    assert (found.most, found.problem) == (None, "a pain score after it is below zero")


def test_the_last_score_before_it_is_the_baseline():
    earlier = score(10, at("08:00:00"), "early")
    assert percent(earlier, *before_and_after(8, 2)) == 75


@pytest.mark.parametrize("late", [(6, 25, 75), (1, 75, Fraction(175, 2)), (2, 75, 75)])
def test_the_worst_score_after_it_tells_the_least_relief_and_the_best_the_most(late):
    number, least, most = late
    found = relief(*before_and_after(8, 2), score(number, at("17:00:00"), "late"))
    assert (found.least, found.most) == (least, most)


@pytest.mark.parametrize(
    ("moment", "expected"),
    [(at("10:00:00", 4), Fraction(75)), (at("09:59:59", 4), None), (at("10:00:00"), Fraction(75))],
)
def test_before_is_twenty_four_hours_and_the_procedure_itself(moment, expected):
    assert percent(score(8, moment, "b"), score(2, AFTER, "a")) == expected


@pytest.mark.parametrize(
    ("moment", "expected"), [(at("10:00:01"), Fraction(75)), (at("18:00:00"), Fraction(75)), (at("18:00:01"), None)]
)
def test_after_is_eight_hours(moment, expected):
    assert percent(score(8, BEFORE, "b"), score(2, moment, "a")) == expected


def test_a_late_score_outside_the_window_changes_nothing():
    assert percent(*before_and_after(8, 2), score(9, at("18:00:01"), "late")) == 75


def test_the_windows_are_measured_across_time_zones():
    assert percent(score(8, "2026-01-05T14:00:00Z", "b"), score(2, "2026-01-05T23:00:00Z", "a")) == 75


PERIOD = procedure(None, performedPeriod={"start": at("10:00:00"), "end": at("11:00:00")})


@pytest.mark.parametrize(
    ("moment", "expected"),
    [(at("18:59:59"), Fraction(25)), (at("19:00:00"), Fraction(25)), (at("19:00:01"), Fraction(75))],
)
def test_after_a_period_the_window_begins_at_its_end(moment, expected):
    assert percent(*before_and_after(8, 2), score(6, moment, "late"), injection=PERIOD) == expected


def test_a_score_during_the_procedure_is_neither_before_nor_after():
    assert percent(*before_and_after(8, 2), score(9, at("10:30:00"), "during"), injection=PERIOD) == 75


def test_a_procedure_without_an_end_is_taken_at_its_start():
    begun = procedure(None, performedPeriod={"start": at("10:00:00")})
    assert percent(*before_and_after(8, 2), injection=begun) == 75


@pytest.mark.parametrize(
    "performed",
    [
        {"performedDateTime": "2026-01-05"},
        {"performedDateTime": "2026-01"},
        {"performedDateTime": "then"},
        {"performedPeriod": {"start": "2026-01-05", "end": at("11:00:00")}},
        {"performedPeriod": {"start": at("10:00:00"), "end": "2026-01-05"}},
        {"performedPeriod": {"start": at("10:00:00"), "end": at("09:30:00")}},
        {"performedPeriod": {"end": at("11:00:00")}},
        {},
    ],
)
def test_a_procedure_without_a_time_of_day_tells_nothing(performed):
    given = procedure(None, **performed)
    assert [each.least for each in measure(*before_and_after(8, 2), injections=[given])] in ([None], [])


@pytest.mark.parametrize("day", ["2026-01-04", "2026-01-05", "2026-01", "2026"])
def test_a_score_of_which_only_the_day_is_known_leaves_it_open(day):
    found = relief(*before_and_after(8, 2), score(2, day, "dated"))
    assert (found.least, found.problem) == (None, "a pain score around it has no time of day or cannot be read")


@pytest.mark.parametrize(("day", "open_"), [("2026-01-05", True), ("2026-01-06", False)])
def test_the_days_of_the_window_are_local_ones(day, open_):
    late = procedure("2026-01-05T20:00:00Z")
    given = score(8, "2026-01-05T19:00:00Z", "b"), score(2, "2026-01-05T21:00:00Z", "a"), score(9, day, "dated")
    assert (percent(*given, injection=late) is None) is open_


@pytest.mark.parametrize("day", ["2026-01-03", "2026-01-06", "2025-12", "2026-02"])
def test_a_score_of_another_day_changes_nothing(day):
    assert percent(*before_and_after(8, 2), score(9, day, "dated")) == 75


@pytest.mark.parametrize(
    "members",
    [
        {"status": "preliminary"},
        {"valueQuantity": None, "valueString": "severe"},
        {"valueQuantity": {"value": 2, "comparator": ">"}},
        {"valueQuantity": "2"},
    ],
)
def test_a_score_in_the_window_that_cannot_be_read_leaves_it_open(members):
    assert percent(*before_and_after(8, 2), score(2, AFTER, "bad", **members)) is None


def test_an_undated_score_leaves_it_open():
    assert percent(*before_and_after(8, 2), score(2, None, "undated")) is None


def test_a_score_over_a_period_around_it_leaves_it_open():
    period = {"start": at("08:00:00"), "end": at("20:00:00")}
    assert percent(score(8, None, "all day", effectivePeriod=period), *before_and_after(8, 2)) is None


def test_a_mistaken_score_changes_nothing():
    assert percent(*before_and_after(8, 2), score(9, AFTER, "wrong", status="entered-in-error")) == 75


def test_an_unreadable_score_outside_the_windows_changes_nothing():
    assert percent(*before_and_after(8, 2), score(9, at("09:00:00", 9), "bad", status="preliminary")) == 75


def test_scores_of_two_scales_are_not_compared():
    found = relief(score(8, BEFORE, "b"), score(2, AFTER, "a", code="other"))
    assert (found.least, found.problem) == (None, "no pain scores on one scale before and after it")


@pytest.mark.parametrize(
    ("one", "other"), [({"unit": "mm"}, {"unit": "cm"}), ({"code": "mm"}, {"code": "cm"}), ({"unit": "mm"}, {})]
)
def test_scores_of_two_units_are_not_compared(one, other):
    before = score(80, BEFORE, "b", valueQuantity={"value": 80, **one})
    assert percent(before, score(2, AFTER, "a", valueQuantity={"value": 2, **other})) is None


def test_of_two_scales_the_one_tells_the_least_relief_and_the_other_the_most():
    second = [score(10, BEFORE, "b2", code="other"), score(4, AFTER, "a2", code="other")]
    found = relief(*before_and_after(8, 2), *second)
    assert (found.least, found.most) == (60, 75)


def test_a_second_scale_that_cannot_be_told_leaves_it_open():
    second = [score(0, BEFORE, "b2", code="other"), score(0, AFTER, "a2", code="other")]
    assert percent(*before_and_after(8, 2), *second) is None


def test_a_second_scale_with_a_score_on_one_side_only_changes_nothing():
    assert percent(*before_and_after(8, 2), score(9, AFTER, "a2", code="other")) == 75


@pytest.mark.parametrize("sides", [[score(8, BEFORE)], [score(2, AFTER)], []])
def test_without_scores_on_both_sides_nothing_can_be_told(sides):
    assert percent(*sides) is None


def test_two_different_scores_at_the_same_time_before_it_leave_it_open():
    found = relief(score(8, BEFORE, "b1"), score(10, BEFORE, "b2"), score(2, AFTER, "a"))
    assert (found.least, found.problem) == (None, "two pain scores at the same time before it differ")


def test_two_equal_scores_at_the_same_time_before_it_are_one():
    assert percent(score(8, BEFORE, "b1"), score("8.0", BEFORE, "b2"), score(2, AFTER, "a")) == 75


def test_of_two_scores_at_the_same_time_after_it_the_worse_counts():
    assert percent(score(8, BEFORE, "b"), score(2, AFTER, "a1"), score(4, AFTER, "a2")) == 50


def test_the_order_of_the_chart_does_not_matter():
    given = [score(10, at("08:00:00"), "d"), *before_and_after(8, 2), score(6, at("17:00:00"), "c")]
    assert {percent(*order) for order in permutations(given)} == {Fraction(25)}


def references(found):
    return [each.reference for each in found.evidence]


def test_the_evidence_is_the_procedure_the_baseline_the_worst_and_the_best_score():
    given = [score(6, at("17:00:00"), "worst"), score(4, at("16:00:00"), "between")]
    found = relief(*before_and_after(8, 2), *given)
    assert references(found) == ["Procedure/x", "Observation/before", "Observation/worst", "Observation/after"]


def test_a_score_that_cannot_be_read_is_evidence_too():
    found = relief(*before_and_after(8, 2), score(2, AFTER, "bad", status="preliminary"))
    assert references(found) == ["Procedure/x", "Observation/bad"]


def test_counted_from_its_start_scores_during_a_procedure_come_after_it():
    given = [score(8, BEFORE, "b"), score(4, at("10:30:00"), "during")]
    assert percent(*given, injection=PERIOD, counted_from="start") == 50


@pytest.mark.parametrize(("moment", "expected"), [(at("18:00:00"), Fraction(25)), (at("18:00:01"), Fraction(75))])
def test_counted_from_its_start_the_window_ends_earlier(moment, expected):
    given = [*before_and_after(8, 2), score(6, moment, "late")]
    assert percent(*given, injection=PERIOD, counted_from="start") == expected


def following(*given, days=2):
    return relief(*before_and_after(8, 2), *given, following_days=days).later


def test_no_day_that_follows_is_read_unless_asked_for():
    assert following(score(4, at("09:00:00", 6)), days=0) == ()


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (at("23:59:59"), ()),
        (at("00:00:00", 6), (Fraction(50),)),
        ("2026-01-06", (Fraction(50),)),
        (at("23:59:59", 7), (Fraction(50),)),
        (at("00:00:00", 8), ()),
    ],
)
def test_the_days_that_follow_begin_the_day_after(moment, expected):
    assert following(score(4, moment)) == expected


def test_a_score_of_a_day_that_follows_but_cannot_be_read_is_none():
    assert following(score(4, at("09:00:00", 7), status="preliminary", valueQuantity={"value": 4})) == (None,)


def test_a_score_that_may_be_of_a_day_that_follows_is_none():
    assert following(score(4, None, effectivePeriod={"start": "2026-01-07", "end": "2026-01-08"})) == (None,)


def test_a_score_on_another_scale_tells_nothing_of_the_days_that_follow():
    assert following(score(4, at("09:00:00", 7), code="other")) == ()


def test_a_procedure_that_is_not_done_has_no_relief():
    assert measure(*before_and_after(8, 2), injections=[procedure(status="in-progress")]) == ()


def test_reliefs_come_in_order_of_time_and_undated_ones_last():
    given = [
        procedure(at("14:00:00"), id="a"),
        procedure(None, id="b"),
        procedure(at("10:00:00"), id="c"),
        procedure(at("23:00:00", 4), id="d"),
        procedure("2026-01-05", id="e"),
    ]
    found = measure(injections=given)
    assert [each.procedure.reference[-1] for each in found] == ["d", "c", "a", "e", "b"]


@pytest.mark.parametrize("moment", ["0001-01-02T00:00:00Z", "9999-12-31T20:00:00Z", "9999-12-30T23:59:59Z"])
def test_a_procedure_at_the_edge_of_the_calendar_tells_nothing(moment):
    assert percent(score(8, None, "undated"), injection=procedure(moment), following_days=3) is None


def test_a_number_too_large_to_be_a_score_tells_nothing():
    assert percent(score(8, BEFORE, "b"), score(Decimal("1e999999999"), AFTER, "a")) is None


# --- scores over a time ----------------------------------------------------------------------------------------------


def over(first, last):
    return {"effectiveDateTime": None, "effectivePeriod": {"start": first, "end": last}}


def test_scores_over_minutes_count_by_their_end_before_it_and_their_begin_after_it():
    given = (
        score(8, None, "b", **over(at("09:00:00"), at("09:05:00"))),
        score(2, None, "a", **over(at("12:00:00"), at("12:05:00"))),
    )
    assert percent(*given) == 75


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        (at("10:01:00"), at("10:05:00"), 25),
        (at("09:55:00"), at("10:05:00"), None),
        (at("17:58:00"), at("18:00:00"), 25),
        (at("17:58:00"), at("18:02:00"), None),
        (at("18:00:01"), at("18:05:00"), 75),
        (at("09:55:00", day=4), at("09:59:59", day=4), 75),
        (at("09:55:00", day=4), at("10:05:00", day=4), None),
        (at("09:00:00", day=4), at("12:00:00", day=6), None),
    ],
)
def test_a_score_over_a_time_that_is_only_in_part_in_a_window_leaves_it_open(first, last, expected):
    given = score(6, None, "late", **over(first, last))
    assert percent(*before_and_after(8, 2), given) == expected


# --- body sites ------------------------------------------------------------------------------------------------------


def includes(sites):
    """Back is the treated region, and knee is another one; nothing else is known."""
    words = " ".join(coding.display.casefold() for site in sites for coding in site)
    is_back, is_knee = "back" in words, "knee" in words
    return Truth.YES if not sites or (is_back and not is_knee) else Truth.NO if is_knee > is_back else Truth.UNKNOWN


@pytest.mark.parametrize(
    ("site", "expected"),
    [("Lower back", 25), ("Left", 25), (None, 25), ("Left knee", 75), ("Elsewhere", None)],
)
def test_a_score_counts_if_it_may_be_of_the_treated_region(site, expected):
    late = score(6, at("13:00:00"), "late", bodySite={"text": site} if site else None)
    assert percent(*before_and_after(8, 2), late, includes=includes) == expected


def test_a_score_of_another_region_is_no_baseline_and_no_later_score():
    knee = {"bodySite": {"text": "Knee"}}
    assert percent(score(8, BEFORE, "b", **knee), score(2, AFTER, "a"), includes=includes) is None
    later = score(9, "2026-01-06", "late", **knee)
    assert relief(*before_and_after(8, 2), later, includes=includes, following_days=7).later == ()


def test_without_a_region_the_scores_have_to_be_of_one_site():
    before, after = before_and_after(8, 2)
    knee, back = {"bodySite": {"text": "Knee"}}, {"bodySite": {"text": "Back"}}
    assert percent(before | back, after) == 75
    assert percent(before | back, after | back) == 75
    assert percent(before | back, after | knee) is None


def is_region(concept):
    """Back and knee are parts of the body that are told apart."""
    words = " ".join(coding.display.casefold() for coding in concept)
    return "back" in words or "knee" in words


def called(text):
    return {"code": {**concept("72514-3", LOINC), "text": text}}


@pytest.mark.parametrize(
    ("name", "expected"),
    [("Back pain score", 25), ("Pain score", 25), ("Pain score, right knee", 75), ("Back or knee pain", None)],
)
def test_the_name_of_a_score_may_tell_that_it_is_of_another_region(name, expected):
    late = score(6, at("13:00:00"), "late") | called(name)
    assert percent(*before_and_after(8, 2), late, includes=includes, is_region=is_region) == expected


def test_a_name_that_contradicts_the_body_site_leaves_it_open():
    late = score(6, at("13:00:00"), "late", bodySite={"text": "Back"}) | called("Knee pain")
    assert percent(*before_and_after(8, 2), late, includes=includes, is_region=is_region) is None


def test_a_score_of_another_region_by_its_name_is_no_score_of_the_days_that_follow():
    later = score(1, "2026-01-06", "late") | called("Knee pain")
    found = relief(*before_and_after(8, 2), later, includes=includes, is_region=is_region, following_days=7)
    assert found.later == ()


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [("Knee", "Knee", 75), ("Knee", None, None), (None, "Knee", None), ("Foot", None, 75), (None, None, 75)],
)
def test_without_a_region_a_score_of_a_part_told_apart_is_compared_only_with_its_own(before, after, expected):
    sites = [{"bodySite": {"text": site}} if site else {} for site in (before, after)]
    given = [one | site for one, site in zip(before_and_after(8, 2), sites, strict=True)]
    assert percent(*given, is_region=is_region) == expected


def test_without_a_region_names_that_state_one_part_are_of_one_site():
    before, after = before_and_after(8, 2)
    assert percent(before | called("Knee pain"), after | called("Knee pain"), is_region=is_region) == 75
    assert percent(before, after | called("Knee pain"), is_region=is_region) is None


@pytest.mark.parametrize(("name", "expected"), [("Pain score, left", 25), ("Pain score, right", 75)])
def test_the_name_of_a_score_may_tell_that_it_is_of_the_other_side(name, expected):
    late = score(6, at("13:00:00"), "late") | called(name)
    assert percent(*before_and_after(8, 2), late, injection=procedure(bodySite=[{"text": "Left"}])) == expected


@pytest.mark.parametrize(("side", "expected"), [("Left", 25), ("Right", 75), ("Both sides", 25), (None, 25)])
def test_a_score_of_the_other_side_does_not_count(side, expected):
    injection = procedure(bodySite=[{"text": "Left"}])
    late = score(6, at("13:00:00"), "late", bodySite={"text": side} if side else None)
    assert percent(*before_and_after(8, 2), late, injection=injection, includes=includes) == expected


def test_a_score_with_contradicting_sides_makes_the_relief_unknown():
    site = {"coding": [{"system": SNOMED, "code": "24028007"}], "text": "Left"}
    late = score(6, at("13:00:00"), "late", bodySite=site)
    assert percent(*before_and_after(8, 2), late, injection=procedure(bodySite=[{"text": "Left"}])) is None
