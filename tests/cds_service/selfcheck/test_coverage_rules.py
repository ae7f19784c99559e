"""What coverage information has to be, as the self-check states it: both sides of each rule."""

from typing import Any

import pytest

from cds_service.selfcheck.coverage_information import (
    RULES,
    fault_of_codes,
    fault_of_parts,
    has_reason,
    is_day,
    parts,
    without_information,
)

TEMP = "http://hl7.org/fhir/us/davinci-crd/CodeSystem/temp"
URL = "http://hl7.org/fhir/us/davinci-crd/StructureDefinition/ext-coverage-information"
V2_2, V2_0 = "2.2", "2.0"


def part(url: str, value: Any) -> dict[str, Any]:
    """A part with a value of the type that its name tells."""
    kinds = {
        "coverage": "valueReference",
        "date": "valueDate",
        "coverage-assertion-id": "valueString",
        "satisfied-pa-id": "valueString",
        "reason": "valueCodeableConcept",
        "questionnaire": "valueCanonical",
        "expiry-date": "valueDate",
        "response": "valueReference",
    }
    return {"url": url, "extension": value} if url == "detail" else {"url": url, kinds.get(url, "valueCode"): value}


def extension(*stated: tuple[str, Any]) -> dict[str, Any]:
    return {"url": URL, "extension": [part(url, value) for url, value in stated]}


def rule(key: str) -> Any:
    return next(each for each in RULES if each.key == key)


REASON = ("reason", {"text": "why"})
CODED = ("reason", {"coding": [{"system": TEMP, "code": "gold-card"}]})
UNCODED = ("reason", {"coding": [{"system": TEMP, "code": "self-check"}]})


@pytest.mark.parametrize(
    ("key", "stated", "holds"),
    [
        ("questionnaire-needs-doc", [("questionnaire", "https://q|1")], False),
        ("questionnaire-needs-doc", [("questionnaire", "https://q|1"), ("doc-needed", "clinical")], True),
        ("not-covered-no-pa", [("covered", "not-covered"), ("pa-needed", "no-auth")], False),
        ("not-covered-no-pa", [("covered", "covered"), ("pa-needed", "no-auth")], True),
        ("conditional-needs-info", [("covered", "conditional")], False),
        ("conditional-needs-info", [("covered", "conditional"), ("info-needed", "performer")], True),
        ("info-needs-conditional", [("covered", "covered"), ("info-needed", "performer")], False),
        ("info-needs-conditional", [("doc-needed", "conditional"), ("info-needed", "performer")], True),
        ("no-doc-for-pa", [("pa-needed", "no-auth"), ("doc-purpose", "withpa")], False),
        ("no-doc-for-pa", [("pa-needed", "satisfied"), ("doc-purpose", "withpa")], False),
        ("no-doc-for-pa", [("pa-needed", "auth-needed"), ("doc-purpose", "withpa")], True),
        ("satisfied-pa-id", [("pa-needed", "satisfied")], False),
        ("satisfied-pa-id", [("pa-needed", "no-auth"), ("satisfied-pa-id", "A-1")], False),
        ("satisfied-pa-id", [("pa-needed", "satisfied"), ("satisfied-pa-id", "A-1")], True),
        ("other-needs-reason", [("info-needed", "OTH")], False),
        ("other-needs-reason", [("info-needed", "OTH"), REASON], True),
        ("reason-text", [UNCODED], False),
        ("reason-text", [CODED], True),
        ("reason-text", [REASON], True),
        ("purpose-needs-reason", [("doc-purpose", "withorder")], False),
        ("purpose-needs-reason", [("doc-purpose", "withorder"), REASON], True),
        ("indeterminate-needs-reason", [("covered", "indeterminate")], False),
        ("indeterminate-needs-reason", [("covered", "indeterminate"), REASON], True),
    ],
)
def test_a_rule_tells_what_keeps_it_from_what_breaks_it(key: str, stated: list[tuple[str, Any]], holds: bool) -> None:
    assert rule(key).holds(parts(extension(*stated)), V2_2) is holds


CODE = {"url": "code", "valueCodeableConcept": {"text": "Copay"}}
VALUE = {"url": "value", "valueString": "10"}
CATEGORY = {"url": "category", "valueCode": "cat-other"}


@pytest.mark.parametrize(
    ("detail", "version", "holds"),
    [
        ([CATEGORY, CODE, VALUE], V2_2, True),
        ([CATEGORY, CODE, {"url": "value", "valueUrl": "https://a"}], V2_2, True),
        ([CODE, VALUE], V2_2, False),
        ([{**CATEGORY, "valueCode": "other"}, CODE, VALUE], V2_2, False),
        ([CATEGORY, CODE], V2_2, False),
        ([CODE, VALUE], V2_0, True),
        ([CATEGORY, CODE, VALUE], V2_0, False),
        ([CODE, {"url": "value", "valueUrl": "https://a"}], V2_0, False),
        ([CODE, VALUE, {"url": "note", "valueString": "x"}], V2_0, False),
    ],
)
def test_a_detail_has_what_its_version_wants(detail: list[Any], version: str, holds: bool) -> None:
    assert rule("details").holds(parts(extension(("detail", detail))), version) is holds


@pytest.mark.parametrize(
    ("stated", "version", "fault"),
    [
        ([("covered", "covered"), ("expiry-date", "2026-01-01")], V2_2, ""),
        ([("expiry-date", "2026-01-01")], V2_0, "the part expiry-date does not exist in CRD 2.0"),
        ([("response", {"reference": "a"})], V2_2, "the part response does not exist in CRD 2.2"),
        ([("copay", "x")], V2_2, "the part copay does not exist in CRD 2.2"),
        ([("covered", "covered")] * 2, V2_2, "the part covered occurs 2 times"),
        ([("doc-needed", "clinical")] * 2, V2_2, ""),
        ([("doc-needed", "clinical")] * 2, V2_0, "the part doc-needed occurs 2 times"),
    ],
)
def test_parts_are_those_of_the_version(stated: list[tuple[str, Any]], version: str, fault: str) -> None:
    assert fault_of_parts(extension(*stated), version) == fault


def test_a_part_of_another_type_is_a_fault() -> None:
    found = {"url": URL, "extension": [{"url": "date", "valueDateTime": "2026-01-01"}]}
    assert fault_of_parts(found, V2_2) == "the part date lacks valueDate"


@pytest.mark.parametrize(
    ("name", "code", "in_2_2", "in_2_0"),
    [
        ("covered", "indeterminate", True, False),
        ("doc-needed", "both", False, True),
        ("doc-needed", "patient", True, False),
        ("info-needed", "detail-code", True, False),
        ("pa-needed", "satisfied", True, True),
        ("pa-needed", "noauth", False, False),
    ],
)
def test_codes_are_those_of_the_version(name: str, code: str, in_2_2: bool, in_2_0: bool) -> None:
    found = parts(extension((name, code)))
    assert (not fault_of_codes(found, V2_2), not fault_of_codes(found, V2_0)) == (in_2_2, in_2_0)


@pytest.mark.parametrize(
    ("value", "holds"),
    [("2026-02-28", True), ("2026-02-29", False), ("2026-02", False), ("20260228", False), (1, False)],
)
def test_a_day_is_a_day_of_the_calendar(value: Any, holds: bool) -> None:
    assert is_day(value) is holds


def test_a_reason_counts_with_its_code_and_a_text() -> None:
    coding = {"coding": [{"code": "technical"}]}
    assert has_reason({"reason": [{**coding, "text": "The chart could not be read."}]}, "technical")
    assert not has_reason({"reason": [coding]}, "technical")
    assert not has_reason({"reason": [{"text": "The chart could not be read."}]}, "technical")


def test_an_order_without_coverage_information_is_what_was_sent() -> None:
    other = {"url": "https://example.com/other", "valueBoolean": True}
    assert without_information({"id": "a", "extension": [other, extension()]}) == {"id": "a", "extension": [other]}
    assert without_information({"id": "a", "extension": [extension()]}) == {"id": "a"}
