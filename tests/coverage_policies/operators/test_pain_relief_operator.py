"""`pain_relief`: how much, how often, and what scores must be there."""

from typing import Any

import pytest
from coverage_fakes import NOT_OFFERED, UNAVAILABLE, available, clause, find, procedure, score

from coverage_policies.determination import Reason
from coverage_policies.operators.base import Finding, Holds
from coverage_policies.searches import PROCEDURES, observations
from fhir_mappings.fhir_json import Resource

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


def named(found: Finding) -> list[str]:
    return sorted({item.reference for item in found.evidence})


def test_it_needs_procedures_and_the_scores_by_their_code() -> None:
    assert AT_LEAST_75.searches == (PROCEDURES, observations(["http://loinc.org|72514-3"]))


def test_another_scale_may_be_named() -> None:
    other = clause("pain_relief", after="trial", relief="at least 75 %", scale="other-scale")
    assert other.searches == (PROCEDURES, observations(["http://loinc.org|38208-5"]))
    assert find(other, *injection("2026-02-01", "8", "2")).holds is Holds.CANNOT_TELL


@pytest.mark.parametrize(
    ("before", "after", "holds", "reason"),
    [
        ("8", "2", Holds.YES, Reason.PRESENT),
        ("10", "2.4", Holds.YES, Reason.PRESENT),
        ("10", "2.5", Holds.YES, Reason.PRESENT),
        ("10", "2.51", Holds.CANNOT_TELL, Reason.VALUE_OUT_OF_RANGE),
        ("7", "2", Holds.CANNOT_TELL, Reason.VALUE_OUT_OF_RANGE),
        ("4", "5", Holds.CANNOT_TELL, Reason.VALUE_OUT_OF_RANGE),
        ("8", "0", Holds.YES, Reason.PRESENT),
        ("0", "0", Holds.CANNOT_TELL, Reason.MISSING),
    ],
)
def test_the_relief_is_held_against_the_threshold_exactly(
    before: str, after: str, holds: Holds, reason: Reason
) -> None:
    found = find(AT_LEAST_75, *injection("2026-02-01", before, after))
    assert (found.holds, found.reason) == (holds, reason)


def test_the_relief_is_printed_with_the_procedure_and_the_scores_are_evidence() -> None:
    found = find(AT_LEAST_75, *injection("2026-02-01", "8", "2"))
    assert [(item.reference, item.value) for item in found.evidence] == [
        ("Procedure/p2026-02-01", "75 %"),
        ("Observation/b2026-02-01", "8"),
        ("Observation/a2026-02-01", "2"),
    ]


def test_why_a_relief_cannot_be_told_is_printed_with_the_procedure() -> None:
    (evidence,) = find(AT_LEAST_75, procedure("trial", "2026-02-01")).evidence
    assert evidence.value == "the time of day of the procedure is not recorded"


@pytest.mark.parametrize(
    ("phrase", "before", "after", "holds"),
    [
        ("at most 0 %", "4", "4", Holds.YES),
        ("at most 0 %", "4", "5", Holds.YES),
        ("at most 0 %", "4", "3.99", Holds.CANNOT_TELL),
        ("under 50 %", "4", "2", Holds.CANNOT_TELL),
        ("under 50 %", "4", "2.01", Holds.YES),
        ("over 50 %", "4", "2", Holds.CANNOT_TELL),
        ("over 50 %", "4", "1.99", Holds.YES),
    ],
)
def test_every_comparison_holds_on_its_side(phrase: str, before: str, after: str, holds: Holds) -> None:
    assert (
        find(clause("pain_relief", after="trial", relief=phrase), *injection("2026-02-01", before, after)).holds
        is holds
    )


# --- occasions -------------------------------------------------------------------------------------------------------

GOOD = injection("2026-01-05", "8", "2")
GOOD_TOO = injection("2026-02-02", "9", "1")
BAD = injection("2026-01-19", "8", "7")


@pytest.mark.parametrize(
    ("resources", "holds", "reason"),
    [
        ([*GOOD, *GOOD_TOO], Holds.YES, Reason.PRESENT),
        ([*GOOD, *BAD, *GOOD_TOO], Holds.YES, Reason.PRESENT),
        (GOOD, Holds.CANNOT_TELL, Reason.MISSING),
        ([*GOOD, *BAD], Holds.CANNOT_TELL, Reason.VALUE_OUT_OF_RANGE),
        ([*GOOD, procedure("trial", "2026-02-02T10:00:00Z")], Holds.CANNOT_TELL, Reason.MISSING),
        ([*GOOD, *injection("2026-01-05", "8", "2", hour=20, name="two")], Holds.CANNOT_TELL, Reason.MISSING),
    ],
)
def test_two_occasions_are_two_days_that_pass(resources: list[Resource], holds: Holds, reason: Reason) -> None:
    found = find(TWICE, *resources)
    assert (found.holds, found.reason) == (holds, reason)


def test_a_day_on_which_one_of_two_fails_does_not_pass() -> None:
    both = [*injection("2026-01-05", "8", "2", hour=6), *injection("2026-01-05", "8", "7", hour=20, name="two")]
    found = find(AT_LEAST_75, *both)
    assert (found.holds, found.reason) == (Holds.CANNOT_TELL, Reason.VALUE_OUT_OF_RANGE)


def test_a_day_on_which_one_of_two_was_not_measured_does_not_pass() -> None:
    found = find(AT_LEAST_75, *GOOD, procedure("trial", "2026-01-05T22:00:00Z", id="two"))
    assert (found.holds, found.reason) == (Holds.CANNOT_TELL, Reason.MISSING)


def test_one_occasion_is_enough_where_none_is_named() -> None:
    assert find(AT_LEAST_75, *GOOD).holds is Holds.YES


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
        ("2026-01-31T12:00:00Z", "2026-02-01T13:00:00Z", Holds.YES),
        ("2026-01-31T11:59:59Z", "2026-02-01T13:00:00Z", Holds.CANNOT_TELL),
        ("2026-02-01T11:00:00Z", "2026-02-01T20:00:00Z", Holds.YES),
        ("2026-02-01T11:00:00Z", "2026-02-01T20:00:01Z", Holds.CANNOT_TELL),
    ],
)
def test_scores_count_from_a_day_before_to_eight_hours_after(before: str, after: str, holds: Holds) -> None:
    assert find(AT_LEAST_75, *measured(before, after)).holds is holds


def test_the_windows_may_be_named() -> None:
    wide = clause("pain_relief", after="trial", relief="at least 75 %", before="48 hours", until="48 hours")
    scores = measured("2026-01-30T12:00:00Z", "2026-02-03T12:00:00Z")
    assert (find(wide, *scores).holds, find(AT_LEAST_75, *scores).holds) == (Holds.YES, Holds.CANNOT_TELL)


def test_the_worst_score_after_it_counts() -> None:
    assert find(AT_LEAST_75, *GOOD, score("3", "2026-01-05T15:00:00Z")).holds is Holds.CANNOT_TELL


# --- which procedures, which data ------------------------------------------------------------------------------------


def test_a_procedure_after_the_anchor_date_is_none() -> None:
    found = find(AT_LEAST_75, *injection("2026-03-03", "8", "2"))
    assert (found.holds, found.reason) == (Holds.NO, Reason.NOT_FOUND)


def test_a_procedure_on_the_anchor_date_counts() -> None:
    assert find(AT_LEAST_75, *injection("2026-03-02", "8", "2")).holds is Holds.YES


def test_a_procedure_that_was_not_completed_shows_no_relief() -> None:
    resources = injection("2026-02-01", "8", "2")
    stopped = dict(resources[0]) | {"status": "stopped"}
    found = find(AT_LEAST_75, stopped, *resources[1:])
    assert (found.holds, named(found)) == (Holds.CANNOT_TELL, ["Procedure/p2026-02-01"])


@pytest.mark.parametrize("kind", ["Procedure", "Observation"])
@pytest.mark.parametrize("how", [UNAVAILABLE, NOT_OFFERED])
def test_what_was_not_read_might_show_less_relief(kind: str, how: Any) -> None:
    partial: dict[str, Any] = {kind: how}
    found = find(AT_LEAST_75, *GOOD, availability=available(**partial))
    assert (found.holds, found.reason, len(found.evidence)) == (Holds.CANNOT_TELL, Reason.DATA_UNAVAILABLE, 3)


def test_without_a_threshold_a_procedure_is_shown_with_its_relief() -> None:
    found = find(SHOWN, *GOOD, *BAD, availability=available(Observation=UNAVAILABLE))
    assert (found.holds, found.reason, len(found.evidence)) == (Holds.YES, Reason.PRESENT, 6)


def test_without_a_threshold_a_procedure_that_is_unclear_cannot_tell() -> None:
    found = find(SHOWN, procedure("trial", "2026-02-01", "stopped"))
    assert (found.holds, found.reason, len(found.evidence)) == (Holds.CANNOT_TELL, Reason.INVALID_ATTRIBUTE, 1)
