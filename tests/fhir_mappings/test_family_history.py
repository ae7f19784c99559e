"""Diseases of relatives: whose, which, and at what age."""

from decimal import Decimal

import pytest

from fhir_mappings.ages import Age
from fhir_mappings.family_history import Degree, family_history
from tests.support.fhir_builders import ASKED, KNOWN, PATIENT, concept, record

ROLES = "http://terminology.hl7.org/CodeSystem/v3-RoleCode"
YEARS_50 = {"value": 50, "unit": "years", "system": "http://unitsofmeasure.org", "code": "a"}


def member(relationship="MTH", *conditions, **more):
    made = {
        "resourceType": "FamilyMemberHistory",
        "id": "f",
        "status": "completed",
        "patient": PATIENT,
        "relationship": concept(relationship, ROLES) if isinstance(relationship, str) else relationship,
        "condition": list(conditions or [{"code": concept()}]),
        **more,
    }
    return {name: value for name, value in made.items() if value is not None}


def read(*resources, codes=KNOWN):
    return family_history(record(*resources), codes, lambda coding: coding.code in ("known", "other"))


def only(*args, codes=KNOWN, **members):
    (found,) = read(member(*args, **members), codes=codes).conditions
    return found


def years(number, **more):
    return YEARS_50 | {"value": number} | more


@pytest.mark.parametrize(
    ("relationship", "degree"),
    [
        *((code, Degree.FIRST) for code in ("MTH", "NFTH", "BRO", "NSIS", "TWIN", "SON", "DAUC", "CHILD")),
        *((code, Degree.FURTHER) for code in ("HBRO", "MGRMTH", "PUNCLE", "COUSN", "GRNDSON", "NIECE")),
        *((code, Degree.NONE) for code in ("STPMTH", "ADOPTF", "CHLDFOST", "WIFE", "MTHINLAW", "ONESELF")),
        *((code, Degree.UNKNOWN) for code in ("FAMMEMB", "EXT", "GESTM", "nothing")),
        ({"text": "Mother"}, Degree.FIRST),
        ({"text": "Biological father"}, Degree.FIRST),
        ({"text": "maternal grandmother"}, Degree.FURTHER),
        ({"text": "Stepfather"}, Degree.NONE),
        ({"text": "Mother's friend"}, Degree.UNKNOWN),
        (concept("72705000", "http://snomed.info/sct", display="Mother (person)"), Degree.FIRST),
        (concept("MTH", "http://example.org"), Degree.UNKNOWN),
        (concept("BRO", ROLES) | {"text": "Half-brother"}, Degree.UNKNOWN),
        (concept("BRO", ROLES) | {"text": "Brother, the younger one"}, Degree.FIRST),
    ],
)
def test_the_degree_follows_from_code_and_words(relationship, degree):
    assert only(relationship).degree is degree


def test_a_relative_is_named_by_the_relation_and_never_by_other_words():
    assert only({"text": "Jane, the mother"}).evidence.label == "Known (relative)"
    assert only("MTH").evidence.label == "Known (mother)"


@pytest.mark.parametrize(
    ("stated", "onset"),
    [
        ({"onsetAge": years(50)}, Age(600, 611)),
        ({"onsetAge": years(Decimal("49.5"))}, Age(594, 594)),
        ({"onsetAge": years(50, comparator="<")}, Age(0, 599)),
        ({"onsetAge": years(50, comparator="<=")}, Age(0, 611)),
        ({"onsetAge": years(50, comparator=">=")}, Age(600, None)),
        ({"onsetAge": years(18, code="mo", unit="months")}, Age(18, 18)),
        ({"onsetAge": years(8, code="wk", unit="weeks")}, Age(1, 1)),
        ({"onsetAge": years(50, code="kg")}, None),
        ({"onsetAge": years(500)}, None),
        ({"onsetRange": {"low": years(40), "high": years(49)}}, Age(480, 599)),
        ({"onsetRange": {"high": years(49)}}, Age(0, 599)),
        ({"onsetRange": {"low": years(40)}}, Age(480, None)),
        ({"onsetString": "45"}, Age(540, 551)),
        ({"onsetString": "age 45 years old"}, Age(540, 551)),
        ({"onsetString": "in her forties"}, None),
        ({"onsetPeriod": {"start": "2000-06-01", "end": "2000-06-30"}}, None),
        ({}, None),
    ],
)
def test_the_age_at_onset_is_an_interval_of_months(stated, onset):
    assert only("MTH", {"code": concept(), **stated}).onset == onset


@pytest.mark.parametrize(
    ("born", "onset"),
    [
        ({"bornDate": "1950-06-15"}, Age(599, 600)),
        ({"bornDate": "1950"}, Age(593, 605)),
        ({"bornPeriod": {"start": "1950-01-01", "end": "1950-12-31"}}, Age(593, 605)),
        ({"bornPeriod": {"start": "1950-01-01"}}, None),
        ({"bornString": "about 1950"}, None),
    ],
)
def test_a_period_of_onset_is_an_age_by_the_birth_of_the_relative(born, onset):
    during = {"code": concept(), "onsetPeriod": {"start": "2000-06-01", "end": "2000-06-30"}}
    assert only("MTH", during, **born).onset == onset


@pytest.mark.parametrize(
    ("members", "onset"),
    [
        ({"deceasedAge": years(48)}, Age(0, 587)),
        ({"ageAge": years(48)}, Age(0, 587)),
        ({"ageAge": years(48), "estimatedAge": True}, None),
        ({"ageAge": years(48), "estimatedAge": False}, Age(0, 587)),
        ({"deceasedBoolean": True}, None),
    ],
)
def test_a_disease_began_no_later_than_the_relative_died_or_was_asked_about(members, onset):
    assert only(**members).onset == onset


def test_an_onset_after_the_death_is_no_age():
    late = {"code": concept(), "onsetAge": years(60)}
    assert only("MTH", late, deceasedAge=years(48)).onset is None


@pytest.mark.parametrize(
    ("members", "conditions", "gaps"),
    [
        ({"status": "completed"}, 1, []),
        ({"status": "partial"}, 1, []),
        ({"status": "entered-in-error"}, 0, []),
        ({"status": "health-unknown", "condition": None}, 0, ["health not known"]),
        ({"status": "sure"}, 0, ["set aside"]),
        ({"dataAbsentReason": concept("withheld"), "condition": None}, 0, ["health not known"]),
        ({"condition": [{"code": concept("other")}]}, 0, []),
        ({"condition": [{"code": concept("strange")}]}, 0, ["disease that cannot be identified"]),
        ({"modifierExtension": [{"url": "http://example.org/not", "valueBoolean": True}]}, 0, ["set aside"]),
    ],
)
def test_what_is_not_known_of_a_relative_is_a_gap(members, conditions, gaps):
    found = read(member(**members))
    assert (len(found.conditions), [each.evidence.value for each in found.gaps]) == (conditions, gaps)


def test_a_code_that_only_asks_is_not_certain():
    found = only(codes=ASKED)
    assert (found.is_certain, found.evidence.value) == (False, "to be confirmed")


def test_every_relative_of_the_table_is_one_with_a_degree():
    assert all(only(code).evidence.label != "Known (relative)" for code in ("MTH", "GGRPRN", "ROOM"))
