"""What passes the quick check is valid by the models of fhir.resources, and ordinary resources do pass it."""

import os
from collections.abc import Callable, Iterator
from copy import deepcopy
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cds_service.sample_ehr.patients import SAMPLES
from coverage_policies.authoring.cases import load_cases
from coverage_policies.format.library import load_library
from coverage_policies.format.registry import resource_types
from fhir_mappings.bundle import entries
from fhir_mappings.fhir_json import Json, Resource, loads
from fhir_mappings.quick_check import passes_quick_check
from fhir_mappings.validity import element_names, faults_by_models
from tests.support.fuzzing import EXAMPLES, paths

FOLDER = os.environ.get("CDS_EXTRA_CHARTS", "")
CHARTS = sorted(Path(FOLDER).glob("*.json")) if FOLDER else []

CONCEPT = {"coding": [{"system": "http://loinc.org", "version": "2", "code": "1-8", "display": "A"}], "text": "A"}
PATIENT = {"reference": "Patient/1"}
PERIOD = {"start": "2026-01", "end": "2026-02-28"}
ORGANIZATION = {"reference": "Organization/1"}
ORDER = {"status": "draft", "intent": "order", "subject": PATIENT}
DRUG = {"status": "active", "medicationCodeableConcept": CONCEPT, "subject": PATIENT}
LEAST: dict[str, dict[str, Any]] = {
    "AllergyIntolerance": {"patient": PATIENT},
    "CarePlan": {"status": "active", "intent": "plan", "subject": PATIENT},
    "ChargeItem": {"status": "billed", "code": CONCEPT, "subject": PATIENT},
    "Claim": {
        "status": "active",
        "type": CONCEPT,
        "use": "claim",
        "patient": PATIENT,
        "created": "2026-01-05",
        "provider": ORGANIZATION,
        "priority": CONCEPT,
        "insurance": [{"sequence": 1, "focal": True, "coverage": {"reference": "Coverage/1"}}],
    },
    "Condition": {"subject": PATIENT},
    "Coverage": {"status": "active", "beneficiary": PATIENT, "payor": [ORGANIZATION]},
    "Device": {},
    "DeviceRequest": {"intent": "order", "codeCodeableConcept": CONCEPT, "subject": PATIENT},
    "DiagnosticReport": {"status": "final", "code": CONCEPT},
    "Encounter": {"status": "finished", "class": {"code": "AMB"}},
    "ExplanationOfBenefit": {
        "status": "active",
        "type": CONCEPT,
        "use": "claim",
        "patient": PATIENT,
        "created": "2026-01-05",
        "insurer": ORGANIZATION,
        "provider": ORGANIZATION,
        "outcome": "complete",
        "insurance": [{"focal": True, "coverage": {"reference": "Coverage/1"}}],
    },
    "FamilyMemberHistory": {"status": "completed", "patient": PATIENT, "relationship": CONCEPT},
    "ImagingStudy": {"status": "available", "subject": PATIENT},
    "Medication": {"code": CONCEPT},
    "MedicationAdministration": {**DRUG, "effectivePeriod": PERIOD},
    "MedicationDispense": {"status": "completed", "medicationReference": {"reference": "#m"}},
    "MedicationRequest": {**DRUG, "intent": "order"},
    "MedicationStatement": DRUG,
    "Observation": {"status": "final", "code": CONCEPT},
    "Organization": {"name": "A"},
    "Patient": {"birthDate": "1960-02-29"},
    "Practitioner": {"name": [{"family": "A", "given": ["B", "C"]}]},
    "Procedure": {"status": "completed", "subject": PATIENT},
    "QuestionnaireResponse": {"status": "completed", "item": [{"linkId": "1", "answer": [{"valueBoolean": True}]}]},
    "ServiceRequest": ORDER,
}
"""By resource type, a valid resource with little more than FHIR R4 requires."""

DATES: list[Json] = [
    *("2026", "2026-02", "2026-02-28", "2024-02-29", "2026-02-29", "2026-02-30", "2026-04-31", "2026-13-01", "2026-00"),
    *("0000", "0001-01-01", "9999-12-31", "20260201", "2026-W05-7", "2026-02-28T10:00:00Z", "2026-02-28T10:00:00"),
    *("2026-02-28T24:00:00Z", "2026-02-28T10:00:60Z", "2026-02-28T10:00Z", "2026-02-28 10:00:00Z", "2026-02-28T10Z"),
    *("2026-02-28T10:00:00.123456789Z", "2026-02-28T10:00:00,5Z", "2026-02-28T10:00:00+14:00", "2026-02-28T10:00:00z"),
    *(
        "2026-02-28T10:00:00-13:59",
        "2026-02-28T10:00:00+15:00",
        "9999-12-31T23:59:59-13:00",
        "1000-01-01T00:00:00+13:00",
    ),
    *("2026-02-28\n", " 2026-02-28", "２０２６-02-28", "10:00:00", "10:00:00.5", "24:00:00", "10:00", "10:00:60"),
]
TEXTS: list[Json] = [
    *("", " ", "\n", "\t", "\x0b", "\x1c", "\xa0", "\u2003", "\x00", "a", " a ", "a b", "a  b", "a\n", "a\x0bb", "é"),
    *("\ud800", "a\udfff", "\U0001f600", "a" * 64, "a" * 65, "a" * 256, "-.", "a_b", "generated", "#a", "a/b", "/a b"),
    *(
        "http://example.org/a?b=c",
        "https://a",
        "https://",
        "http://[",
        "ftp://a",
        "mailto:a@b",
        "urn:uuid:x",
        "boolean",
    ),
    *("urn:uuid:53fefa32-fcbb-4ff8-8a92-55ee120877b7", "53fefa32-fcbb-4ff8-8a92-55ee120877b7", "urn:oid:1.2.3"),
    *("YQ==", "YWI=", "YWJj", "YQ", "Y===", "YQ=", "====", "Y-_=", "YWJj YWJj", "<div>a</div>", "true", "1", "1.5"),
]
NUMBERS: list[Json] = [
    *(0, 1, -1, 7, 2**31 - 1, 2**31, -(2**31), -(2**31) - 1, 2**63, 10**999, True, False, 0.5, 1.0),
    *(float("nan"), float("inf"), 1e300),
    *map(Decimal, ("0", "-0", "1", "1.50", "1E+400", "1E-400", "0E-9", "NaN", "Infinity", "-Infinity", "sNaN")),
]
OBJECTS: list[Json] = [
    *(None, [], {}, [None], [[]], [{}], {"a": 1}, {"resourceType": "Coding"}, {"resourceType": "Patient"}, b"a"),
    *(CONCEPT, CONCEPT["coding"][0], PATIENT, PERIOD, {"value": Decimal("1.5"), "unit": "a"}, {"text": "a"}),
    *({"fhir_comments": "a"}, {"id": "a"}, {"id": 1}, {"extension": [{"url": "a", "valueString": "a"}]}),
    *({"extension": [{"url": "a"}]}, {"extension": [{"valueString": "a"}]}, {"extension": []}, {"value": 1, "code": 2}),
    *({"url": "a", "valueString": "a"}, {"url": "a", "valueString": "a", "valueCode": "a"}, {"start": "a"}),
]
VALUES = [*DATES, *TEXTS, *NUMBERS, *OBJECTS]
TYPES = [
    *("Base64Binary", "Boolean", "Canonical", "Code", "Date", "DateTime", "Decimal", "Id", "Instant", "Integer"),
    *("Markdown", "Oid", "PositiveInt", "String", "Time", "UnsignedInt", "Uri", "Url", "Uuid"),
]
PASSING: dict[str, Json] = {
    "Base64Binary": "YQ==",
    "Boolean": False,
    "Canonical": "http://a|1",
    "Code": "final",
    "Date": "2024-02-29",
    "DateTime": "2026-01-05T10:00:00.123+02:00",
    "Decimal": Decimal("1.50"),
    "Id": "a-1.b",
    "Integer": -1,
    "Instant": "2026-01-05T10:00:00Z",
    "Markdown": "*a*",
    "PositiveInt": 2**31 - 1,
    "String": " å\n",
    "Time": "10:00:00",
    "UnsignedInt": 0,
    "Uri": "urn:oid:1.2",
    "Url": "mailto:a@example.org",
}


def least(kind: str, **members: Json) -> Resource:
    return {"resourceType": kind, "id": "a-1", **LEAST[kind], **members}


def extended(**members: Json) -> Resource:
    return least("Condition", extension=[{"url": "http://example.org/a", **members}])


def is_sound(resource: Resource) -> bool:
    return not passes_quick_check(resource) or faults_by_models(resource) == ()


def samples() -> Iterator[Resource]:
    """The resources of the sample patients and their orders, and those of the case files of all policies."""
    for sample in SAMPLES:
        yield from (resource for _, resource in entries(sample.bundle(None)))
        yield from (order.resource(None) for order in sample.orders)
    for policy in load_library().policies.values():
        for case in load_cases(policy):
            yield from (case.order, *case.other_orders, *case.chart)


@cache
def varied() -> tuple[Resource, ...]:
    """Of the samples, one resource for each set of element names, and the least resource of each type."""
    found = {(each["resourceType"], frozenset(each)): each for each in samples() if len(each) > 2}
    return (*found.values(), *map(least, LEAST))


def deeper(levels: int) -> dict[str, Any]:
    """An extension in that many others."""
    found: dict[str, Any] = {"url": "a", "valueString": "a"}
    for _ in range(levels):
        found = {"url": "a", "extension": [found]}
    return found


# --- what passes is valid --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", TYPES)
def test_an_edge_value_of_a_primitive_type_passes_only_if_the_models_accept_it(kind: str) -> None:
    wrong = [value for value in VALUES if not is_sound(extended(**{f"value{kind}": value}))]
    assert not wrong


@pytest.mark.parametrize(
    "place",
    [
        lambda value: least("Patient", name=[{"given": ["a", value]}]),
        lambda value: least("Patient", text={"status": "generated", "div": value}),
        lambda value: least("Condition", code={"coding": [value]}),
        lambda value: least("Condition", code={"coding": value}),
        lambda value: least("Condition", code=value),
        lambda value: least("Condition", meta={"profile": value}),
        lambda value: least("Condition", contained=[value]),
        lambda value: least("Condition", id=value),
        lambda value: least("Condition", **{str(value)[:30]: value}),
        lambda value: {**least("Condition"), "resourceType": value},
        lambda value: {"resourceType": value},
    ],
)
def test_an_edge_value_in_any_place_passes_only_if_the_models_accept_it(place: Callable[[Json], Resource]) -> None:
    wrong = [value for value in VALUES if not is_sound(place(value))]
    assert not wrong


@pytest.mark.slow
@pytest.mark.parametrize("kind", LEAST)
def test_any_value_in_any_element_passes_only_if_the_models_accept_it(kind: str) -> None:
    values = [*OBJECTS, "2026-02-28", "2026-02-28T10:00:00Z", "a", 1, Decimal("1.5"), True]
    wrong = [
        (name, value)
        for name in element_names(kind)
        for each in values
        for value in (each, [each], [each, each])
        if not is_sound(least(kind, **{name: value}))
    ]
    assert not wrong


@pytest.mark.parametrize("kind", LEAST)
def test_a_resource_without_one_of_its_elements_passes_only_if_the_models_accept_it(kind: str) -> None:
    whole = least(kind)
    for name in whole:
        assert is_sound({member: value for member, value in whole.items() if member != name})


@pytest.mark.parametrize(
    "members",
    [
        {"onsetDateTime": "2026", "onsetString": "a"},
        {"onsetAge": {"value": 1}, "onsetRange": {}},
        {"note": [{"text": "a", "authorString": "a", "authorReference": PATIENT}]},
        {"note": [{"time": "2026"}]},
        {"contained": [{"resourceType": "Observation"}]},
        {"contained": [{"resourceType": "Coding", "code": "a"}]},
        {"contained": [{"code": "a"}]},
        {"code": {"resourceType": "Coding", "text": "a"}},
        {"_recordedDate": {"id": 1}},
        {"_recordedDate": {}},
        {"fhir_comments": 1},
        {"recordedDate__ext": {"id": 1}},
    ],
    ids=str,
)
def test_members_that_the_models_refuse_do_not_pass(members: dict[str, Any]) -> None:
    resource = least("Condition", **members)
    assert faults_by_models(resource)
    assert not passes_quick_check(resource)


@pytest.mark.parametrize("levels", [*range(1, 20), 100, 2000])
def test_deep_nesting_passes_only_if_the_models_accept_it(levels: int) -> None:
    assert is_sound(least("Condition", extension=[deeper(levels)]))


def test_an_object_in_itself_does_not_pass() -> None:
    concept: dict[str, Any] = {"url": "a"}
    concept["extension"] = [concept]
    assert not passes_quick_check(least("Condition", extension=[concept]))


LEAVES = st.sampled_from(VALUES) | st.text(max_size=5) | st.integers() | st.decimals() | st.booleans() | st.none()
NAMES = st.sampled_from(
    [
        *("", "id", "extension", "modifierExtension", "_status", "status", "code", "coding", "system", "text", "value"),
        *("resourceType", "reference", "url", "valueString", "valueQuantity", "start", "note", "identifier", "period"),
        *("contained", "meta", "class", "class_fhir", "type", "onsetString", "performedDateTime", "fhir_comments"),
    ]
)


@pytest.mark.slow
@settings(max_examples=20 * EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_resource_with_changes_anywhere_passes_only_if_the_models_accept_it(data: st.DataObject) -> None:
    resource = deepcopy(data.draw(st.sampled_from(varied())))
    for _ in range(data.draw(st.integers(1, 3))):
        *parents, last = data.draw(st.sampled_from(list(paths(resource))))
        parent: Any = resource
        for step in parents:
            parent = parent[step]
        change = data.draw(st.sampled_from(["replace", "delete", "add", "move", "wrap", "repeat"]))
        if change == "replace":
            parent[last] = deepcopy(data.draw(LEAVES))
        elif change == "delete":
            del parent[last]
        elif change == "wrap":
            parent[last] = [parent[last]]
        elif change == "repeat":
            parent[last] = [parent[last], deepcopy(parent[last])]
        elif isinstance(parent, dict):
            parent[data.draw(NAMES)] = deepcopy(data.draw(LEAVES) if change == "add" else parent[last])
        if not list(paths(resource)):
            break
    assert is_sound(resource)


DIGITS = st.from_regex(
    r"[0-2][0-9]{3}(-[01][0-9](-[0-3][0-9](T[0-2][0-9]:[0-6][0-9]:[0-6][0-9](\.[0-9]{1,12})?(Z|[+-][01][0-9]:[0-6]0)?)?)?)?",
    fullmatch=True,
)


@pytest.mark.slow
@settings(max_examples=20 * EXAMPLES, deadline=None)
@given(written=DIGITS, kind=st.sampled_from(["Date", "DateTime", "Instant", "Time"]))
def test_a_date_or_time_passes_only_if_the_models_accept_it(written: str, kind: str) -> None:
    value = written.partition("T")[2] if kind == "Time" else written
    assert is_sound(extended(**{f"value{kind}": value}))


@pytest.mark.slow
@settings(max_examples=20 * EXAMPLES, deadline=None)
@given(value=st.text(), kind=st.sampled_from(TYPES))
def test_a_text_passes_only_if_the_models_accept_it(value: str, kind: str) -> None:
    assert is_sound(extended(**{f"value{kind}": value}))


# --- ordinary resources pass -----------------------------------------------------------------------------------------


def test_the_least_resource_is_known_of_every_type_that_a_policy_reads() -> None:
    assert set(resource_types()) <= LEAST.keys()


@pytest.mark.parametrize("kind", LEAST)
def test_a_resource_with_little_more_than_is_required_passes(kind: str) -> None:
    assert passes_quick_check(least(kind))


@pytest.mark.parametrize("kind", PASSING)
def test_an_ordinary_value_of_a_primitive_type_passes(kind: str) -> None:
    assert passes_quick_check(extended(**{f"value{kind}": PASSING[kind]}))


@pytest.mark.parametrize(
    "members",
    [
        {"contained": [least("Patient"), least("Medication")]},
        {"extension": [{"url": "a", "extension": [{"url": "b", "valueCoding": {"code": "a"}}]}]},
        {"meta": {"lastUpdated": "2026-01-05T10:00:00.123Z", "profile": ["http://example.org/a"]}},
        {"text": {"status": "generated", "div": "<div>é</div>"}},
        {"identifier": [{"assigner": {"identifier": {"assigner": {"display": "A"}}}}]},
        {"onsetAge": {"value": 40, "unit": "a"}, "abatementDateTime": "2026-01"},
    ],
    ids=str,
)
def test_common_elements_pass(members: dict[str, Any]) -> None:
    assert passes_quick_check(least("Condition", **members))


@pytest.mark.parametrize(
    "members",
    [
        {"implicitRules": "http://example.org/a"},
        {"modifierExtension": [{"url": "a", "valueBoolean": True}]},
        {"stage": [{"type": CONCEPT, "modifierExtension": [{"url": "a", "valueBoolean": True}]}]},
    ],
    ids=str,
)
def test_a_resource_with_a_modifier_does_not_pass(members: dict[str, Any]) -> None:
    assert faults_by_models(least("Condition", **members)) == ()
    assert not passes_quick_check(least("Condition", **members))


def test_nesting_passes_up_to_twelve_levels() -> None:
    passing = [levels for levels in range(20) if passes_quick_check(least("Condition", extension=[deeper(levels)]))]
    assert passing == list(range(11))


def test_all_valid_resources_of_the_sample_patients_and_of_the_cases_pass() -> None:
    failing = [each for each in samples() if not passes_quick_check(each) and not faults_by_models(each)]
    assert failing == []


@pytest.mark.skipif(not CHARTS, reason="CDS_EXTRA_CHARTS names no folder with charts")
@pytest.mark.parametrize("path", CHARTS, ids=lambda path: path.stem[:20])
def test_nearly_all_resources_of_other_charts_pass_and_are_valid(path: Path) -> None:
    found = [resource for _, resource in entries(loads(path.read_bytes()))]
    assert all(map(is_sound, found))
    assert sum(map(passes_quick_check, found)) > 0.95 * len(found)
