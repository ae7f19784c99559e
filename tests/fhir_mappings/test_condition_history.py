"""Conditions of the past: whether each is certain, has ended, when it began, and whether it was there in a period."""

from datetime import date

import pytest

from fhir_mappings.codings import Course, Match
from fhir_mappings.condition_course import Times
from fhir_mappings.condition_history import known_conditions, there_within
from fhir_mappings.dates import CalendarPeriod, DateInterval
from fhir_mappings.truth import Truth
from tests.support.fhir_builders import ASKED, KNOWN, condition, record, resource, status_of

TODAY = date(2026, 3, 2)
YEAR = CalendarPeriod(12, "months")
YES, NO, UNKNOWN = Truth.YES, Truth.NO, Truth.UNKNOWN
HISTORY = [status_of("medical-history")]
DIAGNOSIS = [status_of("encounter-diagnosis")]


def lasting(course):
    return lambda codings: Match("Known", True, course) if any(each.code == "known" for each in codings) else None


ACUTE, PERMANENT = lasting(Course.ACUTE), lasting(Course.PERMANENT)


def times(day=TODAY):
    return Times(day, TODAY, "", YEAR, CalendarPeriod(14, "days"), CalendarPeriod(7, "days"))


def known(*resources, codes=KNOWN, day=TODAY):
    return known_conditions(record(*resources), codes, times(day))


def only(given, codes=KNOWN, day=TODAY):
    (found,) = known(given, codes=codes, day=day)
    return found


@pytest.mark.parametrize(
    ("given", "codes", "is_certain", "value"),
    [
        (condition(), KNOWN, True, ""),
        (condition("resolved"), KNOWN, True, "ended"),
        (condition("resolved", abatementDateTime="2020-05"), KNOWN, True, "ended 2020-05"),
        (condition(None), KNOWN, True, ""),
        (condition(category=HISTORY), KNOWN, True, ""),
        (condition(category=DIAGNOSIS, onsetDateTime="2010-01-01"), KNOWN, True, ""),
        (condition(verification="provisional"), KNOWN, False, "to be confirmed"),
        (condition(), ASKED, False, "to be confirmed"),
        (condition(None, category=[status_of("health-concern")]), KNOWN, False, "to be confirmed"),
        (condition(onsetDateTime="last spring"), KNOWN, False, "set aside"),
        (condition(onsetDateTime="2026-03-03"), KNOWN, False, "dated in the future"),
        (condition("resolved"), PERMANENT, False, "no longer active"),
        (condition(), PERMANENT, True, ""),
    ],
)
def test_what_is_confirmed_is_certain_however_long_ago(given, codes, is_certain, value):
    found = only(given, codes)
    assert (found.is_certain, found.evidence.value) == (is_certain, value)


@pytest.mark.parametrize(
    ("refuted", "is_certain"), [("2019-12-01", True), ("2020-01-05", False), ("2024-01-01", False), (None, False)]
)
def test_a_refutation_that_is_not_surely_earlier_leaves_it_open(refuted, is_certain):
    over = condition("resolved", onsetDateTime="2019-06-01", abatementDateTime="2020-01-01", id="over")
    never = condition(None, "refuted", recordedDate=refuted, id="never")
    (found,) = known(over, never)
    assert found.is_certain is is_certain


def test_what_is_active_and_refuted_later_was_never_there():
    was = condition(recordedDate="2019-06-01", id="was")
    assert known(was, condition(None, "refuted", recordedDate="2020-06-01", id="never")) == ()


@pytest.mark.parametrize(
    ("given", "ended"),
    [
        (condition(), NO),
        (condition("resolved"), YES),
        (condition("inactive"), YES),
        (condition("remission"), YES),
        (condition("resolved", abatementDateTime="2026-03-02"), YES),
        (condition(None, abatementDateTime="2020-01-01"), YES),
        (condition(None, category=HISTORY), YES),
        (condition("active", category=HISTORY), UNKNOWN),
        (condition("active", category=DIAGNOSIS, onsetDateTime="2010-01-01"), UNKNOWN),
        (condition("active", abatementDateTime="2020-01-01"), UNKNOWN),
    ],
)
def test_an_end_a_status_or_the_history_list_says_that_it_is_over(given, ended):
    assert only(given).has_ended is ended


@pytest.mark.parametrize(
    ("end", "ended"),
    [("2025-11-10", YES), ("2025-11", UNKNOWN), ("2025-11-11", NO), (None, UNKNOWN)],
)
def test_on_an_earlier_day_it_is_over_if_it_ended_by_then(end, ended):
    members = {"abatementDateTime": end} if end else {}
    given = condition("resolved", onsetDateTime="2020-01-01", **members)
    assert only(given, day=date(2025, 11, 10)).has_ended is ended


@pytest.mark.parametrize(
    ("given", "codes", "began"),
    [
        (condition(onsetDateTime="2025-05"), KNOWN, DateInterval(date(2025, 5, 1), date(2025, 5, 31))),
        (condition(recordedDate="2025-05-01"), KNOWN, DateInterval(date.min, date(2025, 5, 1))),
        (condition(recordedDate="2025-05-01"), ACUTE, DateInterval(date.min, date(2025, 5, 1))),
        (
            condition(recordedDate="2025-05-15", category=DIAGNOSIS),
            ACUTE,
            DateInterval(date(2025, 5, 1), date(2025, 5, 15)),
        ),
        (condition(recordedDate="2025-05-15", category=DIAGNOSIS), KNOWN, DateInterval(date.min, date(2025, 5, 15))),
        (condition(), KNOWN, DateInterval(date.min, date.max)),
    ],
)
def test_it_began_at_its_onset_or_before_its_record(given, codes, began):
    assert only(given, codes).began == began


def ended(onset, end, **more):
    return condition("resolved", onsetDateTime=onset, abatementDateTime=end, **more)


@pytest.mark.parametrize(
    ("given", "within"),
    [
        (condition(), YES),
        (ended("2010-01-01", "2025-03-02"), YES),
        (ended("2010-01-01", "2025-03-01"), NO),
        (ended("2010-01-01", "2025-03"), UNKNOWN),
        (ended("2010-01-01", "2025"), UNKNOWN),
        (ended("2025-03-02", "2025-04-01"), YES),
        (condition("resolved", onsetDateTime="2025-03-02"), YES),
        (condition("resolved", onsetDateTime="2025-03-01"), UNKNOWN),
        (condition("resolved", recordedDate="2025-06-01"), UNKNOWN),
        (condition(category=DIAGNOSIS, recordedDate="2025-03-01"), UNKNOWN),
        (condition("resolved", category=DIAGNOSIS, recordedDate="2025-03-02"), YES),
        (condition(None, category=HISTORY, recordedDate="2025-06-01"), UNKNOWN),
        (condition(None, category=HISTORY, onsetDateTime="2025-06-01"), YES),
    ],
)
def test_a_chronic_condition_was_there_if_a_day_of_it_is_in_the_period(given, within):
    assert there_within(only(given), YEAR, times()) is within


@pytest.mark.parametrize(
    ("given", "within"),
    [
        (condition(onsetDateTime="2025-03-02"), YES),
        (condition(onsetDateTime="2025-03-01", category=DIAGNOSIS), UNKNOWN),
        (condition(onsetDateTime="2025-02-16", category=DIAGNOSIS), UNKNOWN),
        (condition(onsetDateTime="2025-02-15", category=DIAGNOSIS), NO),
        (condition(onsetDateTime="2025-02-15"), UNKNOWN),
        (condition("resolved", onsetDateTime="2025-02-15"), NO),
        (condition(onsetDateTime="2015-01-01", recordedDate="2025-06-01"), UNKNOWN),
        (condition(recordedDate="2025-06-01"), YES),
        (condition(recordedDate="2025-03-01"), UNKNOWN),
    ],
)
def test_an_acute_condition_lasts_for_days(given, within):
    assert there_within(only(given, ACUTE), YEAR, times()) is within


def test_the_encounter_of_a_diagnosis_dates_it():
    seen = resource("Encounter", id="e", status="finished", period={"start": "2025-03-02", "end": "2025-03-02"})
    given = condition(category=DIAGNOSIS, encounter={"reference": "Encounter/e"}, id="c")
    (found,) = known(given, seen, codes=ACUTE)
    assert there_within(found, YEAR, times()) is YES


def test_an_end_in_the_month_that_the_period_begins_in_cannot_tell():
    given = condition("resolved", abatementDateTime="2025-02")
    assert there_within(only(given, day=date(2026, 2, 28)), YEAR, times(date(2026, 2, 28))) is UNKNOWN


def test_the_period_ends_on_the_day():
    began_later = condition(onsetDateTime="2025-12-01")
    assert known(began_later, day=date(2025, 11, 10)) == ()
