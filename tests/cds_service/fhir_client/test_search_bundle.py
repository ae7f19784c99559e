"""One page of search results: what it holds, and whether it may hide something."""

from decimal import Decimal
from typing import Any

import pytest

from cds_service.fhir_client.search_bundle import Page, is_whole_chart, page_of
from fhir_mappings.fhir_json import Json
from tests.support.hook_fakes import bundle, condition, outcome


def page(value: Json, kind: str = "Condition") -> Page:
    found = page_of(value, kind)
    assert found is not None
    return found


def whole(*entries: Json, **members: Any) -> bool:
    return page({"resourceType": "Bundle", "type": "searchset", "entry": list(entries), **members}).is_complete


def entry(resource: Json, mode: str = "", **members: Any) -> dict[str, Any]:
    return {"resource": resource} | ({"search": {"mode": mode}} if mode else {}) | members


CONDITION = condition("1")
MEDICATION = {"resourceType": "Medication", "id": "m"}
PROCEDURE = {"resourceType": "Procedure", "id": "p"}


# --- outcomes --------------------------------------------------------------------------------------------------------

REMARKS = ("informational", "processing", "not-supported", "business-rule")
LOSSES = (
    *("incomplete", "timeout", "throttled", "too-costly", "transient", "exception", "forbidden", "security"),
    *("suppressed", "lock-error", "not-found", "login", "unknown", "structure", "", None, 5),
)


@pytest.mark.parametrize("severity", ["information", "warning"])
@pytest.mark.parametrize("code", REMARKS)
def test_a_remark_on_a_search_hides_nothing(code: str, severity: str) -> None:
    assert whole(entry(CONDITION, "match"), entry(outcome(code, severity), "outcome"))
    assert whole(entry(CONDITION), entry(outcome(code, severity)))


@pytest.mark.parametrize("severity", ["information", "warning"])
@pytest.mark.parametrize("code", LOSSES)
def test_an_outcome_that_may_tell_of_missing_data_makes_the_page_incomplete(code: Any, severity: str) -> None:
    assert not whole(entry(CONDITION, "match"), entry(outcome(code, severity), "outcome"))


@pytest.mark.parametrize("severity", ["error", "fatal", "", None])
@pytest.mark.parametrize("code", REMARKS)
def test_a_remark_of_another_severity_makes_the_page_incomplete(code: str, severity: Any) -> None:
    assert not whole(entry(outcome(code, severity), "outcome"))


@pytest.mark.parametrize("issues", [None, [], {}, "x", [None], [{}]])
def test_an_outcome_without_a_readable_issue_makes_the_page_incomplete(issues: Any) -> None:
    assert not whole(entry({"resourceType": "OperationOutcome", "issue": issues}, "outcome"))


def test_every_issue_of_an_outcome_counts() -> None:
    remark, loss = ({"severity": "warning", "code": code} for code in ("processing", "incomplete"))
    assert whole(entry({"resourceType": "OperationOutcome", "issue": [remark, remark]}))
    assert not whole(entry({"resourceType": "OperationOutcome", "issue": [remark, loss]}))


@pytest.mark.parametrize(
    "members", [{"mode": "match"}, {"fullUrl": "https://ehr.example/fhir/Condition/2"}], ids=["match", "full URL"]
)
def test_an_outcome_in_the_place_of_a_match_makes_the_page_incomplete(members: dict[str, Any]) -> None:
    assert not whole(entry(CONDITION, "match"), entry(outcome("processing", "information"), **members))


def test_an_outcome_instead_of_a_bundle_is_a_failure() -> None:
    assert page(outcome("informational", "information")) == Page(is_whole=False)


# --- entries ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "rubbish",
    [
        None,
        5,
        "x",
        [],
        {},
        {"resource": None},
        {"resource": {}},
        {"resource": {"resourceType": 5}},
        {"fullUrl": "https://ehr.example/fhir/Condition/2"},
        {"response": {"status": "403"}},
        {"resource": CONDITION, "response": {"status": "404 Not Found"}},
        {"resource": CONDITION, "response": {"status": 200}},
        {"resource": CONDITION, "response": {"status": "200", "outcome": outcome("incomplete", "warning")}},
        {"resource": CONDITION, "modifierExtension": [{"url": "http://example.org/deleted"}]},
    ],
    ids=str,
)
def test_an_entry_that_cannot_be_read_makes_the_page_incomplete(rubbish: Json) -> None:
    assert not whole(entry(condition("9"), "match"), rubbish)


def test_an_entry_of_a_batch_response_is_read() -> None:
    remark = outcome("informational", "information")
    assert whole(entry(CONDITION, response={"status": "200 OK"}))
    assert whole(entry(CONDITION, response={"status": "200", "outcome": remark}))


@pytest.mark.parametrize(
    ("entries", "is_whole"),
    [
        ([entry(CONDITION, "match"), entry(MEDICATION, "include")], True),
        ([entry(CONDITION), entry(PROCEDURE)], True),
        ([entry(CONDITION, "match"), entry(PROCEDURE, "match")], False),
        ([entry(PROCEDURE)], False),
        ([entry(PROCEDURE), entry(MEDICATION, "include")], False),
        ([entry(MEDICATION, "include")], True),
        ([], True),
    ],
)
def test_what_the_search_did_not_ask_for_must_not_stand_for_what_it_did(entries: list[Json], is_whole: bool) -> None:
    assert whole(*entries) is is_whole


def test_rules_of_the_bundle_that_are_not_known_make_the_page_incomplete() -> None:
    assert not whole(entry(CONDITION), implicitRules="http://example.org/rules")


# --- Bundles in Bundles ----------------------------------------------------------------------------------------------


def nested(*entries: Json, **members: Any) -> dict[str, Any]:
    return entry({"resourceType": "Bundle", "type": "searchset", "entry": list(entries), **members})


def test_a_searchset_in_an_entry_is_a_part_of_the_page() -> None:
    found = page({"resourceType": "Bundle", "entry": [nested(entry(CONDITION), total=1), entry(condition("2"))]})
    assert [one["id"] for _, one in found.entries] == ["1", "2"]
    assert (found.is_complete, len(found.matches)) == (True, 2)


@pytest.mark.parametrize(
    "part",
    [
        nested(entry(CONDITION), total=2),
        nested(entry(CONDITION), link=[{"relation": "next", "url": "https://ehr.example/fhir/Condition?page=2"}]),
        nested(entry(CONDITION), None),
        nested(entry(outcome("incomplete", "warning"))),
        nested(entry(PROCEDURE, "match")),
        entry({"resourceType": "Bundle", "entry": {}}),
        nested(nested(nested(nested(entry(CONDITION))))),
    ],
    ids=["total", "next page", "malformed", "outcome", "other type", "no list", "too deep"],
)
def test_a_part_that_is_not_whole_makes_the_page_incomplete(part: Json) -> None:
    assert not whole(part)


def test_bundles_are_read_to_a_depth() -> None:
    assert whole(nested(nested(nested(entry(CONDITION)))))


# --- totals, links ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("total", [None, 0, 1, 2, "2", Decimal("2.0"), Decimal(2), -1])
def test_a_total_of_no_more_than_the_matches_is_whole(total: Json) -> None:
    assert whole(entry(CONDITION), entry(condition("2")), total=total)


@pytest.mark.parametrize("total", [3, "3", Decimal("3.0"), Decimal("2.5"), True, "many", "", [], {}, "9" * 30])
def test_a_larger_total_or_one_that_cannot_be_read_makes_the_page_incomplete(total: Json) -> None:
    assert not whole(entry(CONDITION), entry(condition("2")), total=total)


@pytest.mark.parametrize(
    "extra",
    [
        entry(MEDICATION, "include"),
        entry(outcome("processing", "warning"), "outcome"),
        entry(PROCEDURE),
        entry(CONDITION),
    ],
    ids=["include", "outcome", "other type", "the same again"],
)
def test_only_different_resources_of_the_type_count_for_the_total(extra: Json) -> None:
    assert not whole(entry(CONDITION), extra, total=2)


def test_resources_without_an_id_each_count() -> None:
    nameless = {"resourceType": "Condition"}
    assert whole(entry(dict(nameless)), entry(dict(nameless)), total=2)


@pytest.mark.parametrize("relation", ["next", "Next", "NEXT", " next "])
def test_a_next_page_is_found_however_its_link_is_written(relation: str) -> None:
    found = page(bundle(CONDITION, link=[{"relation": relation, "url": "https://ehr.example/2"}]))
    assert (found.next, found.is_complete) == ("https://ehr.example/2", False)


@pytest.mark.parametrize("url", [None, "", "  ", 5, []])
def test_a_next_page_without_an_address_makes_the_page_incomplete(url: Any) -> None:
    link = {"relation": "next", "url": url}
    found = page(bundle(CONDITION, link=[{name: value for name, value in link.items() if value is not None}]))
    assert (found.next, found.is_complete) == ("", False)


@pytest.mark.parametrize("relation", ["self", "previous", "nextest", "", None, 5])
def test_another_link_is_no_next_page(relation: Any) -> None:
    assert page(bundle(CONDITION, link=[{"relation": relation, "url": "https://ehr.example/2"}])).is_complete


# --- pages joined ----------------------------------------------------------------------------------------------------


def test_pages_are_complete_together() -> None:
    first = page(bundle(CONDITION, total=2, link=[{"relation": "next", "url": "https://ehr.example/2"}]))
    assert first.extended_by(page(bundle(condition("2"), total=2))).is_complete
    assert not first.extended_by(page(bundle(CONDITION, total=2))).is_complete
    assert not first.extended_by(page(bundle(condition("2"), total=3))).is_complete
    assert not first.extended_by(page(bundle(condition("2"), outcome("incomplete", "warning")))).is_complete


# --- what the server calls itself ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "servers"),
    [
        ("https://internal.example/fhir/Condition?patient=p-1", ("https://internal.example/fhir",)),
        ("https://internal.example/Condition", ("https://internal.example",)),
        ("https://internal.example/fhir/Condition/_search?patient=p-1", ("https://internal.example/fhir",)),
        ("https://internal.example/fhir?_getpages=1", ()),
        ("https://internal.example/fhir/Procedure?patient=p-1", ()),
        ("Condition?patient=p-1", ()),
        ("https://[internal/fhir/Condition", ()),
        (5, ()),
    ],
)
def test_a_self_link_names_the_server(url: Any, servers: tuple[str, ...]) -> None:
    assert page(bundle(link=[{"relation": "self", "url": url}])).servers == servers


def test_only_the_self_link_names_the_server() -> None:
    assert page(bundle(link=[{"relation": "next", "url": "https://a.example/Condition"}])).servers == ()


# --- charts ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("members", "is_whole"),
    [
        ({"entry": [entry(CONDITION), entry(PROCEDURE, "match")]}, True),
        ({"entry": [entry(CONDITION)], "total": 1}, True),
        ({"entry": [entry(CONDITION)], "total": 2}, False),
        ({"entry": [None]}, False),
        ({"entry": [], "link": [{"relation": "next", "url": "https://ehr.example/2"}]}, False),
        ({"entry": {}}, False),
        ({}, True),
    ],
)
def test_a_chart_of_any_content_is_whole_if_it_lacks_nothing(members: dict[str, Any], is_whole: bool) -> None:
    assert is_whole_chart({"resourceType": "Bundle", **members}) is is_whole
