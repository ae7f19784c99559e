"""Allergies and intolerances."""

import pytest

from fhir_mappings.allergies import allergies
from fhir_mappings.codings import RXNORM, SNOMED, Match
from tests.support.fhir_builders import ASKED, KNOWN, PATIENT, concept, knows, record, status_of


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


RASH, NAUSEA = {"text": "Rash"}, {"text": "Nausea"}


def reacting(*manifestations):
    return [{"manifestation": list(manifestations)}]


def side_effects(codings):
    return Match("Nausea", False) if any(coding.display == "Nausea" for coding in codings) else None


@pytest.mark.parametrize(
    ("members", "certain"),
    [
        ({"type": None, "reaction": reacting(NAUSEA)}, False),
        ({"type": None, "criticality": "low", "reaction": reacting(NAUSEA)}, False),
        ({"type": None, "criticality": "high", "reaction": reacting(NAUSEA)}, True),
        ({"type": None, "reaction": reacting(NAUSEA, RASH)}, True),
        ({"type": None, "reaction": [*reacting(NAUSEA), *reacting(RASH)]}, True),
        ({"type": None, "reaction": None}, True),
        ({"type": "allergy", "reaction": reacting(NAUSEA)}, True),
    ],
)
def test_what_only_has_side_effects_and_is_not_called_an_allergy_is_an_intolerance(members, certain):
    (found,) = allergies(record(allergy(**members)), KNOWN, side_effects)
    assert (found.is_certain, found.is_certain_intolerance) == (certain, not certain)


def test_without_side_effects_to_look_for_every_reaction_is_one():
    assert only(type=None, reaction=reacting(NAUSEA)).is_certain


@pytest.mark.parametrize(("recorded", "certain"), [("2026-03-02", True), ("2026-03-03", False)])
def test_an_allergy_of_a_day_to_come_is_not_certain(recorded, certain):
    assert only(recordedDate=recorded).is_certain is certain


MORPHINE = knows("7052")


@pytest.mark.parametrize(
    ("code", "certain"),
    [
        (concept("7052", RXNORM), True),
        (concept("373529000", SNOMED), True),
        ({"text": "Morphine sulfate"}, True),
        (concept("local", display="MS Contin"), True),
        (concept("44508008", SNOMED, display="Morphine"), True),
        ({"text": "Rash from morphine"}, False),
        ({"text": "Morphine, codeine"}, False),
        ({"text": "Embeda"}, False),
    ],
)
def test_a_substance_is_known_by_code_by_what_it_stands_for_and_by_a_label_of_nothing_else(code, certain):
    assert only(MORPHINE, code=code).is_certain is certain


def test_a_substance_in_snomed_known_only_from_memory_asks():
    assert only(knows("3423"), code=concept("44508008", SNOMED)).is_certain is False


@pytest.mark.parametrize("text", ["No known allergy to morphine", "Tolerates morphine", "Penicillin", "Apomorphine"])
def test_a_substance_that_is_denied_or_not_named_is_left_out(text):
    assert read(MORPHINE, code={"text": text}) == ()


@pytest.mark.parametrize("code", [None, {"coding": []}, {"extension": [{"url": "x", "valueCode": "masked"}]}])
def test_an_entry_that_names_no_substance_may_be_any(code):
    found = only(MORPHINE, code=code)
    assert (found.is_certain, found.label) == (False, "Allergy without a substance")
