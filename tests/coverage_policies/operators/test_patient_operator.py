"""`patient`: age on the anchor date, and sex."""

from typing import Any

import pytest

from coverage_policies.format.operator import ClauseResult, Context
from coverage_policies.format.registry import operators
from coverage_policies.format.searches import PATIENT
from coverage_policies.format.terms import Reason
from fhir_mappings.fhir_json import Resource
from fhir_mappings.record import PatientRecord
from fhir_mappings.truth import Truth
from tests.support.policy_fakes import ANCHOR, READ_AT, SETS, UNAVAILABLE, ZONE, available, clause, order, policy, run
from tests.support.terms import TERMS

ADULT = clause("patient", age="at least 18 years")
MINOR = clause("patient", age="under 18 years")
WOMAN = clause("patient", sex="female")
BIRTH_SEX = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-birthsex"


def patient(born: str | None = None, gender: str | None = None, **more: Any) -> Resource:
    found = {"resourceType": "Patient", "id": "p", "birthDate": born, "gender": gender, **more}
    return {name: value for name, value in found.items() if value is not None}


def labels(found: ClauseResult) -> list[str]:
    return [item.label for item in found.evidence]


def test_it_needs_the_patient() -> None:
    assert ADULT.searches == (PATIENT,)


def test_the_patient_is_read_and_not_searched() -> None:
    assert PATIENT.prefetch_template == "Patient/{{context.patientId}}"


@pytest.mark.parametrize(
    ("born", "adult", "minor", "told"),
    [
        ("2008-03-02", Truth.YES, Truth.NO, "Age 18"),
        ("2008-03-03", Truth.NO, Truth.YES, "Age 17"),
        ("2008-03", Truth.UNKNOWN, Truth.UNKNOWN, "Age 17 to 18"),
        ("2008-02", Truth.YES, Truth.NO, "Age 18"),
        ("2008-04", Truth.NO, Truth.YES, "Age 17"),
        ("2008", Truth.UNKNOWN, Truth.UNKNOWN, "Age 17 to 18"),
        ("2009", Truth.NO, Truth.YES, "Age 16 to 17"),
        ("2026", Truth.NO, Truth.YES, "Age 0 months to 2 months"),
    ],
)
def test_the_birthday_completes_the_year(born: str, adult: Truth, minor: Truth, told: str) -> None:
    found = run(ADULT, patient(born)), run(MINOR, patient(born))
    assert [each.holds for each in found] == [adult, minor]
    assert labels(found[0]) == [told]


@pytest.mark.parametrize(
    ("phrase", "born", "holds"),
    [
        ("under 6 months", "2025-09-03", Truth.YES),
        ("under 6 months", "2025-09-02", Truth.NO),
        ("at least 28 days", "2026-02-02", Truth.YES),
        ("at least 28 days", "2026-02-03", Truth.NO),
    ],
)
def test_the_age_of_an_infant_is_counted_in_months_or_days(phrase: str, born: str, holds: Truth) -> None:
    assert run(clause("patient", age=phrase), patient(born)).holds is holds


@pytest.mark.parametrize(
    ("resource", "reason", "told"),
    [
        (patient(), Reason.MISSING, "No date of birth"),
        (patient("2008"), Reason.MISSING, "Age 17 to 18"),
        (patient("March 2, 2008"), Reason.INVALID_ATTRIBUTE, "Patient"),
        (patient("2026-03-03"), Reason.INVALID_ATTRIBUTE, "Date of birth not valid"),
        (patient("1901-03-01"), Reason.INVALID_ATTRIBUTE, "Date of birth not valid"),
    ],
)
def test_an_age_that_the_chart_does_not_tell_is_open(resource: Resource, reason: Reason, told: str) -> None:
    found = run(ADULT, resource)
    assert (found.holds, found.reason, labels(found)) == (Truth.UNKNOWN, reason, [told])


def test_the_oldest_day_of_birth_that_is_plausible_counts() -> None:
    assert run(ADULT, patient("1901-03-02")).holds is Truth.YES


def test_two_servers_that_differ_on_the_day_of_birth_are_in_conflict() -> None:
    sent = [
        ("https://one.example.org/fhir/Patient/p", patient("1990-01-01")),
        ("https://two.example.org/fhir/Patient/p", patient("2010-01-01")),
    ]
    record = PatientRecord("p", sent, read_at=READ_AT, zone=ZONE, terms=TERMS, availability=available())
    found = ADULT.evaluate(Context(order(), (), record, ANCHOR))
    assert (found.holds, found.reason) == (Truth.UNKNOWN, Reason.CONFLICT)


def test_a_patient_who_was_not_read_is_unavailable() -> None:
    found = run(ADULT, availability={"Patient": UNAVAILABLE})
    assert (found.holds, found.reason) == (Truth.UNKNOWN, Reason.DATA_UNAVAILABLE)


def test_a_patient_who_is_nowhere_is_not_found_and_no_minor() -> None:
    found = run(ADULT)
    assert (found.holds, found.reason) == (Truth.UNKNOWN, Reason.NOT_FOUND)


def test_the_date_of_birth_is_not_shown() -> None:
    (shown,) = run(ADULT, patient("1990-05-17")).evidence
    assert (shown.label, shown.date, shown.value) == ("Age 35", "", "")


@pytest.mark.parametrize(
    ("resource", "holds", "reason", "told"),
    [
        (patient(gender="female"), Truth.YES, Reason.PRESENT, "Female"),
        (patient(gender="male"), Truth.NO, Reason.INVALID_ATTRIBUTE, "Male"),
        (patient(gender="other"), Truth.UNKNOWN, Reason.INVALID_ATTRIBUTE, "Sex other or unknown"),
        (patient(), Truth.UNKNOWN, Reason.MISSING, "Sex not stated"),
        (
            patient(gender="female", extension=[{"url": BIRTH_SEX, "valueCode": "M"}]),
            Truth.UNKNOWN,
            Reason.INVALID_ATTRIBUTE,
            "Sex stated in different ways",
        ),
        (
            patient(gender="female", extension=[{"url": BIRTH_SEX, "valueCode": "UNK"}]),
            Truth.UNKNOWN,
            Reason.INVALID_ATTRIBUTE,
            "Sex stated in different ways",
        ),
        (
            patient(gender="female", extension=[{"url": BIRTH_SEX, "valueCode": "F"}]),
            Truth.YES,
            Reason.PRESENT,
            "Female",
        ),
    ],
)
def test_the_sex_decides_where_all_that_states_it_agrees(
    resource: Resource, holds: Truth, reason: Reason, told: str
) -> None:
    found = run(WOMAN, resource)
    assert (found.holds, found.reason, labels(found)) == (holds, reason, [told])


@pytest.mark.parametrize(
    ("resource", "holds", "told"),
    [
        (patient("1990-05-17", "female"), Truth.YES, ["Age 35", "Female"]),
        (patient("1990-05-17", "male"), Truth.NO, ["Male"]),
        (patient("2010-05-17", "female"), Truth.NO, ["Age 15"]),
        (patient("1990-05-17"), Truth.UNKNOWN, ["Sex not stated"]),
        (patient(gender="male"), Truth.NO, ["Male"]),
        (patient(gender="female"), Truth.UNKNOWN, ["No date of birth"]),
    ],
)
def test_both_arguments_need_both(resource: Resource, holds: Truth, told: list[str]) -> None:
    found = run(clause("patient", age="at least 18 years", sex="female"), resource)
    assert (found.holds, labels(found)) == (holds, told)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({}, "needs an age or a sex"),
        ({"age": "at most 17 years"}, "write 'under 18 years'"),
        ({"age": "over 65 years"}, "write 'at least 66 years' or 'at least 65 years'"),
    ],
)
def test_an_argument_that_says_too_little_is_told_how_to_write_it(arguments: dict[str, str], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        operators()["patient"].parse(arguments, SETS)


def test_its_question_is_about_the_patient() -> None:
    asked = policy("I: {says: s, ask: q, met_when: {patient: {age: at least 18 years}}}").index["I"]
    assert asked.about == "patient"
