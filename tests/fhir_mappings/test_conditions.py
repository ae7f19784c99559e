"""Conditions: which are present, past, or uncertain."""

from datetime import date

import pytest

from fhir_mappings.conditions import Presence, conditions
from tests.support.fhir_builders import ASKED, KNOWN, concept, condition, record, status_of

TODAY = date(2026, 3, 2)


def read(*resources, codes=KNOWN):
    return conditions(record(*resources), codes)


def only(given, codes=KNOWN):
    (found,) = read(given, codes=codes)
    return found


def presence(given, codes=KNOWN):
    return only(given, codes).presence


@pytest.mark.parametrize(
    ("clinical", "expected"),
    [
        ("active", Presence.PRESENT),
        ("recurrence", Presence.PRESENT),
        ("relapse", Presence.PRESENT),
        ("inactive", Presence.PAST),
        ("remission", Presence.PAST),
        ("resolved", Presence.PAST),
        ("other", Presence.UNCERTAIN),
        (None, Presence.PRESENT),
    ],
)
def test_the_clinical_status_tells_present_from_past(clinical, expected):
    assert presence(condition(clinical)) is expected


@pytest.mark.parametrize(
    ("verification", "expected"),
    [
        ("confirmed", Presence.PRESENT),
        (None, Presence.PRESENT),
        ("provisional", Presence.UNCERTAIN),
        ("differential", Presence.UNCERTAIN),
        ("unconfirmed", Presence.UNCERTAIN),
        ("other", Presence.UNCERTAIN),
    ],
)
def test_what_is_not_confirmed_is_a_question(verification, expected):
    assert presence(condition(verification=verification)) is expected


@pytest.mark.parametrize("verification", ["refuted", "entered-in-error"])
def test_what_was_refuted_or_mistaken_is_left_out(verification):
    assert read(condition(verification=verification)) == ()


@pytest.mark.parametrize("given", [{"text": "Resolved"}, {"coding": [{"display": "Resolved"}]}, {"coding": [{}]}])
def test_a_clinical_status_without_a_code_is_a_question(given):
    assert presence(condition(None, clinicalStatus=given)) is Presence.UNCERTAIN


def test_a_verification_status_without_a_code_is_a_question():
    assert presence(condition(verification=None, verificationStatus={"text": "Refuted"})) is Presence.UNCERTAIN


@pytest.mark.parametrize(
    "abatement",
    [
        {"abatementDateTime": "2024-05-01"},
        {"abatementPeriod": {"end": "2024"}},
        {"abatementString": "in spring"},
        {"abatementAge": {"value": 40, "unit": "a", "code": "a", "system": "http://unitsofmeasure.org"}},
    ],
)
def test_without_a_status_what_has_abated_is_past(abatement):
    assert presence(condition(None, **abatement)) is Presence.PAST


def test_an_empty_abatement_is_none():
    assert presence({**condition(None), "abatementDateTime": None}) is Presence.PRESENT


def test_an_active_condition_that_has_abated_is_a_question():
    assert presence(condition("active", abatementDateTime="2024-05-01")) is Presence.UNCERTAIN


def test_a_code_that_only_asks_makes_a_question():
    assert presence(condition(), codes=ASKED) is Presence.UNCERTAIN


def test_a_past_condition_of_a_code_that_only_asks_is_a_question():
    assert presence(condition("resolved"), codes=ASKED) is Presence.UNCERTAIN


@pytest.mark.parametrize("code", [concept("other"), {"text": "Fibromyalgia"}, {"coding": [{}]}, None])
def test_a_condition_without_one_of_the_codes_is_left_out(code):
    assert read(condition(code=code)) == ()


def test_any_coding_of_the_concept_counts():
    assert presence(condition(code={"coding": [*concept("other")["coding"], *concept()["coding"]]})) is Presence.PRESENT


@pytest.mark.parametrize(
    "fault",
    [
        {"onsetDateTime": "2026-02-30"},
        {"onsetDateTime": "2020-01-01T10:00"},
        {"clinicalStatus": "active"},
        {"verificationStatus": "confirmed"},
        {"recordedDate": "2020-13"},
        {"abatementDateTime": "then"},
        {"code": {**concept(), "text": 5}},
        {"onsetDateTime": "2020", "onsetString": "long ago"},
    ],
)
def test_a_fault_in_an_element_in_use_makes_a_question_and_no_absence(fault):
    assert presence(condition(**fault)) is Presence.UNCERTAIN


def test_a_quarantined_condition_is_shown_as_set_aside():
    assert only(condition(onsetDateTime="then")).evidence.value == "set aside"


def test_what_is_set_aside_may_have_begun_at_any_time():
    assert only(condition(onsetDateTime="then")).since.earliest == date.min


def test_a_fault_elsewhere_changes_nothing():
    assert presence(condition(note="x", severity=[])) is Presence.PRESENT


def test_a_fault_elsewhere_is_named():
    chart = record(condition(note="x"))
    conditions(chart, KNOWN)
    assert list(chart.tolerated) == ["Condition/x"]


@pytest.mark.parametrize(
    ("dates", "earliest", "latest"),
    [
        ({"onsetDateTime": "2025-06-10"}, date(2025, 6, 10), date(2025, 6, 10)),
        ({"onsetDateTime": "2025-06"}, date(2025, 6, 1), date(2025, 6, 30)),
        ({"onsetPeriod": {"start": "2025"}}, date(2025, 1, 1), date(2025, 12, 31)),
        ({"onsetString": "long ago"}, date.min, date.max),
        ({}, date.min, date.max),
        ({"recordedDate": "2025-06-10"}, date.min, date(2025, 6, 10)),
        ({"onsetDateTime": "2025", "recordedDate": "2025-06-10"}, date(2025, 1, 1), date(2025, 6, 10)),
        ({"onsetDateTime": "2024", "recordedDate": "2025-06-10"}, date(2024, 1, 1), date(2024, 12, 31)),
        ({"onsetDateTime": "2025-06-10", "recordedDate": "2025-06-10"}, date(2025, 6, 10), date(2025, 6, 10)),
        ({"onsetDateTime": "2026-01-01", "recordedDate": "2025-09-05"}, date.min, date(2025, 9, 5)),
    ],
)
def test_a_condition_begins_at_its_onset_and_no_later_than_its_record(dates, earliest, latest):
    since = only(condition(**dates)).since
    assert (since.earliest, since.latest) == (earliest, latest)


@pytest.mark.parametrize(
    ("dates", "shown"),
    [
        ({"onsetDateTime": "2025-06", "recordedDate": "2025-08-01"}, "2025-06"),
        ({"recordedDate": "2025-08-01"}, "2025-08-01"),
        ({}, ""),
    ],
)
def test_the_evidence_shows_onset_else_the_day_it_was_recorded(dates, shown):
    assert only(condition(**dates)).evidence.date == shown


@pytest.mark.parametrize(
    ("given", "value"),
    [
        (condition(), ""),
        (condition("resolved"), "no longer active"),
        (condition(verification="provisional"), "to be confirmed"),
    ],
)
def test_the_evidence_shows_the_presence(given, value):
    assert only(given).evidence.value == value


def on(given, day, codes=KNOWN):
    found = only(given, codes).on(date.fromisoformat(day))
    return found and found.presence


@pytest.mark.parametrize(
    ("day", "expected"), [("2025-06-09", None), ("2025-06-10", Presence.PRESENT), ("2026-03-02", Presence.PRESENT)]
)
def test_a_condition_is_there_from_the_day_of_its_onset(day, expected):
    assert on(condition(onsetDateTime="2025-06-10"), day) is expected


@pytest.mark.parametrize(("day", "expected"), [("2025-05-31", None), ("2025-06-01", Presence.PRESENT)])
def test_a_condition_may_be_there_from_the_first_day_of_a_partial_onset(day, expected):
    assert on(condition(onsetDateTime="2025-06"), day) is expected


RESOLVED = {"onsetDateTime": "2024-01-01", "abatementDateTime": "2025-06-10"}


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        ("2023-12-31", None),
        ("2024-01-01", Presence.PRESENT),
        ("2025-06-09", Presence.PRESENT),
        ("2025-06-10", Presence.PAST),
    ],
)
def test_a_resolved_condition_was_there_until_it_abated(day, expected):
    assert on(condition("resolved", **RESOLVED), day) is expected


def test_a_resolved_condition_without_an_end_stays_past():
    assert on(condition("resolved", onsetDateTime="2024-01-01"), "2024-06-01") is Presence.PAST


def test_a_resolved_condition_of_unknown_onset_stays_past():
    assert on(condition("resolved", abatementDateTime="2025-06-10"), "2024-06-01") is Presence.PAST


def test_the_end_of_a_period_is_an_abatement():
    given = condition("resolved", onsetDateTime="2024-01-01", abatementPeriod={"end": "2025-06-10"})
    assert on(given, "2025-06-09") is Presence.PRESENT


def test_a_condition_that_was_never_confirmed_is_a_question_on_any_day():
    assert on(condition("resolved", "provisional", **RESOLVED), "2024-06-01") is Presence.UNCERTAIN


def test_a_code_that_only_asks_is_a_question_on_any_day():
    assert on(condition("resolved", **RESOLVED), "2024-06-01", ASKED) is Presence.UNCERTAIN


def test_two_rows_are_two_conditions():
    found = read(condition(id="a"), condition("resolved", id="b"))
    assert [each.reference for each in found] == ["Condition/a", "Condition/b"]


def test_a_status_of_several_codes_is_past_where_one_says_so():
    both = {"coding": [*status_of("active")["coding"], *status_of("resolved")["coding"]]}
    assert presence(condition(None, clinicalStatus=both)) is Presence.PAST
