"""Allergies and intolerances."""

import pytest

from fhir_mappings.allergies import allergies
from tests.support.fhir_builders import ASKED, KNOWN, PATIENT, concept, record, status_of


def allergy(**members):
    made = {
        "resourceType": "AllergyIntolerance",
        "id": "x",
        "patient": PATIENT,
        "clinicalStatus": status_of("active"),
        "verificationStatus": status_of("confirmed"),
        "type": "allergy",
        "code": concept(),
        **members,
    }
    return {name: value for name, value in made.items() if value is not None}


def read(codes=KNOWN, **members):
    return allergies(record(allergy(**members)), codes)


def only(codes=KNOWN, **members):
    (found,) = read(codes, **members)
    return found


@pytest.mark.parametrize(
    ("members", "certain"),
    [
        ({}, True),
        ({"type": None}, True),
        ({"clinicalStatus": None}, True),
        ({"verificationStatus": None}, True),
        ({"type": "intolerance"}, False),
        ({"verificationStatus": status_of("unconfirmed")}, False),
        ({"verificationStatus": status_of("presumed")}, False),
        ({"verificationStatus": {"text": "Refuted"}}, False),
        ({"clinicalStatus": {"text": "Resolved"}}, False),
        ({"clinicalStatus": status_of("other")}, False),
    ],
)
def test_an_active_confirmed_allergy_is_certain(members, certain):
    assert only(**members).is_certain is certain


@pytest.mark.parametrize(
    "members",
    [
        {"clinicalStatus": status_of("resolved")},
        {"clinicalStatus": status_of("inactive")},
        {"verificationStatus": status_of("refuted")},
        {"verificationStatus": status_of("entered-in-error")},
    ],
)
def test_a_resolved_inactive_refuted_or_mistaken_allergy_is_left_out(members):
    assert read(**members) == ()


def test_a_code_that_only_asks_is_not_certain():
    assert only(ASKED).is_certain is False


def test_another_substance_is_left_out():
    assert read(code=concept("other")) == ()


def reaction(code):
    return {"substance": concept(code), "manifestation": [{"text": "Rash"}]}


def test_the_substance_of_a_reaction_counts():
    assert only(code=None, reaction=[reaction("other"), reaction("known")]).is_certain


@pytest.mark.parametrize(
    "fault",
    [
        {"clinicalStatus": "active"},
        {"code": {**concept(), "text": 5}},
        {"reaction": "rash"},
        {"recordedDate": "then"},
        {"code": None, "reaction": reaction("known")},
    ],
)
def test_a_faulty_allergy_is_set_aside_and_no_absence(fault):
    found = only(**fault)
    assert (found.is_certain, found.evidence.value) == (False, "set aside")


def test_a_fault_elsewhere_changes_nothing():
    assert only(note="x").is_certain


@pytest.mark.parametrize(
    ("members", "shown"),
    [
        ({"onsetDateTime": "2020", "recordedDate": "2021-05-01"}, "2020"),
        ({"recordedDate": "2021-05-01"}, "2021-05-01"),
        ({}, ""),
    ],
)
def test_the_evidence_shows_onset_else_the_day_it_was_recorded(members, shown):
    assert only(**members).evidence.date == shown


@pytest.mark.parametrize(("members", "value"), [({}, ""), ({"type": "intolerance"}, "to be confirmed")])
def test_the_evidence_says_whether_it_is_certain(members, value):
    assert only(**members).evidence.value == value
