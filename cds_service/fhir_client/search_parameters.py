"""The FHIR R4 search parameters of charts in memory, and how a resource matches one.

Names, types, and elements come from the R4 search parameter registry (https://hl7.org/fhir/R4/searchparameter-registry.html),
the matching rules from https://hl7.org/fhir/R4/search.html.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date
from functools import lru_cache
from typing import Literal, TypeAlias

from fhir_mappings.dates import DateInterval, parse
from fhir_mappings.fhir_json import Json, Resource
from fhir_mappings.ownership import SUBJECT_ELEMENTS

Kind: TypeAlias = Literal["reference", "canonical", "token", "date"]


class SearchError(ValueError):
    """A search that a FHIR server must refuse: an unsupported modifier, prefix, or value. Names the parameter."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One search parameter: its FHIR type and the top-level elements it searches."""

    kind: Kind
    elements: tuple[str, ...]


def _reference(*elements: str) -> Parameter:
    return Parameter("reference", elements)


def _token(*elements: str) -> Parameter:
    return Parameter("token", elements)


def _date(*elements: str) -> Parameter:
    return Parameter("date", elements)


_ABOUT_SUBJECT = {"patient": _reference("subject"), "subject": _reference("subject")}
_ABOUT_PATIENT = {"patient": _reference("patient")}
_CODE, _STATUS, _INTENT = {"code": _token("code")}, {"status": _token("status")}, {"intent": _token("intent")}
_CATEGORY, _CLINICAL_STATUS = {"category": _token("category")}, {"clinical-status": _token("clinicalStatus")}
_MEDICATION = {"code": _token("medicationCodeableConcept")}
_EFFECTIVE = _date("effectiveDateTime", "effectivePeriod", "effectiveInstant")

PARAMETERS: Mapping[str, Mapping[str, Parameter]] = {
    "AllergyIntolerance": _ABOUT_PATIENT
    | _CODE
    | _CATEGORY
    | _CLINICAL_STATUS
    | {"verification-status": _token("verificationStatus"), "date": _date("recordedDate")},
    "CarePlan": _ABOUT_SUBJECT | _CATEGORY | _INTENT | _STATUS | {"date": _date("period")},
    "ChargeItem": _ABOUT_SUBJECT | _CODE | {"occurrence": _date("occurrenceDateTime", "occurrencePeriod")},
    "Condition": _ABOUT_SUBJECT
    | _CODE
    | _CATEGORY
    | _CLINICAL_STATUS
    | {
        "verification-status": _token("verificationStatus"),
        "onset-date": _date("onsetDateTime", "onsetPeriod"),
        "recorded-date": _date("recordedDate"),
    },
    "Coverage": {
        "patient": _reference("beneficiary"),
        "beneficiary": _reference("beneficiary"),
        "type": _token("type"),
    }
    | _STATUS,
    "Device": _ABOUT_PATIENT | _STATUS | {"type": _token("type")},
    "DeviceRequest": _ABOUT_SUBJECT
    | _INTENT
    | _STATUS
    | {"code": _token("codeCodeableConcept"), "authored-on": _date("authoredOn")},
    "DeviceUseStatement": _ABOUT_SUBJECT,
    "DiagnosticReport": _ABOUT_SUBJECT | _CODE | _CATEGORY | _STATUS | {"date": _EFFECTIVE},
    "DocumentReference": _ABOUT_SUBJECT | _CATEGORY | _STATUS | {"type": _token("type"), "date": _date("date")},
    "Encounter": _ABOUT_SUBJECT | _STATUS | {"type": _token("type"), "date": _date("period")},
    "ExplanationOfBenefit": _ABOUT_PATIENT | _STATUS | {"created": _date("created")},
    "FamilyMemberHistory": _ABOUT_PATIENT | _STATUS | {"relationship": _token("relationship"), "date": _date("date")},
    "ImagingStudy": _ABOUT_SUBJECT | _STATUS | {"started": _date("started")},
    "Location": {},
    "Medication": _CODE | _STATUS,
    "MedicationAdministration": _ABOUT_SUBJECT | _MEDICATION | _STATUS | {"effective-time": _EFFECTIVE},
    "MedicationDispense": _ABOUT_SUBJECT | _MEDICATION | _STATUS | {"whenhandedover": _date("whenHandedOver")},
    "MedicationRequest": _ABOUT_SUBJECT
    | _MEDICATION
    | _CATEGORY
    | _INTENT
    | _STATUS
    | {"authoredon": _date("authoredOn")},
    "MedicationStatement": _ABOUT_SUBJECT | _MEDICATION | _CATEGORY | _STATUS | {"effective": _EFFECTIVE},
    "Observation": _ABOUT_SUBJECT | _CODE | _CATEGORY | _STATUS | {"date": _EFFECTIVE},
    "Organization": {},
    "Patient": {},
    "Practitioner": {},
    "PractitionerRole": {},
    "Procedure": _ABOUT_SUBJECT | _CODE | _CATEGORY | _STATUS | {"date": _date("performedDateTime", "performedPeriod")},
    "QuestionnaireResponse": _ABOUT_SUBJECT
    | _STATUS
    | {"questionnaire": Parameter("canonical", ("questionnaire",)), "authored": _date("authored")},
    "ServiceRequest": _ABOUT_SUBJECT
    | _CODE
    | _CATEGORY
    | _INTENT
    | _STATUS
    | {"authored": _date("authoredOn"), "occurrence": _date("occurrenceDateTime", "occurrencePeriod")},
}
"""The searchable elements by resource type; every type also has `_id`."""

_PATIENT_ONLY: Mapping[str, Parameter] = {
    "patient": _reference(*SUBJECT_ELEMENTS),
    "subject": _reference(*SUBJECT_ELEMENTS),
}


def parameters_of(resource_type: str) -> Mapping[str, Parameter]:
    """Return the parameters of a type except `_id`; an unlisted type has only the patient parameters."""
    return PARAMETERS.get(resource_type, _PATIENT_ONLY)


Canonical: TypeAlias = Callable[[str], str]
"""Converts a reference string to the name of its target in the store, such as `Patient/1`."""


def satisfies(resource: Resource, name: str, parameter: Parameter, value: str, canonical: Canonical) -> bool:
    """Return whether a resource has one of the comma-separated values of a parameter.

    Raise SearchError, with the `name` of the parameter, for an unreadable date or prefix.
    """
    found = [resource[element] for element in parameter.elements if element in resource]
    if parameter.kind == "token":
        wanted_tokens = _wanted_tokens(value)
        return any(wanted_tokens.match(one) for one in found)
    wanted = alternatives(value)
    if parameter.kind == "reference":
        return any(_reference_matches(one, option, canonical) for option in wanted for one in found)
    if parameter.kind == "canonical":
        return any(option in (one, str(one).split("|")[0]) for option in wanted for one in found)
    ranges = [_range(name, option) for option in wanted]
    return any(_date_matches(one, prefix, when) for prefix, when in ranges for one in found)


def alternatives(value: str) -> list[str]:
    r"""Return the values of a comma-separated list; `\,` is a comma within a value (R4, 3.1.1.4.0.1)."""
    return [re.sub(r"\\(.)", r"\1", part) for part in re.split(r"(?<!\\),", value) if part]


def _reference_matches(element: Json, wanted: str, canonical: Canonical) -> bool:
    target = element.get("reference") if isinstance(element, Mapping) else None
    if not isinstance(target, str):
        return False
    name = canonical(target)
    return name in (canonical(wanted), canonical(f"Patient/{wanted}"))


def _tokens(element: Json) -> Iterator[tuple[str | None, str]]:
    """Yield the (system, code) pairs of a code, Coding, CodeableConcept, or list; a plain code has system None."""
    if isinstance(element, str):
        yield None, element
    elif isinstance(element, list):
        for one in element:
            yield from _tokens(one)
    elif isinstance(element, Mapping):
        if "coding" in element:
            yield from _tokens(element["coding"])
        elif isinstance(element.get("code"), str):
            system = element.get("system")
            yield system if isinstance(system, str) else "", element["code"]


@dataclass(frozen=True, slots=True)
class _WantedTokens:
    """The values of a token parameter: `code`, `system|code`, `|code` (no system), or `system|` (any code of it).

    R4, 3.1.1.4.10. A search of a policy has hundreds of codes, so a resource must not be compared with each.
    """

    plain: frozenset[str]
    coded: frozenset[tuple[str, str]]
    systems: frozenset[str]
    codes_of_a_system: frozenset[str]

    def match(self, element: Json) -> bool:
        """Return whether an element has one of them; a plain code is of every system."""
        for system, code in _tokens(element):
            if code in self.plain:
                return True
            if system is None:
                if self.systems or code in self.codes_of_a_system:
                    return True
            elif (system, code) in self.coded or system in self.systems:
                return True
        return False


@lru_cache(maxsize=256)
def _wanted_tokens(value: str) -> _WantedTokens:
    options = [option.rpartition("|") for option in alternatives(value)]
    coded = frozenset((system, code) for system, bar, code in options if bar and code)
    return _WantedTokens(
        plain=frozenset(code for _, bar, code in options if not bar),
        coded=coded,
        systems=frozenset(system for system, bar, code in options if bar and not code),
        codes_of_a_system=frozenset(code for _, code in coded),
    )


_PREFIXED = re.compile(r"(eq|ge|gt|le|lt)?([0-9].*)\Z")


def _range(name: str, value: str) -> tuple[str, DateInterval]:
    matched = _PREFIXED.match(value)
    when = _when(matched[2].replace(" ", "+")) if matched else None
    if matched is None or when is None:
        raise SearchError(f"{name} is not a FHIR date with one of the prefixes eq, ge, gt, le, and lt")
    return matched[1] or "eq", when


def _when(value: Json) -> DateInterval | None:
    """Return the days of a FHIR date, or of a Period from its first to its last possible day, as written (in UTC)."""
    if isinstance(value, Mapping):
        start, end = _when(value.get("start")), _when(value.get("end"))
        if start is None and end is None:
            return None
        return DateInterval(start.earliest if start else date.min, end.latest if end else date.max)
    when = parse(value, UTC)
    if when is not None and when.instant is not None:
        day = when.instant.date()
        return DateInterval(day, day, when.instant)
    return when


def _date_matches(element: Json, prefix: str, wanted: DateInterval) -> bool:
    when = _when(element)
    if when is None:
        return False
    if when.instant and wanted.instant:
        inside, later, earlier = (
            when.instant == wanted.instant,
            when.instant > wanted.instant,
            when.instant < wanted.instant,
        )
    else:
        inside = wanted.earliest <= when.earliest and when.latest <= wanted.latest
        later, earlier = when.latest > wanted.latest, when.earliest < wanted.earliest
    return {"eq": inside, "gt": later, "lt": earlier, "ge": inside or later, "le": inside or earlier}[prefix]
