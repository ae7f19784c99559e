"""Conditions as the chart states them, and those that are not understood."""

import pytest

from fhir_mappings.codings import ICD10CM, SNOMED
from fhir_mappings.conditions import Claim, Listing, statements, unidentified
from tests.support.fhir_builders import KNOWN, concept, condition, record, resource


def only(given):
    (found,) = statements(record(given), KNOWN)
    return found


@pytest.mark.parametrize(
    ("given", "claim"),
    [
        (condition("active"), Claim.ACTIVE),
        (condition(None), Claim.UNSTATED),
        (condition("resolved"), Claim.ENDED),
        (condition(None, abatementString="in spring"), Claim.ENDED),
        (condition("active", abatementDateTime="2025-01-01"), Claim.UNCLEAR),
        (condition("active", "provisional"), Claim.UNCLEAR),
        (condition("active", "refuted"), Claim.REFUTED),
        (condition("resolved", "refuted"), Claim.REFUTED),
        (condition(onsetDateTime="then"), Claim.UNREADABLE),
    ],
)
def test_a_statement_claims_what_its_two_statuses_say(given, claim):
    assert only(given).claim is claim


def test_an_error_states_nothing():
    assert statements(record(condition(verification="entered-in-error")), KNOWN) == ()


def test_several_categories_put_it_on_the_list_that_counts_longest():
    found = only(condition(category=[concept("encounter-diagnosis"), concept("problem-list-item")]))
    assert found.listing is Listing.PROBLEM_LIST


@pytest.mark.parametrize("category", [{"text": "Family History"}, concept("57177007")])
def test_a_diagnosis_of_the_family_is_not_surely_the_patients(category):
    found = only(condition(category=[category]))
    assert (found.listing, found.claim) == (Listing.FAMILY_HISTORY, Claim.UNCLEAR)


@pytest.mark.parametrize("reference", ["Encounter/e", "Encounter/e/_history/2", "https://ehr.example/fhir/Encounter/e"])
def test_an_encounter_is_named_without_server_and_version(reference):
    assert only(condition(encounter={"reference": reference})).encounter == "Encounter/e"


@pytest.mark.parametrize(
    ("category", "status", "claim"),
    [
        ("encounter-diagnosis", "finished", Claim.ACTIVE),
        ("encounter-diagnosis", "cancelled", Claim.UNCLEAR),
        ("encounter-diagnosis", "entered-in-error", Claim.UNCLEAR),
        ("problem-list-item", "cancelled", Claim.ACTIVE),
    ],
)
def test_the_diagnosis_of_a_visit_that_never_was_is_not_certain(category, status, claim):
    given = condition(category=[concept(category)], encounter={"reference": "Encounter/e"})
    visit = resource("Encounter", id="e", status=status, **{"class": {"code": "AMB"}})
    (found,) = statements(record(given, visit), KNOWN)
    assert found.claim is claim


def test_the_asserted_date_of_us_core_stands_in_for_the_day_of_recording():
    asserted = {"url": "http://hl7.org/fhir/StructureDefinition/condition-assertedDate", "valueDateTime": "2026-01-05"}
    other = {"url": "http://example.org/other", "valueDateTime": "2020"}
    assert str(only(condition(extension=[other, asserted])).recorded) == "2026-01-05"
    assert str(only(condition(extension=[asserted], recordedDate="2025-12-01")).recorded) == "2025-12-01"
    assert only(condition(extension=[other])).recorded is None


# --- the age at which it began ---------------------------------------------------------------------------------------


def years(value, unit="a"):
    return {"value": value, "unit": unit, "system": "http://unitsofmeasure.org", "code": unit}


def onset_of(*patient, **members):
    (found,) = statements(record(condition(**members), *patient), KNOWN)
    return str(found.onset) if found.onset else None


def born(day):
    return resource("Patient", id="p", birthDate=day)


@pytest.mark.parametrize(
    ("members", "days"),
    [
        ({"onsetAge": years(58)}, "2024-05-02 to 2025-05-01"),
        ({"onsetAge": years(59)}, "2025-05-02 to 2026-05-01"),
        ({"onsetAge": years(700, "mo")}, "2024-09-02 to 2024-10-01"),
        ({"onsetRange": {"low": years(55), "high": years(58)}}, "2021-05-02 to 2025-05-01"),
        ({"onsetRange": {"high": years(58)}}, "1966-05-02 to 2025-05-01"),
        ({"onsetRange": {"low": years(55)}}, None),
        ({"onsetAge": {**years(58), "comparator": ">"}}, None),
        ({"onsetAge": years(58, "cm")}, None),
        ({"onsetAge": years(58), "onsetDateTime": "2020"}, None),
    ],
)
def test_an_age_at_onset_is_the_days_on_which_the_patient_was_that_old(members, days):
    assert onset_of(born("1966-05-02"), **members) == days


def test_a_year_of_birth_makes_the_days_of_an_age_those_of_two_years():
    assert onset_of(born("1966"), onsetAge=years(58)) == "2024-01-01 to 2025-12-30"


def test_an_age_at_onset_says_nothing_without_a_birth_date():
    assert onset_of(onsetAge=years(58)) is None
    assert onset_of(born(None), onsetAge=years(58)) is None


def test_an_age_at_onset_that_the_patient_still_had_when_it_was_recorded_says_less_than_the_record():
    assert onset_of(born("1966-05-02"), onsetAge=years(58), recordedDate="2025-05-01") is None
    assert onset_of(born("1966-05-02"), onsetAge=years(58), recordedDate="2025-05-02") is not None


# --- what is not understood -------------------------------------------------------------------------------------------

MASKED = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/data-absent-reason", "code": "masked"}]}
ABSENT = {"extension": [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "masked"}]}


def unknown(*codes, listed=(), **members):
    chart = record(*(condition(code=code, id=f"c{i}", **members) for i, code in enumerate(codes)))
    return [each.evidence.reference for each in unidentified(chart, lambda coding: coding.code in listed)]


@pytest.mark.parametrize(
    "code",
    [
        MASKED,
        ABSENT,
        None,
        {},
        concept("local-7"),
        concept("338.29", "http://hl7.org/fhir/sid/icd-9-cm"),
        concept("R69", ICD10CM),
        concept("Z99.999", ICD10CM),
        concept("59621000", SNOMED),
        {"text": "Problem 7"},
        {"text": "see scanned letter"},
        {"text": "Illness, unspecified"},
        {"text": "x" * 5000},
        {"coding": [{"display": "Spots"}]},
    ],
)
def test_a_condition_without_a_code_or_words_that_are_known_is_not_understood(code):
    assert unknown(code) == ["Condition/c0"]


@pytest.mark.parametrize(
    "code",
    [
        concept("M96.1", ICD10CM),
        concept("M961", ICD10CM),
        concept("S32.810A", ICD10CM),
        concept("listed", SNOMED),
        concept("59621000", SNOMED, display="Essential hypertension (disorder)"),
        concept("401.9", "http://hl7.org/fhir/sid/icd-9-cm", display="Hypertension"),
        concept("local-7", display="Type II diabetes mellitus"),
        {"text": "Chronic low back pain"},
        {"coding": [{"display": "Gout"}]},
        {**MASKED, "text": "Asthma"},
    ],
)
def test_a_condition_is_understood_by_icd_by_a_listed_code_or_by_its_words(code):
    assert unknown(code, listed=("listed",)) == []


@pytest.mark.parametrize("members", [{"clinical": "resolved"}, {"verification": "refuted"}])
def test_what_is_over_or_refuted_need_not_be_understood(members):
    assert unknown(MASKED, **members) == []


def test_what_is_not_understood_is_shown_with_its_date_and_without_its_words():
    chart = record(condition(code={"text": "Problem 7"}, recordedDate="2025-04-01"))
    (found,) = unidentified(chart, lambda _: False)
    assert (found.evidence.label, found.evidence.date) == ("Condition that cannot be identified", "2025-04-01")
    assert str(found.when) == "2025-04-01"
