"""The access token of a call: what is wrong with it costs the token or nothing, never the call."""

import math
from decimal import Decimal
from typing import Any

import pytest

from cds_service.hooks.fhir_authorization import FhirAuthorization, read_token
from coverage_policies.format.searches import CONDITIONS
from tests.support.hook_fakes import PATIENT, FakeEhr, Service, WatchingAssessor, authorization, bundle, call

ABSENT = object()
READ = {"patient": PATIENT, "coverage": bundle(), "conditions": bundle()}


def sent(**members: Any) -> Any:
    """Return an authorization with these members, without those that are ABSENT."""
    return {name: value for name, value in authorization(**members).items() if value is not ABSENT}


def read(**members: Any) -> Any:
    return read_token(FhirAuthorization.model_validate(sent(**members)))


def test_a_token_as_cds_hooks_wants_it_is_read_without_a_word() -> None:
    found = read()
    assert (found.token, found.expires_in, found.fault, found.deviations) == ("token-1", 300, "", ())


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("300", 300),
        (" 300 ", 300),
        ("300.0", 300),
        (Decimal("300.0"), 300),
        (299.5, 299.5),
        (0, 0),
        ("-1", -1),
        (10**400, math.inf),
        (-(10**400), 0),
        (Decimal("1e400"), math.inf),
        (ABSENT, math.inf),
        (None, math.inf),
        ("soon", math.inf),
        ("", math.inf),
        ("300s", math.inf),
        ("9" * 1000, math.inf),
        (True, math.inf),
        ([300], math.inf),
        ({}, math.inf),
    ],
)
def test_a_lifetime_is_read_from_a_number_however_it_is_written(value: Any, seconds: float) -> None:
    found = read(expires_in=value)
    assert (found.token, found.expires_in, found.fault) == ("token-1", seconds, "")


@pytest.mark.parametrize(
    ("members", "deviation"),
    [
        ({"expires_in": "300"}, "expires_in is not a whole number"),
        ({"expires_in": True}, "expires_in is not a whole number"),
        ({"expires_in": ABSENT}, "expires_in is missing"),
        ({"token_type": "bearer"}, "token_type is not written Bearer"),
        ({"token_type": ABSENT}, "token_type is missing"),
        ({"scope": ABSENT}, "scope is missing"),
        ({"subject": None}, "subject is missing"),
    ],
)
def test_what_can_only_mean_one_thing_is_taken_and_named(members: dict[str, Any], deviation: str) -> None:
    found = read(**members)
    assert (found.token, found.fault, found.deviations) == ("token-1", "", (deviation,))


@pytest.mark.parametrize("value", ["token-1\n", " token-1"])
def test_blanks_around_a_token_are_dropped(value: str) -> None:
    assert read(access_token=value).token == "token-1"


@pytest.mark.parametrize(
    ("members", "fault"),
    [
        ({"access_token": ""}, "access_token is missing or empty"),
        ({"access_token": " "}, "access_token is missing or empty"),
        ({"access_token": ABSENT}, "access_token is missing or empty"),
        ({"access_token": "a b"}, "access_token is not a string of printable ASCII characters"),
        ({"access_token": "a\r\nHost: b"}, "access_token is not a string of printable ASCII characters"),
        ({"access_token": "\u00e9"}, "access_token is not a string of printable ASCII characters"),
        ({"access_token": 7}, "access_token is not a string of printable ASCII characters"),
        ({"access_token": ["token-1"]}, "access_token is not a string of printable ASCII characters"),
        ({"token_type": "MAC"}, "token_type is not Bearer"),
        ({"token_type": 7}, "token_type is not Bearer"),
    ],
)
def test_a_token_that_cannot_be_used_is_none(members: dict[str, Any], fault: str) -> None:
    found = read(**members)
    assert (found.token, found.fault, found.deviations) == ("", fault, (fault,))


def test_a_token_is_in_no_repr() -> None:
    assert "token-1" not in repr(read())


@pytest.mark.requirement("7.24")
def test_a_token_that_is_slightly_off_is_sent(ehr: FakeEhr) -> None:
    faulty = sent(expires_in="300", token_type="bearer", scope=ABSENT)
    service = Service(WatchingAssessor(CONDITIONS))
    assert service.post(call(fhirServer=ehr.base, fhirAuthorization=faulty)).status_code == 200
    assert {headers["Authorization"] for headers in ehr.headers} == {"Bearer token-1"}
    (warning, _) = service.lines()
    assert (warning["event"], warning["token_used"]) == ("fhirAuthorization faulty", "yes")
    assert warning["faults"] == [
        "token_type is not written Bearer",
        "expires_in is not a whole number",
        "scope is missing",
    ]


@pytest.mark.requirement("7.24")
@pytest.mark.parametrize("value", [sent(access_token=""), sent(token_type="MAC"), {}, [], "Xanthippe"])
def test_a_token_that_cannot_be_used_costs_the_token_and_not_the_call(ehr: FakeEhr, value: Any) -> None:
    judge = WatchingAssessor(CONDITIONS)
    service = Service(judge)
    assert service.post(call(fhirServer=ehr.base, fhirAuthorization=value)).status_code == 200
    assert not [headers for headers in ehr.headers if "Authorization" in headers]
    (note,) = judge.records[-1].notes
    assert note.startswith("The access token of the call was not used: ")
    assert service.lines()[0]["token_used"] == "no"
    assert "Xanthippe" not in service.written.getvalue()


@pytest.mark.requirement("7.24")
def test_with_complete_prefetch_no_token_is_needed(ehr: FakeEhr) -> None:
    request = call(fhirServer=ehr.base, fhirAuthorization=sent(access_token=ABSENT), prefetch=READ)
    assert Service(WatchingAssessor(CONDITIONS)).post(request).status_code == 200
    assert ehr.asked == []
