"""Diseases of relatives (FamilyMemberHistory): which one, of which relative, and at what age it began.

`relatives.csv` has the codes of HL7 v3 RoleCode for relatives, as FHIR R4 binds them, with the name of each and its
degree: `first` for parents, full siblings, and children, `further` for other relatives by blood, `none` for relatives
by marriage or adoption and for others. A chart that says only "brother" or "mother" means the natural one.
"""

import csv
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import Enum
from functools import cache
from pathlib import Path

from msgspec import structs

from fhir_mappings.ages import Age, age_between, stated_age, stated_range
from fhir_mappings.codings import CodeMatcher, Coding, codings, codings_and_text, items
from fhir_mappings.dates import DateInterval, parse_period
from fhir_mappings.diagnoses import read_diagnosis
from fhir_mappings.fhir_json import Json, Resource
from fhir_mappings.record import Evidence, PatientRecord

_ROLE_CODES = {
    "http://terminology.hl7.org/CodeSystem/v3-RoleCode",
    "http://hl7.org/fhir/v3/RoleCode",
    "urn:oid:2.16.840.1.113883.5.111",
}
_ELEMENTS = ("status", "dataAbsentReason", "patient", "relationship", "born", "age", "deceased", "condition")
_STATUSES = ("partial", "completed", "health-unknown")
_AGE_IN_WORDS = re.compile(
    r"\A\s*(?:at )?(?:age )?(\d{1,3})(?: ?(?:years?|yrs?|y\.?o\.?)(?: old)?)?\s*\Z", re.IGNORECASE
)
_NATURAL = re.compile(r"\A(?:natural|biological|full)[ -]|\s*\(person\)\Z")


class Degree(Enum):
    """How a relative is related to the patient."""

    FIRST = "first"
    FURTHER = "further"
    NONE = "none"
    """Not by blood."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class FamilyCondition:
    """One disease of a relative. `onset` is the relative's age when it began, None if it is not stated.

    `is_certain` is False for a code that only asks, for words, and for a resource that is set aside.
    """

    evidence: Evidence
    degree: Degree
    onset: Age | None
    is_certain: bool


@dataclass(frozen=True, slots=True)
class FamilyHistory:
    """The diseases of relatives that match, and as `gaps` the relatives of whom not everything is known."""

    conditions: tuple[FamilyCondition, ...]
    gaps: tuple[FamilyCondition, ...]


def family_history(record: PatientRecord, codes: CodeMatcher, is_listed: Callable[[Coding], bool]) -> FamilyHistory:
    """Return the diseases of relatives with one of these codes, or with words that may mean one.

    A gap is a relative whose health is not known, a resource that is set aside, and a disease that is not understood:
    `is_listed` tells which codes other than those of ICD-10-CM are known.
    """
    return record.cached(("family history", codes, is_listed), lambda: _read(record, codes, is_listed))


def _read(record: PatientRecord, codes: CodeMatcher, is_listed: Callable[[Coding], bool]) -> FamilyHistory:
    conditions: list[FamilyCondition] = []
    gaps: list[FamilyCondition] = []
    for resource in record.of_type("FamilyMemberHistory"):
        if resource.get("status") == "entered-in-error":
            continue
        relative, degree = _relative(resource.get("relationship"))
        evidence = Evidence(
            record.reference(resource), relative.capitalize(), str(record.when(resource.get("date")) or "")
        )
        gap = FamilyCondition(evidence, degree, None, False)
        if not record.is_usable(resource, *_ELEMENTS) or resource.get("status") not in _STATUSES:
            gaps.append(replace(gap, evidence=structs.replace(evidence, value="set aside")))
            continue
        if resource.get("status") == "health-unknown" or resource.get("dataAbsentReason") is not None:
            gaps.append(replace(gap, evidence=structs.replace(evidence, value="health not known")))
        for stated in items(resource.get("condition")):
            diagnosis = read_diagnosis(stated.get("code"))
            if match := diagnosis.match(codes):
                onset = _onset(record, resource, stated)
                value = ("" if onset is None else f"at age {onset}") if match.decides else "to be confirmed"
                label = f"{match.label} ({relative})"
                conditions.append(
                    FamilyCondition(structs.replace(evidence, label=label, value=value), degree, onset, match.decides)
                )
            elif not diagnosis.is_understood(is_listed):
                gaps.append(replace(gap, evidence=structs.replace(evidence, value="disease that cannot be identified")))
    return FamilyHistory(tuple(conditions), tuple(gaps))


def _relative(relationship: Json) -> tuple[str, Degree]:
    """Return the name and the degree of a relative; UNKNOWN if code and words differ or say nothing that is known."""
    coded = [
        _by_code()[each.code]
        for each in codings(relationship)
        if each.system in _ROLE_CODES and each.code in _by_code()
    ]
    words = [each.display for each in codings_and_text(relationship)]
    names = (_NATURAL.sub("", each.strip().casefold()) for each in words)
    stated = (*coded, *(_by_name()[name] for name in names if name in _by_name()))
    degrees = {degree for _, degree in stated}
    return (stated[0][0], degrees.pop()) if len(degrees) == 1 else ("relative", Degree.UNKNOWN)


@cache
def _by_code() -> dict[str, tuple[str, Degree]]:
    with (Path(__file__).parent / "relatives.csv").open(encoding="utf-8", newline="") as rows:
        return {row["code"]: (row["name"], Degree(row["degree"])) for row in csv.DictReader(rows)}


@cache
def _by_name() -> dict[str, tuple[str, Degree]]:
    return {name: (name, degree) for name, degree in _by_code().values()}


def _onset(record: PatientRecord, resource: Resource, stated: Resource) -> Age | None:
    """Return the age of a relative when a disease began, no older than at death or, if not estimated, when recorded."""
    stated_at = _stated_onset(record, resource, stated)
    reached = [stated_age(resource.get("deceasedAge"))]
    if resource.get("estimatedAge") is not True:
        reached.append(stated_age(resource.get("ageAge")))
    highest = [age.highest for age in (stated_at, *reached) if age is not None and age.highest is not None]
    if not highest:
        return stated_at
    lowest = stated_at.lowest if stated_at else 0
    return Age(lowest, min(highest)) if lowest <= min(highest) else None


def _stated_onset(record: PatientRecord, resource: Resource, stated: Resource) -> Age | None:
    if (age := stated_age(stated.get("onsetAge"))) is not None:
        return age
    if (age := stated_range(stated.get("onsetRange"))) is not None:
        return age
    words = stated.get("onsetString")
    if isinstance(words, str) and (matched := _AGE_IN_WORDS.match(words[:40])):
        return stated_age({"value": Decimal(matched[1]), "code": "a"})
    born, (start, end) = _born(record, resource), parse_period(stated.get("onsetPeriod"), record.zone)
    return age_between(born, start.earliest, end.latest) if born and start and end else None


def _born(record: PatientRecord, resource: Resource) -> DateInterval | None:
    start, end = parse_period(resource.get("bornPeriod"), record.zone)
    return record.when(resource.get("bornDate")) or (
        DateInterval(start.earliest, end.latest) if start and end else None
    )
