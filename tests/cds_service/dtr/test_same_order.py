"""One order or two: what may change between CRD and DTR (Da Vinci DTR 2.2.0 spec-128)."""

from typing import Any

import pytest

from cds_service.dtr.same_order import is_same_order, takes_its_place
from tests.support.crd_calls import order

SEEN = ("", order("draft-1", bodySite=[{"text": "left"}]))


@pytest.mark.requirement("dtr:spec-128")
@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"status": "active"}, id="another status"),
        pytest.param({"note": [{"text": "please call"}]}, id="a note"),
        pytest.param({"bodySite": [{"text": "right"}]}, id="another side"),
        pytest.param({"id": "stored-9"}, id="stored under another id"),
    ],
)
def test_an_order_with_small_changes_is_the_same(changed: dict[str, Any]) -> None:
    assert is_same_order(SEEN, ("", {**SEEN[1], **changed}))


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(order("draft-1", code="62350"), id="the id of a draft that was used again"),
        pytest.param(order("stored-9", bodySite=[{"text": "right"}]), id="the other side under another id"),
        pytest.param(order("stored-9", code="62350", bodySite=[{"text": "left"}]), id="another code"),
    ],
)
def test_an_order_of_something_else_is_another_one(other: dict[str, Any]) -> None:
    assert not is_same_order(SEEN, ("", other))


def test_two_orders_without_codes_are_the_same_by_their_id_only() -> None:
    one, other = ({**order(own_id), "code": {"text": "a brace"}} for own_id in ("a", "b"))
    assert is_same_order(("", one), ("", {**one, "status": "active"}))
    assert not is_same_order(("", one), ("", other))


def test_an_order_takes_the_place_of_the_draft_whose_id_it_has() -> None:
    again = ("", order("draft-1", code="62350"))
    assert takes_its_place(again, SEEN)
    assert not takes_its_place(("", order("o-2", code="62350")), SEEN)


def test_an_order_without_an_id_is_named_by_its_full_url() -> None:
    bare = {name: value for name, value in order().items() if name not in ("id", "code")}
    assert is_same_order(("urn:uuid:a", bare), ("urn:uuid:a", bare))
    assert not is_same_order(("urn:uuid:a", bare), ("urn:uuid:b", bare))
