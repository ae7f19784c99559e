"""What FHIR R4 does not define is left out of a resource, at any level, and nothing else."""

from copy import deepcopy
from decimal import Decimal
from typing import Any

import pytest

from fhir_mappings.defined_elements import only_defined
from tests.support.crd_orders import ORDERS
from tests.support.fuzzing import with_unknown

ORDER: dict[str, Any] = {
    "resourceType": "ServiceRequest",
    "status": "draft",
    "_status": {"extension": [{"url": "http://example.org/x", "valueDecimal": Decimal("1.50")}]},
    "code": {"coding": [{"system": "http://example.org", "code": "a"}], "text": "A"},
    "contained": [{"resourceType": "Practitioner", "id": "a", "name": [{"family": "A"}]}],
}


@pytest.mark.parametrize("kind", sorted(ORDERS))
def test_what_fhir_defines_stays(kind: str) -> None:
    assert only_defined(ORDERS[kind]) == ORDERS[kind]


def test_extensions_of_primitives_and_contained_resources_stay() -> None:
    assert only_defined(ORDER) == ORDER


@pytest.mark.parametrize("resource", [*ORDERS.values(), ORDER])
def test_what_fhir_does_not_define_is_left_out_at_every_level(resource: Any) -> None:
    assert only_defined(with_unknown(resource)) == resource


def test_an_element_of_another_type_of_object_is_left_out() -> None:
    given = {**ORDER, "code": {**ORDER["code"], "resourceType": "CodeableConcept", "family": "A"}}
    assert only_defined(given) == ORDER


@pytest.mark.parametrize("kind", [5, ["Patient"], "Bogus", "HumanName"])
def test_of_a_resource_of_an_unknown_type_the_type_stays(kind: object) -> None:
    unknown = {"resourceType": kind, "ourOwn": 1}
    assert only_defined(unknown) == {"resourceType": kind}
    assert only_defined({**ORDER, "contained": [unknown]}) == {**ORDER, "contained": [{"resourceType": kind}]}


def test_of_a_resource_without_a_type_nothing_stays() -> None:
    assert only_defined({"ourOwn": 1}) == {}


@pytest.mark.parametrize("value", [None, 5, "x", [], ["x"], [[]], {}])
def test_a_value_of_the_wrong_shape_stays_for_the_validation(value: object) -> None:
    given = {**ORDER, "code": value, "status": value}
    assert only_defined(given) == given


def test_the_resource_is_not_changed() -> None:
    given = with_unknown(ORDER)
    before = deepcopy(given)
    only_defined(given)
    assert given == before


def test_deep_nesting_is_no_crash() -> None:
    deep: dict[str, Any] = {"url": "http://example.org/x", "valueString": "x"}
    for _ in range(5_000):
        deep = {"url": "http://example.org/x", "extension": [deep]}
    assert only_defined({**ORDER, "extension": [deep]})["extension"][0]["url"] == "http://example.org/x"
