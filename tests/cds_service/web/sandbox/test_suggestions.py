"""A suggestion changes the draft orders of a case as its actions say."""

from typing import Any

from cds_service.web.sandbox.case import Case
from cds_service.web.sandbox.suggestions import apply

ONE = {"resourceType": "ServiceRequest", "id": "draft-1"}
TWO = {"resourceType": "DeviceRequest", "id": "draft-1"}
CASE = Case("https://ehr.example/fhir", "p").with_orders(ONE, TWO)


def orders_after(*actions: dict[str, Any]) -> tuple[Any, ...]:
    return apply(CASE, {"suggestions": [{"actions": []}, {"actions": list(actions)}]}, 1).orders


def test_an_update_replaces_the_order_of_its_type_and_id_in_its_place() -> None:
    changed = {**ONE, "priority": "urgent"}
    assert orders_after({"type": "update", "resource": changed}) == (changed, TWO)


def test_an_update_of_an_order_that_is_not_there_changes_nothing() -> None:
    assert orders_after({"type": "update", "resource": {**ONE, "id": "gone"}}) == (ONE, TWO)


def test_a_deletion_removes_the_order_that_it_names() -> None:
    assert orders_after({"type": "delete", "resourceId": "ServiceRequest/draft-1"}) == (TWO,)


def test_a_deletion_may_name_several_orders() -> None:
    assert orders_after({"type": "delete", "resourceId": ["ServiceRequest/draft-1", "DeviceRequest/draft-1"]}) == ()


def test_a_new_order_gets_an_id_that_no_other_has() -> None:
    (*_, made) = orders_after({"type": "create", "resource": {"resourceType": "ServiceRequest"}})
    assert made == {"resourceType": "ServiceRequest", "id": "draft-2"}


def test_a_task_is_no_draft_order() -> None:
    assert orders_after({"type": "create", "resource": {"resourceType": "Task"}}) == (ONE, TWO)


def test_a_replacement_by_deletion_and_creation_leaves_one_order() -> None:
    replaced = orders_after(
        {"type": "delete", "resourceId": "ServiceRequest/draft-1"},
        {"type": "create", "resource": {"resourceType": "ServiceRequest", "priority": "urgent"}},
    )
    assert [each.get("priority") for each in replaced] == [None, "urgent"]
