"""`procedure`: done by the anchor date, recently, or from first to last long enough."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from coverage_policies.format.operator import ClauseCheck, ClauseResult
from coverage_policies.format.searches import PROCEDURES
from coverage_policies.format.terms import Reason
from fhir_mappings.fhir_json import Resource
from fhir_mappings.truth import Truth
from tests.support.policy_fakes import UNAVAILABLE, available, case, clause, concept, procedure, run

DONE = clause("procedure", in_="alpha")
RECENT = clause("procedure", in_="alpha", within="3 months")
LONG = clause("procedure", in_="alpha", lasting="at least 4 weeks")
CUT_SHORT = available(Procedure=UNAVAILABLE)


def named(found: ClauseResult) -> list[str]:
    return [item.reference for item in found.evidence]


def period(start: str | None, end: str | None, status: str = "completed", **more: Any) -> Resource:
    ends = {"start": start, "end": end}
    performed = {name: value for name, value in ends.items() if value}
    return procedure("alpha", None, status, performedPeriod=performed, **more)


def test_it_needs_the_procedures() -> None:
    assert DONE.searches == (PROCEDURES,)


@pytest.mark.parametrize(
    ("resource", "holds", "reason"),
    [
        (procedure("alpha", "2020-01-01"), Truth.YES, Reason.PRESENT),
        (procedure("alpha", "2026-03-02"), Truth.YES, Reason.PRESENT),
        (procedure("alpha", "2026-03-03"), Truth.NO, Reason.NOT_FOUND),
        (procedure("alpha", "2026-03"), Truth.UNKNOWN, Reason.DATE_OUT_OF_RANGE),
        (procedure("alpha", None), Truth.YES, Reason.PRESENT),
        (procedure("alpha", "2026-03-01", "in-progress"), Truth.YES, Reason.PRESENT),
        (procedure("alpha", "2026-03-03", "in-progress"), Truth.NO, Reason.NOT_FOUND),
        (procedure("alpha", "2026-01-01", "stopped"), Truth.UNKNOWN, Reason.INVALID_ATTRIBUTE),
        (procedure("alpha", "2026-01-01", "not-done"), Truth.NO, Reason.NOT_FOUND),
        (procedure("alpha-asks", "2026-01-01"), Truth.UNKNOWN, Reason.INVALID_ATTRIBUTE),
        (procedure("alpha", "yesterday"), Truth.UNKNOWN, Reason.INVALID_ATTRIBUTE),
        (procedure("beta", "2026-01-01"), Truth.NO, Reason.NOT_FOUND),
        (period("2026-02-01", "2026-03-03"), Truth.NO, Reason.DATE_OUT_OF_RANGE),
        (period("2026-02-01", None), Truth.YES, Reason.PRESENT),
    ],
)
def test_what_was_done_by_the_anchor_date_holds(resource: Resource, holds: Truth, reason: Reason) -> None:
    found = run(DONE, resource)
    assert (found.holds, found.reason) == (holds, reason)


@pytest.mark.parametrize(
    ("resource", "holds"),
    [
        (period("2026-03-02", None, "in-progress"), Truth.YES),
        (period("2026", None, "in-progress"), Truth.UNKNOWN),
    ],
)
@pytest.mark.parametrize("test", [DONE, RECENT], ids=["done", "recent"])
def test_what_goes_on_now_is_not_taken_back_to_an_earlier_day(
    test: ClauseCheck, resource: Resource, holds: Truth
) -> None:
    now = case(resource)
    assert test.evaluate(now).holds is Truth.YES
    assert test.evaluate(replace(now, is_looking_back=True)).holds is holds


def test_what_was_done_on_no_known_day_is_not_taken_back_to_an_earlier_day() -> None:
    assert DONE.evaluate(replace(case(procedure("alpha", None)), is_looking_back=True)).holds is Truth.UNKNOWN


@pytest.mark.parametrize(
    ("resource", "holds", "reason"),
    [
        (procedure("alpha", "2025-12-02"), Truth.YES, Reason.PRESENT),
        (procedure("alpha", "2025-12-01"), Truth.NO, Reason.DATE_OUT_OF_RANGE),
        (procedure("alpha", "2026-01"), Truth.YES, Reason.PRESENT),
        (procedure("alpha", "2025-12"), Truth.UNKNOWN, Reason.DATE_OUT_OF_RANGE),
        (procedure("alpha", "2025-11"), Truth.NO, Reason.DATE_OUT_OF_RANGE),
        (procedure("alpha", None), Truth.UNKNOWN, Reason.DATE_OUT_OF_RANGE),
        (procedure("alpha", "2025-03-02", "in-progress"), Truth.YES, Reason.PRESENT),
        (procedure("alpha", "2025-03-01", "in-progress"), Truth.UNKNOWN, Reason.DATE_OUT_OF_RANGE),
        (procedure("alpha", "2018-01-01", "in-progress"), Truth.UNKNOWN, Reason.DATE_OUT_OF_RANGE),
        (procedure("alpha", None, "in-progress"), Truth.UNKNOWN, Reason.DATE_OUT_OF_RANGE),
        (period("2018-01-01", "2026-12-01", "in-progress"), Truth.YES, Reason.PRESENT),
        (period("2018-01-01", "2026-02-01", "in-progress"), Truth.YES, Reason.PRESENT),
        (period("2018-01-01", "2019-02-01", "in-progress"), Truth.UNKNOWN, Reason.DATE_OUT_OF_RANGE),
        (procedure("alpha", "2020-01-01", "stopped"), Truth.UNKNOWN, Reason.INVALID_ATTRIBUTE),
        (period("2020-01-01", "2026-01-01"), Truth.YES, Reason.PRESENT),
        (period("2020-01-01", None), Truth.UNKNOWN, Reason.DATE_OUT_OF_RANGE),
    ],
)
def test_what_was_done_recently_holds_and_the_boundary_day_is_recent(
    resource: Resource, holds: Truth, reason: Reason
) -> None:
    found = run(RECENT, resource)
    assert (found.holds, found.reason) == (holds, reason)


def test_only_what_is_recent_is_evidence_where_something_is() -> None:
    assert named(
        run(RECENT, procedure("alpha", "2026-02-01", id="new"), procedure("alpha", "2025-01-01", id="old"))
    ) == ["Procedure/new"]


def test_one_that_is_unclear_beside_an_old_one_cannot_tell() -> None:
    found = run(RECENT, procedure("alpha", "2025-01-01", id="old"), procedure("alpha", "2026-02-01", "stopped", id="s"))
    assert (found.holds, named(found)) == (Truth.UNKNOWN, ["Procedure/old", "Procedure/s"])


def test_a_list_cut_short_may_lack_the_recent_one() -> None:
    found = run(RECENT, procedure("alpha", "2025-01-01"), availability=CUT_SHORT)
    assert (found.holds, found.reason, len(found.evidence)) == (Truth.UNKNOWN, Reason.DATA_UNAVAILABLE, 1)


def test_a_recent_one_of_a_list_cut_short_holds() -> None:
    assert run(RECENT, procedure("alpha", "2026-02-01"), availability=CUT_SHORT).holds is Truth.YES


# --- lasting ---------------------------------------------------------------------------------------------------------


def visits(*days: str, **more: Any) -> list[Resource]:
    return [procedure("alpha", day, id=f"v{i}", **more) for i, day in enumerate(days)]


@pytest.mark.parametrize(
    ("days", "holds", "reason"),
    [
        (("2026-01-01", "2026-01-29"), Truth.YES, Reason.PRESENT),
        (("2026-01-01", "2026-01-28"), Truth.UNKNOWN, Reason.DATE_OUT_OF_RANGE),
        (("2026-01-29", "2026-01-10", "2026-01-01"), Truth.YES, Reason.PRESENT),
        (("2026-01-01",), Truth.UNKNOWN, Reason.DATE_OUT_OF_RANGE),
        (("2026-01", "2026-02-28"), Truth.YES, Reason.PRESENT),
        (("2026-01", "2026-02-27"), Truth.UNKNOWN, Reason.DATE_OUT_OF_RANGE),
        (("2026-01-01", "2026-02"), Truth.YES, Reason.PRESENT),
        (("2026-01-15", "2026-02"), Truth.UNKNOWN, Reason.DATE_OUT_OF_RANGE),
    ],
)
def test_it_lasts_from_the_first_to_the_last(days: tuple[str, ...], holds: Truth, reason: Reason) -> None:
    found = run(LONG, *visits(*days))
    assert (found.holds, found.reason, len(found.evidence)) == (holds, reason, len(days))


def test_one_period_lasts_from_its_start_to_its_end() -> None:
    assert run(LONG, period("2026-01-01", "2026-01-29")).holds is Truth.YES
    assert run(LONG, period("2026-01-01", "2026-01-28")).holds is Truth.UNKNOWN


def test_a_period_counts_up_to_the_anchor_date_only() -> None:
    assert run(LONG, period("2026-02-02", "2026-06-01")).holds is Truth.YES
    assert run(LONG, period("2026-02-03", "2026-06-01")).holds is Truth.UNKNOWN


def test_what_is_unclear_or_undated_makes_nothing_longer() -> None:
    known = procedure("alpha", "2026-01-29", id="known")
    for other in (
        procedure("alpha", "2025-01-01", "stopped", id="x"),
        procedure("alpha", None, id="x"),
        period("2025-01-01", None, id="x"),
        procedure("alpha-asks", "2025-01-01", id="x"),
    ):
        found = run(LONG, known, other)
        assert (found.holds, named(found)) == (Truth.UNKNOWN, ["Procedure/known", "Procedure/x"])


def test_what_comes_after_the_anchor_date_makes_nothing_longer() -> None:
    assert run(LONG, *visits("2026-02-10", "2026-03-10")).holds is Truth.UNKNOWN


def test_the_time_for_a_course_in_progress_may_be_named() -> None:
    long = clause("procedure", in_="alpha", in_progress_within="10 years")
    assert run(long, procedure("alpha", "2018-01-01", "in-progress")).holds is Truth.YES


def test_a_visit_in_time_beside_a_course_that_was_never_closed_counts() -> None:
    course = procedure("alpha", "2018-01-01", "in-progress")
    found = run(RECENT, course, procedure("alpha", "2026-02-01"))
    assert (found.holds, named(found)) == (Truth.YES, ["Procedure/alpha-2026-02-01"])


@pytest.mark.parametrize(
    ("reasons", "holds"),
    [((), Truth.YES), (("knee",), Truth.UNKNOWN), (("knee", "back"), Truth.YES), (("gamma",), Truth.YES)],
)
def test_a_procedure_for_another_region_alone_cannot_tell(reasons: tuple[str, ...], holds: Truth) -> None:
    done = procedure("alpha", reasonCode=[concept(each) for each in reasons])
    assert run(clause("procedure", in_="alpha", region="back"), done).holds is holds


def test_another_region_may_be_named_without_a_region() -> None:
    done = procedure("alpha", reasonCode=[concept("gamma")])
    assert run(clause("procedure", in_="alpha", other_region="gamma"), done).holds is Truth.UNKNOWN
    assert run(clause("procedure", in_="alpha", other_region="delta"), done).holds is Truth.YES


@pytest.mark.parametrize("name", ["in_progress_within", "region", "other_region"])
def test_a_count_takes_no_region_and_no_time_for_what_is_in_progress(name: str) -> None:
    value = "6 months" if name == "in_progress_within" else "beta"
    with pytest.raises(ValueError, match=f"`{name}` and `count` are separate questions"):
        clause("procedure", in_="alpha", count="at least 2", **{name: value})


def test_what_is_completed_on_a_day_to_come_proves_nothing() -> None:
    found = run(RECENT, procedure("alpha", "2026-03-10"), anchor=date(2026, 3, 16))
    assert (found.holds, found.reason) == (Truth.UNKNOWN, Reason.INVALID_ATTRIBUTE)
