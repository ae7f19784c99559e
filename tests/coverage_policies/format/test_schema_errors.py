"""The words about input that breaks a schema: they name the place and what belongs there, and quote no request."""

from typing import Annotated

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from coverage_policies.format.schema_errors import Fault, FaultKind, missing, model_faults, place, unknown


class Leaf(BaseModel):
    """A leaf."""

    model_config = ConfigDict(extra="forbid", strict=True)

    size: int = Field(0, description="a whole number")
    names: list[Annotated[str, Field(pattern="^x")]] = Field([], max_length=2, description="at most two names with x")


class Tree(BaseModel):
    """A tree."""

    model_config = ConfigDict(strict=True)

    leaves: list[Leaf] = Field(description="a list of leaves")
    best: Leaf | None = Field(None, description="the best leaf")


def faults(value: object) -> list[Fault]:
    with pytest.raises(ValidationError) as raised:
        Tree.model_validate(value)
    return list(model_faults(Tree, raised.value))


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        ({}, Fault(("leaves",), FaultKind.MISSING, "a list of leaves")),
        ({"leaves": 7}, Fault(("leaves",), FaultKind.TYPE, "a list of leaves")),
        ({"leaves": [7]}, Fault(("leaves", 0), FaultKind.TYPE, "a list of leaves")),
        ({"leaves": [{"size": "7"}]}, Fault(("leaves", 0, "size"), FaultKind.TYPE, "a whole number")),
        ({"leaves": [{"size": True}]}, Fault(("leaves", 0, "size"), FaultKind.TYPE, "a whole number")),
        (
            {"leaves": [{"names": ["secret"]}]},
            Fault(("leaves", 0, "names", 0), FaultKind.VALUE, "at most two names with x"),
        ),
        (
            {"leaves": [{"names": ["x", "x", "x"]}]},
            Fault(("leaves", 0, "names"), FaultKind.VALUE, "at most two names with x"),
        ),
        (
            {"leaves": [], "best": {"color": 1}},
            Fault(("best", "color"), FaultKind.UNKNOWN, "the best leaf", ("size", "names")),
        ),
        ([], Fault((), FaultKind.TYPE, "A tree.")),
    ],
    ids=str,
)
def test_a_fault_has_the_path_and_the_description_of_what_belongs_there(value: object, fault: Fault) -> None:
    assert faults(value) == [fault]


def test_no_fault_holds_a_value_of_the_input() -> None:
    found = faults({"leaves": [{"size": "secret", "names": ["secret", 7]}, "secret"], "best": ["secret"]})
    assert (len(found), "secret" in repr(found)) == (5, False)


def test_a_key_that_resembles_a_known_one_gets_a_suggestion_and_another_does_not() -> None:
    assert unknown("order", ["sid", "color"], ["side", "code"]) == (
        "order has no key 'color' or 'sid' (did you mean 'side'?); known keys: side, code"
    )


def test_missing_keys_are_named_in_order_each_with_its_description() -> None:
    assert missing("order", {"side": "left or right", "code": ""}) == "order is missing 'code', 'side' (left or right)"


def test_a_place_leaves_out_the_indexes_of_lists() -> None:
    assert place(("orders", 3, "codes", 0)) == "orders.codes"
