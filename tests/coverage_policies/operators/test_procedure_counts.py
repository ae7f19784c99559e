"""`procedure` with `count`, `apart`, `first` and `last`, on a side and for a purpose."""

from typing import Any

import pytest

from coverage_policies.format.operator import ClauseResult
from coverage_policies.format.searches import PROCEDURES
from coverage_policies.format.terms import Reason
from coverage_policies.format.value_sets import ValueSet
from fhir_mappings.fhir_json import Resource
from fhir_mappings.orders import Order
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
    row,
    run,
)

YES, NO, OPEN = Truth.YES, Truth.NO, Truth.UNKNOWN
CUT_SHORT = available(Procedure=UNAVAILABLE)
SIDES = {"left": "7771000", "right": "24028007", "bilateral": "51440002"}


def done(day: str | None, side: str = "", purpose: str = "", status: str = "completed", name: str = "") -> Resource:
    more: dict[str, Any] = {}
    if side:
        more["bodySite"] = [concept(SIDES[side])]
    if purpose:
        more["reasonCode"] = [{"text": f"{purpose} injection"}]
    return procedure("alpha", day, status, id=name or f"{day}{side}{purpose}{status}", **more)


def on(side: str) -> Order:
    return order(bodySite=[concept(SIDES[side])]) if side else order()


def asked(*resources: Resource, of: Order | None = None, cut_short: bool = False, **arguments: str) -> Truth:
    return finding(*resources, of=of, cut_short=cut_short, **arguments).holds


def finding(*resources: Resource, of: Order | None = None, cut_short: bool = False, **arguments: str) -> ClauseResult:
    more: dict[str, Any] = {"availability": CUT_SHORT} if cut_short else {}
    return run(clause("procedure", in_="alpha", **arguments), *resources, of=of, **more)


def test_all_of_it_needs_the_procedures() -> None:
    for arguments in ({"count": "at least 4"}, {"first": "at least 2 weeks ago"}, {"last": "under 2 months ago"}):
        assert clause("procedure", in_="alpha", **arguments).searches == (PROCEDURES,)


# --- how often -------------------------------------------------------------------------------------------------------

FOUR = ("2025-05-01", "2025-08-01", "2025-11-01", "2026-02-01")


@pytest.mark.parametrize(
    ("days", "count", "holds"),
    [
        (FOUR, "at least 4", YES),
        (FOUR[1:], "at least 4", NO),
        (FOUR, "over 3", YES),
        (FOUR[1:], "over 3", NO),
        (FOUR[:2], "exactly 2", YES),
        (FOUR[:3], "exactly 2", NO),
        (FOUR[:1], "exactly 2", NO),
        ((*FOUR[1:], "2025-03-02"), "at least 4", YES),
        ((*FOUR[1:], "2025-03-01"), "at least 4", NO),
        ((*FOUR[1:], "2026-03-02"), "at least 4", YES),
        ((*FOUR[1:], "2026-03-03"), "at least 4", NO),
        ((*FOUR[1:], "2025-03"), "at least 4", OPEN),
        ((*FOUR[1:], None), "at least 4", OPEN),
        (("2025-05", "2025-08", "2025-11", "2026-02"), "at least 4", YES),
        ((*FOUR[1:], "2025-08"), "at least 4", OPEN),
    ],
)
def test_days_within_the_time_are_counted(days: tuple[str | None, ...], count: str, holds: Truth) -> None:
    found = finding(*(done(day, name=f"p{i}") for i, day in enumerate(days)), count=count, within="12 months")
    assert (found.holds, found.reason) == (holds, Reason.COUNT_OUT_OF_RANGE)


def test_two_records_of_one_day_are_one() -> None:
    twice = [done(day, name=f"{day}-{i}") for day in FOUR[1:] for i in range(2)]
    assert asked(*twice, count="at least 4", within="12 months") is NO


def test_without_a_time_all_that_was_done_by_the_day_counts() -> None:
    assert asked(done("2001-01-01"), done("2026-03-02"), count="at least 2") is YES
    assert asked(done("2001-01-01"), done("2026-03-03"), count="at least 2") is NO


@pytest.mark.parametrize("status", ["in-progress", "stopped", "unknown"])
def test_what_may_not_have_been_done_is_neither_counted_nor_ruled_out(status: str) -> None:
    assert asked(*map(done, FOUR[1:]), done(FOUR[0], status=status), count="at least 4") is OPEN
    assert asked(*map(done, FOUR), done("2025-06-01", status=status), count="at least 4") is YES


def test_a_list_cut_short_proves_many_and_never_few() -> None:
    assert asked(*map(done, FOUR), count="at least 4", cut_short=True) is YES
    few = finding(*map(done, FOUR[1:]), count="at least 4", cut_short=True)
    assert (few.holds, few.reason) == (OPEN, Reason.DATA_UNAVAILABLE)
    assert asked(*map(done, FOUR[:2]), count="exactly 2", cut_short=True) is OPEN
    assert asked(*map(done, FOUR[:3]), count="exactly 2", cut_short=True) is NO


def test_a_server_without_procedures_tells_no_number() -> None:
    test = clause("procedure", in_="alpha", count="at least 4")
    assert run(test, done(FOUR[0]), availability=available(Procedure=NOT_OFFERED)).holds is OPEN


# --- a limit ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "at_most", "under", "exactly"), [(2, YES, YES, NO), (3, YES, NO, YES), (4, NO, NO, NO)]
)
def test_a_limit_holds_up_to_its_number_of_days(number: int, at_most: Truth, under: Truth, exactly: Truth) -> None:
    facts = [done(day) for day in FOUR[:number]]
    assert finding(*facts, count="at most 3").reason is Reason.COUNT_OUT_OF_RANGE
    found = [asked(*facts, count=count, within="12 months") for count in ("at most 3", "under 3", "exactly 3")]
    assert found == [at_most, under, exactly]


@pytest.mark.parametrize("day", [None, "2025-11", "2025-03"])
def test_one_that_may_be_of_the_time_keeps_a_limit_open(day: str | None) -> None:
    facts = [*map(done, FOUR[1:]), done(day, name="vague")]
    assert asked(*facts, count="at most 3", within="12 months") is OPEN
    assert asked(*facts, count="at most 4", within="12 months") is YES


@pytest.mark.parametrize("status", ["in-progress", "stopped", "unknown"])
def test_one_that_may_not_have_been_done_keeps_a_limit_open(status: str) -> None:
    facts = [*map(done, FOUR[1:]), done("2025-06-01", status=status)]
    assert asked(*facts, count="at most 3") is OPEN


def test_a_list_cut_short_breaks_a_limit_and_never_keeps_it() -> None:
    assert asked(*map(done, FOUR), count="at most 3", cut_short=True) is NO
    few = finding(*map(done, FOUR[:2]), count="at most 3", cut_short=True)
    assert (few.holds, few.reason) == (OPEN, Reason.DATA_UNAVAILABLE)


def test_no_procedure_at_all_keeps_a_limit_only_if_the_list_was_read() -> None:
    assert asked(count="at most 3") is YES
    assert asked(count="at most 3", cut_short=True) is OPEN
    test = clause("procedure", in_="alpha", count="at most 3")
    found = run(test, availability=available(Procedure=NOT_OFFERED))
    assert (found.holds, found.reason) == (OPEN, Reason.DATA_UNAVAILABLE)


def unknown(day: str | None, **more: Any) -> Resource:
    return {**procedure("alpha", day, id=f"u-{day}"), "code": {"text": "Some procedure"}, **more}


def test_a_procedure_without_a_code_that_is_understood_keeps_a_limit_open_and_is_shown() -> None:
    found = finding(*map(done, FOUR[1:]), unknown("2025-06-01"), count="at most 3", within="12 months")
    assert (found.holds, [item.reference for item in found.evidence][-1]) == (OPEN, "Procedure/u-2025-06-01")
    assert asked(*map(done, FOUR[:3]), unknown(FOUR[0]), count="at most 3", within="12 months") is YES
    assert asked(*map(done, FOUR[1:]), unknown("2025-03-01"), count="at most 3", within="12 months") is YES
    assert asked(*map(done, FOUR[1:]), unknown(None), count="at most 3", within="12 months") is OPEN
    assert asked(unknown("2025-06-01"), count="at least 1") is OPEN


def test_a_code_of_their_own_that_the_value_set_knows_is_one_procedure() -> None:
    own = dict(SETS) | {"own": ValueSet("own", [row("urn:own", "x")])}
    fact = {**done("2026-01"), "code": concept("x", system="urn:own")}
    assert run(clause("procedure", own, in_="own", count="at most 1"), fact).holds is YES
    assert run(clause("procedure", in_="alpha", count="at most 0"), fact).holds is OPEN


def test_an_unknown_procedure_of_the_other_side_keeps_no_limit_open() -> None:
    left = [done(day, "left") for day in FOUR[1:]]
    for side, holds in (("left", OPEN), ("right", YES)):
        other = unknown("2025-06-01", bodySite=[concept(SIDES[side])])
        assert asked(*left, other, of=on("left"), side="same", count="at most 3") is holds


@pytest.mark.parametrize(
    ("start", "end", "holds"),
    [
        ("2026-01-01", "2026-01-02", YES),
        ("2026-01-01", "2026-01-03", YES),
        ("2026-01-01", "2026-01-04", OPEN),
        ("2024-01-01", "2025-03-01", YES),
        ("2024-01-01", "2026-02-01", OPEN),
        ("2024-01-01", None, OPEN),
        ("2026-02-01", "2026-09-01", OPEN),
    ],
)
def test_a_record_of_several_days_may_have_one_on_each(start: str, end: str | None, holds: Truth) -> None:
    period = {"start": start, "end": end} if end else {"start": start}
    fact = procedure("alpha", None, performedPeriod=period)
    assert asked(fact, count="at most 3", within="12 months") is holds


def test_one_that_is_not_understood_may_have_been_the_first() -> None:
    assert asked(done("2026-02-20"), unknown("2025-02-01"), first="under 2 weeks ago") is OPEN
    assert asked(done("2026-02-20"), unknown("2026-02-21"), first="under 2 weeks ago") is YES
    assert asked(done("2026-02-20"), unknown("2025-02-01"), first="at least 2 weeks ago") is OPEN


# --- how far apart ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("days", "under", "at_least"),
    [
        (("2026-01-01", "2026-01-14"), YES, NO),
        (("2026-01-01", "2026-01-15"), NO, YES),
        (("2026-01-01", "2026-01"), OPEN, OPEN),
        (("2026-01-01", None), OPEN, OPEN),
        (("2026-01-01",), NO, NO),
        (("2026-01-01", "2026-01-05", "2026-01-14"), NO, NO),
    ],
)
def test_exactly_two_lie_so_far_apart(days: tuple[str | None, ...], under: Truth, at_least: Truth) -> None:
    facts = [done(day, name=f"p{i}") for i, day in enumerate(days)]
    found = finding(*facts, count="exactly 2", apart="under 2 weeks")
    assert (found.holds, found.reason) == (under, Reason.DATE_OUT_OF_RANGE)
    assert asked(*facts, count="exactly 2", apart="at least 2 weeks") is at_least


def test_the_first_and_the_last_of_several_lie_so_far_apart() -> None:
    near = [done(day) for day in ("2026-01-01", "2026-01-05", "2026-01-14")]
    far = [done(day) for day in ("2026-01-01", "2026-01-05", "2026-01-15")]
    assert asked(*near, count="at least 2", apart="under 2 weeks") is YES
    assert asked(*far, count="at least 2", apart="under 2 weeks") is NO
    assert asked(*near, count="at least 2", apart="at least 2 weeks") is NO
    assert asked(*far, count="at least 2", apart="at least 2 weeks") is YES


def test_one_that_may_not_count_proves_no_distance_and_may_spoil_nearness() -> None:
    pair = [done("2026-01-01"), done("2026-01-05")]
    unsure = done("2026-02-01", status="unknown")
    assert asked(*pair, unsure, count="at least 2", apart="at least 2 weeks") is OPEN
    assert asked(*pair, unsure, count="at least 2", apart="under 2 weeks") is OPEN


def test_an_unsure_record_of_a_known_day_changes_nothing() -> None:
    pair = [done("2026-01-01"), done("2026-01-05")]
    again = done("2026-01-05", status="unknown")
    assert asked(*pair, again, count="exactly 2", apart="under 2 weeks") is YES


def test_a_list_cut_short_may_lack_one_far_apart() -> None:
    pair = [done("2026-01-01"), done("2026-01-05")]
    assert asked(*pair, count="at least 2", apart="under 2 weeks", cut_short=True) is OPEN
    assert asked(*pair, count="at least 2", apart="at least 2 weeks", cut_short=True) is OPEN
    far = [done("2026-01-01"), done("2026-01-15")]
    assert asked(*far, count="at least 2", apart="at least 2 weeks", cut_short=True) is YES
    assert asked(*far, count="at least 2", apart="under 2 weeks", cut_short=True) is NO


# --- the first and the last ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("days", "at_least", "under"),
    [
        (("2026-02-16",), YES, NO),
        (("2026-02-17",), NO, YES),
        (("2026-02-28", "2026-02-17"), NO, YES),
        (("2026-02-28", "2026-02-16"), YES, NO),
        (("2026-02",), OPEN, OPEN),
        (("2026-01",), YES, NO),
        (("2026-02-20", "2026-02"), OPEN, OPEN),
        (("2026-02-20", None), OPEN, OPEN),
        ((None,), OPEN, OPEN),
    ],
)
def test_how_long_ago_the_first_was(days: tuple[str | None, ...], at_least: Truth, under: Truth) -> None:
    facts = [done(day, name=f"p{i}") for i, day in enumerate(days)]
    found = finding(*facts, first="at least 2 weeks ago")
    assert (found.holds, found.reason) == (at_least, Reason.DATE_OUT_OF_RANGE)
    assert asked(*facts, first="under 2 weeks ago") is under


def test_more_than_a_year_ago_is_more_than_a_year_to_the_day() -> None:
    assert asked(done("2025-03-02"), first="over 12 months ago") is NO
    assert asked(done("2025-03-01"), first="over 12 months ago") is YES
    assert asked(done("2025-03-02"), first="at most 12 months ago") is YES
    assert asked(done("2025-03-01"), first="at most 12 months ago") is NO


def test_a_list_cut_short_may_lack_an_older_first() -> None:
    assert asked(done("2026-02-20"), first="under 2 weeks ago", cut_short=True) is OPEN
    assert asked(done("2026-02-20"), first="at least 2 weeks ago", cut_short=True) is OPEN
    assert asked(done("2026-01-01"), first="at least 2 weeks ago", cut_short=True) is YES
    assert asked(done("2026-01-01"), first="under 2 weeks ago", cut_short=True) is NO


def test_an_older_one_that_may_not_count_leaves_the_first_open() -> None:
    unsure = done("2025-01-01", status="unknown")
    assert asked(done("2026-02-20"), unsure, first="under 2 weeks ago") is OPEN
    assert asked(done("2026-02-20"), unsure, first="at least 2 weeks ago") is OPEN
    assert asked(done("2026-02-20", status="unknown"), first="under 2 weeks ago") is OPEN


@pytest.mark.parametrize(
    ("days", "holds"),
    [
        (("2026-01-03",), YES),
        (("2026-01-02",), NO),
        (("2026-01-03", "2024-01-01"), YES),
        (("2026-01-02", "2024-01-01"), NO),
        (("2026-01",), OPEN),
        (("2026-01-02", None), OPEN),
        (("2026-03-02",), YES),
        (("2026-03-03",), NO),
    ],
)
def test_how_long_ago_the_last_was(days: tuple[str | None, ...], holds: Truth) -> None:
    assert asked(*(done(day, name=f"p{i}") for i, day in enumerate(days)), last="under 2 months ago") is holds


def test_a_list_cut_short_may_lack_a_later_last() -> None:
    assert asked(done("2026-01-02"), last="under 2 months ago", cut_short=True) is OPEN
    assert asked(done("2026-01-03"), last="under 2 months ago", cut_short=True) is YES


def test_a_later_one_that_may_not_count_leaves_the_last_open() -> None:
    assert asked(done("2026-01-02"), done("2026-02-20", status="stopped"), last="under 2 months ago") is OPEN


def test_a_period_counts_from_its_start() -> None:
    long_one = procedure("alpha", None, performedPeriod={"start": "2026-01-02", "end": "2026-01-10"})
    assert asked(long_one, last="under 2 months ago") is NO


def test_no_start_counts_from_its_end() -> None:
    assert asked(procedure("alpha", None, performedPeriod={"end": "2026-01-02"}), last="under 2 months ago") is NO


# --- side and purpose ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ours", "theirs", "same", "or_silent"),
    [
        ("left", "left", YES, YES),
        ("left", "right", NO, NO),
        ("left", "bilateral", YES, YES),
        ("left", "", OPEN, YES),
        ("", "left", YES, YES),
        ("", "", OPEN, YES),
        ("", "bilateral", YES, YES),
        ("bilateral", "bilateral", YES, YES),
        ("bilateral", "left", OPEN, OPEN),
    ],
)
def test_the_side_of_the_order(ours: str, theirs: str, same: Truth, or_silent: Truth) -> None:
    for more in ({}, {"count": "at least 1"}, {"first": "at least 2 weeks ago"}, {"last": "under 2 months ago"}):
        fact = done("2026-02-01", side=theirs)
        assert asked(fact, of=on(ours), side="same", **more) is same, more
        assert asked(fact, of=on(ours), side="same or not stated", **more) is or_silent, more


@pytest.mark.parametrize("ours", ["left", "right", "bilateral", ""])
def test_what_names_contradicting_sides_may_be_on_either(ours: str) -> None:
    fact = done("2026-02-01") | {"bodySite": [{**concept(SIDES["right"]), "text": "Left sacroiliac joint"}]}
    for more in ({}, {"count": "at least 1"}, {"first": "at least 2 weeks ago"}, {"last": "under 2 months ago"}):
        assert asked(fact, of=on(ours), side="same", **more) is OPEN, more
        assert asked(fact, of=on(ours), side="same or not stated", **more) is OPEN, more


def test_what_is_silent_beside_another_side_may_be_on_either() -> None:
    facts = [done("2026-02-01"), done("2026-01-10", side="right")]
    assert asked(*facts, of=on("left"), side="same or not stated", last="under 2 months ago") is OPEN
    assert asked(*facts, of=on(""), side="same or not stated", last="under 2 months ago") is YES


def test_with_two_sides_on_record_an_order_without_one_may_be_for_either() -> None:
    facts = [done("2026-02-01", side="left"), done("2026-01-10", side="right")]
    assert asked(*facts, of=on(""), side="same or not stated", last="under 2 months ago") is OPEN


@pytest.mark.parametrize(
    ("purpose", "wanted", "holds"),
    [
        ("Diagnostic", "diagnostic", YES),
        ("Therapeutic", "diagnostic", NO),
        ("", "diagnostic", OPEN),
        ("Therapeutic", "therapeutic", YES),
        ("Diagnostic", "therapeutic", NO),
        ("", "therapeutic", OPEN),
        ("Diagnostic", "diagnostic or not stated", YES),
        ("Therapeutic", "diagnostic or not stated", NO),
        ("", "diagnostic or not stated", YES),
        ("Diagnostic and therapeutic", "diagnostic", OPEN),
        ("Diagnostic or therapeutic", "therapeutic", OPEN),
        ("Not therapeutic", "therapeutic", OPEN),
    ],
)
def test_the_purpose(purpose: str, wanted: str, holds: Truth) -> None:
    fact = done("2026-02-01", purpose=purpose)
    assert asked(fact, purpose=wanted) is holds
    assert asked(fact, purpose=wanted, count="at least 1") is holds


def test_four_of_which_one_is_silent_may_be_three() -> None:
    on_the_left = [done(day, "left", "Therapeutic") for day in FOUR[1:]]
    wanted = {"side": "same", "purpose": "therapeutic", "within": "12 months", "count": "at least 4"}
    assert asked(*on_the_left, done(FOUR[0], "left", "Therapeutic"), of=on("left"), **wanted) is YES
    assert asked(*on_the_left, done(FOUR[0], "left"), of=on("left"), **wanted) is OPEN
    assert asked(*on_the_left, done(FOUR[0], "", "Therapeutic"), of=on("left"), **wanted) is OPEN
    assert asked(*on_the_left, done(FOUR[0], "right", "Therapeutic"), of=on("left"), **wanted) is NO
    assert asked(*on_the_left, done(FOUR[0], "left", "Diagnostic"), of=on("left"), **wanted) is NO


def test_what_is_on_the_other_side_is_no_evidence() -> None:
    found = finding(
        done("2026-02-01", "right", name="r"), done("2026-01-15", "left", name="l"), of=on("left"), side="same"
    )
    assert [item.reference for item in found.evidence] == ["Procedure/l"]


@pytest.mark.parametrize("more", [{}, {"count": "at least 1"}, {"first": "at least 2 weeks ago"}])
def test_one_on_the_other_side_alone_is_none_and_is_shown(more: dict[str, str]) -> None:
    found = finding(done("2026-02-01", "right", name="r"), of=on("left"), side="same", **more)
    assert (found.holds, found.reason) == (NO, Reason.INVALID_ATTRIBUTE)
    assert [item.reference for item in found.evidence] == ["Procedure/r"]


def test_with_two_sides_on_record_an_order_without_one_is_asked_for_it() -> None:
    both = [done("2026-02-01", side="left"), done("2026-01-10", side="right")]
    assert finding(*both, side="same", count="at least 2").needs_side
    assert not finding(*both, of=on("left"), side="same", count="at least 2").needs_side
    assert not finding(*both, count="at least 2").needs_side
    assert not finding(both[0], done("2026-01-10"), side="same", count="at least 2").needs_side


@pytest.mark.parametrize(
    ("said", "needs_side"),
    [
        ({"note": [{"text": "Right side"}]}, True),
        ({"bodySite": [{"text": "Left"}, {"text": "Right"}]}, True),
        ({"note": [{"text": "Left side"}]}, False),
        ({}, False),
    ],
)
def test_an_order_that_hints_at_another_side_than_that_on_record_is_asked_for_it(
    said: dict[str, Any], needs_side: bool
) -> None:
    found = finding(done("2026-02-01", side="left"), of=order(**said), side="same", count="at least 1")
    assert (found.holds, found.needs_side) == (OPEN if needs_side else YES, needs_side)


def test_a_result_that_holds_for_any_side_needs_none() -> None:
    both = [done("2026-02-01", side="left"), done("2026-01-10", side="right"), done("2026-01-20", side="bilateral")]
    found = finding(*both, side="same", count="at least 1")
    assert (found.holds, found.needs_side) == (YES, False)


def test_a_side_of_another_purpose_or_course_leaves_no_doubt() -> None:
    left = done("2026-02-01", "left", "Diagnostic")
    for other in (done("2026-01-10", "right", "Therapeutic"), done("2015-01-10", "right", "Diagnostic")):
        found = finding(left, other, side="same", purpose="diagnostic", count="at least 1", longest_pause="12 months")
        assert (found.holds, found.needs_side) == (YES, False)


@pytest.mark.parametrize(
    ("sides", "holds"),
    [
        (("left", "right"), YES),
        (("bilateral",), YES),
        (("left", "left"), OPEN),
        (("left", ""), OPEN),
        (("",), OPEN),
        ((), NO),
    ],
)
def test_an_order_for_both_sides_needs_it_on_each(sides: tuple[str, ...], holds: Truth) -> None:
    facts = [done("2026-02-01", side, name=f"p{i}") for i, side in enumerate(sides)]
    for side in ("same", "same or not stated"):
        assert asked(*facts, of=on("bilateral"), side=side, count="at least 1") is holds


def test_what_holds_on_one_side_of_two_names_both_as_evidence() -> None:
    facts = [done("2026-02-01", "left", name="l"), done("2026-01-15", "left", name="m"), done("2026-01-10", "right")]
    found = finding(*facts, of=on("bilateral"), side="same", count="at least 2")
    assert (found.holds, found.reason, len(found.evidence)) == (OPEN, Reason.INVALID_ATTRIBUTE, 3)


# --- the course of treatment -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("days", "number"),
    [
        (("2025-03-02",), 1),
        (("2025-03-01",), 0),
        (("2025-09-01", "2024-09-01"), 2),
        (("2025-09-01", "2024-08-31"), 1),
        (("2025-09-01", "2024-09-01", "2023-09-01", "2012-01-01"), 3),
        (("2012-01-01", "2012-02-01"), 0),
    ],
)
def test_a_longer_pause_ends_the_course(days: tuple[str, ...], number: int) -> None:
    facts = [done(day) for day in days]
    for count in (number, number + 1):
        holds = YES if count <= number else NO
        if count:
            assert asked(*facts, count=f"at least {count}", longest_pause="12 months") is holds


def test_a_procedure_for_another_purpose_keeps_the_course_going() -> None:
    facts = [done("2024-05-01", purpose="Diagnostic"), done("2025-04-01", purpose="Therapeutic")]
    wanted = {"purpose": "diagnostic", "count": "at least 1", "longest_pause": "12 months"}
    assert (asked(*facts, **wanted), asked(facts[0], **wanted)) == (YES, NO)


def test_a_procedure_on_the_other_side_does_not_keep_the_course_going() -> None:
    facts = [done("2024-05-01", "left"), done("2025-04-01", "right")]
    wanted = {"side": "same", "count": "at least 1", "longest_pause": "12 months"}
    assert asked(*facts, of=on("left"), **wanted) is NO


@pytest.mark.parametrize(
    ("day", "status", "holds"),
    [
        ("2025", "completed", OPEN),
        (None, "completed", NO),
        ("2025-04-01", "unknown", OPEN),
        ("2024-02", "completed", NO),
    ],
)
def test_one_that_may_bridge_the_pause_leaves_the_course_open(day: str | None, status: str, holds: Truth) -> None:
    old, bridge = done("2024-06-01", purpose="Diagnostic"), done(day, "", "Therapeutic", status)
    wanted = {"purpose": "diagnostic", "count": "at least 1", "longest_pause": "12 months"}
    assert asked(old, bridge, **wanted) is holds


def test_what_is_of_an_earlier_course_is_shown() -> None:
    found = finding(done("2012-01-01", name="old"), count="at least 1", longest_pause="12 months")
    assert (found.holds, found.reason) == (NO, Reason.DATE_OUT_OF_RANGE)
    assert [item.reference for item in found.evidence] == ["Procedure/old"]
    cut_short = finding(done("2012-01-01"), count="at least 1", longest_pause="12 months", cut_short=True)
    assert (cut_short.holds, len(cut_short.evidence)) == (OPEN, 1)


# --- how it is written -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (
            {"last": "at least 2 months ago"},
            "cannot be proven because a visit may be missing; turn it round and put `last: under 2 months ago` under "
            "`not_met_when`",
        ),
        ({"last": "over 2 months ago"}, "put `last: at most 2 months ago` under `not_met_when`"),
        ({"count": "at most 4", "apart": "under 2 weeks"}, "`apart` .* needs a `count` unlike 'at most 4'"),
        ({"count": "at least 4", "gap": "at most 4 weeks"}, "`gap` is the longest .*; it needs `lasting`"),
        ({"gap": "at most 4 weeks"}, "`gap` is the longest .*; it needs `lasting`"),
        ({"count": "at least 4", "lasting": "at least 4 weeks"}, "or ask them of one course: `all: {lasting: …, count"),
        ({"last": "under 2 months ago", "longest_pause": "1 year"}, "it needs `count` or `first`"),
        ({"last": "over 2 months ago"}, "cannot be proven because a visit may be missing"),
        ({"count": "at least 4", "first": "over 2 weeks ago"}, "`count` and `first` are separate questions"),
        ({"first": "over 2 weeks ago", "within": "1 year"}, "`within` and `first` are separate questions"),
        ({"last": "under 2 weeks ago", "within": "1 year"}, "`within` and `last` are separate questions"),
        ({"apart": "under 2 weeks"}, "`apart` is the time between that many days; it needs `count`"),
        ({"apart": "under 2 weeks", "first": "over 2 weeks ago"}, "it needs `count`"),
    ],
)
def test_what_cannot_be_proven_or_asks_two_things_is_refused(arguments: dict[str, str], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        clause("procedure", in_="alpha", **arguments)
