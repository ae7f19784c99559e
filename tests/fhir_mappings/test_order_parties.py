"""Who orders and performs an order, and where."""

from typing import Any

import pytest

from fhir_mappings.code_systems import NUCC
from fhir_mappings.order_parties import parties, places
from tests.support.fhir_builders import concept

SURGEON = concept("207X00000X", NUCC)
ROLE = {"resourceType": "PractitionerRole", "id": "r"}


def named(**members: Any) -> list[tuple[list[str], bool]]:
    found = parties(members, lambda _: None)
    return [([each.code for each in party.codings], party.is_known) for party in found]


def by(target: dict[str, Any], element: str = "requester") -> list[tuple[list[str], bool]]:
    return named(contained=[target], **{element: {"reference": "#r"}})


def test_an_order_that_names_nobody_has_no_party() -> None:
    assert named() == []


def test_a_type_of_performer_is_a_party() -> None:
    assert named(performerType=SURGEON) == [(["207X00000X"], True)]
    assert named(performerType={"text": "Surgeon"}) == [([""], False)]


@pytest.mark.parametrize("element", ["requester", "performer"])
def test_a_specialty_of_a_role_is_known(element: str) -> None:
    assert by(ROLE | {"specialty": [SURGEON]}, element) == [(["207X00000X"], True)]


@pytest.mark.parametrize(
    ("members", "codes", "is_known"),
    [
        ({"specialty": [{"text": "Orthopedics"}]}, [""], False),
        ({"code": [concept("doctor")]}, ["doctor"], False),
        ({"code": [SURGEON]}, ["207X00000X"], True),
        ({"qualification": [{"code": SURGEON}]}, ["207X00000X"], True),
        ({"qualification": [{"code": concept("MD")}, 7]}, ["MD"], False),
        ({}, [], False),
    ],
)
def test_a_role_or_a_degree_is_no_specialty(members: dict[str, Any], codes: list[str], is_known: bool) -> None:
    assert by(ROLE | members) == [(codes, is_known)]


def test_a_reference_that_leads_nowhere_is_a_party_of_whom_nothing_is_known() -> None:
    assert named(requester={"reference": "PractitionerRole/1"}) == [([], False)]


def test_a_place_is_stated_or_that_of_a_location() -> None:
    location = {"resourceType": "Location", "id": "l", "type": [concept("HOSP")], "physicalType": concept("ro")}
    order = {"locationCode": [concept("PTRES")], "locationReference": [{"reference": "#l"}], "contained": [location]}
    assert [each.code for each in places(order, lambda _: None)] == ["PTRES", "HOSP", "ro"]
    assert places({}, lambda _: None) == ()
