"""Procedures: what was done, when, and for what."""

from datetime import date

import pytest

from fhir_mappings.codings import CPT
from fhir_mappings.procedures import Progress, latest_on_or_before, procedures
from tests.support.fhir_builders import ASKED, KNOWN, concept, procedure, record


def only(given, codes=KNOWN, reading=procedures):
    (found,) = reading(record(given), codes)
    return found


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("completed", Progress.DONE),
        ("in-progress", Progress.UNDER_WAY),
        ("preparation", Progress.UNCLEAR),
        ("on-hold", Progress.UNCLEAR),
        ("stopped", Progress.UNCLEAR),
        ("unknown", Progress.UNCLEAR),
        ("final", Progress.UNCLEAR),
        (None, Progress.UNCLEAR),
        (5, Progress.UNCLEAR),
        (["completed"], Progress.UNCLEAR),
        ({}, Progress.UNCLEAR),
    ],
)
def test_the_status_of_a_procedure_tells_how_far_it_got(status, expected):
    assert only(procedure(status=status)).progress is expected


@pytest.mark.parametrize("status", ["not-done", "entered-in-error"])
def test_a_procedure_that_never_happened_is_left_out(status):
    assert procedures(record(procedure(status=status)), KNOWN) == ()


def test_a_procedure_with_a_modifier_of_what_was_discontinued_is_unclear():
    def coded(modifier):
        return {"coding": [*concept()["coding"], {"system": CPT, "code": modifier}]}

    assert only(procedure(code=coded("53"))).progress is Progress.UNCLEAR
    assert only(procedure(code=coded("59"))).progress is Progress.DONE


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"code": {**concept(), "text": "Psychotherapy - no show"}}, Progress.UNCLEAR),
        ({"reasonCode": [{"text": "Patient did not attend"}]}, Progress.UNCLEAR),
        ({"code": {**concept(), "text": "Psychotherapy"}, "reasonCode": [{"text": "Pain"}]}, Progress.DONE),
    ],
)
def test_a_procedure_to_which_the_patient_did_not_come_is_unclear(members, expected):
    assert only(procedure(**members)).progress is expected


def test_a_code_that_only_asks_leaves_it_unclear():
    assert only(procedure(), ASKED).progress is Progress.UNCLEAR


def test_another_procedure_is_left_out():
    assert procedures(record(procedure(code=concept("other"))), KNOWN) == ()


def days(found):
    start = found.start and (found.start.earliest, found.start.latest)
    return start, found.end and (found.end.earliest, found.end.latest)


FIFTH, SIXTH = (date(2026, 1, 5),) * 2, (date(2026, 1, 6),) * 2


@pytest.mark.parametrize(
    ("performed", "expected"),
    [
        ({"performedDateTime": "2026-01-05"}, (FIFTH, FIFTH)),
        ({"performedDateTime": "2026-01"}, ((date(2026, 1, 1), date(2026, 1, 31)),) * 2),
        ({"performedPeriod": {"start": "2026-01-05", "end": "2026-01-06"}}, (FIFTH, SIXTH)),
        ({"performedPeriod": {"start": "2026-01-05", "end": "2026-01-05"}}, (FIFTH, FIFTH)),
        ({"performedPeriod": {"start": "2026-01-05"}}, (FIFTH, None)),
        ({"performedPeriod": {"end": "2026-01-06"}}, (None, SIXTH)),
        ({"performedPeriod": {"start": "2026-01-06", "end": "2026-01-05"}}, (None, None)),
        (
            {"performedPeriod": {"start": "2026-01-05T11:00:00-05:00", "end": "2026-01-05T10:00:00-05:00"}},
            (None, None),
        ),
        (
            {"performedPeriod": {"start": "2026-01-05T11:00:00-05:00", "end": "2026-01-05T11:00:00-05:00"}},
            (FIFTH, FIFTH),
        ),
        ({"performedString": "in spring"}, (None, None)),
        ({}, (None, None)),
    ],
)
def test_it_was_done_from_its_start_to_its_end(performed, expected):
    assert days(only(procedure(None, **performed))) == expected


@pytest.mark.parametrize(
    ("performed", "shown"),
    [
        ({"performedPeriod": {"start": "2026-01-05", "end": "2026-02-10"}}, "2026-01-05 to 2026-02-10"),
        ({"performedPeriod": {"start": "2026-01-05", "end": "2026-01-05"}}, "2026-01-05"),
        ({"performedPeriod": {"start": "2026-01-05"}}, "2026-01-05"),
        ({}, ""),
    ],
)
def test_the_evidence_shows_its_days(performed, shown):
    assert only(procedure(None, **performed)).evidence.date == shown


@pytest.mark.parametrize(
    ("status", "value"), [("completed", ""), ("in-progress", "under way"), ("stopped", "to be confirmed")]
)
def test_the_evidence_says_how_far_it_got(status, value):
    assert only(procedure(status=status)).evidence.value == value


@pytest.mark.parametrize(
    "fault",
    [{"performedDateTime": "then"}, {"performedString": "x"}, {"code": {**concept(), "text": []}}, {"status": None}],
)
def test_a_fault_in_an_element_in_use_leaves_it_unclear_and_undated(fault):
    found = only(procedure(**fault))
    assert (found.progress, found.start, found.end, found.evidence.value) == (
        Progress.UNCLEAR,
        None,
        None,
        "set aside",
    )


@pytest.mark.parametrize("fault", [{"outcome": "x"}, {"statusReason": "x"}, {"performer": "x"}])
def test_a_fault_elsewhere_changes_nothing(fault):
    assert only(procedure(**fault)).progress is Progress.DONE


def last(*given, day="2026-02-10"):
    found = latest_on_or_before(procedures(record(*given), KNOWN), date.fromisoformat(day))
    return found and found.reference


def test_the_last_thing_done_is_the_one_nearest_before_the_day():
    given = [procedure("2026-01-05", id="a"), procedure("2026-02-05", id="b"), procedure("2026-02-20", id="c")]
    assert last(*given) == "Procedure/b"


@pytest.mark.parametrize(("day", "expected"), [("2026-01-04", None), ("2026-01-05", "Procedure/x")])
def test_the_day_itself_counts(day, expected):
    assert last(procedure("2026-01-05"), day=day) == expected


def test_what_is_under_way_is_not_the_last():
    assert last(procedure(status="in-progress")) is None


@pytest.mark.parametrize("given", [procedure(None, id="b"), procedure("2026-02", id="b")])
def test_what_is_undated_or_of_an_imprecise_day_may_be_the_last_and_is_taken_for_it(given):
    assert last(procedure("2026-01-05", id="a"), given) == "Procedure/b"


def test_an_imprecise_day_that_surely_lies_earlier_is_not_the_last():
    assert last(procedure("2026-01-05", id="a"), procedure("2025-12", id="b")) == "Procedure/a"


@pytest.mark.parametrize(
    ("words", "purpose"),
    [
        ("Diagnostic", "diagnostic"),
        ("Therapeutic injection", "therapeutic"),
        ("Therapeutic exercise", ""),
        ("Therapeutic activities, 15 minutes", ""),
        ("Sacroiliitis on diagnostic MRI", ""),
        ("Diagnostic pelvic imaging", ""),
        ("Diagnostic block after diagnostic MRI", ""),
    ],
)
def test_a_purpose_is_that_of_the_procedure_and_not_of_an_exercise_or_a_study(words, purpose):
    assert only(procedure(reasonCode=[{"text": words}])).purpose == purpose


def test_a_procedure_is_about_its_body_site_and_its_reasons():
    found = only(procedure(bodySite=[concept("16982005")], reasonCode=[concept("M75.101")]))
    assert [[coding.code for coding in each] for each in found.about] == [["16982005"], ["M75.101"]]
