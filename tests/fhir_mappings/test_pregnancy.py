"""Whether a patient is pregnant on a day, by weeks, trimesters, statuses, and ends."""

from datetime import date

import pytest

from fhir_mappings.codings import ICD10CM, LOINC, Match
from fhir_mappings.dates import CalendarPeriod
from fhir_mappings.pregnancy import PregnancyCodes, pregnancy_on
from fhir_mappings.truth import Truth
from tests.support.fhir_builders import concept, condition, procedure, record, resource

TODAY = date(2026, 3, 2)
YES, NO, UNKNOWN = Truth.YES, Truth.NO, Truth.UNKNOWN
VISIT = {"category": [concept("encounter-diagnosis")]}
PROBLEM = {"category": [concept("problem-list-item")]}


def among(*codes, asks=()):
    def test(codings):
        given = [coding.code or coding.display for coding in codings]
        if any(code in asks for code in given):
            return Match("Asked", False)
        return Match("Pregnancy", True) if any(code.startswith(codes) for code in given) else None

    return test


CODES = PregnancyCodes(
    pregnant=among("Z33", "Z3A", "O26", "O10", "yes", asks=("maybe",)),
    status=among("status"),
    over=among("Z37", "no", asks=("loss",)),
    done=among("birth", asks=("Cesarean section", "59820")),
    weeks=among("weeks"),
    due=among("due"),
)


def on(*resources, day=TODAY):
    found, _ = pregnancy_on(
        record(*resources),
        CODES,
        day,
        term=CalendarPeriod(42, "weeks"),
        unknown_week=CalendarPeriod(14, "days"),
    )
    return found


def coded(code, recorded="2026-03-02", name="x", **more):
    members = {"recordedDate": recorded, **VISIT, **more}
    return condition(code=concept(code, ICD10CM), id=name, **members)


def status(answer, at="2026-03-02", state="final", **more):
    return resource(
        "Observation",
        id="o",
        status=state,
        code=concept("status", LOINC),
        effectiveDateTime=at,
        valueCodeableConcept=concept(answer),
        **more,
    )


def stay(reason, state="finished", end="2026-02-25"):
    period = {"start": "2026-02-22", "end": end}
    return resource("Encounter", id="e", status=state, period=period, reasonCode=[concept(reason, ICD10CM)])


def measured(value, unit="wk", at="2026-02-16", state="final", code="weeks"):
    quantity = {"value": value, "unit": unit, "system": "http://unitsofmeasure.org", "code": unit}
    return resource(
        "Observation",
        id="w",
        status=state,
        code=concept(code, LOINC),
        effectiveDateTime=at,
        valueQuantity=quantity,
    )


def due(day, at="2026-02-16", state="final"):
    members = {"effectiveDateTime": at} if at else {}
    return resource("Observation", id="d", status=state, code=concept("due", LOINC), valueDateTime=day, **members)


def test_a_chart_that_says_nothing_of_it_says_no():
    assert pregnancy_on(
        record(), CODES, TODAY, term=CalendarPeriod(42, "weeks"), unknown_week=CalendarPeriod(14, "days")
    ) == (NO, ())


@pytest.mark.parametrize(
    ("code", "weeks_ago", "expected"),
    [
        ("Z3A.38", 0, YES),
        ("Z3A.38", 3, YES),
        ("Z3A.38", 4, NO),
        ("Z3A.12", 29, YES),
        ("Z3A.12", 30, NO),
        ("Z3A.01", 34, YES),
        ("Z3A.01", 35, UNKNOWN),
        ("Z3A.01", 42, NO),
        ("O26.891", 28, YES),
        ("O26.891", 29, UNKNOWN),
        ("O26.891", 42, NO),
        ("O26.892", 14, YES),
        ("O26.892", 15, UNKNOWN),
        ("O26.892", 28, NO),
        ("O26.893", 0, YES),
        ("O26.893", 1, UNKNOWN),
        ("O26.893", 14, NO),
    ],
)
def test_the_week_or_trimester_of_a_code_runs_on_to_forty_two_weeks(code, weeks_ago, expected):
    recorded = date.fromordinal(TODAY.toordinal() - 7 * weeks_ago)
    assert on(coded(code, recorded.isoformat())) is expected


def test_the_days_of_the_last_week_are_counted():
    assert on(coded("Z3A.38", "2026-02-02")) is NO
    assert on(coded("Z3A.38", "2026-02-03")) is UNKNOWN
    assert on(coded("Z3A.38", "2026-02-08")) is UNKNOWN
    assert on(coded("Z3A.38", "2026-02-09")) is YES


def test_weeks_run_on_to_a_day_that_is_still_to_come():
    assert on(coded("Z3A.38"), day=date(2026, 3, 23)) is YES
    assert on(coded("Z3A.38"), day=date(2026, 3, 30)) is NO


@pytest.mark.parametrize("code", ["O10.02", "O10.03", "Z3A.49"])
def test_a_code_of_childbirth_of_the_weeks_after_it_or_of_more_than_forty_two_ends_it(code):
    assert on(coded("Z3A.30", "2026-02-20"), coded(code, name="y")) is NO


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (coded("Z33.1", "2026-02-16"), YES),
        (coded("Z33.1", "2026-02-15"), UNKNOWN),
        (coded("Z33.1", "2025-05-13"), UNKNOWN),
        (coded("Z33.1", "2025-05-12"), NO),
        (coded("Z33.1", None), UNKNOWN),
        (coded("Z33.1", None, onsetDateTime="2025-05-13", **PROBLEM), YES),
        (coded("Z33.1", None, onsetDateTime="2025-05-12", **PROBLEM), NO),
        (coded("Z33.1", "2026-03-03"), NO),
        (coded("Z33.1", verificationStatus=concept("provisional")), UNKNOWN),
        (coded("Z33.1", verificationStatus=concept("refuted")), NO),
        (coded("maybe"), UNKNOWN),
    ],
)
def test_a_record_that_names_no_week_counts_for_days_and_a_problem_for_its_term(given, expected):
    assert on(given) is expected


def test_a_week_between_onset_and_record_may_be_of_either_day():
    assert on(coded("Z3A.38", "2026-03-01", onsetDateTime="2026-01-01")) is UNKNOWN
    assert on(coded("Z3A.20", "2026-03-01", onsetDateTime="2025-10-15")) is YES


@pytest.mark.parametrize(
    ("day", "expected"), [("2026-02-28", NO), ("2026-02-20", NO), ("2026-02-19", YES), ("2024-01-01", YES)]
)
@pytest.mark.parametrize("kind", ["condition", "procedure", "status", "pregnancy"])
def test_what_ends_a_pregnancy_ends_those_before_it_and_on_its_day(kind, day, expected):
    end = {
        "condition": coded("Z37.0", day, "z"),
        "procedure": procedure(day, id="z", code=concept("birth")),
        "status": status("no", day),
        "pregnancy": coded("Z33.1", "2024-01-01", "z", clinicalStatus=concept("resolved"), abatementDateTime=day),
    }[kind]
    assert on(coded("Z3A.30", "2026-02-20"), end) is expected


def test_a_pregnancy_that_ended_without_a_date_ended_within_its_term():
    over = {"clinicalStatus": concept("resolved")}
    assert on(coded("Z3A.30", "2026-02-20"), coded("Z33.1", "2025-06-01", "z", **over)) is UNKNOWN
    assert on(coded("Z3A.30", "2026-02-20"), coded("Z33.1", "2025-05-01", "z", **over)) is YES


@pytest.mark.parametrize(
    "end",
    [
        procedure("2026-02-25", id="z", code=concept("birth"), status="unknown"),
        procedure(None, id="z", code=concept("birth")),
        procedure("2026-02-25", id="z", code=concept("59820")),
        procedure("2026-02-25", id="z", code={"text": "Cesarean section"}),
        coded("loss", "2026-02-25", "z"),
        stay("Z37.0"),
        coded("Z37.0", "2026-02-25", "z", verificationStatus=concept("provisional")),
    ],
)
def test_an_end_that_is_not_certain_leaves_it_open(end):
    assert on(coded("Z3A.30", "2026-02-20"), end) is UNKNOWN


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (status("yes"), YES),
        (status("yes", "2026-02-15"), UNKNOWN),
        (status("yes", state="preliminary"), UNKNOWN),
        (status("yes", state="entered-in-error"), NO),
        (status("yes", None), NO),
        (status("other"), NO),
        (status("no"), NO),
    ],
)
def test_the_status_counts_by_its_answer(given, expected):
    assert on(given) is expected


def test_the_latest_record_counts_with_the_weeks_of_the_same_pregnancy():
    assert on(coded("Z3A.12", "2025-12-20", "a"), coded("Z33.1", "2026-01-05", "b")) is YES
    assert on(coded("Z3A.38", "2024-12-20", "a"), coded("Z33.1", "2026-03-01", "b")) is YES
    assert on(coded("Z3A.38", "2025-12-20", "a"), coded("Z33.1", "2026-03-01", "b")) is UNKNOWN


def test_the_latest_record_and_those_that_name_a_week_are_the_evidence():
    chart = record(
        coded("Z3A.12", "2025-12-20", "a"), coded("Z33.1", "2026-01-05", "b"), coded("Z33.1", "2025-12-01", "c")
    )
    _, evidence = pregnancy_on(
        chart, CODES, TODAY, term=CalendarPeriod(42, "weeks"), unknown_week=CalendarPeriod(14, "days")
    )
    assert [each.reference for each in evidence] == ["Condition/b", "Condition/a"]


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        (procedure("2026-02-25", id="z", code=concept("59425")), YES),
        (procedure("2026-02-25", id="z", code={"text": "Amniocentesis"}), YES),
        (procedure("2026-02-19", id="z", code=concept("59820")), YES),
        (procedure("2026-02-19", id="z", code={"text": "Cesarean section"}), YES),
        (stay("M53.3"), YES),
        (stay("Z37.0", "planned"), YES),
        (stay("Z37.0", end="2026-02-19"), YES),
    ],
)
def test_what_ends_none_and_what_may_have_ended_an_earlier_one_change_nothing(other, expected):
    assert on(coded("Z3A.30", "2026-02-20"), other) is expected


def test_the_words_of_a_procedure_end_none_in_a_problem():
    problem = condition(code={"text": "Cesarean section"}, id="p", recordedDate="2026-02-25", **PROBLEM)
    assert on(coded("Z3A.30", "2026-02-20"), problem) is YES


PREGNANT = coded("Z33.1", None, "p", onsetDateTime="2026-01-05", **PROBLEM)


@pytest.mark.parametrize(
    ("bound", "expected"),
    [
        (measured(39), YES),
        (measured(40), UNKNOWN),
        (measured(279, "d"), YES),
        (measured(280, "d"), UNKNOWN),
        (measured(40, state="preliminary"), YES),
        (measured(40, "cm"), YES),
        (measured(40, at="2026-03-05"), YES),
        (measured(40, code="other"), YES),
        (due("2026-02-17"), YES),
        (due("2026-02-16"), UNKNOWN),
        (due("2026-02-16", at=None), UNKNOWN),
        (due("2026-02-16", state="preliminary"), YES),
        (due("not a date"), YES),
    ],
)
def test_a_gestational_age_and_a_due_date_bound_a_pregnancy(bound, expected):
    assert on(PREGNANT, bound) is expected


@pytest.mark.parametrize("bound", [measured(20), due("2026-05-01")])
def test_a_gestational_age_and_a_due_date_alone_prove_no_pregnancy(bound):
    assert on(bound) is NO


def test_the_bound_of_an_earlier_pregnancy_does_not_count():
    assert on(PREGNANT, measured(20, at="2025-08-04")) is YES
    assert on(PREGNANT, measured(20, at="2025-08-05")) is UNKNOWN
    lost = coded("Z37.0", "2025-12-20", "z")
    assert on(PREGNANT, measured(20, at="2025-08-05"), lost) is YES


def test_the_bound_of_a_pregnancy_is_evidence_too():
    _, evidence = pregnancy_on(
        record(PREGNANT, due("2026-02-16")),
        CODES,
        TODAY,
        term=CalendarPeriod(42, "weeks"),
        unknown_week=CalendarPeriod(14, "days"),
    )
    assert [(each.reference, each.value) for each in evidence] == [
        ("Condition/p", ""),
        ("Observation/d", "due 2026-02-16"),
    ]
