"""Conditions as of a day: which are present, past, or uncertain, by status, list, date, and course."""

from datetime import date

import pytest

from fhir_mappings.codings import Course, Match
from fhir_mappings.condition_course import Presence, Times, conditions_on
from fhir_mappings.conditions import statements
from fhir_mappings.dates import CalendarPeriod
from tests.support.fhir_builders import ASKED, KNOWN, concept, condition, record, resource, status_of

TODAY = date(2026, 3, 2)


def read(*resources, codes=KNOWN, day=TODAY, encounter=""):
    times = Times(
        day, TODAY, encounter, CalendarPeriod(12, "months"), CalendarPeriod(14, "days"), CalendarPeriod(7, "days")
    )
    return conditions_on(record(*resources), codes, times)


def only(given, codes=KNOWN, **more):
    (found,) = read(given, codes=codes, **more)
    return found


def presence(given, codes=KNOWN, **more):
    return only(given, codes, **more).presence


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
    statements(chart, KNOWN)
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
    found = read(given, codes=codes, day=date.fromisoformat(day))
    return found[0].presence if found else None


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


# --- the list it stands on, and its course ----------------------------------------------------------------------------

ENCOUNTER_DIAGNOSIS = {"category": [concept("encounter-diagnosis")]}
PROBLEM = {"category": [concept("problem-list-item")]}


def of_course(course, *, asks=()):
    """A code test: `known` decides and lasts so long, and each of `asks` asks under a label that continues its own."""

    def test(codings):
        given = {coding.code for coding in codings}
        if given & set(asks):
            return Match("Known, in remission", False, course)
        return Match("Known", True, course) if "known" in given else None

    return test


PERMANENT, CHRONIC, ACUTE = (of_course(course, asks=("remission",)) for course in Course)


def presences(*resources, codes=CHRONIC, **more):
    return [each.presence for each in read(*resources, codes=codes, **more)]


@pytest.mark.parametrize(
    ("recorded", "expected"),
    [
        ("2025-03-02", Presence.PRESENT),
        ("2025-03-01", Presence.UNCERTAIN),
        ("2025-04", Presence.PRESENT),
        ("2025-03", Presence.UNCERTAIN),
        ("2025", Presence.UNCERTAIN),
        ("2019-02-01", Presence.UNCERTAIN),
        (None, Presence.UNCERTAIN),
    ],
)
@pytest.mark.parametrize("status", ["active", None])
def test_the_diagnosis_of_an_encounter_counts_for_twelve_months(status, recorded, expected):
    given = condition(status, recordedDate=recorded, **ENCOUNTER_DIAGNOSIS)
    assert presence(given, CHRONIC) is expected


def test_a_problem_counts_until_it_ends():
    assert presence(condition(recordedDate="2001", **PROBLEM), CHRONIC) is Presence.PRESENT
    assert presence(condition(**PROBLEM), CHRONIC) is Presence.PRESENT


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({}, Presence.PRESENT),
        ({"encounter": {"reference": "Encounter/e"}}, Presence.UNCERTAIN),
        ({"encounter": {"reference": "Encounter/e"}, **PROBLEM}, Presence.PRESENT),
        ({"category": [concept("other")]}, Presence.PRESENT),
        ({"category": [{"text": "Encounter Diagnosis"}]}, Presence.UNCERTAIN),
        ({"category": [{"text": "Problem List Item"}], "encounter": {"reference": "Encounter/e"}}, Presence.PRESENT),
        ({"category": [concept("439401001")]}, Presence.UNCERTAIN),
        ({"category": [concept("encounter-diagnosis"), concept("problem-list-item")]}, Presence.PRESENT),
        ({"category": [concept("health-concern")]}, Presence.PRESENT),
        ({"category": [concept("medical-history")]}, Presence.UNCERTAIN),
    ],
)
def test_the_category_tells_the_list_and_without_one_whether_it_names_an_encounter(members, expected):
    assert presence(condition(recordedDate="2019-02-01", **members), CHRONIC) is expected


@pytest.mark.parametrize(
    ("category", "expected"),
    [("problem-list-item", Presence.PRESENT), ("health-concern", Presence.UNCERTAIN)],
)
def test_without_a_status_only_a_problem_is_active(category, expected):
    assert presence(condition(None, recordedDate="2026-02-20", category=[concept(category)]), CHRONIC) is expected


def visit(status="finished", name="e", **period):
    made = {"status": status, "class": {"code": "IMP"}, "period": period or None}
    return resource("Encounter", id=name, **made)


AT_VISIT = {"encounter": {"reference": "Encounter/e"}, **ENCOUNTER_DIAGNOSIS}


@pytest.mark.parametrize(("start", "expected"), [("2025-03-02", Presence.PRESENT), ("2025-03-01", Presence.UNCERTAIN)])
def test_the_encounter_dates_its_diagnosis_whenever_that_was_recorded(start, expected):
    given = condition(recordedDate="2026-02-20", **AT_VISIT), visit(start=start, end=start)
    assert presences(*given) == [expected]
    assert presences(condition(**AT_VISIT), visit(start=start, end=start)) == [expected]


@pytest.mark.parametrize("codes", [CHRONIC, ACUTE])
@pytest.mark.parametrize(("ours", "expected"), [("Encounter/e", Presence.PRESENT), ("Encounter/f", Presence.UNCERTAIN)])
def test_a_diagnosis_of_the_encounter_of_the_order_counts_without_a_date(codes, ours, expected):
    assert presences(condition(**AT_VISIT), codes=codes, encounter=ours) == [expected]


@pytest.mark.parametrize(
    ("dates", "expected"),
    [
        ({"onsetDateTime": "2026-02-16"}, Presence.PRESENT),
        ({"onsetDateTime": "2026-02-15"}, Presence.UNCERTAIN),
        ({"recordedDate": "2026-02-16"}, Presence.PRESENT),
        ({"recordedDate": "2026-02-15"}, Presence.UNCERTAIN),
        ({"onsetDateTime": "2026-01-10", "recordedDate": "2026-02-28"}, Presence.UNCERTAIN),
        ({"onsetDateTime": "2026-03"}, Presence.PRESENT),
        ({"onsetDateTime": "2026-02"}, Presence.UNCERTAIN),
        ({}, Presence.UNCERTAIN),
    ],
)
@pytest.mark.parametrize("listed", [PROBLEM, ENCOUNTER_DIAGNOSIS, {"category": [concept("health-concern")]}])
def test_an_acute_condition_counts_for_days_whatever_list_it_stands_on(listed, dates, expected):
    assert presence(condition(**listed, **dates), ACUTE) is expected


@pytest.mark.parametrize(
    ("encounter", "expected"),
    [
        (visit("finished"), Presence.UNCERTAIN),
        (visit("in-progress", start="2026-02-20"), Presence.PRESENT),
        (visit("in-progress", start="2026-02-20", end="2026-02-27"), Presence.UNCERTAIN),
        (visit("in-progress", start="2026-02-20", end="2026-03-09"), Presence.PRESENT),
        (visit("finished", name="other"), Presence.PRESENT),
        (visit("finished", start="then"), Presence.PRESENT),
    ],
)
def test_an_acute_condition_counts_no_longer_than_its_encounter(encounter, expected):
    given = condition(onsetDateTime="2026-02-20", **(AT_VISIT | PROBLEM))
    assert presences(given, encounter, codes=ACUTE) == [expected]


def test_an_acute_condition_of_an_encounter_to_come_is_a_question():
    given = condition(**(AT_VISIT | PROBLEM))
    assert presences(given, visit("planned", start="2026-03-09"), codes=ACUTE) == [Presence.UNCERTAIN]
    assert presences(given, visit("in-progress", start="2026-02-27"), codes=ACUTE) == [Presence.PRESENT]


def test_days_count_back_from_today_where_the_order_is_planned_for_later():
    sepsis = condition(onsetDateTime="2026-02-20", **PROBLEM)
    assert presence(sepsis, ACUTE, day=date(2026, 6, 1)) is Presence.PRESENT
    diagnosed = condition(recordedDate="2025-03-10", **ENCOUNTER_DIAGNOSIS)
    assert presence(diagnosed, CHRONIC, day=date(2026, 6, 1)) is Presence.PRESENT


def test_days_count_back_from_the_day_in_question_where_that_is_earlier():
    sepsis = condition(onsetDateTime="2025-11-01", **PROBLEM)
    assert presence(sepsis, ACUTE, day=date(2025, 11, 10)) is Presence.PRESENT
    assert presence(sepsis, ACUTE) is Presence.UNCERTAIN


@pytest.mark.parametrize(
    "members",
    [
        {"recordedDate": "2009-01-01", **ENCOUNTER_DIAGNOSIS},
        ENCOUNTER_DIAGNOSIS,
        {"category": [concept("medical-history")]},
        {"clinical": None, "category": [concept("health-concern")]},
    ],
)
def test_a_permanent_condition_stands_from_any_confirmed_record(members):
    assert presence(condition(**members), PERMANENT) is Presence.PRESENT


def test_a_permanent_condition_needs_a_record_that_is_confirmed():
    assert presence(condition(verification="provisional"), PERMANENT) is Presence.UNCERTAIN


@pytest.mark.parametrize("dates", [{"onsetDateTime": "2026-03-03"}, {"recordedDate": "2026-04-01"}])
@pytest.mark.parametrize("codes", [PERMANENT, CHRONIC, ACUTE])
def test_a_record_dated_in_the_future_proves_nothing(codes, dates):
    assert presence(condition(**dates), codes, day=date(2026, 6, 1)) is Presence.UNCERTAIN


@pytest.mark.parametrize(
    ("ended", "expected"),
    [("2026-03-02", Presence.PRESENT), ("2026-03", Presence.PAST), ("2026-03-03", Presence.UNCERTAIN)],
)
def test_an_end_dated_in_the_future_proves_nothing(ended, expected):
    given = condition("resolved", onsetDateTime="2015-01-01", abatementDateTime=ended)
    assert presence(given, CHRONIC, day=date(2026, 3, 1)) is expected


def test_words_without_a_code_only_ask():
    def fibromyalgia(codings):
        return Match("Fibromyalgia", True) if any(coding.code == "M79.7" for coding in codings) else None

    assert presence(condition(code={"text": "Fibromyalgia"}), fibromyalgia) is Presence.UNCERTAIN


# --- several statements about one condition ---------------------------------------------------------------------------


def ended(day, **members):
    return condition("resolved", id="z", abatementDateTime=day, **members)


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        ("2025-12-24", Presence.PRESENT),
        ("2025-12-25", Presence.UNCERTAIN),
        ("2026-01-08", Presence.UNCERTAIN),
        ("2026-02-20", Presence.UNCERTAIN),
    ],
)
@pytest.mark.parametrize("listed", [PROBLEM, ENCOUNTER_DIAGNOSIS])
def test_a_later_end_replaces_a_statement_and_one_about_the_same_time_leaves_it_open(listed, day, expected):
    active = condition(recordedDate="2026-01-01", **listed)
    assert presences(active, ended(day)) == [expected, Presence.PAST]


def test_the_evidence_tells_a_later_record_from_one_about_the_same_time():
    active = condition(recordedDate="2026-01-01")
    assert read(active, ended("2026-02-01"), codes=CHRONIC)[0].evidence.value == "a later record differs"
    assert read(active, ended("2026-01-02"), codes=CHRONIC)[0].evidence.value == "records differ"


def test_an_end_without_a_date_may_have_come_later():
    over = condition("resolved", id="z", recordedDate="2020-01-01")
    assert presences(condition(recordedDate="2026-01-01"), over) == [Presence.UNCERTAIN, Presence.PAST]


def test_a_statement_without_a_date_may_be_the_older_one():
    assert presences(condition(), ended("2020-01-01")) == [Presence.UNCERTAIN, Presence.PAST]


def test_a_statement_after_the_day_in_question_says_nothing_of_that_day():
    active = condition(onsetDateTime="2024-01-01", recordedDate="2024-01-01")
    found = presences(active, ended("2026-01-01", onsetDateTime="2025-12-20"), day=date(2025, 6, 1))
    assert found == [Presence.PRESENT]


def test_what_is_unconfirmed_replaces_nothing():
    doubtful = condition(verification="provisional", id="z", recordedDate="2026-02-01")
    assert presences(condition(recordedDate="2025-01-01"), doubtful) == [Presence.PRESENT, Presence.UNCERTAIN]


def test_another_condition_of_the_set_replaces_nothing():
    def two(codings):
        label = next(coding.code for coding in codings)
        return Match(label, True)

    chart = condition(code=concept("one"), recordedDate="2025-01-01"), ended("2026-01-01", code=concept("two"))
    assert presences(*chart, codes=two) == [Presence.PRESENT, Presence.PAST]


LEFT = {"bodySite": [concept("7771000", "http://snomed.info/sct")]}
RIGHT = {"bodySite": [concept("24028007", "http://snomed.info/sct")]}
BOTH = {"bodySite": [concept("51440002", "http://snomed.info/sct")]}
CONTRADICTING = {"bodySite": [{**concept("7771000", "http://snomed.info/sct"), "text": "Right hip"}]}


@pytest.mark.parametrize(
    ("ours", "theirs", "expected"),
    [
        (LEFT, RIGHT, Presence.PRESENT),
        (LEFT, LEFT, Presence.UNCERTAIN),
        (LEFT, {}, Presence.UNCERTAIN),
        ({}, LEFT, Presence.UNCERTAIN),
        (BOTH, LEFT, Presence.UNCERTAIN),
        (LEFT, BOTH, Presence.UNCERTAIN),
        (LEFT, CONTRADICTING, Presence.UNCERTAIN),
        (CONTRADICTING, LEFT, Presence.UNCERTAIN),
        (BOTH, CONTRADICTING, Presence.UNCERTAIN),
    ],
)
def test_the_other_side_is_another_condition(ours, theirs, expected):
    active = condition(recordedDate="2025-01-01", **ours)
    assert presences(active, ended("2026-01-01", **theirs))[0] is expected


@pytest.mark.parametrize(
    ("recorded", "expected"),
    [("2026-01-01", Presence.UNCERTAIN), ("2024-01-01", Presence.PRESENT), (None, Presence.UNCERTAIN)],
)
def test_a_later_code_that_continues_the_label_puts_it_in_doubt(recorded, expected):
    remission = condition(id="z", code=concept("remission"), recordedDate=recorded)
    assert presences(condition(recordedDate="2025-01-01"), remission)[0] is expected


def test_a_later_refutation_removes_it():
    refuted = condition(verification="refuted", id="z", recordedDate="2026-01-01")
    assert presences(condition(recordedDate="2025-01-01"), refuted, codes=PERMANENT) == []


@pytest.mark.parametrize(("refuted_on", "expected"), [("2025-01-08", [Presence.UNCERTAIN]), ("2025-01-09", [])])
def test_about_the_same_time_is_seven_days(refuted_on, expected):
    refuted = condition(verification="refuted", id="z", recordedDate=refuted_on)
    assert presences(condition(recordedDate="2025-01-01"), refuted, codes=PERMANENT) == expected


def test_an_earlier_refutation_changes_nothing():
    refuted = condition(verification="refuted", id="z", recordedDate="2020-01-01")
    assert presences(condition(recordedDate="2025-01-01"), refuted, codes=PERMANENT) == [Presence.PRESENT]


def test_a_refutation_about_the_same_time_or_without_a_date_leaves_it_open():
    for recorded in ("2025-01-05", None):
        refuted = condition(verification="refuted", id="z", recordedDate=recorded)
        assert presences(condition(recordedDate="2025-01-01"), refuted, codes=PERMANENT) == [Presence.UNCERTAIN]


@pytest.mark.parametrize("status", ["resolved", "inactive", "remission"])
def test_a_permanent_condition_that_is_later_said_to_be_over_is_a_question(status):
    later = condition(status, id="z", recordedDate="2026-01-01")
    found = presences(condition(recordedDate="2025-01-01"), later, codes=PERMANENT)
    assert found == [Presence.UNCERTAIN, Presence.PAST]


def test_the_newest_of_several_ends_counts():
    active = condition(recordedDate="2025-06-01")
    first, last = ended("2020-01-01"), condition("resolved", id="y", abatementDateTime="2026-01-01")
    assert presences(active, first, last)[0] is Presence.UNCERTAIN
