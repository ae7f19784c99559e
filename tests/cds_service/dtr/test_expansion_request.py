"""What a call of $expand asks for, and what it cannot ask for."""

from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from cds_service.dtr.expansion_request import MOST_CODES, MOST_WORDS, QUERY_TYPES, Asked, read_asked
from cds_service.dtr.parameters import query_parameters, read_parameters
from cds_service.hooks.errors import RefusedError

URL = "https://plan.example/fhir/ValueSet/pain"
ZONE = ZoneInfo("America/New_York")
TODAY = date(2026, 3, 2)


def asked(**members: Any) -> Asked:
    """What is asked for with these parameters beside `url`, given as name__type."""
    sent = [{"name": "url", "valueUri": URL}] if "url__valueUri" not in members else []
    for name, value in members.items():
        written, _, member = name.partition("__")
        sent.append({"name": written, member: value})
    return read_asked(read_parameters({"resourceType": "Parameters", "parameter": sent}), TODAY, ZONE)


def refusal(**members: Any) -> tuple[int, str, str]:
    with pytest.raises(RefusedError) as refused:
        asked(**members)
    (issue,) = refused.value.issues
    return refused.value.status, issue.code, issue.expression


def test_the_canonical_alone_asks_for_all_codes() -> None:
    assert asked() == Asked(URL, "", (), 0, None, "Parameters.parameter[0].valueUri")


def test_everything_that_may_be_asked_for_is_read() -> None:
    found = asked(
        url__valueUri=f"{URL}|abc",
        filter__valueString=" Low  BACK ",
        offset__valueInteger=5,
        count__valueInteger=7,
        activeOnly__valueBoolean=False,
        includeDesignations__valueBoolean=True,
        valueSetVersion__valueString="abc",
        date__valueDateTime="2026-03-02",
    )
    assert found == Asked(URL, "abc", ("low", "back"), 5, 7, "Parameters.parameter[0].valueUri")


def test_the_version_may_stand_beside_the_canonical() -> None:
    assert asked(valueSetVersion__valueString="abc").version == "abc"
    assert refusal(url__valueUri=f"{URL}|abc", valueSetVersion__valueString="abd") == (
        *(400, "value"),
        "Parameters.parameter[1].valueString",
    )


def test_a_call_without_a_canonical_is_refused() -> None:
    with pytest.raises(RefusedError) as refused:
        read_asked(read_parameters({"resourceType": "Parameters"}), TODAY, ZONE)
    (issue,) = refused.value.issues
    assert (refused.value.status, issue.code, issue.expression) == (400, "required", "Parameters.parameter")


@pytest.mark.parametrize("moment", ["2026-03-02", "2026-03-02T23:30:00-05:00", "2026-03-03T04:30:00Z"])
def test_today_is_the_local_day(moment: str) -> None:
    assert asked(date__valueDateTime=moment).count is None


@pytest.mark.parametrize("day", ["2026-03-01", "2026-03-03", "2026-03", "2026", "2026-03-02T04:30:00Z"])
def test_another_day_is_not_supported(day: str) -> None:
    assert refusal(date__valueDateTime=day) == (422, "not-supported", "Parameters.parameter[1].valueDateTime")


@pytest.mark.parametrize(
    ("name", "member"),
    [
        *(("valueSet", "resource"), ("context", "valueUri"), ("contextDirection", "valueCode")),
        *(("check-system-version", "valueCanonical"), ("force-system-version", "valueCanonical")),
        *(("exclude-system", "valueCanonical"), ("system-version", "valueCanonical")),
    ],
)
def test_what_would_change_which_codes_are_meant_is_not_supported(name: str, member: str) -> None:
    value = {"resourceType": "ValueSet"} if member == "resource" else "x"
    assert refusal(**{f"{name}__{member}": value}) == (422, "not-supported", f"Parameters.parameter[1].{member}")


def test_a_count_is_cut_to_what_one_answer_has() -> None:
    assert asked(count__valueInteger=MOST_CODES).count == MOST_CODES
    assert asked(count__valueInteger=MOST_CODES + 1).count == MOST_CODES
    assert asked(count__valueInteger=0).count == 0


def test_a_filter_has_so_many_words() -> None:
    assert len(asked(filter__valueString="x " * MOST_WORDS).words) == MOST_WORDS
    assert refusal(filter__valueString="x " * (MOST_WORDS + 1)) == (400, "value", "Parameters.parameter[1].valueString")


def test_a_query_asks_for_the_same_and_is_refused_by_name() -> None:
    query = [("url", f"{URL}|abc"), ("filter", "Low"), ("count", "7"), ("offset", "5"), ("date", "2026-03-02")]
    found = read_asked(query_parameters(query, QUERY_TYPES), TODAY, ZONE)
    assert found == Asked(URL, "abc", ("low",), 5, 7, "url")
    for name in ("valueSet", "context", "force-system-version"):
        with pytest.raises(RefusedError) as refused:
            read_asked(query_parameters([*query, (name, "x")], QUERY_TYPES), TODAY, ZONE)
        (issue,) = refused.value.issues
        assert (refused.value.status, issue.code, issue.expression) == (422, "not-supported", name)
