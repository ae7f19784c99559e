"""The coverage-information extension as each version of CRD has it, and the check of its rules."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from fhir.resources.R4B.servicerequest import ServiceRequest

from cards.coverage_extension import extension, faults, same_meaning
from cards.coverage_information import minimal
from cards.coverage_parts import CoverageInformation, Detail, Reason
from cards.crd_versions import CrdVersion
from coverage_policies.judging.payer_terms import Contact
from fhir_mappings.codings import CPT, Coding
from fhir_mappings.fhir_json import dumps, loads
from fhir_mappings.order_elements import COVERAGE_INFORMATION
from tests.support.coverage_answers import DAY, V2_0, V2_2, subject
from tests.support.policy_fakes import draft

TEMP = "http://hl7.org/fhir/us/davinci-crd/CodeSystem/temp"
BOTH = pytest.mark.parametrize("version", [V2_2, V2_0])

FULL = CoverageInformation(
    coverage="Coverage/1",
    covered="conditional",
    assertion_id="a-1",
    day=DAY,
    pa_needed="auth-needed",
    doc_needed=("clinical",),
    doc_purpose=("withpa",),
    info_needed=("OTH",),
    billing_codes=(Coding(CPT, "10001", "what the sender calls it"),),
    reasons=(Reason("Two items are open."),),
    details=(
        Detail("cat-limitation", "allowed-quantity", ("valueQuantity", {"value": Decimal("2.0")}), "per year"),
        Detail("cat-limitation", "allowed-period", ("valuePeriod", {"start": "2026-01-01", "end": "2026-12-31"})),
    ),
    dependencies=("ServiceRequest/2",),
    questionnaires=("https://cds.example.org/fhir/Questionnaire/P|1",),
    contact=Contact("UM desk", "800-555-0100", "um@plan.example", "https://plan.example"),
    expires=date(2026, 12, 31),
)


def part(url: str, **value: Any) -> dict[str, Any]:
    return {"url": url, **value}


def text(found: str) -> dict[str, Any]:
    return {"text": found}


SHARED = [
    part("coverage", valueReference={"reference": "Coverage/1"}),
    part("covered", valueCode="conditional"),
    part("pa-needed", valueCode="auth-needed"),
    part("doc-needed", valueCode="clinical"),
    part("doc-purpose", valueCode="withpa"),
    part("info-needed", valueCode="OTH"),
    part("billingCode", valueCoding={"system": CPT, "code": "10001"}),
    part("reason", valueCodeableConcept=text("Two items are open.")),
    part("dependency", valueReference={"reference": "ServiceRequest/2"}),
    part("questionnaire", valueCanonical="https://cds.example.org/fhir/Questionnaire/P|1"),
    part("date", valueDate="2026-03-02"),
    part("coverage-assertion-id", valueString="a-1"),
]
POINTS = [
    {"system": "phone", "value": "800-555-0100"},
    {"system": "email", "value": "um@plan.example"},
    {"system": "url", "value": "https://plan.example"},
]


def details(system: str, *category: dict[str, Any]) -> list[dict[str, Any]]:
    def code(name: str) -> dict[str, Any]:
        return part("code", valueCodeableConcept={"coding": [{"system": system, "code": name}]})

    amount = [code("allowed-quantity"), part("value", valueQuantity={"value": Decimal("2.0")})]
    period = part("value", valuePeriod={"start": "2026-01-01", "end": "2026-12-31"})
    return [
        part("detail", extension=[*category, *amount, part("qualification", valueString="per year")]),
        part("detail", extension=[*category, code("allowed-period"), period]),
    ]


def parts_of(found: Any) -> list[Any]:
    return sorted(found["extension"], key=repr)


@pytest.mark.requirement("7.81")
def test_the_extension_of_crd_2_2() -> None:
    found = extension(FULL, V2_2)
    category = part("category", valueCode="cat-limitation")
    assert found["url"] == COVERAGE_INFORMATION
    assert parts_of(found) == sorted(
        [
            *SHARED,
            *details("http://terminology.hl7.org/CodeSystem/crd-coverage-detail", category),
            part("contact", valueContactDetail={"name": "UM desk", "telecom": POINTS}),
            part("expiry-date", valueDate="2026-12-31"),
        ],
        key=repr,
    )
    assert faults(found, V2_2) == ()


@pytest.mark.requirement("7.81")
def test_the_extension_of_crd_2_0() -> None:
    found = extension(FULL, V2_0)
    contacts = [part("contact", valueContactPoint=point) for point in POINTS]
    assert parts_of(found) == sorted([*SHARED, *details(TEMP), *contacts], key=repr)
    assert faults(found, V2_0) == ()


def test_a_coded_reason_is_in_the_system_of_the_guide() -> None:
    found = extension(replace(FULL, reasons=(Reason("No such member.", "no-member-found"),)), V2_2)
    (reason,) = [each for each in found["extension"] if each["url"] == "reason"]
    assert reason["valueCodeableConcept"] == {
        "coding": [{"system": TEMP, "code": "no-member-found"}],
        "text": "No such member.",
    }


@pytest.mark.requirement("7.88")
def test_a_satisfied_authorization_has_its_number() -> None:
    satisfied = replace(FULL, pa_needed="satisfied", doc_purpose=(), satisfied_pa_id="A-7")
    assert part("satisfied-pa-id", valueString="A-7") in extension(satisfied, V2_2)["extension"]


def test_a_contact_without_a_way_to_reach_it_is_none_in_crd_2_0() -> None:
    named = replace(FULL, contact=Contact("UM desk"))
    assert "contact" not in {each["url"] for each in extension(named, V2_0)["extension"]}
    assert part("contact", valueContactDetail={"name": "UM desk"}) in extension(named, V2_2)["extension"]
    nobody = extension(replace(FULL, contact=Contact()), V2_2)
    assert "contact" not in {each["url"] for each in nobody["extension"]}


@BOTH
def test_the_least_answer_keeps_every_rule(version: CrdVersion) -> None:
    assert faults(extension(minimal(subject(), version), version), version, is_signing=False) == ()


@BOTH
def test_an_order_with_the_extension_is_valid_fhir(version: CrdVersion) -> None:
    order = {**draft(), "extension": [extension(FULL, version)]}
    read = ServiceRequest.model_validate_json(dumps(order))
    assert loads(read.model_dump_json())["extension"][0]["url"] == COVERAGE_INFORMATION


# --- faults ----------------------------------------------------------------------------------------------------------


def information(**changed: Any) -> CoverageInformation:
    return replace(FULL, **({"doc_purpose": (), "pa_needed": "no-auth"} | changed))


NOT_COVERED = {"covered": "not-covered", "pa_needed": "", "info_needed": (), "doc_needed": (), "questionnaires": ()}
INDETERMINATE = {"covered": "indeterminate", "info_needed": (), "reasons": (Reason("Try again.", "technical"),)}

RIGHT: list[tuple[CrdVersion, dict[str, Any]]] = [
    (V2_2, {}),
    (V2_0, {}),
    (V2_2, NOT_COVERED),
    (V2_0, NOT_COVERED),
    (V2_2, INDETERMINATE),
    (V2_2, {"pa_needed": ""}),
    (V2_2, {"doc_needed": ("clinical", "admin")}),
    (V2_2, {"covered": "covered", "pa_needed": "conditional"}),
    (V2_2, {"covered": "covered", "info_needed": ()}),
    (V2_2, {"pa_needed": "auth-needed", "doc_purpose": ("withpa",)}),
    (V2_2, {"info_needed": ("detail-code",), "reasons": ()}),
    (V2_2, {"pa_needed": "satisfied", "satisfied_pa_id": "A-7"}),
    (V2_0, {"reasons": (Reason("Which code?", "detail-code"),)}),
]


@pytest.mark.parametrize(("version", "changed"), RIGHT)
def test_what_keeps_the_rules_has_no_fault(version: CrdVersion, changed: dict[str, Any]) -> None:
    assert faults(extension(information(**changed), version), version) == ()


BROKEN: list[tuple[CrdVersion, dict[str, Any], str]] = [
    (V2_2, {"doc_needed": ()}, "crd-ci-q1"),
    (V2_0, {"doc_needed": ()}, "crd-ci-q1"),
    (V2_2, NOT_COVERED | {"pa_needed": "no-auth"}, "crd-ci-q2"),
    (V2_0, NOT_COVERED | {"pa_needed": "no-auth"}, "crd-ci-q2"),
    (V2_0, {"pa_needed": ""}, "crd-ci-q2"),
    (V2_2, {"info_needed": ()}, "crd-ci-q3"),
    (V2_2, {"covered": "covered"}, "crd-ci-q3"),
    (V2_0, {"covered": "covered"}, "crd-ci-q3"),
    (V2_2, {"covered": "covered", "pa_needed": "conditional", "info_needed": ()}, "crd-ci-q3"),
    (V2_2, {"doc_purpose": ("withpa",)}, "crd-ci-q4"),
    (V2_0, {"doc_purpose": ("withpa",), "pa_needed": "satisfied", "satisfied_pa_id": "A-7"}, "crd-ci-q4"),
    (V2_2, NOT_COVERED | {"doc_needed": ("clinical",), "doc_purpose": ("withpa",)}, "crd-ci-q4"),
    (V2_2, {"pa_needed": "satisfied"}, "crd-ci-q5"),
    (V2_2, {"satisfied_pa_id": "A-7"}, "crd-ci-q5"),
    (V2_0, {"pa_needed": "satisfied"}, "crd-ci-q5"),
    (V2_2, {"reasons": ()}, "crd-ci-q6"),
    (V2_0, {"reasons": ()}, "crd-ci-q6"),
    (V2_2, {"info_needed": ("performer",), "doc_purpose": ("retain-doc",), "reasons": ()}, "crd-ci-q8"),
    (V2_2, INDETERMINATE | {"reasons": ()}, "crd-ci-q9"),
    (V2_2, INDETERMINATE | {"reasons": (Reason("Wait."), Reason("Try again.", "technical"))}, "resp-43"),
]


@pytest.mark.requirement("7.84", "7.85", "7.86", "7.87", "7.88", "7.89")
@pytest.mark.parametrize(("version", "changed", "rule"), BROKEN)
def test_each_broken_invariant_is_named(version: CrdVersion, changed: dict[str, Any], rule: str) -> None:
    found = faults(extension(information(**changed), version), version)
    assert rule in {each.partition(":")[0] for each in found}


@BOTH
@pytest.mark.parametrize("asked", ["clinical", "admin"])
def test_no_documents_are_asked_for_before_signing(version: CrdVersion, asked: str) -> None:
    found = extension(information(doc_needed=(asked,)), version)
    assert faults(found, version) == ()
    assert [each.partition(":")[0] for each in faults(found, version, is_signing=False)] == ["hook-19"]


CODES: list[tuple[CrdVersion, dict[str, Any], str]] = [
    (V2_2, {"covered": "maybe"}, "covered: "),
    (V2_0, {"covered": "indeterminate"}, "covered: "),
    (V2_2, {"pa_needed": "noauth"}, "pa-needed: "),
    (V2_0, {"pa_needed": "indeterminate"}, "pa-needed: "),
    (V2_2, {"doc_needed": ("both",)}, "doc-needed: "),
    (V2_0, {"doc_needed": ("patient",)}, "doc-needed: "),
    (V2_0, {"doc_needed": ("clinical", "admin")}, "doc-needed: "),
    (V2_2, {"doc_purpose": ("PA",)}, "doc-purpose: "),
    (V2_0, {"info_needed": ("detail-code",)}, "info-needed: "),
    (V2_2, {"reasons": (Reason("Which code?", "detail-code"),)}, "reason: "),
    (V2_0, {"reasons": (Reason("Try again.", "technical"),)}, "reason: "),
    (V2_0, {"details": (Detail("", "policy-link", ("valueString", "x")),)}, "detail: "),
    (V2_2, {"details": (Detail("cat-other", "auth-out-network-only", ("valueBoolean", True)),)}, "detail: "),
    (
        V2_0,
        {
            "details": (
                Detail(
                    "",
                    "allowed-period",
                    ("valueUrl", "https://a"),
                ),
            )
        },
        "detail: value: ",
    ),
    (V2_2, {"details": (Detail("cat-none", "instructions", ("valueString", "x")),)}, "detail: category: "),
    (V2_2, {"details": (Detail("cat-other", "policy-link", ("valueString", "x")),)}, "detail: "),
]


@pytest.mark.requirement("7.83")
@pytest.mark.parametrize(("version", "changed", "where"), CODES)
def test_a_code_of_another_version_is_named_by_its_part(version: CrdVersion, changed: Any, where: str) -> None:
    found = faults(extension(information(**changed), version), version)
    assert found
    assert all(each.startswith(where) for each in found)


def without(url: str) -> Callable[[Any], None]:
    def change(parts: Any) -> None:
        parts[:] = [each for each in parts if each["url"] != url]

    return change


def twice(url: str) -> Callable[[Any], None]:
    return lambda parts: parts.append(deepcopy(of(parts, url)))


def of(parts: Any, url: str) -> Any:
    return next(each for each in parts if each["url"] == url)


def with_value(url: str, **value: Any) -> Callable[[Any], None]:
    def change(parts: Any) -> None:
        found = of(parts, url)
        found.clear()
        found.update({"url": url, **value})

    return change


def in_detail(change: Callable[[Any], None]) -> Callable[[Any], None]:
    return lambda parts: change(of(parts, "detail")["extension"])


SHAPES: list[tuple[Callable[[Any], None], str]] = [
    *((without(url), f"{url}: missing") for url in ("coverage", "covered", "date", "coverage-assertion-id")),
    *((twice(url), f"{url}: more than 1") for url in ("coverage", "covered", "pa-needed", "date", "expiry-date")),
    (lambda parts: parts.append({"url": "response", "valueReference": {"reference": "a"}}), "a part that the version"),
    (lambda parts: parts.append({"valueCode": "covered"}), "a part that the version"),
    (lambda parts: parts.append("covered"), "the extension: its parts must be"),
    (with_value("coverage", valueString="Coverage/1"), "coverage: its value must be valueReference"),
    (with_value("coverage", valueReference={"display": "mine"}), "coverage: valueReference is not well-formed"),
    (with_value("covered"), "covered: its value must be valueCode"),
    (with_value("covered", valueCode="covered", id="x"), "covered: its value must be valueCode"),
    (with_value("covered", valueCode=["covered"]), "covered: valueCode is not well-formed"),
    (with_value("date", valueDate="2026-02-30"), "date: valueDate is not well-formed"),
    (with_value("date", valueDate="2026-02"), "date: valueDate is not well-formed"),
    (with_value("date", valueDate=20260228), "date: valueDate is not well-formed"),
    (with_value("coverage-assertion-id", valueString=" "), "coverage-assertion-id: valueString is not well-formed"),
    (with_value("billingCode", valueCoding={"code": "1"}), "billingCode: valueCoding is not well-formed"),
    (with_value("billingCode", valueCoding={"system": CPT}), "billingCode: valueCoding is not well-formed"),
    (with_value("questionnaire", valueCanonical="a b"), "questionnaire: valueCanonical is not well-formed"),
    (with_value("reason", valueCodeableConcept={}), "reason: valueCodeableConcept is not well-formed"),
    (with_value("reason", valueCodeableConcept={"coding": "x"}), "reason: valueCodeableConcept is not well-formed"),
    (
        with_value("reason", valueCodeableConcept={"coding": [{"system": "urn:own", "code": "x"}]}),
        "crd-ci-q7: reason: without a code of the guide it needs words",
    ),
    (with_value("contact", valueContactDetail={}), "contact: valueContactDetail is not well-formed"),
    (with_value("contact", valueContactDetail={"telecom": [{}]}), "contact: valueContactDetail is not well-formed"),
    (with_value("contact", valueContactPoint=POINTS[0]), "contact: its value must be valueContactDetail"),
    (with_value("detail", valueString="x"), "detail: it must have parts"),
    (with_value("detail", extension={}), "detail: its parts must be a list"),
    (in_detail(without("category")), "detail: category: missing"),
    (in_detail(without("code")), "detail: code: missing"),
    (in_detail(without("value")), "detail: value: missing"),
    (in_detail(twice("value")), "detail: value: more than 1"),
    (in_detail(with_value("value", valueInteger=1)), "detail: value: its value must be"),
    (in_detail(with_value("value", valueQuantity={"value": True})), "detail: value: valueQuantity is not"),
    (
        in_detail(with_value("value", valueQuantity={"value": 2, "comparator": "<"})),
        "detail: value: valueQuantity is not",
    ),
    (
        in_detail(with_value("value", valuePeriod={"start": "2026-02-02", "end": "2026-02-01"})),
        "detail: value: valuePeriod is not",
    ),
    (in_detail(with_value("value", valueBoolean="yes")), "detail: value: valueBoolean is not"),
    (
        in_detail(with_value("code", valueCodeableConcept={"coding": [{"system": "urn:own", "code": "x"}]})),
        "detail: without a code of the guide it needs words",
    ),
]


@pytest.mark.requirement("7.82", "7.90", "7.91")
@pytest.mark.parametrize(("change", "fault"), SHAPES)
def test_each_fault_of_shape_is_named_by_its_part(change: Callable[[Any], None], fault: str) -> None:
    found = deepcopy(extension(information(), V2_2))
    change(found["extension"])
    assert [each for each in faults(found, V2_2) if each.startswith(fault)]


@pytest.mark.parametrize("found", [None, [], {}, {"url": "urn:x", "extension": []}, {"url": COVERAGE_INFORMATION}])
def test_what_is_no_such_extension_is_a_fault(found: Any) -> None:
    assert faults(found, V2_2) == ("the extension must have its url and its parts, and nothing else",)


# --- same meaning ----------------------------------------------------------------------------------------------------


def changed(change: Callable[[Any], Any]) -> Any:
    found = deepcopy(extension(information(), V2_2))
    change(found["extension"])
    return found


SAME: list[Callable[[Any], Any]] = [
    list.copy,
    with_value("date", valueDate="2026-03-03"),
    without("date"),
    lambda parts: parts.reverse(),
    lambda parts: of(parts, "detail")["extension"].reverse(),
    lambda parts: of(parts, "covered").update(id="e1"),
    in_detail(with_value("value", valueQuantity={"value": 2})),
    in_detail(with_value("value", valueQuantity={"value": Decimal("2.00")})),
]
OTHER: list[Callable[[Any], Any]] = [
    with_value("covered", valueCode="covered"),
    with_value("expiry-date", valueDate="2026-12-30"),
    with_value("coverage-assertion-id", valueString="a-2"),
    with_value("reason", valueCodeableConcept={"text": "One item is open."}),
    in_detail(with_value("value", valueQuantity={"value": Decimal("2.01")})),
    in_detail(with_value("value", valueQuantity={"value": True})),
    in_detail(with_value("value", valueQuantity={"value": "2"})),
    twice("billingCode"),
    without("contact"),
]


@pytest.mark.parametrize("change", SAME)
def test_what_makes_no_difference(change: Callable[[Any], Any]) -> None:
    assert same_meaning(extension(information(), V2_2), changed(change))


@pytest.mark.parametrize("change", OTHER)
def test_what_makes_a_difference(change: Callable[[Any], Any]) -> None:
    assert not same_meaning(extension(information(), V2_2), changed(change))


def test_a_date_that_is_no_part_of_its_own_counts() -> None:
    one = {"url": "x", "extension": [{"url": "detail", "extension": [part("date", valueDate="2026-03-02")]}]}
    other = {"url": "x", "extension": [{"url": "detail", "extension": [part("date", valueDate="2026-03-03")]}]}
    assert not same_meaning(one, other)


@pytest.mark.parametrize("found", [None, "x", [], {"extension": "x"}, {"extension": [1]}])
def test_anything_can_be_compared(found: Any) -> None:
    assert same_meaning(found, deepcopy(found))
    assert not same_meaning(found, extension(information(), V2_2))
