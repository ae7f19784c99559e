"""`pain_relief`: how much, how often, and what scores must be there."""

from datetime import date
from typing import Any

import pytest

from coverage_policies.format.operator import ClauseResult
from coverage_policies.format.searches import PROCEDURES, observation_search
from coverage_policies.format.terms import Reason
from coverage_policies.format.value_sets import ValueSet
from fhir_mappings.fhir_json import Resource
from fhir_mappings.truth import Truth
from tests.support.policy_fakes import (
    NOT_OFFERED,
    SETS,
    UNAVAILABLE,
    available,
    clause,
    concept,
    order,
    procedure,
    run,
    score,
)

AT_LEAST_75 = clause("pain_relief", after="trial", relief="at least 75 %")
TWICE = clause("pain_relief", after="trial", relief="at least 75 %", occasions="2")
SHOWN = clause("pain_relief", after="trial")


def injection(day: str, before: str, after: str, hour: int = 10, name: str = "") -> list[Resource]:
    """A procedure at `hour` o'clock with a score an hour before it and one an hour after it."""
    moment = f"{day}T{hour:02}:00:00Z"
    return [
        procedure("trial", moment, id=f"p{name or day}"),
        score(before, f"{day}T{hour - 1:02}:00:00Z", id=f"b{name or day}"),
        score(after, f"{day}T{hour + 1:02}:00:00Z", id=f"a{name or day}"),
    ]


def named(found: ClauseResult) -> list[str]:
    return sorted({item.reference for item in found.evidence})


def test_it_needs_procedures_and_the_scores_by_their_code() -> None:
    codes = ["http://loinc.org|72514-3", "http://loinc.org|85353-1"]
    assert AT_LEAST_75.searches == (PROCEDURES, observation_search(codes))


def test_another_scale_may_be_named() -> None:
    other = clause("pain_relief", after="trial", relief="at least 75 %", scale="other-scale")
    codes = ["http://loinc.org|38208-5", "http://loinc.org|85353-1"]
    assert other.searches == (PROCEDURES, observation_search(codes))
    assert run(other, *injection("2026-02-01", "8", "2")).holds is Truth.UNKNOWN


@pytest.mark.parametrize(
    ("before", "after", "holds", "reason"),
    [
        ("8", "2", Truth.YES, Reason.PRESENT),
        ("10", "2.4", Truth.YES, Reason.PRESENT),
        ("10", "2.5", Truth.YES, Reason.PRESENT),
        ("10", "2.51", Truth.UNKNOWN, Reason.VALUE_OUT_OF_RANGE),
        ("7", "2", Truth.UNKNOWN, Reason.VALUE_OUT_OF_RANGE),
        ("4", "5", Truth.UNKNOWN, Reason.VALUE_OUT_OF_RANGE),
        ("8", "0", Truth.YES, Reason.PRESENT),
        ("0", "0", Truth.UNKNOWN, Reason.MISSING),
    ],
)
def test_the_relief_is_held_against_the_threshold_exactly(
    before: str, after: str, holds: Truth, reason: Reason
) -> None:
    found = run(AT_LEAST_75, *injection("2026-02-01", before, after))
    assert (found.holds, found.reason) == (holds, reason)


def test_the_relief_is_printed_with_the_procedure_and_the_scores_are_evidence() -> None:
    found = run(AT_LEAST_75, *injection("2026-02-01", "8", "2"))
    assert [(item.reference, item.value) for item in found.evidence] == [
        ("Procedure/p2026-02-01", "8 → 2, 75% relief"),
        ("Observation/b2026-02-01", "8"),
        ("Observation/a2026-02-01", "2"),
    ]


def test_why_a_relief_cannot_be_told_is_printed_with_the_procedure() -> None:
    (evidence,) = run(AT_LEAST_75, procedure("trial", "2026-02-01")).evidence
    assert evidence.value == "the time of day of the procedure is not recorded"


@pytest.mark.parametrize(
    ("phrase", "before", "after", "holds"),
    [
        ("at most 0 %", "4", "4", Truth.YES),
        ("at most 0 %", "4", "5", Truth.YES),
        ("at most 0 %", "4", "3.99", Truth.UNKNOWN),
        ("under 50 %", "4", "2", Truth.UNKNOWN),
        ("under 50 %", "4", "2.01", Truth.YES),
        ("over 50 %", "4", "2", Truth.UNKNOWN),
        ("over 50 %", "4", "1.99", Truth.YES),
    ],
)
def test_every_comparison_holds_on_its_side(phrase: str, before: str, after: str, holds: Truth) -> None:
    assert (
        run(clause("pain_relief", after="trial", relief=phrase), *injection("2026-02-01", before, after)).holds is holds
    )


# --- occasions -------------------------------------------------------------------------------------------------------

GOOD = injection("2026-01-05", "8", "2")
GOOD_TOO = injection("2026-02-02", "9", "1")
BAD = injection("2026-01-19", "8", "7")


@pytest.mark.parametrize(
    ("resources", "holds", "reason"),
    [
        ([*GOOD, *GOOD_TOO], Truth.YES, Reason.PRESENT),
        ([*GOOD, *BAD, *GOOD_TOO], Truth.YES, Reason.PRESENT),
        (GOOD, Truth.UNKNOWN, Reason.MISSING),
        ([*GOOD, *BAD], Truth.UNKNOWN, Reason.VALUE_OUT_OF_RANGE),
        ([*GOOD, procedure("trial", "2026-02-02T10:00:00Z")], Truth.UNKNOWN, Reason.MISSING),
        ([*GOOD, *injection("2026-01-05", "8", "2", hour=20, name="two")], Truth.UNKNOWN, Reason.MISSING),
    ],
)
def test_two_occasions_are_two_days_that_pass(resources: list[Resource], holds: Truth, reason: Reason) -> None:
    found = run(TWICE, *resources)
    assert (found.holds, found.reason) == (holds, reason)


def test_a_day_on_which_one_of_two_fails_does_not_pass() -> None:
    both = [*injection("2026-01-05", "8", "2", hour=6), *injection("2026-01-05", "8", "7", hour=20, name="two")]
    found = run(AT_LEAST_75, *both)
    assert (found.holds, found.reason) == (Truth.UNKNOWN, Reason.VALUE_OUT_OF_RANGE)


def test_a_day_on_which_one_of_two_was_not_measured_does_not_pass() -> None:
    found = run(AT_LEAST_75, *GOOD, procedure("trial", "2026-01-05T22:00:00Z", id="two"))
    assert (found.holds, found.reason) == (Truth.UNKNOWN, Reason.MISSING)


def test_one_occasion_is_enough_where_none_is_named() -> None:
    assert run(AT_LEAST_75, *GOOD).holds is Truth.YES


# --- windows ---------------------------------------------------------------------------------------------------------


def measured(before: str, after: str) -> list[Resource]:
    return [
        procedure("trial", "2026-02-01T12:00:00Z", id="p"),
        score("8", before, id="b"),
        score("2", after, id="a"),
    ]


@pytest.mark.parametrize(
    ("before", "after", "holds"),
    [
        ("2026-01-31T12:00:00Z", "2026-02-01T13:00:00Z", Truth.YES),
        ("2026-01-31T11:59:59Z", "2026-02-01T13:00:00Z", Truth.UNKNOWN),
        ("2026-02-01T11:00:00Z", "2026-02-01T20:00:00Z", Truth.YES),
        ("2026-02-01T11:00:00Z", "2026-02-01T20:00:01Z", Truth.UNKNOWN),
    ],
)
def test_scores_count_from_a_day_before_to_eight_hours_after(before: str, after: str, holds: Truth) -> None:
    assert run(AT_LEAST_75, *measured(before, after)).holds is holds


def test_the_windows_may_be_named() -> None:
    wide = clause("pain_relief", after="trial", relief="at least 75 %", before="48 hours", measured_within="48 hours")
    scores = measured("2026-01-30T12:00:00Z", "2026-02-03T12:00:00Z")
    assert (run(wide, *scores).holds, run(AT_LEAST_75, *scores).holds) == (Truth.YES, Truth.UNKNOWN)


def test_the_worst_score_after_it_counts() -> None:
    assert run(AT_LEAST_75, *GOOD, score("3", "2026-01-05T15:00:00Z")).holds is Truth.UNKNOWN


# --- which procedures, which data ------------------------------------------------------------------------------------


def test_a_procedure_after_the_anchor_date_is_none() -> None:
    found = run(AT_LEAST_75, *injection("2026-03-03", "8", "2"))
    assert (found.holds, found.reason) == (Truth.NO, Reason.NOT_FOUND)


def test_a_procedure_on_the_anchor_date_counts() -> None:
    assert run(AT_LEAST_75, *injection("2026-03-02", "8", "2")).holds is Truth.YES


def test_a_procedure_that_was_not_completed_shows_no_relief() -> None:
    resources = injection("2026-02-01", "8", "2")
    stopped = dict(resources[0]) | {"status": "stopped"}
    found = run(AT_LEAST_75, stopped, *resources[1:])
    assert (found.holds, named(found)) == (Truth.UNKNOWN, ["Procedure/p2026-02-01"])


@pytest.mark.parametrize("kind", ["Procedure", "Observation"])
@pytest.mark.parametrize("how", [UNAVAILABLE, NOT_OFFERED])
def test_what_was_not_read_might_show_less_relief(kind: str, how: Any) -> None:
    partial: dict[str, Any] = {kind: how}
    found = run(AT_LEAST_75, *GOOD, availability=available(**partial))
    assert (found.holds, found.reason, len(found.evidence)) == (Truth.UNKNOWN, Reason.DATA_UNAVAILABLE, 3)


def test_without_a_threshold_a_procedure_is_shown_with_its_relief() -> None:
    found = run(SHOWN, *GOOD, *BAD, availability=available(Observation=UNAVAILABLE))
    assert (found.holds, found.reason, len(found.evidence)) == (Truth.YES, Reason.PRESENT, 6)


def test_without_a_threshold_a_procedure_that_is_unclear_cannot_tell() -> None:
    found = run(SHOWN, procedure("trial", "2026-02-01", "stopped"))
    assert (found.holds, found.reason, len(found.evidence)) == (Truth.UNKNOWN, Reason.INVALID_ATTRIBUTE, 1)


# --- the least and the most ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("phrase", "holds"),
    [
        ("at least 50 %", Truth.UNKNOWN),
        ("at least 25 %", Truth.YES),
        ("under 75 %", Truth.UNKNOWN),
        ("under 88 %", Truth.YES),
        ("at most 0 %", Truth.UNKNOWN),
    ],
)
def test_both_the_least_and_the_most_relief_must_be_as_asked(phrase: str, holds: Truth) -> None:
    waned = [*injection("2026-02-01", "8", "1"), score("6", "2026-02-01T17:00:00Z", id="late")]
    found = run(clause("pain_relief", after="trial", relief=phrase), *waned)
    assert found.holds is holds
    assert found.evidence[0].value == "8 → 1 to 6, 25 to 87.5% relief"
    assert named(found) == [
        "Observation/a2026-02-01",
        "Observation/b2026-02-01",
        "Observation/late",
        *named(found)[-1:],
    ]


def test_on_several_scales_the_worst_and_the_best_count() -> None:
    two_scales = {**SETS, "scales": ValueSet("scales", [*SETS["pain-severity-0-10"].rows, *SETS["other-scale"].rows])}
    facts = [
        *injection("2026-02-01", "8", "2"),
        score("8", "2026-02-01T09:00:00Z", code="38208-5"),
        score("4", "2026-02-01T11:00:00Z", code="38208-5"),
    ]
    for relief, holds in (
        ("at least 75 %", Truth.UNKNOWN),
        ("at least 50 %", Truth.YES),
        ("under 76 %", Truth.YES),
    ):
        assert (
            run(clause("pain_relief", two_scales, after="trial", relief=relief, scale="scales"), *facts).holds is holds
        )


# --- apart -----------------------------------------------------------------------------------------------------------

APART = clause("pain_relief", after="trial", relief="at least 75 %", occasions="2", apart="at least 2 weeks")


@pytest.mark.parametrize(
    ("resources", "holds", "reason"),
    [
        ([*injection("2026-01-05", "8", "2"), *injection("2026-01-19", "8", "2")], Truth.YES, Reason.PRESENT),
        (
            [*injection("2026-01-05", "8", "2"), *injection("2026-01-18", "8", "2")],
            Truth.UNKNOWN,
            Reason.DATE_OUT_OF_RANGE,
        ),
        (
            [
                *injection("2026-01-05", "8", "2"),
                *injection("2026-01-12", "8", "2"),
                *injection("2026-01-20", "8", "2"),
            ],
            Truth.YES,
            Reason.PRESENT,
        ),
        (
            [*injection("2026-01-05", "8", "2"), *injection("2026-01-19", "8", "7")],
            Truth.UNKNOWN,
            Reason.VALUE_OUT_OF_RANGE,
        ),
    ],
)
def test_occasions_lie_apart(resources: list[Resource], holds: Truth, reason: Reason) -> None:
    found = run(APART, *resources)
    assert (found.holds, found.reason) == (holds, reason)


# --- which -----------------------------------------------------------------------------------------------------------

THREE = [
    *injection("2026-01-05", "8", "2"),
    *injection("2026-01-19", "8", "7"),
    *injection("2026-02-02", "8", "1"),
]


@pytest.mark.parametrize(
    ("occasion", "relief", "holds"),
    [
        ("first", "at least 75 %", Truth.YES),
        ("first", "under 75 %", Truth.NO),
        ("second", "at least 75 %", Truth.NO),
        ("second", "under 75 %", Truth.YES),
        ("last", "at least 75 %", Truth.YES),
        ("last", "under 75 %", Truth.NO),
    ],
)
def test_one_day_alone_is_asked_about(occasion: str, relief: str, holds: Truth) -> None:
    found = run(clause("pain_relief", after="trial", occasion=occasion, relief=relief), *THREE)
    assert (found.holds, found.reason, len(found.evidence)) == (holds, Reason.VALUE_OUT_OF_RANGE, 3)
    assert (
        found.headline
        == {
            "first": "Label of trial on 2026-01-05: 75% relief",
            "second": "Label of trial on 2026-01-19: 12.5% relief",
            "last": "Label of trial on 2026-02-02: 87.5% relief",
        }[occasion]
    )


def which(place: str, *resources: Resource, **more: Any) -> ClauseResult:
    return run(clause("pain_relief", after="trial", occasion=place, relief="at least 75 %", **more), *resources)


def test_there_is_no_second_of_one() -> None:
    found = which("second", *GOOD)
    assert (found.holds, found.reason) == (Truth.NO, Reason.NOT_FOUND)


@pytest.mark.parametrize(
    ("day", "undecided"),
    [
        ("2025-12-01T10:00:00Z", {"first", "second"}),
        ("2026-01-10T10:00:00Z", {"second"}),
        ("2026-02-20T10:00:00Z", {"last"}),
        ("2026-02", {"last"}),
        ("2026-01", {"first", "second"}),
        (None, {"first", "second", "last"}),
    ],
)
def test_one_that_may_not_count_matters_only_where_it_could_take_the_place(
    day: str | None, undecided: set[str]
) -> None:
    three = [*GOOD, *injection("2026-01-19", "8", "2"), *GOOD_TOO]
    unsure = procedure("trial", day, "unknown", id="unsure")
    found = {place: which(place, *three, unsure) for place in ("first", "second", "last")}
    assert {place for place in found if found[place].holds is Truth.UNKNOWN} == undecided
    assert all(found[place].reason is Reason.INVALID_ATTRIBUTE for place in undecided)


def test_a_second_that_may_not_count_is_not_none() -> None:
    assert which("second", *GOOD, procedure("trial", "2026-02-20", "unknown")).holds is Truth.UNKNOWN


def test_a_day_that_is_not_known_leaves_the_order_open() -> None:
    for day in ("2026-02", None):
        assert which("first", *GOOD, procedure("trial", day)).holds is Truth.UNKNOWN


def test_a_day_without_scores_cannot_tell() -> None:
    found = which("last", *GOOD, procedure("trial", "2026-02-20T10:00:00Z"))
    assert (found.holds, found.reason) == (Truth.UNKNOWN, Reason.MISSING)


LEFT, RIGHT = [concept("7771000")], [concept("24028007")]


def on_side(resources: list[Resource], site: Any) -> list[Resource]:
    return [{**resources[0], "bodySite": site}, *resources[1:]]


def test_the_first_of_the_side_of_the_order() -> None:
    left_order = order(bodySite=LEFT)
    failed_right = on_side(injection("2026-01-05", "8", "7"), RIGHT)
    good_left = on_side(injection("2026-02-02", "8", "1"), LEFT)
    test = clause("pain_relief", after="trial", occasion="first", relief="at least 75 %", side="same or not stated")
    assert run(test, *failed_right, *good_left, of=left_order).holds is Truth.YES
    assert run(test, *failed_right, *GOOD_TOO, of=left_order).holds is Truth.UNKNOWN
    assert run(test, *GOOD_TOO, of=left_order).holds is Truth.YES


def test_the_first_for_a_purpose() -> None:
    diagnostic, therapeutic = ([{"text": f"{word} block"}] for word in ("Diagnostic", "Therapeutic"))
    first = [{**GOOD[0], "reasonCode": therapeutic}, *GOOD[1:]]
    second = [{**BAD[0], "reasonCode": diagnostic}, *BAD[1:]]
    assert which("first", *first, *second, purpose="diagnostic").holds is Truth.NO
    assert which("first", *GOOD, *second, purpose="diagnostic").holds is Truth.UNKNOWN
    assert which("first", *GOOD, *second, purpose="diagnostic or not stated").holds is Truth.YES


def test_what_is_on_the_other_side_is_no_occasion_and_not_shown() -> None:
    right = on_side(injection("2026-02-02", "8", "1"), RIGHT)
    twice = clause("pain_relief", after="trial", relief="at least 75 %", occasions="2", side="same or not stated")
    found = run(twice, *on_side(GOOD, LEFT), *right, of=order(bodySite=LEFT))
    assert (found.holds, len(found.evidence)) == (Truth.UNKNOWN, 3)
    shown = clause("pain_relief", after="trial", side="same")
    assert run(shown, *right, of=order(bodySite=LEFT)).holds is Truth.NO
    assert run(shown, *GOOD, of=order(bodySite=LEFT)).holds is Truth.UNKNOWN


# --- the days that follow --------------------------------------------------------------------------------------------

LASTED = clause("pain_relief", after="trial", relief="at least 75 %", sustained="3 following days")


@pytest.mark.parametrize(
    ("later", "holds", "reason"),
    [
        ([("2", "2026-01-06")], Truth.YES, Reason.PRESENT),
        ([("2", "2026-01-08T23:00:00Z")], Truth.YES, Reason.PRESENT),
        ([("2.01", "2026-01-06")], Truth.UNKNOWN, Reason.VALUE_OUT_OF_RANGE),
        ([("2", "2026-01-06"), ("5", "2026-01-08")], Truth.UNKNOWN, Reason.VALUE_OUT_OF_RANGE),
        ([("2", "2026-01-06"), ("5", "2026-01-09")], Truth.YES, Reason.PRESENT),
        ([("2", "2026-01-09")], Truth.UNKNOWN, Reason.MISSING),
        ([("2", "2026-01-06"), ("2", "2026-02")], Truth.YES, Reason.PRESENT),
        ([("2", "2026-01-06"), ("2", "2026-01")], Truth.UNKNOWN, Reason.MISSING),
        ([], Truth.UNKNOWN, Reason.MISSING),
    ],
)
def test_the_relief_lasts_over_the_days_that_follow(later: list[tuple[str, str]], holds: Truth, reason: Reason) -> None:
    found = run(LASTED, *GOOD, *(score(value, day) for value, day in later))
    assert (found.holds, found.reason) == (holds, reason)


def test_a_score_of_a_following_day_that_is_not_final_leaves_it_open() -> None:
    found = run(LASTED, *GOOD, score("2", "2026-01-06"), score("2", "2026-01-07", status="preliminary"))
    assert found.holds is Truth.UNKNOWN


def test_a_score_of_another_scale_says_nothing_of_the_days_that_follow() -> None:
    assert run(LASTED, *GOOD, score("2", "2026-01-06", code="38208-5")).holds is Truth.UNKNOWN


# --- counted from ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("at", "from_start", "from_end"),
    [
        ("2026-02-02T20:00:00Z", Truth.YES, Truth.UNKNOWN),
        ("2026-02-04T10:00:00Z", Truth.YES, Truth.UNKNOWN),
        ("2026-02-04T10:00:01Z", Truth.UNKNOWN, Truth.UNKNOWN),
        ("2026-02-05T11:00:00Z", Truth.UNKNOWN, Truth.YES),
    ],
)
def test_the_scores_of_a_trial_count_from_its_start(at: str, from_start: Truth, from_end: Truth) -> None:
    days = {"start": "2026-02-02T10:00:00Z", "end": "2026-02-05T10:00:00Z"}
    facts = [
        procedure("trial", None, performedPeriod=days, id="p"),
        score("8", "2026-02-02T09:00:00Z", id="b"),
        score("2", at, id="a"),
    ]
    arguments = {"after": "trial", "relief": "at least 75 %", "measured_within": "48 hours"}
    assert run(clause("pain_relief", from_="start", **arguments), *facts).holds is from_start
    assert run(clause("pain_relief", from_="end", **arguments), *facts).holds is from_end
    assert run(clause("pain_relief", **arguments), *facts).holds is from_end


def test_a_trial_without_an_end_counts_from_its_start_alone() -> None:
    days = {"start": "2026-02-02T10:00:00Z"}
    facts = [
        procedure("trial", None, performedPeriod=days, id="p"),
        score("8", "2026-02-02T09:00:00Z", id="b"),
        score("2", "2026-02-02T12:00:00Z", id="a"),
    ]
    assert run(clause("pain_relief", after="trial", relief="at least 75 %", from_="start"), *facts).holds is Truth.YES


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"occasion": "first", "occasions": "2", "relief": "at least 75 %"}, "`occasion` asks about one day"),
        ({"apart": "at least 2 weeks", "relief": "at least 75 %"}, "it needs `occasions: 2` or more"),
        ({"apart": "at least 2 weeks", "occasions": "1", "relief": "at least 75 %"}, "it needs `occasions: 2`"),
        ({"apart": "under 2 weeks", "occasions": "2", "relief": "at least 75 %"}, "write it like 'at least 2 weeks'"),
        ({"occasion": "first"}, "`occasion`, `sustained`, and `longest_pause` need a `relief`"),
        ({"sustained": "3 following days"}, "`occasion`, `sustained`, and `longest_pause` need a `relief`"),
        ({"longest_pause": "12 months"}, "`occasion`, `sustained`, and `longest_pause` need a `relief`"),
        ({"sustained": "0 following days", "relief": "at least 75 %"}, "write it like '7 following days'"),
    ],
)
def test_what_asks_for_nothing_or_for_two_things_is_refused(arguments: dict[str, str], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        clause("pain_relief", after="trial", **arguments)


# --- records of the same procedure -----------------------------------------------------------------------------------

BILL = procedure("trial", "2026-01-05", id="bill")


@pytest.mark.parametrize(
    ("more", "holds"),
    [
        ({}, Truth.YES),
        ({"bodySite": LEFT}, Truth.YES),
        ({"performedDateTime": "2026-01-05T00:00:00-05:00"}, Truth.YES),
        ({"performedDateTime": None, "performedPeriod": {"start": "2026-01-05", "end": "2026-01-05"}}, Truth.YES),
        ({"performedDateTime": "2026-01-05T22:00:00Z"}, Truth.UNKNOWN),
        ({"bodySite": RIGHT}, Truth.UNKNOWN),
    ],
)
def test_a_record_without_a_time_of_day_that_may_be_the_same_procedure_undoes_nothing(
    more: dict[str, Any], holds: Truth
) -> None:
    bill = {name: value for name, value in {**BILL, **more}.items() if value is not None}
    assert run(AT_LEAST_75, *on_side(GOOD, LEFT), bill).holds is holds


def test_a_record_without_a_time_of_day_on_the_last_day_is_not_a_later_one() -> None:
    assert which("last", *GOOD, BILL).holds is Truth.YES


def test_records_without_a_time_of_day_alone_tell_nothing() -> None:
    found = run(AT_LEAST_75, BILL, BILL | {"id": "bill-2"})
    assert (found.holds, found.reason) == (Truth.UNKNOWN, Reason.MISSING)


def test_what_a_record_without_a_time_of_day_repeats_is_still_one_occasion() -> None:
    assert run(TWICE, *GOOD, BILL).holds is Truth.UNKNOWN


def test_it_does_not_hide_that_the_measured_one_failed() -> None:
    bill = procedure("trial", "2026-01-19", id="bill")
    assert (
        run(clause("pain_relief", after="trial", relief="under 75 %", occasion="last"), *BAD, bill).holds is Truth.YES
    )


# --- where and when --------------------------------------------------------------------------------------------------

OF_THE_BACK = clause("pain_relief", after="trial", relief="at least 75 %", region="back")


@pytest.mark.parametrize(
    ("site", "holds"),
    [
        (None, Truth.UNKNOWN),
        (concept("back"), Truth.UNKNOWN),
        (concept("knee"), Truth.YES),
        (concept("back-and-knee"), Truth.YES),
        (concept("elsewhere"), Truth.UNKNOWN),
    ],
)
def test_a_later_score_of_another_region_does_not_count(site: Any, holds: Truth) -> None:
    late = score("7", "2026-01-05T12:00:00Z", bodySite=site)
    assert run(OF_THE_BACK, *GOOD, late).holds is holds


@pytest.mark.parametrize(("code", "holds"), [("knee", Truth.YES), ("elsewhere", Truth.UNKNOWN)])
def test_a_code_of_another_region_in_the_name_of_a_later_score_keeps_it_out(code: str, holds: Truth) -> None:
    late = score("7", "2026-01-05T12:00:00Z")
    late["code"]["coding"] += concept(code)["coding"]
    assert run(OF_THE_BACK, *GOOD, late).holds is holds


@pytest.mark.parametrize(("site", "holds"), [("knee", Truth.UNKNOWN), ("elsewhere", Truth.YES)])
def test_without_a_region_a_score_of_another_one_is_not_compared_with_one_of_no_site(site: str, holds: Truth) -> None:
    assert run(AT_LEAST_75, *GOOD[:2], {**GOOD[2], "bodySite": concept(site)}).holds is holds


def test_another_region_may_be_named() -> None:
    late = score("7", "2026-01-05T12:00:00Z", bodySite=concept("delta"))
    wide = clause("pain_relief", after="trial", relief="at least 75 %", region="back", other_region="delta")
    assert (run(wide, *GOOD, late).holds, run(OF_THE_BACK, *GOOD, late).holds) == (Truth.YES, Truth.UNKNOWN)


@pytest.mark.parametrize(("day", "holds"), [("2025-03-02", Truth.YES), ("2025-03-01", Truth.NO)])
def test_only_the_course_of_treatment_at_hand_counts(day: str, holds: Truth) -> None:
    found = run(AT_LEAST_75, *injection(day, "8", "2"))
    assert (found.holds, len(found.evidence)) == (holds, 3 if holds is Truth.YES else 1)


def test_the_longest_pause_may_be_named() -> None:
    wide = clause("pain_relief", after="trial", relief="at least 75 %", longest_pause="5 years")
    assert run(wide, *injection("2021-03-02", "8", "2")).holds is Truth.YES


def test_the_first_of_an_earlier_course_is_not_the_first_of_this_one() -> None:
    assert which("first", *injection("2012-01-05", "8", "7"), *GOOD).holds is Truth.YES


def test_a_shown_procedure_may_be_of_any_time() -> None:
    assert run(SHOWN, *injection("2012-01-05", "8", "2")).holds is Truth.YES


def test_both_sides_need_enough_occasions_each() -> None:
    both = [*on_side(GOOD, LEFT), *on_side(GOOD_TOO, RIGHT)]
    test = clause("pain_relief", after="trial", relief="at least 75 %", side="same")
    assert run(test, *both, of=order(bodySite=[concept("51440002")])).holds is Truth.YES
    assert run(test, *both[:3], of=order(bodySite=[concept("51440002")])).holds is Truth.UNKNOWN


def test_a_procedure_of_a_day_to_come_proves_nothing() -> None:
    ahead = injection("2026-03-10", "8", "2")
    test = clause("pain_relief", after="trial", relief="at least 75 %", occasion="last")
    assert run(test, *GOOD, *ahead, anchor=date(2026, 3, 16)).holds is Truth.UNKNOWN


NO_OTHER_USE = clause(
    "pain_relief", after="trial", relief="at least 75 %", not_for=["alpha"], not_purpose=["obstetric"]
)


def trial_for(**more: Any) -> list[Resource]:
    done, *scores = injection("2026-02-01", "8", "2")
    return [done | more, *scores]


@pytest.mark.parametrize(
    ("said", "holds", "reason"),
    [
        ({}, Truth.YES, Reason.PRESENT),
        ({"reasonCode": [concept("beta")]}, Truth.YES, Reason.PRESENT),
        ({"reasonCode": [{"text": "Chronic pain"}]}, Truth.YES, Reason.PRESENT),
        ({"reasonCode": [concept("alpha")]}, Truth.NO, Reason.NOT_FOUND),
        ({"reasonCode": [concept("beta"), concept("alpha")]}, Truth.NO, Reason.NOT_FOUND),
        ({"reasonCode": [concept("alpha-asks")]}, Truth.UNKNOWN, Reason.MISSING),
        ({"reasonCode": [{"text": "Labor analgesia"}]}, Truth.NO, Reason.NOT_FOUND),
        ({"reasonCode": [{"text": "Not for labor"}]}, Truth.UNKNOWN, Reason.MISSING),
        ({"code": concept("trial") | {"text": "Labor epidural catheter"}}, Truth.NO, Reason.NOT_FOUND),
    ],
)
def test_a_procedure_for_another_use_does_not_count(said: dict[str, Any], holds: Truth, reason: Reason) -> None:
    found = run(NO_OTHER_USE, *trial_for(**said))
    assert (found.holds, found.reason) == (holds, reason)


def test_a_procedure_for_another_use_is_not_the_last_one() -> None:
    last = clause("pain_relief", after="trial", relief="at least 75 %", occasion="last", not_for="alpha")
    earlier, later = injection("2026-01-05", "8", "1"), injection("2026-02-01", "8", "7")
    assert run(last, *earlier, *later).holds is Truth.NO
    later[0]["reasonCode"] = [concept("alpha")]
    assert run(last, *earlier, *later).holds is Truth.YES
    later[0]["reasonCode"] = [concept("alpha-asks")]
    assert run(last, *earlier, *later).holds is Truth.UNKNOWN


def test_a_purpose_that_orders_do_not_have_is_refused() -> None:
    with pytest.raises(ValueError, match="not_purpose has no value 'obstetrics'"):
        clause("pain_relief", after="trial", not_purpose="obstetrics")
