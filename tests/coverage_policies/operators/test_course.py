"""`all:` of `procedure` and `visit`: one course that fulfills all of it."""

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coverage_policies.format.operator import ClauseResult
from coverage_policies.format.searches import PROCEDURES
from coverage_policies.format.terms import Reason
from fhir_mappings.fhir_json import Resource
from fhir_mappings.truth import Truth
from tests.support.policy_fakes import ANCHOR, UNAVAILABLE, available, clause, concept, order, procedure, run

YES, NO, OPEN = Truth.YES, Truth.NO, Truth.UNKNOWN
CUT_SHORT = available(Procedure=UNAVAILABLE)
THERAPY = {"lasting": "at least 8 weeks", "count": "at least 4", "gap": "at most 4 weeks", "within": "12 months"}
COURSE = ("2025-12-01", "2025-12-15", "2026-01-12", "2026-01-26")
"""Four days in eight weeks to the day, the longest gap four weeks."""


def done(day: str | None, status: str = "completed", **more: Any) -> Resource:
    return procedure("alpha", day, status, id=more.pop("id", f"{day}-{status}"), **more)


def period(start: str, end: str | None, status: str = "completed", **more: Any) -> Resource:
    performed = {"start": start} | ({"end": end} if end else {})
    return done(None, status, performedPeriod=performed, id=f"{start}-{end}", **more)


def finding(*facts: Resource, terms: dict[str, str] | None = None, **more: Any) -> ClauseResult:
    arguments = {name: more.pop(name) for name in ("side", "purpose", "region") if name in more}
    return run(clause("procedure", in_="alpha", all=terms or THERAPY, **arguments), *facts, **more)


def asked(*days: str, **more: Any) -> Truth:
    return finding(*map(done, days), **more).holds


def test_a_course_needs_the_procedures() -> None:
    assert clause("procedure", in_="alpha", all=THERAPY).searches == (PROCEDURES,)


def test_a_course_that_fulfills_all_of_it_holds_by_its_records_alone() -> None:
    found = finding(*map(done, COURSE), done("2025-06-01"))
    assert (found.holds, found.reason) == (YES, Reason.PRESENT)
    assert [item.date for item in found.evidence] == list(COURSE)


@pytest.mark.parametrize(
    ("days", "reason"),
    [
        (("2025-12-02", *COURSE[1:]), Reason.DATE_OUT_OF_RANGE),
        ((COURSE[0], *COURSE[2:]), Reason.DATE_OUT_OF_RANGE),
        ((COURSE[0], COURSE[1], "2026-01-11", COURSE[3]), None),
        ((COURSE[0], "2025-12-28", COURSE[3]), Reason.DATE_OUT_OF_RANGE),
        ((COURSE[0], "2025-12-29", COURSE[3]), Reason.COUNT_OUT_OF_RANGE),
        ((COURSE[0], COURSE[1], "2026-01-13", COURSE[3]), Reason.DATE_OUT_OF_RANGE),
    ],
)
def test_each_term_has_two_sides(days: tuple[str, ...], reason: Reason | None) -> None:
    found = finding(*map(done, days))
    assert (found.holds, found.reason) == ((NO, reason) if reason else (YES, Reason.PRESENT))


def test_two_courses_do_not_add_up() -> None:
    early, late = ("2025-08-01", "2025-08-15", "2025-09-01"), ("2025-12-01", "2025-12-15", "2026-01-05")
    assert asked(*early, *late) is NO


def test_an_earlier_course_is_enough() -> None:
    assert asked(*COURSE, "2026-02-27", "2026-02-28") is YES


@pytest.mark.parametrize(("first", "holds"), [("2025-03-02", YES), ("2025-03-01", NO)])
def test_only_what_lies_within_the_time_makes_the_course(first: str, holds: Truth) -> None:
    assert asked(first, "2025-03-20", "2025-04-10", "2025-04-27") is holds


def test_a_month_before_the_last_of_a_month_is_the_same_for_a_course_and_for_one_procedure() -> None:
    terms = {"count": "at least 1", "gap": "at most 4 weeks", "within": "1 month"}
    within = clause("procedure", in_="alpha", within="1 month")
    for day in ("2026-02-27", "2026-02-28", "2026-03-01"):
        by_itself = run(within, done(day), anchor=date(2026, 3, 31)).holds
        assert asked(day, terms=terms, anchor=date(2026, 3, 31)) is by_itself


def test_several_records_of_a_day_are_one() -> None:
    twice = [done(day, id=f"{day}-{i}") for day in (COURSE[0], "2025-12-29", COURSE[3]) for i in range(3)]
    assert finding(*twice).holds is NO


# --- records that may count ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "possible",
    [
        done(COURSE[2], "stopped"),
        done(COURSE[2], "in-progress"),
        procedure("alpha-asks", COURSE[2]),
        done(None),
        done("2026-01"),
        {**done(COURSE[2], id="x"), "code": {"text": "Some procedure"}},
        period("2025-12-20", None, "in-progress"),
        period("2025-12-20", None),
    ],
    ids=["stopped", "in progress", "asks", "undated", "month", "unknown", "goes on", "open end"],
)
def test_what_may_count_may_complete_a_course_and_never_proves_one(possible: Resource) -> None:
    certain = [done(COURSE[0]), done(COURSE[1]), done(COURSE[3])]
    found = finding(*certain, possible)
    assert (found.holds, len(found.evidence)) == (OPEN, 4)
    assert finding(*map(done, COURSE), possible).holds is YES


def test_what_may_count_and_could_not_complete_it_rules_it_out() -> None:
    assert finding(done(COURSE[0]), done("2025-12-20", "stopped")).holds is NO


def test_records_that_were_not_read_may_complete_a_course() -> None:
    found = finding(*map(done, COURSE[:3]), availability=CUT_SHORT)
    assert (found.holds, found.reason) == (OPEN, Reason.DATA_UNAVAILABLE)
    assert finding(*map(done, COURSE), availability=CUT_SHORT).holds is YES


def test_none_at_all_is_none_only_if_everything_was_read() -> None:
    assert (finding().holds, finding().reason) == (NO, Reason.NOT_FOUND)
    assert finding(availability=CUT_SHORT).holds is OPEN


def test_what_is_dated_after_today_proves_nothing() -> None:
    days = ("2026-01-12", "2026-01-26", "2026-02-20", "2026-03-09")
    assert asked(*days, anchor=date(2026, 3, 10)) is OPEN
    assert asked(*days[:3], "2026-03-11", anchor=date(2026, 3, 10)) is NO


# --- periods ---------------------------------------------------------------------------------------------------------


def test_a_period_proves_how_long_and_counts_as_one_visit() -> None:
    whole = period("2025-12-01", "2026-01-26")
    assert finding(whole, terms={"lasting": "at least 8 weeks", "gap": "at most 4 weeks"}).holds is YES
    assert finding(whole).holds is OPEN
    assert finding(whole, *map(done, COURSE)).holds is YES
    assert finding(whole, *map(done, COURSE[:3])).holds is OPEN


def test_a_period_in_progress_lasts_up_to_its_stated_end_and_counts_no_visit() -> None:
    going_on = period("2025-12-01", "2026-01-26", "in-progress")
    assert finding(going_on, terms={"lasting": "at least 8 weeks", "gap": "at most 4 weeks"}).holds is YES
    assert finding(going_on, terms={"count": "at least 1", "gap": "at most 4 weeks"}).holds is OPEN


def test_a_period_is_cut_at_the_window_and_at_the_anchor_date() -> None:
    terms = {"lasting": "at least 8 weeks", "gap": "at most 4 weeks", "within": "12 months"}
    for start, end, holds in (
        ("2024-01-01", "2025-04-27", YES),
        ("2024-01-01", "2025-04-26", NO),
        ("2026-01-05", "2026-12-01", YES),
        ("2026-01-06", "2026-12-01", NO),
    ):
        assert finding(period(start, end), terms=terms).holds is holds


def test_a_period_that_ends_after_today_lasts_up_to_today() -> None:
    terms = {"lasting": "at least 8 weeks", "gap": "at most 4 weeks"}
    for start, holds in (("2026-01-05", YES), ("2026-01-06", OPEN)):
        assert finding(period(start, "2026-04-20"), terms=terms, anchor=date(2026, 4, 20)).holds is holds


def test_a_period_too_short_for_its_days_rules_a_course_out() -> None:
    assert finding(period("2026-02-01", "2026-02-20")).holds is NO


# --- which records ---------------------------------------------------------------------------------------------------

SIDES = {"left": "7771000", "right": "24028007"}


def test_every_record_of_the_course_is_of_the_side() -> None:
    on_the_left = order(bodySite=[concept(SIDES["left"])])

    def on(*sides: str) -> list[Resource]:
        known = [[concept(SIDES[side])] if side else None for side in sides]
        return [done(day, bodySite=site) for day, site in zip(COURSE, known, strict=True)]

    for sides, holds in (
        (("left",) * 4, YES),
        (("left", "left", "left", "right"), NO),
        (("left", "left", "left", ""), OPEN),
    ):
        assert finding(*on(*sides), of=on_the_left, side="same").holds is holds


def test_every_record_of_the_course_is_for_the_purpose() -> None:
    for purpose, holds in (("Therapeutic", YES), ("Diagnostic", NO), ("", OPEN)):
        facts = [done(day, reasonCode=[{"text": "Therapeutic"}]) for day in COURSE[:3]]
        last = done(COURSE[3], reasonCode=[{"text": purpose}] if purpose else None)
        assert finding(*facts, last, purpose="therapeutic").holds is holds


def test_a_record_for_another_region_cannot_tell() -> None:
    for site, holds in (("back", YES), ("knee", OPEN)):
        facts = [*map(done, COURSE[:3]), done(COURSE[3], bodySite=[concept(site)])]
        assert finding(*facts, region="back").holds is holds


def test_a_gap_beside_lasting_asks_for_a_course() -> None:
    with_gap = clause("procedure", in_="alpha", lasting="at least 8 weeks", gap="at most 4 weeks")
    alone = clause("procedure", in_="alpha", lasting="at least 8 weeks")
    facts = [done("2025-06-01"), done("2026-01-05")]
    assert (run(alone, *facts).holds, run(with_gap, *facts).holds) == (YES, NO)
    assert run(with_gap, *map(done, COURSE)).holds is YES


# --- visits ----------------------------------------------------------------------------------------------------------


def encounter(day: str, code: str = "alpha", **more: Any) -> Resource:
    return {
        "resourceType": "Encounter",
        "id": f"e-{day}",
        "status": "finished",
        "class": {"code": "AMB"},
        "subject": {"reference": "Patient/p"},
        "type": [concept(code)],
        "period": {"start": day, "end": day},
        **more,
    }


def charge(day: str) -> Resource:
    return {
        "resourceType": "ChargeItem",
        "id": f"c-{day}",
        "status": "billed",
        "subject": {"reference": "Patient/p"},
        "code": concept("alpha"),
        "occurrenceDateTime": day,
    }


def test_visits_of_several_kinds_make_a_course_and_count_once_a_day() -> None:
    therapy = clause("visit", in_="alpha", all=THERAPY)
    assert run(therapy, *map(encounter, COURSE[:2]), *map(charge, COURSE[2:])).holds is YES
    same_days = [*map(encounter, COURSE[:3]), *map(charge, COURSE[:3])]
    assert run(therapy, *same_days, encounter(COURSE[3])).holds is YES
    assert run(therapy, *same_days).holds is NO
    assert run(therapy, *map(encounter, COURSE[:3]), availability=available(ChargeItem=UNAVAILABLE)).holds is OPEN


def test_the_period_of_an_encounter_may_be_that_of_an_account() -> None:
    long = encounter("2025-12-01", period={"start": "2025-12-01", "end": "2026-01-26"})
    lasting = clause(
        "visit", in_="alpha", all={"lasting": "at least 8 weeks", "gap": "at most 4 weeks", "within": "1 year"}
    )
    assert run(lasting, long).holds is OPEN
    assert run(lasting, long, *map(encounter, COURSE[1:])).holds is OPEN


# --- how it is written -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("terms", "says"),
    [
        ({"gap": "at least 4 weeks", "count": "at least 6"}, "'at least 4 weeks' is no longest gap"),
        (
            {"gap": "at most 4 weeks", "count": "at most 6"},
            "`count: at most 6` cannot be of; write it like 'at least 6'",
        ),
        ({"gap": "at most 4 weeks", "count": "exactly 6"}, "`count: exactly 6` cannot be of"),
        (
            {"gap": "at most 4 weeks", "lasting": "under 6 weeks"},
            "put `lasting: at least 6 weeks` under `not_met_when`",
        ),
    ],
)
def test_what_no_course_can_prove_is_refused(terms: dict[str, str], says: str) -> None:
    for operator in ("procedure", "visit"):
        with pytest.raises(ValueError, match=says):
            clause(operator, in_="alpha", all={**terms, "within": "1 year"})


@pytest.mark.parametrize(
    ("beside", "says"),
    [
        ({"count": "at least 6"}, "`count` stands beside `all`, which is about one course; write it inside of `all`"),
        ({"within": "1 year"}, "`within` stands beside `all`, which is about one course; write it inside of `all`"),
        ({"last": "under 1 month ago"}, "`last` stands beside `all`, which is about one course; leave it out"),
    ],
)
def test_what_belongs_inside_of_all_is_not_written_beside_it(beside: dict[str, str], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        clause("procedure", in_="alpha", all=THERAPY, **beside)


# --- what must stay true of any records ------------------------------------------------------------------------------

DAYS = st.integers(0, 150).map(lambda back: (ANCHOR - timedelta(days=back)).isoformat())
MONTHS = st.sampled_from(["2025-10", "2025-12", "2026-01", "2026"])
CERTAIN = st.builds(done, DAYS)
ANY = st.one_of(
    CERTAIN,
    st.builds(done, DAYS | MONTHS | st.none(), st.sampled_from(["completed", "stopped", "in-progress", "unknown"])),
    st.builds(period, DAYS, DAYS | st.none(), st.sampled_from(["completed", "in-progress", "unknown"])),
)
CHECKED = settings(max_examples=150, deadline=None, derandomize=True)


def numbered(facts: list[Resource]) -> list[Resource]:
    return [{**fact, "id": f"p{i}"} for i, fact in enumerate(facts)]


@CHECKED
@given(st.lists(ANY, max_size=8), ANY)
def test_one_more_record_takes_no_course_away(facts: list[Resource], more: Resource) -> None:
    before, after = finding(*numbered(facts)).holds, finding(*numbered([*facts, more])).holds
    if before is not NO:
        assert after in (before, YES)


@CHECKED
@given(st.lists(ANY, max_size=8))
def test_records_that_were_not_read_only_open_what_was_ruled_out(facts: list[Resource]) -> None:
    whole = finding(*numbered(facts)).holds
    cut = finding(*numbered(facts), availability=CUT_SHORT).holds
    assert cut is (YES if whole is YES else OPEN)


@CHECKED
@given(st.lists(CERTAIN, max_size=10))
def test_days_that_are_known_leave_nothing_open(facts: list[Resource]) -> None:
    """The course of known days is that of the plain definition."""
    days = sorted({date.fromisoformat(str(fact["performedDateTime"])) for fact in facts})
    runs: list[list[date]] = []
    for day in days:
        if runs and day - runs[-1][-1] <= timedelta(weeks=4):
            runs[-1].append(day)
        else:
            runs.append([day])
    expected = any(run[-1] - run[0] >= timedelta(weeks=8) and len(run) >= 4 for run in runs)
    assert finding(*numbered(facts)).holds is Truth.of(expected)


@CHECKED
@given(st.lists(ANY, max_size=6), ANY)
def test_one_more_record_takes_nothing_from_a_count_and_nothing_from_a_broken_limit(
    facts: list[Resource], more: Resource
) -> None:
    for count, never_back in (("at least 3", YES), ("at most 3", NO)):
        test = clause("procedure", in_="alpha", count=count, within="12 months")
        before, after = (run(test, *numbered(each)).holds for each in (facts, [*facts, more]))
        if before is never_back:
            assert after is never_back
        if before is OPEN:
            assert after is not ~never_back


@CHECKED
@given(st.lists(ANY, max_size=6))
def test_a_count_and_the_limit_below_it_never_hold_together(facts: list[Resource]) -> None:
    for_it, against = (
        run(clause("procedure", in_="alpha", count=count), *numbered(facts)).holds
        for count in ("at most 3", "at least 4")
    )
    assert for_it is ~against
