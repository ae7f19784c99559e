"""The patient: day of birth and sex (Patient).

What a policy means by sex is as a rule clinical sex. A chart states it in several places, and none is the right one
alone: the administrative gender, and the extensions of US Core and of FHIR R5 for the sex at birth, for the sex, and
for the sex to be used in clinical decisions.
"""

from dataclasses import dataclass
from enum import StrEnum

from fhir_mappings.codings import items, plain_codes
from fhir_mappings.dates import DateInterval
from fhir_mappings.fhir_json import Json, Resource
from fhir_mappings.record import PatientRecord


class Sex(StrEnum):
    """What one element says of the sex of a patient."""

    FEMALE = "female"
    MALE = "male"
    OTHER = "other or unknown"


_US_CORE = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-"
_STATED = frozenset({f"{_US_CORE}birthsex", f"{_US_CORE}sex", f"{_US_CORE}individual-sex"})
"""Extensions whose value is a sex (US Core 3.1.1, 6.1, and 8.0)."""
_FOR_CLINICAL_USE = "http://hl7.org/fhir/StructureDefinition/patient-sexParameterForClinicalUse"
"""The extension of FHIR R5, in US Core since 8.0, whose part `value` is a sex."""
SEX_EXTENSIONS = _STATED | {_FOR_CLINICAL_USE}
"""Every extension that is read here."""
_SEXES = {
    Sex.FEMALE: {"female", "F", "248152002", "female-typical"},
    Sex.MALE: {"male", "M", "248153007", "male-typical"},
}
"""Codes of administrative gender, of US Core birth sex, of SNOMED CT, and of the sex parameter for clinical use."""


@dataclass(frozen=True, slots=True)
class Patient:
    """The patient as the chart has them.

    `born` is None without a day of birth that can be read. `sexes` are what the elements say that state a sex; none if
    no element does. `is_usable` is False if the resource has a fault in one of these elements.
    """

    reference: str
    born: DateInterval | None
    sexes: frozenset[Sex]
    is_usable: bool


def patients(record: PatientRecord) -> tuple[Patient, ...]:
    """Return the resources of the patient: one, or several if more than one server sent it."""
    return record.cached("patients", lambda: tuple(_patient(record, each) for each in record.of_type("Patient")))


def _patient(record: PatientRecord, resource: Resource) -> Patient:
    if not record.is_usable(resource, "birthDate", "gender", "extension"):
        return Patient(record.reference(resource), None, frozenset(), False)
    return Patient(record.reference(resource), record.when(resource.get("birthDate")), _sexes(resource), True)


def _sexes(resource: Resource) -> frozenset[Sex]:
    found = {_sex(frozenset({resource["gender"]}))} if isinstance(resource.get("gender"), str) else set()
    for extension in items(resource.get("extension")):
        if extension.get("url") in _STATED:
            found.add(_sex(_codes(extension)))
        elif extension.get("url") == _FOR_CLINICAL_USE:
            values = [part for part in items(extension.get("extension")) if part.get("url") == "value"]
            found.add(_sex(frozenset().union(*map(_codes, values))))
    return frozenset(found)


def _codes(extension: Json) -> frozenset[str]:
    """Return the codes of the value of an extension: a code, a Coding, or a CodeableConcept."""
    code = extension.get("valueCode")
    coded = (extension.get("valueCoding"), extension.get("valueCodeableConcept"))
    return frozenset({code} if isinstance(code, str) else ()).union(*map(plain_codes, coded))


def _sex(codes: frozenset[str]) -> Sex:
    found = {sex for sex, known in _SEXES.items() if codes & known}
    return found.pop() if len(found) == 1 else Sex.OTHER
