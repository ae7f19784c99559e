"""The Parameters of an operation are read by name and type; a fault is named with its place and without its value."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from cds_service.dtr.parameters import (
    LONGEST_TEXT,
    MOST_PARAMETERS,
    Parameters,
    missing,
    query_parameters,
    read_parameters,
)
from cds_service.hooks.errors import RefusedError

SECRET = "Sarah Miller"
COVERAGE = {"resourceType": "Coverage", "id": "c"}
ORDER = {"resourceType": "ServiceRequest", "id": "o"}


def sent(*parameters: Any) -> Parameters:
    return read_parameters({"resourceType": "Parameters", "parameter": list(parameters)})


def of(name: str, **members: Any) -> dict[str, Any]:
    return {"name": name, **members}


def refusal(call: Callable[[], Any]) -> tuple[int, str, str, str]:
    """Status, code, expression, and diagnostics of what a call is refused for."""
    with pytest.raises(RefusedError) as caught:
        call()
    (issue,) = caught.value.issues
    assert SECRET not in json.dumps(issue.as_json())
    return caught.value.status, issue.code, issue.expression, issue.diagnostics


# --- what is read -----------------------------------------------------------------------------------------------------


def test_resources_come_as_they_were_sent() -> None:
    found = sent(
        of("coverage", resource=COVERAGE), of("order", resource=ORDER), of("order", resource={**ORDER, "id": 2})
    )
    assert found.one("coverage") is COVERAGE
    assert found.one("coverage", "Coverage") is COVERAGE
    assert found.all("order", "DeviceRequest", "ServiceRequest") == (ORDER, {**ORDER, "id": 2})
    assert found.places("order") == ("Parameters.parameter[1].resource", "Parameters.parameter[2].resource")
    assert "order" in found


def test_what_was_not_sent_is_none_or_empty() -> None:
    found = sent(of("unknown", valueString="x"))
    assert [found.one("a"), found.canonical("a"), found.string("a"), found.instant("a")] == [None] * 4
    assert [found.integer("a"), found.boolean("a"), found.date("a")] == [None] * 3
    assert (found.all("a"), found.canonicals("a"), found.places("a")) == ((), (), ())
    assert found.place("a") == "Parameters.parameter.where(name='a')"
    assert "a" not in found


def test_a_resource_without_parameters_is_no_fault() -> None:
    assert read_parameters({"resourceType": "Parameters"}).one("coverage") is None


@pytest.mark.parametrize("member", ["valueCanonical", "valueUri", "valueUrl", "valueString"])
def test_a_canonical_may_come_in_each_type_of_an_address(member: str) -> None:
    found = sent(of("questionnaire", **{member: " https://x.example/Q|1 "}))
    assert found.canonicals("questionnaire") == ("https://x.example/Q|1",)
    assert found.canonical("questionnaire") == "https://x.example/Q|1"
    assert found.place("questionnaire") == f"Parameters.parameter[0].{member}"


def test_a_canonical_that_repeats_counts_once() -> None:
    found = sent(*(of("questionnaire", valueCanonical=each) for each in ("b", "a", "b")))
    assert found.canonicals("questionnaire") == ("b", "a")


def test_a_text_is_read_up_to_its_longest() -> None:
    assert sent(of("context", valueString="x" * LONGEST_TEXT)).string("context") == "x" * LONGEST_TEXT
    status, *_ = refusal(lambda: sent(of("context", valueString="x" * (LONGEST_TEXT + 1))).string("context"))
    assert status == 400


def test_a_text_may_have_words_of_any_language_and_blanks_between_them() -> None:
    assert sent(of("filter", valueString=" Knieschmerz\tübermäßig\u00a0膝 \n")).string("filter") == (
        "Knieschmerz\tübermäßig\u00a0膝"
    )


def test_a_moment_keeps_its_zone() -> None:
    found = sent(
        of("changedsince", valueInstant="2026-03-02T08:30:00-05:00"), of("z", valueDateTime="2026-03-02T08:30:00Z")
    )
    assert found.instant("changedsince") == datetime(2026, 3, 2, 8, 30, tzinfo=timezone(timedelta(hours=-5)))
    assert found.instant("z") == datetime(2026, 3, 2, 8, 30, tzinfo=UTC)


def test_numbers_flags_and_dates_are_read() -> None:
    found = sent(
        *(of("count", valueInteger=0), of("offset", valueUnsignedInt=2147483647)),
        *(
            of("activeOnly", valueBoolean=False),
            of("date", valueDate="2026-03-02"),
            of("month", valueDateTime="2026-03"),
        ),
    )
    assert (found.integer("count"), found.integer("offset"), found.boolean("activeOnly")) == (0, 2147483647, False)
    assert (found.date("date"), found.date("month")) == ("2026-03-02", "2026-03")


# --- what is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("body", [None, 3, "x", [], {}, {"resourceType": SECRET}, {"resourceType": ["Parameters"]}])
def test_another_body_is_refused(body: Any) -> None:
    assert refusal(lambda: read_parameters(body))[:3] == (400, "structure", "")


@pytest.mark.parametrize("parameter", [None, {}, SECRET])
def test_parameters_that_are_no_list_are_refused(parameter: Any) -> None:
    call = lambda: read_parameters({"resourceType": "Parameters", "parameter": parameter})  # noqa: E731
    assert refusal(call)[:3] == (400, "structure", "Parameters.parameter")


@pytest.mark.parametrize("parameter", [None, SECRET, [], {}, {"name": 3}, {"name": None, "valueString": SECRET}])
def test_a_parameter_without_a_name_is_refused(parameter: Any) -> None:
    assert refusal(lambda: sent(of("a", valueString="x"), parameter))[:3] == (
        *(400, "structure"),
        "Parameters.parameter[1]",
    )


def test_so_many_parameters_are_read_and_one_more_is_refused() -> None:
    assert sent(*[of("a", valueString="x")] * MOST_PARAMETERS).canonicals("a") == ("x",)
    status, code, where, _ = refusal(lambda: sent(*[of("a", valueString="x")] * (MOST_PARAMETERS + 1)))
    assert (status, code, where) == (413, "too-long", "Parameters.parameter")


READS: list[Callable[[Parameters], Any]] = [
    lambda found: found.one("a"),
    lambda found: found.canonical("a"),
    lambda found: found.string("a"),
    lambda found: found.instant("a"),
    lambda found: found.date("a"),
    lambda found: found.integer("a"),
    lambda found: found.boolean("a"),
]


@pytest.mark.parametrize("read", READS)
def test_a_single_parameter_that_was_sent_twice_is_refused_at_the_second(read: Callable[[Parameters], Any]) -> None:
    found = sent(of("b", valueString="x"), of("a", valueString="x"), of("a", valueString="x"))
    assert refusal(lambda: read(found)) == (
        *(400, "value", "Parameters.parameter[2]"),
        "Parameters.parameter[2] (a) is not valid. Send it once.",
    )


@pytest.mark.parametrize("read", [*READS, lambda found: found.all("a"), lambda found: found.canonicals("a")])
@pytest.mark.parametrize(
    "members",
    [
        {},
        {"part": []},
        {"valueHumanName": {"text": SECRET}},
        {f"value{SECRET}": 1},
        {"valueString": "x", "valueCanonical": "x", "resource": {"resourceType": "Basic"}},
        {"_valueString": {"extension": []}},
    ],
)
def test_a_parameter_without_one_value_of_its_type_is_refused(
    read: Callable[[Parameters], Any], members: dict[str, Any]
) -> None:
    assert refusal(lambda: read(sent(of("a", **members))))[:3] == (400, "value", "Parameters.parameter[0]")


@pytest.mark.parametrize(
    ("read", "member", "value"),
    [
        *((READS[0], "resource", each) for each in (None, SECRET, [COVERAGE], {}, {"resourceType": 3})),
        *((READS[1], "valueUri", each) for each in (None, "", "  ", 3, ["x"], "x" * (LONGEST_TEXT + 1))),
        *((READS[2], "valueString", each) for each in (None, "", " ", True, {"a": 1}, "a\0b", "a\ud800")),
        *((READS[3], "valueInstant", each) for each in (None, SECRET, "2026-03-02", "2026-13-02T08:30:00Z", 3, "")),
        *((READS[4], "valueDate", each) for each in (None, SECRET, "02/03/2026", 2026, "2026-02-30")),
        *((READS[5], "valueInteger", each) for each in (None, SECRET, "3", True, -1, 2**31, 10**400, [1])),
        *((READS[6], "valueBoolean", each) for each in (None, SECRET, "true", 1)),
    ],
)
def test_a_value_that_is_none_of_its_type_is_refused_at_its_member(
    read: Callable[[Parameters], Any], member: str, value: Any
) -> None:
    found = refusal(lambda: read(sent(of("a", **{member: value}))))
    assert found[:3] == (400, "value", f"Parameters.parameter[0].{member}")
    assert "Send " in found[3]


def test_a_resource_of_another_type_is_refused_with_the_types_to_send() -> None:
    found = sent(of("order", resource=ORDER), of("order", resource=COVERAGE))
    status, _, where, says = refusal(lambda: found.all("order", "ServiceRequest", "DeviceRequest"))
    assert (status, where) == (400, "Parameters.parameter[1].resource")
    assert says.endswith("Send a FHIR resource of the type ServiceRequest or DeviceRequest.")


def test_the_place_of_a_value_names_no_member_that_is_not_known() -> None:
    assert sent(of("a", **{f"value{SECRET}": 1})).place("a") == "Parameters.parameter[0]"


def test_what_is_missing_is_named_with_what_to_send() -> None:
    refused = missing("coverage", "Send the Coverage of the patient.")
    (issue,) = refused.issues
    assert (refused.status, issue.code, issue.expression) == (400, "required", "Parameters.parameter")
    assert issue.diagnostics == "coverage is required. Send the Coverage of the patient."


# --- in a query ------------------------------------------------------------------------------------------------------

TYPES = {"url": "valueUri", "count": "valueInteger"}


def test_a_query_is_read_as_parameters_of_the_types_that_are_known() -> None:
    found = query_parameters([("url", "a|1"), ("count", "007"), ("_format", "json")], TYPES)
    assert (found.canonical("url"), found.integer("count")) == ("a|1", 7)
    assert found.place("url") == "url"
    assert "_format" not in found


@pytest.mark.parametrize("value", ["", SECRET, "-1", "1.5", "1e3", "٣", "9" * 5000, "2147483648"])
def test_a_number_of_a_query_that_is_none_is_refused_by_its_name(value: str) -> None:
    found = query_parameters([("count", value)], TYPES)
    assert refusal(lambda: found.integer("count"))[:3] == (400, "value", "count")


def test_a_name_that_a_query_has_twice_is_refused() -> None:
    found = query_parameters([("url", "a"), ("url", "b")], TYPES)
    assert refusal(lambda: found.canonical("url"))[2:] == ("url", "url is not valid. Send it once.")
