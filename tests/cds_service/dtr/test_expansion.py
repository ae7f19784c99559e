"""The expansion of a value set: the codes of one day, complete or said to be incomplete, in pages."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from fhir.resources.R4B.valueset import ValueSet as FhirValueSet

from cds_service.dtr.expansion import expansion
from cds_service.dtr.expansion_request import MOST_CODES, Asked
from cds_service.hooks.errors import RefusedError
from coverage_policies.format.value_sets import TEXT, Row, ValueSet
from fhir_mappings.codings import ICD10CM, RXNORM, SNOMED
from tests.support.policy_fakes import row

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
DAY = date(2026, 3, 2)
ALL = Asked("u", "", (), 0, None, "Parameters.parameter[0].valueUri")


def expanded(*rows: Row, asked: Asked = ALL, day: date = DAY) -> Any:
    found = expansion(ValueSet("pain", rows), asked, "https://plan.example", NOW, day)
    FhirValueSet.model_validate(found)
    assert "compose" not in found
    return found["expansion"]


def codes(found: Any) -> list[str]:
    return [each["code"] for each in found.get("contains", ())]


def stated(found: Any) -> dict[str, Any]:
    """The parameters of an expansion by name."""
    return {each["name"]: next(value for name, value in each.items() if name != "name") for each in found["parameter"]}


# --- which codes -----------------------------------------------------------------------------------------------------


def test_a_code_is_given_with_its_system_and_our_label() -> None:
    found = expanded(row(SNOMED, "22"))
    assert found["contains"] == [{"system": SNOMED, "code": "22", "display": "Label of 22"}]
    assert (found["total"], found["offset"], found["timestamp"]) == (1, 0, "2026-03-02T15:00:00+00:00")
    assert "extension" not in found
    says = stated(found)
    assert says.pop("used-valueset").startswith("https://plan.example/fhir/ValueSet/pain|")
    assert says == {"date": "2026-03-02", "activeOnly": True, "offset": 0}


@pytest.mark.requirement("dtr:oper-5")
def test_only_rows_in_force_on_the_day_are_given() -> None:
    rows = (
        row(SNOMED, "ends-today", until=DAY),
        row(SNOMED, "ended", until=DAY - timedelta(days=1)),
        row(SNOMED, "begins-today", since=DAY),
        row(SNOMED, "begins-later", since=DAY + timedelta(days=1)),
        row(ICD10CM, "M54.5*", until=DAY - timedelta(days=1)),
    )
    assert codes(expanded(*rows)) == ["ends-today", "begins-today"]
    assert codes(expanded(*rows, day=DAY - timedelta(days=1))) == ["ends-today", "ended", "M54.50", "M54.51", "M54.59"]


def test_a_prefix_of_icd_10_cm_gives_its_codes_with_their_titles_and_no_heading() -> None:
    found = expanded(row(ICD10CM, "M54.5*"))
    assert found["contains"] == [
        {"system": ICD10CM, "version": "2026", "code": "M54.50", "display": "Low back pain, unspecified"},
        {"system": ICD10CM, "version": "2026", "code": "M54.51", "display": "Vertebrogenic low back pain"},
        {"system": ICD10CM, "version": "2026", "code": "M54.59", "display": "Other low back pain"},
    ]
    assert stated(found)["version"] == f"{ICD10CM}|2026"
    assert "extension" not in found


def test_a_code_that_is_named_itself_has_our_label_and_stands_once() -> None:
    found = expanded(row(ICD10CM, "M54.5*"), row(ICD10CM, "M54.51"), row(ICD10CM, "M54.51", asks=True))
    assert codes(found) == ["M54.51", "M54.50", "M54.59"]
    assert found["contains"][0]["display"] == "Label of M54.51"


@pytest.mark.requirement("dtr:oper-5")
@pytest.mark.parametrize("code", ["M54.5", "S22.31", "Z99.999"])
def test_a_heading_and_a_code_that_icd_10_cm_does_not_have_are_not_active(code: str) -> None:
    assert codes(expanded(row(ICD10CM, code), row(ICD10CM, "S22.31XA"))) == ["S22.31XA"]


@pytest.mark.parametrize("prefix", [row(ICD10CM, "S33.6XX*"), row(ICD10CM, "S22.3*"), row(SNOMED, "12*")])
def test_an_expansion_without_all_codes_of_a_prefix_says_that_it_is_open(prefix: Row) -> None:
    found = expanded(prefix, row(ICD10CM, "M54.50"))
    assert codes(found) == ["M54.50"]
    assert found["extension"] == [
        {"url": "http://hl7.org/fhir/StructureDefinition/valueset-unclosed", "valueBoolean": True}
    ]
    assert stated(found)["warning"].startswith("1 beginnings of codes are not listed in full")


@pytest.mark.parametrize("prefix", [row(ICD10CM, "S33.6XX*"), row(RXNORM, "12*")])
def test_a_value_set_of_which_nothing_can_be_listed_is_too_costly(prefix: Row) -> None:
    with pytest.raises(RefusedError) as refused:
        expanded(prefix)
    (issue,) = refused.value.issues
    assert (refused.value.status, issue.code, issue.expression) == (422, "too-costly", ALL.place)


def test_words_are_no_codes_and_a_value_set_without_codes_is_empty() -> None:
    found = expanded(row(TEXT, "lumbago*"))
    assert (found["total"], codes(found)) == (0, [])


# --- filter and pages ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (("m54.5",), ["M54.50", "M54.51", "M54.59"]),
        (("vertebrog",), ["M54.51"]),
        (("pain", "low", "other"), ["M54.59"]),
        (("ain",), []),
        (("low", "nothing"), []),
        (("54.50",), []),
    ],
)
def test_each_word_of_a_filter_begins_the_code_or_a_word_of_the_label(words: tuple[str, ...], found: list[str]) -> None:
    answer = expanded(row(ICD10CM, "M54.5*"), asked=replace(ALL, words=words))
    assert (codes(answer), answer["total"]) == (found, len(found))
    assert stated(answer)["filter"] == " ".join(words)


@pytest.mark.parametrize(
    ("offset", "count", "found"),
    [
        (0, 2, ["M54.50", "M54.51"]),
        (2, 2, ["M54.59"]),
        (1, None, ["M54.51", "M54.59"]),
        (3, 2, []),
        (2**31 - 1, None, []),
        (0, 0, []),
    ],
)
def test_a_page_is_a_part_of_all(offset: int, count: int | None, found: list[str]) -> None:
    answer = expanded(row(ICD10CM, "M54.5*"), asked=replace(ALL, offset=offset, count=count))
    assert (codes(answer), answer["total"], answer["offset"]) == (found, 3, offset)
    assert stated(answer).get("count") == count


def test_the_same_expansion_has_the_same_identifier_and_another_page_another() -> None:
    rows = (row(SNOMED, "22"), row(SNOMED, "23"))
    first = expanded(*rows)["identifier"]
    assert first == expanded(*rows)["identifier"]
    others = [
        expanded(*rows, asked=replace(ALL, offset=1)),
        expanded(*rows, asked=replace(ALL, words=("label",))),
        expanded(*rows, day=DAY + timedelta(days=1)),
        expanded(rows[0]),
    ]
    assert len({first, *(each["identifier"] for each in others)}) == 5


def test_more_codes_than_one_answer_has_need_a_count() -> None:
    enough = [row(SNOMED, str(number)) for number in range(MOST_CODES)]
    assert len(codes(expanded(*enough))) == MOST_CODES
    with pytest.raises(RefusedError) as refused:
        expanded(*enough, row(SNOMED, "one-more"))
    (issue,) = refused.value.issues
    assert (refused.value.status, issue.code, issue.expression) == (422, "too-costly", ALL.place)
    rest = expanded(*enough, row(SNOMED, "one-more"), asked=replace(ALL, offset=1))
    assert codes(rest)[-1] == "one-more"
    page = expanded(*enough, row(SNOMED, "one-more"), asked=replace(ALL, count=MOST_CODES))
    assert (page["total"], len(codes(page))) == (MOST_CODES + 1, MOST_CODES)
