"""`family_history`: a disease of a relative, by relation and age at onset."""

from typing import Any

import pytest

from coverage_policies.format.registry import operators
from coverage_policies.format.searches import FAMILY_HISTORY
from coverage_policies.format.terms import Reason
from coverage_policies.format.value_sets import ValueSets
from fhir_mappings.fhir_json import Resource
from fhir_mappings.truth import Truth
from tests.support.policy_fakes import NOT_OFFERED, SETS, UNAVAILABLE, available, clause, concept, policy, run

ANY = clause("family_history", in_="alpha")
NEAR = clause("family_history", in_="alpha", relation="first-degree")
YOUNG = clause("family_history", in_="alpha", onset="under 50 years")
AGED = clause("family_history", in_="alpha", onset="at least 50 years")
ROLES = "http://terminology.hl7.org/CodeSystem/v3-RoleCode"


def relative(relation: str = "MTH", code: str = "alpha", age: int | None = None, **more: Any) -> Resource:
    onset = {"onsetAge": {"value": age, "system": "http://unitsofmeasure.org", "code": "a"}} if age else {}
    return {
        "resourceType": "FamilyMemberHistory",
        "id": "f",
        "status": "completed",
        "patient": {"reference": "Patient/p"},
        "relationship": concept(relation, system=ROLES),
        "condition": [{"code": concept(code), **onset}],
        **more,
    }


def test_it_searches_the_family_history_which_a_server_may_not_have() -> None:
    assert ANY.searches == (FAMILY_HISTORY,)
    assert FAMILY_HISTORY.prefetch_template == "FamilyMemberHistory?patient={{context.patientId}}"
    assert not FAMILY_HISTORY.in_us_core


@pytest.mark.parametrize(
    ("relation", "any_relative", "near"),
    [
        ("MTH", Truth.YES, Truth.YES),
        ("NBRO", Truth.YES, Truth.YES),
        ("SON", Truth.YES, Truth.YES),
        ("HSIS", Truth.YES, Truth.NO),
        ("AUNT", Truth.YES, Truth.NO),
        ("FAMMEMB", Truth.YES, Truth.UNKNOWN),
        ("STPMTH", Truth.NO, Truth.NO),
        ("WIFE", Truth.NO, Truth.NO),
    ],
)
def test_the_relation_decides_whose_diseases_count(relation: str, any_relative: Truth, near: Truth) -> None:
    found = run(ANY, relative(relation)), run(NEAR, relative(relation))
    assert [each.holds for each in found] == [any_relative, near]


@pytest.mark.parametrize(
    ("age", "young", "aged"),
    [(49, Truth.YES, Truth.NO), (50, Truth.NO, Truth.YES), (None, Truth.UNKNOWN, Truth.UNKNOWN)],
)
def test_the_age_at_onset_is_compared(age: int | None, young: Truth, aged: Truth) -> None:
    assert [run(check, relative(age=age)).holds for check in (YOUNG, AGED)] == [young, aged]


def test_an_age_at_onset_in_months_is_compared() -> None:
    check = clause("family_history", in_="alpha", onset="under 600 months")
    assert [run(check, relative(age=age)).holds for age in (49, 50)] == [Truth.YES, Truth.NO]


@pytest.mark.parametrize(
    ("born", "young"), [("1949-06-30", Truth.NO), ("1950-06-15", Truth.UNKNOWN), ("1950-07-01", Truth.YES)]
)
def test_a_period_of_onset_that_has_the_birthday_in_it_cannot_tell(born: str, young: Truth) -> None:
    began = {"start": "2000-06-01", "end": "2000-06-30"}
    stated = [{"code": concept("alpha"), "onsetPeriod": began}]
    assert run(YOUNG, relative(bornDate=born, condition=stated)).holds is young


def test_one_who_died_younger_had_it_younger() -> None:
    dead = {"deceasedAge": {"value": 49, "system": "http://unitsofmeasure.org", "code": "a"}}
    assert run(YOUNG, relative(**dead)).holds is Truth.YES


@pytest.mark.parametrize(
    ("resource", "holds", "reason"),
    [
        (relative(), Truth.YES, Reason.PRESENT),
        (relative(status="partial"), Truth.YES, Reason.PRESENT),
        (relative(status="entered-in-error"), Truth.NO, Reason.NOT_FOUND),
        (relative(code="beta", status="health-unknown"), Truth.UNKNOWN, Reason.INVALID_ATTRIBUTE),
        (relative(code="alpha-asks"), Truth.UNKNOWN, Reason.INVALID_ATTRIBUTE),
        (relative(code="strange"), Truth.UNKNOWN, Reason.INVALID_ATTRIBUTE),
        (relative(code="beta"), Truth.NO, Reason.NOT_FOUND),
        (relative("WIFE", "strange"), Truth.NO, Reason.NOT_FOUND),
        (relative("STPMTH"), Truth.NO, Reason.VALUE_OUT_OF_RANGE),
    ],
)
def test_what_is_not_known_leaves_it_open(resource: Resource, holds: Truth, reason: Reason) -> None:
    found = run(ANY, resource)
    assert (found.holds, found.reason) == (holds, reason)


@pytest.mark.parametrize(
    ("how", "holds", "reason"),
    [(NOT_OFFERED, Truth.NO, Reason.NOT_FOUND), (UNAVAILABLE, Truth.UNKNOWN, Reason.DATA_UNAVAILABLE)],
)
def test_a_server_without_family_histories_has_none(how: Any, holds: Truth, reason: Reason) -> None:
    found = run(ANY, availability=available(FamilyMemberHistory=how))
    assert (found.holds, found.reason) == (holds, reason)


def test_the_evidence_names_the_disease_the_relative_and_the_age() -> None:
    (shown,) = run(ANY, relative(age=45, date="2024-02")).evidence
    assert (shown.label, shown.date, shown.value) == ("Label of alpha (mother)", "2024-02", "at age 45")


@pytest.mark.parametrize(
    ("onset", "told"), [("at most 50 years", "write 'under 51 years'"), ("under 600 days", "in years or months")]
)
def test_an_onset_is_refused_that_has_two_meanings_or_no_use(onset: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        operators()["family_history"].parse({"in": "alpha", "onset": onset}, ValueSets(SETS))


def test_its_question_is_about_the_patient() -> None:
    asked = policy("I: {says: s, ask: q, met_when: {family_history: {in: alpha}}}").index["I"]
    assert asked.about == "patient"
