"""The patient's day of birth and sex."""

from datetime import date
from typing import Any

import pytest

from fhir_mappings.dates import DateInterval
from fhir_mappings.demographics import Patient, Sex, patients
from tests.support.fhir_builders import record

US_CORE = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-"
FOR_CLINICAL_USE = "http://hl7.org/fhir/StructureDefinition/patient-sexParameterForClinicalUse"
SPCU = "http://terminology.hl7.org/CodeSystem/sex-parameter-for-clinical-use"
FEMALE, MALE, OTHER = Sex.FEMALE, Sex.MALE, Sex.OTHER


def patient(**members: Any) -> Patient:
    (found,) = patients(record({"resourceType": "Patient", "id": "p", **members}))
    return found


def stated(name: str, code: str) -> dict[str, Any]:
    return {"url": US_CORE + name, "valueCode": code}


def for_clinical_use(code: str) -> dict[str, Any]:
    value = {"url": "value", "valueCodeableConcept": {"coding": [{"system": SPCU, "code": code}]}}
    return {"url": FOR_CLINICAL_USE, "extension": [value, {"url": "comment", "valueString": "female"}]}


BOTH = {
    "url": US_CORE + "sex",
    "valueCodeableConcept": {"coding": [{"code": "248152002"}, {"code": "248153007"}]},
}


@pytest.mark.parametrize(
    ("members", "sexes"),
    [
        ({}, set()),
        ({"gender": "female"}, {FEMALE}),
        ({"gender": "male"}, {MALE}),
        ({"gender": "other"}, {OTHER}),
        ({"gender": "unknown"}, {OTHER}),
        ({"extension": [stated("birthsex", "F")]}, {FEMALE}),
        ({"extension": [stated("birthsex", "M")]}, {MALE}),
        ({"extension": [stated("birthsex", "UNK")]}, {OTHER}),
        ({"extension": [stated("sex", "248152002")]}, {FEMALE}),
        ({"extension": [stated("sex", "248153007")]}, {MALE}),
        ({"extension": [stated("sex", "asked-declined")]}, {OTHER}),
        ({"extension": [{"url": US_CORE + "individual-sex", "valueCoding": {"code": "male"}}]}, {MALE}),
        ({"extension": [for_clinical_use("female-typical")]}, {FEMALE}),
        ({"extension": [for_clinical_use("male-typical")]}, {MALE}),
        ({"extension": [for_clinical_use("specified")]}, {OTHER}),
        ({"extension": [{"url": FOR_CLINICAL_USE, "valueCode": "female"}]}, {OTHER}),
        ({"extension": [BOTH]}, {OTHER}),
        ({"gender": "female", "extension": [stated("birthsex", "M")]}, {FEMALE, MALE}),
        ({"gender": "female", "extension": [stated("birthsex", "F"), stated("sex", "248152002")]}, {FEMALE}),
        ({"gender": "male", "extension": [{"url": US_CORE + "genderIdentity", "valueCode": "F"}]}, {MALE}),
    ],
)
def test_every_element_that_states_a_sex_is_read(members: dict[str, Any], sexes: set[Sex]) -> None:
    assert patient(**members).sexes == sexes


def test_a_day_of_birth_may_be_partial() -> None:
    assert patient(birthDate="1960-04").born == DateInterval(date(1960, 4, 1), date(1960, 4, 30))


def test_without_a_day_of_birth_there_is_none() -> None:
    assert patient(gender="male").born is None


@pytest.mark.parametrize("members", [{"birthDate": "4/1/1960"}, {"gender": ["female"]}, {"extension": "F"}])
def test_a_patient_with_a_fault_in_what_is_read_is_not_used(members: dict[str, Any]) -> None:
    found = patient(**members)
    assert (found.is_usable, found.born, found.sexes) == (False, None, frozenset())


def test_without_a_patient_there_is_none() -> None:
    assert patients(record()) == ()
